//! Lowers the bodies of tests and scenarios.

use crate::errors::syntax as errors;
use crate::syntax::Rule;
use crate::syntax::lower::{Lower, PairNode};
use crate::syntax::rules::skip;
use crate::syntax::tree;

impl<'a> Lower<'a> {
    fn conditions(&self, node: PairNode<'a>) -> Box<[tree::Condition]> {
        node.inner()
            .filter(|child| child.rule() == Rule::condition)
            .map(|child| self.condition(child))
            .collect()
    }

    pub fn test_item(&self, node: PairNode<'a>) -> tree::TestItem {
        match node.rule() {
            Rule::in_role => tree::TestItem::Role(self.in_role(node)),
            Rule::any_role => tree::TestItem::AnyRole(node.span()),
            Rule::given => tree::TestItem::Given(self.conditions(node)),
            Rule::expect => tree::TestItem::Expect(self.expect(node)),
            rule => unreachable!("`{rule:?}` is no part of a test"),
        }
    }

    fn in_role(&self, node: PairNode<'a>) -> tree::Name {
        let role = node.inner().find(|child| child.rule() == Rule::role_ref);
        self.name(&role.expect("`role` names a role"))
    }

    fn expect(&self, node: PairNode<'a>) -> tree::Expect {
        let span = node.span();
        let mut children = node.inner().filter(|child| child.rule() != Rule::gives);
        let mut event = children
            .next()
            .expect("an expectation begins with a change")
            .inner();
        let system = event
            .next()
            .map(|name| self.name(&name))
            .expect("a change names a system");
        let states = event
            .filter_map(|child| match child.rule() {
                Rule::kw_any => Some(tree::Value::Any(child.span())),
                Rule::state_ref => Some(tree::Value::Name(self.name(&child))),
                _ => None,
            })
            .collect();
        let expected = children
            .next()
            .expect("an expectation says what it expects");
        let mut negated = false;
        let mut target = None;
        let mut outcomes = Vec::new();
        let mut appendix = None;
        for child in expected.inner() {
            let span = child.span();
            match child.rule() {
                Rule::kw_not => negated = true,
                Rule::system_ref => target = Some(self.name(&child)),
                Rule::kw_any => outcomes.push(tree::Outcome::Any(span)),
                Rule::kw_unchanged => outcomes.push(tree::Outcome::Unchanged(span)),
                Rule::kw_unmapped => outcomes.push(tree::Outcome::Unmapped(span)),
                Rule::kw_previous => outcomes.push(tree::Outcome::Previous(span)),
                Rule::state_ref => outcomes.push(tree::Outcome::Name(self.name(&child))),
                Rule::appendix => appendix = Some(self.appendix(child)),
                rule => skip(rule),
            }
        }
        let target = target.expect("an expectation names a system");
        tree::Expect {
            system,
            states,
            negated,
            target,
            outcomes: outcomes.into(),
            appendix,
            span,
        }
    }

    fn appendix(&self, node: PairNode<'a>) -> tree::Appendix {
        let span = node.span();
        let texts = node
            .inner()
            .filter(|child| child.rule() == Rule::text)
            .map(|child| self.name(&child))
            .collect();
        tree::Appendix { texts, span }
    }

    pub fn step(&self, node: PairNode<'a>) -> tree::Step {
        let span = node.span();
        let rule = node.rule();
        if rule == Rule::wait_step {
            let commands = node
                .clone()
                .inner()
                .find(|child| child.rule() == Rule::commands);
            return tree::Step {
                commands: commands.map(|commands| self.commands(commands)),
                kind: tree::StepKind::Wait(self.duration_in(node)),
                span,
            };
        }
        let mut commands = None;
        let mut conditions = Vec::new();
        let mut observed = Vec::new();
        let mut names = Vec::new();
        for child in node.inner() {
            match child.rule() {
                Rule::commands => commands = Some(self.commands(child)),
                Rule::condition => conditions.push(self.condition(child)),
                Rule::observed => observed.push(self.observed(child)),
                Rule::in_role => names.push(self.in_role(child)),
                Rule::system_ref | Rule::state_ref => names.push(self.name(&child)),
                rule => skip(rule),
            }
        }
        let mut names = names.into_iter();
        let mut name = || names.next().expect("the step has its names");
        let kind = match rule {
            Rule::in_role_step => tree::StepKind::Role(name()),
            Rule::set_step => tree::StepKind::Set(conditions.into()),
            Rule::observe_step => tree::StepKind::Observe(observed.into()),
            Rule::resync_step => tree::StepKind::Resync(names.next()),
            Rule::change_step => tree::StepKind::Change(Box::new((name(), name()))),
            rule => unreachable!("`{rule:?}` is no step"),
        };
        tree::Step {
            kind,
            commands,
            span,
        }
    }

    fn observed(&self, node: PairNode<'a>) -> (tree::Name, Option<tree::Name>) {
        let mut names = node
            .inner()
            .filter(|child| matches!(child.rule(), Rule::system_ref | Rule::state_ref));
        let system = names
            .next()
            .map(|name| self.name(&name))
            .expect("an observation names a system");
        (system, names.next().map(|name| self.name(&name)))
    }

    fn commands(&self, node: PairNode<'a>) -> Box<[tree::Command]> {
        let all: Vec<PairNode<'a>> = node
            .inner()
            .filter(|child| child.rule() == Rule::command)
            .collect();
        let several = all.len() > 1;
        let mut commands = Vec::with_capacity(all.len());
        for child in all {
            let span = child.span();
            match self.command(child) {
                Some(command) => commands.push(command),
                None if several => self.error(span, errors::nothing_among_commands),
                None => {}
            }
        }
        commands.into()
    }

    /// `None` for `nothing`.
    fn command(&self, node: PairNode<'a>) -> Option<tree::Command> {
        let span = node.span();
        let mut names = Vec::new();
        let mut appendix = None;
        for child in node.inner() {
            match child.rule() {
                Rule::system_ref | Rule::state_ref => names.push(self.name(&child)),
                Rule::appendix => appendix = Some(self.appendix(child)),
                rule => skip(rule),
            }
        }
        let state = names.pop()?;
        let system = names.pop()?;
        Some(tree::Command {
            system,
            state,
            appendix,
            span,
        })
    }
}
