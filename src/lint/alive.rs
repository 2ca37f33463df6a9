//! The rules and profiles that decide in some situation. `dead-rule` and `dead-profile` report all others.

use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::diagram::{CascadeBuilder, Diagram};
use crate::lint::Context;
use crate::program::{Change, Direction, ProfileId, Rank, RoleId, RuleSourceId};
use crate::space::Candidates;

/// One direction of a written rule.
pub(super) type OneWay = (RuleSourceId, Direction);

/// A set of [`OneWay`]: a rule connects two systems, so it has two possible directions.
#[derive(Default)]
pub(super) struct Ways(Vec<[bool; 2]>);

impl Ways {
    pub fn insert(&mut self, (source, direction): OneWay) {
        if self.0.len() <= source.index() {
            self.0.resize(source.index() + 1, [false; 2]);
        }
        self.0[source.index()][usize::from(direction.from() > direction.to())] = true;
    }

    pub fn both(&self, source: RuleSourceId) -> bool {
        self.0.get(source.index()) == Some(&[true; 2])
    }

    pub fn contains(&self, (source, direction): &OneWay) -> bool {
        self.0
            .get(source.index())
            .is_some_and(|ways| ways[usize::from(direction.from() > direction.to())])
    }
}

/// Maximum number of diagram nodes for one question.
const BUDGET: usize = 50_000;

/// A role is abandoned after this many questions without an answer.
const MAX_FAILURES: usize = 10;

/// The rules and profiles that decide in some situation.
#[derive(Default)]
pub(super) struct Alive {
    pub rules: Ways,
    pub profiles: FxHashSet<(RoleId, ProfileId)>,
    /// Roles with questions that have no answer.
    pub unknown: FxHashSet<RoleId>,
}

/// Computed once for both lints.
pub(super) fn alive(context: &mut Context<'_>) -> Rc<Alive> {
    if let Some(known) = &context.alive {
        return known.clone();
    }
    let program = context.program;
    let mut alive = Alive::default();
    for role in program.role_ids() {
        let mut failures = 0;
        for direction in program.directions() {
            for state in context.space.state_classes_of_role(role, direction) {
                one_change(
                    context,
                    role,
                    Change::of(direction, state),
                    &mut alive,
                    &mut failures,
                );
            }
        }
    }
    let alive = Rc::new(alive);
    context.alive = Some(alive.clone());
    alive
}

fn one_change(
    context: &mut Context<'_>,
    role: RoleId,
    change: Change,
    alive: &mut Alive,
    failures: &mut usize,
) {
    let program = context.program;
    // A rule that is the origin of a decision is alive; any other may still agree with an origin, or never decide.
    let decided = context.space.decision(role, change);
    for leaf in decided
        .parts
        .first()
        .map(|part| context.space.leaves(*part))
        .iter()
        .flat_map(|leaves| leaves.iter())
    {
        if let Some(decision) = context.space.decision_of(&decided, *leaf) {
            let source = context.space.rule_of(decision).source;
            alive.rules.insert((source, change.direction()));
            alive.profiles.insert((role, decision.profile));
        }
    }
    // What earlier profiles decide, extended only on demand.
    let mut before = CascadeBuilder::default();
    let mut passed: Vec<Arc<Candidates>> = Vec::new();
    for &profile in &program.role(role).profiles {
        let Some(shape) = context.space.shape(profile, change) else {
            continue;
        };
        let rules = context.space.rules_for(profile, change);
        for (at, (level, holds)) in rules.iter().zip(shape.candidates.iter()) {
            let rule = &program.profile(profile).rules[*at as usize];
            let key = (rule.source, change.direction());
            if alive.rules.contains(&key) && alive.profiles.contains(&(role, profile)) {
                continue;
            }
            if *failures >= MAX_FAILURES {
                alive.unknown.insert(role);
                return;
            }
            for shape in passed.drain(..) {
                shape
                    .decider
                    .iter()
                    .for_each(|part| before.push(&mut context.space.diagrams, *part));
            }
            let stronger: &[&[Diagram]] = match level {
                Rank::Override => &[],
                Rank::Plain => &[&shape.overriding],
                Rank::Otherwise => &[&shape.overriding, &shape.plain],
            };
            let covers: Vec<Diagram> = before
                .parts()
                .iter()
                .chain(stronger.iter().copied().flatten())
                .copied()
                .collect();
            let left = context.space.diagrams.with_budget(BUDGET, |diagrams| {
                covers.iter().fold(*holds, |left, cover| {
                    if left == Diagram::ZERO {
                        left
                    } else {
                        diagrams.without(left, *cover)
                    }
                })
            });
            match left {
                Some(Diagram::ZERO) => {}
                Some(_) => {
                    alive.rules.insert(key);
                    alive.profiles.insert((role, profile));
                }
                None => {
                    alive.unknown.insert(role);
                    *failures += 1;
                }
            }
        }
        passed.push(shape);
    }
}
