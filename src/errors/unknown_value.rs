//! `unknown-value`: the choice has no such value, or several choices have it.

use crate::diagnostic::{Code, Diagnostic};
use crate::quote::quote;
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "unknown-value",
    default: None,
    summary: "unknown value, or a value of several choices",
    explanation: "The name of a value is enough if only one choice has it. If two choices share it, write the choice too: \
`user_type is im`.",
    bad: "use cic_lync
profile \"P\" when user_type is imm { cic Available -> lync Available }
",
    good: "use cic_lync
profile \"P\" when user_type is im { cic Available -> lync Available }
",
};

/// A value that several choices have.
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
    .label(at, "ambiguous")
    .help(format!("write {}", forms.join(" or ")))
    .about(name)
}
