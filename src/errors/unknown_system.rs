//! `unknown-system`: no such system.

use crate::diagnostic::Code;
use crate::quote::quote;

pub(crate) static CODE: Code = Code {
    name: "unknown-system",
    default: None,
    summary: "no such system",
    explanation: "Systems are declared with `system`, or come with a vocabulary.",
    bad: "use cic_lync
profile \"P\" { cic Available -> link Available }
",
    good: "use cic_lync
profile \"P\" { cic Available -> lync Available }
",
};

/// The help for the name of a state.
pub(crate) fn is_state_of(name: &str, system: &str) -> String {
    let written = quote(name);
    format!("`{written}` is a state: write the system before it, `{system} {written}`")
}

/// The help where there is none.
pub(crate) const NONE_DECLARED: &str =
    "no system is declared: begin with `use cic_lync`, or declare one with `system name { ... }`";
