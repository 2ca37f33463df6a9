//! The schemas of events, commands, rejected events and the trace: what the tool reads and writes is valid.

use crate::common;

fn schema(name: &str) -> jsonschema::Validator {
    let path = common::root().join(format!("docs/{name}.schema.json"));
    let text = std::fs::read_to_string(path).expect("the schema is committed");
    let schema = serde_json::from_str(&text).expect("valid JSON");
    let options = jsonschema::options().should_validate_formats(true);
    options.build(&schema).expect("the schema is valid")
}

/// The lines of a text as JSON.
fn lines(text: &str) -> Vec<serde_json::Value> {
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("valid JSON"))
        .collect()
}

fn assert_valid(name: &str, lines: &[serde_json::Value]) {
    let schema = schema(name);
    for line in lines {
        let errors: Vec<String> = schema
            .iter_errors(line)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{name}: {line}: {errors:?}");
    }
}

#[test]
fn a_day_matches_the_schemas() {
    let folder = common::root().join("examples/contact-centre");
    let read =
        |name: &str| std::fs::read_to_string(folder.join(name)).expect("the file is committed");
    let scratch = tempfile::tempdir().expect("a temporary folder can be created");
    let trace = scratch.path().join("trace.jsonl");
    let trace_to = format!("--trace={}", trace.display());
    let words = [
        "run",
        "contact-centre.presync",
        "--events=day.jsonl",
        &trace_to,
    ];
    let output = common::presync(&folder, &words, b"");
    let rejects = lines(&read("rejects.jsonl"));
    let is_rejected = |number: usize| rejects.iter().any(|reject| reject["line"] == number);
    let day = read("day.jsonl");
    let accepted = (1..).zip(day.lines());
    let accepted = accepted.filter(|(number, _)| !is_rejected(*number));
    let accepted: Vec<&str> = accepted.map(|(_, line)| line).collect();
    assert_valid("event", &lines(&accepted.join("\n")));
    assert_valid("command", &lines(&common::text(&output.stdout)));
    assert_valid("reject", &rejects);
    let trace = lines(&std::fs::read_to_string(trace).expect("the trace was written"));
    assert!(trace.len() > 5_000, "{}", trace.len());
    assert_valid("trace", &trace);
}

/// The schema refuses what the tool refuses, however the tables are.
#[test]
fn wrong_events_are_refused_by_the_schema_and_the_tool() {
    let schema = schema("event");
    let folder = common::root().join("examples/contact-centre");
    let reasons = [
        "malformed",
        "empty-event",
        "several-systems",
        "unknown-value",
    ];
    for (event, right) in [
        (r#"{"user":"a","role":"Agents"}"#, true),
        (
            r#"{"user":"a","role":"Agents","set":null,"at":null,"team":5}"#,
            true,
        ),
        (r#"{"user":"a","observe":{"cic":null,"lync":"Away"}}"#, true),
        (
            r#"{"user":"a","set":{"in_queue":true,"user_type":"im"}}"#,
            true,
        ),
        (r#"{"user":"a","role":"Agents","resync":true}"#, true),
        (
            r#"{"user":"a","role":"Agents","change":{"cic":"x"},"id":{"a":[1]}}"#,
            true,
        ),
        (r#"{"user":"a"}"#, false),
        (r#"{"role":"Agents"}"#, false),
        (r#"{"user":5,"role":"Agents"}"#, false),
        (r#"{"user":"a","role":5}"#, false),
        (r#"{"user":"a","set":{"in_queue":1}}"#, false),
        (r#"{"user":"a","observe":{"cic":5}}"#, false),
        (r#"{"user":"a","change":{"cic":null}}"#, false),
        (
            r#"{"user":"a","change":{"cic":"Available","lync":"Away"}}"#,
            false,
        ),
        (r#"{"user":"a","resync":false}"#, false),
        (r#"{"user":"a","role":"Agents","at":5}"#, false),
        (r#"{"user":"a","role":"Agents","at":"yesterday"}"#, false),
        (r#"{"user":"a","role":null}"#, false),
        (r#"{"user":"a","set":{}}"#, false),
        (r#"{"user":"a","observe":{}}"#, false),
        (r#"{"user":"a","change":null}"#, false),
        (
            r#"{"user":"a","role":"Agents","state":{"cic":"Available"}}"#,
            false,
        ),
        (r#"["a"]"#, false),
    ] {
        let value = serde_json::from_str(event).expect("valid JSON");
        assert_eq!(schema.is_valid(&value), right, "{event}");
        let output = common::presync(&folder, &["run", "tables.json"], event.as_bytes());
        let shown = common::text(&output.stderr);
        let is_wrong = reasons
            .iter()
            .any(|reason| shown.contains(&format!("\"{reason}\"")));
        assert_eq!(!is_wrong, right, "{event}: {shown}");
    }
}

/// A line that only some parsers accept is a text among the rejects, which stay JSON for every parser.
#[test]
fn rejects_can_be_read() {
    let folder = tempfile::tempdir().expect("folders can be made");
    let example = common::root().join("examples/contact-centre");
    let deep = format!(
        r#"{{"user":"a","x":{}{}}}"#,
        "[".repeat(200),
        "]".repeat(200)
    );
    for line in [r#"{"user":"a","x":"\ud800"}"#, &deep, r#"{"user":"a"} {"#] {
        let rejects = folder.path().join("rejects.jsonl");
        let rejects = rejects.to_str().expect("the path is UTF-8");
        let words = ["run", "tables.json", "--rejects", rejects];
        common::presync(&example, &words, line.as_bytes());
        let text = std::fs::read_to_string(rejects).expect("it was written");
        let reject: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
        assert_eq!(reject["event"], line, "{text}");
    }
}
