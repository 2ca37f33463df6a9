//! In: a program, its tables, its tests and scenarios. Out: a verdict for each, with a counterexample if it fails.
//! A test is proved over all situations in which its conditions hold; a scenario is run in a session.

use std::collections::BTreeMap;

use crate::analysis::extent::without_unknown_by_hand;
use crate::analysis::scenarios;
use crate::diagnostic::Diagnostic;
use crate::diagram::{Diagram, SearchResult};
use crate::errors::failed_test::{self, TestedChange};
use crate::program::{Change, Expectation, ProfileId, Program, RoleId, StateId, Target, Test};
use crate::quote::on_one_line;
use crate::source::{FileId, Location};
use crate::space::{Precedence, RoleDecision};
use presync_engine::Tables;

/// Node limit for the smallest counterexample; beyond it, any one is shown.
const BUDGET: usize = 200_000;

/// The result of a test or a scenario.
#[derive(Debug)]
pub struct Verdict {
    pub name: String,
    pub scenario: bool,
    pub location: Location,
    /// Empty: it passed.
    pub failures: Vec<Diagnostic>,
    /// The number of situations of a test, over all roles and states entered, or of steps of a scenario.
    pub extent: u128,
}

/// Proves every test and runs every scenario, in source order.
pub fn prove(program: &Program, tables: &Tables) -> Vec<Verdict> {
    let mut space = Precedence::new(program);
    let mut verdicts: Vec<Verdict> = program
        .tests
        .iter()
        .map(|test| Verdict {
            name: test.name.clone(),
            scenario: false,
            location: test.location,
            failures: prove_test(&mut space, test),
            extent: situations(&mut space, test),
        })
        .collect();
    verdicts.extend(program.scenarios.iter().map(|scenario| Verdict {
        name: scenario.name.clone(),
        scenario: true,
        location: scenario.location,
        failures: scenarios::run(program, tables, scenario, &mut |_, _| {}),
        extent: scenario.steps.len() as u128,
    }));
    verdicts.sort_by_key(|verdict| verdict.location);
    verdicts
}

/// The number of situations in which a test expects something, over its roles and the states entered.
fn situations(space: &mut Precedence<'_>, test: &Test) -> u128 {
    let mut possible = space.condition(test.given);
    for system in space.program.system_ids() {
        possible = without_unknown_by_hand(space, possible, system);
    }
    let mut count = 0_u128;
    for expectation in &test.expectations {
        for state in &expectation.states {
            let system = state.system();
            let mut here = space.after_entering_all(possible, *state);
            let shows = space.showing(*state);
            here = space.diagrams.and_then(shows, here);
            if let Some(hand) = space.of_hand(system) {
                let by_hand = space.diagrams.literal(hand, [1]);
                here = space.diagrams.and_then(by_hand, here);
            }
            let of_state = space.diagrams.count(here, &|leaf| leaf != 0);
            count = count.saturating_add(of_state.saturating_mul(test.roles.len() as u128));
        }
    }
    count
}

fn prove_test(space: &mut Precedence<'_>, test: &Test) -> Vec<Diagnostic> {
    let given = space.condition(test.given);
    if given == Diagram::ZERO {
        return vec![failed_test::impossible(&test.name, test.given_location)];
    }
    let mut failures = Vec::new();
    for expectation in &test.expectations {
        // One counterexample is enough, in whichever role it is.
        let mut roles = test.roles.iter();
        failures.extend(roles.find_map(|role| refute(space, test, *role, given, expectation)));
    }
    failures
}

/// The smallest counterexample of an expectation, over all of its states.
fn refute(
    space: &mut Precedence<'_>,
    test: &Test,
    role: RoleId,
    given: Diagram,
    expectation: &Expectation,
) -> Option<Diagnostic> {
    let mut found: Option<Counterexample> = None;
    let mut possible = expectation.states.is_empty();
    for &state in &expectation.states {
        let given = space.after_entering(given, state);
        possible |= given != Diagram::ZERO;
        let change = Change::of(expectation.direction, state);
        let decided = space.decision(role, change);
        let parts = &decided.parts;
        // Where one part is zero, the next one decides; where all are, the change is unmapped.
        for (at, part) in parts.iter().enumerate() {
            let wrong = wrong(space, expectation, (&decided, change), *part);
            consider(space, state, (given, wrong, &parts[..at]), &mut found);
        }
        if expectation.unmapped == expectation.negated {
            consider(space, state, (given, Diagram::ONE, parts), &mut found);
        }
    }
    if !possible {
        return Some(failed_test::excluded(
            &test.name,
            expectation.location,
            test.given_location,
        ));
    }
    found.map(|found| failure(space, test, role, expectation, &found))
}

/// A situation in which a test fails.
struct Counterexample {
    state: StateId,
    /// The number of values that differ from the usual ones; the counterexample with the fewest is
    /// shown.
    unusual: usize,
    /// A value for each variable that matters; `None`: unknown whether such a situation exists.
    assignment: Option<Vec<Option<u32>>>,
}

/// Searches where `given` and `wrong` hold and nothing in `before` does; keeps the counterexample
/// if it is smaller than the current one.
fn consider(
    space: &mut Precedence<'_>,
    state: StateId,
    (given, wrong, before): (Diagram, Diagram, &[Diagram]),
    found: &mut Option<Counterexample>,
) {
    let any = space
        .diagrams
        .find(&[given, wrong], before, space.defaults());
    if any == SearchResult::Nowhere {
        return;
    }
    let region = space.diagrams.with_budget(BUDGET, |diagrams| {
        let both = diagrams.and_then(given, wrong);
        before
            .iter()
            .fold(both, |left, part| diagrams.without(left, *part))
    });
    let assignment = match (region, any) {
        (Some(region), _) => {
            match space
                .diagrams
                .witness(region, space.defaults(), &|leaf| leaf != 0)
            {
                Some(nearest) => Some(nearest),
                None => return,
            }
        }
        // Too complex for the smallest one, but there is one.
        (None, SearchResult::Here(values)) => Some(values.into_iter().map(Some).collect()),
        (None, _) => None,
    };
    let differs = |(value, usual): (&Option<u32>, &u32)| value.is_some_and(|value| value != *usual);
    let unusual = match &assignment {
        Some(assignment) => assignment
            .iter()
            .zip(space.defaults())
            .filter(|pair| differs(*pair))
            .count(),
        None => usize::MAX,
    };
    if found.as_ref().is_none_or(|least| unusual < least.unusual) {
        *found = Some(Counterexample {
            state,
            unusual,
            assignment,
        });
    }
}

fn failure(
    space: &mut Precedence<'_>,
    test: &Test,
    role: RoleId,
    expectation: &Expectation,
    found: &Counterexample,
) -> Diagnostic {
    let program = space.program;
    let (from, to) = (expectation.direction.from(), expectation.direction.to());
    let (from, to) = (program.system(from), program.system(to));
    let path = program.sources.shown_path(FileId(0));
    let written = program.sources.text(expectation.location);
    let wanted = on_one_line(written.split_once("=>").map_or(written, |(_, after)| after));
    let change = TestedChange {
        test: &test.name,
        from: &from.name,
        state: &program.state(found.state).name,
        to: &to.name,
        expected: expectation.location,
        wanted: &wanted,
        role: (!program.has_implicit_role()).then(|| program.role_name(role)),
        several_roles: test.roles.len() > 1,
        path: &path,
    };
    let Some(assignment) = &found.assignment else {
        return change.entangled();
    };
    let values: Vec<u32> = assignment
        .iter()
        .zip(space.defaults())
        .map(|(value, usual)| value.unwrap_or(*usual))
        .collect();
    let asked = Change::of(expectation.direction, found.state);
    let decided = space.decision(role, asked);
    let parts = decided.parts.iter();
    let leaf = parts
        .map(|part| space.diagrams.evaluate(*part, &values))
        .find(|leaf| *leaf != 0)
        .unwrap_or(0);
    let texts = space.texts_of(&decided, asked, leaf, &values);
    let outcome = space.outcome_text(&decided, leaf, &texts, expectation.append.is_some());
    let decides = space.decision_of(&decided, leaf).map(|decision| {
        let rule = program.rule_source(space.rule_of(decision).source);
        let profile = &program.profile(decision.profile).name;
        (rule.location, profile.as_str())
    });
    let relevant: Vec<u32> = (0..assignment.len() as u32)
        .filter(|variable| assignment[*variable as usize].is_some())
        .collect();
    let witness = space.situation(assignment, Some(found.state), &relevant);
    change.refuted(&outcome, decides, witness)
}

/// Where a part of a decision decides and that is not expected.
fn wrong(
    space: &mut Precedence<'_>,
    expectation: &Expectation,
    (decided, change): (&RoleDecision, Change),
    part: Diagram,
) -> Diagram {
    let texts: Option<Vec<&str>> = expectation
        .append
        .as_ref()
        .map(|texts| texts.iter().map(String::as_str).collect());
    let program = space.program;
    let mut wrong: Vec<u32> = Vec::new();
    // The decisions that are right with the right texts, by profile.
    let mut listed: BTreeMap<ProfileId, Vec<u32>> = BTreeMap::new();
    for leaf in space.diagrams.leaves(part) {
        let Some(decider) = space.decision_of(decided, leaf) else {
            continue;
        };
        let is_listed = match space.rule_of(decider).target {
            Target::Unchanged => expectation.unchanged,
            target => {
                let set = match target {
                    Target::Set(state) => expectation.set.contains(&state),
                    _ => expectation.previous || may_bring_back(program, expectation),
                };
                if set && texts.is_some() {
                    listed.entry(decider.profile).or_default().push(leaf);
                    continue;
                }
                set
            }
        };
        if is_listed == expectation.negated {
            wrong.push(leaf);
        }
    }
    let only = |space: &mut Precedence<'_>, leaves: &[u32]| {
        let keep = &mut |leaf| if leaves.contains(&leaf) { leaf } else { 0 };
        space.diagrams.map(part, keep)
    };
    let mut found = only(space, &wrong);
    for (profile, leaves) in listed {
        let exactly = space.exactly(profile, change, texts.as_deref().unwrap_or_default());
        let mistaken = if expectation.negated {
            exactly
        } else {
            space.diagrams.not(exactly)
        };
        let leaves = only(space, &leaves);
        let here = space.diagrams.and_then(mistaken, leaves);
        found = space.diagrams.or_else(found, here);
    }
    found
}

/// Whether `previous`, which may be any state that can be set, meets the states that are expected, or, of a negated
/// expectation, one of them.
fn may_bring_back(program: &Program, expectation: &Expectation) -> bool {
    let system = expectation.direction.to();
    let mut settable = program
        .states(system)
        .filter(|state| !program.state(*state).read_only);
    let listed = |state: StateId| expectation.set.contains(&state);
    if expectation.negated {
        settable.any(listed)
    } else {
        settable.all(listed)
    }
}
