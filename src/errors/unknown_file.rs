//! `unknown-file`: a used file or vocabulary cannot be read.

use presync_engine::nearest;

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "unknown-file",
    default: None,
    summary: "a file or vocabulary in `use` is missing",
    explanation: "A path is relative to the file that contains the `use`. A name without quotes is a bundled vocabulary; \
`presync vocabulary` lists them.",
    bad: "use cic_linc
profile \"P\" { }
",
    good: "use cic_lync
profile \"P\" { }
",
};

pub(crate) fn vocabulary(name: &str, at: Location, known: &[&str]) -> Diagnostic {
    let own = format!("`use \"{name}.presync\"`");
    Diagnostic::error(&CODE, format!("unknown vocabulary `{name}`"))
        .label(at, "not found")
        .about(name)
        .help(match nearest(name, known.iter().copied()) {
            Some(near) => {
                format!("did you mean `{near}`? To use a file, write its path in quotes: {own}")
            }
            None => format!(
                "bundled vocabularies are {}. To use a file, write its path in quotes: {own}",
                known.join(", ")
            ),
        })
}

/// Why a file cannot be read.
pub(crate) enum Unread<'a> {
    /// It is outside the project directory.
    Outside(String),
    /// It has the name of a bundled vocabulary.
    Vocabulary(&'a str, String),
    /// The path with slashes.
    Backslash(String, String),
    /// It has another ending.
    Ending(&'a str, String),
    Other(String),
}

/// `shown`: the path as the user knows it.
pub(crate) fn file(shown: &str, unread: Unread<'_>, at: Location) -> Diagnostic {
    let (why, help) = match unread {
        Unread::Outside(why) => (
            why,
            "move the file into the project, add a `presync.toml` in a directory above both, or run with `--allow-outside`".to_owned(),
        ),
        Unread::Vocabulary(name, why) => (
            why,
            format!("write the name of a bundled vocabulary without quotes: `use {name}`"),
        ),
        Unread::Backslash(path, why) => (
            why,
            format!("write paths with `/`, on Windows too: `use \"{path}\"`"),
        ),
        Unread::Ending(path, why) => (
            why,
            format!(
                "name a file, relative to the one that contains this `use`: `use \"{path}.presync\"` or `use \"{path}/site.presync\"`"
            ),
        ),
        Unread::Other(why) => (
            why,
            "the path is relative to the file that contains this `use`".to_owned(),
        ),
    };
    Diagnostic::error(&CODE, format!("cannot read `{shown}`: {why}"))
        .label(at, "used here")
        .help(help)
        .about(shown)
}
