//! Why, and why not: against enumeration over small random programs.

use crate::common;

use common::generate::{self, Random};
use common::reference::{self, Situation};
use std::collections::BTreeSet;

use presync::analysis::explanation::{Explanation, Question, explain};
use presync::program::{Program, RoleId, Rule, StateId, SystemId};
use presync::source::Location;
use presync::space::{Space, Variable};

#[test]
fn explanations_are_what_enumeration_finds() {
    let (mut asked, mut changed, mut constant) = (0, 0, 0);
    for seed in 0..1_200 {
        let source = generate::program(seed, 10 + seed % 60);
        let Ok(program) = common::check(&source) else {
            continue;
        };
        if reference::count(&program) > 2_000.0 {
            continue;
        }
        let mut random = Random(seed);
        let mut situations = Vec::new();
        reference::each_situation(&program, &mut |situation| {
            situations.push(situation.clone())
        });
        let mut space = Space::new(&program);
        for _ in 0..3 {
            let mut situation = random.pick(&situations).clone();
            let from = SystemId(random.below(program.systems.len()) as u32);
            let state = StateId(random.below(program.system(from).states.len()) as u32);
            let role = RoleId(random.below(program.roles.len()) as u32);
            situation.states[from.index()] = Some(state);
            let values = values(&space, &situation);
            for found in explain(
                &mut space,
                &Question {
                    role,
                    from,
                    state,
                    values: &values,
                },
            ) {
                let told = format!("seed {seed}: {found:?}\n{situation:?}\n{source}");
                assert!(!found.entangled, "{told}");
                let now = reference::decide(&program, role, &situation, from, state, found.to);
                let decider = now.origin.map(|(profile, rule)| {
                    let profile = &program.profiles[profile];
                    (
                        profile.name.clone(),
                        program.written(profile.rules[rule].written).location,
                    )
                });
                assert_eq!(found.decider, decider, "{told}");
                // The nearest situation with another outcome, by how many facts and states differ.
                let distance = |other: &Situation| {
                    let facts = other
                        .facts
                        .iter()
                        .zip(&situation.facts)
                        .filter(|(one, other)| one != other)
                        .count();
                    let states = other
                        .states
                        .iter()
                        .zip(&situation.states)
                        .filter(|(one, other)| one != other)
                        .count();
                    facts + states
                };
                let kept_out = kept_out(
                    &program,
                    role,
                    &situations,
                    &distance,
                    &situation,
                    (from, state, found.to),
                );
                assert_eq!(needs(&found), kept_out, "{told}");
                let others = situations.iter().filter(|other| {
                    other.states[from.index()] == Some(state)
                        && reference::decide(&program, role, other, from, state, found.to).outcome
                            != now.outcome
                });
                let least = others.map(distance).min();
                let said = found
                    .nearest
                    .as_ref()
                    .map(|(changes, _)| changes.split(" and ").count());
                assert_eq!(said, least, "{told}");
                asked += 1;
                changed += u32::from(least.is_some());
                constant += u32::from(least.is_none());
            }
        }
    }
    println!(
        "{asked} explanations, {changed} with a change that alters the outcome, {constant} without"
    );
    assert!(changed > 100 && constant > 100, "{changed} {constant}");
}

fn values(space: &Space<'_>, situation: &Situation) -> Vec<u32> {
    let value = |variable: &Variable| match variable {
        Variable::Fact(fact) => situation.facts[fact.index()],
        Variable::State(system) => situation.states[system.index()].map_or(0, |state| state.0 + 1),
    };
    space.variables().iter().map(value).collect()
}

/// What a rule's source is, and how much would have to be otherwise for its condition to hold.
type KeptOut = BTreeSet<(Location, Option<usize>)>;

/// What is said of the rules for this state whose condition does not hold.
fn needs(found: &Explanation) -> KeptOut {
    let told = found.others.iter().filter_map(|other| {
        let changes = match other.why.strip_prefix("needs ") {
            Some(changes) => Some(changes.split(" and ").count()),
            None if other.why.starts_with("its condition cannot hold") => None,
            None => return None,
        };
        Some((other.location, changes))
    });
    told.collect()
}

fn kept_out(
    program: &Program,
    role: RoleId,
    situations: &[Situation],
    distance: &dyn Fn(&Situation) -> usize,
    situation: &Situation,
    (from, state, to): (SystemId, StateId, SystemId),
) -> KeptOut {
    let profiles = program
        .role(role)
        .profiles
        .iter()
        .map(|id| program.profile(*id));
    let rules = profiles.flat_map(|profile| &profile.rules).filter(|rule| {
        (rule.from, rule.to) == (from, to)
            && rule.source.contains(&state)
            && !reference::holds(program, rule.condition, situation)
    });
    let least = |rule: &Rule| {
        let holding = situations.iter().filter(|other| {
            other.states[from.index()] == Some(state)
                && reference::holds(program, rule.condition, other)
        });
        holding.map(distance).min()
    };
    rules
        .map(|rule| (program.written(rule.written).location, least(rule)))
        .collect()
}
