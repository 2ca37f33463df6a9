//! `hidden-character`: a character that nobody sees.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "hidden-character",
    default: None,
    summary: "a character that nobody sees",
    explanation: "NUL, bidirectional controls and their like make a text read otherwise than it is: what a reviewer approves is \
not what is compiled. In a name, write it as an escape (`\\u{200f}`) if it has to be there.",
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
        "a character that nobody sees"
    };
    Diagnostic::error(&CODE, format!("the file holds {what}, U+{code:04X}"))
        .label(at, "here")
        .help(format!(
            "delete it; inside of a name it can be written as `\\u{{{code:x}}}`"
        ))
        .about(format!("U+{code:04X}"))
}
