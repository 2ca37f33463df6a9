//! The selected rules of a profile become a mapping that it applies.

use presync::{Span, tree};

use crate::refactor::{Refactoring, RefactoringKind, SelectedPart, with_leading};

/// See the module.
pub fn extract_mapping(selection: &SelectedPart<'_>) -> Option<Refactoring> {
    let whole = |item: &tree::Item| with_leading(&item.before, item.span);
    // Spaces around them may be selected, too.
    let selected = selection.text(selection.span);
    let start = selected.len() - selected.trim_start().len();
    let selected = Span::new(
        selection.span.start as usize + start,
        selection.span.start as usize + start + selected.trim().len(),
    );
    let blocks = selection.blocks();
    let found = blocks.iter().find_map(|items| {
        let first = items
            .iter()
            .position(|one| whole(one).start == selected.start)?;
        let last = items.iter().position(|one| one.span.end == selected.end)?;
        items.get(first..=last)
    })?;
    // An appendix belongs to a profile.
    let is_rule = |item: &tree::Item| {
        matches!(
            item.kind,
            tree::ItemKind::Rule(_) | tree::ItemKind::When(_) | tree::ItemKind::Apply(_)
        )
    };
    if found.len() < 2 || !found.iter().all(is_rule) {
        return None;
    }
    let name = selection.free_name()?;
    let newline = selection.view.source().newline();
    let indent = selection.indent(selected.start);
    let lines = selection.text(selected).lines().map(|line| {
        let line = line.strip_prefix(indent).unwrap_or(line);
        if line.is_empty() {
            String::new()
        } else {
            format!("    {line}")
        }
    });
    let lines: Vec<String> = lines.collect();
    let start = selection.start();
    let declared = format!(
        "mapping {name} {{{newline}{}{newline}}}{newline}{newline}",
        lines.join(newline)
    );
    Some(Refactoring {
        title: "extract into a mapping".to_owned(),
        kind: RefactoringKind::Extract,
        edits: vec![
            (Span { start, end: start }, declared),
            (selected, format!("apply {name}")),
        ],
    })
}
