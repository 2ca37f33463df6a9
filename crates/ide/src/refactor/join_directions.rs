//! A rule and the one the other way become one with `<->`.

use presync::{Span, tree};

use crate::refactor::{Refactoring, RefactoringKind, SelectedPart};

/// See the module.
pub fn join_directions(selection: &SelectedPart<'_>) -> Option<Refactoring> {
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
