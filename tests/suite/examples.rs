//! Each example produces its committed outputs; `PRESYNC_BLESS=1` rewrites them.

use crate::common;

use std::path::Path;

#[path = "../../examples/contact-centre/generate.rs"]
#[allow(dead_code, reason = "the example's main is not called here")]
mod generate;

#[track_caller]
fn held(path: &Path, content: &[u8]) {
    if std::env::var_os("PRESYNC_BLESS").is_some() {
        std::fs::write(path, content).expect("the file is writable");
    }
    let committed =
        std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(
        committed == content,
        "{} is outdated: run with PRESYNC_BLESS=1 and review the difference",
        path.display()
    );
}

#[test]
fn committed_tables_are_current_and_examples_are_clean() {
    for example in common::examples() {
        let folder = example.parent().expect("an example is in a folder");
        let name = example
            .file_name()
            .expect("the path has a name")
            .to_string_lossy()
            .into_owned();
        let output = common::presync(folder, &["check", "."], b"");
        assert_eq!(
            common::text(&output.stderr),
            "checked 1 program: no findings\n",
            "{name}"
        );
        let output = common::presync(folder, &["export", &name, "--to", "json"], b"");
        held(&folder.join("tables.json"), &output.stdout);
    }
}

#[test]
fn the_example_day_matches_its_generator() {
    held(
        &common::root().join("examples/contact-centre/day.jsonl"),
        generate::day().as_bytes(),
    );
}

#[test]
fn the_example_day_matches_the_committed_commands() {
    let folder = common::root().join("examples/contact-centre");
    for program in ["contact-centre.presync", "tables.json"] {
        for jobs in ["1", "2"] {
            let output = common::presync(
                &folder,
                &[
                    "run",
                    program,
                    "--events",
                    "day.jsonl",
                    "--jobs",
                    jobs,
                    "-q",
                ],
                b"",
            );
            assert_eq!(output.status.code(), Some(1), "the day has bad events");
            held(&folder.join("commands.jsonl"), &output.stdout);
            held(&folder.join("rejects.jsonl"), &output.stderr);
        }
    }
}
