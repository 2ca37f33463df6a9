//! Names that look like others: a Cyrillic `А` for a Latin one. Two plain ASCII names never count as such.

use std::collections::HashMap;

use unicode_security::confusable_detection::skeleton;

use crate::diagnostic::Diagnostic;
use crate::source::Location;

pub(super) fn look_alike(name: &str, known: &str) -> bool {
    name != known && !(name.is_ascii() && known.is_ascii()) && skeleton(name).eq(skeleton(known))
}

pub(super) fn unknown(name: &str, twin: &str, location: Location) -> Diagnostic {
    Diagnostic::error(
        "confusable-name",
        format!("`{name}` only looks like `{twin}`"),
    )
    .label(location, strange(name, twin))
    .help(format!(
        "type `{}` again with ordinary letters",
        crate::quote::quote(twin)
    ))
}

/// Pairs of declared names in one space that nobody can tell apart.
pub(super) fn twins(space: &[(&str, Location)]) -> Vec<Diagnostic> {
    if space.iter().all(|(name, _)| name.is_ascii()) {
        return Vec::new();
    }
    let mut seen: HashMap<String, (&str, Location)> = HashMap::new();
    let mut found = Vec::new();
    for (name, location) in space {
        let (first, first_location) = *seen
            .entry(skeleton(name).collect())
            .or_insert((name, *location));
        if look_alike(name, first) {
            found.push(
                Diagnostic::error(
                    "confusable-name",
                    format!("`{name}` and `{first}` look the same"),
                )
                .label(*location, strange(name, first))
                .label(first_location, strange(first, name))
                .help("write both with the letters of one script"),
            );
        }
    }
    found
}

fn strange(name: &str, twin: &str) -> String {
    let odd = name
        .chars()
        .find(|char| !char.is_ascii() && !twin.contains(*char));
    match odd {
        Some(char) => format!("`{char}` here is U+{:04X}", u32::from(char)),
        None => "this one".to_owned(),
    }
}
