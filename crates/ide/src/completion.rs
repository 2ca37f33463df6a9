//! What can be written at an offset, by grammar and by meaning. Works on tokens, so that it works in broken text.

mod offered;

use presync::{Meaning, Span, Token, TokenKind};

use crate::analysis::{Analysis, FileView};
use offered::{DECLARATIONS, Offered};

/// Something that can be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    pub label: String,
    pub kind: CompletionKind,
    /// In a few words.
    pub detail: String,
    /// The text to insert. In a snippet, `${1:name}` is to be filled in.
    pub insert: String,
    pub is_snippet: bool,
    /// What it is about, for documentation.
    pub meaning: Option<Meaning>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompletionKind {
    Keyword,
    Snippet,
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
    Code,
    File,
}

/// What can be written at an offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completions {
    /// What is replaced: the word at the offset.
    pub replace: Span,
    pub items: Vec<Completion>,
}

/// What can be written at an offset.
pub fn complete(analysis: &Analysis, view: FileView<'_>, offset: u32) -> Completions {
    let text = view.text();
    let (all, comments) = presync::tokens(text);
    let nothing = |replace| Completions {
        replace,
        items: Vec::new(),
    };
    let here = Span {
        start: offset,
        end: offset,
    };
    // The end of a comment line belongs to it.
    if comments
        .iter()
        .any(|comment| comment.span.start < offset && offset <= comment.span.end)
    {
        return nothing(here);
    }
    let typed = all.iter().position(|token| {
        let touches = token.span.start < offset && offset <= token.span.end;
        touches
            && match token.kind {
                TokenKind::Word | TokenKind::Text | TokenKind::Bad => true,
                // The offset is behind it.
                TokenKind::Number | TokenKind::Open | TokenKind::Close | TokenKind::Symbol => false,
            }
    });
    let replace = match typed.map(|at| all[at]) {
        // A quote that is not closed would reach to the end of the line, or to the next quote.
        Some(token) if token.kind == TokenKind::Bad || is_open_quote(text, token.span) => Span {
            start: token.span.start,
            end: offset,
        },
        Some(token) => token.span,
        None => here,
    };
    let before = match typed {
        Some(at) => at,
        None => all.partition_point(|token| token.span.end <= offset),
    };
    let tokens = TokensBefore {
        text,
        all: &all[..before],
        first_on_line: false,
    };
    let mut offered = Offered {
        analysis,
        view,
        items: Vec::new(),
    };
    if tokens.awaits_code() {
        // A code has dashes, which are not part of a word.
        let is_part = |char: &char| char.is_ascii_lowercase() || *char == '-';
        let (left, right) = text.split_at(offset as usize);
        let left = left.chars().rev().take_while(is_part).count();
        let right = right.chars().take_while(is_part).count();
        offered.codes();
        return Completions {
            replace: Span::new(offset as usize - left, offset as usize + right),
            items: offered.items,
        };
    }
    let first_on_line = match typed {
        Some(at) => all[at].first_on_line,
        None => {
            let line = text[..offset as usize].rfind('\n').map_or(0, |at| at + 1);
            text[line..offset as usize].trim().is_empty()
        }
    };
    offered.declaration(&TokensBefore {
        first_on_line,
        ..tokens
    });
    Completions {
        replace,
        items: offered.items,
    }
}

/// Whether a text in quotes is one that somebody has begun before others: then the quotes of its line do not come in pairs.
fn is_open_quote(text: &str, span: Span) -> bool {
    let start = text[..span.start as usize]
        .rfind('\n')
        .map_or(0, |at| at + 1);
    let line = text[start..].lines().next().unwrap_or_default();
    let line = line.replace("\\\"", "");
    let mut quotes = 0;
    // Outside of quotes, `//` begins a comment.
    for (at, part) in line.split('"').enumerate() {
        quotes = at;
        if at % 2 == 0 && part.contains("//") {
            break;
        }
    }
    span.text(text).starts_with('"') && quotes % 2 == 1
}

/// The tokens before the word that is typed.
struct TokensBefore<'a> {
    text: &'a str,
    all: &'a [Token],
    /// Whether the typed word is the first on its line.
    first_on_line: bool,
}

impl<'a> TokensBefore<'a> {
    fn word(&self, at: usize) -> &'a str {
        self.all
            .get(at)
            .map_or("", |token| token.span.text(self.text))
    }

    /// Whether the next word is the code of an `@allow`.
    fn awaits_code(&self) -> bool {
        let words = (0..self.all.len()).map(|at| self.word(at));
        let words: Vec<&str> = words.collect();
        let allow = words.iter().rposition(|word| *word == "@allow");
        allow.is_some_and(|at| {
            words[at + 1..].first() == Some(&"(")
                && words[at + 2..]
                    .iter()
                    .all(|word| !matches!(*word, ")" | "," | "{" | "}"))
        })
    }

    /// The declaration that the end is in: its first token, and the open brackets in it.
    fn head(&self) -> Option<(usize, Vec<usize>)> {
        let mut head = None;
        let mut open = Vec::new();
        for (at, token) in self.all.iter().enumerate() {
            let word = self.word(at);
            let starts_line = token.first_on_line && self.column(token) == 0;
            if matches!(word, "{" | "(") {
                open.push(at);
            } else if matches!(word, "}" | ")") {
                open.pop();
                if open.is_empty() && word == "}" {
                    head = None;
                }
            } else if (open.is_empty() || starts_line)
                && DECLARATIONS.iter().any(|(keyword, _)| *keyword == word)
                && !matches!(self.word(at.wrapping_sub(1)), "extend" | "default")
                && token.first_on_line
            {
                open.clear();
                head = Some(at);
            } else if word == "default" && head.is_none() {
                head = Some(at);
            }
        }
        head.map(|head| (head, open))
    }

    fn column(&self, token: &Token) -> usize {
        let start = token.span.start as usize;
        start - self.text[..start].rfind('\n').map_or(0, |at| at + 1)
    }

    /// The words of the statement that the end is in, within a body.
    fn statement(&self, from: usize) -> Vec<&'a str> {
        let mut start = self.all.len();
        if self.first_on_line && !presync::goes_on(self.word(start.wrapping_sub(1))) {
            return Vec::new();
        }
        while start > from {
            let word = self.word(start - 1);
            if matches!(word, "{" | "}" | ":") {
                break;
            }
            start -= 1;
            if self.all[start].first_on_line && !presync::goes_on(self.word(start.wrapping_sub(1)))
            {
                break;
            }
        }
        (start..self.all.len()).map(|at| self.word(at)).collect()
    }
}
