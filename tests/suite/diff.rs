//! Compares the semantic difference with enumeration: the same count for every role, direction and pair of outcomes.

use crate::common;

use std::collections::BTreeMap;

use common::generate;
use common::reference;
use presync::{Program, RenamedKind, Renaming};
use presync::{quote, quote_text};

#[test]
fn difference_counts_match_enumeration() {
    let (mut same, mut different) = (0, 0);
    for seed in 0..1_200 {
        let source = generate::program(seed, 10 + seed % 60);
        // Change one rule, or only the wording.
        let changed = if seed % 4 == 0 {
            source.replace("when f0 ", "when not not f0 ")
        } else {
            source.replacen("-> lync s0", "-> lync unchanged", 1)
        };
        let (Ok(old), Ok(new)) = (common::check(&source), common::check(&changed)) else {
            continue;
        };
        if reference::count(&old) > 3_000.0 {
            continue;
        }
        let compiled = |program: &Program| program.compile().expect("the program is small");
        let (old_tables, new_tables) = (compiled(&old), compiled(&new));
        let found = presync::diff(&old_tables, &new_tables).expect("the tables are small");
        assert!(found.skipped.is_empty() && found.one_sided.is_empty());
        assert_eq!(
            found.is_empty(),
            old_tables.digest().expect("the tables are small")
                == new_tables.digest().expect("the tables are small"),
            "seed {seed}\n{source}"
        );
        // Enumeration covers all facts and states, so compare shares of situations.
        let mut reported: BTreeMap<DifferenceKey, f64> = BTreeMap::new();
        for change in &found.changes {
            let key = (
                change.role.clone(),
                change.from.clone(),
                change.to.clone(),
                change.old.clone(),
                change.new.clone(),
            );
            let share = change.count as f64 / change.total as f64;
            assert!(reported.insert(key, share).is_none(), "reported once");
        }
        let wanted = enumerate(&old, &new);
        assert_eq!(
            reported.keys().collect::<Vec<_>>(),
            wanted.keys().collect::<Vec<_>>(),
            "seed {seed}\n{source}\n{changed}"
        );
        for (key, share) in &wanted {
            assert!(
                (reported[key] - share).abs() < 1e-9,
                "seed {seed}: {key:?} {} {share}\n{source}",
                reported[key]
            );
        }
        if wanted.is_empty() {
            same += 1;
        } else {
            different += 1;
        }
    }
    println!("{same} without a difference, {different} with");
    assert!(same > 30 && different > 30, "{same} {different}");
}

/// A change of a mapping and of a text in the large site: one headline for each, for all roles and both systems.
#[test]
fn differences_are_headlines() {
    let site = common::root().join("examples/large-site");
    let folder = tempfile::tempdir().expect("folders can be made");
    let file = |name: &str| std::fs::read_to_string(site.join(name)).expect("it is there");
    let changed = file("large-site.presync")
        .replace(
            "cic away                -> lync Away",
            "cic \"At Lunch\" -> lync \"Be Right Back\"\n    cic \"Away from Desk\" | \"Short Break\" -> lync Away",
        )
        .replace("append \"remote\" to teams", "append \"at home\" to teams");
    for (name, text) in [
        ("large-site.presync", changed),
        ("site.presync", file("site.presync")),
    ] {
        std::fs::write(folder.path().join(name), text).expect("it is writable");
    }
    let old = site.join("large-site.presync");
    for format in ["human", "markdown", "json"] {
        let words = [
            "diff",
            "--format",
            format,
            &old.to_string_lossy(),
            "large-site.presync",
        ];
        let output = common::presync_as_wide_as(100, folder.path(), &words, b"");
        assert_eq!(output.status.code(), Some(1));
        let shown = common::text(&output.stdout);
        insta::with_settings!({snapshot_path => "snapshots/diff", prepend_module_to_snapshot => false}, {
            match format {
                "json" => {
                    let value: serde_json::Value = serde_json::from_str(&shown).expect("it is JSON");
                    insta::assert_snapshot!(format, serde_json::to_string_pretty(&value["behaviors"]).expect("it is JSON"));
                }
                format => insta::assert_snapshot!(format, shown),
            }
        });
    }
}

/// Role, direction, old and new behavior.
type DifferenceKey = (String, String, String, String, String);

/// The differences between the texts of two outcomes, and their order.
fn differences(before: &reference::Outcome, after: &reference::Outcome) -> Vec<(String, String)> {
    let texts = |outcome: &reference::Outcome| match outcome {
        reference::Outcome::Set(_, texts) | reference::Outcome::Previous(texts) => texts.clone(),
        reference::Outcome::Unmapped | reference::Outcome::Unchanged => Vec::new(),
    };
    let (old, new) = (texts(before), texts(after));
    let mut found = Vec::new();
    let quoted = |text: &String| quote_text(text);
    for text in old.iter().filter(|text| !new.contains(text)) {
        found.push((
            format!("append {}", quoted(text)),
            format!("no {}", quoted(text)),
        ));
    }
    for text in new.iter().filter(|text| !old.contains(text)) {
        found.push((
            format!("no {}", quoted(text)),
            format!("append {}", quoted(text)),
        ));
    }
    for (at, first) in old.iter().enumerate() {
        for second in &old[at + 1..] {
            let place = |text| new.iter().position(|other| other == text);
            if let (Some(one), Some(other)) = (place(first), place(second))
                && other < one
            {
                let (first, second) = (quoted(first), quoted(second));
                let before = format!("append {first}, {second}");
                found.push((before, format!("append {second}, {first}")));
            }
        }
    }
    found
}

fn enumerate(old: &Program, new: &Program) -> BTreeMap<DifferenceKey, f64> {
    let mut counts = BTreeMap::new();
    let mut situations = 0.0;
    reference::each_situation(old, &mut |situation| {
        situations += 1.0;
        for role in old.role_ids() {
            for (from, to) in old.directions().map(|way| (way.from(), way.to())) {
                for state in old.states(from) {
                    let decide = |program: &Program| {
                        reference::decide(program, role, situation, state, to).outcome
                    };
                    let name = |outcome: &reference::Outcome| match outcome {
                        reference::Outcome::Unmapped => "unmapped".to_owned(),
                        reference::Outcome::Unchanged => "unchanged".to_owned(),
                        reference::Outcome::Previous(_) => "previous".to_owned(),
                        reference::Outcome::Set(target, _) => quote(&old.state(*target).name),
                    };
                    let (before, after) = (decide(old), decide(new));
                    let mut found = differences(&before, &after);
                    if name(&before) != name(&after) {
                        found.push((name(&before), name(&after)));
                    }
                    for (before, after) in found {
                        let key = (
                            old.role_name(role).to_owned(),
                            old.system(from).name.clone(),
                            old.system(to).name.clone(),
                            before,
                            after,
                        );
                        *counts.entry((key, from)).or_insert(0.0) += 1.0;
                    }
                }
            }
        }
    });
    counts
        .into_iter()
        .map(|((key, from), count)| {
            (
                key,
                count / (situations * old.system(from).states.len() as f64),
            )
        })
        .collect()
}

#[test]
fn exported_tables_equal_their_source() {
    for example in common::examples() {
        let tables = common::program_at(&example)
            .compile()
            .expect("examples are small");
        let read = presync::Tables::from_json(&tables.to_json().expect("the tables are small"))
            .expect("exported tables can be read");
        assert!(
            presync::diff(&tables, &read)
                .expect("the tables are small")
                .is_empty(),
            "{}",
            example.display()
        );
    }
}

/// Reads a renaming as `diff --rename` does.
fn renaming(text: &str) -> Renaming {
    let (role, names) = presync::parse_renaming(text).expect("it parses");
    let name = |at: usize| names[at].text.to_string();
    let (what, first) = match (role, names.len()) {
        (true, _) => (RenamedKind::Role, 0),
        (false, 2) => (RenamedKind::SystemOrFact, 0),
        (false, _) => (RenamedKind::Of(name(0)), 1),
    };
    Renaming {
        what,
        from: name(first),
        to: name(first + 1),
    }
}

#[test]
fn renamed_programs_are_compared_under_the_new_names() {
    let tables = |name: &str| {
        let path = format!("tests/fixtures/programs/renamed-{name}.presync");
        let program = common::program_at(&common::root().join(path));
        program.compile().expect("the program is small")
    };
    let (old, new) = (tables("old"), tables("new"));
    let all = [
        "lync=teams",
        "lync \"Off Work\"=Offline",
        "in_queue = queued",
        "kind im=chat",
        "role \"Agents\"=\"Team\"",
    ];
    let renamings = |left_out: usize| -> Vec<Renaming> {
        let texts = all.iter().enumerate().filter(|(at, _)| *at != left_out);
        let parsed = texts.map(|(_, text)| renaming(text));
        parsed.collect()
    };
    let compare = |renamings: &[Renaming]| presync::diff_renamed(&old, &new, renamings);
    let found = compare(&renamings(all.len())).expect("all names are known");
    assert!(found.is_empty(), "{found:?}");
    for (left_out, text) in all.iter().enumerate() {
        // Without the system, its state cannot be found in the new program.
        let differs = compare(&renamings(left_out)).map_or(true, |found| !found.is_empty());
        assert!(differs, "{text}");
    }

    let refused = |texts: &[&str]| {
        let parsed: Vec<Renaming> = texts.iter().map(|text| renaming(text)).collect();
        let error = compare(&parsed).expect_err("it is refused");
        error.to_string()
    };
    insta::assert_snapshot!(
        [
            refused(&["phone=teams"]),
            refused(&["queue=queued"]),
            refused(&["lync=tems"]),
            refused(&["lync=teams", "lync=teams"]),
            refused(&["lync=teams", "lync Bussy=Busy"]),
            refused(&["lync=teams", "lync Up=Upp"]),
            refused(&["lync=teams", "lync \"Off Work\"=Busy"]),
            refused(&["in_queue true=queued"]),
            refused(&["kind im=voice"]),
            refused(&["role Agent=Team"]),
            refused(&["role Agents=Teem"]),
        ]
        .join("\n"),
        @r#"
    the old program has no system or fact `phone`: known names are a, lync, in_queue, kind
    the old program has no system or fact `queue`: did you mean `in_queue`?
    the new program: unknown system `tems`: did you mean `teams`?
    `lync` is renamed twice
    the old program: lync has no state `Bussy`: did you mean `Busy`?
    the new program: teams has no state `Upp`: did you mean `Up`?
    after the renaming, two states are named `Busy` in the old program
    `in_queue` is a flag: it has no values to rename
    after the renaming, two values are named `voice` in the old program
    the old program: unknown role `Agent`: did you mean `Agents`?
    the new program: unknown role `Teem`: did you mean `Team`?
    "#
    );
    for text in [
        "", "lync", "lync=", "=teams", "a b c=d", "role=x", "lync=a=b",
    ] {
        assert!(presync::parse_renaming(text).is_err(), "{text}");
    }
}
