//! The output formats of `check`, each on four inputs, and terminal settings.

use crate::common;

use std::path::Path;

use common::text;

const FORMATS: [&str; 8] = [
    "human", "plain", "json", "sarif", "github", "gitlab", "junit", "agent",
];

const CLEAN: &str = include_str!("../fixtures/programs/clean.presync");

/// A finding with a label in another file, one with a fix, one with a name that every format must escape.
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
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    std::fs::write(folder.path().join("a.presync"), content).expect("the file is writable");
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
        .expect("it exists");
    // One pattern of the published schema has a bracket that only lenient engines accept.
    let schema = schema.replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}\\\\]?$");
    let schema = serde_json::from_str(&schema).expect("valid JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is valid");
    assert!(
        !validator
            .is_valid(&serde_json::json!({ "version": "2.1.0", "runs": [{ "results": [] }] }))
    );
    for (name, content) in INPUTS {
        let (out, _) = check(folder(content).path(), &["--format", "sarif"]);
        let log: serde_json::Value = serde_json::from_str(&out).expect("valid JSON");
        let errors: Vec<String> = validator
            .iter_errors(&log)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
        let run = &log["runs"][0];
        for result in run["results"].as_array().expect("a run has results") {
            let rule = result["ruleIndex"]
                .as_u64()
                .expect("every code is described") as usize;
            assert_eq!(run["tool"]["driver"]["rules"][rule]["id"], result["ruleId"]);
        }
    }
}

/// The fingerprint of each finding, by code.
fn fingerprints(content: &str) -> Vec<(String, String)> {
    let (out, _) = check(folder(content).path(), &["--format", "gitlab"]);
    let issues: Vec<serde_json::Value> = serde_json::from_str(&out).expect("the output is a list");
    let text =
        |value: &serde_json::Value| value.as_str().expect("the member is a string").to_owned();
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
    assert_eq!(alone.len(), before.len(), "all fingerprints differ");
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

/// Runs `check` with environment variables.
fn check_with(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> (String, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_presync"))
        .args(["check", "a.presync"])
        .args(arguments)
        .current_dir(folder)
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .envs(variables.iter().copied())
        .output()
        .expect("the binary starts");
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
    assert!(!colored(&[], &[]), "no colors in a pipe");
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
        assert!(!out.contains('\u{1b}'), "no colors in {format}");
    }
    // With colors, there are links for the terminal.
    let (out, _) = check_with(folder.path(), &[], &["--color", "always"]);
    assert!(out.contains("\u{1b}]8;;file:///"), "{out:?}");
}

#[test]
fn narrow_and_wide_terminals() {
    let folder = folder(FINDINGS);
    let widest = |columns: &str| {
        let (out, _) = check_with(folder.path(), &[("COLUMNS", columns)], &[]);
        // Source lines and rules to paste are shown unchanged; the text around them is wrapped.
        let text_lines = out
            .lines()
            .filter(|line| !line.contains(['│', '╰', '─']) && !line.starts_with("            "));
        text_lines
            .map(|line| line.chars().count())
            .max()
            .unwrap_or_default()
    };
    assert!(widest("200") > widest("60"));
    // Quoted names are never wrapped, so that they can be copied.
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
    std::fs::write(folder.path().join(odd), BROKEN).expect("the file is writable");
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
        "  200  unused                a declaration, `use`, appendix or state of an extension is never used\n"
    );
    assert_eq!(
        err,
        "checked 1 program: 200 warnings; 200 fixable with `--fix --unsafe` (may change decisions; preview with `--diff --unsafe`)\n"
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
