//! `not-utf8`: the file is not UTF-8.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "not-utf8",
    default: None,
    summary: "the file is not UTF-8",
    explanation: "Names are compared by what they say, so a file has to be UTF-8; an editor saves it so under `save with \
encoding`. A byte order mark does no harm. The example has the single byte FC, which an older Windows writes for ü.",
    bad: "flag zur\u{fffd}ck
",
    good: "flag zurueck
",
};

/// `at`: the first byte that is not UTF-8.
pub(crate) fn file(at: Location) -> Diagnostic {
    Diagnostic::error(&CODE, "the file is not UTF-8 text")
        .label(at, "the first byte that is not UTF-8 stands here")
        .help("save it as UTF-8: editors offer it under `save with encoding`")
}
