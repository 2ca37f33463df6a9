//! From a changed text to small edits, so that cursors, folds and marks of an editor stay where they are.

use presync::Span;
use similar::{DiffTag, TextDiff};

/// The lines that differ, as edits.
pub fn line_edits(before: &str, after: &str) -> Vec<(Span, String)> {
    let diff = TextDiff::from_lines(before, after);
    let starts = |lines: &[&str]| {
        let mut at = 0;
        let mut starts: Vec<usize> = Vec::with_capacity(lines.len() + 1);
        for line in lines {
            starts.push(at);
            at += line.len();
        }
        starts.push(at);
        starts
    };
    let old = starts(diff.old_slices());
    let new = starts(diff.new_slices());
    let changed = diff.ops().iter().filter(|op| op.tag() != DiffTag::Equal);
    changed
        .map(|op| {
            let [of_old, of_new] = [op.old_range(), op.new_range()];
            let text = &after[new[of_new.start]..new[of_new.end]];
            (
                Span::new(old[of_old.start], old[of_old.end]),
                text.to_owned(),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::edited;

    #[test]
    fn the_edits_of_lines_make_the_text() {
        let texts = ["", "a\n", "a\nb\nc\n", "b\nx\nc", "a\r\nb\r\n", "c\nb\na\n"];
        for before in texts {
            for after in texts {
                let edits = line_edits(before, after);
                assert_eq!(edited(before, &edits), after);
                assert_eq!(edits.is_empty(), before == after);
            }
        }
    }
}
