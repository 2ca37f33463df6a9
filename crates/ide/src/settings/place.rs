//! Where something is wrong in a `presync.toml`.

use std::ops::Range;
use std::path::PathBuf;

use toml::de::{DeTable, DeValue};

/// A place in a `presync.toml`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SettingsPlace {
    pub file: PathBuf,
    /// In bytes.
    pub start: usize,
    pub end: usize,
    /// What is wrong there.
    pub what: String,
}

/// What is wrong in the text of a `presync.toml`.
pub struct WrongText {
    /// With a piece of the text, if it is not TOML.
    pub message: String,
    pub what: String,
    pub place: Option<Range<usize>>,
}

impl WrongText {
    /// The place is the first that has this key or string.
    pub fn new(what: String, text: &str, word: &str) -> Self {
        Self {
            message: what.clone(),
            what,
            place: place_of(text, word),
        }
    }

    pub fn toml(error: &toml::de::Error) -> Self {
        Self {
            message: error.to_string().trim_end().to_owned(),
            what: error.message().to_owned(),
            place: error.span(),
        }
    }
}

/// The first key or string that is this word.
pub fn place_of(text: &str, word: &str) -> Option<Range<usize>> {
    fn in_table(table: &DeTable<'_>, word: &str) -> Option<Range<usize>> {
        let mut items = table.iter();
        items.find_map(|(key, value)| {
            let is_it = key.get_ref() == word;
            is_it
                .then(|| key.span())
                .or_else(|| in_value(value.get_ref(), value.span(), word))
        })
    }
    fn in_value(value: &DeValue<'_>, span: Range<usize>, word: &str) -> Option<Range<usize>> {
        match value {
            DeValue::String(text) if text == word => Some(span),
            DeValue::Array(all) => {
                let mut all = all.iter();
                all.find_map(|one| in_value(one.get_ref(), one.span(), word))
            }
            DeValue::Table(table) => in_table(table, word),
            _ => None,
        }
    }
    in_table(DeTable::parse(text).ok()?.get_ref(), word)
}
