//! In: a program, its tables, its tests and scenarios. Out: what each came to, with a counterexample where it fails.
//! A test is proved over all situations in which its conditions hold; a scenario is run in a session.

use crate::analysis::scenarios;
use crate::diagnostic::Diagnostic;
use crate::diagram::{Ref, SearchResult};
use crate::program::{Change, Expectation, Program, StateId, Target, Test};
use crate::quote::{quote, quote_always};
use crate::source::Location;
use crate::space::{Precedence, RoleDecision};
use presync_engine::Tables;

/// More nodes than this for the smallest counterexample: then any one is shown.
const BUDGET: usize = 200_000;

/// What became of a test or a scenario.
#[derive(Debug)]
pub struct Verdict {
    pub name: String,
    pub scenario: bool,
    pub location: Location,
    /// Empty: it holds.
    pub failures: Vec<Diagnostic>,
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
        })
        .collect();
    verdicts.extend(program.scenarios.iter().map(|scenario| Verdict {
        name: scenario.name.clone(),
        scenario: true,
        location: scenario.location,
        failures: scenarios::run(program, tables, scenario, &mut |_, _| {}),
    }));
    verdicts.sort_by_key(|verdict| verdict.location);
    verdicts
}

fn prove_test(space: &mut Precedence<'_>, test: &Test) -> Vec<Diagnostic> {
    let given = space.condition(test.given);
    if given == Ref::ZERO {
        return vec![
            Diagnostic::error(
                "failed-test",
                format!(
                    "test `{}` proves nothing: its conditions never hold together",
                    test.name
                ),
            )
            .label(test.given_location, "cannot hold")
            .help("leave out what contradicts the rest"),
        ];
    }
    test.expectations
        .iter()
        .filter_map(|expectation| refute(space, test, given, expectation))
        .collect()
}

/// The smallest counterexample of an expectation, over all of its states.
fn refute(
    space: &mut Precedence<'_>,
    test: &Test,
    given: Ref,
    expectation: &Expectation,
) -> Option<Diagnostic> {
    let mut found: Option<Counterexample> = None;
    let mut possible = expectation.states.is_empty();
    for &state in &expectation.states {
        let given = space.after_entering(given, state);
        possible |= given != Ref::ZERO;
        let decided = space.decision(test.role, Change::of(expectation.direction, state));
        let parts = &decided.parts;
        // What one part leaves open, the next one decides; what none does is unmapped.
        for (at, part) in parts.iter().enumerate() {
            let leaves = space.diagrams.leaves(*part);
            let wrong: Vec<u32> = leaves
                .into_iter()
                .filter(|leaf| *leaf != 0 && !meets(space, expectation, &decided, *leaf))
                .collect();
            let wrong = space.diagrams.map(*part, &mut |leaf| {
                if wrong.contains(&leaf) { leaf } else { 0 }
            });
            consider(space, state, (given, wrong, &parts[..at]), &mut found);
        }
        if !meets(space, expectation, &decided, 0) {
            consider(space, state, (given, Ref::ONE, parts), &mut found);
        }
    }
    if !possible {
        let error = Diagnostic::error(
            "failed-test",
            format!(
                "test `{}` proves nothing here: its conditions exclude the change",
                test.name
            ),
        );
        let error = error
            .label(expectation.location, "cannot happen")
            .label(test.given_location, "where this holds");
        return Some(
            error.help("leave the condition on the system that changes out: it holds once the state is entered"),
        );
    }
    found.map(|found| failure(space, test, expectation, &found))
}

/// A situation in which a test does not hold.
struct Counterexample {
    state: StateId,
    /// How many values are not the usual ones; the fewest are shown.
    unusual: usize,
    /// A value for each variable that matters; `None`: it is not known whether there is such a situation.
    assignment: Option<Vec<Option<u32>>>,
}

/// Looks where the first and the second function hold and none of the others; keeps the counterexample if it is
/// smaller than the one there is.
fn consider(
    space: &mut Precedence<'_>,
    state: StateId,
    (given, wrong, before): (Ref, Ref, &[Ref]),
    found: &mut Option<Counterexample>,
) {
    let any = space
        .diagrams
        .find(&[given, wrong], before, space.defaults());
    if any == SearchResult::Nowhere {
        return;
    }
    let region = space.diagrams.within(BUDGET, |diagrams| {
        let both = diagrams.mask(given, wrong);
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
        // Too entangled for the smallest, but there is one.
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
    expectation: &Expectation,
    found: &Counterexample,
) -> Diagnostic {
    let program = space.program;
    let (from, to) = (expectation.direction.from(), expectation.direction.to());
    let (from, to) = (program.system(from), program.system(to));
    let change = format!("{} {}", from.name, quote(&program.state(found.state).name));
    let Some(assignment) = &found.assignment else {
        let message = format!(
            "test `{}` cannot be proved: what {change} gives is too entangled",
            test.name
        );
        return Diagnostic::error("failed-test", message)
            .label(expectation.location, "neither proved nor refuted")
            .help("give more conditions: fewer situations are left then");
    };
    let values: Vec<u32> = assignment
        .iter()
        .zip(space.defaults())
        .map(|(value, usual)| value.unwrap_or(*usual))
        .collect();
    let decided = space.decision(test.role, Change::of(expectation.direction, found.state));
    let parts = decided.parts.iter();
    let leaf = parts
        .map(|part| space.diagrams.evaluate(*part, &values))
        .find(|leaf| *leaf != 0)
        .unwrap_or(0);
    let outcome = space.outcome_text(&decided, leaf, expectation.append.is_some());
    let message = format!(
        "test `{}` fails: {change} gives {} {outcome}",
        test.name, to.name
    );
    let mut failure =
        Diagnostic::error("failed-test", message).label(expectation.location, "expected here");
    if let Some(decision) = space.decision_of(&decided, leaf) {
        let rule = space.rule_of(decision);
        let profile = &program.profile(decision.profile).name;
        failure = failure.label(
            program.rule_source(rule.source).location,
            format!("decides, in profile {}", quote_always(profile)),
        );
    }
    let relevant: Vec<u32> = (0..assignment.len() as u32)
        .filter(|variable| assignment[*variable as usize].is_some())
        .collect();
    failure.situation = Some(space.situation(assignment, Some(found.state), &relevant));
    failure
}

/// Whether a decision (0: unmapped) is what is expected.
fn meets(
    space: &Precedence<'_>,
    expectation: &Expectation,
    decided: &RoleDecision,
    leaf: u32,
) -> bool {
    let listed = match space.decision_of(decided, leaf) {
        None => expectation.unmapped,
        Some(decision) => {
            match space.program.profile(decision.profile).rules[decision.rule as usize].target {
                Target::Unchanged => expectation.unchanged,
                Target::Set(state) => {
                    let texts = space.append_texts(decision.append);
                    expectation.set.contains(&state)
                        && expectation
                            .append
                            .as_deref()
                            .is_none_or(|append| append == texts)
                }
            }
        }
    };
    listed != expectation.negated
}
