//! Unified diffs of texts.

use similar::TextDiff;

/// Empty if the texts are the same.
pub fn unified(name: &str, before: &str, after: &str) -> String {
    let diff = TextDiff::from_lines(before, after);
    diff.unified_diff()
        .context_radius(3)
        .header(name, name)
        .to_string()
}
