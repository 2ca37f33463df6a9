//! Shared by several lints: where a role decides a change, and where it sets which state.

use std::collections::BTreeMap;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::diagram::Diagram;
use crate::lint::Context;
use crate::program::{Change, RoleId, RuleSourceId, StateId, SystemId, Target};
use crate::space::RoleDecision;

/// For each leaf of a decision, its target.
type LeafTargets = Box<[Option<Target>]>;

/// For each state, where it is set.
type Sets = Rc<BTreeMap<StateId, Diagram>>;

/// Cached results.
#[derive(Default)]
pub(super) struct RegionCache {
    known: FxHashMap<(RoleId, Change), Option<Rc<ChangeRegions>>>,
    /// By decision: where any profile decides.
    decided: FxHashMap<Diagram, Diagram>,
    /// By decision and the states that its leaves set.
    sets: FxHashMap<(Diagram, LeafTargets), (Sets, Diagram)>,
}

/// The outcomes of a change, as regions of situations.
pub(super) struct ChangeRegions {
    /// Which rule decides.
    pub decision: Diagram,
    pub by: RoleDecision,
    /// Where any profile decides.
    pub decided: Diagram,
    /// Where it sets which state. Without `previous`.
    pub sets: Sets,
    /// Where it brings the own state back.
    pub previous: Diagram,
}

impl Context<'_> {
    /// The regions of a change; `None`, which is noted, if the role is too complex.
    pub(super) fn change(&mut self, role: RoleId, change: Change) -> Option<Rc<ChangeRegions>> {
        let change = self.space.representative(role, change);
        let key = (role, change);
        if !self.regions.known.contains_key(&key) {
            let by = self.space.decision(role, change);
            let change = match *by.parts {
                [] => Some(self.split(Diagram::ZERO, by)),
                [one] => Some(self.split(one, by)),
                _ => None,
            };
            self.regions.known.insert(key, change.map(Rc::new));
        }
        let change = self.regions.known[&key].clone();
        if change.is_none() {
            self.cut_short(role);
        }
        change
    }

    fn split(&mut self, decision: Diagram, by: RoleDecision) -> ChangeRegions {
        let diagrams = &mut self.space.diagrams;
        let decided = *self
            .regions
            .decided
            .entry(decision)
            .or_insert_with(|| diagrams.map(decision, &mut |leaf| u32::from(leaf != 0)));
        let leaves = self.space.leaves(decision);
        let targets: LeafTargets = leaves.iter().map(|leaf| self.target(&by, *leaf)).collect();
        let key = (decision, targets);
        if let Some((sets, previous)) = self.regions.sets.get(&key) {
            return ChangeRegions {
                decision,
                decided,
                by,
                sets: sets.clone(),
                previous: *previous,
            };
        }
        let mut of_target: BTreeMap<StateId, Vec<u32>> = BTreeMap::new();
        let mut back: Vec<u32> = Vec::new();
        for (leaf, target) in leaves.iter().zip(&key.1) {
            match target {
                Some(Target::Set(target)) => of_target.entry(*target).or_default().push(*leaf),
                Some(Target::Previous) => back.push(*leaf),
                Some(Target::Unchanged) | None => {}
            }
        }
        let mut within = |leaves: &[u32]| {
            self.space.diagrams.map(decision, &mut |leaf| {
                u32::from(leaves.binary_search(&leaf).is_ok())
            })
        };
        let sets = of_target.into_iter();
        let sets = sets.map(|(target, leaves)| (target, within(&leaves)));
        let sets: Sets = Rc::new(sets.collect());
        let previous = if back.is_empty() {
            Diagram::ZERO
        } else {
            within(&back)
        };
        self.regions.sets.insert(key, (sets.clone(), previous));
        ChangeRegions {
            decision,
            decided,
            by,
            sets,
            previous,
        }
    }

    /// What a decision does.
    fn target(&self, by: &RoleDecision, leaf: u32) -> Option<Target> {
        let decision = self.space.decision_of(by, leaf)?;
        Some(self.space.rule_of(decision).target)
    }

    /// Where a change sets which state; `previous` sets the own state, where it is known.
    pub(super) fn all_sets(
        &mut self,
        change: &ChangeRegions,
        to: SystemId,
    ) -> Vec<(StateId, Diagram)> {
        let mut sets: BTreeMap<StateId, Diagram> = (*change.sets).clone();
        if let Some(variable) = self
            .space
            .of_own(to)
            .filter(|_| change.previous != Diagram::ZERO)
        {
            let program = self.space.program;
            let settable = program.states(to);
            for state in settable.filter(|state| !program.state(*state).read_only) {
                let own = self.space.diagrams.literal(variable, [state.value()]);
                let back = self.space.diagrams.and_then(change.previous, own);
                let all = sets.entry(state).or_insert(Diagram::ZERO);
                *all = self.space.diagrams.or_else(*all, back);
            }
        }
        sets.into_iter().collect()
    }

    /// The written rule that made a decision.
    pub(super) fn rule_behind(&self, by: &RoleDecision, leaf: u32) -> Option<RuleSourceId> {
        let decision = self.space.decision_of(by, leaf)?;
        Some(self.space.rule_of(decision).source)
    }

    /// The rules that decide within a region, as leaves.
    pub(super) fn deciders_in(&mut self, region: Diagram, decision: Diagram) -> Vec<u32> {
        let within = self.space.diagrams.and_then(region, decision);
        self.space
            .diagrams
            .leaves(within)
            .into_iter()
            .filter(|leaf| *leaf != 0)
            .collect()
    }

    /// One leaf of a decision that decides somewhere in a region, and where in it.
    pub(super) fn decider_in(
        &mut self,
        region: Diagram,
        decision: Diagram,
    ) -> Option<(u32, Diagram)> {
        let leaf = *self.deciders_in(region, decision).first()?;
        let within = self.space.diagrams.and_then(region, decision);
        let decides = |found: u32| u32::from(found == leaf);
        Some((
            leaf,
            self.space.diagrams.map(within, &mut |found| decides(found)),
        ))
    }
}
