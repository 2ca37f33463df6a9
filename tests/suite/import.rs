//! Imports: exported tables decide the same, and hand-written CSV is imported or rejected with a reason.

use crate::common;

use common::generate;
use presync::Tables;
use presync_exchange::export::{FORMATS, Write};
use presync_exchange::import::KINDS;

fn exported(tables: &Tables, to: &str) -> Result<String, String> {
    let format = FORMATS
        .iter()
        .find(|format| format.name == to)
        .expect("the format exists");
    match format.write {
        Write::Tables(write) => write(tables).map_err(|error| error.to_string()),
        Write::Report(write) => write(tables, &[]).map_err(|error| error.to_string()),
    }
}

fn imported(extension: &str, text: &str) -> Result<String, String> {
    let kind = KINDS
        .iter()
        .find(|kind| kind.extension == extension)
        .expect("the format exists");
    (kind.read)(text)
        .map(|imported| imported.source)
        .map_err(|error| error.to_string())
}

#[test]
fn imported_exports_decide_the_same() {
    let mut programs: Vec<(String, Tables)> = Vec::new();
    for seed in 0..600 {
        let source = generate::program(seed, 10 + seed % 60);
        if let Ok(program) = common::check(&source) {
            programs.push((
                format!("seed {seed}"),
                program.compile().expect("the program is small"),
            ));
        }
    }
    for path in common::examples().iter().chain([
        &common::root().join("tests/engines/hostile.presync"),
        &common::root().join("tests/fixtures/programs/by-hand-names.presync"),
    ]) {
        let tables = common::program_at(path)
            .compile()
            .expect("the program is small");
        programs.push((path.display().to_string(), tables));
    }
    let mut decided = 0;
    for (name, tables) in &programs {
        let json = imported(
            "json",
            &exported(tables, "json").expect("the tables are small"),
        )
        .expect("the export can be imported");
        let again = common::tables(&json);
        assert_eq!(
            again.digest().expect("the tables are small"),
            tables.digest().expect("the tables are small"),
            "{name}\n{json}"
        );
        // DMN has no attributes and wire names, and only the facts that tables use.
        let dmn = imported(
            "dmn",
            &exported(tables, "dmn").expect("the tables are small"),
        )
        .expect("the export can be imported");
        let found = presync::diff(tables, &common::tables(&dmn)).expect("the tables are small");
        assert!(
            found.changes.is_empty() && found.skipped.is_empty(),
            "{name}: {found:?}\n{dmn}"
        );
        decided += usize::from(json.contains("->"));
    }
    println!("{} programs, {decided} of them with rules", programs.len());
    assert!(decided > 200);
}

fn command(name: &str, csv: &str) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    std::fs::write(folder.path().join(name), csv).expect("the file is writable");
    let output = common::presync(folder.path(), &["import", name], b"");
    let code = output.status.code().expect("the binary exits with a code");
    format!(
        "{csv}\n--- {code}\n{}---\n{}",
        common::text(&output.stderr),
        common::text(&output.stdout)
    )
}

#[test]
fn undeclared_imported_states_are_reported_by_check() {
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    std::fs::write(
        folder.path().join("m.csv"),
        "CIC Status,Lync Status\nCoaching,Busy\nAvailable,Available\n",
    )
    .expect("the file is writable");
    let output = common::presync(folder.path(), &["import", "m.csv", "-o", "m.presync"], b"");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        common::text(&output.stderr)
    );
    let output = common::presync(
        folder.path(),
        &["check", "--format", "agent", "m.presync"],
        b"",
    );
    let shown = common::text(&output.stdout) + &common::text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert_eq!(shown.matches("unknown-state").count(), 1, "{shown}");
    assert!(shown.contains("Coaching"), "{shown}");
}

fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/import");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

#[test]
fn columns_are_detected() {
    settings().bind(|| {
        insta::assert_snapshot!(
            "columns",
            command(
                "m.csv",
                "Profile;From System;From State;Direction;To System;To State\r\n\
                 Voice;CIC;Available;<->;Lync;Available\r\n\
                 Voice;CIC;At Lunch | Gone Home;->;Lync;Away\r\n\
                 Voice;CIC;Coaching;->;Lync;Busy\r\n\
                 Voice;CIC;Follow Up;;Lync;(unchanged)\r\n\
                 \r\n\
                 IM;CIC;Out of Town;->;Skype for Business;Off Work\r\n\
                 IM;CIC;\"In a \"\"Meeting\"\"\";<-;Lync;Busy\r\n"
            )
        );
        insta::assert_snapshot!(
            "headings_name_systems",
            command("m.csv", "CIC Status,Teams Presence\nAvailable,Available\n\"Available, Forward\",Busy\nany other,no change\n")
        );
        insta::assert_snapshot!(
            "unknown_systems",
            command("m.csv", "\u{feff}source\tsource status\tdestination\ttarget system\nPBX\tready\tgreen\tLamp\nPBX\tuse\tred\tLamp\n")
        );
    });
}

#[test]
fn unreadable_imports_are_reported() {
    let head = "from system,from state,to system,to state,direction\n";
    let wrong = [
        ("m.csv", String::new()),
        ("m.csv", head.to_owned()),
        ("m.csv", "name,value\na,b\n".to_owned()),
        ("m.csv", format!("{head}CIC,Available,Lync,Away,sideways\n")),
        ("m.csv", format!("{head}CIC,Available,Lync,,->\n")),
        ("m.csv", format!("{head}CIC,Available,CIC,Away,->\n")),
        (
            "m.csv",
            format!("{head}CIC,Available,Lync,Away | Busy,->\n"),
        ),
        ("m.csv", format!("{head}CIC,unchanged,Lync,Away,->\n")),
        ("m.dmn", "<definitions".to_owned()),
        ("m.dmn", "<definitions/>".to_owned()),
        (
            "m.dmn",
            "<definitions><decision name='d'><decisionTable/></decision></definitions>".to_owned(),
        ),
        ("m.json", "{}".to_owned()),
        ("m.xlsx", String::new()),
    ];
    let outputs: String = wrong
        .iter()
        .map(|(name, text)| {
            let output = command(name, text);
            assert!(output.contains("--- 2\n"), "{output}");
            format!("{output}\n\n")
        })
        .collect();
    settings().bind(|| insta::assert_snapshot!("wrong", outputs));
}

/// Found by fuzzing: the imported program could not be read.
#[test]
fn a_name_that_is_too_long_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    let csv = format!("CIC,Lync\n{},Away\n", "x y".repeat(400));
    std::fs::write(folder.path().join("a.csv"), csv).expect("the file is writable");
    let output = common::presync(folder.path(), &["import", "a.csv"], b"");
    assert_eq!(output.status.code(), Some(2));
    let errors = common::text(&output.stderr);
    assert!(
        errors.contains(
            "cannot be imported: this cannot be written as a program: this text is longer than 1000 bytes"
        ),
        "{errors}"
    );
}

/// Distinguishing a hundred thousand states, or the attributes of an element, takes only seconds.
#[test]
fn large_imports_finish() {
    let begin = std::time::Instant::now();
    let lines: String = (0..100_000).map(|at| format!("a{at},b\n")).collect();
    let source =
        imported("csv", &format!("cic,lync\n{lines}{lines}")).expect("the table can be imported");
    assert_eq!(source.matches(" -> ").count(), 100_000);
    let element = |attributes: usize| {
        let attributes: String = (0..attributes).map(|at| format!(" a{at}='b'")).collect();
        imported("dmn", &format!("<definitions{attributes}/>")).expect_err("it has no decisions")
    };
    assert_eq!(element(10_000), "the file contains no decisions");
    assert_eq!(element(10_001), "an element has more than 10000 attributes");
    assert_eq!(
        element(200_000),
        "an element has more than 10000 attributes"
    );
    assert!(
        begin.elapsed() < std::time::Duration::from_secs(30),
        "{:?}",
        begin.elapsed()
    );
}
