//! Tests are proofs: against enumeration, and as people see them fail.

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
        let tables = program.compile().expect("it is small");
        let verdicts = presync::prove(&program, &tables);
        let holds = verdicts[0].failures.is_empty();
        let cic = program.system_ids().next().expect("there is cic");
        let lync = program.system_ids().nth(1).expect("there is lync");
        let is_s0 = |state: &StateId| program.state(*state).name == "s0";
        let mut right = true;
        reference::each_situation(&program, &mut |situation| {
            for state in program.states(cic) {
                let mut situation = situation.clone();
                situation.states[cic.index()] = Some(state);
                if !reference::holds(&program, program.tests[0].given, &situation) {
                    continue;
                }
                let outcome =
                    reference::decide(&program, RoleId::from_index(0), &situation, state, lync)
                        .outcome;
                let is_first =
                    |outcome: &Outcome| matches!(outcome, Outcome::Set(state, _) if is_s0(state));
                right &= match seed % 6 {
                    0 => is_first(&outcome),
                    1 => is_first(&outcome) || outcome == Outcome::Unmapped,
                    2 => !is_first(&outcome),
                    3 => matches!(outcome, Outcome::Unchanged | Outcome::Unmapped),
                    4 => {
                        matches!(&outcome, Outcome::Set(state, texts) if is_s0(state) && texts.is_empty())
                    }
                    _ => outcome != Outcome::Unchanged,
                };
            }
        });
        assert_eq!(holds, right, "seed {seed}\n{source}");
        if holds { passed += 1 } else { failed += 1 }
    }
    println!("{passed} tests held, {failed} did not");
    assert!(passed > 30 && failed > 30, "{passed} {failed}");
}

const PROGRAM: &str = "use cic_lync
profile \"Voice\" when enterprise_voice and both_logged_in {
    cic Available <-> lync Available
    when not lync is \"Do Not Disturb\": cic \"At Lunch\" -> lync Away
    when in_queue: append \"in queue\" to lync
}
";

fn shown(tests: &str) -> String {
    let output = common::presync(
        &common::root(),
        &["test", "-"],
        format!("{PROGRAM}{tests}").as_bytes(),
    );
    assert_eq!(
        output.status.code(),
        Some(1),
        "{}",
        common::text(&output.stderr)
    );
    format!(
        "{}\n────────\n{}{}",
        tests.trim_end(),
        common::text(&output.stdout),
        common::text(&output.stderr)
    )
}

macro_rules! cases {
    ($($name:ident: $source:expr;)*) => {
        $(
            #[test]
            fn $name() {
                let mut settings = insta::Settings::clone_current();
                settings.set_prepend_module_to_snapshot(false);
                settings.set_omit_expression(true);
                settings.set_snapshot_path("snapshots/prove");
                settings.bind(|| insta::assert_snapshot!(stringify!($name), shown($source)));
            }
        )*
    };
}

cases! {
    counterexample: "test \"lunch\" {\n    given enterprise_voice, both_logged_in\n    cic \"At Lunch\" => lync Away\n}\n";
    appendix: "test \"plain\" {\n    given enterprise_voice, both_logged_in\n    cic Available => lync Available append nothing\n}\n";
    nothing_proved: "test \"impossible\" {\n    given enterprise_voice, im\n    cic Available => lync Available\n}\n";
    wrong_scenario: "scenario \"a day\" {\n    set enterprise_voice, cic_logged_in, lync_logged_in\n    cic \"At Lunch\" => lync Away append \"in queue\"\n}\n";
    rejected_scenario: "scenario \"a day\" {\n    cic \"At Lunch\" => nothing\n}\n";
}

#[test]
fn nothing_to_test_is_wrong_usage() {
    let output = common::presync(&common::root(), &["test", "-"], PROGRAM.as_bytes());
    assert_eq!(output.status.code(), Some(2));
}
