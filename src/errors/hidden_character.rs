//! `hidden-character`: an invisible character.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "hidden-character",
    default: None,
    summary: "invisible character",
    explanation: "Control characters, bidirectional controls and the like make a file look different from what is compiled, so a \
reviewer approves something else. If a name needs such a character, write it as an escape (`\\u{200f}`).",
    bad: "flag in_queue // \u{202e}detcepxe sa
",
    good: "flag in_queue // as expected
",
};

pub(crate) fn character(char: char, at: Location) -> Diagnostic {
    let code = u32::from(char);
    let (what, help) = match char {
        '\0' => ("a NUL character", None),
        '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
            let ends = "replace it with the end of a line: only LF, CR LF and CR end lines";
            ("a line separator that editors do not show", Some(ends))
        }
        _ => ("invisible character", None),
    };
    let help = help.map_or_else(
        || format!("delete it, or write it as `\\u{{{code:x}}}` inside a quoted name"),
        str::to_owned,
    );
    Diagnostic::error(&CODE, format!("{what}, U+{code:04X}"))
        .label(at, "here")
        .help(help)
        .about(format!("U+{code:04X}"))
}
