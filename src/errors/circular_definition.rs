//! `circular-definition`: conditions, groups or mappings that are defined in terms of each other.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "circular-definition",
    default: None,
    summary: "a condition, group or mapping is defined in terms of itself",
    explanation: "Each definition needs the other one first. Define one of them without the other. A state can only read a \
state that is reported as itself.",
    bad: "flag f
condition a = b and f
condition b = a
",
    good: "flag f
condition a = b and f
condition b = not f
",
};

/// Declarations that are defined in terms of each other.
pub(crate) fn circle(what: &str, names: &[(&str, Location)]) -> Diagnostic {
    let path: Vec<&str> = names
        .iter()
        .map(|(name, _)| *name)
        .chain(names.first().map(|(name, _)| *name))
        .collect();
    let mut error = Diagnostic::error(
        &CODE,
        format!("{what} `{}` is defined in terms of itself", names[0].0),
    );
    for (at, (name, location)) in names.iter().enumerate() {
        error = error
            .label(*location, format!("needs `{}`", path[at + 1]))
            .about(*name);
    }
    error.note(path.join(" → ")).help(match names {
        [(name, _)] => format!("remove `{name}` from its own definition"),
        _ => "define one of them without the others".to_owned(),
    })
}

/// Mappings that apply each other so often that the number of rules exceeds the limit.
pub(crate) fn too_many_rules(mapping: &str, most: usize, at: Location) -> Diagnostic {
    Diagnostic::error(
        &CODE,
        format!("nested mappings expand to more than {most} rules"),
    )
    .label(at, "exceeds the limit here")
    .help("apply each mapping once, under conditions joined with `or`")
    .about(mapping)
}

/// A state that is reported as one that is itself reported as another.
pub(crate) fn reads_chain(
    (state, at): (&str, Location),
    (reads, next): (&str, Location),
) -> Diagnostic {
    let error = Diagnostic::error(
        &CODE,
        if state == reads {
            format!("`{state}` reads itself")
        } else {
            format!("`{state}` reads `{reads}`, but `{reads}` is reported as another state")
        },
    )
    .label(at, "reported as this state");
    let error = if at == next {
        error
    } else {
        error.label(next, format!("`{reads}` is reported as this one"))
    };
    error
        .help(if state == reads {
            "delete `reads`: a state is reported as itself anyway"
        } else {
            "name the state that the system reports in the end"
        })
        .about(state)
        .about(reads)
}
