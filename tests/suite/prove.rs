//! Tests are proofs: compares their results with enumeration.

use crate::common;

use common::generate;
use common::reference::{self, Outcome};
use presync::{RoleId, StateId};

#[test]
fn a_test_passes_exactly_if_enumeration_finds_no_counterexample() {
    let (mut passed, mut failed) = (0, 0);
    for seed in 0..1_500 {
        let source = generate::program(seed, 10 + seed % 60);
        if source.contains("role R") {
            continue;
        }
        let wanted = [
            "lync s0",
            "lync s0 | unmapped",
            "not lync s0",
            "lync unchanged | unmapped",
            "lync s0 append nothing",
            "lync any | unmapped",
        ][seed as usize % 6];
        let given = [
            "given f0",
            "given not f0, lync is any",
            "",
            "given cic is s0 | \"s, 1\"",
        ][seed as usize % 4];
        let source = format!("{source}\ntest \"t\" {{ {given} cic any => {wanted} }}\n");
        let Ok(program) = common::check(&source) else {
            continue;
        };
        if reference::count(&program) > 5_000.0 {
            continue;
        }
        let tables = program.compile().expect("the program is small");
        let verdicts = presync::prove(&program, &tables);
        let holds = verdicts[0].failures.is_empty();
        let cic = program.system_ids().next().expect("cic exists");
        let lync = program.system_ids().nth(1).expect("lync exists");
        let is_s0 = |state: &StateId| program.state(*state).name == "s0";
        let mut right = true;
        reference::each_situation(&program, &mut |situation| {
            for state in program.states(cic) {
                let situation = situation.entering(state);
                if !reference::holds(&program, program.tests[0].given, &situation) {
                    continue;
                }
                let outcome =
                    reference::decide(&program, RoleId::from_index(0), &situation, state, lync)
                        .outcome;
                // `previous` may be any state that can be set.
                let outcomes = match outcome {
                    Outcome::Previous(texts) => {
                        let owned = reference::owned(&program, lync).into_iter();
                        owned
                            .map(|state| Outcome::Set(state, texts.clone()))
                            .collect()
                    }
                    outcome => vec![outcome],
                };
                let is_first =
                    |outcome: &Outcome| matches!(outcome, Outcome::Set(state, _) if is_s0(state));
                right &= outcomes.iter().all(|outcome| match seed % 6 {
                    0 => is_first(outcome),
                    1 => is_first(outcome) || *outcome == Outcome::Unmapped,
                    2 => !is_first(outcome),
                    3 => matches!(outcome, Outcome::Unchanged | Outcome::Unmapped),
                    4 => {
                        matches!(outcome, Outcome::Set(state, texts) if is_s0(state) && texts.is_empty())
                    }
                    _ => *outcome != Outcome::Unchanged,
                });
            }
        });
        assert_eq!(holds, right, "seed {seed}\n{source}");
        if holds { passed += 1 } else { failed += 1 }
    }
    println!("{passed} tests held, {failed} did not");
    assert!(passed > 30 && failed > 30, "{passed} {failed}");
}

#[test]
fn nothing_to_test_is_wrong_usage() {
    let program = b"use cic_lync\nprofile P { cic any -> lync Away }\n";
    let output = common::presync(&common::root(), &["test", "-"], program);
    assert_eq!(output.status.code(), Some(2));
}
