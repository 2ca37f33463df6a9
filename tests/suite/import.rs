//! Imports: exported tables decide the same, and hand-written CSV is imported or rejected with a reason.

use crate::common;

use common::generate;
use presync::Tables;
use presync_exchange::export::{FORMATS, TableReport, Write};
use presync_exchange::import::{ImportOptions, KINDS};

fn exported(tables: &Tables, to: &str) -> Result<Vec<u8>, String> {
    let format = FORMATS
        .iter()
        .find(|format| format.name == to)
        .expect("the format exists");
    let written = match format.write {
        Write::Tables(write) => write(tables).map(String::into_bytes),
        Write::Report(write) => write(&TableReport::of_tables(tables, "a program")),
    };
    written.map_err(|error| error.to_string())
}

fn imported(extension: &str, bytes: impl AsRef<[u8]>) -> Result<String, String> {
    let kind = KINDS
        .iter()
        .find(|kind| kind.extensions.contains(&extension))
        .expect("the format exists");
    (kind.read)(bytes.as_ref(), &ImportOptions::default())
        .map(|imported| imported.source)
        .map_err(|error| error.to_string())
}

/// The first sheet of a spreadsheet is for people: it has the grids, and `import` passes over it without a word.
#[test]
fn the_overview_of_a_spreadsheet_is_not_imported() {
    use calamine::Reader;
    let path = common::root().join("examples/contact-centre/contact-centre.presync");
    let tables = common::program_at(&path)
        .compile()
        .expect("the program is small");
    let bytes = exported(&tables, "xlsx").expect("it can be exported");
    let mut book = calamine::Xlsx::new(std::io::Cursor::new(&bytes)).expect("it is a spreadsheet");
    assert_eq!(book.sheet_names()[0], "overview");
    let sheet = book.worksheet_range("overview").expect("it can be read");
    let cells: Vec<String> = sheet
        .used_cells()
        .map(|(_, _, cell)| cell.to_string())
        .collect();
    for wanted in [
        "a program",
        "Agents: cic → lync",
        "Away",
        "– unchanged –",
        "+ \"in queue\" when in_queue",
    ] {
        assert!(
            cells.iter().any(|cell| cell == wanted),
            "{wanted}: {cells:?}"
        );
    }
    let kind = KINDS.iter().find(|kind| kind.extensions.contains(&"xlsx"));
    let read = kind.expect("the format exists").read;
    let imported = read(&bytes, &ImportOptions::default()).expect("it can be imported");
    assert_eq!(imported.not_imported, [] as [String; 0]);
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
        let digest = |tables: &Tables| tables.digest().expect("the tables are small").to_owned();
        let mut rules = false;
        for format in ["json", "dmn", "csv", "xlsx"] {
            let export = exported(tables, format).expect("the tables are small");
            let source = imported(format, export)
                .unwrap_or_else(|error| panic!("{name}, {format}: {error}"));
            assert_eq!(
                digest(&common::tables(&source)),
                digest(tables),
                "{name}, {format}\n{source}"
            );
            rules |= source.contains("->");
        }
        decided += usize::from(rules);
    }
    println!("{} programs, {decided} of them with rules", programs.len());
    assert!(decided > 200);
}

fn command(name: &str, csv: &str) -> String {
    command_with(name, csv, csv.as_bytes(), &[])
}

fn command_with(name: &str, csv: &str, bytes: &[u8], options: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    std::fs::write(folder.path().join(name), bytes).expect("the file is writable");
    let output = common::presync(folder.path(), &[&["import", name], options].concat(), b"");
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

/// What people have: nothing is dropped or guessed in silence.
#[test]
fn tables_of_people_are_read_and_told() {
    let plain: [(&str, &str, &[&str]); 17] = [
        (
            "conditions.csv",
            "Profile,Condition,CIC Status,Direction,Lync Status\n\
             Voice,Enterprise Voice and logged in to CIC,Available,Bi-Directional,Available\n\
             ,not Agent on call,At Lunch,Both ways,Away\n\
             ,user_type is im,Do Not Disturb,2-way,Do Not Disturb\n\
             IM,,Follow Up,\u{21c4},No synchronization\n",
            &[],
        ),
        (
            "targets.csv",
            "CIC;Lync;Teams\nAvailable;Available;Available\nAt Lunch;Away;n/a\nGone Home;-;\n",
            &[],
        ),
        (
            "key.csv",
            "Status table\n\nkey,GenesysCloudPresenceId\nAvailable,123-4\n",
            &[],
        ),
        (
            "sep.csv",
            "sep=;\n\"Status, CIC\";\"Status, Lync\"\nAvailable;Away\nOther;Busy\n",
            &[],
        ),
        (
            "between.csv",
            "Direction,Teams status,CXone status\nTeams -> CXone,Busy,Unavailable\nCXone -> Teams,phone,Busy\nboth,Phone,PHONE\nnone,Away,Busy\n",
            &[],
        ),
        (
            "wiki.md",
            "# Doc\n\n| CIC | Lync |\n|---|:--|\n| **Available** | Away |\n| Other | None |\n",
            &[],
        ),
        (
            "jira.txt",
            "|| CIC || Lync ||\n| Available | Away |\n| Coaching | Busy |\n",
            &[],
        ),
        (
            "sources.csv",
            "From CIC,From Lync,To\nAvailable,,Away\n,Busy,In a Meeting\n",
            &[],
        ),
        (
            "ids.csv",
            "CIC Status,CIC Id,Lync Status,Comment\nAvailable,1,Away,why\n",
            &[],
        ),
        (
            "ignored.csv",
            "CIC Status,CIC Id,Lync Status,Comment\nAvailable,1,Away,why\n",
            &["--ignore-column", "Comment"],
        ),
        (
            "named.csv",
            "Eins,Zwei,Drei\nAvailable,x,Away\n",
            &["--column", "from=1,to=\"Drei\"", "--ignore-column", "2"],
        ),
        (
            "genesys.csv",
            "Genesys Presence,Lync Status\nAvailable,Away\n",
            &[],
        ),
        (
            "roles.tsv",
            "Role\tProfile\tCIC\tLync\nAgents\tA\tAvailable\tAvailable\n\tB\tAt Lunch\tAway\nLeads\tB\tGone Home\tAway\n",
            &[],
        ),
        (
            "list.csv",
            "CIC,Lync\n\"At Lunch, Gone Home\",Away\n\"Available, Forward\",Busy\n",
            &[],
        ),
        (
            "nothing.csv",
            "CIC,Direction,Lync\nNone,<->,Be Right Back\nNone,->,Away\nAvailable,->,Available\n",
            &[],
        ),
        (
            "first.dmn",
            "<definitions xmlns='https://www.omg.org/spec/DMN/20191111/MODEL/'><decision name='Presence'>\
             <decisionTable hitPolicy='FIRST'><input label='CIC Status'><inputExpression><text>cic</text></inputExpression></input>\
             <output name='Lync Status'/>\
             <rule><inputEntry><text>\"At Lunch\", \"Gone Home\"</text></inputEntry><outputEntry><text>\"Away\"</text></outputEntry></rule>\
             <rule><inputEntry><text>-</text></inputEntry><outputEntry><text>\"Busy\"</text></outputEntry></rule>\
             </decisionTable></decision></definitions>",
            &[],
        ),
        (
            "wrong.csv",
            "CIC,Lync\nAvailable,Away\n",
            &["--column", "frm=1"],
        ),
    ];
    let mut outputs: String = plain
        .iter()
        .map(|(name, text, options)| {
            let head = format!("=== {name} {}\n", options.join(" "));
            head + &command_with(name, text, text.as_bytes(), options) + "\n"
        })
        .collect();
    let text = "CIC;Lync\nAvailable;B\u{fc}ro\n";
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let ansi: Vec<u8> = text.chars().map(|char| char as u8).collect();
    for (name, bytes) in [
        ("utf16.csv", utf16.clone()),
        ("marked.csv", [&[0xff, 0xfe][..], &utf16].concat()),
        ("ansi.csv", ansi),
    ] {
        let output = command_with(name, text, &bytes, &[]);
        outputs.push_str(&format!("=== {name}\n{output}\n"));
    }
    settings().bind(|| insta::assert_snapshot!("people", outputs));
}

#[test]
fn unreadable_imports_are_reported() {
    let head = "from system,from state,to system,to state,direction\n";
    let wrong = [
        ("m.csv", String::new()),
        ("m.csv", head.to_owned()),
        ("m.csv", "name,value,more\na,b,c\n".to_owned()),
        (
            "m.csv",
            "CIC,Lync\n\"Available,Away\nBusy,Away\n".to_owned(),
        ),
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
        imported("csv", format!("cic,lync\n{lines}{lines}")).expect("the table can be imported");
    assert_eq!(source.matches(" -> ").count(), 100_000);
    let element = |attributes: usize| {
        let attributes: String = (0..attributes).map(|at| format!(" a{at}='b'")).collect();
        imported("dmn", format!("<definitions{attributes}/>")).expect_err("it has no decisions")
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

/// What Genesys CIC answers: new statuses become states, and those that differ from the vocabulary are named.
#[test]
fn the_statuses_of_cic_become_states() {
    let status = |id: &str, text: &str, more: &str| {
        format!(
            r#"{{"statusId":"{id}","messageText":"{text}","iconUri":"/x","groupTag":"g","isSelectableStatus":true,"isPersistentStatus":false{more}}}"#
        )
    };
    let dnd = r#","isDoNotDisturbStatus":true,"canHaveDate":true"#;
    let list = [
        status("at lunch", "Mittagspause", dnd),
        status("Available", "Available", dnd),
        status("coaching", "Coaching, \\\"1:1\\\"", dnd),
        status("Survey", "Survey", r#","isSelectableStatus":false"#)
            .replace(r#""isSelectableStatus":true,"#, ""),
        status("unchanged", "", ""),
    ];
    let text = format!("{{\"statusMessageList\":[{}]}}", list.join(","));
    let folder = tempfile::tempdir().expect("there is room");
    std::fs::write(folder.path().join("statuses.json"), text).expect("it can be written");
    let run = |words: &[&str]| {
        let output = common::presync(folder.path(), words, b"");
        let (out, error) = (common::text(&output.stdout), common::text(&output.stderr));
        (output.status.code(), out, error)
    };
    let (code, source, report) = run(&["import", "--from", "icws", "statuses.json"]);
    assert_eq!(code, Some(1), "{report}");
    insta::assert_snapshot!(format!("{report}---\n{source}"));
    std::fs::write(folder.path().join("site.presync"), &source).expect("it can be written");
    let (code, out, error) = run(&["check", "site.presync"]);
    assert_eq!(code, Some(0), "{out}{error}");
    // Something else.
    for (text, wanted) in [
        ("[]", "status messages"),
        ("", "EOF"),
        ("{}", "statusMessageList"),
    ] {
        std::fs::write(folder.path().join("statuses.json"), text).expect("it can be written");
        let (code, _, error) = run(&["import", "--from", "icws", "statuses.json"]);
        assert_eq!(code, Some(2), "{error}");
        assert!(error.contains(wanted), "{error}");
    }
    let (code, _, error) = run(&["import", "--from", "lync", "statuses.json"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("unknown system `lync`: use icws"), "{error}");
}
