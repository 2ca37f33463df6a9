//! tables.json: its schema, its determinism, and its digest.

use crate::common;

use common::tables;
use presync::{Outcome, Table, Tables};
use presync_engine::document::Document;

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
        broken["tables"][0]["blocks"][0]["rows"][0]["outcome"] = "set it".into();
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
        // Rules that are written differently have other rows.
        if !old.contains("when busy {") {
            all = all.replace(old, new);
        }
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
                for origin in ["profile", "rule", "content"] {
                    members.remove(origin);
                }
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

/// Roles with the same profiles share their tables, and so do the tables that are read from their export.
#[test]
fn roles_with_the_same_profiles_share_their_tables() {
    let source = BASE.to_owned() + "role \"T\" uses \"P\", \"Q\"\nrole \"U\" uses \"Q\", \"P\"\n";
    let compiled = tables(&source);
    let written = compiled.to_json().expect("the tables are small");
    let read = Tables::from_json(&written).expect("exported tables can be read");
    for tables in [&compiled, &read] {
        let of = |name: &str| {
            let role = tables.role(name).expect("it is declared");
            role.tables().expect("the tables are small").as_ptr()
        };
        assert_eq!(of("R"), of("T"));
        assert_ne!(of("R"), of("U"));
    }
    // A role more is a line or two more.
    let fewer = tables(BASE).to_json().expect("the tables are small");
    let more = BASE.to_owned() + "role \"T\" uses \"P\", \"Q\"\n";
    let more = tables(&more).to_json().expect("the tables are small");
    assert!(
        more.len() - fewer.len() <= 250,
        "{}",
        more.len() - fewer.len()
    );
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
        assert_eq!(decided.outcome, Outcome::Set(state), "{at}");
    }
}

/// The first table of the only role.
pub fn first(tables: &Tables) -> &Table {
    &tables
        .default_role()
        .expect("the program has one role")
        .tables()
        .expect("the tables are small")[0]
}

const SMALL: &str = include_str!("../fixtures/programs/small-table.presync");

/// Tables of a document after a change, which need not match its digest.
fn changed(source: &str, change: impl FnOnce(&mut serde_json::Value)) -> Result<Tables, String> {
    let text = tables(source).to_json().expect("the tables are small");
    let mut document = serde_json::from_str(&text).expect("valid JSON");
    change(&mut document);
    let document: Document = serde_json::from_value(document).map_err(|error| error.to_string())?;
    Tables::from_document(document).map_err(|error| error.to_string())
}

/// `SMALL` with its table from cic to lync as a diagram: first the state entered, then `vip`.
fn diagram(change: impl FnOnce(&mut serde_json::Value)) -> Result<Tables, String> {
    changed(SMALL, |document| {
        let table = document["tables"][0].as_object_mut();
        let table = table.expect("a table is an object");
        table.remove("blocks").expect("the table has rows");
        table.remove("when");
        let set = |state: &str| serde_json::json!({ "outcome": "set", "state": state });
        let decisions = serde_json::json!([set("Busy"), set("Away")]);
        table.insert("decisions".to_owned(), decisions);
        let nodes = serde_json::json!([
            { "next": [2, 1] },
            { "ask": "vip", "next": [null, -1] },
            { "ask": "vip", "next": [-2, -1] }
        ]);
        let mut diagram = serde_json::json!({ "root": 0, "nodes": nodes });
        change(&mut diagram);
        table.insert("diagram".to_owned(), diagram);
    })
}

/// The order of two texts counts in the digest, also where it depends on the situation.
#[test]
fn the_order_of_texts_is_part_of_the_meaning() {
    let digests = [
        "append \"x\" to b append \"y\" to b",
        "append \"y\" to b append \"x\" to b",
        "when f: append \"x\" to b append \"y\" to b when not f: append \"x\" to b",
        "when not f: append \"x\" to b append \"y\" to b when f: append \"x\" to b",
    ]
    .map(|texts| {
        let tables = tables(&format!(
            "system a {{ state a1 }} system b {{ state b1 }} flag f\nprofile p {{ a a1 -> b b1 {texts} }}"
        ));
        tables.digest().expect("the tables are small").to_owned()
    });
    let distinct: std::collections::BTreeSet<&String> = digests.iter().collect();
    assert_eq!(distinct.len(), digests.len(), "{digests:?}");
}

/// A document that could not be read again is refused.
#[test]
fn documents_of_another_format_are_refused() {
    let refused =
        |change: fn(&mut serde_json::Value)| changed(SMALL, change).expect_err("it is no table");
    let format = refused(|document| document["format"] = "presync-tableo".into());
    assert!(format.contains("tables.json"), "{format}");
    let version = refused(|document| document["version"] = 3.into());
    assert!(version.contains('3'), "{version}");
}

/// The order of the inputs is written where a diagram needs it, for the outcome or for a text alone.
#[test]
fn the_order_of_the_inputs_stands_beside_diagrams() {
    // Whether an odd number of flags is set: too many rows for a table.
    let mut declared =
        "system a { state a1 } system b { state b1 } flag f0 condition odd0 = f0\n".to_owned();
    for at in 1..16 {
        let before = at - 1;
        declared += &format!(
            "flag f{at} condition odd{at} = odd{before} and not f{at} or not odd{before} and f{at}\n"
        );
    }
    for (rules, inputs) in [
        ("when odd15: a a1 -> b b1", 16),
        ("a a1 -> b b1 when odd15: append \"odd\" to b", 16),
        ("when f0: a a1 -> b b1", 0),
    ] {
        let tables = tables(&format!("{declared}profile p {{ {rules} }}"));
        let document = tables.to_json().expect("the tables are small");
        let document: serde_json::Value = serde_json::from_str(&document).expect("valid JSON");
        let order = document["order"].as_array().map_or(0, Vec::len);
        assert!(
            order >= inputs && (order > 0) == (inputs > 0),
            "{rules}: {order}"
        );
    }
}

#[test]
fn diagrams_and_rows_decide_the_same() {
    let tables = diagram(|_| {}).expect("the diagram is valid");
    let written: serde_json::Value =
        serde_json::from_str(&tables.to_json().expect("the tables are small")).expect("valid JSON");
    assert_eq!(written["tables"][0]["diagram"]["nodes"][1]["ask"], "vip");
    let mut found = Vec::new();
    for value in [false, true] {
        for state in ["Available", "At Lunch"] {
            let given = tables.situation().set("vip", value).expect("it exists");
            let entered = tables.state("cic", state).expect("it exists");
            let decided = tables
                .default_role()
                .expect("the program has one role")
                .decide(&given, entered);
            let decided = &decided.expect("every fact has a value")[0];
            found.push(decided.state().unwrap_or(decided.kind()).to_owned());
        }
    }
    // States are in the order of their names.
    assert_eq!(found, ["unmapped", "Away", "Busy", "Busy"]);
}

#[test]
fn diagram_nodes_lead_to_existing_nodes() {
    let refused = |change: fn(&mut serde_json::Value)| diagram(change).expect_err("it is no table");
    let nowhere = "which is not a later node or a decision";
    for (error, wanted) in [
        (refused(|one| one["root"] = 3.into()), nowhere),
        (refused(|one| one["root"] = (-4).into()), nowhere),
        (
            refused(|one| one["nodes"][0]["next"][0] = 0.into()),
            nowhere,
        ),
        (
            refused(|one| one["nodes"][0]["next"][0] = 3.into()),
            nowhere,
        ),
        (
            refused(|one| one["nodes"][0]["next"] = serde_json::json!([1])),
            "1 branches for an input with 2 values",
        ),
        (
            refused(|one| one["nodes"][1]["next"][0] = 2.into()),
            "does not test the state entered first",
        ),
        (
            refused(|one| one["nodes"][1]["ask"] = serde_json::Value::Null),
            "does not test the state entered first",
        ),
    ] {
        assert!(error.contains(wanted), "{error}, wanted {wanted}");
    }
}

#[test]
fn invalid_tables_json_is_reported() {
    use serde_json::{Value, json};
    let text = tables(BASE).to_json().expect("the tables are small");
    let edited = |change: fn(&mut Value)| {
        let mut document = serde_json::from_str(&text).expect("valid JSON");
        change(&mut document);
        Tables::from_json(&document.to_string())
            .expect_err("it is no table")
            .to_string()
    };
    let refused = |change: fn(&mut Value)| changed(BASE, change).expect_err("it is no table");
    fn block(document: &mut Value) -> &mut Value {
        &mut document["tables"][0]["blocks"][0]
    }
    for (error, wanted) in [
        (
            edited(|all| all["format"] = "other".into()),
            "not a tables.json",
        ),
        (
            edited(|all| all["version"] = 1.into()),
            "the file has format version 1, but this presync reads version 2: export it again",
        ),
        (
            edited(|all| drop(all.as_object_mut().map(|all| all.remove("version")))),
            "`version` is missing or not a number",
        ),
        (
            edited(|all| all["roles"][1]["name"] = "T".into()),
            "`content` does not match the file: it was edited after its export, export it again",
        ),
        (
            edited(|all| all["digest"] = "sha256:00".into()),
            "`content` does not match the file",
        ),
        (
            refused(|all| all["facts"][1]["default"] = "fax".into()),
            "`kind` has no value `fax`",
        ),
        (
            refused(|all| block(all)["when"] = json!({ "kind": [true] })),
            "`kind` has no value true",
        ),
        (
            refused(|all| block(all)["when"] = json!({ "kind": ["fax"] })),
            "`kind` has no value \"fax\"",
        ),
        (
            refused(|all| block(all)["when"] = json!({ "vip": [null] })),
            "`vip` has no value null",
        ),
        (
            refused(|all| block(all)["when"] = json!({ "night": [true] })),
            "night",
        ),
        (
            refused(|all| block(all)["rows"][0]["from"] = json!(["Gone"])),
            "Gone",
        ),
        (
            refused(|all| {
                let row = block(all)["rows"][0].clone();
                block(all)["rows"].as_array_mut().expect("a list").push(row);
            }),
            "two rows match the same situation",
        ),
        (
            refused(|all| {
                all["roles"][0]["directions"]
                    .as_array_mut()
                    .expect("a list")
                    .swap(0, 1);
            }),
            "one table for each pair",
        ),
        (
            refused(|all| drop(all["roles"][0]["directions"].as_array_mut().map(Vec::pop))),
            "one table for each pair",
        ),
        (
            refused(|all| all["directions"][0]["tables"] = json!([1000])),
            "one table for each pair",
        ),
        (
            refused(|all| all["tables"][0]["from"] = "lync".into()),
            "a table leads from `lync` to itself",
        ),
        (
            refused(|all| block(all)["rows"][0] = json!({ "outcome": "set" })),
            "`state` is required for the outcome `set` and not allowed for others",
        ),
        (
            refused(|all| {
                block(all)["rows"][0] = json!({ "outcome": "previous", "state": "p" });
            }),
            "`state` is required for the outcome `set` and not allowed for others",
        ),
        (
            refused(|all| block(all)["by_hand"] = json!({ "nowhere": [true] })),
            "unknown system `nowhere`",
        ),
        (
            refused(|all| all["tables"][0]["decisions"] = json!([{ "outcome": "unchanged" }])),
            "a table has either rows, or a diagram with decisions",
        ),
        (
            refused(|all| {
                all["tables"][0]["diagram"] = json!({ "root": -1, "nodes": [] });
                all["tables"][0]["decisions"] = json!([{ "outcome": "unchanged" }]);
            }),
            "a table has either rows, or a diagram with decisions",
        ),
        (
            refused(|all| {
                all["tables"][0]["blocks"] = json!([]);
                all["tables"][0]["decisions"] = json!([{ "outcome": "unchanged" }]);
            }),
            "a table has either rows, or a diagram with decisions",
        ),
    ] {
        assert!(error.contains(wanted), "{error}, wanted {wanted}");
    }
}
