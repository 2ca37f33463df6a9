//! Compares explanations with enumeration over small random programs.

use crate::common;

use common::generate::{self, Random};
use common::reference::{self, Situation};
use std::collections::BTreeSet;

use presync::internal::Rule;
use presync::{DecisionExplanation, Location, Program, Question, RoleId, StateId, SystemId};

#[test]
fn explanations_match_enumeration() {
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
            situations.push(situation.clone());
        });
        for _ in 0..3 {
            let mut situation = random.pick(&situations).clone();
            let from = SystemId::from_index(random.below(program.schema.systems().len()));
            let state = StateId::from_index(from, random.below(program.system(from).states.len()));
            let role = RoleId::from_index(random.below(program.roles.len()));
            situation.states[from.index()] = Some(state);
            let given = reference::engine(&program, &situation);
            let question = Question {
                role,
                entered: state,
                situation: &given,
            };
            for found in presync::explain(&program, &question) {
                let context = format!("seed {seed}: {found:?}\n{situation:?}\n{source}");
                assert!(!found.entangled, "{context}");
                let now = reference::decide(&program, role, &situation, state, found.to);
                let decider = now.origin.map(|(profile, rule)| {
                    let profile = &program.profiles[profile];
                    (
                        profile.name.clone(),
                        program.rule_source(profile.rules[rule].source).location,
                    )
                });
                let deciders = found.profiles.iter().filter_map(|profile| {
                    assert!(profile.decider.is_none() || !profile.too_late, "{context}");
                    Some((profile.name.clone(), profile.decider?))
                });
                assert!(deciders.eq(decider), "{context}");
                // The nearest situation with another outcome, by how many facts and states differ.
                let distance = |other: &Situation| {
                    // Whether the state entered is by hand does not matter.
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
                    let by_hand = other
                        .by_hand
                        .iter()
                        .zip(&situation.by_hand)
                        .filter(|(one, other)| one != other)
                        .count();
                    facts + states + by_hand
                };
                let kept_out = kept_out(
                    &program,
                    role,
                    &situations,
                    &distance,
                    &situation,
                    (state, found.to),
                );
                assert_eq!(needed_changes(&found), kept_out, "{context}");
                let others = situations.iter().filter(|other| {
                    let then = reference::decide(&program, role, other, state, found.to).outcome;
                    let wanted = if sets(&now.outcome) {
                        then != now.outcome
                    } else {
                        sets(&then)
                    };
                    other.states[from.index()] == Some(state) && wanted
                });
                let least = others.map(distance).min();
                let reported = found
                    .nearest
                    .as_ref()
                    .map(|(changes, _)| changes.split(" and ").count());
                assert_eq!(reported, least, "{context}");
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

fn sets(outcome: &reference::Outcome) -> bool {
    use reference::Outcome;
    matches!(outcome, Outcome::Set(..) | Outcome::Previous(_))
}

/// The location of a rule, and the number of changes after which its condition would hold.
type KeptOut = BTreeSet<(Location, Option<usize>)>;

/// The reported changes for rules of this state whose condition does not hold.
fn needed_changes(found: &DecisionExplanation) -> KeptOut {
    let others = found.profiles.iter().flat_map(|profile| &profile.others);
    let changes = others.filter_map(|other| {
        let changes = match other.why.strip_prefix("needs ") {
            Some(changes) => Some(changes.split(" and ").count()),
            None if other.why.starts_with("its condition is never true") => None,
            None => return None,
        };
        Some((other.location, changes))
    });
    changes.collect()
}

fn kept_out(
    program: &Program,
    role: RoleId,
    situations: &[Situation],
    distance: &dyn Fn(&Situation) -> usize,
    situation: &Situation,
    (state, to): (StateId, SystemId),
) -> KeptOut {
    let profiles = program
        .role(role)
        .profiles
        .iter()
        .map(|id| program.profile(*id));
    let rules = profiles.flat_map(|profile| &profile.rules).filter(|rule| {
        rule.direction.to() == to
            && rule.states.contains(&state)
            && !reference::holds(program, rule.condition, &situation.entering(state))
    });
    let least = |rule: &Rule| {
        let holding = situations.iter().filter(|other| {
            other.states[state.system().index()] == Some(state)
                && reference::holds(program, rule.condition, &other.entering(state))
        });
        holding.map(distance).min()
    };
    rules
        .map(|rule| (program.rule_source(rule.source).location, least(rule)))
        .collect()
}
