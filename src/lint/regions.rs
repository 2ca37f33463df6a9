//! What several lints ask of a role: where a change is decided at all, and where it sets which state.

use std::collections::BTreeMap;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::lint::Context;
use crate::model::{RoleId, StateId, SystemId, Target, WrittenId};
use crate::space::diagram::Ref;

type Key = (RoleId, SystemId, SystemId, StateId);

/// What has been worked out already.
#[derive(Default)]
pub(super) struct Regions {
    known: FxHashMap<Key, Option<Rc<Change>>>,
}

/// What a change comes to, as regions of the situations.
pub(super) struct Change {
    /// Who decides: leaves of the space's decisions.
    pub decision: Ref,
    /// Where some profile decides.
    pub decided: Ref,
    /// Where it sets which state.
    pub sets: BTreeMap<StateId, Ref>,
}

impl Context<'_> {
    /// The regions of a change; `None`, noted, if the role is too entangled.
    pub(super) fn change(&mut self, role: RoleId, from: SystemId, to: SystemId, state: StateId) -> Option<Rc<Change>> {
        let state = self.space.like(role, from, to, state);
        let key = (role, from, to, state);
        if !self.regions.known.contains_key(&key) {
            let parts = self.space.decision(role, from, to, state);
            let change = match &*parts {
                [] => Some(self.split(Ref::ZERO)),
                [one] => Some(self.split(*one)),
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

    fn split(&mut self, decision: Ref) -> Change {
        let decided = self.space.diagrams.map(decision, &mut |leaf| u32::from(leaf != 0));
        let mut targets: BTreeMap<StateId, Vec<u32>> = BTreeMap::new();
        for leaf in self.space.diagrams.leaves(decision) {
            if let Some(target) = self.target(leaf) {
                targets.entry(target).or_default().push(leaf);
            }
        }
        let sets = targets.into_iter().map(|(target, leaves)| {
            let region = self.space.diagrams.map(decision, &mut |leaf| u32::from(leaves.binary_search(&leaf).is_ok()));
            (target, region)
        });
        Change { decision, decided, sets: sets.collect() }
    }

    /// The state that a decision sets.
    pub(super) fn target(&self, leaf: u32) -> Option<StateId> {
        let decision = self.space.decision_of(leaf)?;
        match self.program.profile(decision.profile).rules[decision.rule as usize].target {
            Target::Set(state) => Some(state),
            Target::Unchanged => None,
        }
    }

    /// The written rule behind a decision.
    pub(super) fn written(&self, leaf: u32) -> Option<WrittenId> {
        let decision = self.space.decision_of(leaf)?;
        Some(self.program.profile(decision.profile).rules[decision.rule as usize].written)
    }

    /// The rules that decide within a region, as leaves.
    pub(super) fn deciders_in(&mut self, region: Ref, decision: Ref) -> Vec<u32> {
        let within = self.space.diagrams.mask(region, decision);
        self.space.diagrams.leaves(within).into_iter().filter(|leaf| *leaf != 0).collect()
    }
}
