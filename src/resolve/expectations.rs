//! Resolves names in tests and scenarios. Later stages prove and run them.

use crate::errors::{
    duplicate_definition, empty_test, same_system, unknown_condition, unknown_role, unknown_state,
};
use crate::program::{self, Cond, CondId, Direction, FactKind, RoleId, ValueId};
use crate::resolve::{Owned, Resolver, TreeDeclaration};
use crate::source::{FileId, Location};
use crate::syntax::tree::{self, DeclarationKind, Outcome, StepKind, TestItem};

impl Resolver {
    pub(super) fn resolve_tests(&mut self, tests: &[Owned]) {
        self.owner = None;
        let mut names: std::collections::HashMap<(bool, &str), Location> =
            std::collections::HashMap::new();
        for declaration in tests.iter().map(Owned::borrowed) {
            let (name, is_test) = match &declaration.node.kind {
                DeclarationKind::Test { name, .. } => (name, true),
                DeclarationKind::Scenario { name, .. } => (name, false),
                _ => continue,
            };
            let location = declaration.at(name.span);
            if let Some(first) = names.insert((is_test, &name.text), location) {
                self.duplicate(
                    if is_test { "test" } else { "scenario" },
                    &name.text,
                    first,
                    location,
                );
            }
            match &declaration.node.kind {
                DeclarationKind::Test { items, .. } => self.test(name, items, declaration),
                DeclarationKind::Scenario { steps, .. } => self.scenario(name, steps, declaration),
                _ => {}
            }
        }
    }

    fn test(&mut self, name: &tree::Name, items: &[TestItem], declaration: TreeDeclaration<'_>) {
        let file = declaration.file;
        let mut roles = None;
        let mut named: Option<Location> = None;
        let mut given = Some(Self::ALWAYS);
        let mut given_location: Option<Location> = None;
        let mut expectations = Vec::with_capacity(items.len());
        let mut complete = true;
        for item in items {
            match item {
                TestItem::Role(name) => {
                    let here = declaration.at(name.span);
                    if let Some(first) = named {
                        self.error(duplicate_definition::role(&name.text, first, here));
                    } else {
                        named = Some(here);
                        roles = self.role(name, file).map(|role| vec![role]);
                        complete &= roles.is_some();
                    }
                }
                TestItem::AnyRole(span) => {
                    let here = declaration.at(*span);
                    if let Some(first) = named {
                        self.error(duplicate_definition::role("any", first, here));
                    } else {
                        named = Some(here);
                        let all = 0..self.draft.roles.len();
                        roles = Some(all.map(RoleId::from_index).collect());
                    }
                }
                TestItem::Given(conditions) => {
                    for condition in conditions {
                        let id = self.condition(condition, file);
                        given = self.both(given, id);
                        let span = declaration.at(condition.span);
                        given_location = Some(given_location.map_or(span, |first| Location {
                            file,
                            span: first.span.to(span.span),
                        }));
                    }
                }
                TestItem::Expect(expect) => match self.expectation(expect, file) {
                    Some(expectation) => expectations.push(expectation),
                    None => complete = false,
                },
            }
        }
        let location = declaration.at(name.span);
        if named.is_none() {
            roles = self.only_role(location, "test").map(|role| vec![role]);
        }
        let expects = items.iter().any(|item| matches!(item, TestItem::Expect(_)));
        if !expects && !self.has_syntax_error(declaration.at(declaration.node.span)) {
            self.error(empty_test::no_expectation("test", &name.text, location));
            complete = false;
        }
        if let (Some(roles), Some(given), true) = (roles, given, complete) {
            let given_location = given_location.unwrap_or(location);
            self.draft.tests.push(program::Test {
                name: name.text.to_string(),
                location,
                roles,
                given,
                given_location,
                expectations,
            });
        }
    }

    fn both(&mut self, left: Option<CondId>, right: Option<CondId>) -> Option<CondId> {
        Some(self.and(left?, right?))
    }

    /// The role of a test or scenario that does not name one: the only role of the program.
    fn only_role(&mut self, location: Location, what: &str) -> Option<RoleId> {
        if let [_] = self.draft.roles.as_slice() {
            return Some(RoleId::from_index(0));
        }
        if let Some(at) = self.draft.roles.iter().position(|(role, _)| role.default) {
            return Some(RoleId::from_index(at));
        }
        if self.draft.roles.is_empty() {
            return None;
        }
        let names = self.draft.roles.iter().map(|(role, _)| role.name.as_str());
        let error = unknown_role::unnamed(what, names, location);
        self.error(error);
        None
    }

    fn expectation(&mut self, expect: &tree::Expect, file: FileId) -> Option<program::Expectation> {
        let from = self.system(&expect.system, file);
        let to = self.system(&expect.target, file);
        let (from, to) = from.zip(to)?;
        let Some(direction) = Direction::new(from, to) else {
            let at = |span| Location { file, span };
            let (left, right) = (at(expect.system.span), at(expect.target.span));
            let system = self.draft.system(from).name.clone();
            self.error(same_system::expectation(&system, left, right));
            return None;
        };
        let states = self.states(from, &expect.states, file);
        let (mut unchanged, mut unmapped, mut previous) = (false, false, false);
        let mut values = Vec::new();
        for outcome in &expect.outcomes {
            match outcome {
                Outcome::Name(name) => values.push(tree::Value::Name(name.clone())),
                Outcome::Any(span) => values.push(tree::Value::Any(*span)),
                Outcome::Unchanged(_) => unchanged = true,
                Outcome::Unmapped(_) => unmapped = true,
                Outcome::Previous(_) => previous = true,
            }
        }
        let set = self.states(to, &values, file)?;
        let states = states?;
        let nothing = set.is_empty() && !unchanged && !unmapped && !previous;
        if states.is_empty() || nothing {
            let of = if states.is_empty() { from } else { to };
            let system = self.draft.system(of).name.clone();
            let span = expect.span;
            self.error(empty_test::no_state(&system, Location { file, span }));
            return None;
        }
        let append = expect.appendix.as_ref().map(texts);
        let location = Location {
            file,
            span: expect.span,
        };
        Some(program::Expectation {
            direction,
            states,
            negated: expect.negated,
            set,
            unchanged,
            unmapped,
            previous,
            append,
            location,
        })
    }

    fn scenario(
        &mut self,
        name: &tree::Name,
        steps: &[tree::Step],
        declaration: TreeDeclaration<'_>,
    ) {
        let file = declaration.file;
        let location = declaration.at(name.span);
        let starts_with_role = matches!(
            steps.first(),
            Some(tree::Step {
                kind: StepKind::Role(_),
                ..
            })
        );
        let role = if starts_with_role {
            None
        } else {
            self.only_role(location, "scenario")
        };
        let expects = steps.iter().any(|step| step.commands.is_some());
        if !expects && !self.has_syntax_error(declaration.at(declaration.node.span)) {
            self.error(empty_test::no_expectation("scenario", &name.text, location));
        }
        let resolved: Vec<Option<program::Step>> =
            steps.iter().map(|step| self.step(step, file)).collect();
        if let Some(steps) = resolved.into_iter().collect()
            && (starts_with_role || role.is_some())
        {
            self.draft.scenarios.push(program::Scenario {
                name: name.text.to_string(),
                location,
                role,
                steps,
            });
        }
    }

    fn step(&mut self, step: &tree::Step, file: FileId) -> Option<program::Step> {
        let kind = match &step.kind {
            StepKind::Role(name) => self.role(name, file).map(program::StepKind::Role),
            StepKind::Set(conditions) => {
                let assignments: Vec<Option<ValueId>> = conditions
                    .iter()
                    .map(|condition| self.assignment(condition, file))
                    .collect();
                let assignments: Option<Vec<ValueId>> = assignments.into_iter().collect();
                if let Some(values) = &assignments {
                    self.refuse_both_ways(values, conditions, file);
                }
                assignments.map(program::StepKind::Set)
            }
            StepKind::Observe(observed) => {
                let mut states = Vec::new();
                let mut complete = true;
                for (system, state) in observed {
                    let resolved = self.system(system, file).and_then(|system| match state {
                        Some(name) => self
                            .one_state(system, name, file)
                            .map(|state| (system, Some(state))),
                        None => Some((system, None)),
                    });
                    complete &= resolved.is_some();
                    states.extend(resolved);
                }
                complete.then_some(program::StepKind::Observe(states))
            }
            StepKind::Resync(None) => Some(program::StepKind::Resync(None)),
            StepKind::Resync(Some(system)) => {
                let system = self.system(system, file);
                system.map(|system| program::StepKind::Resync(Some(system)))
            }
            StepKind::Wait(seconds) => Some(program::StepKind::Wait(*seconds)),
            StepKind::Change(change) => {
                let (system, state) = &**change;
                let system = self.system(system, file);
                system.and_then(|system| {
                    self.one_state(system, state, file)
                        .map(program::StepKind::Change)
                })
            }
        };
        let commands = match &step.commands {
            None => None,
            Some(commands) => {
                let resolved: Vec<Option<program::ExpectedCommand>> = commands
                    .iter()
                    .map(|command| self.command(command, file))
                    .collect();
                Some(resolved.into_iter().collect::<Option<Vec<_>>>()?)
            }
        };
        Some(program::Step {
            kind: kind?,
            commands,
            location: Location {
                file,
                span: step.span,
            },
        })
    }

    fn refuse_both_ways(
        &mut self,
        values: &[ValueId],
        conditions: &[tree::Condition],
        file: FileId,
    ) {
        for (at, value) in values.iter().enumerate() {
            let other = |before: &ValueId| before.fact() == value.fact() && before != value;
            if let Some(first) = values[..at].iter().position(other) {
                let place = |at: usize| Location {
                    file,
                    span: conditions[at].span,
                };
                let fact = self.draft.fact(value.fact()).name.clone();
                self.error(empty_test::both_ways(&fact, place(first), place(at)));
            }
        }
    }

    fn command(
        &mut self,
        command: &tree::Command,
        file: FileId,
    ) -> Option<program::ExpectedCommand> {
        let to = self.system(&command.system, file)?;
        let state = self.one_state(to, &command.state, file)?;
        let append = command.appendix.as_ref().map(texts);
        Some(program::ExpectedCommand {
            state,
            append,
            location: Location {
                file,
                span: command.span,
            },
        })
    }

    pub(super) fn one_state(
        &mut self,
        system: program::SystemId,
        name: &tree::Name,
        file: FileId,
    ) -> Option<program::StateId> {
        match self.state_or_group(system, name, file)? {
            super::states::StateOrGroup::State(state) => Some(state),
            super::states::StateOrGroup::Group(_) => {
                let at = Location {
                    file,
                    span: name.span,
                };
                let system = self.draft.system(system).name.clone();
                self.error(unknown_state::group_as_step(&system, &name.text, at));
                None
            }
        }
    }

    /// A fact that a step sets: `flag`, `not flag`, `value`, `choice is value`.
    fn assignment(&mut self, condition: &tree::Condition, file: FileId) -> Option<ValueId> {
        let id = self.condition(condition, file)?;
        let inner = match &condition.kind {
            tree::ConditionKind::Not { inner, .. } => &inner.kind,
            kind => kind,
        };
        let named = matches!(inner, tree::ConditionKind::Name(name) if matches!(self.names.atoms.get(&name.text), Some(super::Atom::Condition(..))));
        let assignment = match self.draft.conditions.get(id) {
            _ if named => None,
            Cond::Flag(fact) => Some(ValueId::from_index(*fact, 1)),
            Cond::Value(fact, values)
                if values.len() == 1 && self.draft.fact(*fact).kind != FactKind::Flag =>
            {
                values.first().copied()
            }
            Cond::Not(inner) => match self.draft.conditions.get(*inner) {
                Cond::Flag(fact) => Some(ValueId::from_index(*fact, 0)),
                _ => None,
            },
            _ => None,
        };
        if assignment.is_none() {
            self.error(unknown_condition::is_no_step(Location {
                file,
                span: condition.span,
            }));
        }
        assignment
    }
}

fn texts(appendix: &tree::Appendix) -> Vec<String> {
    appendix
        .texts
        .iter()
        .map(|text| text.text.to_string())
        .collect()
}
