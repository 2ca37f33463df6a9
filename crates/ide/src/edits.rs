//! Edits of texts. From a changed text to small ones, so that cursors, folds and marks of an editor stay where they are.

use std::collections::BTreeMap;
use std::path::PathBuf;

use presync::Span;
use similar::{DiffTag, TextDiff};

/// Texts in place of parts of files, by canonical path.
pub type FileEdits = BTreeMap<PathBuf, Vec<(Span, String)>>;

/// A text with other texts in place of some parts, which do not overlap.
pub fn edited(text: &str, edits: &[(Span, String)]) -> String {
    let mut edits: Vec<&(Span, String)> = edits.iter().collect();
    edits.sort_by_key(|(span, _)| *span);
    let mut text = text.to_owned();
    for (span, with) in edits.into_iter().rev() {
        text.replace_range(span.start as usize..span.end as usize, with);
    }
    text
}

/// The parts of lines that differ, as edits.
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
            trimmed(before, old[of_old.start]..old[of_old.end], text)
        })
        .collect()
}

/// An edit without what is the same at its start and end, so that the cursor of an editor stays in its line.
fn trimmed(before: &str, range: std::ops::Range<usize>, text: &str) -> (Span, String) {
    let old = &before[range.clone()];
    let start: usize = old
        .chars()
        .zip(text.chars())
        .take_while(|(a, b)| a == b)
        .map(|(char, _)| char.len_utf8())
        .sum();
    let (old, text) = (&old[start..], &text[start..]);
    let end: usize = old
        .chars()
        .rev()
        .zip(text.chars().rev())
        .take_while(|(a, b)| a == b)
        .map(|(char, _)| char.len_utf8())
        .sum();
    let span = Span::new(range.start + start, range.end - end);
    (span, text[..text.len() - end].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edits_of_lines_make_the_text() {
        let texts = [
            "",
            "a\n",
            "a\nb\nc\n",
            "b\nx\nc",
            "a\r\nb\r\n",
            "c\nb\na\n",
            "a\nab\nc\n",
            "é\nèb\n",
        ];
        for before in texts {
            for after in texts {
                let edits = line_edits(before, after);
                assert_eq!(edited(before, &edits), after);
                assert_eq!(edits.is_empty(), before == after);
            }
        }
    }
}
