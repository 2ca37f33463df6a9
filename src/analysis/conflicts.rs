//! Interactions of rules: `conflict` and `override-nothing`, proved over all situations.
//! In: the program. Out: diagnostics with one situation each; none that a rule lost to an error might invalidate.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::Diagnostic;
use crate::diagram::Diagram;
use crate::errors::conflict::{self, ConflictRemedy, Disagreeing, DisagreeingTarget};
use crate::errors::{override_nothing, too_complex};
use crate::program::{
    Change, CondId, Direction, ProfileId, Program, Rank, RuleSourceId, SystemId, Target,
};
use crate::space::Precedence;

/// Rules of a profile lost to errors, to avoid false statements about the rest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MissingRules {
    /// Perhaps a plain rule or an `otherwise`.
    pub plain: bool,
    /// Perhaps an `override`.
    pub overriding: bool,
}

impl MissingRules {
    pub const ANYTHING: Self = Self {
        plain: true,
        overriding: true,
    };
}

impl std::ops::BitOrAssign for MissingRules {
    fn bitor_assign(&mut self, other: Self) {
        self.plain |= other.plain;
        self.overriding |= other.overriding;
    }
}

/// If the union of a rank's candidates needs more nodes than this, they are compared pair by pair.
const UNION_NODES: usize = 200_000;

/// Node limit for one condition.
const CONDITION_NODES: usize = 300_000;

/// The conflicts of a program.
#[derive(Default)]
pub(crate) struct FoundConflicts {
    pub diagnostics: Vec<Diagnostic>,
    /// The profiles with rules that contradict each other.
    pub profiles: BTreeSet<ProfileId>,
    /// The program is too complex to find them all.
    pub too_complex: bool,
}

/// `missing`: by profile, rules lost to errors.
pub(crate) fn conflicts<'p>(program: &'p Program, missing: &'p [MissingRules]) -> FoundConflicts {
    let mut overlaps = Overlaps {
        missing,
        space: Precedence::new(program),
        conflicts: BTreeMap::new(),
        overriding: BTreeMap::new(),
    };
    if let Some(entangled) = overlaps.entangled() {
        return FoundConflicts {
            diagnostics: vec![entangled],
            too_complex: true,
            ..FoundConflicts::default()
        };
    }
    for profile in program.profile_ids() {
        overlaps.profile(profile);
    }
    overlaps.found()
}

/// A conflict: the rule written later, the rules it contradicts, and one situation.
struct Conflict {
    profile: ProfileId,
    change: Change,
    others: BTreeSet<RuleSourceId>,
    /// A situation where the later rule meets the first of the others.
    witness: crate::diagnostic::Witness,
}

struct Overlaps<'p> {
    missing: &'p [MissingRules],
    space: Precedence<'p>,
    conflicts: BTreeMap<(RuleSourceId, Direction), Conflict>,
    /// For each overriding rule and the system that changes, its direction, and whether it meets a plain candidate in some
    /// profile, or might have met a missing one. `apply ... with` may give one rule several targets: one that meets
    /// something is enough.
    overriding: BTreeMap<(RuleSourceId, SystemId), (Direction, bool)>,
}

impl Overlaps<'_> {
    /// The first condition that is too complex to analyze, if any. Stops there: each costs about a
    /// second, and one location is enough to start fixing.
    fn entangled(&mut self) -> Option<Diagnostic> {
        let program = self.space.program;
        let of_profiles = program.profiles.iter().flat_map(|profile| {
            let rules = profile
                .rules
                .iter()
                .map(|rule| (rule.condition, program.rule_source(rule.source).location));
            rules.chain(
                profile
                    .appends
                    .iter()
                    .map(|append| (append.condition, append.location)),
            )
        });
        let tests = program
            .tests
            .iter()
            .map(|test| (test.given, test.given_location));
        // The lints analyze every written condition, used or not.
        let written = program
            .condition_sites
            .iter()
            .map(|written| (written.condition, written.location));
        let mut asked = vec![false; program.conditions.len()];
        for (condition, location) in of_profiles.chain(tests).chain(written) {
            if std::mem::replace(&mut asked[condition.0 as usize], true) {
                continue;
            }
            if !self.space.affords(condition, CONDITION_NODES) {
                return Some(too_complex::condition(location));
            }
        }
        None
    }

    fn profile(&mut self, profile: ProfileId) {
        let program = self.space.program;
        let missing = self.missing[profile.index()];
        let rules = &program.profile(profile).rules;
        // Include rules that no state selects: a group may be empty.
        for rule in rules.iter().filter(|rule| rule.rank == Rank::Override) {
            let key = (rule.source, rule.direction.from());
            let known = self.overriding.entry(key);
            known.or_insert((rule.direction, false)).1 |= missing.plain;
        }
        for direction in program.directions() {
            for state in self.space.state_classes_of_profile(profile, direction) {
                self.change(profile, Change::of(direction, state));
            }
        }
    }

    fn change(&mut self, profile: ProfileId, change: Change) {
        let program = self.space.program;
        let candidates = self.space.rules_for(profile, change);
        let rule = |at: u32| &program.profile(profile).rules[at as usize];
        // Most states have one rule: nothing to contradict or override.
        if let [only] = *candidates
            && rule(only).rank != Rank::Override
        {
            return;
        }
        let all = || candidates.iter().map(|at| rule(*at));
        let plain = all().filter(|rule| rule.rank == Rank::Plain);
        let plain: Vec<CondId> = plain.map(|rule| rule.condition).collect();
        for overriding in all().filter(|rule| rule.rank == Rank::Override) {
            let key = (overriding.source, change.direction().from());
            let known = self.overriding.get(&key).is_some_and(|(_, meets)| *meets);
            // One by one: the first match is enough.
            let mut meets = plain.iter();
            let meets = known || meets.any(|plain| self.meet(overriding.condition, *plain, change));
            self.overriding
                .entry(key)
                .or_insert((change.direction(), false))
                .1 = meets;
        }
        let shape = self.space.shape(profile, change);
        if shape.is_none_or(|shape| !self.space.overlapping(&shape)) {
            return;
        }
        for rank in [Rank::Override, Rank::Plain, Rank::Otherwise] {
            let missing = self.missing[profile.index()];
            // A missing stronger rule might have beaten both.
            if (missing.overriding && rank < Rank::Override)
                || (missing.plain && rank == Rank::Otherwise)
            {
                continue;
            }
            let of_rank = candidates
                .iter()
                .copied()
                .filter(|at| rule(*at).rank == rank);
            let of_rank: Vec<u32> = of_rank.collect();
            let targets: BTreeSet<Target> = of_rank.iter().map(|at| rule(*at).target).collect();
            if targets.len() > 1 {
                self.rank(profile, change, rank, &of_rank);
            }
        }
    }

    fn meet(&mut self, left: CondId, right: CondId, change: Change) -> bool {
        let left = self.space.condition_in(left, change.entered());
        let right = self.space.condition_in(right, change.entered());
        self.space.diagrams.and_then(left, right) != Diagram::ZERO
    }

    /// Finds the candidates of a rank that contradict each other: all at once if their union is
    /// small, else pair by pair.
    fn rank(&mut self, profile: ProfileId, change: Change, rank: Rank, candidates: &[u32]) {
        let Some(shape) = self.space.shape(profile, change) else {
            return;
        };
        let stronger: Vec<Diagram> = match rank {
            Rank::Override => Vec::new(),
            Rank::Plain => shape.overriding.to_vec(),
            Rank::Otherwise => shape
                .overriding
                .iter()
                .chain(shape.plain.iter())
                .copied()
                .collect(),
        };
        let program = self.space.program;
        let condition = |at: &u32| program.profile(profile).rules[*at as usize].condition;
        let conditions = candidates.iter().map(condition);
        let conditions: Vec<Diagram> = conditions
            .map(|holds| self.space.condition_in(holds, change.entered()))
            .collect();
        let mut met: Vec<(u32, Diagram)> = Vec::new();
        let candidates = || candidates.iter().copied().zip(conditions.iter().copied());
        let done = self.space.diagrams.with_budget(UNION_NODES, |diagrams| {
            // `decided` maps each situation to the first rule that matches there. A later rule with
            // a different target conflicts with it. A later rule with the same target adds nothing:
            // any conflict there was already found.
            let mut decided = Diagram::ZERO;
            for (at, condition) in candidates() {
                let left = stronger.iter();
                let condition = left.fold(condition, |left, part| diagrams.without(left, *part));
                met.push((at, diagrams.and_then(condition, decided)));
                let candidate = diagrams.and_then(condition, Diagram::leaf(at + 1));
                decided = diagrams.or_else(decided, candidate);
            }
        });
        if done.is_none() {
            met.clear();
            self.pairs(candidates().collect(), profile, &stronger, &mut met);
        }
        for (at, met) in met {
            self.record(profile, change, at, met);
        }
    }

    /// The same pair by pair.
    fn pairs(
        &mut self,
        candidates: Vec<(u32, Diagram)>,
        profile: ProfileId,
        stronger: &[Diagram],
        met: &mut Vec<(u32, Diagram)>,
    ) {
        let rules = &self.space.program.profile(profile).rules;
        for (place, (later, condition)) in candidates.iter().enumerate() {
            for (earlier, other) in &candidates[..place] {
                if rules[*later as usize].target == rules[*earlier as usize].target {
                    continue;
                }
                let both = self.space.diagrams.and_then(*condition, *other);
                let both = self.space.outside(both, stronger);
                if both != Diagram::ZERO {
                    let marked = self
                        .space
                        .diagrams
                        .and_then(both, Diagram::leaf(earlier + 1));
                    met.push((*later, marked));
                }
            }
        }
    }

    /// `met`: where rule `at` and an earlier rule both match; a leaf is the number of the earlier
    /// rule plus one.
    fn record(&mut self, profile: ProfileId, change: Change, at: u32, met: Diagram) {
        let program = self.space.program;
        let rule = |at: u32| &program.profile(profile).rules[at as usize];
        let disagrees = |leaf: u32| leaf > 0 && rule(leaf - 1).target != rule(at).target;
        let mut others = self.space.diagrams.leaves(met);
        others.retain(|leaf| disagrees(*leaf));
        if others.is_empty() {
            return;
        }
        let key = (rule(at).source, change.direction());
        if !self.conflicts.contains_key(&key)
            && let Some(witness) = self.space.witness(met, Some(change.entered()), &disagrees)
        {
            let others = BTreeSet::new();
            self.conflicts.insert(
                key,
                Conflict {
                    profile,
                    change,
                    others,
                    witness,
                },
            );
        }
        if let Some(conflict) = self.conflicts.get_mut(&key) {
            conflict
                .others
                .extend(others.iter().map(|leaf| rule(leaf - 1).source));
        }
    }

    fn found(self) -> FoundConflicts {
        let program = self.space.program;
        let mut found = Vec::new();
        let of_conflicts = self.conflicts.values();
        let profiles = of_conflicts.map(|conflict| conflict.profile).collect();
        for ((source, _), conflict) in self.conflicts {
            found.push(conflict_diagnostic(program, source, conflict));
        }
        for ((source, _), (direction, meets)) in &self.overriding {
            if *meets {
                continue;
            }
            let (from, to) = (
                &program.system(direction.from()).name,
                &program.system(direction.to()).name,
            );
            // A `<->` rule may be needed in the other direction.
            let elsewhere = self
                .overriding
                .iter()
                .any(|((other, _), (_, meets))| other == source && *meets);
            let rule = program.rule_source(*source).location;
            found.push(override_nothing::rule(from, to, elsewhere, rule));
        }
        let too_complex = self.space.diagrams.overflowed();
        if too_complex {
            found.push(too_complex::program());
        }
        FoundConflicts {
            diagnostics: found,
            profiles,
            too_complex,
        }
    }
}

fn conflict_diagnostic(program: &Program, source: RuleSourceId, conflict: Conflict) -> Diagnostic {
    let Conflict {
        profile,
        change,
        others,
        witness,
    } = conflict;
    let (from, to) = (program.system(change.from()), program.system(change.to()));
    let rules: Vec<Disagreeing<'_>> = std::iter::once(source)
        .chain(others)
        .map(|source| {
            let mut rules = program.profile(profile).rules.iter();
            let of =
                rules.find(|rule| rule.source == source && rule.direction == change.direction());
            Disagreeing {
                rule: program.rule_source(source).location,
                target: match of.map(|rule| rule.target) {
                    Some(Target::Set(target)) => {
                        DisagreeingTarget::Set(&program.state(target).name)
                    }
                    Some(Target::Previous) => DisagreeingTarget::Previous,
                    Some(Target::Unchanged) | None => DisagreeingTarget::Unchanged,
                },
            }
        })
        .collect();
    let state = &program.state(change.entered()).name;
    let mut of_profile = program.profile(profile).rules.iter();
    let first =
        of_profile.find(|rule| rule.source == source && rule.direction == change.direction());
    let remedy = match first.map(|rule| rule.rank) {
        Some(Rank::Override) => ConflictRemedy::Exclude,
        Some(Rank::Otherwise) => ConflictRemedy::NameStates,
        Some(Rank::Plain) | None => ConflictRemedy::Override,
    };
    let mut error = conflict::rules(
        &program.profile(profile).name,
        (&from.name, state),
        &to.name,
        (&rules, remedy),
        witness,
    );
    error.relabel(&|rule| program.brings_in(rule, None));
    error
}
