//! `same-system`: a rule from a system to itself.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "same-system",
    default: None,
    summary: "a rule from a system to itself",
    explanation: "A rule says what a change in one system means for another.",
    bad: "use cic_lync
profile \"P\" { cic Available -> cic \"At Lunch\" }
",
    good: "use cic_lync
profile \"P\" { cic Available -> lync Available }
",
};

pub(crate) fn rule(system: &str, left: Location, right: Location) -> Diagnostic {
    Diagnostic::error(&CODE, "a rule goes from one system to another")
        .label(left, "from this system")
        .label(right, "to the same one")
        .help("name the system that is to follow on the right")
        .way(system, system)
}

pub(crate) fn apply(system: &str, at: Location) -> Diagnostic {
    Diagnostic::error(&CODE, "a mapping is applied from one system to another")
        .label(at, "both ends are the same")
        .help("name two systems, or none for all directions")
        .way(system, system)
}

pub(crate) fn expectation(system: &str, left: Location, right: Location) -> Diagnostic {
    Diagnostic::error(
        &CODE,
        "a change in one system is expected to show in another",
    )
    .label(left, "from this system")
    .label(right, "to the same one")
    .help("name the system that is to follow on the right")
    .way(system, system)
}
