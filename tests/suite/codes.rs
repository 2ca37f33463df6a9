//! The examples of `presync explain` are correct: every bad example has its code, and no good one does. `docs/codes.md`
//! has the same text; `PRESYNC_BLESS=1` writes it.

use crate::common;

use std::collections::BTreeSet;

use common::text;
use presync::{Code, LINTS, Level, Settings, codes};

/// The codes that are reported for a program, including its tests.
fn found(source: &[u8]) -> BTreeSet<&'static str> {
    let read = |_: &str| Ok(source.to_vec());
    let parsed = presync::parse("", "main.presync", &read).expect("reading from memory succeeds");
    let report = presync::check(parsed);
    match report.program {
        None => report
            .diagnostics
            .iter()
            .map(|error| error.code.name)
            .collect(),
        Some(program) => {
            let mut settings = Settings::default();
            LINTS.iter().for_each(|lint| {
                settings
                    .set(lint.code.name, Level::Warn)
                    .expect("the lint exists");
            });
            let mut found: BTreeSet<&str> = program
                .lint(&settings)
                .iter()
                .map(|finding| finding.code.name)
                .collect();
            let tables = program.compile().expect("the program is small");
            let failures = presync::prove(&program, &tables)
                .into_iter()
                .flat_map(|verdict| verdict.failures);
            found.extend(failures.map(|failure| failure.code.name));
            found
        }
    }
}

#[test]
fn examples_of_codes_have_their_code() {
    for explanation in codes().filter(|explanation| explanation.name != "too-complex") {
        let Code {
            name: code,
            bad,
            good,
            ..
        } = *explanation;
        // The only example that cannot be written in UTF-8.
        let bad = match code {
            "not-utf8" => bad
                .split('\u{fffd}')
                .map(str::as_bytes)
                .collect::<Vec<_>>()
                .join(&0xfc),
            _ => bad.as_bytes().to_vec(),
        };
        assert!(
            found(&bad).contains(code),
            "{code}: the bad example has {:?}",
            found(&bad)
        );
        let good = found(good.as_bytes());
        let errors: Vec<&&str> = good
            .iter()
            .filter(|code| presync::lint(code).is_none())
            .collect();
        assert!(
            !good.contains(code) && errors.is_empty(),
            "{code}: the good example has {good:?}"
        );
    }
}

#[test]
fn every_code_is_explained_and_listed() {
    let reference =
        std::fs::read_to_string(common::root().join("docs/language.md")).expect("it exists");
    let explained: Vec<&str> = codes().map(|explanation| explanation.name).collect();
    for line in reference
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
    {
        let Some((code, rest)) = line.split_once("` |") else {
            continue;
        };
        // Skip tables of other sections.
        if rest.contains('|')
            && code
                .chars()
                .all(|char| char.is_ascii_lowercase() || char == '-')
        {
            assert!(
                explained.contains(&code),
                "`{code}` is in the reference but has no explanation"
            );
        }
    }
    let output = common::presync(&common::root(), &["explain"], b"");
    let listed: Vec<String> = text(&output.stdout)
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .map(str::to_owned)
        .collect();
    assert_eq!(listed, explained);
    for code in explained {
        let output = common::presync(&common::root(), &["explain", code], b"");
        assert_eq!(output.status.code(), Some(0), "{code}");
        assert!(text(&output.stdout).starts_with(&format!("{code}: ")));
        assert!(
            text(&output.stdout)
                .lines()
                .all(|line| line.chars().count() <= 120),
            "{}",
            text(&output.stdout)
        );
    }
    let output = common::presync(&common::root(), &["explain", "conflct"], b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("did you mean `conflict`?"));
}

#[test]
fn the_page_of_codes_is_current() {
    let mut page = String::from(
        "# Codes\n\nWhat each diagnostic means: the text of `presync explain CODE`, written by the tests.\n",
    );
    // On the page, write invisible characters as escapes.
    let seen = |text: &str| text.replace('\u{202e}', "\\u{202e}");
    for explanation in codes() {
        page.push_str(&format!(
            "\n## `{}`\n\n{}.\n\n{}\n",
            explanation.name, explanation.summary, explanation.explanation
        ));
        if !explanation.bad.is_empty() {
            let (bad, good) = (seen(explanation.bad), seen(explanation.good));
            page.push_str(&format!(
                "\nBad:\n\n```\n{bad}```\n\nGood:\n\n```\n{good}```\n"
            ));
        }
        page.push_str(&format!("\n{}\n", explanation.configuration()));
    }
    let path = common::root().join("docs/codes.md");
    if std::env::var_os("PRESYNC_BLESS").is_some() {
        std::fs::write(&path, &page).expect("the file is writable");
    }
    assert_eq!(
        std::fs::read_to_string(&path).expect("the file is committed"),
        page,
        "run with PRESYNC_BLESS=1"
    );
}
