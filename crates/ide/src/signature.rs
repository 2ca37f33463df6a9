//! What a `state` or a `choice` may consist of, while it is written.

use presync::Token;

use crate::analysis::FileView;

/// A statement with its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    pub parts: &'static [&'static str],
    /// The part at the offset.
    pub active: usize,
}

impl Signature {
    /// All of it.
    pub fn label(&self) -> String {
        self.parts.join(" ")
    }
}

const STATE: [&str; 5] = [
    "state",
    "NAME",
    "[id ID]",
    "[reads STATE]",
    "[{ ATTRIBUTE, read_only, other }]",
];
const CHOICE: [&str; 5] = ["choice", "NAME", "=", "VALUE | VALUE", "[default VALUE]"];

/// The signature of the statement at an offset.
pub fn signature(view: FileView<'_>, offset: u32) -> Option<Signature> {
    let text = view.text();
    let (tokens, _) = presync::tokens(text);
    let before = tokens.partition_point(|token| token.span.end < offset);
    let word = |token: &Token| token.span.text(text);
    let from = tokens[..before].iter().rposition(|token| {
        matches!(word(token), "state" | "choice") || (token.first_on_line && word(token) == "}")
    })?;
    let line = view.source().line(tokens[from].span.start);
    // The list of a choice may go on in the next lines.
    let words: Vec<&str> = tokens[from..before].iter().map(word).collect();
    let here = view.source().line(offset);
    let goes_on = matches!(words.last(), Some(&("|" | "=" | ",")));
    if here != line && !goes_on && words[0] != "choice" {
        return None;
    }
    match words[0] {
        "state" => {
            let has = |wanted: &str| words.contains(&wanted);
            let active = match words.len() {
                1 => 1,
                _ if has("}") => return None,
                _ if has("{") => 4,
                _ if has("reads") => 3,
                _ => 2,
            };
            Some(Signature {
                parts: &STATE,
                active,
            })
        }
        "choice" if here == line || goes_on => {
            let active = match words.len() {
                1 => 1,
                2 => 2,
                _ if words.contains(&"default") => 4,
                _ => 3,
            };
            Some(Signature {
                parts: &CHOICE,
                active,
            })
        }
        _ => None,
    }
}
