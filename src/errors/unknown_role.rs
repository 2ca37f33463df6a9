//! `unknown-role`: no such role, or no role named although there are several.

use crate::diagnostic::{Code, Diagnostic};
use crate::quote::quote;
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "unknown-role",
    default: None,
    summary: "unknown role, or a role is missing",
    explanation: "A test or scenario can omit the role only if the program has exactly one role or a default role.",
    bad: "use cic_lync
profile \"Voice\" { cic Available -> lync Available }
role \"Agents\" uses \"Voice\"
test \"available\" { role \"Agnets\" cic Available => lync Available }
",
    good: "use cic_lync
profile \"Voice\" { cic Available -> lync Available }
role \"Agents\" uses \"Voice\"
test \"available\" { role \"Agents\" cic Available => lync Available }
",
};

/// A test or scenario that names no role although there are several.
pub(crate) fn unnamed<'a>(
    what: &str,
    roles: impl Iterator<Item = &'a str>,
    at: Location,
) -> Diagnostic {
    let names: Vec<String> = roles
        .map(|role| format!("`role {}`", quote(role)))
        .collect();
    Diagnostic::error(&CODE, format!("this {what} does not name a role"))
        .label(at, "the program has more than one role")
        .help(format!("add {}", names.join(" or ")))
}
