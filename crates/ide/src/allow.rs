//! Where an `@allow` for a finding belongs, and its text.

use presync::{SourceFile, Span, quote_text, tree};

use crate::analysis::FileView;

/// The edit that allows a code at a place, with a reason if there is one. `None` outside of declarations.
pub fn allow_edit(
    view: FileView<'_>,
    place: Span,
    code: &str,
    reason: &str,
) -> Option<(Span, String)> {
    let start = innermost(view.tree(), place)?;
    Some(allow_at(view.source(), start, code, reason))
}

/// The edit that writes an `@allow` before what starts at an offset.
pub fn allow_at(source: &SourceFile, start: u32, code: &str, reason: &str) -> (Span, String) {
    let (text, newline) = (&source.text, source.newline());
    let before = &text[..start as usize];
    let line = before.rfind('\n').map_or(0, |newline| newline + 1);
    let indent: String = text[line..start as usize]
        .chars()
        .take_while(|char| char.is_whitespace())
        .collect();
    let reason = if reason.is_empty() {
        String::new()
    } else {
        format!(", {}", quote_text(reason))
    };
    let span = Span { start, end: start };
    (span, format!("@allow({code}{reason}){newline}{indent}"))
}

/// The start of the innermost declaration, state or item around a location that can have an
/// `@allow`.
pub fn innermost(tree: &tree::File, place: Span) -> Option<u32> {
    let declaration = tree
        .declarations
        .iter()
        .find(|declaration| declaration.span.contains(place))?;
    let items = match &declaration.kind {
        tree::DeclarationKind::Mapping { items, .. }
        | tree::DeclarationKind::Profile { items, .. } => &**items,
        tree::DeclarationKind::System { items, .. }
        | tree::DeclarationKind::Extend { items, .. } => {
            let states = items.iter().filter_map(|item| match item {
                tree::SystemItem::State(state) => Some(state.span),
                _ => None,
            });
            let state = states.into_iter().find(|span| span.contains(place));
            return Some(state.unwrap_or(declaration.span).start);
        }
        _ => &[],
    };
    let mut start = declaration.span.start;
    let mut items = items;
    while let Some(item) = items.iter().find(|item| item.span.contains(place)) {
        start = item.span.start;
        match &item.kind {
            tree::ItemKind::When(when) if when.block => items = &when.body,
            _ => break,
        }
    }
    Some(start)
}
