//! Formatting as edits of lines.

use presync::{SourceFile, Span};

use crate::analysis::FileView;
use crate::edits::line_edits;

/// The edits that format a file; `None` if it has syntax errors.
pub fn format(view: FileView<'_>) -> Option<Vec<(Span, String)>> {
    let source = view.source();
    let same = SourceFile::new(source.path.clone(), source.text.clone().into_bytes(), false);
    let formatted = presync::format(&same).ok()?;
    Some(line_edits(&source.text, &formatted))
}

/// Those of them that touch a part of the file.
pub fn format_range(view: FileView<'_>, span: Span) -> Option<Vec<(Span, String)>> {
    let mut edits = format(view)?;
    edits.retain(|(at, _)| at.start <= span.end && span.start <= at.end);
    Some(edits)
}
