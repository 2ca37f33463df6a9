//! Declarations that were parsed before, by their text, so that an edit parses only the declaration that it is in.
//! In: texts of declarations, with what stands before them. Out: their trees. Memory is bounded.

use std::sync::Mutex;

use rustc_hash::FxHashMap;

use crate::syntax::shift::Shift;
use crate::syntax::tree::Declaration;

/// Texts of this length, in bytes, are kept in each generation. Their trees take about ten times as much memory.
const MAX_TEXT: usize = 2 << 20;

/// Trees of declarations without errors, by text. It can be shared by programs and threads.
#[derive(Debug, Default)]
pub struct ParseCache {
    /// The first text of a file begins on a fresh line, where a comment with three slashes documents what follows.
    first: Mutex<Generations>,
    others: Mutex<Generations>,
}

/// What is not used for a whole generation is forgotten.
#[derive(Debug, Default)]
struct Generations {
    young: FxHashMap<Box<str>, Declaration>,
    old: FxHashMap<Box<str>, Declaration>,
    /// The length of the young texts.
    length: usize,
}

impl ParseCache {
    fn at(&self, offset: u32) -> &Mutex<Generations> {
        if offset == 0 {
            &self.first
        } else {
            &self.others
        }
    }

    /// The declaration with this text, as if the text started at an offset.
    pub(super) fn find(&self, text: &str, offset: u32) -> Option<Declaration> {
        let mut known = self.at(offset).lock().ok()?;
        let mut found = match known.young.get(text) {
            Some(found) => found.clone(),
            None => {
                let (text, found) = known.old.remove_entry(text)?;
                let copy = found.clone();
                known.add(text, found);
                copy
            }
        };
        found.shift(offset);
        Some(found)
    }

    /// Keeps a declaration whose text starts at an offset.
    pub(super) fn keep(&self, text: &str, offset: u32, declaration: &Declaration) {
        let mut kept = declaration.clone();
        kept.shift(0_u32.wrapping_sub(offset));
        if let Ok(mut known) = self.at(offset).lock() {
            known.add(text.into(), kept);
        }
    }
}

impl Generations {
    fn add(&mut self, text: Box<str>, declaration: Declaration) {
        if self.length + text.len() > MAX_TEXT {
            self.old = std::mem::take(&mut self.young);
            self.length = 0;
        }
        self.length += text.len();
        self.young.insert(text, declaration);
    }
}
