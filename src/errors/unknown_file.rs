//! `unknown-file`: a used file or vocabulary is not there.

use presync_engine::nearest;

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "unknown-file",
    default: None,
    summary: "a used file or vocabulary is not there",
    explanation: "A path is relative to the file that has the `use`; a bare name is a bundled vocabulary, which \
`presync vocabulary` lists.",
    bad: "use cic_linc
profile \"P\" { }
",
    good: "use cic_lync
profile \"P\" { }
",
};

pub(crate) fn vocabulary(name: &str, at: Location, known: &[&str]) -> Diagnostic {
    let own = format!("`use \"{name}.presync\"`");
    Diagnostic::error(&CODE, format!("there is no bundled vocabulary `{name}`"))
        .label(at, "not found")
        .about(name)
        .help(match nearest(name, known.iter().copied()) {
            Some(near) => {
                format!("did you mean `{near}`? A file of your own is put in quotes: {own}")
            }
            None => format!(
                "the bundled ones are {}; a file of your own is put in quotes: {own}",
                known.join(", ")
            ),
        })
}

/// Why a file cannot be read.
pub(crate) enum Unread<'a> {
    /// It is outside of what may be read.
    Outside(String),
    /// It is called like a bundled vocabulary.
    Vocabulary(&'a str, String),
    Other(String),
}

/// `shown`: its path as people know it.
pub(crate) fn file(shown: &str, unread: Unread<'_>, at: Location) -> Diagnostic {
    let (why, help) = match unread {
        Unread::Outside(why) => (
            why,
            "put it beside the program, or a `presync.toml` above both; `--allow-outside` reads it anyway".to_owned(),
        ),
        Unread::Vocabulary(name, why) => (
            why,
            format!("a bundled vocabulary is used without quotes: `use {name}`"),
        ),
        Unread::Other(why) => (
            why,
            "the path is taken relative to the file that uses it".to_owned(),
        ),
    };
    Diagnostic::error(&CODE, format!("`{shown}` cannot be read: {why}"))
        .label(at, "used here")
        .help(help)
        .about(shown)
}
