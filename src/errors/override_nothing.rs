//! `override-nothing`: an `override` that has nothing to beat.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "override-nothing",
    default: None,
    summary: "an `override` that has nothing to beat",
    explanation: "An `override` announces an exception. Where no plain rule of its profile applies to the same change, what it \
was an exception to has gone, or is misspelt.",
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

/// `elsewhere`: it has something to beat in another direction.
pub(crate) fn rule(from: &str, to: &str, elsewhere: bool, at: Location) -> Diagnostic {
    Diagnostic::error(
        &CODE,
        format!("this `override` overrides nothing on the way {from} → {to}"),
    )
    .rule(at, "no rule of its profile applies where this one does")
    .help(if elsewhere {
        "write each direction as a rule of its own, with `->`, and `override` before the other one alone"
    } else {
        "leave out `override`; it is there to beat a plain rule of the same profile"
    })
    .way(from, to)
}
