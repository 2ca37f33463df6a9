//! `lossy-round-trip`: a round trip ends in another state with the same attributes.

use crate::diagnostic::{Code, Level};
use crate::lint::{Lint, round_trips};

pub(super) static LINT: Lint = Lint {
    code: Code {
        name: "lossy-round-trip",
        default: Some(Level::Off),
        summary: "a round trip ends in another state with the same attributes",
        explanation: "Like `unsafe-round-trip`, but the two states have the same attributes: At Lunch becomes Away, and Away comes \
back as Away from Desk. Nothing breaks, but the state the user selected is lost.",
        bad: "use cic_lync
profile \"P\" {
    cic \"Away from Desk\" <-> lync Away
    cic \"At Lunch\" -> lync Away
}
",
        good: "use cic_lync
profile \"P\" {
    cic \"Away from Desk\" <-> lync Away
    cic \"At Lunch\" -> lync Away
    when cic is \"At Lunch\": override lync Away -> cic unchanged
}
",
    },
    of_all_programs: false,
    waits: false,
    find: |context| round_trips::find(context, false),
};
