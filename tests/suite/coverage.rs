//! Compares coverage with enumeration; generated tests pass and cover everything.

use crate::common;

use std::collections::BTreeSet;

use common::generate;
use common::reference::{self, Situation};
use presync::internal::{Cond, CondId, ConditionSiteId, Target};
use presync::{Direction, Exercised, Program, RoleId, StateId};

#[test]
fn coverage_matches_enumeration() {
    let (mut partly, mut compared) = (0, 0);
    for seed in 0..1_500 {
        let source = generate::program(seed, 10 + seed % 60);
        let role = if source.contains("role R0") {
            "role R0 "
        } else {
            ""
        };
        let given = [
            "given f0",
            "given not f0, lync is any",
            "",
            "given cic is s0 | \"s, 1\"",
        ][seed as usize % 4];
        let change = [
            "cic any => lync any",
            "cic s0 => lync any",
            "lync s0 => cic any",
        ][seed as usize % 3];
        let source = format!("{source}\ntest \"t\" {{ {role}{given} {change} }}\n");
        let Ok(program) = common::check(&source) else {
            continue;
        };
        if reference::count(&program) > 2_000.0 {
            continue;
        }
        let tables = program.compile().expect("the program is small");
        let coverage = presync::coverage(&program, &tables);
        assert_eq!(coverage.unknown, 0);
        let (possible, exercised) = enumerate(&program);
        let reported: BTreeSet<Exercised> = coverage
            .exercised
            .iter()
            .map(|(exercised, _)| *exercised)
            .collect();
        assert_eq!(
            reported, possible,
            "seed {seed}: what can be covered\n{source}"
        );
        let reported: BTreeSet<Exercised> = coverage
            .exercised
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(exercised, _)| *exercised)
            .collect();
        assert_eq!(
            reported, exercised,
            "seed {seed}: what is covered\n{source}"
        );
        compared += 1;
        partly += u32::from(!exercised.is_empty() && exercised.len() < possible.len());
    }
    println!("{compared} programs, {partly} of them partly covered");
    assert!(partly > 50, "{partly}");
}

#[test]
fn proposed_tests_pass_and_cover_everything() {
    let (mut programs, mut tests, mut least) = (0, 0, 0);
    for seed in 0..1_200 {
        let source = generate::program(seed, 10 + seed % 60);
        let Ok(program) = common::check(&source) else {
            continue;
        };
        let tables = program.compile().expect("the program is small");
        let proposal = presync::propose_tests(&program, &tables);
        let tested = format!("{source}\n{}", proposal.source);
        let program = common::program(&tested);
        assert_eq!(program.tests.len(), proposal.tests, "seed {seed}\n{tested}");
        for verdict in presync::prove(&program, &tables) {
            assert!(
                verdict.failures.is_empty(),
                "seed {seed}: {:?}\n{tested}",
                verdict.failures
            );
        }
        let coverage = presync::coverage(&program, &tables);
        let all = coverage.exercised.len();
        let hit = coverage
            .exercised
            .iter()
            .filter(|(_, count)| *count > 0)
            .count();
        assert_eq!(
            (hit, all, proposal.left),
            (all, proposal.exercises, 0),
            "seed {seed}\n{tested}"
        );
        assert_eq!(
            presync::propose_tests(&program, &tables).source,
            "",
            "seed {seed}: nothing is left to cover"
        );
        programs += 1;
        tests += proposal.tests;
        least += proposal.at_least.expect("the program is small");
    }
    println!("{programs} programs, {tests} tests, at least {least} situations needed");
    assert!(programs > 200, "{programs}");
    // The number of generated tests is close to the minimum.
    assert!(tests * 100 <= least * 115, "{tests} {least}");
}

/// What can be covered at all, and what the program's only test covers.
fn enumerate(program: &Program) -> (BTreeSet<Exercised>, BTreeSet<Exercised>) {
    let (mut possible, mut exercised) = (BTreeSet::new(), BTreeSet::new());
    let test = &program.tests[0];
    let wanted = &test.expectations[0];
    reference::each_situation(program, &mut |situation| {
        for role in program.role_ids() {
            for direction in program.directions() {
                for state in program.states(direction.from()) {
                    let situation = situation.entering(state);
                    let here = walk(program, role, &situation, (direction, state));
                    if test.roles.contains(&role)
                        && direction == wanted.direction
                        && wanted.states.contains(&state)
                        && reference::holds(program, test.given, &situation)
                    {
                        exercised.extend(here.iter().copied());
                    }
                    possible.extend(here);
                }
            }
        }
    });
    (possible, exercised)
}

/// The rules and conditions that one change evaluates in one situation.
fn walk(
    program: &Program,
    role: RoleId,
    situation: &Situation,
    (direction, state): (Direction, StateId),
) -> Vec<Exercised> {
    let mut asked = Vec::new();
    for id in &program.role(role).profiles {
        let profile = program.profile(*id);
        let usable: Vec<_> = profile
            .rules
            .iter()
            .filter(|rule| rule.direction == direction && rule.states.contains(&state))
            .collect();
        for rule in &usable {
            ask(program, role, &rule.enclosing, situation, &mut asked);
        }
        let candidates: Vec<_> = usable
            .into_iter()
            .filter(|rule| reference::holds(program, rule.condition, situation))
            .collect();
        let Some(rank) = candidates.iter().map(|rule| rule.rank).max() else {
            continue;
        };
        let deciding: Vec<_> = candidates
            .into_iter()
            .filter(|rule| rule.rank == rank)
            .collect();
        asked.extend(
            deciding
                .iter()
                .map(|rule| Exercised::Rule(role, rule.source, direction)),
        );
        if matches!(deciding[0].target, Target::Set(_)) {
            for append in profile
                .appends
                .iter()
                .filter(|append| append.to == direction.to())
            {
                ask(program, role, &append.enclosing, situation, &mut asked);
            }
        }
        break;
    }
    asked
}

fn ask(
    program: &Program,
    role: RoleId,
    under: &[ConditionSiteId],
    situation: &Situation,
    asked: &mut Vec<Exercised>,
) {
    for when in under {
        let condition = program.condition_sites[when.index()].condition;
        for (at, written) in program.condition_sites.iter().enumerate() {
            let id = ConditionSiteId(at as u32);
            if id == *when || (written.named && is_part(program, condition, written.condition)) {
                asked.push(Exercised::Condition(
                    role,
                    id,
                    reference::holds(program, written.condition, situation),
                ));
            }
        }
        if !reference::holds(program, condition, situation) {
            return;
        }
    }
}

fn is_part(program: &Program, of: CondId, part: CondId) -> bool {
    of == part
        || match program.conditions.get(of) {
            Cond::And(parts) | Cond::Or(parts) => {
                parts.iter().any(|inner| is_part(program, *inner, part))
            }
            Cond::Not(inner) => is_part(program, *inner, part),
            _ => false,
        }
}

const PROGRAM: &str = include_str!("../fixtures/programs/half-covered.presync");

fn test(arguments: &[&str]) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    std::fs::write(folder.path().join("a.presync"), PROGRAM).expect("the file is writable");
    let output = common::presync(
        folder.path(),
        &[&["test", "a.presync"], arguments].concat(),
        b"",
    );
    (
        output.status.code(),
        common::text(&output.stdout),
        common::text(&output.stderr),
    )
}

#[test]
fn coverage_is_reported_as_text_and_lcov() {
    let (code, out, err) = test(&["--coverage"]);
    assert_eq!(code, Some(0));
    assert_eq!(
        out,
        "✓ lunch (10 situations)
coverage: 1/3 rules, 2/4 branches (42.9%)
  a.presync:2:22: `enterprise_voice and both_logged_in` never tested as false
  a.presync:3:5: `cic Available <-> lync Available` (cic to lync) rule not covered
  a.presync:3:5: `cic Available <-> lync Available` (lync to cic) rule not covered
  a.presync:4:10: `in_queue` never tested as false
"
    );
    assert_eq!(err, "1 passed, 0 failed\n");
    let (code, out, err) = test(&["--coverage=lcov"]);
    assert_eq!(code, Some(0));
    assert_eq!(
        out,
        "TN:
SF:a.presync
BRDA:2,0,0,1
BRDA:2,0,1,0
BRDA:4,0,0,1
BRDA:4,0,1,0
BRF:4
BRH:2
DA:2,1
DA:3,0
DA:4,1
LF:3
LH:2
end_of_record
"
    );
    assert_eq!(err, "✓ lunch (10 situations)\n1 passed, 0 failed\n");
}

#[test]
fn too_little_coverage_fails() {
    let (code, _, err) = test(&["--fail-under", "42.9"]);
    assert_eq!(
        (code, err.as_str()),
        (
            Some(1),
            "1 passed, 0 failed\ncoverage 42.86% is below the required 42.9%\n"
        )
    );
    let (_, _, err) = test(&["--fail-under", "42.9", "-q"]);
    assert_eq!(
        err, "coverage 42.86% is below the required 42.9%\n",
        "`-q` keeps the reason"
    );
    assert_eq!(test(&["--fail-under", "42.8"]).0, Some(0));
    assert_eq!(test(&["--fail-under", "101"]).0, Some(2));
}

#[test]
fn proposed_tests_are_source() {
    let (code, out, err) = test(&["--generate"]);
    assert_eq!(code, Some(0));
    assert_eq!(
        out,
        include_str!("../fixtures/programs/half-covered-generated.presync")
    );
    assert!(
        err.starts_with("3 tests for 4 uncovered rules and branches"),
        "{err}"
    );
}
