//! Every example against the naive evaluator: decisions and origins, from source and from tables.json.

use crate::common;

use common::reference;
use presync::program::{FactKind, Program, SystemId};
use presync_engine::table::{self, Outcome, Tables};

/// Compares every decision in every situation.
fn compare(program: &Program, compiled: &[&Tables], name: &str, decided: &mut u64) -> u64 {
    assert!(
        reference::count(program) < 5e6,
        "{name} has few enough situations to go through"
    );
    let mut compared = 0;
    let tables = compiled[0];
    reference::each_situation(program, &mut |situation| {
        let mut facts = vec![0; program.facts.len()];
        for (fact, value) in program.facts.iter().zip(&situation.facts) {
            let at = tables.fact(&fact.name).expect("facts keep their names");
            facts[at] = match &fact.kind {
                FactKind::Flag => *value,
                FactKind::Choice { values, .. } => tables
                    .value(at, &values[*value as usize])
                    .expect("values keep their names"),
            };
        }
        let system_at = |system: SystemId| {
            tables
                .system(&program.system(system).name)
                .expect("systems keep their names")
        };
        let mut states = vec![0; program.systems.len()];
        for system in program.system_ids() {
            if let Some(state) = situation.states[system.index()] {
                let at = system_at(system);
                states[at] = tables
                    .state(at, &program.system(system).state(state).name)
                    .expect("states keep their names")
                    + 1;
            }
        }
        for role in program.role_ids() {
            let role_at = tables
                .role(&program.role(role).name)
                .expect("roles keep their names");
            for (from, to) in program.directions() {
                for state in program.system(from).states() {
                    let wanted = reference::decide(program, role, situation, from, state, to);
                    let from_at = system_at(from);
                    let entered = tables
                        .state(from_at, &program.system(from).state(state).name)
                        .expect("states keep their names");
                    let mut states = states.clone();
                    states[from_at] = entered + 1;
                    for tables in compiled {
                        let found = tables
                            .table(role_at, from_at, system_at(to))
                            .decide(&facts, &states, entered);
                        let wanted = translate(program, tables, to, &wanted);
                        assert_eq!(
                            *found, wanted,
                            "{name}: {situation:?} {from:?} {state:?} {to:?}"
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

fn translate(
    program: &Program,
    tables: &Tables,
    to: SystemId,
    decided: &reference::Decided,
) -> table::Decision {
    let outcome = match &decided.outcome {
        reference::Outcome::Unmapped => Outcome::Unmapped,
        reference::Outcome::Unchanged => Outcome::Unchanged,
        reference::Outcome::Set(state, append) => {
            let at = tables
                .system(&program.system(to).name)
                .expect("systems keep their names");
            let state = tables
                .state(at, &program.system(to).state(*state).name)
                .expect("states keep their names");
            Outcome::Set {
                state,
                append: append.clone().into(),
            }
        }
    };
    let rule = decided.origin.map(|(profile, rule)| {
        let profile = &program.profiles[profile];
        (
            profile.name.clone(),
            program
                .sources
                .file_line(program.written(profile.rules[rule].written).location),
        )
    });
    let (profile, rule) = rule.unzip();
    table::Decision {
        outcome,
        profile,
        rule,
    }
}

#[test]
fn every_situation_of_every_example() {
    for path in common::examples() {
        let program = common::program_at(&path);
        let tables = presync::compile(&program).expect("examples are small");
        let read = Tables::from_json(&tables.to_json()).expect("tables can be read back");
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
