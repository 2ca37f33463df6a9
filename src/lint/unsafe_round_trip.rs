//! `unsafe-round-trip`: the way there and back ends in a state with other attributes.

use crate::diagnostic::{Code, Level};
use crate::lint::{Lint, round_trips};

pub(super) static LINT: Lint = Lint {
    code: Code {
        name: "unsafe-round-trip",
        default: Some(Level::Warn),
        summary: "the way there and back ends in a state with other attributes",
        explanation: "A status is mapped to a presence, and that presence back to another status, whose attributes differ. \
Whoever chose the first ends up in the second once the presence is reported: an agent who asked for no ACD calls takes \
them again. Let the way back leave such a state alone, as the help shows.",
        bad: "use cic_lync
profile \"P\" {
    cic Available <-> lync Available
    cic \"Available, No ACD\" -> lync Available
}
",
        good: "use cic_lync
profile \"P\" {
    cic Available <-> lync Available
    cic \"Available, No ACD\" -> lync Available
    when cic is \"Available, No ACD\": override lync Available -> cic unchanged
}
",
    },
    find: |context| round_trips::find(context, true),
};
