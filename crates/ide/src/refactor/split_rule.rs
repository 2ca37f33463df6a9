//! A rule of several states becomes a rule for each.

use presync::Span;

use crate::refactor::{Refactoring, RefactoringKind, SelectedPart};

/// See the module.
pub fn split_rule(selection: &SelectedPart<'_>) -> Option<Refactoring> {
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
