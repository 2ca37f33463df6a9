//! Texts beside the outcome: each is a function of its own, so that many texts under many conditions stay small.

use std::fmt::Write as _;

use crate::common;

use common::generate::Random;
use presync::{Engine, Event, MemoryStore, Tables, ValueId};

/// A profile with a rule and as many texts, each under its own flag.
fn many(texts: usize) -> String {
    let mut source = String::from("system a { state x  state y }\nsystem b { state p  state q }\n");
    for at in 0..texts {
        writeln!(source, "flag f{at:03}").expect("writing to a string succeeds");
    }
    source.push_str("profile \"P\" { a x -> b p  a y -> b unchanged\n");
    for at in 0..texts {
        // Written in another order than the flags are declared.
        let at = (at * 7 + 3) % texts;
        writeln!(source, "when f{at:03}: append \"t{at:03}\" to b").expect("writing succeeds");
    }
    source + "}\n"
}

/// The texts in written order.
fn written(texts: usize) -> impl Iterator<Item = usize> {
    (0..texts).map(move |at| (at * 7 + 3) % texts)
}

fn both(source: &str) -> [Tables; 2] {
    let tables = common::tables(source);
    let text = tables.to_json().expect("the tables are small");
    [
        tables,
        Tables::from_json(&text).expect("exported tables can be read"),
    ]
}

/// Few texts are part of the dense table, many are asked one by one.
#[test]
fn any_number_of_texts_joins_in_written_order() {
    let mut random = Random(3);
    for count in [3, 12, 20, 500] {
        for tables in both(&many(count)) {
            for _ in 0..200 {
                let set: Vec<bool> = (0..count).map(|_| random.chance(50)).collect();
                let mut given = tables.situation();
                for (at, value) in set.iter().enumerate() {
                    let fact = tables.schema().find_fact(&format!("f{at:03}"));
                    let fact = fact.expect("it is declared");
                    given.set_value(ValueId::from_index(fact, usize::from(*value)));
                }
                let decide = |state: &str| {
                    let entered = tables.state("a", state).expect("it is declared");
                    let role = tables.default_role().expect("the program has one role");
                    let decided = role.decide(&given, entered).expect("no choice is unset");
                    decided[0]
                        .append()
                        .iter()
                        .map(|text| (*text).to_owned())
                        .collect::<Vec<_>>()
                };
                let wanted = written(count).filter(|at| set[*at]);
                let wanted: Vec<String> = wanted.map(|at| format!("t{at:03}")).collect();
                assert_eq!(decide("x"), wanted, "{count} texts");
                assert!(decide("y").is_empty(), "an unchanged state has no texts");
            }
        }
    }
}

#[test]
fn five_hundred_texts_are_small_and_proved() {
    let source = many(500)
        + "test \"none\" { a x => b p append nothing }\n\
        test \"two\" { given f001, f002  a x => b p append \"t001\", \"t002\" }\n\
        test \"state\" { given f001  a x => b p  a y => b unchanged }\n";
    let program = common::program(&source);
    let tables = program.compile().expect("the program is small");
    let verdicts = presync::prove(&program, &tables);
    let passed: Vec<bool> = verdicts.iter().map(|one| one.failures.is_empty()).collect();
    assert_eq!(passed, [false, false, true]);
    let text = tables.to_json().expect("the tables are small");
    assert!(
        text.len() < 4 * source.len() + 20_000,
        "{} bytes",
        text.len()
    );
    // One text less is one difference.
    let fewer = common::tables(&many(500).replace("when f123: append \"t123\" to b", ""));
    let found = presync::diff(&tables, &fewer).expect("the tables are small");
    let [change] = found.changes.as_slice() else {
        panic!("{:?}", found.changes)
    };
    assert_eq!(
        (&*change.old, &*change.new),
        ("append \"t123\"", "no \"t123\"")
    );
    assert_ne!(tables.digest(), fewer.digest());
}

/// Texts that are looked up in one step make no decisions that a table lists.
#[test]
fn texts_add_no_decisions() {
    let source = many(3);
    let ids = |source: &str| {
        let tables = common::tables(source);
        let role = tables.default_role().expect("the program has one role");
        let ids = crate::tables::first(&tables).decision_ids();
        assert_eq!(role.tables().expect("the tables are small").len(), 2);
        ids.map(|id| id.index()).collect::<Vec<_>>()
    };
    let plain = source.lines().filter(|line| !line.contains("append"));
    let plain: Vec<&str> = plain.collect();
    assert_eq!(ids(&source), ids(&plain.join("\n")));
}

/// An odd number of flags has no readable rows: such a text is a diagram. One that always joins has no condition, and one
/// that never does is left away.
#[test]
fn a_text_has_rows_or_a_diagram() {
    const FLAGS: usize = 16;
    let mut source = String::from("system a { state x  state y }\nsystem b { state p  state q }\n");
    for at in 0..FLAGS {
        let odd = match at {
            0 => "f0".to_owned(),
            _ => format!("(odd{0} and not f{at}) or (not odd{0} and f{at})", at - 1),
        };
        writeln!(source, "flag f{at}\ncondition odd{at} = {odd}").expect("writing succeeds");
    }
    source += "profile \"P\" { a x -> b p\na y -> b unchanged  b any -> a unchanged\n";
    for (when, text) in [
        ("odd15", "odd"),
        ("a is x", "always"),
        ("a is y", "never"),
        ("f3", "rows"),
    ] {
        writeln!(source, "when {when}: append \"{text}\" to b").expect("writing succeeds");
    }
    source += "}\n";
    let text = common::tables(&source)
        .to_json()
        .expect("the tables are small");
    let document: serde_json::Value = serde_json::from_str(&text).expect("valid JSON");
    let tables = document["tables"].as_array().expect("a list");
    let appended = tables
        .iter()
        .flat_map(|table| table["append"].as_array().into_iter().flatten());
    let kind = |text: &serde_json::Value| {
        let has = ["rows", "diagram"].map(|part| text.get(part).is_some());
        (text["text"].as_str().expect("a text").to_owned(), has)
    };
    let found: Vec<(String, [bool; 2])> = appended.map(kind).collect();
    let wanted = [
        ("odd", [false, true]),
        ("always", [false, false]),
        ("rows", [true, false]),
    ];
    assert_eq!(found, wanted.map(|(text, has)| (text.to_owned(), has)));
    // The decision can be a diagram, too.
    let rules = "when odd15: a x -> b p\nwhen not odd15: a x -> b q\n";
    let split = source.replace("a x -> b p\n", rules);
    let mut random = Random(4);
    for (is_split, tables) in [(false, both(&source)), (true, both(&split))]
        .into_iter()
        .flat_map(|(is_split, both)| both.map(|tables| (is_split, tables)))
    {
        let entered = tables.state("a", "x").expect("it is declared");
        let role = tables.default_role().expect("the program has one role");
        for _ in 0..500 {
            let given = common::random_situation(&mut random, &tables, entered.system());
            let set = |at: usize| {
                let fact = tables
                    .schema()
                    .find_fact(&format!("f{at}"))
                    .expect("it is declared");
                given.value(fact).is_some_and(|value| value.index() == 1)
            };
            let odd = (0..FLAGS).filter(|at| set(*at)).count() % 2 == 1;
            let wanted = [("odd", odd), ("always", true), ("rows", set(3))];
            let wanted: Vec<&str> = wanted
                .iter()
                .filter(|(_, joins)| *joins)
                .map(|(text, _)| *text)
                .collect();
            let decided = role.decide(&given, entered).expect("no choice is unset");
            assert_eq!(decided[0].append(), wanted, "{given:?}");
            let state = if odd || !is_split { "p" } else { "q" };
            assert_eq!(decided[0].state(), Some(state), "{given:?}");
        }
    }
}

/// A fact that adds a text sends the state again, also where the texts are asked one by one.
#[test]
fn a_session_sends_a_state_again_with_other_texts() {
    for tables in [3, 40].into_iter().flat_map(|count| both(&many(count))) {
        let mut engine = Engine::new(tables.clone(), MemoryStore::default());
        let x = tables.state("a", "x").expect("it is declared");
        let mut sent = |event: Event| {
            let commands = engine.apply("ann", event).expect("the event is accepted");
            commands
                .into_iter()
                .map(|command| command.append)
                .collect::<Vec<_>>()
        };
        let flag = |value: usize| {
            let fact = tables.schema().find_fact("f001").expect("it is declared");
            Event::setting([ValueId::from_index(fact, value)])
        };
        assert_eq!(sent(Event::changed(x)), [Vec::<String>::new()]);
        assert_eq!(sent(flag(1)), [["t001"]]);
        assert!(sent(flag(1)).is_empty(), "nothing changes");
        assert_eq!(sent(flag(0)), [Vec::<String>::new()]);
    }
}

/// A choice without a value stops a decision only if the texts depend on it.
#[test]
fn only_choices_that_the_texts_depend_on_need_a_value() {
    let decides = |appends: &str| {
        let source = include_str!("../fixtures/programs/choice-text.presync");
        let tables = common::tables(&source.replace("append \"APPENDS\" to b", appends));
        let x = tables.state("a", "x").expect("it is declared");
        let role = tables.default_role().expect("the program has one role");
        role.decide(&tables.situation(), x).is_ok()
    };
    let (v, w) = ("when v: append \"t\" to b\n", "when w: append \"t\" to b\n");
    assert!(!decides(v));
    assert!(decides(&format!("{v}{w}")), "the text always joins");
    assert!(
        decides(&format!("{v}append \"t\" to b")),
        "the text always joins"
    );
    assert!(
        !decides(&format!("{v}append \"u\" to b\n{w}")),
        "the order depends on it"
    );
    assert!(
        decides("when v and not f: append \"t\" to b"),
        "the profile decides only with f"
    );
    assert!(!decides("when v and f: append \"t\" to b"));
}

const ORDERED: &str = include_str!("../fixtures/programs/ordered-texts.presync");

/// The digest and `diff` cover the order of texts, but only of those that ever join together.
#[test]
fn the_order_of_texts_is_part_of_the_meaning() {
    let base = common::tables(ORDERED);
    let changed = |old: [&str; 2]| {
        let source = ORDERED
            .replace(old[0], "FIRST")
            .replace(old[1], old[0])
            .replace("FIRST", old[1]);
        assert_ne!(source, ORDERED);
        let other = common::tables(&source);
        let different = !presync::diff(&base, &other)
            .expect("the tables are small")
            .is_empty();
        assert_eq!(base.digest() != other.digest(), different, "{source}");
        different
    };
    let (one, two, day) = (
        "when one: append \"one\" to b",
        "when two: append \"two\" to b",
        "when not one: append \"day\" to b",
    );
    assert!(changed([one, two]));
    assert!(!changed([one, day]), "these never join together");
    // The same text under two conditions joins once, at its first place.
    let twice = ORDERED.replace(day, "when two: append \"one\" to b");
    let once = ORDERED.replace(day, "when two and not one: append \"one\" to b");
    assert_eq!(
        common::tables(&twice).digest(),
        common::tables(&once).digest()
    );
}

/// Two texts that always join, in an order that a flag decides: the flag is an input of the texts.
#[test]
fn a_fact_that_only_orders_texts_is_an_input() {
    for source in [
        include_str!("../fixtures/programs/order-by-flag.presync"),
        include_str!("../fixtures/programs/order-by-profile.presync"),
    ] {
        let tables = common::tables(source);
        let document = tables.document().expect("it is small");
        let to_b = document
            .directions
            .iter()
            .find(|direction| direction.to == "b");
        let columns = &to_b.expect("it exists").columns;
        assert!(format!("{columns:?}").contains("\"f\""), "{columns:?}");
        let state = tables.state("a", "S").expect("it exists");
        let role = tables.default_role().expect("it has one");
        let texts = |flag: bool| {
            let mut situation = tables.situation();
            let fact = tables.schema().find_fact("f").expect("it exists");
            let value = tables.schema().value_named(fact, &flag.to_string());
            situation.set_value(value.expect("it exists"));
            let decided = role.decide(&situation, state).expect("it decides");
            decided[0].append().to_vec()
        };
        assert_eq!(
            (texts(true), texts(false)),
            (vec!["x", "y"], vec!["y", "x"])
        );
    }
}
