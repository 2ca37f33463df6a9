//! The states of a system in order of their names.

use presync::{Span, tree};

use crate::refactor::{Refactoring, RefactoringKind, SelectedPart};

/// See the module.
pub fn sort_states(selection: &SelectedPart<'_>) -> Option<Refactoring> {
    let (tree::DeclarationKind::System { items, .. } | tree::DeclarationKind::Extend { items, .. }) =
        &selection.declaration.kind
    else {
        return None;
    };
    let states: Vec<&tree::State> = items
        .iter()
        .filter_map(|item| match item {
            tree::SystemItem::State(state) => Some(state),
            _ => None,
        })
        .collect();
    // With its comments and annotations.
    let whole = |state: &tree::State| {
        let with_doc = state
            .doc
            .iter()
            .fold(state.span, |whole, doc| whole.to(*doc));
        state
            .allows
            .iter()
            .fold(with_doc, |whole, allow| whole.to(allow.span))
    };
    // Nobody knows to which of two states a comment between them belongs.
    let comments = &selection.view.tree().comments;
    let (first, last) = (states.first()?, states.last()?);
    let line = selection.text_after(last.span.end).lines().next()?;
    let all = Span {
        start: whole(first).start,
        end: last.span.end + line.len() as u32,
    };
    let is_between = |comment: &tree::Comment| {
        let mut owners = states.iter().map(|state| whole(state));
        all.contains(comment.span) && !owners.any(|owner| owner.contains(comment.span))
    };
    if comments.iter().any(is_between) {
        return None;
    }
    let mut sorted = states.clone();
    sorted.sort_by_key(|state| state.name.text.to_lowercase());
    let same = states
        .iter()
        .zip(&sorted)
        .all(|(a, b)| std::ptr::eq(*a, *b));
    if same {
        return None;
    }
    let edits = states
        .iter()
        .zip(&sorted)
        .filter(|(old, new)| !std::ptr::eq(**old, **new))
        .map(|(old, new)| (whole(old), selection.text(whole(new)).to_owned()));
    Some(Refactoring {
        title: "sort the states".to_owned(),
        kind: RefactoringKind::Rewrite,
        edits: edits.collect(),
    })
}
