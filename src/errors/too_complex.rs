//! `too-complex`: a limit is exceeded, or conditions are too complex to analyze.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "too-complex",
    default: None,
    summary: "a program is too large or too complex to analyze",
    explanation: "The program has more states, facts, values, profiles, roles or appendices than docs/language.md allows, or a \
condition is too complex: its decision diagram would need more than 300,000 nodes, or all diagrams together \
more than 5 million. That takes a condition over dozens of unrelated facts, or thousands of rules that share \
dozens of facts. Use fewer facts in each condition and in the conditions of each profile.",
    bad: "",
    good: "",
};

/// `who`: `the program has`, `` `x` has ``.
pub(crate) fn too_many(who: &str, most: usize, what: &str, at: Location) -> Diagnostic {
    Diagnostic::error(&CODE, format!("{who} more than {most} {what}"))
        .label(at, "exceeds the limit here")
        .help("split the program into independent programs")
        .about(what)
}

/// A single condition.
pub(crate) fn condition(at: Location) -> Diagnostic {
    Diagnostic::error(&CODE, "this condition is too complex to analyze")
        .label(at, "not analyzed")
        .help("use fewer facts in the condition, or split it into several rules")
}

pub(crate) fn program() -> Diagnostic {
    Diagnostic::error(
        &CODE,
        "the conditions of this program are too complex to analyze",
    )
}

pub(crate) fn lints() -> Diagnostic {
    Diagnostic::error(
        &CODE,
        "the conditions of this program are too complex for the lints",
    )
    .help("use fewer facts in the conditions of each role")
}
