//! `hidden-character`: an invisible character.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "hidden-character",
    default: None,
    summary: "invisible character",
    explanation: "NUL, bidirectional controls and similar characters make a file look different from what is compiled, so a \
reviewer approves something else. If a name needs such a character, write it as an escape (`\\u{200f}`).",
    bad: "flag in_queue // \u{202e}detcepxe sa
",
    good: "flag in_queue // as expected
",
};

pub(crate) fn character(char: char, at: Location) -> Diagnostic {
    let code = u32::from(char);
    let what = if char == '\0' {
        "a NUL character"
    } else {
        "invisible character"
    };
    Diagnostic::error(&CODE, format!("{what}, U+{code:04X}"))
        .label(at, "here")
        .help(format!(
            "delete it, or write it as `\\u{{{code:x}}}` inside a quoted name"
        ))
        .about(format!("U+{code:04X}"))
}
