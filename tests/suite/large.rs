//! Programs that are too large to enumerate: forty flags, five choices of ten values, two thousand rules.

use crate::common;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Instant;

use common::generate::Random;
use common::reference;
use presync::{Outcome, Program, RoleId, StateId, SystemId, Tables, ValueId};

const RULES: usize = 2_000;

fn head() -> String {
    let mut text = String::from("use cic_lync\n");
    for flag in 0..40 {
        writeln!(text, "flag f{flag}").expect("writing to a string succeeds");
    }
    for choice in 0..5 {
        let values: Vec<String> = (0..10).map(|value| format!("c{choice}v{value}")).collect();
        writeln!(
            text,
            "choice c{choice} = {} default c{choice}v0",
            values.join(" | ")
        )
        .expect("writing to a string succeeds");
    }
    text
}

const CIC: [&str; 15] = [
    "Available",
    "Available, Forward",
    "Available, No ACD",
    "Available, Follow Me",
    "Working at Home",
    "In a Meeting",
    "Busy, In a Meeting",
    "At a Training Session",
    "Do Not Disturb",
    "Away from Desk",
    "At Lunch",
    "Gone Home",
    "Out of the Office",
    "Out of Town",
    "On Vacation",
];
const LYNC: [&str; 6] = [
    "Available",
    "Busy",
    "Do Not Disturb",
    "Be Right Back",
    "Away",
    "Off Work",
];

/// Rules that exclude each other by the values of choices.
fn structured() -> String {
    let mut text = head() + "profile \"P\" {\n";
    for rule in 0..RULES {
        let choices: Vec<String> = (0..4)
            .map(|choice| {
                format!(
                    "c{choice} is c{choice}v{}",
                    rule / 10_usize.pow(choice) % 10
                )
            })
            .collect();
        let (state, target) = (CIC[rule % 15], LYNC[rule % 6]);
        writeln!(
            text,
            "when {} and f{} and not f{}: cic \"{state}\" -> lync \"{target}\"",
            choices.join(" and "),
            rule % 40,
            (rule * 7 + 1) % 40
        )
        .expect("writing to a string succeeds");
    }
    text + "}\n"
}

/// Random conditions over all flags in fifty profiles: their decisions do not fit in a single diagram.
fn complex(random: &mut Random) -> String {
    let literal = |random: &mut Random| {
        format!(
            "{}f{}",
            if random.chance(50) { "not " } else { "" },
            random.below(40)
        )
    };
    let mut text = head();
    for profile in 0..50 {
        let guard = if profile % 5 == 0 {
            " and lync is not Busy"
        } else {
            ""
        };
        writeln!(
            text,
            "profile \"P{profile}\" when f{} and not f{}{guard} {{",
            profile % 40,
            (profile + 7) % 40
        )
        .expect("writing to a string succeeds");
        let targets: Vec<&str> = (0..15).map(|_| *random.pick(&LYNC)).collect();
        for _ in 0..RULES / 50 {
            let (first, second, at) = (literal(random), literal(random), random.below(15));
            writeln!(
                text,
                "when {first} and {second}: cic \"{}\" -> lync \"{}\"",
                CIC[at], targets[at]
            )
            .expect("writing to a string succeeds");
        }
        writeln!(
            text,
            "when {}: append \"t{}\" to lync\n}}",
            literal(random),
            profile % 3
        )
        .expect("writing to a string succeeds");
    }
    text
}

#[test]
fn forty_flags_decide_like_the_naive_evaluator() {
    let mut random = Random(7);
    for (name, source) in [
        ("structured", structured()),
        ("complex", complex(&mut random)),
    ] {
        let start = Instant::now();
        let program = common::program(&source);
        let checked = start.elapsed();
        let tables = program.compile().expect("the program compiles");
        println!(
            "{name}: checked in {checked:?}, checked and compiled in {:?}",
            start.elapsed()
        );
        // The promise is five seconds; tests are not optimized.
        assert!(
            start.elapsed().as_secs() < 30,
            "{name} took {:?}",
            start.elapsed()
        );
        let read = Tables::from_json(&tables.to_json().expect("the tables are small"))
            .expect("exported tables can be read");
        assert_eq!(
            read.digest().expect("the tables are small"),
            tables.digest().expect("the tables are small")
        );
        let decided = sample(&program, &[&tables, &read], &mut random);
        assert!(
            decided > 50,
            "{name}: {decided} of the sampled situations are mapped"
        );
    }
    let source = complex(&mut Random(7));
    let tables = common::program(&source)
        .compile()
        .expect("the program compiles");
    // What is too complex for one value has one for each part.
    for (text, changed) in [
        ("when f0 and not f7 and", "when f0 and f7 and"),
        ("append \"t1\" to lync", "append \"t9\" to lync"),
        ("\" -> lync \"Away\"", "\" -> lync \"Off Work\""),
    ] {
        let changed = source.replace(text, changed);
        assert_ne!(changed, source, "{text}");
        let [changed, same] = [&changed, &source].map(|source| common::tables(source));
        let digest = |tables: &Tables| tables.digest().expect("it compiles").to_owned();
        assert_ne!(digest(&changed), digest(&tables), "{text}");
        assert_eq!(digest(&same), digest(&tables));
    }
    let of_role = tables
        .default_role()
        .map(|role| role.tables().expect("the table fits the limits"));
    let of_role = of_role.expect("the program has one role");
    let is_split = of_role.iter().any(|table| table.links().len() > 1);
    assert!(is_split, "one diagram is not enough");
    for table in of_role {
        let diagrams = table.links().iter().map(|link| &link.diagram);
        let asked: BTreeSet<_> = diagrams
            .flat_map(|one| &one.nodes)
            .filter_map(|node| node.ask)
            .collect();
        let order: BTreeSet<_> = table.order().iter().copied().collect();
        assert!(asked.is_subset(&order) && order.len() == table.order().len());
        let matter: BTreeSet<_> = table.columns().iter().copied().collect();
        assert!(
            asked.is_empty() || matter.len() >= 40,
            "outcomes depend on every flag: {matter:?}"
        );
    }
}

/// Two hundred rules for one change, whose union has no small diagram: conflicts are searched pair by pair.
#[test]
fn complex_rules_conflict_where_no_stronger_rule_decides() {
    let mut random = Random(11);
    let mut rules = String::new();
    for _ in 0..200 {
        let mut literal = || {
            format!(
                "{}f{}",
                if random.chance(50) { "not " } else { "" },
                random.below(40)
            )
        };
        writeln!(
            rules,
            "when {} and {} and {}: cic \"At Lunch\" -> lync Away",
            literal(),
            literal(),
            literal()
        )
        .expect("writing to a string succeeds");
    }
    let codes = |more: &str| -> Vec<&str> {
        let checked = common::check(&format!("{}profile \"P\" {{\n{rules}{more}}}\n", head()));
        checked
            .err()
            .map(|errors| {
                errors
                    .report()
                    .diagnostics
                    .iter()
                    .map(|error| error.code.name)
                    .collect()
            })
            .unwrap_or_default()
    };
    let other = "when f0: cic \"At Lunch\" -> lync Busy\n";
    assert_eq!(codes(""), [""; 0]);
    assert_eq!(codes(other), ["conflict"]);
    assert_eq!(
        codes(&format!(
            "{other}when f0: override cic \"At Lunch\" -> lync \"Do Not Disturb\"\n"
        )),
        [""; 0]
    );
    assert_eq!(
        codes(&format!(
            "{other}when f0 and f1: override cic \"At Lunch\" -> lync \"Off Work\"\n"
        )),
        ["conflict"]
    );
}

/// Compares sampled situations; returns how many were mapped.
fn sample(program: &Program, compiled: &[&Tables], random: &mut Random) -> usize {
    let named = |name: &str| program.schema.find_system(name).expect("it is declared");
    let (cic, lync) = (named("cic"), named("lync"));
    let any = |system: SystemId, random: &mut Random| {
        StateId::from_index(system, random.below(program.system(system).states.len()))
    };
    let mut decided = 0;
    for _ in 0..20_000 {
        let mut situation = reference::Situation {
            facts: Vec::new(),
            states: vec![None; program.schema.systems().len()],
            by_hand: vec![false; program.schema.systems().len()],
            own: vec![None; program.schema.systems().len()],
        };
        for (_, fact) in program.schema.facts() {
            let value = random.below(fact.size() as usize) as u32;
            // The structured rules use only two values of `c3`: use the same, so that rules match often enough.
            situation
                .facts
                .push(if fact.name == "c3" { value % 2 } else { value });
        }
        situation.states[lync.index()] = Some(any(lync, random));
        let state = any(cic, random);
        let role = RoleId::from_index(0);
        let wanted = reference::decide(program, role, &situation, state, lync);
        let given = reference::engine(program, &situation);
        for tables in compiled {
            let role = tables.role_of(role).expect("the role exists");
            let found = role.decide(&given, state).expect("every fact has a value");
            let found = found
                .iter()
                .find(|found| found.to() == lync)
                .expect("lync has a decision");
            let rule = wanted.origin.map(|(profile, rule)| {
                let rule = program.profiles[profile].rules[rule].source;
                program
                    .sources
                    .file_line(program.rule_source(rule).location)
            });
            assert_eq!(
                found
                    .decision()
                    .origin
                    .as_ref()
                    .map(|origin| origin.rule.clone()),
                rule
            );
            match &wanted.outcome {
                reference::Outcome::Unmapped => assert_eq!(found.kind(), "unmapped"),
                reference::Outcome::Unchanged => assert_eq!(found.kind(), "unchanged"),
                reference::Outcome::Previous(append) => {
                    assert_eq!(found.kind(), "previous");
                    assert_eq!(found.append(), append);
                }
                reference::Outcome::Set(state, append) => {
                    assert_eq!(found.decision().outcome, Outcome::Set(*state));
                    assert_eq!(found.append(), append);
                }
            }
        }
        decided += usize::from(wanted.origin.is_some());
    }
    decided
}

#[test]
fn dense_tables_and_diagrams_decide_the_same() {
    // Twelve flags fit in a dense table, twenty-four do not. The other twelve matter only for a rule that needs them
    // all; they are never set here.
    let source = |flags: usize| {
        let mut text = String::from("system a { state x state y }\nsystem b { state p state q }\n");
        (0..flags)
            .for_each(|flag| writeln!(text, "flag f{flag}").expect("writing to a string succeeds"));
        text.push_str("profile \"P\" {\n");
        (0..6).for_each(|pair| {
            writeln!(text, "when f{pair} and f{}: override a x -> b p", pair + 6)
                .expect("writing to a string succeeds");
        });
        if flags > 12 {
            let rest: Vec<String> = (12..flags).map(|flag| format!("f{flag}")).collect();
            writeln!(text, "when {}: override a x -> b p", rest.join(" and "))
                .expect("writing to a string succeeds");
        }
        text + "a x -> b q }\n"
    };
    let (dense, diagram) = (common::tables(&source(12)), common::tables(&source(24)));
    let is_dense = |tables: &Tables| {
        let role = tables.default_role().expect("the program has one role");
        role.tables().expect("the tables are small")[0]
            .dense()
            .is_some()
    };
    assert!(is_dense(&dense) && !is_dense(&diagram));
    for bits in 0..1 << 12 {
        let decide = |tables: &Tables| {
            let mut given = tables.situation();
            for flag in 0..12 {
                let fact = tables
                    .schema()
                    .find_fact(&format!("f{flag}"))
                    .expect("it exists");
                given.set_value(ValueId::from_index(fact, bits >> flag & 1));
            }
            let entered = tables.state("a", "x").expect("it exists");
            let role = tables.default_role().expect("the program has one role");
            role.decide(&given, entered)
                .expect("every fact has a value")[0]
                .decision()
                .outcome
        };
        assert_eq!(decide(&dense), decide(&diagram));
    }
}
