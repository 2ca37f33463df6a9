//! `unknown-state`: no such state or group in that system.

use crate::diagnostic::{Code, Diagnostic};
use crate::quote::quote;
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "unknown-state",
    default: None,
    summary: "unknown state or group",
    explanation: "The states of a system are a closed set, so a misspelled name is found before it goes live. Add the states of \
your site with `extend system cic { state \"Coaching\" }`.",
    bad: "use cic_lync
profile \"P\" { cic \"At Lumch\" -> lync Away }
",
    good: "use cic_lync
profile \"P\" { cic \"At Lunch\" -> lync Away }
",
};

pub(crate) fn group_as_target(system: &str, group: &str, at: Location) -> Diagnostic {
    Diagnostic::error(
        &CODE,
        format!("`{group}` is a group and cannot be a target"),
    )
    .label(at, "expected one state")
    .help("write one state of the group")
    .state(system, group)
}

pub(crate) fn group_as_step(system: &str, group: &str, at: Location) -> Diagnostic {
    Diagnostic::error(
        &CODE,
        format!("`{group}` is a group, and a step needs one state"),
    )
    .label(at, "expected one state")
    .help("write one state of the group")
    .state(system, group)
}

/// The help for a name that is the id of a state.
pub(crate) fn is_id(written: &str, state: &str) -> String {
    format!(
        "`{}` is the id of `{}`: write the name instead",
        quote(written),
        quote(state)
    )
}

/// The help for a misspelled keyword in the place of a state.
pub(crate) fn is_keyword(keyword: &str) -> String {
    format!("did you mean `{keyword}`?")
}

/// The help for a state of another system.
pub(crate) fn is_of_another(name: &str, other: &str, system: &str) -> String {
    format!("`{}` is a state of {other}, not of {system}", quote(name))
}

/// The help for the name of a condition.
pub(crate) fn is_condition(name: &str) -> String {
    let written = quote(name);
    format!("`{written}` is a condition: write it before the rule, as in `when {written}: ...`")
}
