//! `unknown-condition`: no such flag, value or condition.

use crate::diagnostic::{Code, Diagnostic};
use crate::quote::quote;
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "unknown-condition",
    default: None,
    summary: "unknown flag, value or condition",
    explanation: "A condition consists of flags, values of choices, named conditions and guards (`lync is Busy`). The name of a \
choice, a system or a state alone is not a condition.",
    bad: "use cic_lync
profile \"P\" when in_que { cic Available -> lync Available }
",
    good: "use cic_lync
profile \"P\" when in_queue { cic Available -> lync Available }
",
};

pub(crate) fn is_choice(name: &str, first_value: &str, at: Location) -> Diagnostic {
    Diagnostic::error(&CODE, format!("`{name}` is a choice, not a condition"))
        .label(at, "expected one of its values")
        .help(format!("write `{} is {}`", quote(name), quote(first_value)))
        .about(name)
}

pub(crate) fn is_system(name: &str, at: Location) -> Diagnostic {
    Diagnostic::error(&CODE, format!("`{name}` is a system, not a condition"))
        .label(at, "expected one of its states")
        .help(format!("write `{} is STATE`", quote(name)))
        .about(name)
}

/// `x is y`, where `x` is a flag or a condition.
pub(crate) fn has_no_values(name: &str, at: Location) -> Diagnostic {
    let written = quote(name);
    Diagnostic::error(
        &CODE,
        format!("`{name}` is a flag or condition and has no values"),
    )
    .label(at, "not a system or choice")
    .help(format!("write `{written}` or `not {written}`"))
    .about(name)
}

pub(crate) fn is_no_flag(name: &str, at: Location) -> Diagnostic {
    Diagnostic::error(&CODE, format!("`{name}` is not a flag"))
        .label(at, "expected a flag")
        .help("declare a flag, as in `flag logged_in`, and write its name here")
        .about(name)
}

/// A step of a scenario sets a condition that is not a single fact.
pub(crate) fn is_no_step(at: Location) -> Diagnostic {
    Diagnostic::error(&CODE, "a step can only set single facts")
        .label(at, "not a flag or a value of a choice")
        .help("write `flag`, `not flag`, `value` or `choice is value`, separated by commas")
}

/// The help for a name that is a state of a system.
pub(crate) fn is_state_of(name: &str, system: &str) -> String {
    let written = quote(name);
    format!(
        "`{written}` is a state: write `{} is {written}`",
        quote(system)
    )
}

/// The help for a name that nothing is like.
pub(crate) fn undeclared(name: &str, known: &[String]) -> String {
    let written = quote(name);
    let known: Vec<String> = known
        .iter()
        .take(8)
        .map(|name| format!("`{}`", quote(name)))
        .collect();
    let others = match known.as_slice() {
        [] => String::new(),
        known => format!("; known conditions: {}", known.join(", ")),
    };
    format!("declare it: `flag {written}`{others}")
}

/// `in_queue by hand`
pub(crate) fn not_by_hand(name: &str, at: Location) -> Diagnostic {
    Diagnostic::error(&CODE, format!("`{name}` is not a system"))
        .label(at, "`by hand` asks for the state of a system")
        .help("name a system, as in `lync by hand`; for a flag or condition, delete `by hand`")
        .about(name)
}
