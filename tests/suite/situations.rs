//! Compares every example with the naive evaluator: decisions and origins, from source and from tables.json.

use crate::common;

use common::reference;
use presync::{Decision, Origin, Outcome, Program, Tables};

/// The most situations of a program that are compared.
const MOST: f64 = 50_000.0;

/// Compares every decision in every situation; of a program with very many, in evenly spread ones. (The engines compare each
/// table in all situations that it distinguishes.)
fn compare(program: &Program, compiled: &[&Tables], name: &str, decided: &mut u64) -> u64 {
    assert!(
        reference::count(program) < 5e6,
        "{name} has too many situations to enumerate"
    );
    // An odd step meets every value of a flag.
    let step = (reference::count(program) / MOST) as u64 | 1;
    let (mut compared, mut number) = (0, 0_u64);
    reference::each_situation(program, &mut |situation| {
        number += 1;
        if number % step != 0 {
            return;
        }
        let given = reference::engine(program, situation);
        for role in program.role_ids() {
            for direction in program.directions() {
                for state in program.states(direction.from()) {
                    let wanted = reference::decide(program, role, situation, state, direction.to());
                    let mut given = given.clone();
                    given.set_state(state);
                    for tables in compiled {
                        let role = tables.role_of(role).expect("roles keep their ids");
                        let table = role.table(direction).expect("the tables are small");
                        let found = table.and_then(|table| table.decide_with_texts(&given, state));
                        assert_eq!(
                            found.map(|(decision, texts)| (decision.clone(), owned(&texts))),
                            Some(decision(program, &wanted)),
                            "{name}: {situation:?} {state:?} {direction:?}"
                        );
                    }
                    compared += 1;
                    *decided += u64::from(wanted.origin.is_some());
                }
            }
        }
    });
    compared
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// A decision and its texts.
fn decision(program: &Program, decided: &reference::Decided) -> (Decision, Vec<String>) {
    let (outcome, texts) = match &decided.outcome {
        reference::Outcome::Unmapped => (Outcome::Unmapped, Vec::new()),
        reference::Outcome::Unchanged => (Outcome::Unchanged, Vec::new()),
        reference::Outcome::Previous(append) => (Outcome::Previous, append.clone()),
        reference::Outcome::Set(state, append) => (Outcome::Set(*state), append.clone()),
    };
    let origin = decided.origin.map(|(profile, rule)| {
        let profile = &program.profiles[profile];
        let location = program.rule_source(profile.rules[rule].source).location;
        Origin {
            profile: profile.name.clone(),
            rule: program.sources.file_line(location),
        }
    });
    (Decision { outcome, origin }, texts)
}

#[test]
fn every_situation_of_every_example() {
    for path in common::examples() {
        let program = common::program_at(&path);
        let tables = program.compile().expect("examples are small");
        let read = Tables::from_json(&tables.to_json().expect("the tables are small"))
            .expect("exported tables can be read");
        let mut decided = 0;
        let compared = compare(
            &program,
            &[&tables, &read],
            &path.display().to_string(),
            &mut decided,
        );
        println!("{}: {compared} decisions, {decided} mapped", path.display());
        assert!(decided > 100, "{}", path.display());
    }
}
