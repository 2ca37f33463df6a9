//! Programs with marks: `tests/fixtures/errors/<code>/*.presync` for what `check` and `test` report, and
//! `tests/fixtures/lints/<code>/*.presync` for what one lint reports. Files without marks are clean.
//!
//! A mark follows the line it is about, with code, text and data:
//!
//! ```text
//!     cic Availabel -> lync Away
//!     //^ unknown-state `Availabel` names=Availabel
//! ```
//!
//! Marks are removed before a program is checked. `PRESYNC_BLESS=1 cargo test fixtures` writes them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use presync::{CheckReport, Diagnostic, LINTS, Level, Settings, Severity, Sources, StateName};

use crate::common;

const MARK: &[u8] = b"//^";

pub fn folder() -> PathBuf {
    common::root().join("tests/fixtures")
}

/// The fixtures below a folder of `tests/fixtures`, each with the name of its own folder.
fn fixtures(kind: &str) -> Vec<(String, PathBuf)> {
    let mut found: Vec<(String, PathBuf)> = Vec::new();
    let list = |path: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(path).expect("the fixtures exist");
        entries
            .map(|entry| entry.expect("the folder is readable").path())
            .collect()
    };
    for code in list(&folder().join(kind))
        .iter()
        .filter(|path| path.is_dir())
    {
        let name = code
            .file_name()
            .expect("the path has a name")
            .to_string_lossy();
        for path in list(code) {
            if path.extension().is_some_and(|end| end == "presync") {
                found.push((name.clone().into_owned(), path));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "{kind}");
    found
}

fn is_mark(line: &[u8]) -> bool {
    line.trim_ascii_start().starts_with(MARK)
}

/// A program without its marks.
fn without_marks(text: &[u8]) -> Vec<u8> {
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    lines
        .filter(|line| !is_mark(line))
        .flatten()
        .copied()
        .collect()
}

/// Checks a fixture and the files it uses.
fn check(path: &Path) -> CheckReport {
    let folder = path
        .parent()
        .expect("the file is in a folder")
        .to_path_buf();
    let name = path
        .file_name()
        .expect("the path has a name")
        .to_string_lossy();
    let read = move |path: &str| {
        let text = std::fs::read(folder.join(path))?;
        Ok(without_marks(&text))
    };
    presync::check(presync::parse("", &name, &read).expect("the file is readable"))
}

/// All diagnostics for a fixture.
fn findings(kind: &str, code: &str, path: &Path) -> (CheckReport, Vec<Diagnostic>) {
    let report = check(path);
    if kind == "lints" {
        let mut settings = Settings::default();
        for lint in LINTS {
            let name = lint.code.name;
            settings.set(name, Level::Warn).expect("the lint exists");
        }
        // Also of a program with errors.
        let mut findings = report.findings(&settings);
        findings.retain(|finding| finding.code.name == code);
        return (report, findings);
    }
    let Some(program) = &report.program else {
        let errors = report.diagnostics.clone();
        return (report, errors);
    };
    let findings = {
        let tables = program.compile().expect("the program is small");
        let proofs = presync::prove(program, &tables);
        proofs
            .into_iter()
            .flat_map(|proof| proof.failures)
            .collect()
    };
    (report, findings)
}

/// The mark of a diagnostic and its line, from 1; 0 for another file.
fn mark(diagnostic: &Diagnostic, sources: &Sources) -> (u32, String) {
    let mut text = diagnostic.code.name.to_owned();
    if diagnostic.severity == Severity::Info {
        text.push_str(" (info)");
    }
    let mut line = 0;
    if let Some(location) = diagnostic.location() {
        let file = sources.file(location.file);
        let covered = sources.text(location);
        let mut lines = covered.trim_end().lines();
        let first = presync::visible(lines.next().unwrap_or_default());
        let shown: String = first.chars().take(60).collect();
        let more = if lines.next().is_some() || shown.len() < first.len() {
            "..."
        } else {
            ""
        };
        text.push_str(&format!(" `{shown}{more}`"));
        if location.file.0 == 0 {
            line = file.line(location.span.start);
        } else {
            let path = sources.shown_path(location.file);
            text.push_str(&format!(" in {path}:{}", file.line(location.span.start)));
        }
    }
    let data = &diagnostic.data;
    let state = |state: &StateName| format!("{} {}", state.system, presync::quote(&state.state));
    let states: Vec<String> = data.states.iter().map(state).collect();
    let rules = data.rules.iter().map(|rule| {
        let line = sources.file(rule.file).line(rule.span.start);
        if rule.file.0 == 0 {
            line.to_string()
        } else {
            format!("{}:{line}", sources.shown_path(rule.file))
        }
    });
    let members = [
        ("role", data.role.clone().unwrap_or_default()),
        ("from", data.from.clone().unwrap_or_default()),
        ("to", data.to.clone().unwrap_or_default()),
        ("states", states.join(", ")),
        ("names", data.names.join(", ")),
        ("rules", rules.collect::<Vec<_>>().join(", ")),
    ];
    for (name, value) in members.into_iter().filter(|(_, value)| !value.is_empty()) {
        text.push_str(&format!(" {name}={}", presync::visible(&value)));
    }
    (line, text)
}

/// The expected fixture: the program with the marks of its diagnostics.
fn marked(program: &[u8], marks: &[(u32, String)]) -> Vec<u8> {
    let mut by_line: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    for (line, mark) in marks {
        by_line.entry(*line).or_default().push(mark);
    }
    let mut text = Vec::new();
    let lines: Vec<&[u8]> = program.split_inclusive(|byte| *byte == b'\n').collect();
    let last = lines.len() as u32;
    for (line, bytes) in (1..).zip(&lines) {
        text.extend_from_slice(bytes);
        let mut marks: Vec<&str> = by_line.remove(&line).unwrap_or_default();
        if line == last {
            // Marks for other files, or after the last line.
            marks.extend(std::mem::take(&mut by_line).into_values().flatten());
        }
        if !marks.is_empty() && !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        let indent = bytes.len() - bytes.trim_ascii_start().len();
        for mark in marks {
            text.extend(std::iter::repeat_n(b' ', indent.min(40)));
            text.extend_from_slice(b"//^ ");
            text.extend_from_slice(mark.as_bytes());
            text.push(b'\n');
        }
    }
    text
}

fn compare(kind: &str) {
    let bless = std::env::var_os("PRESYNC_BLESS").is_some();
    let mut wrong = String::new();
    for (code, path) in fixtures(kind) {
        let text = std::fs::read(&path).expect("the file is readable");
        let (report, findings) = findings(kind, &code, &path);
        let marks: Vec<(u32, String)> = findings
            .iter()
            .map(|finding| mark(finding, report.sources()))
            .collect();
        let expected = marked(&without_marks(&text), &marks);
        if bless {
            std::fs::write(&path, &expected).expect("the file is writable");
        } else if expected != text {
            wrong.push_str(&format!(
                "{}\n{}\n",
                path.display(),
                String::from_utf8_lossy(&expected)
            ));
        }
    }
    assert!(wrong.is_empty(), "current diagnostics:\n{wrong}");
}

#[test]
fn errors_are_where_the_marks_are() {
    compare("errors");
}

#[test]
fn lints_are_where_the_marks_are() {
    compare("lints");
}

/// The folder of each code has a fixture with that code; the folder of a lint also has one without.
#[test]
fn every_code_has_fixtures() {
    for (kind, codes) in [
        (
            "errors",
            presync::codes()
                .filter(|code| code.default.is_none())
                .collect::<Vec<_>>(),
        ),
        ("lints", LINTS.iter().map(|lint| &lint.code).collect()),
    ] {
        let all = fixtures(kind);
        for code in codes.into_iter().filter(|code| !code.bad.is_empty()) {
            let of = all.iter().filter(|(name, _)| *name == code.name);
            let (found, clean): (Vec<_>, Vec<_>) = of.partition(|(_, path)| {
                let (_, findings) = findings(kind, code.name, path);
                findings.iter().any(|finding| finding.code == code)
            });
            assert!(!found.is_empty(), "no fixture has {code}");
            assert!(
                kind == "errors" || !clean.is_empty(),
                "no fixture is without {code}"
            );
        }
        for (name, path) in &all {
            assert!(
                presync::code(name).is_some(),
                "{}: unknown code",
                path.display()
            );
        }
    }
}

/// Messages, labels and helps of every fixture, which the marks do not contain.
#[test]
fn messages() {
    let mut shown = String::new();
    for kind in ["errors", "lints"] {
        for (code, path) in fixtures(kind) {
            let (_, findings) = findings(kind, &code, &path);
            let name = path
                .file_stem()
                .expect("the path has a name")
                .to_string_lossy();
            if findings.is_empty() {
                continue;
            }
            shown.push_str(&format!("{code}/{name}\n"));
            for finding in findings {
                shown.push_str(&format!("  {}: {}\n", finding.code, finding.message));
                let labels = finding
                    .labels
                    .iter()
                    .map(|label| format!("    - {}\n", label.message));
                shown.extend(labels);
                for text in finding.notes.iter().chain(&finding.help) {
                    shown.push_str(&format!("    = {}\n", text.replace('\n', "\n      ")));
                }
            }
        }
    }
    snapshot("messages", &shown);
}

pub fn snapshot(name: &str, shown: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path("snapshots");
    settings.bind(|| insta::assert_snapshot!(name, shown));
}

/// The bad example of each code as shown in a terminal, 80 columns wide and without colors.
#[test]
fn renderings() {
    for code in presync::codes().filter(|code| !code.bad.is_empty()) {
        let file = tempfile::tempdir().expect("a temporary folder can be created");
        let path = file.path().join("main.presync");
        std::fs::write(&path, example_bytes(code)).expect("the file is writable");
        let kind = if code.default.is_some() {
            "lints"
        } else {
            "errors"
        };
        let (report, findings) = findings(kind, code.name, &path);
        let all = findings.iter().map(|finding| (finding, report.sources()));
        let style = presync_report::Style {
            width: 80,
            colored: false,
        };
        let drawn = presync_report::draw(all, style, &NoPlaces);
        let example: String = code
            .bad
            .chars()
            .filter(|c| !presync::is_hidden(*c))
            .collect();
        let shown = format!("{}\n────────\n{drawn}", example.trim_end());
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.set_snapshot_path("snapshots/renderings");
        settings.bind(|| insta::assert_snapshot!(code.name, shown));
    }
}

struct NoPlaces;

impl presync_report::Places for NoPlaces {
    fn project_path(&self, shown: &str) -> String {
        shown.to_owned()
    }

    fn link(&self, _: &str) -> Option<String> {
        None
    }
}

/// The example of `not-utf8` stands for a byte that cannot be in a string.
fn example_bytes(code: &presync::Code) -> Vec<u8> {
    let mut bytes = code.bad.as_bytes().to_vec();
    if let Some(at) = code.bad.find('\u{fffd}') {
        bytes.splice(at..at + '\u{fffd}'.len_utf8(), [0xfc]);
    }
    bytes
}

/// A program of more than three lines is a fixture: not a string in a test.
#[test]
fn programs_are_files() {
    const DECLARATIONS: [&str; 11] = [
        "use",
        "system",
        "extend",
        "group",
        "flag",
        "choice",
        "condition",
        "mapping",
        "profile",
        "role",
        "test",
    ];
    fn literals(code: proc_macro2::TokenStream, found: &mut Vec<String>) {
        for token in code {
            match token {
                proc_macro2::TokenTree::Group(group) => literals(group.stream(), found),
                proc_macro2::TokenTree::Literal(literal) => found.push(literal.to_string()),
                _ => {}
            }
        }
    }
    let mut wrong = String::new();
    for file in crate::words::files("tests", ".rs") {
        let code = std::fs::read_to_string(&file).expect("the file is readable");
        let mut found = Vec::new();
        literals(code.parse().expect("it is Rust"), &mut found);
        for literal in found {
            let text = literal.replace("\\\n", "").replace("\\r", "");
            let text = text.replace("\\n", "\n");
            let lines = text
                .trim_matches(['r', 'b', '#', '"'])
                .lines()
                .map(str::trim);
            let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
            let declares = |line: &&&str| {
                let first = line.split(' ').next().unwrap_or_default();
                DECLARATIONS.contains(&first)
            };
            if lines.len() > 3 && lines.iter().filter(declares).count() > 1 {
                wrong.push_str(&format!("{}: {literal}\n", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "programs in strings:\n{wrong}");
}
