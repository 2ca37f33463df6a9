//! What each token of a file is, for colors.

use presync::{DeclaredKind, Meaning, Span, TokenKind};

use crate::analysis::FileView;
use crate::navigate::is_declaration;

/// A token with a color of its own. None spans lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColoredToken {
    pub span: Span,
    pub kind: ColorKind,
    pub is_declaration: bool,
    /// Declared in a bundled vocabulary.
    pub is_bundled: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ColorKind {
    Keyword,
    Operator,
    Comment,
    Text,
    Number,
    System,
    State,
    Group,
    Fact,
    Value,
    Condition,
    Mapping,
    Profile,
    Role,
    Attribute,
}

/// The tokens of a file in order.
pub fn tokens(view: FileView<'_>) -> Vec<ColoredToken> {
    let text = view.text();
    let (tokens, comments) = presync::tokens(text);
    let index = view.index();
    let from = index
        .occurrences
        .partition_point(|one| one.location.file < view.file);
    let mut names = index.occurrences[from..]
        .iter()
        .take_while(|one| one.location.file == view.file)
        .peekable();
    let plain = |span, kind| ColoredToken {
        span,
        kind,
        is_declaration: false,
        is_bundled: false,
    };
    let mut colored: Vec<ColoredToken> = comments
        .iter()
        .map(|comment| plain(comment.span, ColorKind::Comment))
        .collect();
    for token in tokens {
        while names
            .next_if(|name| name.location.span.start < token.span.start)
            .is_some()
        {}
        let name = names.peek().filter(|name| name.location.span == token.span);
        let word = token.span.text(text);
        let kind = match (name, token.kind) {
            (Some(name), _) => {
                let at = index.definition(name.meaning);
                colored.push(ColoredToken {
                    span: token.span,
                    kind: of_name(view, name.meaning),
                    is_declaration: is_declaration(view, name.location),
                    is_bundled: at.is_some_and(|at| view.sources().file(at.file).bundled),
                });
                continue;
            }
            (None, TokenKind::Word) if presync::is_keyword(word) => ColorKind::Keyword,
            (None, TokenKind::Word)
                if presync::contextual_keywords().any(|known| known == word) =>
            {
                ColorKind::Keyword
            }
            (None, TokenKind::Symbol) if word.starts_with('@') => ColorKind::Keyword,
            (None, TokenKind::Symbol) => ColorKind::Operator,
            (None, TokenKind::Text) => ColorKind::Text,
            (None, TokenKind::Number) => ColorKind::Number,
            (None, TokenKind::Word | TokenKind::Open | TokenKind::Close | TokenKind::Bad) => {
                continue;
            }
        };
        colored.push(plain(token.span, kind));
    }
    colored.sort_by_key(|token| token.span);
    colored
}

fn of_name(view: FileView<'_>, meaning: Meaning) -> ColorKind {
    match meaning {
        Meaning::State(_) => ColorKind::State,
        Meaning::Value(_) => ColorKind::Value,
        Meaning::Attribute(_) => ColorKind::Attribute,
        Meaning::Declared(id) => match view.index().declared[id.index()].kind {
            DeclaredKind::System => ColorKind::System,
            DeclaredKind::Group => ColorKind::Group,
            DeclaredKind::Flag | DeclaredKind::Choice => ColorKind::Fact,
            DeclaredKind::Condition => ColorKind::Condition,
            DeclaredKind::Mapping => ColorKind::Mapping,
            DeclaredKind::Profile => ColorKind::Profile,
            DeclaredKind::Role => ColorKind::Role,
        },
    }
}
