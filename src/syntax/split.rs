//! In: the tokens of a file. Out: one piece per declaration. Errors: brackets that do not match.
//! An error in one piece does not hide errors in others.

use crate::diagnostic::{Diagnostic, point};
use crate::errors::syntax as errors;
use crate::source::{FileId, Location, Span};
use crate::syntax::MAX_ERRORS;
use crate::syntax::lexer::{Token, TokenKind};
use crate::token;

/// Maximum nesting of brackets of all kinds. Deeper text is rejected before the grammar recurses into it.
pub const MAX_DEPTH: usize = 200;

/// Maximum number of tokens in an `@allow(...)`.
pub(super) const MAX_ANNOTATION: usize = 200;

/// The tokens of one declaration, including annotations.
#[derive(Debug, Clone)]
pub struct DeclarationTokens {
    pub tokens: std::ops::Range<usize>,
    /// Its brackets do not match; this has been reported.
    pub unbalanced: bool,
}

pub(super) struct Split {
    pub pieces: Vec<DeclarationTokens>,
    pub errors: Vec<Diagnostic>,
    /// Closing brackets without an opening one.
    pub stray_closes: Vec<Diagnostic>,
}

/// Splits the tokens into declarations and checks the brackets. `whole`: the tokens are the complete file.
pub(super) fn split(file: FileId, text: &str, tokens: &[Token], whole: bool) -> Split {
    let mut splitter = Splitter {
        file,
        text,
        tokens,
        open: Vec::new(),
        deeper: 0,
        indent: 0,
        suspect: None,
        start: 0,
        head: 0,
        unbalanced: false,
        pieces: Vec::new(),
        errors: Vec::new(),
        stray_closes: Vec::new(),
    };
    for index in 0..tokens.len() {
        if splitter.errors.len() + splitter.stray_closes.len() > MAX_ERRORS {
            break;
        }
        splitter.token(index);
    }
    if whole && !splitter.open.is_empty() {
        splitter.unclosed("the file ends before it is closed", tokens.len());
    }
    splitter.unbalanced |= !splitter.open.is_empty();
    splitter.cut(tokens.len());
    Split {
        pieces: splitter.pieces,
        errors: splitter.errors,
        stray_closes: splitter.stray_closes,
    }
}

#[derive(Clone, Copy)]
struct Bracket {
    token: usize,
    /// The indentation of its line.
    indent: usize,
}

struct Splitter<'a> {
    file: FileId,
    text: &'a str,
    tokens: &'a [Token],
    /// The open brackets, at most [`MAX_DEPTH`].
    open: Vec<Bracket>,
    /// Number of open brackets beyond that limit.
    deeper: usize,
    /// Number of bytes before the first token of the current line.
    indent: usize,
    /// A bracket whose closer is indented like the closer of an outer one.
    suspect: Option<usize>,
    /// The first token of the current piece.
    start: usize,
    /// The first token after the annotations seen so far in the current piece.
    head: usize,
    unbalanced: bool,
    pieces: Vec<DeclarationTokens>,
    errors: Vec<Diagnostic>,
    stray_closes: Vec<Diagnostic>,
}

impl Splitter<'_> {
    fn token(&mut self, index: usize) {
        let token = self.tokens[index];
        let word = token.span.text(self.text);
        if token.first_on_line {
            let start = token.span.start as usize;
            self.indent = start - self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        }
        match token.kind {
            TokenKind::Open => {
                if self.open.len() < MAX_DEPTH {
                    self.open.push(Bracket {
                        token: index,
                        indent: self.indent,
                    });
                } else {
                    self.deeper += 1;
                    if self.deeper == 1 {
                        self.too_deep(token.span);
                    }
                }
            }
            TokenKind::Close if self.deeper > 0 => self.deeper -= 1,
            TokenKind::Close => self.close(index, word),
            TokenKind::Word | TokenKind::Symbol
                if token::begins_declaration(word)
                    || word == "default" && self.is(index + 1, "role") =>
            {
                self.keyword(index, word);
            }
            _ => {}
        }
        if index == self.head && word == "@allow" {
            self.head = self.behind_annotation(index);
        }
    }

    fn keyword(&mut self, index: usize, word: &str) {
        let before = index.checked_sub(1).map(|before| self.text_of(before));
        if self.open.is_empty() {
            let joined = (word == "system" && before == Some("extend"))
                || (word == "role" && before == Some("default"))
                || (self.start < index && self.head == index);
            if !joined {
                self.cut(index);
            }
        } else if self.tokens[index].first_on_line && word != "@allow" {
            let in_test = self.is(self.head, "test") || self.is(self.head, "scenario");
            let role_of_test = word == "role" && in_test && !self.is(index + 2, "uses");
            let goes_on = word == "system" && before == Some("extend")
                || word == "role" && before == Some("default");
            if !role_of_test && !goes_on {
                self.unclosed("a declaration starts before it is closed", index);
                self.cut(index);
            }
        }
    }

    fn is(&self, index: usize, word: &str) -> bool {
        self.tokens
            .get(index)
            .is_some_and(|token| token.span.text(self.text) == word)
    }

    /// The token after the annotation at `at`; the end if it is not closed soon, so that it belongs to nothing.
    fn behind_annotation(&self, at: usize) -> usize {
        let mut near = at..self.tokens.len().min(at + MAX_ANNOTATION);
        near.find(|index| self.text_of(*index) == ")")
            .map_or(self.tokens.len(), |close| close + 1)
    }

    fn close(&mut self, index: usize, word: &str) {
        let wanted = if word == "}" { "{" } else { "(" };
        if self
            .open
            .iter()
            .all(|open| self.text_of(open.token) != wanted)
        {
            self.unbalanced = true;
            let last = self
                .pieces
                .last()
                .and_then(|piece| piece.tokens.end.checked_sub(1))
                .filter(|last| word == "}" && self.text_of(*last) == "}")
                .map(|last| self.location(self.tokens[last].span));
            let at = self.location(self.tokens[index].span);
            self.stray_closes
                .push(errors::stray_close(word, wanted, at, last));
            return;
        }
        while let Some(open) = self.open.pop() {
            if self.text_of(open.token) == wanted {
                if self.tokens[index].first_on_line {
                    self.suspicious(open);
                }
                break;
            }
            self.unbalanced = true;
            let opener = self.text_of(open.token);
            let [opened, closed] =
                [open.token, index].map(|at| self.location(self.tokens[at].span));
            self.errors
                .push(errors::crossed_brackets(opener, opened, word, closed));
        }
        if self.open.is_empty() && word == "}" {
            self.cut(index + 1);
        }
    }

    /// Remembers a block whose closing brace, the first on its line, is indented like an outer block.
    fn suspicious(&mut self, open: Bracket) {
        let is_outer = self.open.iter().any(|outer| outer.indent == self.indent);
        if self.suspect.is_none() && self.indent < open.indent && is_outer {
            self.suspect = Some(open.token);
        }
    }

    fn unclosed(&mut self, why: &str, before: usize) {
        let Some(open) = self
            .suspect
            .take()
            .or_else(|| self.open.last().map(|open| open.token))
        else {
            return;
        };
        let opener = self.text_of(open);
        let before = match self.tokens.get(before) {
            Some(token) => token.span,
            None => point(self.text.len() as u32),
        };
        let opened = self.location(self.tokens[open].span);
        self.errors
            .push(errors::unclosed(opener, opened, why, self.location(before)));
        self.open.clear();
        self.deeper = 0;
        self.unbalanced = true;
    }

    fn too_deep(&mut self, span: Span) {
        self.unbalanced = true;
        self.errors
            .push(errors::too_deep(MAX_DEPTH, self.location(span)));
    }

    fn cut(&mut self, index: usize) {
        if self.start < index {
            self.pieces.push(DeclarationTokens {
                tokens: self.start..index,
                unbalanced: self.unbalanced,
            });
            self.unbalanced = false;
        }
        self.start = index;
        self.head = index;
        self.suspect = None;
    }

    fn text_of(&self, index: usize) -> &str {
        self.tokens[index].span.text(self.text)
    }

    fn location(&self, span: Span) -> Location {
        Location {
            file: self.file,
            span,
        }
    }
}
