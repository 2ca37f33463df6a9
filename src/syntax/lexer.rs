//! In: the text of a file. Out: its tokens and comments.
//! Errors: in characters, strings and escapes, which a grammar reports badly. `split` reports brackets.

use crate::diagnostic::{Diagnostic, point};
use crate::errors::{confusable_name, hidden_character, syntax as errors};
use crate::quote::is_hidden;
use crate::source::{FileId, Location, Span};
use crate::syntax::MAX_ERRORS;
use crate::syntax::tree::Comment;

/// Maximum length of a quoted text or a word, in bytes.
pub const MAX_NAME: usize = 1_000;

/// Maximum number of bytes to look ahead when describing an error.
const NEAR: usize = 1 << 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    Word,
    Text,
    Number,
    Open,
    Close,
    Symbol,
    /// Already reported as an error.
    Bad,
}

#[derive(Debug, Clone, Copy)]
pub struct Token {
    pub kind: TokenKind,
    pub span: Span,
    pub first_on_line: bool,
}

/// The tokens and comments of a text, in source order, and the errors in it.
pub(super) struct Lexed {
    pub tokens: Vec<Token>,
    pub comments: Vec<Comment>,
    pub errors: Vec<Diagnostic>,
}

/// The tokens and comments of a text, also of one with errors.
pub fn tokens(text: &str) -> (Vec<Token>, Vec<Comment>) {
    let lexed = lex(FileId(0), text);
    (lexed.tokens, lexed.comments)
}

pub(super) fn lex(file: FileId, text: &str) -> Lexed {
    let mut lexer = Lexer {
        file,
        text,
        at: 0,
        fresh_line: true,
        tokens: Vec::with_capacity(text.len() / 6),
        comments: Vec::new(),
        errors: Vec::new(),
    };
    lexer.run();
    lexer.tokens.shrink_to_fit();
    Lexed {
        tokens: lexer.tokens,
        comments: lexer.comments,
        errors: lexer.errors,
    }
}

struct Lexer<'a> {
    file: FileId,
    text: &'a str,
    at: usize,
    fresh_line: bool,
    tokens: Vec<Token>,
    comments: Vec<Comment>,
    errors: Vec<Diagnostic>,
}

impl Lexer<'_> {
    fn run(&mut self) {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes
            .get(self.at)
            .filter(|_| self.errors.len() <= MAX_ERRORS)
        {
            let start = self.at;
            match byte {
                b'\n' => {
                    self.fresh_line = true;
                    self.at += 1;
                }
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'/' if bytes.get(start + 1) == Some(&b'/') => self.comment(),
                b'"' => self.string(),
                b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.take(TokenKind::Word, is_word),
                b'0'..=b'9' => self.take(TokenKind::Number, is_word),
                b'{' | b'(' => self.push(TokenKind::Open, 1),
                b'}' | b')' => self.push(TokenKind::Close, 1),
                b'-' if self.text[start..].starts_with("->") => self.push(TokenKind::Symbol, 2),
                b'<' if self.text[start..].starts_with("<->") => self.push(TokenKind::Symbol, 3),
                b'=' if self.text[start..].starts_with("=>") => self.push(TokenKind::Symbol, 2),
                b'@' => {
                    let length = 1 + bytes[start + 1..]
                        .iter()
                        .take_while(|byte| is_word(**byte))
                        .count();
                    self.push(TokenKind::Symbol, length);
                }
                // A hyphen only occurs inside a lint code: `@allow(dead-rule)`.
                b'=' | b'|' | b',' | b':' | b'.' => self.push(TokenKind::Symbol, 1),
                b'-' if self.in_lint_code() => self.push(TokenKind::Symbol, 1),
                _ => self.unknown(),
            }
        }
        self.hidden_in_comments();
    }

    fn push(&mut self, kind: TokenKind, length: usize) {
        let span = Span::new(self.at, self.at + length);
        self.tokens.push(Token {
            kind,
            span,
            first_on_line: self.fresh_line,
        });
        self.fresh_line = false;
        self.at += length;
    }

    fn take(&mut self, kind: TokenKind, inside: fn(u8) -> bool) {
        let length = self.text.as_bytes()[self.at..]
            .iter()
            .take_while(|byte| inside(**byte))
            .count();
        if length > MAX_NAME {
            return self.too_long("word", length);
        }
        self.push(kind, length);
    }

    fn too_long(&mut self, what: &str, length: usize) {
        let at = self.location(self.at, self.at + 1);
        self.errors.push(errors::long_token(what, MAX_NAME, at));
        self.push(TokenKind::Bad, length);
    }

    fn in_lint_code(&self) -> bool {
        let recent = self.tokens.iter().rev().take(super::split::MAX_ANNOTATION);
        let mut words = recent.map(|token| token.span.text(self.text));
        words.find(|word| ["@allow", ")"].contains(word)) == Some("@allow")
            && self
                .tokens
                .last()
                .is_some_and(|token| token.span.end as usize == self.at)
    }

    fn comment(&mut self) {
        let start = self.at;
        let length = self.text[start..]
            .find('\n')
            .unwrap_or(self.text.len() - start);
        let comment = self.text[start..start + length].trim_end_matches('\r');
        let doc = self.fresh_line && comment.starts_with("///") && !comment.starts_with("////");
        self.comments.push(Comment {
            span: Span::new(start, start + comment.len()),
            doc,
        });
        self.at = start + length;
    }

    fn string(&mut self) {
        let start = self.at;
        let mut at = start + 1;
        let mut kind = TokenKind::Text;
        while let Some(char) = self.text[at..].chars().next() {
            match char {
                '"' if at - start > MAX_NAME => return self.too_long("text", at + 1 - start),
                '"' => return self.push(kind, at + 1 - start),
                '\n' => break,
                '\\' => match read_escape(&self.text[at..]) {
                    Some((_, length)) => at += length,
                    None => {
                        kind = TokenKind::Bad;
                        self.bad_escape(at);
                        at += 1;
                        // The escaped character belongs to the string, even if it is a quote.
                        at += self.text[at..]
                            .chars()
                            .next()
                            .filter(|c| *c != '\n')
                            .map_or(0, char::len_utf8);
                    }
                },
                _ => {
                    if is_hidden(char) {
                        self.hidden(at, char);
                    }
                    at += char.len_utf8();
                }
            }
        }
        let end = start + self.text[start..at].trim_end().len();
        let line_end = Location {
            file: self.file,
            span: point(end as u32),
        };
        let opened = self.location(start, start + 1);
        self.errors.push(errors::unclosed_text(opened, line_end));
        self.push(TokenKind::Bad, at - start);
    }

    fn bad_escape(&mut self, at: usize) {
        let escaped = self.text[at + 1..].chars().next().filter(|c| *c != '\n');
        let end = at + 1 + escaped.map_or(0, char::len_utf8);
        let found = &self.text[at..end];
        self.errors
            .push(errors::bad_escape(found, self.location(at, end)));
    }

    fn hidden(&mut self, at: usize, char: char) {
        let location = self.location(at, at + char.len_utf8());
        self.errors
            .push(hidden_character::character(char, location));
    }

    fn hidden_in_comments(&mut self) {
        for index in 0..self.comments.len() {
            let span = self.comments[index].span;
            let found: Vec<_> = span
                .text(self.text)
                .char_indices()
                .filter(|(_, c)| is_hidden(*c))
                .collect();
            for (offset, char) in found {
                self.hidden(span.start as usize + offset, char);
            }
            if self.errors.len() > MAX_ERRORS {
                break;
            }
        }
    }

    /// Reports a character that cannot start a token; a run of them is one error.
    fn unknown(&mut self) {
        let start = self.at;
        let Some(char) = self.text[start..].chars().next() else {
            return;
        };
        // Emoji in quoted names need joiners and variation selectors.
        if is_hidden(char) || matches!(char, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}') {
            self.hidden(start, char);
            return self.push(TokenKind::Bad, char.len_utf8());
        }
        let length: usize = self.text[start..]
            .chars()
            .take_while(|c| is_strange(*c))
            .map(char::len_utf8)
            .sum();
        let mut length = length.max(char.len_utf8());
        if self.look_alike(start) {
            return;
        }
        let near = self.near(start);
        let line = near.lines().next().unwrap_or_default();
        let mut found = &self.text[start..start + length];
        let quoted;
        let help = match char {
            '/' if line.starts_with("/*") => {
                found = "/*";
                length = near.find("*/").map_or(line.len(), |end| end + 2);
                "start a comment with `//` on each line"
            }
            '-' if self.fresh_line && line.starts_with("--") && !line.starts_with("-->") => {
                found = "--";
                length = line.len();
                "start a comment with `//`"
            }
            '<' if line.starts_with("<-") => {
                found = "<-";
                length = found.len();
                "rules are written from left to right: `cic Available -> lync Away`"
            }
            '-' if is_in_vocabulary(&self.text[..start]) => {
                let name = line.find(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c));
                length = name.unwrap_or(line.len());
                found = &self.text[start..start + length];
                "vocabulary names use `_`: `use cic_lync`"
            }
            '!' if line.starts_with("!=") => {
                found = "!=";
                length = found.len();
                "write `is not`: `lync is not Busy`"
            }
            _ if is_quote(char) => {
                if let Some(end) = line.char_indices().skip(1).find(|(_, c)| is_quote(*c)) {
                    length = end.0 + end.1.len_utf8();
                }
                found = &self.text[start..start + length];
                quoted = format!(
                    "use straight double quotes: `\"{}\"`",
                    found.trim_matches(is_quote)
                );
                &quoted
            }
            c if c.is_whitespace() => "replace it with a plain space",
            ';' => "statements do not end with `;`: delete it",
            '#' => {
                length = line.len();
                "start a comment with `//`"
            }
            '/' => "start a comment with `//` on each line",
            '[' | ']' => "write lists without brackets: `\"At Lunch\" | \"Gone Home\"`",
            '&' => "join conditions with `and`",
            '!' => "negate with `not`",
            '*' => "write `any` for every state",
            '<' | '-' | '>' | '\u{2192}' | '\u{2194}' => "write arrows as `->` or `<->`",
            c if c.is_alphabetic() => "quote names that contain anything but a-z, digits and `_`",
            _ => "quote names that contain this character",
        };
        let at = self.location(start, start + length);
        self.errors.push(errors::strange(found, help, at));
        self.push(TokenKind::Bad, length);
    }

    /// The text from `start` on, at most [`NEAR`] bytes of it.
    fn near(&self, start: usize) -> &str {
        let mut end = self.text.len().min(start + NEAR);
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        &self.text[start..end]
    }

    /// Reports a word with letters that look like ASCII ones: one error for the whole word.
    fn look_alike(&mut self, at: usize) -> bool {
        let touches = self
            .tokens
            .last()
            .filter(|token| token.kind == TokenKind::Word && token.span.end as usize == at);
        let start = touches.map_or(at, |token| token.span.start as usize);
        let word: &str = self.text[start..]
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .next()
            .unwrap_or_default();
        let plain = |c: char| {
            let mut skeleton =
                unicode_security::confusable_detection::skeleton(c.encode_utf8(&mut [0; 4]))
                    .collect::<Vec<_>>();
            c.is_ascii()
                || (skeleton.len() == 1
                    && skeleton
                        .pop()
                        .is_some_and(|plain| plain.is_ascii_alphanumeric()))
        };
        let Some(odd) = word
            .chars()
            .find(|c| !c.is_ascii())
            .filter(|_| word.chars().all(plain))
        else {
            return false;
        };
        let at = self.location(start, start + word.len());
        self.errors.push(confusable_name::word(word, odd, at));
        if touches.is_some() {
            self.tokens.pop();
        }
        self.at = start;
        self.push(TokenKind::Bad, word.len());
        true
    }

    fn location(&self, start: usize, end: usize) -> Location {
        Location {
            file: self.file,
            span: Span::new(start, end),
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether a text ends within a name after `use`.
fn is_in_vocabulary(text: &str) -> bool {
    let line = text
        .rfind('\n')
        .map_or(text, |newline| &text[newline + 1..]);
    let name = line.trim_start().strip_prefix("use ");
    name.is_some_and(|name| !name.is_empty() && name.bytes().all(is_word))
}

/// Whether people or word processors write this character in place of `"`.
fn is_quote(char: char) -> bool {
    "'`\u{201c}\u{201d}\u{201e}\u{ab}\u{bb}\u{2018}\u{2019}".contains(char)
}

/// Whether a character is visible and cannot start a token or a comment.
fn is_strange(char: char) -> bool {
    !(char.is_ascii_alphanumeric()
        || char.is_whitespace()
        || "_\"{}()=|,:.@/-<>".contains(char)
        || is_hidden(char))
}

/// Decodes the escape at the start of `text`: the character and the length of the escape in bytes.
pub fn read_escape(text: &str) -> Option<(char, usize)> {
    let rest = text.strip_prefix('\\')?;
    if rest.starts_with(['"', '\\']) {
        return rest.chars().next().map(|char| (char, 2));
    }
    let digits = rest.strip_prefix("u{")?;
    let length = digits.find('}').filter(|length| (1..=6).contains(length))?;
    let code = u32::from_str_radix(&digits[..length], 16).ok()?;
    char::from_u32(code).map(|char| (char, length + 4))
}
