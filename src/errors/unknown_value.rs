//! `unknown-value`: the choice has no such value, or several choices have it.

use crate::diagnostic::{Code, Diagnostic};
use crate::quote::quote;
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "unknown-value",
    default: None,
    summary: "the choice has no such value, or several choices have it",
    explanation: "A value of one choice stands for itself. Where two choices share it, say which: `user_type is im`.",
    bad: "use cic_lync
profile \"P\" when user_type is imm { cic Available -> lync Available }
",
    good: "use cic_lync
profile \"P\" when user_type is im { cic Available -> lync Available }
",
};

/// Several choices have it.
pub(crate) fn of_several<'a>(
    name: &str,
    choices: impl Iterator<Item = &'a str>,
    at: Location,
) -> Diagnostic {
    let forms: Vec<String> = choices
        .map(|choice| format!("`{} is {}`", quote(choice), quote(name)))
        .collect();
    Diagnostic::error(
        &CODE,
        format!("`{name}` is a value of {} choices", forms.len()),
    )
    .label(at, "which choice is meant?")
    .help(format!("write {}", forms.join(" or ")))
    .about(name)
}
