//! In: the appends of a profile and a change. Out: which texts join, each as a diagram of its own: twenty texts with
//! twenty conditions are twenty functions, not a million combinations.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::diagram::Diagram;
use crate::program::{Change, ProfileId, Target};
use crate::space::precedence::{Decider, Precedence, RoleDecision};

/// A text that a profile appends to what it sets, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpaceAppendix {
    /// An index into the appends of the profile.
    pub append: u32,
    /// Disjoint from the other appendices of the profile with the same text.
    pub holds: Diagram,
}

impl<'p> Precedence<'p> {
    /// The texts that a profile appends to what it sets after a change, in display order.
    pub fn appendices(&mut self, profile: ProfileId, change: Change) -> Arc<[SpaceAppendix]> {
        if let Some(known) = self.cache.appendices.get(&(profile, change)) {
            return known.clone();
        }
        let appends = &self.program.profile(profile).appends;
        // Each text joins once: where the first of its appends holds.
        let mut joined: FxHashMap<&str, Diagram> = FxHashMap::default();
        let mut found = Vec::new();
        for (at, append) in (0..)
            .zip(appends)
            .filter(|(_, append)| append.to == change.to())
        {
            let condition = self.condition_in(append.condition, change.entered());
            let before = joined.entry(&append.text).or_insert(Diagram::ZERO);
            let holds = self.diagrams.without(condition, *before);
            *before = self.diagrams.or_else(*before, condition);
            if holds != Diagram::ZERO {
                found.push(SpaceAppendix { append: at, holds });
            }
        }
        let found: Arc<[SpaceAppendix]> = found.into();
        self.cache
            .appendices
            .insert((profile, change), found.clone());
        found
    }

    /// The texts that join a decision in a situation, in display order.
    pub fn texts(&mut self, decider: Decider, change: Change, values: &[u32]) -> Vec<&'p str> {
        let program = self.space.program;
        if self.rule_of(decider).target == Target::Unchanged {
            return Vec::new();
        }
        let appendices = self.appendices(decider.profile, change);
        let joining = appendices
            .iter()
            .filter(|appendix| self.diagrams.evaluate(appendix.holds, values) != 0);
        let appends = &program.profile(decider.profile).appends;
        joining
            .map(|appendix| appends[appendix.append as usize].text.as_str())
            .collect()
    }

    /// Where the texts that join are exactly these, in this order.
    pub fn exactly(&mut self, profile: ProfileId, change: Change, wanted: &[&str]) -> Diagram {
        const OTHER: u32 = u32::MAX >> 2;
        let appendices = self.appendices(profile, change);
        let appends = &self.space.program.profile(profile).appends;
        // A leaf is the number of wanted texts that have joined.
        let mut joined = Diagram::leaf(0);
        for appendix in appendices.iter() {
            let text = appends[appendix.append as usize].text.as_str();
            joined = self
                .diagrams
                .product(joined, appendix.holds, &mut |count, joins| {
                    let next = wanted.get(count as usize);
                    match (joins != 0, next) {
                        (false, _) => count,
                        (true, Some(next)) if *next == text => count + 1,
                        (true, _) => OTHER,
                    }
                });
        }
        let all = wanted.len() as u32;
        self.diagrams
            .map(joined, &mut |count| u32::from(count == all))
    }

    /// Where a role decides as a leaf (0: unmapped) does: the same target, and the same texts if they are given.
    pub fn same_outcome(
        &mut self,
        decided: &RoleDecision,
        change: Change,
        leaf: u32,
        texts: Option<&[&str]>,
    ) -> Diagram {
        let target = |space: &Self, leaf| {
            let decider = space.decision_of(decided, leaf)?;
            Some(space.rule_of(decider).target)
        };
        let wanted = target(self, leaf);
        let mut left = Diagram::ONE;
        let mut same = Diagram::ZERO;
        for part in decided.parts.iter() {
            let leaves = self.leaves(*part);
            let equal = leaves
                .iter()
                .filter(|leaf| **leaf != 0 && target(self, **leaf) == wanted);
            let mut of_profile: BTreeMap<ProfileId, BTreeSet<u32>> = BTreeMap::new();
            for leaf in equal {
                if let Some(decider) = self.decision_of(decided, *leaf) {
                    of_profile.entry(decider.profile).or_default().insert(*leaf);
                }
            }
            for (profile, equal) in of_profile {
                let mut here = self
                    .diagrams
                    .map(*part, &mut |leaf| u32::from(equal.contains(&leaf)));
                if let Some(texts) = texts
                    && matches!(wanted, Some(Target::Set(_) | Target::Previous))
                {
                    let exactly = self.exactly(profile, change, texts);
                    here = self.diagrams.and_then(here, exactly);
                }
                let here = self.diagrams.and_then(left, here);
                same = self.diagrams.or_else(same, here);
            }
            left = self.diagrams.without(left, *part);
        }
        if wanted.is_none() { left } else { same }
    }

    /// The texts that join after a decision in a situation; none if it does not set a state.
    pub fn texts_of(
        &mut self,
        decided: &RoleDecision,
        change: Change,
        leaf: u32,
        values: &[u32],
    ) -> Vec<&'p str> {
        match self.decision_of(decided, leaf) {
            Some(decider) => self.texts(decider, change, values),
            None => Vec::new(),
        }
    }
}
