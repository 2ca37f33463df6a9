//! `presync::json`: its schemas, and the same answers as the command line.

use std::collections::BTreeMap;

use presync::json::{Answer, Call, ProgramFiles, ProgramOrTables, answer, call, schemas};
use serde_json::{Value, json};

use crate::common;

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Makes a call. Call and answer must match their schemas.
fn asked(question: &Value) -> Value {
    let [calls, answers] =
        schemas().map(|schema| jsonschema::validator_for(&schema).expect("the schema is valid"));
    assert!(calls.is_valid(question), "{question}");
    let answer = parsed(&call(&question.to_string()));
    let errors: Vec<String> = answers
        .iter_errors(&answer)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{answer}: {errors:?}");
    answer
}

fn program(path: &str) -> Value {
    let text = std::fs::read_to_string(common::root().join(path)).expect("it exists");
    json!({ "files": { path: text }, "root": path })
}

#[test]
fn the_committed_call_schemas_are_current() {
    for (name, schema) in ["call", "answer"].iter().zip(schemas()) {
        let path = common::root().join(format!("docs/{name}.schema.json"));
        let generated = serde_json::to_string_pretty(&schema).expect("valid JSON") + "\n";
        if std::env::var_os("PRESYNC_BLESS").is_some() {
            std::fs::write(&path, &generated).expect("the file is writable");
        }
        let committed = std::fs::read_to_string(&path).expect("the file is committed");
        assert_eq!(committed, generated, "run with PRESYNC_BLESS=1");
    }
}

#[test]
fn json_answers_match_the_command_line() {
    let path = "examples/contact-centre/contact-centre.presync";
    let printed = |arguments: &[&str]| {
        let output = common::presync(&common::root(), arguments, b"");
        let text = common::text(&output.stdout);
        (!text.is_empty())
            .then(|| parsed(&text))
            .expect("it prints JSON")
    };
    let untagged = |mut answer: Value, tag: &str| {
        let members = answer.as_object_mut().expect("an answer is an object");
        assert_eq!(members.remove("answer"), Some(tag.into()));
        answer
    };

    let decided = asked(&json!({
        "call": "decide",
        "in": { "program": program(path) },
        "role": "Agents",
        "facts": { "user_type": "enterprise_voice", "cic_logged_in": true, "lync_logged_in": true },
        "states": { "lync": "Busy" },
        "change": { "cic": "At Lunch" },
    }));
    let given = "--given=enterprise_voice,cic_logged_in,lync_logged_in,lync=Busy";
    let line = [
        "decide",
        path,
        "cic \"At Lunch\"",
        "--role=Agents",
        "--json",
        given,
    ];
    let mut expected = printed(&line);
    // The command line shows the path of the file with its folder.
    let rule = &mut expected["decisions"][0]["rule"];
    *rule = decided["decisions"][0]["rule"].clone();
    assert_eq!(untagged(decided, "decide"), expected);

    let checked = asked(&json!({ "call": "check", "program": program(path) }));
    assert_eq!(
        untagged(checked, "check"),
        printed(&["check", path, "--format=json"])
    );

    let mut new = program(path);
    let text = new["files"][path]
        .as_str()
        .expect("the text is a string")
        .replace("At Lunch", "Gone Home");
    new["files"][path] = text.into();
    let tables = asked(&json!({ "call": "compile", "program": program(path) }))["tables"].take();
    let found = asked(&json!({
        "call": "diff", "old": { "tables": tables }, "new": { "program": new },
    }));
    assert_eq!(found["answer"], "diff");

    let tests = asked(&json!({ "call": "test", "program": program(path) }));
    let verdicts = tests["tests"].as_array().expect("the answer has tests");
    assert!(verdicts.len() > 3 && verdicts.iter().all(|one| one["failures"] == json!([])));

    let formatted = asked(&json!({ "call": "format", "source": "flag   in_queue" }));
    assert_eq!(
        formatted,
        json!({ "answer": "format", "text": "flag in_queue\n" })
    );
}

#[test]
fn invalid_calls_are_answered() {
    let refused = |question: &Value| {
        let answer = asked(question);
        assert_eq!(answer["answer"], "refused", "{answer}");
        answer["message"]
            .as_str()
            .expect("a refusal has a message")
            .to_owned()
    };
    let one = |text: &str| json!({ "files": { "a.presync": text }, "root": "a.presync" });
    let decide = |program: Value, state: &str| json!({ "call": "decide", "in": { "program": program }, "change": { "cic": state } });
    let good = "use cic_lync profile P { cic Available -> lync Available }";
    assert_eq!(
        refused(&decide(one(good), "Availabel")),
        "cic has no state `Availabel`: did you mean `Available`?"
    );
    assert_eq!(
        refused(&decide(one("flag"), "Available")),
        "the program has errors"
    );
    let mut nowhere = one(good);
    nowhere["root"] = "b.presync".into();
    assert_eq!(
        refused(&decide(nowhere, "Available")),
        "`b.presync` is not in `files`"
    );
    let mut two = decide(one(good), "Available");
    two["change"]["lync"] = "Away".into();
    assert!(refused(&two).starts_with("a change needs one system"));
    assert_eq!(
        refused(&json!({ "call": "format", "source": "flag flag" })),
        "the file has syntax errors"
    );
    let levels = json!({ "call": "check", "program": one(good), "levels": { "collapse": "warn" } });
    assert_eq!(
        refused(&levels),
        "the lint `collapse` is now called `lossy-round-trip`"
    );
    let old = json!({ "call": "check", "program": one(good), "levels": { "gap": "deny" } });
    assert_eq!(
        parsed(&call(&old.to_string()))["message"],
        "invalid call: the level `deny` is now called `error`"
    );
    let levels = json!({ "call": "check", "program": one(good), "levels": { "gab": "warn" } });
    assert_eq!(refused(&levels), "unknown lint `gab`: did you mean `gap`?");
    for text in [
        "",
        "{}",
        "[]",
        "{\"call\":\"chek\"}",
        "{\"call\":\"format\",\"sauce\":\"\"}",
    ] {
        let answer = parsed(&call(text));
        let message = answer["message"].as_str().expect("a refusal has a message");
        assert!(message.starts_with("invalid call: "), "{message}");
    }
}

#[test]
fn a_call_can_be_a_value() {
    let files = BTreeMap::from([(
        "a.presync".to_owned(),
        "use cic_lync profile P { cic Available -> lync Away }".to_owned(),
    )]);
    let program = ProgramFiles {
        files,
        root: "a.presync".to_owned(),
    };
    let question = Call::Diff {
        old: ProgramOrTables::Program(program.clone()),
        new: ProgramOrTables::Program(program),
    };
    let Answer::Diff(found) = answer(&question) else {
        panic!("not an answer to a diff");
    };
    assert!(found.changes.is_empty() && found.one_sided.is_empty());
}
