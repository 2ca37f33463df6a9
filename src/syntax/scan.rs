//! In: the text of a file. Out: its tokens, its comments, and one piece per declaration.

use crate::diagnostic::Diagnostic;
use crate::source::FileId;
use crate::syntax::MAX_ERRORS;
use crate::syntax::lexer::{self, Token};
use crate::syntax::split::{self, DeclarationTokens};
use crate::syntax::tree::Comment;

pub struct Scan {
    pub tokens: Vec<Token>,
    pub comments: Vec<Comment>,
    pub pieces: Vec<DeclarationTokens>,
    pub errors: Vec<Diagnostic>,
    /// Closing brackets without an opening one; another error may explain one of them.
    pub stray_closes: Vec<Diagnostic>,
}

pub fn scan(file: FileId, text: &str) -> Scan {
    let mut lexed = lexer::lex(file, text);
    // If too many errors stopped the lexer, brackets open at that point are not reported.
    let whole = lexed.errors.len() <= MAX_ERRORS;
    let split = split::split(file, text, &lexed.tokens, whole);
    lexed.errors.extend(split.errors);
    Scan {
        tokens: lexed.tokens,
        comments: lexed.comments,
        pieces: split.pieces,
        errors: lexed.errors,
        stray_closes: split.stray_closes,
    }
}
