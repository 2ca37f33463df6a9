//! `not-utf8`: the file is not UTF-8.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "not-utf8",
    default: None,
    summary: "the file is not valid UTF-8",
    explanation: "Program files are UTF-8, with or without a byte order mark. Most editors offer this under `Save with \
encoding`. The example contains the single byte FC, which older versions of Windows write for ü.",
    bad: "flag zur\u{fffd}ck
",
    good: "flag zurueck
",
};

/// `at`: the first byte that is not UTF-8.
pub(crate) fn file(at: Location) -> Diagnostic {
    Diagnostic::error(&CODE, "the file is not valid UTF-8")
        .label(at, "first invalid byte")
        .help("save the file as UTF-8 (in most editors: `Save with encoding`)")
}
