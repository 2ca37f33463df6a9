//! `unused-replacement`: `apply ... with` names a system that the mapping does not mention, or a direction without rules.

use crate::diagnostic::{Code, Diagnostic, Label};
use crate::quote::quote;
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "unused-replacement",
    default: None,
    summary: "`apply ... with` replaces nothing",
    explanation: "`apply standard with teams for lync` reads the mapping as if it said `teams` wherever it says `lync`. If it \
does not mention `lync`, or both names mean the same system, the words after `with` have no effect. \
A direction after them is one of the new system: `with teams for lync cic -> teams`.",
    bad: "use cic_lync
system teams { state Away state Available }
mapping standard { cic \"At Lunch\" -> lync Away }
profile \"P\" { apply standard with lync for teams }
",
    good: "use cic_lync
system teams { state Away state Available }
mapping standard { cic \"At Lunch\" -> lync Away }
profile \"P\" { apply standard with teams for lync }
",
};

pub(crate) fn unused(new: &str, old: &str, at: Location) -> Diagnostic {
    let error = if new == old {
        Diagnostic::error(&CODE, format!("`{new}` cannot replace itself"))
            .label(at, "both are the same system")
    } else {
        Diagnostic::error(&CODE, format!("`{new}` replaces nothing"))
            .label(at, format!("the mapping does not mention `{old}`"))
    };
    error
        .help("write the new system first: `with teams for lync`; or delete `with ... for ...`")
        .about(new)
        .about(old)
}

/// `apply m with teams for lync cic -> lync`
pub(crate) fn no_rule(mapping: &str, from: &str, to: &str, at: Location) -> Diagnostic {
    let way = format!("{} -> {}", quote(from), quote(to));
    Diagnostic::error(
        &CODE,
        format!("`{mapping}` has no rule {way} after the replacement"),
    )
    .label(at, "nothing is applied")
    .help(
        "write the direction with the new system, as in `apply m with teams for lync cic -> teams`",
    )
    .about(mapping)
}

/// Says of an error in a mapping that it happens only where the mapping is applied with another system.
pub(crate) fn happens_at(error: &mut Diagnostic, new: &str, old: &str, at: Location) {
    error.labels.insert(
        0,
        Label {
            location: at,
            message: format!("with `{new}` for `{old}`"),
        },
    );
}
