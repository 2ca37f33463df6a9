//! `two-way-states`: something else than one state beside `<->`.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "two-way-states",
    default: None,
    summary: "something else than one state beside `<->`",
    explanation: "`<->` stands for two rules, so both sides are a source and a target: one state each. Write the other states \
with `->`.",
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

/// `found`: the side that is not one state.
pub(crate) fn side(found: &str, at: Location, arrow: Location) -> Diagnostic {
    Diagnostic::error(&CODE, "a two-way rule takes one state on each side")
        .label(at, format!("`{found}` is not one state"))
        .label(arrow, "goes both ways")
        .help("write `->` rules for the way there, and one `<->` or `->` rule for the way back")
}
