//! A selected condition becomes a named one.

use presync::{Span, tree};

use crate::refactor::{Refactoring, RefactoringKind, SelectedPart};

/// See the module.
pub fn extract_condition(selection: &SelectedPart<'_>) -> Option<Refactoring> {
    let conditions = selection.conditions();
    let whole = conditions.first()?;
    let found = if selection.span.start == selection.span.end {
        // The largest one around the cursor.
        whole.span
    } else {
        conditions
            .iter()
            .find_map(|one| part_of(one, selection.span))?
    };
    let is_name = |one: &&tree::Condition| {
        one.span == found && matches!(one.kind, tree::ConditionKind::Name(_))
    };
    let is_declared = matches!(
        selection.declaration.kind,
        tree::DeclarationKind::Condition { .. }
    );
    if conditions.iter().any(is_name) || (is_declared && whole.span == found) {
        return None;
    }
    let name = selection.free_name()?;
    let newline = selection.view.source().newline();
    let start = selection.start();
    let text = selection.text(found);
    let declared = format!("condition {name} = {text}{newline}{newline}");
    Some(Refactoring {
        title: "extract into a condition".to_owned(),
        kind: RefactoringKind::Extract,
        edits: vec![(Span { start, end: start }, declared), (found, name)],
    })
}

/// The selection, if it is a condition, or some of those that `and` or `or` joins.
fn part_of(condition: &tree::Condition, selected: Span) -> Option<Span> {
    if condition.span == selected {
        return Some(selected);
    }
    let (tree::ConditionKind::And(parts) | tree::ConditionKind::Or(parts)) = &condition.kind else {
        return None;
    };
    let starts = parts.iter().any(|part| part.span.start == selected.start);
    let ends = parts.iter().any(|part| part.span.end == selected.end);
    (starts && ends).then_some(selected)
}
