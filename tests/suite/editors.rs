//! The files in `editors/`: word lists agree with the language, and what they insert is a program.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::common;

fn file(name: &str) -> Value {
    let path = common::root().join("editors/vscode").join(name);
    let text = std::fs::read_to_string(path).expect("the file is there");
    serde_json::from_str(&text).expect("it is JSON")
}

/// The words that are keywords only inside systems and in `by hand`.
const SOMETIMES: [&str; 10] = [
    "attributes",
    "by",
    "echo",
    "hand",
    "id",
    "online",
    "other",
    "read_only",
    "reads",
    "text",
];

#[test]
fn the_textmate_grammar_has_all_words() {
    let grammar = file("syntaxes/presync.tmLanguage.json");
    let patterns = grammar["patterns"].as_array().expect("it has patterns");
    let mut words = BTreeSet::new();
    for pattern in patterns.iter().filter_map(|one| one["match"].as_str()) {
        let Some(list) = pattern
            .strip_prefix("\\b(?:")
            .and_then(|rest| rest.strip_suffix(")\\b"))
        else {
            continue;
        };
        words.extend(
            list.split('|')
                .flat_map(|words| words.split("\\s+"))
                .map(str::to_owned),
        );
    }
    let known = presync::keywords().chain(SOMETIMES).map(str::to_owned);
    assert_eq!(words, known.collect());
}

/// A snippet with its proposals filled in.
fn filled(snippet: &str) -> String {
    let mut text = String::new();
    let mut rest = snippet;
    while let Some((before, after)) = rest.split_once('$') {
        text.push_str(before);
        rest = match after.strip_prefix('{') {
            Some(inner) => {
                let (inner, after) = inner.split_once('}').expect("the place ends");
                text.push_str(inner.split_once(':').expect("it has a proposal").1);
                after
            }
            None => &after[1..],
        };
    }
    text + rest
}

#[test]
fn snippets_are_programs() {
    let snippets = file("snippets/presync.json");
    for (name, snippet) in snippets.as_object().expect("they have names") {
        let lines = snippet["body"].as_array().expect("it has lines");
        let lines: Vec<&str> = lines.iter().filter_map(Value::as_str).collect();
        let mut text = filled(&lines.join("\n"));
        if snippet["prefix"] == "when" {
            text = format!("profile \"P\" {{ {text} cic Available -> lync Away }}");
        }
        let roles = if snippet["prefix"] == "role" {
            "profile \"Voice\" { cic Available -> lync Available }\n"
        } else {
            ""
        };
        let source = format!("use cic_lync\n{roles}{text}\n");
        let program = presync::Program::check_source("snippet.presync", &source);
        assert!(program.is_ok(), "{name}: {:?}\n{source}", program.err());
    }
}

#[test]
fn the_commands_of_the_extension_are_there() {
    let source = std::fs::read_to_string(common::root().join("editors/vscode/src/extension.js"));
    let source = source.expect("the extension has a source");
    let package = file("package.json");
    for command in package["contributes"]["commands"]
        .as_array()
        .expect("it has commands")
    {
        let name = command["command"].as_str().expect("it has a name");
        assert!(
            source.contains(&format!("registerCommand('{name}'")),
            "{name}"
        );
    }
}
