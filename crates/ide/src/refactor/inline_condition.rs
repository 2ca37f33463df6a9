//! The name of a condition gives way to what it stands for.

use presync::{DeclaredKind, Meaning, tree};

use crate::declaration::declaration_at;
use crate::refactor::{Refactoring, RefactoringKind, SelectedPart};

/// See the module.
pub fn inline_condition(selection: &SelectedPart<'_>) -> Option<Refactoring> {
    let conditions = selection.conditions();
    let found = conditions.last()?;
    let tree::ConditionKind::Name(name) = &found.kind else {
        return None;
    };
    let view = selection.view;
    let meaning = view.name_at(name.span.start)?.meaning;
    let Meaning::Declared(id) = meaning else {
        return None;
    };
    let declared = view.index().declared.get(id.index())?;
    if declared.kind != DeclaredKind::Condition {
        return None;
    }
    let of = view.at(declared.location.file);
    let node = declaration_at(of, declared.location.span)?;
    let tree::DeclarationKind::Condition { condition, .. } = &node.kind else {
        return None;
    };
    let text = condition.span.text(of.text());
    let is_alone = conditions.len() == 1;
    let is_joined = matches!(
        condition.kind,
        tree::ConditionKind::And(_) | tree::ConditionKind::Or(_)
    );
    let text = if is_joined && !is_alone {
        format!("({text})")
    } else {
        text.to_owned()
    };
    Some(Refactoring {
        title: format!("inline the condition `{}`", name.text),
        kind: RefactoringKind::Inline,
        edits: vec![(found.span, text)],
    })
}
