//! Formatting as edits of lines.

use presync::{FileId, SourceFile, Span};

use crate::analysis::FileView;
use crate::edits::line_edits;

/// The edits that format a file; `None` if it has syntax errors.
pub fn format(view: FileView<'_>) -> Option<Vec<(Span, String)>> {
    let formatted = presync::format(view.source()).ok()?;
    Some(line_edits(view.text(), &formatted))
}

/// The edits that format the declarations in a part of a file; `None` if the file has syntax errors.
pub fn format_range(view: FileView<'_>, part: Span) -> Option<Vec<(Span, String)>> {
    let formatted = presync::format(view.source()).ok()?;
    let after = SourceFile::new("", formatted.into_bytes(), false);
    let (tree, _) = presync::parse_file(FileId(0), &after);
    // Formatting keeps the declarations, so the same ones are there.
    let old = view.tree().declarations.iter();
    let old: Vec<Span> = old.map(|node| node.before.with_doc(node.span)).collect();
    let new = tree.declarations.iter();
    let new: Vec<Span> = new.map(|node| node.before.with_doc(node.span)).collect();
    let touches = |span: &Span| span.start <= part.end && part.start <= span.end;
    let (Some(first), Some(last)) = (old.iter().position(touches), old.iter().rposition(touches))
    else {
        return Some(Vec::new());
    };
    let (old, new) = (
        old[first].to(old[last]),
        new.get(first)?.to(*new.get(last)?),
    );
    let edits = line_edits(old.text(view.text()), new.text(&after.text));
    let moved = edits.into_iter().map(|(span, text)| {
        let span = Span {
            start: span.start + old.start,
            end: span.end + old.start,
        };
        (span, text)
    });
    Some(moved.collect())
}
