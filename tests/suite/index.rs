//! The meaning of each name in a program, for editors.

use presync::internal::lexer::TokenKind;
use presync::internal::scan::scan;
use presync::{CheckReport, FileId, Index, Meaning};

use crate::common;

fn checked(text: &str) -> CheckReport {
    let read = |_: &str| Ok(text.as_bytes().to_vec());
    presync::check_with_index(presync::parse("", "a.presync", &read).expect("it exists"))
}

fn index(report: &CheckReport) -> &Index {
    report.index.as_ref().expect("the index was requested")
}

const BROKEN: &str = include_str!("../fixtures/programs/broken-names.presync");

/// Every occurrence with its name, which must match the text there.
fn shown(report: &CheckReport) -> Vec<String> {
    let (index, sources) = (index(report), report.sources());
    let occurrences = index
        .occurrences
        .iter()
        .filter(|occurrence| occurrence.location.file.0 == 0);
    let shown = occurrences.map(|occurrence| {
        let place = sources
            .file(occurrence.location.file)
            .line_column(occurrence.location.span.start);
        let kind = match occurrence.meaning {
            Meaning::Declared(id) => index.declared[id.index()].kind.as_str(),
            Meaning::State(_) => "state",
            Meaning::Value(_) => "value",
            Meaning::Attribute(_) => "attribute",
        };
        let name = index.name(occurrence.meaning).expect("the path has a name");
        let written = sources.text(occurrence.location).trim_matches('"');
        assert!(
            written.eq_ignore_ascii_case(name),
            "{written} is not {name}"
        );
        format!("{}:{} {kind} {name}", place.line, place.column)
    });
    shown.collect()
}

#[test]
fn every_name_of_a_broken_program_has_a_meaning() {
    let report = checked(BROKEN);
    let codes: Vec<&str> = report
        .diagnostics
        .iter()
        .map(|error| error.code.name)
        .collect();
    assert_eq!(codes, ["unknown-attribute", "unknown-state", "syntax"]);
    assert!(report.program.is_none());
    assert_eq!(index(&report).trees[0].declarations.len(), 10);
    insta::assert_snapshot!(shown(&report).join("\n"));
}

#[test]
fn occurrences_lead_to_definitions_and_back() {
    let report = checked(BROKEN);
    let index = index(&report);
    let byte = BROKEN.find("BUSY").expect("it exists") as u32;
    for byte in [byte, byte + 4] {
        let busy = index
            .at(FileId(0), byte)
            .expect("a state has its name there");
        let defined = index.definition(busy.meaning).expect("it is declared");
        assert_eq!(report.sources().text(defined), "Busy");
        assert_eq!(index.places(busy.meaning).count(), 4);
    }
    let keyword = BROKEN.find("profile").expect("it exists") as u32;
    assert_eq!(index.at(FileId(0), keyword), None);
}

/// In a program without errors, each word that is not a keyword has a meaning.
#[test]
fn every_name_of_an_example_has_a_meaning() {
    for example in common::examples() {
        let text = std::fs::read_to_string(&example).expect("it exists");
        let name = example
            .file_name()
            .expect("the path has a name")
            .to_string_lossy();
        let folder = example.parent().expect("the file is in a folder");
        let read = |path: &str| std::fs::read(folder.join(path));
        let parsed = presync::parse("", &name, &read).expect("the file is readable");
        let report = presync::check_with_index(parsed);
        assert!(report.program.is_some(), "{name}");
        assert!(shown(&report).len() > 10);
        let index = index(&report);
        let tokens = scan(FileId(0), &text).tokens;
        let word = |at: usize| tokens[at].span.text(&text);
        let codes = presync::codes().flat_map(|code| code.name.split('-'));
        let codes: Vec<&str> = codes.collect();
        let unknown: Vec<&str> = (0..tokens.len())
            .filter(|at| tokens[*at].kind == TokenKind::Word)
            .filter(|at| index.at(FileId(0), tokens[*at].span.start).is_none())
            // Except keywords, words that are free elsewhere, names of vocabularies, and codes.
            .filter(|at| {
                presync::quote(word(*at)) == word(*at)
                    && !["by", "hand"].contains(&word(*at))
                    && word(at.saturating_sub(1)) != "use"
                    && !codes.contains(&word(*at))
            })
            .map(word)
            .collect();
        assert_eq!(unknown, [""; 0], "{name}");
    }
}

#[test]
fn the_index_is_built_only_on_request() {
    let read = |_: &str| Ok(BROKEN.as_bytes().to_vec());
    let parsed = presync::parse("", "a.presync", &read).expect("it exists");
    assert!(presync::check(parsed).index.is_none());
}
