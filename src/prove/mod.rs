//! In: a program, its tables, its tests and scenarios. Out: what each came to, with a counterexample where it fails.
//! A test is proved over all situations in which its conditions hold; a scenario is run in a session.

mod coverage;
mod generate;
mod scenario;
mod targets;

pub use coverage::{Coverage, coverage, text};
pub use generate::{Proposal, generate};
pub use targets::Exercised;

use crate::diagnostic::Diagnostic;
use crate::model::{Expectation, Program, StateId, SystemId, Target, Test};
use crate::names::{quote, quote_always};
use crate::source::Location;
use crate::space::Space;
use crate::space::diagram::Ref;
use crate::table::Tables;

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
    let mut space = Space::new(program);
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
        failures: scenario::run(program, tables, scenario, &mut |_, _| {}),
    }));
    verdicts.sort_by_key(|verdict| verdict.location);
    verdicts
}

fn prove_test(space: &mut Space<'_>, test: &Test) -> Vec<Diagnostic> {
    let given = space.condition(test.given);
    if given == Ref::ZERO {
        return vec![
            Diagnostic::error(
                "failed-test",
                format!("test `{}` proves nothing: its conditions never hold together", test.name),
            )
            .label(test.given_location, "cannot hold")
            .help("leave out what contradicts the rest"),
        ];
    }
    test.expectations.iter().filter_map(|expectation| refute(space, test, given, expectation)).collect()
}

/// The smallest counterexample of an expectation, over all of its states.
fn refute(space: &mut Space<'_>, test: &Test, given: Ref, expectation: &Expectation) -> Option<Diagnostic> {
    let (from, to) = (expectation.from, expectation.to);
    let mut found: Option<(usize, Diagnostic)> = None;
    let mut possible = expectation.states.is_empty();
    for &state in &expectation.states {
        let given = space.enter(given, from, state);
        possible |= given != Ref::ZERO;
        let mut left = given;
        // What one part leaves open, the next one decides; what is left at the end is unmapped.
        for part in space.decision(test.role, from, to, state).to_vec() {
            let leaves = space.diagrams.leaves(part);
            let wrong: Vec<u32> =
                leaves.into_iter().filter(|leaf| *leaf != 0 && !meets(space, expectation, *leaf)).collect();
            let within = space.diagrams.mask(left, part);
            consider(space, test, expectation, state, (within, false), &|leaf| wrong.contains(&leaf), &mut found);
            left = space.diagrams.without(left, part);
        }
        if !meets(space, expectation, 0) {
            consider(space, test, expectation, state, (left, true), &|leaf| leaf != 0, &mut found);
        }
    }
    if !possible {
        let error = Diagnostic::error(
            "failed-test",
            format!("test `{}` proves nothing here: its conditions exclude the change", test.name),
        );
        let error = error.label(expectation.location, "cannot happen").label(test.given_location, "where this holds");
        return Some(
            error.help("leave the condition on the system that changes out: it holds once the state is entered"),
        );
    }
    found.map(|(_, failure)| failure)
}

/// Keeps a counterexample if it is smaller than the one there is. `region`: decisions, or with `true` what nobody decides.
fn consider(
    space: &Space<'_>,
    test: &Test,
    expectation: &Expectation,
    state: StateId,
    (region, unmapped): (Ref, bool),
    wrong: &dyn Fn(u32) -> bool,
    found: &mut Option<(usize, Diagnostic)>,
) {
    let Some(assignment) = space.diagrams.witness(region, space.usual(), wrong) else { return };
    let unusual = assignment
        .iter()
        .zip(space.usual())
        .filter(|(value, usual)| value.is_some_and(|value| value != **usual))
        .count();
    if found.as_ref().is_some_and(|(least, _)| *least <= unusual) {
        return;
    }
    let values: Vec<u32> = assignment.iter().zip(space.usual()).map(|(value, usual)| value.unwrap_or(*usual)).collect();
    let leaf = if unmapped { 0 } else { space.diagrams.evaluate(region, &values) };
    let program = space.program;
    let (from, to) = (program.system(expectation.from), program.system(expectation.to));
    let decided = outcome_text(space, expectation.to, leaf, expectation.append.is_some());
    let mut failure = Diagnostic::error(
        "failed-test",
        format!(
            "test `{}` fails: {} {} gives {} {decided}",
            test.name,
            from.name,
            quote(&from.state(state).name),
            to.name
        ),
    )
    .label(expectation.location, "expected here");
    if let Some(decision) = space.decision_of(leaf) {
        let rule = &program.profile(decision.profile).rules[decision.rule as usize];
        let profile = &program.profile(decision.profile).name;
        failure = failure
            .label(program.written(rule.written).location, format!("decides, in profile {}", quote_always(profile)));
    }
    let relevant: Vec<u32> =
        (0..assignment.len() as u32).filter(|variable| assignment[*variable as usize].is_some()).collect();
    let situation = space.situation(&assignment, Some((expectation.from, state)), &relevant);
    failure.situation = Some(situation);
    *found = Some((unusual, failure));
}

/// An outcome as a test expects it; an appendix that is empty is mentioned only if `decorated`.
fn outcome_text(space: &Space<'_>, to: SystemId, leaf: u32, decorated: bool) -> String {
    let Some(decision) = space.decision_of(leaf) else { return "unmapped".to_owned() };
    let rule = &space.program.profile(decision.profile).rules[decision.rule as usize];
    match rule.target {
        Target::Unchanged => "unchanged".to_owned(),
        Target::Set(state) => {
            let texts: Vec<String> =
                space.append_texts(decision.append).iter().map(|text| quote_always(text)).collect();
            let name = quote(&space.program.system(to).state(state).name);
            match (decorated, texts.as_slice()) {
                (false, []) => name,
                (true, []) => format!("{name} append nothing"),
                _ => format!("{name} append {}", texts.join(", ")),
            }
        }
    }
}

/// Whether a decision (0: unmapped) is what is expected.
fn meets(space: &Space<'_>, expectation: &Expectation, leaf: u32) -> bool {
    let listed = match space.decision_of(leaf) {
        None => expectation.unmapped,
        Some(decision) => match space.program.profile(decision.profile).rules[decision.rule as usize].target {
            Target::Unchanged => expectation.unchanged,
            Target::Set(state) => {
                let texts = space.append_texts(decision.append);
                expectation.set.contains(&state) && expectation.append.as_deref().is_none_or(|append| append == texts)
            }
        },
    };
    listed != expectation.negated
}
