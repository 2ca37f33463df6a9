//! In: a program. Out: in how many situations its conditions hold and its rules decide.
//! Situations differ in what matters for the question: what no condition of the role asks about is not counted. Too many to
//! count are not counted at all.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use crate::diagram::{Diagram, DiagramStore};
use crate::program::{Change, Direction, ProfileId, Program, RoleId, RuleSourceId, SystemId};
use crate::source::Location;
use crate::space::Precedence;

/// Some of all situations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    pub some: u128,
    /// At least one.
    pub all: u128,
}

/// What a rule decides in a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleExtent {
    pub rule: RuleSourceId,
    pub role: RoleId,
    pub direction: Direction,
    /// A situation counts for each state that is entered in it.
    pub extent: Extent,
}

/// Node limit for one condition.
const LIMIT: usize = 100_000;

/// In how many situations a written condition holds: the first one within a place. `None` if there is none, or if it is too
/// complex.
pub fn condition_extent(program: &Program, place: Location) -> Option<Extent> {
    let space = &mut Precedence::new(program);
    let mut sites = program.condition_sites.iter();
    let site = sites.find(|site| {
        let at = site.location;
        at.file == place.file && place.span.contains(at.span)
    })?;
    if !space.affords(site.condition, LIMIT) {
        return None;
    }
    let holds = space.condition(site.condition);
    let counted = Counted::new(space, &[holds]);
    Some(Extent {
        some: counted.situations(space, holds, &|leaf| leaf != 0)?,
        all: counted.all(space)?,
    })
}

/// What every rule decides in every role that has it, by rule, role and direction; not in roles that are too complex.
pub fn rule_extents(program: &Program) -> Vec<RuleExtent> {
    let space = &mut Precedence::new(program);
    let mut extents = Vec::new();
    for role in program.role_ids() {
        for direction in program.directions() {
            extents.extend(of_direction(space, role, direction).unwrap_or_default());
        }
    }
    extents.sort_by_key(|of| (of.rule, of.role, of.direction));
    extents
}

/// The written rules that take precedence over those within a place, where these would apply, with the first profile that
/// each is in; in source order.
pub fn rules_above(program: &Program, place: Location) -> Vec<(RuleSourceId, ProfileId)> {
    let space = &mut Precedence::new(program);
    let is_within = |source: RuleSourceId| {
        let at = program.rule_source(source).location;
        at.file == place.file && place.span.contains(at.span)
    };
    let mut above = BTreeMap::new();
    for role in program.role_ids() {
        for profile in &program.role(role).profiles {
            let rules = program.profile(*profile).rules.iter();
            for rule in rules.filter(|rule| is_within(rule.source)) {
                for decider in space.deciders(role, rule).into_iter().flatten() {
                    let by = space.rule_of(decider).source;
                    if by != rule.source {
                        above.entry(by).or_insert(decider.profile);
                    }
                }
            }
        }
    }
    above.into_iter().collect()
}

fn of_direction(
    space: &mut Precedence<'_>,
    role: RoleId,
    direction: Direction,
) -> Option<Vec<RuleExtent>> {
    let program = space.program;
    let mut decisions = Vec::new();
    for state in program.states(direction.from()) {
        let decided = space.decision(role, Change::of(direction, state));
        match *decided.parts {
            [] => {}
            [whole] => decisions.push((decided, whole)),
            // Too complex.
            _ => return None,
        }
    }
    let roots: Vec<Diagram> = decisions.iter().map(|(_, whole)| *whole).collect();
    let counted = Counted::new(space, &roots);
    let states = program.states(direction.from()).len() as u128;
    let all = counted.all(space)?.checked_mul(states)?;
    let mut of_rules: BTreeMap<RuleSourceId, u128> = BTreeMap::new();
    for profile in &program.role(role).profiles {
        let rules = program.profile(*profile).rules.iter();
        let own = rules.filter(|rule| rule.direction == direction);
        of_rules.extend(own.map(|rule| (rule.source, 0)));
    }
    for (decided, whole) in decisions {
        for leaf in space.leaves(whole).iter() {
            let Some(decider) = space.decision_of(&decided, *leaf) else {
                continue;
            };
            let rule = space.rule_of(decider).source;
            let here = counted.situations(space, whole, &|found| found == *leaf)?;
            *of_rules.entry(rule).or_default() += here;
        }
    }
    let extents = of_rules.into_iter().map(|(rule, some)| RuleExtent {
        rule,
        role,
        direction,
        extent: Extent { some, all },
    });
    Some(extents.filter(|of| of.extent.all > 0).collect())
}

/// A function without the situations in which the state of a system is unknown but by hand, which do not exist.
pub(super) fn without_unknown_by_hand(
    space: &mut Precedence<'_>,
    of: Diagram,
    system: SystemId,
) -> Diagram {
    let Some(hand) = space.of_hand(system) else {
        return of;
    };
    let variable = space.of_system(system);
    let unknown = space.diagrams.literal(variable, [0]);
    let by_hand = space.diagrams.literal(hand, [1]);
    let neither = space.diagrams.and_then(unknown, by_hand);
    space.diagrams.without(of, neither)
}

/// The situations that are counted: those that differ in what some functions depend on.
struct Counted {
    /// Ascending.
    variables: Vec<u32>,
    /// Where no unknown state is by hand.
    possible: Diagram,
}

impl Counted {
    fn new(space: &mut Precedence<'_>, of: &[Diagram]) -> Self {
        let support = space.diagrams.support(of);
        let mut variables: BTreeSet<u32> = support.iter().copied().collect();
        let mut possible = Diagram::leaf(1);
        for system in space.program.system_ids() {
            let hand = space.of_hand(system);
            if hand.is_some_and(|hand| support.contains(&hand)) {
                variables.insert(space.of_system(system));
                possible = without_unknown_by_hand(space, possible, system);
            }
        }
        Self {
            variables: variables.into_iter().collect(),
            possible,
        }
    }

    fn all(&self, space: &mut Precedence<'_>) -> Option<u128> {
        self.situations(space, Diagram::leaf(1), &|leaf| leaf != 0)
    }

    /// The number of situations with a wanted leaf, which is not 0; `None` if it is too large.
    fn situations(
        &self,
        space: &mut Precedence<'_>,
        of: Diagram,
        wanted: &dyn Fn(u32) -> bool,
    ) -> Option<u128> {
        let of = space.diagrams.and_then(self.possible, of);
        self.count(&space.diagrams, of, wanted)
    }

    fn count(
        &self,
        diagrams: &DiagramStore,
        of: Diagram,
        wanted: &dyn Fn(u32) -> bool,
    ) -> Option<u128> {
        // The place of a function among the variables, and how many situations differ in those between two places.
        let place = |of: Diagram| match diagrams.variable(of) {
            Some(variable) => self.variables.partition_point(|known| *known < variable),
            None => self.variables.len(),
        };
        let between = |from: usize, to: usize| {
            let mut sizes = self.variables[from..to].iter();
            sizes.try_fold(1_u128, |all, at| {
                all.checked_mul(u128::from(diagrams.sizes()[*at as usize]))
            })
        };
        let mut counts: FxHashMap<Diagram, u128> = FxHashMap::default();
        let get = |counts: &FxHashMap<Diagram, u128>, of: Diagram| match of.as_leaf() {
            Some(value) => u128::from(wanted(value)),
            None => counts[&of],
        };
        for node in diagrams.below(&[of]).into_iter().rev() {
            let below = place(node) + 1;
            let mut count = 0_u128;
            for child in diagrams.children(node) {
                let rest = between(below, place(*child))?;
                count = count.checked_add(get(&counts, *child).checked_mul(rest)?)?;
            }
            counts.insert(node, count);
        }
        get(&counts, of).checked_mul(between(0, place(of))?)
    }
}
