//! `too-complex`: there is too much of something, or the conditions are too entangled to be analysed.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "too-complex",
    default: None,
    summary: "there is too much of something, or the conditions are too entangled to be analysed",
    explanation: "There are more states, facts, values, profiles, roles or appendices than docs/language.md allows, in one program. Or \
the diagram of one condition would take more than 300,000 nodes, or all of them together more than 5 million. \
That takes a condition with dozens of facts in no order, or thousands of rules that have dozens of facts in common; fewer \
facts in one condition and in the conditions of one profile help. The examples only show the shape.",
    bad: "",
    good: "",
};

/// `who`: `there are`, `` `x` has ``.
pub(crate) fn too_many(who: &str, most: usize, what: &str, at: Location) -> Diagnostic {
    Diagnostic::error(&CODE, format!("{who} more than {most} {what}"))
        .label(at, "too many from here on")
        .help("split what is independent into programs of its own")
        .about(what)
}

/// A condition by itself.
pub(crate) fn condition(at: Location) -> Diagnostic {
    Diagnostic::error(
        &CODE,
        "the conditions here are too entangled to be analysed",
    )
    .label(at, "nothing can be proved about what holds here")
    .help("name fewer facts in one condition, or write it as several rules")
}

pub(crate) fn program() -> Diagnostic {
    Diagnostic::error(
        &CODE,
        "the conditions of this program are too entangled to be analysed",
    )
}

pub(crate) fn lints() -> Diagnostic {
    Diagnostic::error(
        &CODE,
        "the conditions of this program are too entangled to be linted",
    )
    .help("fewer facts in the conditions of one role help")
}
