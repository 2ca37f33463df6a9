//! `duplicate-definition`: two declarations with the same name.

use crate::diagnostic::{Code, Diagnostic};
use crate::quote::quote;
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "duplicate-definition",
    default: None,
    summary: "a name is declared twice",
    explanation: "Facts, values, conditions and systems share one namespace; every other kind has its own. Two states of a \
system conflict if their names or ids are equal when case is ignored, because events match them that way.",
    bad: "flag in_queue
condition in_queue = in_queue
",
    good: "flag in_queue
condition queueing = in_queue
",
};

/// Two declarations with the same name in one namespace.
pub(crate) fn declared(what: &str, name: &str, first: Location, again: Location) -> Diagnostic {
    Diagnostic::error(&CODE, format!("{what} `{name}` is declared twice"))
        .label(again, "declared again here")
        .label(first, "first declared here")
        .help("delete one of them or give it another name")
        .about(name)
}

/// A system that a bundled vocabulary declares, too.
pub(crate) fn of_vocabulary(
    what: &str,
    name: &str,
    vocabulary: &str,
    again: Location,
) -> Diagnostic {
    let written = quote(name);
    let help = if what == "system" {
        format!(
            "to add states, write `extend system {written} {{ state Coaching }}`; else give it another name"
        )
    } else {
        "use it as it is, or give this one another name".to_owned()
    };
    Diagnostic::error(&CODE, format!("`{name}` is declared by `use {vocabulary}`"))
        .label(again, "declared again here")
        .help(help)
        .about(name)
}

pub(crate) fn value(value: &str, choice: &str, first: Location, again: Location) -> Diagnostic {
    Diagnostic::error(
        &CODE,
        format!("value `{value}` is listed twice in `{choice}`"),
    )
    .label(again, "listed again here")
    .label(first, "first listed here")
    .help("delete one of them")
    .about(value)
    .about(choice)
}

/// A profile that a role names twice.
pub(crate) fn profile(profile: &str, role: &str, first: Location, again: Location) -> Diagnostic {
    Diagnostic::error(
        &CODE,
        format!("profile `{profile}` is listed twice in role `{role}`"),
    )
    .label(again, "listed again here")
    .label(first, "first listed here")
    .help("delete it: the first entry already decides everything the second one could")
    .about(profile)
    .of_role(role.to_owned())
}

/// A test or scenario that names two roles.
pub(crate) fn role(role: &str, first: Location, again: Location) -> Diagnostic {
    Diagnostic::error(&CODE, "this test names two roles")
        .label(again, "second role")
        .label(first, "first role")
        .help("delete one of them, or write a test for each role")
        .about(role)
}

/// Two states whose names or ids are equal when case is ignored.
pub(crate) fn states(
    system: &str,
    (name, at): (&str, Location),
    (first, first_at): (&str, Location),
) -> Diagnostic {
    Diagnostic::error(
        &CODE,
        format!("states `{name}` and `{first}` have the same name or id when case is ignored"),
    )
    .label(at, "this state")
    .label(first_at, "and this state")
    .help("give one of them another name or id")
    .state(system, name)
    .state(system, first)
}

/// Two states of a system that are marked `other`.
pub(crate) fn other(system: &str, first: Location, again: Location) -> Diagnostic {
    Diagnostic::error(&CODE, format!("two states of {system} are marked `other`"))
        .label(again, "marked again here")
        .label(first, "first marked here")
        .help("only one state of a system can be `other`: delete one of the marks")
        .about(system)
}

/// Two roles that are the default.
pub(crate) fn default_role(
    (first, first_at): (&str, Location),
    (again, at): (&str, Location),
) -> Diagnostic {
    Diagnostic::error(&CODE, "two default roles")
        .label(at, "second default")
        .label(first_at, "first default")
        .help("a program can have only one default role: delete one `default`")
        .about(first)
        .about(again)
}
