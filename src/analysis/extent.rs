//! In: a program. Out: in how many situations its conditions hold and its rules decide.
//! Situations differ in what matters for the question: what no condition of the role asks about is not counted.

use std::collections::BTreeMap;

use crate::diagram::{Diagram, DiagramStore};
use crate::program::{Change, Direction, Program, RoleId, RuleSourceId};
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

/// In how many situations a written condition holds: the first one within a place. `None` if there is none, or if it is too
/// complex.
pub fn condition_extent(program: &Program, place: Location) -> Option<Extent> {
    let mut space = Precedence::new(program);
    let mut sites = program.condition_sites.iter();
    let site = sites.find(|site| {
        let at = site.location;
        at.file == place.file && place.span.contains(at.span)
    })?;
    if !space.affords(site.condition, LIMIT) {
        return None;
    }
    let holds = space.condition(site.condition);
    let all = product(&space.diagrams, &space.diagrams.support(&[holds]));
    Some(Extent {
        some: count(&space.diagrams, holds, &|leaf| leaf != 0, all),
        all,
    })
}

/// Node limit for one condition.
const LIMIT: usize = 100_000;

/// What every rule decides in every role that has it, by rule, role and direction; not in roles that are too complex.
pub fn rule_extents(program: &Program) -> Vec<RuleExtent> {
    let mut space = Precedence::new(program);
    let mut extents = Vec::new();
    for role in program.role_ids() {
        for direction in program.directions() {
            of_direction(&mut space, role, direction, &mut extents);
        }
    }
    extents.sort_by_key(|of| (of.rule, of.role, of.direction));
    extents
}

fn of_direction(
    space: &mut Precedence<'_>,
    role: RoleId,
    direction: Direction,
    extents: &mut Vec<RuleExtent>,
) {
    let program = space.program;
    let mut decisions = Vec::new();
    for state in program.states(direction.from()) {
        let decided = space.decision(role, Change::of(direction, state));
        match *decided.parts {
            [] => {}
            [whole] => decisions.push((decided.clone(), whole)),
            _ => return,
        }
    }
    let roots: Vec<Diagram> = decisions.iter().map(|(_, whole)| *whole).collect();
    let situations = product(&space.diagrams, &space.diagrams.support(&roots));
    let states = program.states(direction.from()).len() as u128;
    let all = situations.saturating_mul(states).max(1);
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
            let here = count(&space.diagrams, whole, &|found| found == *leaf, situations);
            let known = of_rules.entry(rule).or_default();
            *known = known.saturating_add(here);
        }
    }
    extents.extend(of_rules.into_iter().map(|(rule, some)| RuleExtent {
        rule,
        role,
        direction,
        extent: Extent { some, all },
    }));
}

/// The number of situations that differ in some variables.
fn product(diagrams: &DiagramStore, variables: &[u32]) -> u128 {
    let sizes = variables.iter().map(|at| diagrams.sizes()[*at as usize]);
    sizes.fold(1, |all, size| all.saturating_mul(u128::from(size)))
}

/// The number of situations with a wanted leaf, of `all` that differ in what the function depends on.
fn count(diagrams: &DiagramStore, of: Diagram, wanted: &dyn Fn(u32) -> bool, all: u128) -> u128 {
    let every = diagrams.sizes().iter();
    let every = every.fold(1_u128, |every, size| {
        every.saturating_mul(u128::from(*size))
    });
    // What it does not depend on multiplies both counts alike.
    let others = (every / all).max(1);
    diagrams.count(of, wanted) / others
}
