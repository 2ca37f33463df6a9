//! The files in `editors/`: word lists agree with the language, and what they insert is a program.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::common;

fn file(name: &str) -> Value {
    let path = common::root().join("editors/vscode").join(name);
    let text = std::fs::read_to_string(path).expect("the file is there");
    serde_json::from_str(&text).expect("it is JSON")
}

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
    // `own` is a word of the command line only.
    let contextual = presync::contextual_keywords().filter(|word| *word != "own");
    let known = presync::keywords().chain(contextual);
    assert_eq!(words, known.map(str::to_owned).collect());
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
    let snippets = snippets.as_object().expect("they have names");
    assert!(!snippets.is_empty());
    for (name, snippet) in snippets {
        let lines = snippet["body"].as_array().expect("it has lines");
        let lines: Vec<&str> = lines.iter().filter_map(Value::as_str).collect();
        // Declarations come from the server.
        let text = filled(&lines.join("\n"));
        let rule = format!("{text} cic Available -> lync Away");
        let source = format!("use cic_lync\nprofile \"P\" {{ {rule} }}\n");
        let program = presync::Program::check_source("snippet.presync", &source);
        assert!(program.is_ok(), "{name}: {:?}\n{source}", program.err());
    }
}

/// What the server offers for each declaration can be read, once the last place is filled in where something must stand.
#[test]
fn snippets_of_the_server_are_declarations() {
    let (analysis, path) = crate::editing::single("");
    let view = analysis.view(&path).expect("it is open");
    let offered = presync_ide::completion::complete(&analysis, view, 0).items;
    assert!(offered.len() > 10);
    for item in offered {
        assert!(item.is_snippet, "{}", item.label);
        let last = match item.label.as_str() {
            "profile" | "mapping" => "a any -> b y",
            "test" | "scenario" => "a x => b y",
            "condition" | "group" => "x",
            _ => "",
        };
        let text = filled(&item.insert.replace("$0", last));
        let (analysis, path) = crate::editing::single(&text);
        let findings = analysis.findings()[&path].iter();
        let errors = findings.filter(|found| found.diagnostic.code.name == "syntax");
        assert_eq!(errors.count(), 0, "{text}");
        let view = analysis.view(&path).expect("it is open");
        assert_eq!(view.tree().declarations.len(), 1, "{text}");
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
