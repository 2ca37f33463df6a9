//! `unknown-system`: no such system.

use crate::diagnostic::Code;
use crate::quote::quote;

pub(crate) static CODE: Code = Code {
    name: "unknown-system",
    default: None,
    summary: "unknown system",
    explanation: "A system is declared with `system` or comes with a vocabulary.",
    bad: "use cic_lync
profile \"P\" { cic Available -> link Available }
",
    good: "use cic_lync
profile \"P\" { cic Available -> lync Available }
",
};

/// The help for the name of a state.
pub(crate) fn is_state_of(name: &str, system: &str) -> String {
    let (written, system) = (quote(name), quote(system));
    format!("`{written}` is a state: write its system first, as in `{system} {written}`")
}

/// The help if no system is declared.
pub(crate) const NONE_DECLARED: &str =
    "no system is declared: add `use cic_lync`, or declare one with `system name { ... }`";
