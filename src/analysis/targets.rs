//! In: a program. Out: every rule and every branch of a condition in each role that uses it, with the situations in which a change exercises it.
//! A rule is exercised where it decides. A condition is exercised where a change tests it: its profile is reached, it
//! encloses a rule or an appendix that applies to the change, and the conditions around it hold.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::diagram::{CascadeBuilder, Diagram, SearchResult};
use crate::program::{
    Change, Cond, CondId, ConditionSiteId, Direction, ProfileId, Program, RoleId, RuleSourceId,
    StateId, Target,
};
use crate::source::Location;
use crate::space::{Candidates, Precedence};

/// Something that a test can exercise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exercised {
    /// One direction of a written rule decides, in a role.
    Rule(RoleId, RuleSourceId, Direction),
    /// A written condition holds, or does not, in a role.
    Condition(RoleId, ConditionSiteId, bool),
}

impl Exercised {
    pub fn role(self) -> RoleId {
        match self {
            Self::Rule(role, ..) | Self::Condition(role, ..) => role,
        }
    }

    pub fn location(self, program: &Program) -> Location {
        match self {
            Self::Rule(_, source, _) => program.rule_source(source).location,
            Self::Condition(_, site, _) => program.condition_sites[site.index()].location,
        }
    }
}

/// A change in a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct RoleChange {
    pub role: RoleId,
    pub change: Change,
}

/// Situations where `wanted` holds and nothing in `unwanted` does; kept separate, because their
/// combination may be far larger.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Region {
    pub wanted: Diagram,
    pub unwanted: Arc<[Diagram]>,
}

/// Everything that tests can exercise, and how.
#[derive(Default)]
pub(super) struct CoverageTargets {
    /// By change, where each target is exercised: in any of the regions.
    pub by_change: BTreeMap<RoleChange, TargetRegions>,
    /// Targets that some situation exercises.
    pub possible: HashSet<Exercised, FxBuildHasher>,
    /// Targets for which that could not be determined.
    pub unknown: HashSet<Exercised, FxBuildHasher>,
}

/// The targets of one change, and where they are exercised.
pub(super) type TargetRegions = IndexMap<Exercised, IndexSet<Region, FxBuildHasher>, FxBuildHasher>;

impl CoverageTargets {
    /// Omits the bundled vocabularies: users do not test their rules and conditions.
    pub fn new(space: &mut Precedence<'_>) -> Self {
        let mut collector = Collector {
            named: named_within(space.program),
            targets: Self::default(),
        };
        let program = space.program;
        for role in program.role_ids() {
            for direction in program.directions() {
                for change in program.changes(direction) {
                    collector.change(space, RoleChange { role, change });
                }
            }
        }
        let mut targets = collector.targets;
        targets
            .unknown
            .retain(|exercised| !targets.possible.contains(exercised));
        targets
    }

    /// The targets that a change exercises in some situation of `given`.
    pub fn exercised_in(
        &self,
        space: &Precedence<'_>,
        change: RoleChange,
        given: Diagram,
    ) -> Vec<Exercised> {
        let Some(regions) = self.by_change.get(&change) else {
            return Vec::new();
        };
        let meets = |region: &Region| {
            matches!(
                space
                    .diagrams
                    .find(&[given, region.wanted], &region.unwanted, space.defaults()),
                SearchResult::Here(_)
            )
        };
        regions
            .iter()
            .filter(|(_, regions)| regions.iter().any(meets))
            .map(|(exercised, _)| *exercised)
            .collect()
    }
}

/// For each condition written in a `when`, the named conditions that it consists of.
fn named_within(program: &Program) -> FxHashMap<CondId, Vec<ConditionSiteId>> {
    let mut named: FxHashMap<CondId, Vec<ConditionSiteId>> = FxHashMap::default();
    for (at, written) in program.condition_sites.iter().enumerate() {
        if written.named && !program.sources.file(written.location.file).bundled {
            named
                .entry(written.condition)
                .or_default()
                .push(ConditionSiteId(at as u32));
        }
    }
    let mut within = FxHashMap::default();
    for written in program
        .condition_sites
        .iter()
        .filter(|written| !written.named)
    {
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
    named: FxHashMap<CondId, Vec<ConditionSiteId>>,
    targets: CoverageTargets,
}

impl Collector {
    fn change(&mut self, space: &mut Precedence<'_>, at: RoleChange) {
        let program = space.program;
        let mut before = CascadeBuilder::default();
        let mut regions = TargetRegions::default();
        for &profile in &program.role(at.role).profiles {
            if let Some(shape) = space.shape(profile, at.change) {
                self.profile(space, at, (profile, &shape), before.parts(), &mut regions);
                let parts = shape.decider.iter();
                parts.for_each(|part| before.push(&mut space.diagrams, *part));
            }
        }
        regions.retain(|exercised, regions| {
            regions.retain(|region| region.wanted != Diagram::ZERO);
            self.ask(space, *exercised, regions);
            !regions.is_empty()
        });
        if !regions.is_empty() {
            self.targets.by_change.insert(at, regions);
        }
    }

    /// Determines whether the target is exercised here, unless another place is known already.
    fn ask(
        &mut self,
        space: &Precedence<'_>,
        exercised: Exercised,
        regions: &IndexSet<Region, FxBuildHasher>,
    ) {
        for region in regions {
            if self.targets.possible.contains(&exercised) {
                return;
            }
            match space
                .diagrams
                .find(&[region.wanted], &region.unwanted, space.defaults())
            {
                SearchResult::Here(_) => drop(self.targets.possible.insert(exercised)),
                SearchResult::Nowhere => {}
                SearchResult::Unknown => drop(self.targets.unknown.insert(exercised)),
            }
        }
    }

    /// The rules and conditions of a profile, wherever the earlier profiles have no mapping.
    fn profile(
        &mut self,
        space: &mut Precedence<'_>,
        RoleChange { role, change }: RoleChange,
        (profile, shape): (ProfileId, &Candidates),
        before: &[Diagram],
        regions: &mut TargetRegions,
    ) {
        let program = space.program;
        let reached: Arc<[Diagram]> = before.into();
        let stronger = |levels: &[&[Diagram]]| {
            levels
                .iter()
                .copied()
                .fold(reached.to_vec(), |mut all, level| {
                    all.extend(level);
                    all
                })
        };
        let by_rank: [Arc<[Diagram]>; 3] = [
            stronger(&[&shape.overriding, &shape.plain]).into(),
            stronger(&[&shape.overriding]).into(),
            reached.clone(),
        ];
        let candidates = space.rules_for(profile, change);
        for &at in &*candidates {
            let rule = &program.profile(profile).rules[at as usize];
            let start = Region {
                wanted: Diagram::ONE,
                unwanted: reached.clone(),
            };
            let wanted = self.conditions(
                space,
                &rule.enclosing,
                (role, change.entered()),
                start,
                regions,
            );
            if !is_bundled(program, program.rule_source(rule.source).location) {
                let decides = Region {
                    wanted,
                    unwanted: by_rank[rule.rank as usize].clone(),
                };
                regions
                    .entry(Exercised::Rule(role, rule.source, rule.direction))
                    .or_default()
                    .insert(decides);
            }
        }
        let appends = program
            .profile(profile)
            .appends
            .iter()
            .filter(|append| append.to == change.to() && !append.enclosing.is_empty());
        for append in appends {
            let mut unwanted = reached.to_vec();
            for part in shape.decider.iter() {
                let rules = &program.profile(profile).rules;
                let sets = space.diagrams.map(*part, &mut |leaf| {
                    let rule = leaf
                        .checked_sub(1)
                        .map(|place| &rules[candidates[place as usize] as usize]);
                    u32::from(rule.is_some_and(|rule| rule.target != Target::Unchanged))
                });
                let start = Region {
                    wanted: sets,
                    unwanted: unwanted.clone().into(),
                };
                self.conditions(
                    space,
                    &append.enclosing,
                    (role, change.entered()),
                    start,
                    regions,
                );
                unwanted.push(*part);
            }
        }
    }

    /// Walks from the outermost condition inward, as far as they hold; returns where all hold.
    fn conditions(
        &mut self,
        space: &mut Precedence<'_>,
        enclosing: &[ConditionSiteId],
        (role, entered): (RoleId, StateId),
        start: Region,
        regions: &mut TargetRegions,
    ) -> Diagram {
        let program = space.program;
        let mut inside = start.wanted;
        for &when in enclosing {
            let written = &program.condition_sites[when.index()];
            let named = self
                .named
                .get(&written.condition)
                .cloned()
                .unwrap_or_default();
            let own = Some(when).filter(|_| !is_bundled(program, written.location));
            for asked in named.into_iter().chain(own) {
                let condition =
                    space.condition_in(program.condition_sites[asked.index()].condition, entered);
                let holds = space.diagrams.and_then(condition, inside);
                let fails = space.diagrams.without(inside, condition);
                for (outcome, wanted) in [(true, holds), (false, fails)] {
                    let region = Region {
                        wanted,
                        unwanted: start.unwanted.clone(),
                    };
                    regions
                        .entry(Exercised::Condition(role, asked, outcome))
                        .or_default()
                        .insert(region);
                }
            }
            let condition = space.condition_in(written.condition, entered);
            inside = space.diagrams.and_then(condition, inside);
        }
        inside
    }
}

fn is_bundled(program: &Program, location: Location) -> bool {
    program.sources.file(location.file).bundled
}
