//! Exports for people, and names that must not break a format. `python3 tests/engines/run.py` tests whether the other
//! exports decide like Presync.

use crate::common;

use common::text;

/// A program that uses the name in every possible place.
fn with_name(name: &str) -> String {
    let name = presync::quote_text(name);
    format!(
        "system a {{ state {name} state a2 }} system b {{ state {name} state b2 }} flag f
profile {name} {{ when f: a {name} -> b {name} append {name} to b a otherwise -> b unchanged b any -> a unchanged }}
role {name} uses {name}
"
    )
}

fn export(source: &str, to: &str) -> String {
    let output = common::presync(
        &common::root(),
        &["export", "-", "--to", to],
        source.as_bytes(),
    );
    assert_eq!(
        output.status.code(),
        Some(0),
        "{to}: {}",
        text(&output.stderr)
    );
    text(&output.stdout)
}

#[test]
fn tables_for_people() {
    let source = include_str!("../fixtures/programs/exported.presync");
    for to in ["csv", "markdown", "sql", "rego", "jdm", "dmn"] {
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.set_snapshot_path("snapshots/exports");
        settings.bind(|| insta::assert_snapshot!(to, export(source, to).replace('\r', "")));
    }
}

/// A tables.json exports like its source: it has all that the formats need.
#[test]
fn exports_of_tables_json_are_those_of_the_source() {
    use presync_exchange::export::{FORMATS, Write};
    let mut compared = 0;
    for seed in 0..200 {
        let source = common::generate::program(seed, 10);
        let Ok(program) = common::check(&source) else {
            continue;
        };
        let tables = program.compile().expect("the program is small");
        let written = tables.to_json().expect("the tables are small");
        let read = presync::Tables::from_json(&written).expect("exported tables can be read");
        for format in FORMATS {
            if let Write::Tables(write) = format.write {
                let (one, other) = (write(&tables), write(&read));
                assert_eq!(one.ok(), other.ok(), "{}\n{source}", format.name);
                compared += 1;
            }
        }
    }
    assert!(compared > 300, "{compared}");
}

/// A role with one profile and more than 500 rows is written as one table that has no rows for unmapped changes: each
/// format must say what follows when none of its rows matches.
#[test]
fn a_single_profile_with_many_rows_is_not_complete() {
    let source = incomplete(700);
    let sql = export(&source, "sql");
    let last = sql.matches("\n        ELSE ").count();
    assert_eq!(last, 2, "each direction says what follows");
    assert!(sql.matches("WHEN ").count() > 500);
    assert_eq!(sql.matches("'unmapped'").count(), 2, "one row a direction");

    let jdm: serde_json::Value = serde_json::from_str(&export(&source, "jdm")).expect("JSON");
    let tables = jdm["nodes"].as_array().expect("nodes").iter();
    let rules: Vec<_> = tables
        .filter_map(|node| node["content"]["rules"].as_array())
        .filter(|rules| rules.len() > 500)
        .collect();
    assert_eq!(rules.len(), 1);
    let last = rules[0].last().expect("a rule").to_string();
    assert!(last.contains("unmapped"), "{last}");

    let dmn = export(&source, "dmn");
    assert!(
        dmn.contains("<literalExpression"),
        "unmapped where the table has no row"
    );
}

/// One profile, each of whose rules needs other values of three choices.
fn incomplete(rules: usize) -> String {
    let states: Vec<_> = (0..8).map(|at| format!("state s{at}")).collect();
    let mut source = format!(
        "system a {{ {} }} system b {{ {} }}\n",
        states.join(" "),
        states.join(" ")
    );
    for choice in ["x", "y", "z"] {
        let values: Vec<_> = (0..10).map(|at| format!("{choice}{at}")).collect();
        source += &format!(
            "choice {choice} = {} default {choice}0\n",
            values.join(" | ")
        );
    }
    for flag in 0..20 {
        source += &format!("flag f{flag}\n");
    }
    source += "profile p {\n";
    for rule in 0..rules {
        source += &format!(
            "when x is x{} and y is y{} and z is z{} and f{} and not f{}: a s{} -> b s{}\n",
            rule % 10,
            rule / 10 % 10,
            rule / 100 % 10,
            rule % 20,
            (rule * 7 + 1) % 20,
            rule % 8,
            rule % 7,
        );
    }
    source + "}\n"
}

/// Grids stand first, the same ones of several roles once; and what the page says beside them.
#[test]
fn people_see_grids_first() {
    let root = common::root();
    let export = |to: &str| {
        let words = ["export", "examples/large-site", "--to", to];
        let output = common::presync(&root, &words, b"");
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let markdown = export("markdown");
    assert!(
        markdown.starts_with("# Decision tables of large-site, revision "),
        "{markdown:.80}"
    );
    let (grids, rows) = markdown.split_once("\n# Every row\n").expect("both parts");
    assert_eq!(
        grids
            .matches("## Agents, Supervisors: lync → cic\n")
            .count(),
        1
    );
    assert!(
        grids.contains("| Available, free (4) | Available |"),
        "{grids}"
    );
    assert!(rows.contains("## Supervisors: lync → cic\n"));

    let page = export("html");
    for wanted in [
        "<title>large-site, revision ",
        "Agents, Supervisors: lync → cic</h3>",
        "<h3>a morning in the queue</h3>",
        "Customer Interaction Center (cic)",
        "echo of our command",
    ] {
        assert!(page.contains(wanted), "{wanted}");
    }
    // The rule itself stands where it decides, and its place on hover.
    assert!(page.contains("large-site.presync:"), "no place");
    assert!(
        !page.contains("<code>examples/large-site"),
        "a rule without its text"
    );
}

#[test]
fn names_are_not_executed_by_spreadsheets() {
    for name in ["=1+1", "+1", "-1", "@SUM(A1)", "\u{9}=1"] {
        let csv = export(&with_name(name), "csv");
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        for record in reader.records() {
            for cell in &record.expect("the export is CSV") {
                assert!(
                    !cell.starts_with(['=', '+', '-', '@', '\t']),
                    "{name}: {cell}"
                );
            }
        }
    }
}

#[test]
fn markdown_shows_names_as_they_are() {
    let markdown = export(&with_name("<script>|*x*|`y`[z](u)\\"), "markdown");
    assert!(
        !markdown.contains("<script>") && !markdown.contains("|*x*|"),
        "{markdown}"
    );
    // Every line of a table has as many cells as its head.
    let cells = |line: &str| {
        line.replace("\\\\", "")
            .replace("\\|", "")
            .matches('|')
            .count()
    };
    let mut lines = 0;
    for table in markdown.split("\n\n").filter(|part| part.starts_with('|')) {
        let head = table.lines().next().map(cells);
        for line in table.lines() {
            assert_eq!(Some(cells(line)), head, "{line}");
            lines += 1;
        }
    }
    assert!(lines > 12, "{markdown}");
}

#[test]
fn names_cannot_end_a_comment_or_a_literal() {
    let name = "'); DROP TABLE presync_rows; --\u{a}DROP TABLE presync_events; ${x}";
    let sql = export(&with_name(name), "sql");
    for line in sql.lines() {
        let rest = line.trim_start();
        assert!(!rest.starts_with("DROP") || line.contains('\''), "{line}");
    }
    // A name can start a line only after a line break within a literal; comments are on one line.
    assert!(
        sql.lines()
            .filter(|line| line.starts_with("--"))
            .all(|line| !line.contains("${")),
        "{sql}"
    );
    let dmn = export(&with_name("</text><rule x=\"1\">&amp;]]>"), "dmn");
    assert!(!dmn.contains("<rule x=") && !dmn.contains("]]>"), "{dmn}");
    let rego = export(&with_name("\"\u{a}allow := true\u{a}# "), "rego");
    assert!(
        !rego.lines().any(|line| line.starts_with("allow")),
        "{rego}"
    );
}

#[test]
fn names_a_format_cannot_express_are_refused() {
    let source = with_name("'\"`");
    let output = common::presync(
        &common::root(),
        &["export", "-", "--to", "jdm"],
        source.as_bytes(),
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("contains every kind of quote"),
        "{}",
        text(&output.stderr)
    );
    assert!(output.stdout.is_empty());
}

#[test]
fn the_mapping_graph_is_drawn() {
    let source = "system a { state \"a \\\"1\\\" & <x>\" state a2 state a3 } system b { state b1 state b2 } flag f
profile \"P\" { a \"a \\\"1\\\" & <x>\" <-> b b1 a a2 -> b b2 when f: a a3 -> b b2 when not f: a a3 -> b unchanged }
";
    let show = |to: &[&str]| {
        let output = common::presync(
            &common::root(),
            &[&["show", "-"], to].concat(),
            source.as_bytes(),
        );
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path("snapshots/exports");
    settings.bind(|| {
        for to in ["svg", "dot", "mermaid"] {
            insta::assert_snapshot!(format!("graph_{to}"), show(&["--to", to]));
        }
    });
    // Colors by outcome, on request.
    assert!(show(&["--color", "always"]).contains("\u{1b}["));
}

#[test]
fn names_cannot_end_the_script_of_a_page() {
    let page = export(&with_name("</script><script>alert(1)</script><!--"), "html");
    assert_eq!(
        page.matches("<script").count(),
        3,
        "the tables, the rules and the program"
    );
    assert_eq!(page.matches("</script>").count(), 3);
    assert!(page.contains("&lt;script&gt;alert(1)"));
}
