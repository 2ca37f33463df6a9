//! Names that look alike, such as a Cyrillic `А` for a Latin one. Two ASCII names never count as alike.

use std::collections::HashMap;

use unicode_security::confusable_detection::skeleton;

use crate::diagnostic::Diagnostic;
use crate::errors::confusable_name;
use crate::source::Location;

pub(super) fn look_alike(name: &str, known: &str) -> bool {
    name != known && !(name.is_ascii() && known.is_ascii()) && skeleton(name).eq(skeleton(known))
}

/// An error for each pair of declared names in one namespace that look alike.
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
            let twins = confusable_name::twins((name, *location), (first, first_location));
            found.push(twins);
        }
    }
    found
}
