//! `unknown-state`: no such state or group in that system.

use crate::diagnostic::{Code, Diagnostic};
use crate::quote::quote;
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "unknown-state",
    default: None,
    summary: "no such state or group in that system",
    explanation: "The states of a system are a closed set, so that a misspelt one is found before it goes live. A site's own \
states are added with `extend system cic { state \"Coaching\" }`.",
    bad: "use cic_lync
profile \"P\" { cic \"At Lumch\" -> lync Away }
",
    good: "use cic_lync
profile \"P\" { cic \"At Lunch\" -> lync Away }
",
};

pub(crate) fn group_as_target(system: &str, group: &str, at: Location) -> Diagnostic {
    Diagnostic::error(&CODE, format!("`{group}` is a group, not a state to set"))
        .label(at, "expected one state")
        .help("name one state of the group")
        .state(system, group)
}

pub(crate) fn group_as_step(system: &str, group: &str, at: Location) -> Diagnostic {
    Diagnostic::error(
        &CODE,
        format!("`{group}` is a group; a step takes one state"),
    )
    .label(at, "expected one state")
    .help("name one state of the group")
    .state(system, group)
}

/// The help for a name that is the id of a state.
pub(crate) fn is_id(written: &str, state: &str) -> String {
    format!(
        "`{}` is the id of `{}`: write its name",
        quote(written),
        quote(state)
    )
}

/// The help for a state of another system.
pub(crate) fn is_of_another(name: &str, other: &str, system: &str) -> String {
    format!("{other} has a state `{}`, {system} has not", quote(name))
}

/// The help for the name of a condition.
pub(crate) fn is_condition(name: &str) -> String {
    let written = quote(name);
    format!("`{written}` is a condition: it goes before the rule, `when {written}: ...`")
}
