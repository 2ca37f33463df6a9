//! `same-system`: a rule from a system to itself.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "same-system",
    default: None,
    summary: "a rule maps a system to itself",
    explanation: "A rule maps a change in one system to a change in another.",
    bad: "use cic_lync
profile \"P\" { cic Available -> cic \"At Lunch\" }
",
    good: "use cic_lync
profile \"P\" { cic Available -> lync Available }
",
};

pub(crate) fn rule(system: &str, left: Location, right: Location) -> Diagnostic {
    Diagnostic::error(&CODE, "this rule maps a system to itself")
        .label(left, "this system")
        .label(right, "the same system")
        .help("write a different system on the right")
        .way(system, system)
}

pub(crate) fn apply(system: &str, at: Location) -> Diagnostic {
    Diagnostic::error(&CODE, "this `apply` maps a system to itself")
        .label(at, "the same system twice")
        .help("write two different systems, or none to apply every direction")
        .way(system, system)
}

pub(crate) fn expectation(system: &str, left: Location, right: Location) -> Diagnostic {
    Diagnostic::error(
        &CODE,
        "this test expects a change of the system that changed",
    )
    .label(left, "this system")
    .label(right, "the same system")
    .help("write a different system on the right")
    .way(system, system)
}
