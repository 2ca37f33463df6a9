//! Texts before and after, as a unified diff.

use similar::TextDiff;

/// Nothing if they are the same.
pub fn unified(name: &str, before: &str, after: &str) -> String {
    let diff = TextDiff::from_lines(before, after);
    diff.unified_diff()
        .context_radius(3)
        .header(name, name)
        .to_string()
}
