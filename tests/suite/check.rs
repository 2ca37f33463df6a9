//! The other features of `check`: fixes, suppressions, the baseline, settings, watching.

use crate::common;

use std::path::Path;

use common::text;

const PROFILE: &str = include_str!("../fixtures/programs/clean.presync");

/// A program with one safe fix, and one that changes decisions.
const FIXABLE: &str = include_str!("../fixtures/programs/two-fixes.presync");

fn folder(content: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    write(folder.path(), "a.presync", content);
    folder
}

fn write(folder: &Path, name: &str, content: &str) {
    std::fs::write(folder.join(name), content).expect("the file is writable");
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).expect("the file is readable")
}

fn check(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = common::presync(folder, &[&["check"], arguments].concat(), b"");
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

fn codes(folder: &Path, arguments: &[&str]) -> Vec<String> {
    let (_, out, err) = check(folder, &[&["--format", "agent"], arguments].concat());
    let code = |line: &str| line.split(['[', ']']).nth(1).unwrap_or_default().to_owned();
    assert!(!err.contains("error"), "{err}");
    out.lines().map(code).collect()
}

#[test]
fn safe_fixes_change_no_decision() {
    let folder = folder(FIXABLE);
    let (code, out, _) = check(folder.path(), &["--diff"]);
    assert_eq!(code, Some(1));
    assert!(out.contains(
        "-    cic \"available, no acd\" -> lync Available\n+    cic \"Available, No ACD\" -> lync Available\n"
    ));
    assert_eq!(
        read(folder.path(), "a.presync"),
        FIXABLE,
        "--diff writes nothing"
    );
    let (code, _, err) = check(folder.path(), &["--fix"]);
    assert_eq!(code, Some(0));
    assert!(err.starts_with("fixed 1 finding\n"), "{err}");
    assert!(
        err.ends_with("; 1 fixable with `--fix --unsafe` (may change decisions; preview with `--diff --unsafe`)\n"),
        "{err}"
    );
    assert_eq!(codes(folder.path(), &[]), ["unsafe-round-trip"]);
    let (code, _, err) = check(folder.path(), &["--fix", "--unsafe"]);
    assert_eq!(
        (code, err.lines().last()),
        (Some(0), Some("checked 1 program: no findings"))
    );
    assert!(read(folder.path(), "a.presync").contains("override lync Available -> cic unchanged"));
    assert_eq!(check(folder.path(), &["--unsafe"]).0, Some(2));
}

/// Files and declarations can be in any order: an extension can come before its system or before another extension.
#[test]
fn an_extension_can_come_before_its_system() {
    let folder = folder("use cic_lync\nextend system cic { state Coaching { dnd } }\n");
    write(
        folder.path(),
        "b.presync",
        "extend system desk { state Away { slow, fast } }\nsystem desk { attributes fast state Here }\n\
         extend system desk { attributes slow }\n",
    );
    let (code, out, err) = check(folder.path(), &[]);
    assert!(
        !out.contains("unknown-attribute") && !err.contains("error"),
        "{out}{err}"
    );
    assert_ne!(code, Some(2));
    write(
        folder.path(),
        "b.presync",
        "extend system desk { attributes fast }\nsystem desk { attributes fast state Here }\n",
    );
    let (_, out, err) = check(folder.path(), &["--format", "agent"]);
    assert!(
        out.contains("b.presync:1:33: error[duplicate-definition]"),
        "{out}{err}"
    );
}

#[test]
fn a_declaration_takes_several_allows() {
    let folder = folder(&format!(
        "{PROFILE}@allow(unused) @allow(gap)\n@allow(dead-rule)\nflag idle\n"
    ));
    assert_eq!(codes(folder.path(), &[]), ["unused-allow", "unused-allow"]);
}

#[test]
fn overlapping_fixes_finish() {
    // A chain of unused conditions: each can be removed only after the one that uses it.
    let chain: String = (1..20)
        .map(|at| format!("condition c{at} = c{} or in_queue\n", at - 1))
        .collect();
    let source = format!(
        "{PROFILE}condition c0 = in_queue\n{chain}@allow(gap) @allow(dead-rule)\ngroup cic.g = Available\n"
    );
    let folder = folder(&source);
    let (code, _, err) = check(folder.path(), &["--fix"]);
    assert_eq!(
        (code, err.lines().last()),
        (Some(0), Some("checked 1 program: no findings")),
        "{err}"
    );
    assert_eq!(read(folder.path(), "a.presync"), PROFILE);
}

#[test]
fn misspelled_keywords_are_replaced() {
    let source = include_str!("../fixtures/errors/syntax/misspelt-declarations.presync");
    let folder = folder(source);
    assert_eq!(codes(folder.path(), &[]), ["syntax", "syntax", "syntax"]);
    check(folder.path(), &["--fix", "--unsafe"]);
    let fixed = read(folder.path(), "a.presync");
    for (wrong, right) in [
        ("condtion", "condition"),
        ("grup", "group"),
        ("tset", "test"),
    ] {
        let lines = |word: &str| {
            let mut lines = fixed.lines();
            lines.any(|line| line.starts_with(word))
        };
        assert!(lines(right) && !lines(wrong), "{fixed}");
    }
    assert!(codes(folder.path(), &[]).is_empty());
}

#[test]
fn a_fix_that_would_cause_an_error_is_not_applied() {
    // The plain rule never decides a change, but the override needs it, so no fix is offered.
    let source = include_str!("../fixtures/programs/needed-dead-rule.presync");
    let folder = folder(source);
    assert_eq!(codes(folder.path(), &[]), ["dead-rule"]);
    let (_, _, err) = check(folder.path(), &["--fix"]);
    assert!(err.ends_with("checked 1 program: 1 warning\n"), "{err}");
    assert_eq!(read(folder.path(), "a.presync"), source);
}

#[test]
fn files_shared_by_programs_are_fixed_once() {
    let folder = folder("use \"shared.presync\"\nrole \"A\" uses \"Voice\"\n");
    write(
        folder.path(),
        "b.presync",
        "use \"shared.presync\"\nrole \"B\" uses \"Voice\"\n",
    );
    write(folder.path(), "shared.presync", FIXABLE);
    let (_, _, err) = check(folder.path(), &["--fix"]);
    assert!(err.starts_with("fixed 1 finding\n"), "{err}");
    assert_eq!(
        read(folder.path(), "shared.presync"),
        FIXABLE.replace("available, no acd", "Available, No ACD")
    );
}

#[test]
fn files_that_are_not_named_are_not_changed() {
    // The mapping is used by another program, which is not part of the command.
    let folder = folder(&PROFILE.replace("use cic_lync", "use \"lib.presync\""));
    let library = "use cic_lync\nmapping two { cic \"At Lunch\" -> lync Away }\n";
    write(folder.path(), "lib.presync", library);
    write(
        folder.path(),
        "b.presync",
        "use \"lib.presync\"\nprofile B { apply two }\n",
    );
    assert_eq!(codes(folder.path(), &["a.presync"]), ["unused"]);
    let (_, _, err) = check(folder.path(), &["a.presync", "--fix"]);
    assert_eq!(read(folder.path(), "lib.presync"), library, "{err}");
}

#[test]
fn the_baseline_is_independent_of_the_working_directory() {
    let folder = folder(FIXABLE);
    std::fs::create_dir(folder.path().join("d")).expect("it can be created");
    write(folder.path(), "presync.toml", "paths = [\".\"]\n");
    check(
        folder.path(),
        &["--baseline", "known.json", "--write-baseline"],
    );
    let whole = folder.path().display().to_string();
    for (place, path) in [
        ("d", ".."),
        (".", whole.as_str()),
        (".", "a.presync"),
        ("d", "../d/../a.presync"),
    ] {
        let record = folder.path().join("known.json").display().to_string();
        let (_, _, err) = check(&folder.path().join(place), &[path, "--baseline", &record]);
        assert!(
            err.starts_with("in the baseline, not shown: 2 findings\n"),
            "{place} {path}: {err}"
        );
        // Paths for other systems are relative to the root of the project.
        let (_, out, _) = check(&folder.path().join(place), &[path, "--format", "sarif"]);
        assert!(
            out.contains("\"uri\": \"a.presync\""),
            "{place} {path}: {out}"
        );
    }
}

#[test]
fn standard_input_is_fixed_to_standard_output() {
    let output = common::presync(
        &common::root(),
        &["check", "-", "--fix"],
        FIXABLE.as_bytes(),
    );
    assert_eq!(
        text(&output.stdout),
        FIXABLE.replace("available, no acd", "Available, No ACD")
    );
}

#[test]
fn allows_are_added_at_findings() {
    let folder = folder(FIXABLE);
    let (code, _, err) = check(folder.path(), &["--add-allow=checked by \"us\""]);
    assert_eq!(
        (code, err.as_str()),
        (Some(0), "added 2 `@allow`, 0 findings remaining\n")
    );
    let text = read(folder.path(), "a.presync");
    for (code, rule) in [
        ("unsafe-round-trip", "cic Available <->"),
        ("state-case", "cic \"available, no acd\" ->"),
    ] {
        let allowed = format!("\n    @allow({code}, \"checked by \\\"us\\\"\")\n    {rule}");
        assert!(text.contains(&allowed), "{text}");
    }
    assert_eq!(codes(folder.path(), &[]), Vec::<String>::new());
    // Without a reason, which a lint can require.
    let folder = self::folder(FIXABLE);
    check(folder.path(), &["--add-allow"]);
    assert_eq!(
        codes(folder.path(), &["--level", "missing-reason=warn"]),
        ["missing-reason", "missing-reason"]
    );
}

#[test]
fn a_baseline_hides_known_findings() {
    let folder = folder(FIXABLE);
    let known = ["--baseline", "known.json", "--deny-warnings"];
    let check = |more: &[&str]| check(folder.path(), &[&known[..], more].concat());
    // A misspelled record is not an empty one.
    let (code, _, err) = check(&[]);
    assert_eq!(code, Some(2));
    assert!(
        err.contains("cannot read the baseline `known.json`: file not found"),
        "{err}"
    );
    let (code, _, err) = check(&["--write-baseline"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(
        err.starts_with("recorded 2 findings in known.json\n"),
        "{err}"
    );
    // Lines move, and a new finding appears.
    write(
        folder.path(),
        "a.presync",
        &format!("// moved\n\nflag late\n{FIXABLE}"),
    );
    let (code, out, err) = check(&[]);
    assert_eq!(code, Some(1));
    assert!(
        err.starts_with("in the baseline, not shown: 2 findings\n")
            && out.contains("flag `late` is never used"),
        "{out}{err}"
    );
    write(folder.path(), "a.presync", PROFILE);
    let (code, _, err) = check(&[]);
    assert!(
        code == Some(0)
            && err.starts_with(
                "in the baseline, not shown: 0 findings; 2 in the baseline no longer occur"
            ),
        "{err}"
    );
    // Only files that were checked can have lost a finding.
    write(folder.path(), "other.presync", PROFILE);
    let (_, _, err) = check(&["other.presync"]);
    assert!(!err.contains("no longer"), "{err}");
    // Errors are never part of the baseline.
    write(folder.path(), "a.presync", "flag = 1\n");
    assert_eq!(check(&[]).0, Some(1));
    assert_eq!(check(&["--write-baseline"]).0, Some(1));
    for wrong in ["{}", "{\"version\": 2, \"findings\": {}}", "", "[]"] {
        write(folder.path(), "known.json", wrong);
        assert_eq!(check(&[]).0, Some(2), "{wrong}");
    }
    // A checked file is not overwritten.
    let (code, _, err) = self::check(
        folder.path(),
        &["--baseline", "a.presync", "--write-baseline"],
    );
    assert_eq!(
        (code, read(folder.path(), "a.presync")),
        (Some(2), "flag = 1\n".to_owned()),
        "{err}"
    );
}

#[test]
fn a_baseline_knows_what_a_finding_is_about() {
    let rules = |states: &[&str]| {
        let rules: String = states
            .iter()
            .map(|state| format!("  cic {state} -> lync Away\n"))
            .collect();
        format!("use cic_lync\nprofile \"P\" {{\n{rules}}}\n")
    };
    let folder = folder(&rules(&["Available"]));
    let known = ["--baseline", "known.json", "--deny-warnings"];
    let check = || check(folder.path(), &known);
    self::check(folder.path(), &[&known[..], &["--write-baseline"]].concat());
    // 16 states without a rule become 15.
    write(
        folder.path(),
        "a.presync",
        &rules(&["Available", "\"At Lunch\""]),
    );
    let (code, out, err) = check();
    assert_eq!(code, Some(0), "{out}{err}");
    // The layout changes.
    let text = read(folder.path(), "a.presync").replace('\n', "\r\n  ");
    write(folder.path(), "a.presync", &text.replace("->", "   ->\n"));
    let (code, out, err) = check();
    assert_eq!(code, Some(0), "{out}{err}");
    // Another state than before is new.
    write(folder.path(), "a.presync", &rules(&["\"At Lunch\""]));
    let (code, out, err) = check();
    assert_eq!(code, Some(1), "{out}{err}");
}

/// A round trip is known by the rule back and the states, not by a rule that leads there.
#[test]
fn a_baseline_knows_a_round_trip_by_its_way_back() {
    let rules = |states: &[&str]| {
        let there = states
            .iter()
            .map(|state| format!("cic {state} -> lync Away"));
        let back = "lync Away -> cic Available".to_owned();
        let rules = there.chain([back]).collect::<Vec<_>>().join(" ");
        format!("use cic_lync profile P {{ {rules} }}")
    };
    let folder = folder(&rules(&["\"At Lunch\"", "\"Gone Home\""]));
    write(
        folder.path(),
        "presync.toml",
        "[lints]\nambiguous-return = \"off\"\ngap = \"off\"\n",
    );
    let known = ["--baseline", "known.json", "--deny-warnings"];
    let check = || check(folder.path(), &known);
    self::check(folder.path(), &[&known[..], &["--write-baseline"]].concat());
    for states in [&["\"Gone Home\"", "\"At Lunch\""][..], &["\"Gone Home\""]] {
        write(folder.path(), "a.presync", &rules(states));
        let (code, out, err) = check();
        assert_eq!(code, Some(0), "{states:?}: {out}{err}");
    }
    // Another way back is new.
    let text =
        read(folder.path(), "a.presync").replace("cic Available", "cic \"Available, No ACD\"");
    write(folder.path(), "a.presync", &text);
    let (code, out, err) = check();
    assert_eq!(code, Some(1), "{out}{err}");
}

#[test]
fn settings_come_from_the_nearest_file_above() {
    let folder = folder(FIXABLE);
    let inner = folder.path().join("profiles/deep");
    std::fs::create_dir_all(&inner).expect("it can be created");
    std::fs::rename(folder.path().join("a.presync"), inner.join("a.presync"))
        .expect("the file can be moved");
    write(
        folder.path(),
        "presync.toml",
        "paths = [\"profiles\"]\nformat = \"agent\"\n[lints]\nstate-case = \"error\"\n",
    );
    let (code, out, _) = check(folder.path(), &[]);
    assert_eq!(code, Some(1));
    assert!(
        out.contains("profiles/deep/a.presync:4:9: error[state-case]"),
        "{out}"
    );
    // Also found from a subdirectory; the command line takes precedence.
    let (code, out, _) = check(&inner, &["--level", "state-case=off", "--format", "json"]);
    assert!(
        code == Some(0) && out.starts_with("{\"diagnostics\""),
        "{out}"
    );
    // A nearer file replaces the other one completely.
    write(
        &inner,
        "presync.toml",
        "protected-attributes = [\"until\"]\n",
    );
    let (_, out, _) = check(folder.path(), &[]);
    assert!(
        !out.contains("round-trip]"),
        "the round trip changes no protected attribute: {out}"
    );
    write(&inner, "presync.toml", "protected-attributes = [\"acd\"]\n");
    let (_, out, _) = check(folder.path(), &["--format", "human"]);
    assert!(out.contains("unsafe-round-trip"), "{out}");
}

#[test]
fn invalid_settings_are_reported() {
    let folder = folder(PROFILE);
    for (settings, wanted) in [
        (
            "formt = \"json\"",
            "unknown setting `formt`: did you mean `format`?",
        ),
        (
            "colour = true",
            "unknown setting `colour`: known settings are paths, exclude, format, protected-attributes, lints, overrides",
        ),
        ("format = \"xml\"", "xml"),
        ("paths = 1", "paths"),
        (
            "[lints]\ngapp = \"error\"",
            "unknown lint `gapp`: did you mean `gap`?",
        ),
        (
            "[lints]\ngap = \"loud\"",
            "lint `gap`: unknown level `loud`: use `off`, `warn` or `error`",
        ),
        (
            "[lints]\nconflict = \"warn\"",
            "`conflict` is an error, and errors have no level",
        ),
        (
            "[[overrides]]\npaths = [\"a\"]\nlints = {}\nfoo = 1",
            "unknown setting `foo` in `[[overrides]]`: known settings are paths, lints",
        ),
        (
            "format = \"humna\"",
            "unknown format `humna`: did you mean `human`?",
        ),
        ("= 1", "presync.toml"),
        (
            "protected-attributes = [\"adc\"]",
            "no system has an attribute `adc`: did you mean `acd`?",
        ),
    ] {
        write(folder.path(), "presync.toml", settings);
        let (code, _, err) = check(folder.path(), &[]);
        assert_eq!(code, Some(2), "{settings}");
        assert!(err.contains(wanted), "{settings}: {err}");
    }
}

/// Old names of lints are errors that show the current name, and `--fix` replaces them.
#[test]
fn old_names_of_lints_and_levels_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    let program = include_str!("../fixtures/programs/old-lint-name.presync");
    let file = folder.path().join("a.presync");
    std::fs::write(&file, program).expect("the file is writable");
    let check = |arguments: &[&str]| {
        let output = common::presync(folder.path(), arguments, b"");
        let shown = text(&output.stdout) + &text(&output.stderr);
        (output.status.code(), shown)
    };
    let levels = ["--level=gap=off", "--level=ambiguous-return=off"];
    let (code, output) = check(&[
        "check",
        "a.presync",
        levels[0],
        levels[1],
        "--level=unused-allow=off",
        "--level=ping-pong=off",
        "--format=plain",
    ]);
    assert_eq!(code, Some(1), "{output}");
    assert!(
        output.contains("the lint `unsafe-collapse` is now called `unsafe-round-trip`"),
        "{output}"
    );
    let (code, output) = check(&["check", "a.presync", levels[0], levels[1], "--fix"]);
    assert_eq!(code, Some(0), "{output}");
    let fixed = std::fs::read_to_string(&file).expect("it exists");
    assert_eq!(
        fixed,
        program.replace("unsafe-collapse", "unsafe-round-trip")
    );
    for (level, wanted) in [
        (
            "collapse=warn",
            "the lint `collapse` is now called `lossy-round-trip`",
        ),
        ("gap=deny", "the level `deny` is now called `error`"),
        ("gap=allow", "the level `allow` is now called `off`"),
        ("gap=warning", "the level `warning` is now called `warn`"),
        (
            "colapse=warn",
            "unknown lint `colapse`: did you mean `lossy-round-trip`?",
        ),
        (
            "conflict=warn",
            "`conflict` is an error, and errors have no level",
        ),
        ("xyz=warn", "unknown lint `xyz`"),
        (
            "gap=loud",
            "unknown level `loud`: use `off`, `warn` or `error`",
        ),
    ] {
        let (code, output) = check(&["check", "a.presync", &format!("--level={level}")]);
        assert!(code == Some(2) && output.contains(wanted), "{output}");
        let (lint, level) = level
            .split_once('=')
            .expect("the level has the form lint=level");
        let settings = format!("[lints]\n{lint} = \"{level}\"\n");
        std::fs::write(folder.path().join("presync.toml"), settings).expect("the file is writable");
        let (code, output) = check(&["check", "a.presync"]);
        assert!(code == Some(2) && output.contains(wanted), "{output}");
        std::fs::remove_file(folder.path().join("presync.toml")).expect("it exists");
    }
    let (code, output) = check(&["explain", "collapse"]);
    assert_eq!(code, Some(2));
    assert!(
        output.contains("the lint `collapse` is now called `lossy-round-trip`"),
        "{output}"
    );
}
