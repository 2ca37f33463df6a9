//! Changes of a program that keep what it decides, which is proved before they are made.
//! In: a part of a file. Out: what can be done there. One file for each.

mod extract_condition;
mod extract_mapping;
mod inline_condition;
mod join_directions;
mod merge_rules;
mod sort_states;
mod split_rule;

use presync::{Span, tree};

use crate::analysis::{Analysis, FileView};
use crate::declaration::declaration_at;
use crate::edits::FileEdits;
use crate::rename::{Wrong, compare};

/// A change that can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refactoring {
    pub title: String,
    pub kind: RefactoringKind,
    /// In the file that was asked about.
    pub edits: Vec<(Span, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefactoringKind {
    Extract,
    Inline,
    Rewrite,
}

/// Every refactoring: what it offers for a selection.
const ALL: [fn(&SelectedPart<'_>) -> Option<Refactoring>; 7] = [
    extract_condition::extract_condition,
    extract_mapping::extract_mapping,
    inline_condition::inline_condition,
    split_rule::split_rule,
    merge_rules::merge_rules,
    join_directions::join_directions,
    sort_states::sort_states,
];

/// A selection in a declaration.
struct SelectedPart<'a> {
    view: FileView<'a>,
    span: Span,
    declaration: &'a tree::Declaration,
}

/// What can be done with a selection. Nothing is proved yet. Nothing can be done in a program with errors, of which nobody
/// knows what it decides.
pub fn refactorings(view: FileView<'_>, span: Span) -> Vec<Refactoring> {
    if view.checked().is_none() {
        return Vec::new();
    }
    let start = Span {
        start: span.start,
        end: span.start,
    };
    let Some(declaration) = declaration_at(view, start) else {
        return Vec::new();
    };
    let selection = SelectedPart {
        view,
        span,
        declaration,
    };
    let found = ALL.iter().filter_map(|find| find(&selection));
    found.filter(|one| keeps_comments(view, one)).collect()
}

/// Whether an edit has as many comments as what it replaces: none may be lost, and none copied.
fn keeps_comments(view: FileView<'_>, refactoring: &Refactoring) -> bool {
    let comments = &view.tree().comments;
    let within = |span: Span| {
        let inside = comments
            .iter()
            .filter(|comment| span.contains(comment.span));
        inside.count()
    };
    let edits = &refactoring.edits;
    let before: usize = edits.iter().map(|(span, _)| within(*span)).sum();
    let after = edits.iter().map(|(_, text)| presync::tokens(text).1.len());
    before == after.sum::<usize>()
}

/// Proves that a change keeps every decision of every program that has the file.
///
/// # Errors
/// It does not: what is wrong.
pub fn prove(
    analysis: &Analysis,
    view: FileView<'_>,
    refactoring: &Refactoring,
) -> Result<FileEdits, String> {
    let path = view
        .path_of(view.file)
        .ok_or("a bundled vocabulary cannot be changed")?;
    let path = path.to_path_buf();
    let edits = FileEdits::from([(path.clone(), refactoring.edits.clone())]);
    let texts = analysis.with(&edits);
    for view in analysis.views(&path) {
        compare(analysis, view.program, &texts, None).map_err(|wrong| match wrong {
            Wrong::Error(message) => format!("the program would have an error: {message}"),
            Wrong::Different => "the program would decide differently".to_owned(),
        })?;
    }
    Ok(edits)
}

impl<'a> SelectedPart<'a> {
    fn text(&self, span: Span) -> &'a str {
        span.text(self.view.text())
    }

    fn text_after(&self, offset: u32) -> &'a str {
        &self.view.text()[offset as usize..]
    }

    /// Whether a part contains the selection.
    fn is_in(&self, span: Span) -> bool {
        span.contains(self.span)
    }

    /// The blocks of the declaration that contain the selection, outermost first.
    fn blocks(&self) -> Vec<&'a [tree::Item]> {
        let mut items: &[tree::Item] = match &self.declaration.kind {
            tree::DeclarationKind::Profile { items, .. }
            | tree::DeclarationKind::Mapping { items, .. } => items,
            _ => return Vec::new(),
        };
        let mut blocks = vec![items];
        while let Some(when) = items.iter().find_map(|item| match &item.kind {
            tree::ItemKind::When(when) if self.is_in(item.span) => Some(when),
            _ => None,
        }) {
            items = &when.body;
            blocks.push(items);
        }
        blocks
    }

    /// The rule at the selection, and the item that it is, with the conditions before it.
    fn rule(&self) -> Option<(&'a tree::Item, &'a tree::Rule)> {
        let blocks = self.blocks();
        let at = |items: &&'a [tree::Item]| items.iter().find(|item| self.is_in(item.span));
        let item = blocks.iter().filter_map(at).next_back()?;
        let tree::ItemKind::Rule(rule) = &item.kind else {
            return None;
        };
        // `when a: rule` is one item with a body of one rule.
        let outer = blocks
            .iter()
            .filter_map(at)
            .find(|outer| match &outer.kind {
                tree::ItemKind::When(when) => !when.block && holds_only(when, item),
                _ => false,
            });
        Some((outer.unwrap_or(item), rule))
    }

    /// Every condition in the declaration that contains the selection, outermost first.
    fn conditions(&self) -> Vec<&'a tree::Condition> {
        let mut found = Vec::new();
        if let tree::DeclarationKind::Profile {
            condition: Some(condition),
            ..
        } = &self.declaration.kind
        {
            self.conditions_in(condition, &mut found);
        }
        if let tree::DeclarationKind::Condition { condition, .. } = &self.declaration.kind {
            self.conditions_in(condition, &mut found);
        }
        for items in self.blocks() {
            for item in items.iter().filter(|item| self.is_in(item.span)) {
                if let tree::ItemKind::When(when) = &item.kind {
                    for head in &when.heads {
                        self.conditions_in(&head.condition, &mut found);
                    }
                }
            }
        }
        found
    }

    fn conditions_in(&self, condition: &'a tree::Condition, found: &mut Vec<&'a tree::Condition>) {
        if !self.is_in(condition.span) {
            return;
        }
        found.push(condition);
        match &condition.kind {
            tree::ConditionKind::And(parts) | tree::ConditionKind::Or(parts) => {
                parts
                    .iter()
                    .for_each(|part| self.conditions_in(part, found));
            }
            tree::ConditionKind::Not { inner, .. } => self.conditions_in(inner, found),
            tree::ConditionKind::Name(_)
            | tree::ConditionKind::Is { .. }
            | tree::ConditionKind::ByHand(_) => {}
        }
    }

    /// A name that no declaration has.
    fn free_name(&self) -> Option<String> {
        let declared = &self.view.index().declared;
        let mut names = std::iter::once("extracted".to_owned())
            .chain((2..).map(|number| format!("extracted_{number}")));
        names.find(|name| declared.iter().all(|one| one.name != *name))
    }

    /// Where the declaration starts, with what belongs to it.
    fn start(&self) -> u32 {
        with_leading(&self.declaration.before, self.declaration.span).start
    }

    /// The indentation of the line of an offset.
    fn indent(&self, offset: u32) -> &'a str {
        let before = &self.view.text()[..offset as usize];
        let line = before.rsplit('\n').next().unwrap_or_default();
        let spaces = line.len() - line.trim_start().len();
        &line[..spaces]
    }
}

/// The span of something, with its documentation and `@allow`s.
fn with_leading(before: &tree::Leading, span: Span) -> Span {
    let allows = before.allows().iter();
    allows.fold(before.with_doc(span), |whole, allow| whole.to(allow.span))
}

fn holds_only(when: &tree::When, item: &tree::Item) -> bool {
    match &*when.body {
        [only] => {
            std::ptr::eq(only, item)
                || matches!(&only.kind, tree::ItemKind::When(inner) if holds_only(inner, item))
        }
        _ => false,
    }
}
