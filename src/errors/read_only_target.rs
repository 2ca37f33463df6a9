//! `read-only-target`: a rule sets a state that can only be observed.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "read-only-target",
    default: None,
    summary: "a rule sets a read-only state",
    explanation: "The system enters such a state by itself (a call, the calendar, a logout) and refuses it as a command.",
    bad: "use cic_lync
profile \"P\" { cic Available -> lync Offline }
",
    good: "use cic_lync
profile \"P\" { cic Available -> lync Available }
",
};

pub(crate) fn target(system: &str, state: &str, at: Location, declared: Location) -> Diagnostic {
    Diagnostic::error(&CODE, format!("{system} cannot be set to `{state}`"))
        .label(at, "read-only state")
        .label(declared, "declared `read_only` here")
        .help("set another state, or write `unchanged`")
        .state(system, state)
}
