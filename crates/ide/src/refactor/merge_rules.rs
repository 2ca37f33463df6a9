//! The rule, and those around it that do the same for other states, become one.

use presync::{Span, tree};

use crate::refactor::{Refactoring, RefactoringKind, SelectedPart};

/// See the module.
pub fn merge_rules(selection: &SelectedPart<'_>) -> Option<Refactoring> {
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
