//! In: a program. Out: every rule and every outcome of a condition, with the situations in which a change exercises it.
//! A rule is exercised where it decides; a condition where a change asks for it: its profile is reached, a rule or an
//! appendix that the change could use stands in it, and the conditions around it hold.

use std::collections::{BTreeMap, HashSet};

use indexmap::IndexMap;
use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::model::{Cond, CondId, Level, ProfileId, Program, RoleId, StateId, SystemId, Target, WhenId, WrittenId};
use crate::source::Location;
use crate::space::Space;
use crate::space::diagram::Ref;

/// More nodes than this for one question are too many.
const BUDGET: usize = 50_000;

/// What a test can exercise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exercised {
    /// One direction of a written rule decides.
    Rule(WrittenId, SystemId, SystemId),
    /// A written condition holds, or does not.
    Condition(WhenId, bool),
}

impl Exercised {
    pub fn location(self, program: &Program) -> Location {
        match self {
            Self::Rule(written, ..) => program.written(written).location,
            Self::Condition(when, _) => program.written_conditions[when.index()].location,
        }
    }
}

/// A system enters a state, for the sake of another, in a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Change {
    pub role: RoleId,
    pub from: SystemId,
    pub to: SystemId,
    pub state: StateId,
}

/// Everything that there is to exercise, and how.
#[derive(Default)]
pub(super) struct Targets {
    /// By change, where each is exercised.
    pub by_change: BTreeMap<Change, Vec<(Exercised, Ref)>>,
    /// Those that no situation exercises are missing.
    pub possible: HashSet<Exercised, FxBuildHasher>,
    /// Roles in which not every question had an answer.
    pub unknown: HashSet<RoleId, FxBuildHasher>,
}

impl Targets {
    /// What stands in the bundled vocabularies is left out: their rules and conditions are not the user's to test.
    pub fn new(space: &mut Space<'_>) -> Self {
        let mut collector = Collector { named: named_within(space.program), targets: Self::default() };
        let program = space.program;
        for role in program.role_ids() {
            for (from, to) in program.directions() {
                for state in program.system(from).states() {
                    collector.change(space, Change { role, from, to, state });
                }
            }
        }
        collector.targets
    }
}

/// For each condition that is written in a `when`, the named ones that it is made of.
fn named_within(program: &Program) -> FxHashMap<CondId, Vec<WhenId>> {
    let mut named: FxHashMap<CondId, Vec<WhenId>> = FxHashMap::default();
    for (at, written) in program.written_conditions.iter().enumerate() {
        if written.named && !program.sources.file(written.location.file).bundled {
            named.entry(written.condition).or_default().push(WhenId(at as u32));
        }
    }
    let mut within = FxHashMap::default();
    for written in program.written_conditions.iter().filter(|written| !written.named) {
        let mut found = Vec::new();
        let mut seen: HashSet<CondId, FxBuildHasher> = HashSet::default();
        let mut pending = vec![written.condition];
        while let Some(id) = pending.pop() {
            if !named.is_empty() && seen.insert(id) {
                found.extend(named.get(&id).into_iter().flatten().copied());
                match program.conditions.get(id) {
                    Cond::And(parts) | Cond::Or(parts) => pending.extend(parts.iter()),
                    Cond::Not(part) => pending.push(*part),
                    _ => {}
                }
            }
        }
        within.insert(written.condition, found);
    }
    within
}

struct Collector {
    named: FxHashMap<CondId, Vec<WhenId>>,
    targets: Targets,
}

/// What one change exercises, and where.
type Regions = IndexMap<Exercised, Ref, FxBuildHasher>;

impl Collector {
    fn change(&mut self, space: &mut Space<'_>, change: Change) {
        let program = space.program;
        let Change { role, from, to, state } = change;
        let mut before: Vec<Ref> = Vec::new();
        let mut regions = Regions::default();
        for &profile in &program.role(role).profiles {
            if space.rules_for(profile, from, to, state).is_empty() {
                continue;
            }
            let reached = space.diagrams.within(BUDGET, |diagrams| {
                before.iter().fold(Ref::ONE, |left, part| diagrams.without(left, *part))
            });
            let Some(reached) = reached else {
                self.targets.unknown.insert(role);
                break;
            };
            self.profile(space, change, profile, reached, &mut regions);
            for part in space.decider(profile, from, to, state).iter() {
                space.diagrams.combine_with(&mut before, *part);
            }
        }
        regions.retain(|_, region| *region != Ref::ZERO);
        self.targets.possible.extend(regions.keys());
        if !regions.is_empty() {
            self.targets.by_change.insert(change, regions.into_iter().collect());
        }
    }

    fn profile(
        &mut self,
        space: &mut Space<'_>,
        change: Change,
        profile: ProfileId,
        reached: Ref,
        regions: &mut Regions,
    ) {
        let program = space.program;
        let Change { role, from, to, state } = change;
        let levels = space.levels(profile, from, to, state);
        let mut sets = Ref::ZERO;
        for at in space.rules_for(profile, from, to, state) {
            let rule = &program.profile(profile).rules[at as usize];
            let holds = self.conditions(space, &rule.under, (from, state), reached, regions);
            let stronger: &[&[Ref]] = match rule.level {
                Level::Override => &[],
                Level::Plain => &[&levels.overriding],
                Level::Otherwise => &[&levels.overriding, &levels.plain],
            };
            let decides = space.diagrams.within(BUDGET, |diagrams| {
                stronger.iter().copied().flatten().fold(holds, |left, part| diagrams.without(left, *part))
            });
            let Some(decides) = decides else {
                self.targets.unknown.insert(role);
                continue;
            };
            if !is_bundled(program, program.written(rule.written).location) {
                add(space, regions, Exercised::Rule(rule.written, from, to), decides);
            }
            if matches!(rule.target, Target::Set(_)) {
                sets = space.diagrams.or_else(sets, decides);
            }
        }
        for append in program.profile(profile).appends.iter().filter(|append| append.to == to) {
            self.conditions(space, &append.under, (from, state), sets, regions);
        }
    }

    /// Goes from the outermost condition inwards, as far as they hold; gives where all do.
    fn conditions(
        &mut self,
        space: &mut Space<'_>,
        under: &[WhenId],
        (from, state): (SystemId, StateId),
        reached: Ref,
        regions: &mut Regions,
    ) -> Ref {
        let program = space.program;
        let mut inside = reached;
        for &when in under {
            let written = &program.written_conditions[when.index()];
            let named = self.named.get(&written.condition).cloned().unwrap_or_default();
            let own = Some(when).filter(|_| !is_bundled(program, written.location));
            for asked in named.into_iter().chain(own) {
                let condition = space.condition_in(program.written_conditions[asked.index()].condition, from, state);
                let holds = space.diagrams.mask(condition, inside);
                let fails = space.diagrams.without(inside, condition);
                add(space, regions, Exercised::Condition(asked, true), holds);
                add(space, regions, Exercised::Condition(asked, false), fails);
            }
            let condition = space.condition_in(written.condition, from, state);
            inside = space.diagrams.mask(condition, inside);
        }
        inside
    }
}

fn is_bundled(program: &Program, location: Location) -> bool {
    program.sources.file(location.file).bundled
}

fn add(space: &mut Space<'_>, regions: &mut Regions, exercised: Exercised, region: Ref) {
    let known = regions.entry(exercised).or_insert(Ref::ZERO);
    *known = space.diagrams.or_else(*known, region);
}
