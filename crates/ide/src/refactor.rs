//! Changes of a program that keep what it decides, which is proved before they are made.
//! In: a part of a file. Out: what can be done there. One function for each.

use presync::{DeclaredKind, Meaning, Span, tree};

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
    extract_condition,
    extract_mapping,
    inline_condition,
    split_rule,
    merge_rules,
    join_directions,
    sort_states,
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

/// A selected condition becomes a named one.
fn extract_condition(selection: &SelectedPart<'_>) -> Option<Refactoring> {
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

/// The selected rules of a profile become a mapping that it applies.
fn extract_mapping(selection: &SelectedPart<'_>) -> Option<Refactoring> {
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

/// The name of a condition gives way to what it stands for.
fn inline_condition(selection: &SelectedPart<'_>) -> Option<Refactoring> {
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

/// A rule of several states becomes a rule for each.
fn split_rule(selection: &SelectedPart<'_>) -> Option<Refactoring> {
    let (item, rule) = selection.rule()?;
    let allows_something = !item.before.allows().is_empty();
    if rule.left.terms.len() < 2 || rule.two_way || allows_something {
        return None;
    }
    let left = rule.left.span();
    let before = Span {
        start: item.span.start,
        end: left.start,
    };
    let after = Span {
        start: left.end,
        end: item.span.end,
    };
    let system = selection.text(rule.left.system.span);
    let separator = format!(
        "{}{}",
        selection.view.source().newline(),
        selection.indent(item.span.start)
    );
    let rules: Vec<String> = rule
        .left
        .terms
        .iter()
        .map(|term| {
            let term = selection.text(term.span());
            format!(
                "{}{system} {term}{}",
                selection.text(before),
                selection.text(after)
            )
        })
        .collect();
    Some(Refactoring {
        title: format!("split into {} rules", rules.len()),
        kind: RefactoringKind::Rewrite,
        edits: vec![(item.span, rules.join(&separator))],
    })
}

/// The rule, and those around it that do the same for other states, become one.
fn merge_rules(selection: &SelectedPart<'_>) -> Option<Refactoring> {
    let (item, rule) = selection.rule()?;
    let blocks = selection.blocks();
    let block = blocks
        .iter()
        .rfind(|items| items.iter().any(|one| std::ptr::eq(one, item)))?;
    let at = block.iter().position(|one| std::ptr::eq(one, item))?;
    let is_like = |other: &tree::Item| -> bool {
        let tree::ItemKind::Rule(other_rule) = &other.kind else {
            return false;
        };
        let words = |span: Span| {
            let words: Vec<&str> = selection.text(span).split_whitespace().collect();
            words.join(" ")
        };
        other.before.allows().is_empty()
            && other.before.doc().is_empty()
            && !other_rule.two_way
            && other_rule.overriding.is_some() == rule.overriding.is_some()
            && other_rule.left.system.text == rule.left.system.text
            && words(other_rule.right.span()) == words(rule.right.span())
            && other_rule
                .left
                .terms
                .iter()
                .all(|term| matches!(term, tree::Term::Name(_)))
    };
    if !is_like(item) {
        return None;
    }
    let from = at
        - block[..at]
            .iter()
            .rev()
            .take_while(|one| is_like(one))
            .count();
    let to = at + block[at..].iter().take_while(|one| is_like(one)).count();
    if to - from < 2 {
        return None;
    }
    let rules = block[from..to].iter().filter_map(|item| match &item.kind {
        tree::ItemKind::Rule(rule) => Some(rule),
        _ => None,
    });
    let terms: Vec<&str> = rules
        .flat_map(|rule| rule.left.terms.iter())
        .map(|term| selection.text(term.span()))
        .collect();
    let first = &block[from];
    let last = &block[to - 1];
    let tree::ItemKind::Rule(first_rule) = &first.kind else {
        return None;
    };
    let before = Span {
        start: first.span.start,
        end: first_rule.left.system.span.end,
    };
    let after = Span {
        start: first_rule.left.span().end,
        end: first.span.end,
    };
    let whole = first.span.to(last.span);
    let text = format!(
        "{} {}{}",
        selection.text(before),
        terms.join(" | "),
        selection.text(after)
    );
    Some(Refactoring {
        title: format!("merge {} rules with `|`", to - from),
        kind: RefactoringKind::Rewrite,
        edits: vec![(whole, text)],
    })
}

/// A rule and the one the other way become one with `<->`.
fn join_directions(selection: &SelectedPart<'_>) -> Option<Refactoring> {
    let (item, rule) = selection.rule()?;
    let single = |side: &tree::Side| match side.terms.as_slice() {
        [tree::Term::Name(name)] => Some((side.system.text.clone(), name.text.clone())),
        _ => None,
    };
    let (left, right) = (single(&rule.left)?, single(&rule.right)?);
    if rule.two_way {
        return None;
    }
    let blocks = selection.blocks();
    let block = blocks
        .iter()
        .rfind(|items| items.iter().any(|one| std::ptr::eq(one, item)))?;
    let back = block.iter().find(|item| match &item.kind {
        tree::ItemKind::Rule(other) => {
            !other.two_way
                && item.before.allows().is_empty()
                && other.overriding.is_some() == rule.overriding.is_some()
                && single(&other.left).as_ref() == Some(&right)
                && single(&other.right).as_ref() == Some(&left)
        }
        _ => false,
    })?;
    // The line of the other one goes, if nothing else is on it.
    let text = selection.view.text();
    let mut span = back.before.with_doc(back.span);
    let line_start = text[..span.start as usize]
        .rfind('\n')
        .map_or(0, |at| at + 1);
    let line_end = text[span.end as usize..]
        .find('\n')
        .map_or(text.len(), |at| span.end as usize + at + 1);
    let around = [line_start..span.start as usize, span.end as usize..line_end];
    if around.into_iter().all(|part| text[part].trim().is_empty()) {
        span = Span::new(line_start, line_end);
    }
    Some(Refactoring {
        title: "join with the rule the other way as `<->`".to_owned(),
        kind: RefactoringKind::Rewrite,
        edits: vec![(rule.arrow, "<->".to_owned()), (span, String::new())],
    })
}

/// The states of a system in order of their names.
fn sort_states(selection: &SelectedPart<'_>) -> Option<Refactoring> {
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
