//! tables.json: its schema, its determinism, and its digest.

use crate::common;

use common::generate::Random;
use common::tables;
use presync::{Outcome, Table, Tables};
use presync_engine::TableBody;

#[test]
fn the_committed_tables_schema_is_current_and_valid() {
    let path = common::root().join("docs/tables.schema.json");
    let generated = presync_engine::tables_schema();
    if std::env::var_os("PRESYNC_BLESS").is_some() {
        std::fs::write(&path, &generated).expect("the file is writable");
    }
    assert_eq!(
        std::fs::read_to_string(&path).expect("the file is committed"),
        generated,
        "run with PRESYNC_BLESS=1"
    );
    let schema: serde_json::Value = serde_json::from_str(&generated).expect("valid JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is valid");
    for example in common::examples() {
        let tables = common::program_at(&example)
            .compile()
            .expect("examples are small");
        let document: serde_json::Value =
            serde_json::from_str(&tables.to_json().expect("the tables are small"))
                .expect("valid JSON");
        let errors: Vec<String> = validator
            .iter_errors(&document)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{}: {errors:?}", example.display());
        let mut broken = document;
        broken["roles"][0]["tables"][0]["rows"][0]["outcome"] = "set it".into();
        assert!(
            !validator.is_valid(&broken),
            "the schema rejects invalid tables"
        );
    }
}

const BASE: &str = include_str!("../fixtures/programs/tables.presync");

/// Changes that keep the meaning.
const REFACTORED: [(&str, &str); 6] = [
    (
        "condition busy = in_queue and not vip",
        "condition calm = not in_queue or vip\ncondition busy = not calm",
    ),
    (
        "when busy { cic Available | \"At Lunch\" -> lync Busy }",
        "when in_queue: when not vip { cic Available -> lync Busy\n cic \"At Lunch\" -> lync Busy }",
    ),
    (
        "flag in_queue\nflag vip",
        "flag vip // first now\nflag in_queue",
    ),
    (
        "state Available  state Away  state Busy",
        "state Busy state Away state Available",
    ),
    (
        "role \"R\" uses \"P\", \"Q\"\nrole \"S\" uses \"Q\"",
        "role \"S\" uses \"Other\"\nrole \"R\" uses \"P\", \"Other\"",
    ),
    ("im | voice", "voice | im"),
];

/// Changes of a decision, or of something that events can name.
const CHANGED: [(&str, &str); 10] = [
    ("lync Busy }", "lync Away }"),
    ("-> lync unchanged", "-> lync Away"),
    ("append \"vip\"", "append \"VIP\""),
    ("when vip: append", "when vip and in_queue: append"),
    ("\"At Lunch\" <-> lync Away", "\"At Lunch\" -> lync Away"),
    (
        "in_queue and not vip",
        "in_queue and not vip and lync is not Busy",
    ),
    ("id lunch", "id Lunch2"),
    ("default im", "default voice"),
    ("role \"S\" uses \"Q\"", "role \"S\" uses \"P\""),
    ("flag vip", "flag vip flag more"),
];

#[test]
fn the_digest_covers_meaning_only() {
    let base = tables(BASE);
    let mut all = BASE.to_owned();
    for (old, new) in REFACTORED {
        assert!(BASE.contains(old), "{old}");
        all = all.replace(old, new);
        if new.contains("Other") {
            all = all.replace("profile \"Q\"", "profile \"Other\"");
            continue;
        }
        assert_eq!(
            tables(&BASE.replace(old, new))
                .digest()
                .expect("the tables are small"),
            base.digest().expect("the tables are small"),
            "{new}"
        );
    }
    let refactored = tables(&all);
    assert_eq!(
        refactored.digest().expect("the tables are small"),
        base.digest().expect("the tables are small")
    );
    assert_eq!(
        without_origins(&refactored.to_json().expect("the tables are small")),
        without_origins(&base.to_json().expect("the tables are small")),
        "the same bytes except for origins"
    );
    for (old, new) in CHANGED {
        assert!(BASE.contains(old), "{old}");
        assert_ne!(
            tables(&BASE.replace(old, new))
                .digest()
                .expect("the tables are small"),
            base.digest().expect("the tables are small"),
            "{new}"
        );
    }
}

fn without_origins(text: &str) -> serde_json::Value {
    fn strip(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Object(members) => {
                members.remove("origin");
                members.remove("origin_columns");
                members.values_mut().for_each(strip);
            }
            serde_json::Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut value = serde_json::from_str(text).expect("valid JSON");
    strip(&mut value);
    value
}

#[test]
fn tables_are_send_and_sync() {
    fn shared<T: Send + Sync>() {}
    shared::<Tables>();
    shared::<presync::Program>();
}

/// More decisions than fit in a byte, each read from the dense table.
#[test]
fn three_hundred_decisions() {
    let lines = |line: &dyn Fn(usize) -> String| (0..300).map(line).collect::<Vec<_>>().join("\n");
    let source = format!(
        "system a {{ {} }}\nsystem b {{ {} }}\nprofile P {{ {} }}\n",
        lines(&|at| format!("state a{at}")),
        lines(&|at| format!("state b{at}")),
        lines(&|at| format!("a a{at} -> b b{}", (at + 7) % 300))
    );
    let tables = tables(&source);
    assert!(first(&tables).dense().is_some());
    for at in 0..300 {
        let entered = tables
            .state("a", &format!("a{at}"))
            .expect("it is declared");
        let state = tables
            .state("b", &format!("b{}", (at + 7) % 300))
            .expect("it is declared");
        let decided = first(&tables)
            .decide(&tables.situation(), entered)
            .expect("the state belongs to a");
        assert_eq!(
            decided.outcome,
            Outcome::Set {
                state,
                append: Box::default()
            },
            "{at}"
        );
    }
}

/// The first table of the only role.
fn first(tables: &Tables) -> &Table {
    &tables
        .only_role()
        .expect("the program has one role")
        .tables()
        .expect("the tables are small")[0]
}

const SMALL: &str = include_str!("../fixtures/programs/small-table.presync");

/// `SMALL` with its table from cic to lync as a diagram: first `vip`, then the state entered.
fn diagrams(change: impl FnOnce(&mut serde_json::Value)) -> Result<Tables, String> {
    let mut document: serde_json::Value =
        serde_json::from_str(&tables(SMALL).to_json().expect("the tables are small"))
            .expect("valid JSON");
    let table = document["roles"][0]["tables"][0]
        .as_object_mut()
        .expect("a table is an object");
    table.remove("rows").expect("the table has rows");
    let set = |state: &str| serde_json::json!({ "outcome": "set", "state": state, "append": [] });
    let unmapped = serde_json::json!({ "outcome": "unmapped", "append": [] });
    table.insert(
        "decisions".to_owned(),
        serde_json::json!([set("Busy"), unmapped, set("Away")]),
    );
    let mut diagrams = serde_json::json!([{ "root": 0, "nodes": [{ "ask": "vip", "next": [1, -1] }, { "next": [-3, -2] }] }]);
    change(&mut diagrams);
    table.insert("diagrams".to_owned(), diagrams);
    Tables::from_json(&document.to_string()).map_err(|error| error.to_string())
}

#[test]
fn diagrams_and_rows_decide_the_same() {
    let tables = diagrams(|_| {}).expect("the diagrams are valid");
    let written: serde_json::Value =
        serde_json::from_str(&tables.to_json().expect("the tables are small")).expect("valid JSON");
    let nodes =
        serde_json::json!([{ "ask": "vip", "next": [1, -1] }, { "ask": null, "next": [-3, -2] }]);
    assert_eq!(
        written["roles"][0]["tables"][0]["diagrams"][0],
        serde_json::json!({ "root": 0, "nodes": nodes })
    );
    let mut found = Vec::new();
    for value in [false, true] {
        for state in ["Available", "At Lunch"] {
            let given = tables.situation().set("vip", value).expect("it exists");
            let entered = tables.state("cic", state).expect("it exists");
            let decided = tables
                .only_role()
                .expect("the program has one role")
                .decide(&given, entered);
            let decided = decided.expect("every fact has a value")[0];
            found.push(decided.state().unwrap_or(decided.kind()).to_owned());
        }
    }
    // States are in the order of their names.
    assert_eq!(found, ["unmapped", "Away", "Busy", "Busy"]);
}

#[test]
fn diagram_nodes_lead_to_existing_nodes() {
    let refused =
        |change: fn(&mut serde_json::Value)| diagrams(change).expect_err("it is no table");
    let nowhere = "which is not a later node or a decision";
    for (error, wanted) in [
        (
            refused(|all| all[0]["root"] = serde_json::Value::Null),
            "the last diagram",
        ),
        (refused(|all| all[0]["root"] = 2.into()), nowhere),
        (refused(|all| all[0]["root"] = (-4).into()), nowhere),
        (
            refused(|all| all[0]["nodes"][0]["next"][0] = 0.into()),
            nowhere,
        ),
        (
            refused(|all| all[0]["nodes"][0]["next"][0] = 2.into()),
            nowhere,
        ),
        (
            refused(|all| all[0]["nodes"][0]["next"] = serde_json::json!([1])),
            "1 branches for an input with 2 values",
        ),
        (
            refused(|all| *all = serde_json::json!([])),
            "the diagram is missing",
        ),
    ] {
        assert!(error.contains(wanted), "{error}, wanted {wanted}");
    }
}

#[test]
fn invalid_tables_json_is_reported() {
    use serde_json::{Value, json};
    let text = tables(BASE).to_json().expect("the tables are small");
    let refused = |change: fn(&mut Value)| {
        let mut document = serde_json::from_str(&text).expect("valid JSON");
        change(&mut document);
        Tables::from_json(&document.to_string())
            .expect_err("it is no table")
            .to_string()
    };
    fn table(document: &mut Value) -> &mut Value {
        &mut document["roles"][0]["tables"][0]
    }
    for (error, wanted) in [
        (
            refused(|all| all["format"] = "other".into()),
            "not a tables.json",
        ),
        (
            refused(|all| all["version"] = 2.into()),
            "the file has format version 2, but this presync reads version 1",
        ),
        (
            refused(|all| drop(all.as_object_mut().map(|all| all.remove("version")))),
            "`version` is missing",
        ),
        (
            refused(|all| all["facts"][1]["default"] = "fax".into()),
            "`kind` has no value `fax`",
        ),
        (
            refused(|all| table(all)["rows"][0]["when"] = json!({ "kind": [true] })),
            "`kind` has no value true",
        ),
        (
            refused(|all| table(all)["rows"][0]["when"] = json!({ "kind": ["fax"] })),
            "`kind` has no value \"fax\"",
        ),
        (
            refused(|all| table(all)["rows"][0]["when"] = json!({ "vip": [null] })),
            "`vip` has no value null",
        ),
        (
            refused(|all| table(all)["rows"][0]["when"] = json!({ "night": [true] })),
            "night",
        ),
        (
            refused(|all| table(all)["rows"][0]["from"] = json!(["Gone"])),
            "Gone",
        ),
        (
            refused(|all| table(all)["rows"][0] = table(all)["rows"][1].clone()),
            "match the same situation",
        ),
        (
            refused(|all| drop(table(all)["rows"].as_array_mut().map(Vec::pop))),
            "no row matches some situation",
        ),
        (
            refused(|all| {
                all["roles"][0]["tables"]
                    .as_array_mut()
                    .expect("a list")
                    .swap(0, 1);
            }),
            "one table for each pair",
        ),
        (
            refused(|all| drop(all["roles"][0]["tables"].as_array_mut().map(Vec::pop))),
            "one table for each pair",
        ),
        (
            refused(|all| table(all)["rows"][0]["outcome"] = "set".into()),
            "`state` is required for the outcome `set` and not allowed for others",
        ),
        (
            refused(|all| all["roles"][1]["name"] = "T".into()),
            "the digest does not match",
        ),
    ] {
        assert!(error.contains(wanted), "{error}, wanted {wanted}");
    }
}

/// Profiles that all decide the same, so that a single row has all origins: few, many, and too many for rows.
#[test]
fn the_origin_is_the_first_deciding_profile() {
    let mut random = Random(5);
    for (flags, literals, profiles, form) in [
        (9, 4, 80, 1..=200),
        (10, 7, 500, 201..=1_000),
        (12, 6, 300, 0..=0),
    ] {
        let mut source =
            String::from("system a { state x  state y }\nsystem b { state p  state q }\n");
        (0..flags).for_each(|flag| source += &format!("flag f{flag:02}\n"));
        let mut rules: Vec<Vec<(usize, u32)>> = (0..profiles)
            .map(|_| {
                let mut rule: Vec<(usize, u32)> = Vec::new();
                while rule.len() < literals {
                    let flag = random.below(flags);
                    if rule.iter().all(|(known, _)| *known != flag) {
                        rule.push((flag, u32::from(random.chance(50))));
                    }
                }
                rule
            })
            .collect();
        // The last profile always applies.
        rules.push(Vec::new());
        for (at, rule) in rules.iter().enumerate() {
            let literal = |(flag, value): &(usize, u32)| {
                format!("{}f{flag:02}", if *value == 1 { "" } else { "not " })
            };
            let literals: Vec<String> = rule.iter().map(literal).collect();
            let when = if rule.is_empty() {
                String::new()
            } else {
                format!("when {}: ", literals.join(" and "))
            };
            source += &format!("profile \"P{at}\" {{ {when}a x -> b p }}\n");
        }
        let tables = tables(&source);
        let origins = match first(&tables).body() {
            TableBody::Rows(rows) => rows.iter().map(|row| row.origins.len()).max().unwrap_or(0),
            TableBody::Diagrams(_) => 0,
        };
        assert!(
            form.contains(&origins),
            "{origins} origins, {form:?} wanted"
        );
        let read = Tables::from_json(&tables.to_json().expect("the tables are small"))
            .expect("exported tables can be read");
        for bits in 0..1_u32 << flags {
            let facts: Vec<u32> = (0..flags).map(|flag| bits >> flag & 1).collect();
            let given = |tables: &Tables| {
                facts
                    .iter()
                    .enumerate()
                    .fold(tables.situation(), |given, (flag, value)| {
                        given
                            .set(&format!("f{flag:02}"), *value == 1)
                            .expect("it exists")
                    })
            };
            let holds =
                |rule: &Vec<(usize, u32)>| rule.iter().all(|(flag, value)| facts[*flag] == *value);
            let first = rules.iter().position(holds).map(|at| format!("P{at}"));
            for tables in [&tables, &read] {
                let x = tables.state("a", "x").expect("it exists");
                let decided = self::first(tables)
                    .decide(&given(tables), x)
                    .expect("the state belongs to a");
                let profile = decided.origin.as_ref().map(|origin| origin.profile.clone());
                assert_eq!(profile, first, "{facts:?}");
            }
        }
    }
}
