//! `unsafe-round-trip`: a round trip ends in a state with other attributes.

use crate::diagnostic::{Code, Level};
use crate::lint::{Lint, round_trips};

pub(super) static LINT: Lint = Lint {
    code: Code {
        name: "unsafe-round-trip",
        default: Some(Level::Warn),
        summary: "a round trip ends in a state with other attributes",
        explanation: "A status maps to a presence, and that presence maps back to another status with other attributes. When \
somebody sets the presence, or it is reported again after a reconnect, the user ends up in the second status: an agent \
who asked for no ACD calls receives them again. Let the way back leave the state unchanged, as the help shows.",
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
    of_all_programs: false,
    waits: false,
    find: |context| round_trips::find(context, true),
};
