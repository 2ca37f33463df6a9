//! The formats of `check`, each on four inputs, and the terminals they are read on.

use crate::common;

use std::path::Path;

use common::text;

const FORMATS: [&str; 8] = [
    "human", "plain", "json", "sarif", "github", "gitlab", "junit", "agent",
];

const CLEAN: &str = include_str!("../fixtures/programs/clean.presync");

/// A finding with another file's label, one with a repair, one with a name that every format has to escape.
const FINDINGS: &str = include_str!("../fixtures/programs/findings.presync");

const BROKEN: &str = include_str!("../fixtures/programs/two-errors.presync");

const ALLOW: &str = include_str!("../fixtures/programs/allowed.presync");

const INPUTS: [(&str, &str); 4] = [
    ("clean", CLEAN),
    ("findings", FINDINGS),
    ("broken", BROKEN),
    ("allow", ALLOW),
];

fn folder(content: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    std::fs::write(folder.path().join("a.presync"), content).expect("it can be written");
    folder
}

fn check(folder: &Path, arguments: &[&str]) -> (String, String) {
    let output = common::presync(folder, &[&["check", "a.presync"], arguments].concat(), b"");
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn each_format_on_four_inputs() {
    for format in FORMATS {
        let mut shown = String::new();
        for (name, content) in INPUTS {
            let (out, err) = check(folder(content).path(), &["--format", format]);
            shown.push_str(&format!(
                "──── {name}\n{}",
                out.replace(env!("CARGO_PKG_VERSION"), "[version]")
            ));
            shown.push_str(&format!("──── {name}, standard error\n{err}"));
        }
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.set_snapshot_path("snapshots/formats");
        settings.bind(|| insta::assert_snapshot!(format, shown));
    }
}

#[test]
fn sarif_is_valid() {
    let schema = std::fs::read_to_string(common::root().join("tests/schemas/sarif-2.1.0.json"))
        .expect("it is there");
    // The published schema has a bracket in one pattern that only lenient engines read.
    let schema = schema.replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}\\\\]?$");
    let schema = serde_json::from_str(&schema).expect("it is JSON");
    let validator = jsonschema::validator_for(&schema).expect("it is a schema");
    assert!(
        !validator
            .is_valid(&serde_json::json!({ "version": "2.1.0", "runs": [{ "results": [] }] }))
    );
    for (name, content) in INPUTS {
        let (out, _) = check(folder(content).path(), &["--format", "sarif"]);
        let log: serde_json::Value = serde_json::from_str(&out).expect("it is JSON");
        let errors: Vec<String> = validator
            .iter_errors(&log)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
        let run = &log["runs"][0];
        for result in run["results"].as_array().expect("there is a list") {
            let rule = result["ruleIndex"]
                .as_u64()
                .expect("every code is described") as usize;
            assert_eq!(run["tool"]["driver"]["rules"][rule]["id"], result["ruleId"]);
        }
    }
}

/// By code, what a format says it is known by.
fn fingerprints(content: &str) -> Vec<(String, String)> {
    let (out, _) = check(folder(content).path(), &["--format", "gitlab"]);
    let issues: Vec<serde_json::Value> = serde_json::from_str(&out).expect("it is a list");
    let text = |value: &serde_json::Value| value.as_str().expect("it is a text").to_owned();
    let mut found: Vec<(String, String)> = issues
        .iter()
        .map(|issue| (text(&issue["check_name"]), text(&issue["fingerprint"])))
        .collect();
    found.sort();
    found
}

#[test]
fn fingerprints_survive_moved_lines() {
    let before = fingerprints(FINDINGS);
    let moved = FINDINGS
        .replace("profile", "\n\n// moved\nprofile")
        .replace("    cic", "  cic");
    assert_eq!(fingerprints(&moved), before);
    let mut alone: Vec<&String> = before.iter().map(|(_, fingerprint)| fingerprint).collect();
    alone.sort();
    alone.dedup();
    assert_eq!(alone.len(), before.len(), "no two are alike");
    assert_ne!(
        fingerprints(&FINDINGS.replace("on, call", "off, call")),
        before
    );
}

#[test]
fn github_commands_cannot_be_injected() {
    let source = "use cic_lync\nflag \"a\\u{a}::error::gotcha %\"\nprofile P { cic Available -> lync Available }\n";
    let (out, _) = check(folder(source).path(), &["--format", "github"]);
    assert!(
        out.lines()
            .all(|line| line.starts_with("::warning file=a.presync,")),
        "{out}"
    );
    assert!(!out.lines().any(|line| line.contains("\n::error")), "{out}");
}

/// Runs with other surroundings.
fn check_with(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> (String, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_presync"))
        .args(["check", "a.presync"])
        .args(arguments)
        .current_dir(folder)
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .envs(variables.iter().copied())
        .output()
        .expect("it runs");
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn colors_follow_the_environment() {
    let folder = folder(FINDINGS);
    let colored = |variables: &[(&str, &str)], arguments: &[&str]| {
        check_with(folder.path(), variables, arguments)
            .0
            .contains('\u{1b}')
    };
    assert!(!colored(&[], &[]), "a pipe");
    assert!(colored(&[("CLICOLOR_FORCE", "1")], &[]));
    assert!(colored(&[], &["--color", "always"]));
    assert!(!colored(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &[]));
    assert!(!colored(&[("TERM", "dumb")], &[]));
    assert!(!colored(&[("CLICOLOR_FORCE", "1")], &["--color", "never"]));
    for format in &FORMATS[1..] {
        let (out, _) = check_with(
            folder.path(),
            &[("CLICOLOR_FORCE", "1")],
            &["--format", format],
        );
        assert!(!out.contains('\u{1b}'), "{format} is data");
    }
    // Colours come with links that a terminal opens.
    let (out, _) = check_with(folder.path(), &[], &["--color", "always"]);
    assert!(out.contains("\u{1b}]8;;file:///"), "{out:?}");
}

#[test]
fn narrow_and_wide_terminals() {
    let folder = folder(FINDINGS);
    let widest = |columns: &str| {
        let (out, _) = check_with(folder.path(), &[("COLUMNS", columns)], &[]);
        // The source is shown as it is; what is said about it is wrapped.
        let said = out
            .lines()
            .filter(|line| !line.contains('│') && !line.contains('╰') && !line.contains('─'));
        said.map(|line| line.chars().count())
            .max()
            .unwrap_or_default()
    };
    assert!(widest("200") > widest("60"));
    // Names in quotes are never torn apart, so that what is to be pasted stays right.
    assert!(widest("40") < 60, "{}", widest("40"));
    for columns in ["", "0", "-1", "99999999999999999999"] {
        let (_, err) = check_with(folder.path(), &[("COLUMNS", columns)], &[]);
        assert!(err.contains("checked 1 program"), "{columns:?}");
    }
}

#[test]
fn windows_line_ends_and_paths() {
    let folder = folder(&FINDINGS.replace('\n', "\r\n"));
    let (out, _) = check(folder.path(), &["--format", "agent"]);
    let (unix, _) = check(self::folder(FINDINGS).path(), &["--format", "agent"]);
    assert_eq!(out, unix);
    let odd = "b\\c d#.presync";
    std::fs::write(folder.path().join(odd), BROKEN).expect("it can be written");
    let output = common::presync(folder.path(), &["check", odd, "--format", "sarif"], b"");
    let uri = if cfg!(windows) {
        "b/c%20d%23.presync"
    } else {
        "b%5Cc%20d%23.presync"
    };
    assert!(text(&output.stdout).contains(&format!("\"uri\": \"{uri}\"")));
}

#[test]
fn two_hundred_findings_stay_readable() {
    let flags: String = (0..200).map(|at| format!("flag f{at}\n")).collect();
    let folder = folder(&format!("{flags}{CLEAN}"));
    let (out, err) = check(folder.path(), &["--statistics"]);
    assert_eq!(
        out,
        "  200  unused                a group, condition, mapping, profile or flag is never used\n"
    );
    assert_eq!(
        err,
        "checked 1 program: 200 warnings; 200 fixable with `--fix --unsafe` (changes decisions; preview with `--diff --unsafe`)\n"
    );
    let (out, _) = check(folder.path(), &["--format", "agent"]);
    let lines: Vec<u32> = out
        .lines()
        .filter_map(|line| line.split(':').nth(1))
        .filter_map(|line| line.parse().ok())
        .collect();
    assert_eq!(
        lines,
        (1..=200).collect::<Vec<_>>(),
        "in the order of the file"
    );
}
