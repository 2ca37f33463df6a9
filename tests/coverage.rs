//! What tests exercise, against enumeration; and the tests that are proposed: they hold, and leave nothing out.

mod common;

use std::collections::BTreeSet;

use common::generate;
use common::reference::{self, Situation};
use presync::model::{Cond, CondId, Program, RoleId, StateId, SystemId, WhenId};
use presync::prove::{self, Exercised};

#[test]
fn coverage_is_what_enumeration_finds() {
    let (mut partly, mut compared) = (0, 0);
    for seed in 0..1_500 {
        let source = generate::program(seed, 10 + seed % 60);
        let role = if source.contains("role R0") { "role R0 " } else { "" };
        let given = ["given f0", "given not f0, lync is any", "", "given cic is s0 | \"s, 1\""][seed as usize % 4];
        let change = ["cic any => lync any", "cic s0 => lync any", "lync s0 => cic any"][seed as usize % 3];
        let source = format!("{source}\ntest \"t\" {{ {role}{given} {change} }}\n");
        let Ok(program) = common::check(&source) else { continue };
        if reference::count(&program) > 2_000.0 {
            continue;
        }
        let tables = presync::compile(&program).expect("it is small");
        let coverage = prove::coverage(&program, &tables);
        assert_eq!(coverage.unknown, Vec::<String>::new());
        let (possible, exercised) = enumerate(&program);
        let said: BTreeSet<Exercised> = coverage.exercised.iter().map(|(exercised, _)| *exercised).collect();
        assert_eq!(said, possible, "seed {seed}: what can be exercised\n{source}");
        let said: BTreeSet<Exercised> =
            coverage.exercised.iter().filter(|(_, count)| *count > 0).map(|(exercised, _)| *exercised).collect();
        assert_eq!(said, exercised, "seed {seed}: what is exercised\n{source}");
        compared += 1;
        partly += u32::from(!exercised.is_empty() && exercised.len() < possible.len());
    }
    println!("{compared} programs, {partly} of them exercised in part");
    assert!(partly > 50, "{partly}");
}

#[test]
fn proposed_tests_hold_and_leave_nothing_out() {
    let (mut programs, mut tests, mut least) = (0, 0, 0);
    for seed in 0..1_200 {
        let source = generate::program(seed, 10 + seed % 60);
        let Ok(program) = common::check(&source) else { continue };
        let tables = presync::compile(&program).expect("it is small");
        let proposal = prove::generate(&program, &tables);
        let tested = format!("{source}\n{}", proposal.source);
        let program = common::program(&tested);
        assert_eq!(program.tests.len(), proposal.tests, "seed {seed}\n{tested}");
        for verdict in prove::prove(&program, &tables) {
            assert!(verdict.failures.is_empty(), "seed {seed}: {:?}\n{tested}", verdict.failures);
        }
        let coverage = prove::coverage(&program, &tables);
        let (hit, all) = coverage.share(|_| true);
        assert_eq!((hit, all), (all, proposal.exercises), "seed {seed}\n{tested}");
        assert_eq!(prove::generate(&program, &tables).source, "", "seed {seed}: there is nothing to add");
        assert!(proposal.at_least <= proposal.tests || proposal.exercises == 0, "seed {seed}\n{tested}");
        programs += 1;
        tests += proposal.tests;
        least += proposal.at_least;
    }
    println!("{programs} programs, {tests} tests where {least} situations are the least");
    assert!(programs > 200, "{programs}");
    // What is proposed stays near what is needed.
    assert!(tests * 100 <= least * 115, "{tests} {least}");
}

/// What can be exercised at all, and what the program's only test exercises.
fn enumerate(program: &Program) -> (BTreeSet<Exercised>, BTreeSet<Exercised>) {
    let (mut possible, mut exercised) = (BTreeSet::new(), BTreeSet::new());
    let test = &program.tests[0];
    let wanted = &test.expectations[0];
    reference::each_situation(program, &mut |situation| {
        for role in program.role_ids() {
            for (from, to) in program.directions() {
                for state in program.system(from).states() {
                    let mut situation = situation.clone();
                    situation.states[from.index()] = Some(state);
                    let here = walk(program, role, &situation, (from, to, state));
                    if (role, from, to) == (test.role, wanted.from, wanted.to)
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

/// What one change asks for in one situation.
fn walk(
    program: &Program,
    role: RoleId,
    situation: &Situation,
    (from, to, state): (SystemId, SystemId, StateId),
) -> Vec<Exercised> {
    let mut asked = Vec::new();
    for id in &program.role(role).profiles {
        let profile = program.profile(*id);
        let usable: Vec<_> = profile
            .rules
            .iter()
            .filter(|rule| (rule.from, rule.to) == (from, to) && rule.source.contains(&state))
            .collect();
        for rule in &usable {
            ask(program, &rule.under, situation, &mut asked);
        }
        let candidates: Vec<_> =
            usable.into_iter().filter(|rule| reference::holds(program, rule.condition, situation)).collect();
        let Some(level) = candidates.iter().map(|rule| rule.level).max() else { continue };
        let deciding: Vec<_> = candidates.into_iter().filter(|rule| rule.level == level).collect();
        asked.extend(deciding.iter().map(|rule| Exercised::Rule(rule.written, from, to)));
        if matches!(deciding[0].target, presync::model::Target::Set(_)) {
            for append in profile.appends.iter().filter(|append| append.to == to) {
                ask(program, &append.under, situation, &mut asked);
            }
        }
        break;
    }
    asked
}

fn ask(program: &Program, under: &[WhenId], situation: &Situation, asked: &mut Vec<Exercised>) {
    for when in under {
        let condition = program.written_conditions[when.index()].condition;
        for (at, written) in program.written_conditions.iter().enumerate() {
            let id = WhenId(at as u32);
            if id == *when || (written.named && is_part(program, condition, written.condition)) {
                asked.push(Exercised::Condition(id, reference::holds(program, written.condition, situation)));
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
            Cond::And(parts) | Cond::Or(parts) => parts.iter().any(|inner| is_part(program, *inner, part)),
            Cond::Not(inner) => is_part(program, *inner, part),
            _ => false,
        }
}
