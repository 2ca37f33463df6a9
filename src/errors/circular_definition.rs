//! `circular-definition`: conditions, groups or mappings that are defined by each other.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "circular-definition",
    default: None,
    summary: "conditions, groups or mappings that are defined by each other",
    explanation: "Each would have to be known before the other. Say what one of them is without the other.",
    bad: "flag f
condition a = b and f
condition b = a
",
    good: "flag f
condition a = b and f
condition b = not f
",
};

/// Declarations that are defined by each other, in a circle.
pub(crate) fn circle(what: &str, names: &[(&str, Location)]) -> Diagnostic {
    let path: Vec<&str> = names
        .iter()
        .map(|(name, _)| *name)
        .chain(names.first().map(|(name, _)| *name))
        .collect();
    let mut error = Diagnostic::error(
        &CODE,
        format!("{what} `{}` is defined by itself", names[0].0),
    );
    for (at, (name, location)) in names.iter().enumerate() {
        error = error
            .label(*location, format!("this one needs `{}`", path[at + 1]))
            .about(*name);
    }
    error
        .note(path.join(" → "))
        .help("break the circle in one of these places")
}

/// Mappings that apply each other so often that there is no end of rules.
pub(crate) fn too_many_rules(mapping: &str, most: usize, at: Location) -> Diagnostic {
    Diagnostic::error(
        &CODE,
        format!("mappings applied within mappings make more than {most} rules"),
    )
    .label(at, "too many with this one")
    .help("apply each mapping once, under conditions joined with `or`")
    .about(mapping)
}
