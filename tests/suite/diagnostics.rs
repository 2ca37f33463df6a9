//! Diagnostics for which fixtures would be too many or too large: what users of other languages write, one line each.

use presync::{LINTS, Level};

use crate::common;
use crate::fixtures::snapshot;

#[test]
fn windows_line_endings_are_accepted() {
    let output = common::presync(
        &common::root(),
        &["check", "-", "--format", "json"],
        b"use cic_lync\r\nprofile \"P\" {\r\n    cic Availabel -> lync Away }\r\n",
    );
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("valid JSON");
    assert_eq!(json["diagnostics"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        json["diagnostics"][0]["range"]["start"],
        serde_json::json!({ "line": 3, "column": 9 })
    );
}

/// The reference lists each lint with its level.
#[test]
fn lints_are_in_the_reference() {
    let reference = std::fs::read_to_string(common::root().join("docs/language.md"))
        .expect("the reference exists");
    for lint in LINTS {
        let level = lint.code.default.map_or("error", Level::as_str);
        let row = format!("| `{}` | {level} | {} |", lint.code, lint.code.summary);
        assert!(
            reference.contains(&row),
            "docs/language.md has no row {row}"
        );
    }
}

/// What users of other languages write, with all diagnostics.
#[test]
fn mistakes() {
    let before = "use cic_lync\nprofile P { cic Available -> lync Busy }\nrole R uses P\n";
    let contexts = [
        (
            "profile Q {\n",
            "\n    cic \"At Lunch\" -> lync Away\n}\n",
            IN_PROFILES,
        ),
        (
            "test t {\n",
            "\n    cic Available => lync Busy\n}\n",
            IN_TESTS,
        ),
        (
            "scenario s {\n",
            "\n    cic Available => lync Busy\n}\n",
            IN_SCENARIOS,
        ),
        ("", "\nflag other\n", DECLARED),
    ];
    let mut shown = String::new();
    for (open, close, mistakes) in contexts {
        shown.push_str(&format!("════ {open}"));
        for mistake in mistakes {
            let source = format!("{before}{open}{mistake}{close}");
            let output = common::presync(
                &common::root(),
                &[
                    "check", "-", "-q", "--format", "plain", "--level", "gap=off",
                ],
                source.as_bytes(),
            );
            let reported = common::text(&output.stdout);
            let reported: Vec<&str> = reported
                .lines()
                .filter(|line| !line.starts_with("  <stdin>"))
                .collect();
            shown.push_str(&format!(
                "\n{mistake}\n{}\n",
                reported.join("\n").trim_end()
            ));
        }
    }
    snapshot("mistakes", &shown);
}

const IN_PROFILES: &[&str] = &[
    "if in_queue: cic Available -> lync Busy",
    "overide cic Available -> lync Away",
    "override when im: cic Available -> lync Away",
    "when lync is by hand: cic Available -> lync Away",
    "when lync is Busy by hand: cic Available -> lync Away",
    "when lync not by hand: cic Available -> lync Away",
    "when lync by us: cic Available -> lync Away",
    "apply m cic -> teams with teams for lync",
    "apply m wiht teams for lync",
    "apply m for teams with lync",
    "cic Busy -> lync nothing",
    "cic default -> lync Away",
    "cic all dnd -> lync Away",
    "cic not Available -> lync Away",
    "cic Available or Busy -> lync Away",
    "cic \"Gone Home\" | cic \"At Lunch\" -> lync Away",
    "cic \"Gone Home\" -> lync Off Work",
    "cic Gone Home -> lync Away",
    "cic 'Gone Home' -> lync Away",
    "cic.Available -> lync.Away",
    "cic \"Gone Home\" to lync Away",
    "cic \"Gone Home\" => lync Away",
    "cic \"Gone Home\" ->",
    "cic \"Gone Home\" -> lync",
    "cic Available -> lync Away -> cic Available",
    "when lync == Busy: cic \"Gone Home\" -> lync Away",
    "when lync != Busy: cic \"Gone Home\" -> lync Away",
    "when lync not Busy: cic \"Gone Home\" -> lync Away",
    "when in_queue AND cic_logged_in: cic \"Gone Home\" -> lync Away",
    "when in_queue, cic_logged_in: cic \"Gone Home\" -> lync Away",
    "when in_queue && cic_logged_in: cic \"Gone Home\" -> lync Away",
    "append x to lync",
    "append \"x\"",
    "-- a comment",
    "# a comment",
    "/* a comment\n   of two lines */",
];

const IN_TESTS: &[&str] = &[
    "role all",
    "expect cic Available => lync Busy",
    "set in_queue",
    "when in_queue: cic Available => lync Busy",
    "given in_queue = true",
    "given user_type im",
    "uses P",
    "cic Available => nothing",
    "cic Available => lync nothing",
    "cic Available -> lync Busy",
    "cic Available == lync Busy",
    "cic Available => lync Off Work",
];

const IN_SCENARIOS: &[&str] = &[
    "role any",
    "resync all",
    "wait 5min",
    "wait 3d",
    "given in_queue",
    "set in_queue = true",
    "set user_type im",
    "set in_queue,\n    cic \"At Lunch\"",
    "change cic Available",
    "observe cic",
    "resync",
];

const DECLARED: &[&str] = &[
    "role default \"B\" uses P",
    "role any uses P",
    "system x { echo 2w state s }",
    "import \"states.presync\"",
    "let c = in_queue",
    "flags other",
    "flag a, b",
    "flag a = true",
    "choice c { a, b }",
    "choice c = a, b",
    "group away = Away",
    "extend cic { state Coaching }",
    "system teams { Free, Gone }",
    "system teams { state Off Work }",
    "system teams { online flag in_teams  state Free }",
    "profile when in_queue { }",
    "profile Q if in_queue { }",
    "role uses P",
    "role S { uses P }",
    "role S uses P and P",
    "@allow gap",
    "@allow(\"gap\")",
];
