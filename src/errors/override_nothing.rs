//! `override-nothing`: an `override` that overrides no other rule.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "override-nothing",
    default: None,
    summary: "an `override` has no effect",
    explanation: "An `override` is an exception to another rule of its profile. If no plain rule of the profile applies to the \
same change, that rule is missing or misspelled.",
    bad: "use cic_lync
profile \"P\" {
    cic Available -> lync Available
    when in_queue: override cic \"At Lunch\" -> lync Busy
}
",
    good: "use cic_lync
profile \"P\" {
    cic Available -> lync Available
    when in_queue: cic \"At Lunch\" -> lync Busy
}
",
};

/// `elsewhere`: it overrides a rule in another direction.
pub(crate) fn rule(from: &str, to: &str, elsewhere: bool, at: Location) -> Diagnostic {
    Diagnostic::error(
        &CODE,
        format!("`override` has no effect: no plain rule of this profile applies to {from} -> {to} here"),
    )
    .rule(at, "nothing to override")
    .help(if elsewhere {
        "replace `<->` with one `->` rule for each direction, and write `override` only where it applies"
    } else {
        "delete `override`, or correct the state or condition that it should override"
    })
    .way(from, to)
}
