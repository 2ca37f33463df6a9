//! `two-way-states`: a side of `<->` that is not a single state.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "two-way-states",
    default: None,
    summary: "a two-way rule needs exactly one state on each side",
    explanation: "`<->` means two rules, one in each direction, so each side must be exactly one state. Use `->` for additional \
states.",
    bad: "use cic_lync
profile \"P\" { cic Available | \"Working at Home\" <-> lync Available }
",
    good: "use cic_lync
profile \"P\" {
    cic Available <-> lync Available
    cic \"Working at Home\" -> lync Available
}
",
};

pub(crate) fn side(at: Location, arrow: Location) -> Diagnostic {
    Diagnostic::error(&CODE, "a two-way rule needs exactly one state on each side")
        .label(at, "not a single state")
        .label(arrow, "maps in both directions")
        .help("use `->` for additional states, and one `<->` or `->` rule for the way back")
}

/// `unchanged` or `previous` beside `<->`.
pub(crate) fn no_state(at: Location, word: &str) -> Diagnostic {
    Diagnostic::error(&CODE, "a two-way rule needs exactly one state on each side")
        .label(at, "not a state")
        .help(format!(
            "write `->` before `{word}`, and another rule for the way back"
        ))
}
