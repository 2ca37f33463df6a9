//! `confusable-name`: a name that only looks like a declared one.

use crate::diagnostic::{Code, Diagnostic};
use crate::quote::quote;
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "confusable-name",
    default: None,
    summary: "a name looks like a declared one but differs from it",
    explanation: "Letters of different scripts can look alike: the first letter of this Аvailable is Cyrillic. A reader takes \
it for the declared name, but it never matches.",
    bad: "use cic_lync
profile \"P\" { cic \"\u{410}vailable\" -> lync Available }
",
    good: "use cic_lync
profile \"P\" { cic Available -> lync Available }
",
};

/// A word with letters that look like ASCII ones; `odd` is the first of them.
pub(crate) fn word(word: &str, odd: char, at: Location) -> Diagnostic {
    Diagnostic::error(
        &CODE,
        format!("`{word}` contains a letter that looks like a plain one"),
    )
    .label(at, format!("`{odd}` here is U+{:04X}", u32::from(odd)))
    .help("retype it with plain letters")
    .about(word)
}

/// An unknown name that looks like a known one.
pub(crate) fn unknown(name: &str, twin: &str, at: Location) -> Diagnostic {
    Diagnostic::error(
        &CODE,
        format!("`{name}` looks like `{twin}` but is a different name"),
    )
    .label(at, strange(name, twin))
    .help(format!("retype `{}` with plain letters", quote(twin)))
    .about(name)
    .about(twin)
}

/// Two declared names that look alike.
pub(crate) fn twins(
    (name, at): (&str, Location),
    (first, first_at): (&str, Location),
) -> Diagnostic {
    Diagnostic::error(&CODE, format!("`{name}` and `{first}` look the same"))
        .label(at, strange(name, first))
        .label(first_at, strange(first, name))
        .help("write both in the letters of one script")
        .about(name)
        .about(first)
}

fn strange(name: &str, twin: &str) -> String {
    let odd = name
        .chars()
        .find(|char| !char.is_ascii() && !twin.contains(*char));
    match odd {
        Some(char) => format!("`{char}` here is U+{:04X}", u32::from(char)),
        None => "looks the same".to_owned(),
    }
}
