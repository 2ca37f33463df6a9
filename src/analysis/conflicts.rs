//! What rules do together: `conflict` and `override-nothing`, proved over all situations.
//! In: the model. Out: diagnostics with a situation each; nothing is said that a rule lost to an error might undo.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::Diagnostic;
use crate::diagram::Ref;
use crate::program::{
    CondId, Level, Profile, ProfileId, Program, StateId, SystemId, Target, WrittenId,
};
use crate::space::Space;

/// Beyond so many nodes for the union of a level's candidates they are compared pair by pair.
const UNION_NODES: usize = 200_000;

/// A condition of more nodes is refused.
const CONDITION_NODES: usize = 300_000;

pub(crate) fn conflicts(program: &Program) -> Vec<Diagnostic> {
    let mut overlaps = Overlaps {
        space: Space::new(program),
        conflicts: BTreeMap::new(),
        overriding: BTreeMap::new(),
    };
    if let Some(entangled) = overlaps.entangled() {
        return vec![entangled];
    }
    for profile in program.profile_ids() {
        overlaps.profile(profile);
    }
    overlaps.diagnostics()
}

/// A conflict: the later written rule, those it contradicts, and the first place where.
struct Conflict {
    profile: ProfileId,
    from: SystemId,
    to: SystemId,
    state: StateId,
    others: BTreeSet<WrittenId>,
    /// Where the later rule meets the first of the others; leaves are rule numbers of the others.
    witness: crate::diagnostic::Situation,
}

struct Overlaps<'p> {
    space: Space<'p>,
    conflicts: BTreeMap<(WrittenId, SystemId, SystemId), Conflict>,
    /// For each overriding rule and direction, whether it meets a plain candidate in some profile, or might have met one
    /// that is missing.
    overriding: BTreeMap<(WrittenId, SystemId, SystemId), bool>,
}

impl Overlaps<'_> {
    /// The first condition that nothing can be said about, if there is one: each costs a second, and one place is enough
    /// to go on from.
    fn entangled(&mut self) -> Option<Diagnostic> {
        let program = self.space.program;
        let of_profiles = program.profiles.iter().flat_map(|profile| {
            let rules = profile
                .rules
                .iter()
                .map(|rule| (rule.condition, program.written(rule.written).location));
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
        // The lints look at each by itself, used or not.
        let written = program
            .written_conditions
            .iter()
            .map(|written| (written.condition, written.location));
        let mut asked = vec![false; program.conditions.len()];
        for (condition, location) in of_profiles.chain(tests).chain(written) {
            if std::mem::replace(&mut asked[condition.0 as usize], true) {
                continue;
            }
            if !self.space.affords(condition, CONDITION_NODES) {
                let error = Diagnostic::error(
                    "too-complex",
                    "the conditions here are too entangled to be analysed",
                )
                .label(location, "nothing can be proved about what holds here");
                return Some(
                    error.help("name fewer facts in one condition, or write it as several rules"),
                );
            }
        }
        None
    }

    fn profile(&mut self, profile: ProfileId) {
        let program = self.space.program;
        let Profile { rules, lost, .. } = program.profile(profile);
        // Also those that no state brings anywhere: a group may be empty.
        for rule in rules.iter().filter(|rule| rule.level == Level::Override) {
            *self
                .overriding
                .entry((rule.written, rule.from, rule.to))
                .or_default() |= lost.plain;
        }
        for (from, to) in program.directions() {
            for state in self.space.kinds(profile, from, to) {
                self.change(profile, from, to, state);
            }
        }
    }

    fn change(&mut self, profile: ProfileId, from: SystemId, to: SystemId, state: StateId) {
        let program = self.space.program;
        let rules = self.space.rules_for(profile, from, to, state);
        let rule = |at: u32| &program.profile(profile).rules[at as usize];
        // Most states have one rule: nothing to contradict, and nothing to override.
        if let [only] = *rules
            && rule(only).level != Level::Override
        {
            return;
        }
        let plain: Vec<CondId> = rules
            .iter()
            .map(|at| rule(*at))
            .filter(|rule| rule.level == Level::Plain)
            .map(|rule| rule.condition)
            .collect();
        for overriding in rules
            .iter()
            .map(|at| rule(*at))
            .filter(|rule| rule.level == Level::Override)
        {
            let key = (overriding.written, from, to);
            let known = self.overriding.get(&key).copied().unwrap_or_default();
            // One by one: the first that it meets is enough.
            let meets = known
                || plain
                    .iter()
                    .any(|plain| self.meet(overriding.condition, *plain, (from, state)));
            self.overriding.insert(key, meets);
        }
        let shape = self.space.shape(profile, from, to, state);
        if shape.is_none_or(|shape| !self.space.overlapping(&shape)) {
            return;
        }
        for level in [Level::Override, Level::Plain, Level::Otherwise] {
            let lost = program.profile(profile).lost;
            // A stronger rule that is missing might have beaten both.
            if (lost.overriding && level < Level::Override)
                || (lost.plain && level == Level::Otherwise)
            {
                continue;
            }
            let of_level: Vec<u32> = rules
                .iter()
                .copied()
                .filter(|at| rule(*at).level == level)
                .collect();
            let targets: BTreeSet<Target> = of_level.iter().map(|at| rule(*at).target).collect();
            if targets.len() > 1 {
                self.level(profile, (from, to, state), level, &of_level);
            }
        }
    }

    fn meet(&mut self, left: CondId, right: CondId, (from, state): (SystemId, StateId)) -> bool {
        let (left, right) = (
            self.space.condition_in(left, from, state),
            self.space.condition_in(right, from, state),
        );
        self.space.diagrams.mask(left, right) != Ref::ZERO
    }

    /// Finds those of a level's candidates that contradict each other, in one go where their union is small.
    fn level(
        &mut self,
        profile: ProfileId,
        change: (SystemId, SystemId, StateId),
        level: Level,
        rules: &[u32],
    ) {
        let (from, to, state) = change;
        let Some(shape) = self.space.shape(profile, from, to, state) else {
            return;
        };
        let stronger: Vec<Ref> = match level {
            Level::Override => Vec::new(),
            Level::Plain => shape.overriding.to_vec(),
            Level::Otherwise => shape
                .overriding
                .iter()
                .chain(shape.plain.iter())
                .copied()
                .collect(),
        };
        let program = self.space.program;
        let conditions: Vec<Ref> = rules
            .iter()
            .map(|at| {
                self.space.condition_in(
                    program.profile(profile).rules[*at as usize].condition,
                    from,
                    state,
                )
            })
            .collect();
        let mut met: Vec<(u32, Ref)> = Vec::new();
        let candidates = || rules.iter().copied().zip(conditions.iter().copied());
        let done = self.space.diagrams.within(UNION_NODES, |diagrams| {
            // What came first decides so far: whoever disagrees with it there is in conflict, and who agrees with it
            // there was found to be in conflict already if others are.
            let mut decided = Ref::ZERO;
            for (at, condition) in candidates() {
                let condition = stronger
                    .iter()
                    .fold(condition, |left, part| diagrams.without(left, *part));
                met.push((at, diagrams.mask(condition, decided)));
                let candidate = diagrams.mask(condition, Ref::leaf(at + 1));
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
        candidates: Vec<(u32, Ref)>,
        profile: ProfileId,
        stronger: &[Ref],
        met: &mut Vec<(u32, Ref)>,
    ) {
        let rules = &self.space.program.profile(profile).rules;
        for (place, (later, condition)) in candidates.iter().enumerate() {
            for (earlier, other) in &candidates[..place] {
                if rules[*later as usize].target == rules[*earlier as usize].target {
                    continue;
                }
                let both = self.space.diagrams.mask(*condition, *other);
                let both = self.space.outside(both, stronger);
                if both != Ref::ZERO {
                    let marked = self.space.diagrams.mask(both, Ref::leaf(earlier + 1));
                    met.push((*later, marked));
                }
            }
        }
    }

    /// `met`: which earlier rule stands where the rule `at` does, too.
    fn record(
        &mut self,
        profile: ProfileId,
        (from, to, state): (SystemId, SystemId, StateId),
        at: u32,
        met: Ref,
    ) {
        let program = self.space.program;
        let rule = |at: u32| &program.profile(profile).rules[at as usize];
        let disagrees = |leaf: u32| leaf > 0 && rule(leaf - 1).target != rule(at).target;
        let others: Vec<u32> = self
            .space
            .diagrams
            .leaves(met)
            .into_iter()
            .filter(|leaf| disagrees(*leaf))
            .collect();
        if others.is_empty() {
            return;
        }
        let key = (rule(at).written, from, to);
        if !self.conflicts.contains_key(&key)
            && let Some(witness) = self.space.witness(met, Some((from, state)), &disagrees)
        {
            self.conflicts.insert(
                key,
                Conflict {
                    profile,
                    from,
                    to,
                    state,
                    others: BTreeSet::new(),
                    witness,
                },
            );
        }
        if let Some(conflict) = self.conflicts.get_mut(&key) {
            conflict
                .others
                .extend(others.iter().map(|leaf| rule(leaf - 1).written));
        }
    }

    fn diagnostics(self) -> Vec<Diagnostic> {
        let program = self.space.program;
        let mut found = Vec::new();
        for ((written, ..), conflict) in self.conflicts {
            found.push(conflict_diagnostic(program, written, conflict));
        }
        for ((written, from, to), _) in self.overriding.iter().filter(|(_, meets)| !**meets) {
            let (from, to) = (&program.system(*from).name, &program.system(*to).name);
            // Of a `<->` it may be needed in the other direction.
            let help = if self
                .overriding
                .iter()
                .any(|((other, ..), meets)| other == written && *meets)
            {
                "write each direction as a rule of its own, with `->`, and `override` before the other one alone"
            } else {
                "leave out `override`; it is there to beat a plain rule of the same profile"
            };
            found.push(
                Diagnostic::error(
                    "override-nothing",
                    format!("this `override` overrides nothing on the way {from} → {to}"),
                )
                .label(
                    program.written(*written).location,
                    "no rule of its profile applies where this one does",
                )
                .help(help),
            );
        }
        if self.space.diagrams.overflowed() {
            found.push(Diagnostic::error(
                "too-complex",
                "the conditions of this program are too entangled to be analysed",
            ));
        }
        found
    }
}

fn conflict_diagnostic(program: &Program, written: WrittenId, conflict: Conflict) -> Diagnostic {
    let Conflict {
        profile,
        from,
        to,
        state,
        others,
        witness,
    } = conflict;
    let (from, to) = (program.system(from), program.system(to));
    let state = crate::quote::quote(&from.state(state).name);
    let what = |written: WrittenId| {
        let rules = &program.profile(profile).rules;
        let rule = rules
            .iter()
            .find(|rule| rule.written == written && program.system(rule.to).name == to.name);
        match rule.map(|rule| rule.target) {
            Some(Target::Set(target)) => {
                format!(
                    "sets {} {}",
                    to.name,
                    crate::quote::quote(&to.state(target).name)
                )
            }
            _ => format!("leaves {} unchanged", to.name),
        }
    };
    let names = others.len() + 1;
    let count = if names == 2 {
        "two rules".to_owned()
    } else {
        format!("{names} rules")
    };
    let mut error = Diagnostic::error(
        "conflict",
        format!(
            "{count} disagree on what {} {state} means for {}",
            from.name, to.name
        ),
    )
    .label(program.written(written).location, what(written));
    for other in others {
        error = error.label(program.written(other).location, what(other));
    }
    let profile = &program.profile(profile).name;
    let all = if names == 2 { "both" } else { "all" };
    error = error
        .note(format!("{all} belong to profile `{profile}` and have the same rank"))
        .help("make their conditions exclude each other, or put `override` before the one that is to win");
    error.situation = Some(witness);
    error
}
