//! What `presync show` prints, on the examples and at several widths.

use crate::common::{self, text};

/// The output at a width.
fn show(width: usize, words: &[&str]) -> String {
    let words = [&["show"], words].concat();
    let output = common::presync_as_wide_as(width, &common::root(), &words, b"");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn tables_are_grids() {
    for (name, width, words) in [
        (
            "large-site-80",
            80,
            &["examples/large-site/large-site.presync"][..],
        ),
        (
            "large-site-140",
            140,
            &["examples/large-site/large-site.presync"],
        ),
        ("contact-centre-80", 80, &["examples/contact-centre"]),
        ("contact-centre-140", 140, &["examples/contact-centre"]),
        ("teams-80", 80, &["examples/teams"]),
        (
            "rules",
            100,
            &[
                "examples/contact-centre",
                "--role",
                "Back Office",
                "--to-system",
                "lync",
                "--rules",
            ],
        ),
    ] {
        insta::with_settings!({snapshot_path => "snapshots/show", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!(name, show(width, words));
        });
    }
}

/// The tables of the large site fit on three screens, and those of a narrow terminal stay within it.
#[test]
fn grids_are_short_and_narrow() {
    let wide = show(100, &["examples/large-site/large-site.presync"]);
    assert!(wide.lines().count() <= 150, "{wide}");
    for width in [60, 80, 100, 140] {
        for program in [
            "examples/large-site/large-site.presync",
            "examples/contact-centre",
            "examples/teams",
        ] {
            let shown = show(width, &[program]);
            for line in shown.lines() {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
    }
    // A name is never broken.
    let narrow = show(40, &["examples/large-site/large-site.presync"]);
    for name in [
        "ACD Agent Not Answering",
        "Away, Be Right Back",
        "Do Not Disturb",
    ] {
        assert!(narrow.contains(name), "{name}: {narrow}");
    }
}

/// tables.json has no groups: states are listed, and the decisions are the same.
#[test]
fn tables_without_their_program_are_grids_too() {
    let shown = show(
        100,
        &["examples/contact-centre/tables.json", "--from", "lync"],
    );
    assert!(
        shown.contains("Available when cic is Available, No ACD")
            || shown.contains("Available when cic is \"Available, F"),
        "{shown}"
    );
}
