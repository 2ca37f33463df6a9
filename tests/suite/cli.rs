//! Errors outside of the program: each gets a clear message and the right exit code, never a panic.

use crate::common;

use std::path::Path;

use common::{presync, text};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder can be created")
}

fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) {
    std::fs::write(folder.join(name), content).expect("the file is writable");
}

#[track_caller]
fn fails(folder: &Path, arguments: &[&str], stdin: &[u8], code: i32, wanted: &str) {
    let output = presync(folder, arguments, stdin);
    // Findings of `check` are on stdout, other errors on stderr.
    let shown = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {shown}");
    assert!(shown.contains(wanted), "{arguments:?}: {shown}");
}

#[test]
fn files_that_cannot_be_read() {
    let folder = folder();
    let folder = folder.path();
    fails(
        folder,
        &["check", "missing.presync"],
        b"",
        2,
        "`missing.presync`: file not found",
    );
    fails(
        folder,
        &["check", "."],
        b"",
        2,
        "contains no `.presync` file",
    );
    fails(
        folder,
        &["decide", "missing.presync", "cic Available"],
        b"",
        2,
        "file not found",
    );
    fails(folder, &["run", "missing.json"], b"", 2, "file not found");
    write(
        folder,
        "a.presync",
        "use cic_lync\nprofile \"P\" { cic Available -> lync Away }\n",
    );
    fails(
        folder,
        &["run", "a.presync", "--events", "none.jsonl"],
        b"",
        2,
        "cannot read `none.jsonl`",
    );
    fails(
        folder,
        &["run", "a.presync", "--events", "."],
        b"",
        2,
        "it is a directory",
    );
    fails(
        folder,
        &["run", "a.presync", "--rejects", "no/folder"],
        b"",
        2,
        "cannot write `no/folder`",
    );
    fails(
        folder,
        &["run", "a.presync", "--users", "none.csv"],
        b"",
        2,
        "cannot read `none.csv`",
    );
    fails(
        folder,
        &[
            "export",
            "a.presync",
            "--to",
            "json",
            "-o",
            "no/folder.json",
        ],
        b"",
        2,
        "cannot write",
    );
    fails(
        folder,
        &["export", "a.presync", "--to", "jsn"],
        b"",
        2,
        "json",
    );
    fails(
        folder,
        &["vocabulary", "cic_lnyc"],
        b"",
        2,
        "did you mean `cic_lync`?",
    );
}

#[test]
fn a_directory_means_the_files_that_no_other_file_uses() {
    let root = folder();
    let root = root.path().canonicalize().expect("it exists");
    let site = root.join("site");
    std::fs::create_dir_all(site.join("states")).expect("the folder can be created");
    write(
        &site,
        "main.presync",
        "use \"states/own.presync\"\nprofile \"P\" { cic Here -> lync Away }\n",
    );
    write(
        &site,
        "states/own.presync",
        "use \"lync.presync\"\nsystem cic { state Here }\n",
    );
    write(&site, "states/lync.presync", "system lync { state Away }\n");
    let absolute = site.to_string_lossy().into_owned();
    for (from, path) in [
        (&root, "site"),
        (&root, "./site/"),
        (&site, "."),
        (&site, "../site"),
        (&root, &*absolute),
    ] {
        let output = presync(from, &["check", path], b"");
        assert!(
            text(&output.stderr).contains("checked 1 program"),
            "{path}: {}",
            text(&output.stderr)
        );
    }
}

#[test]
fn files_that_are_not_programs() {
    let folder = folder();
    let folder = folder.path();
    assert_eq!(
        presync(folder, &["check", "-"], b"").status.code(),
        Some(0),
        "an empty program is a program"
    );
    fails(folder, &["check", "-"], b"\xff\xfe", 1, "not-utf8");
    fails(folder, &["check", "-"], b"flag a\0", 1, "hidden-character");
    fails(
        folder,
        &["check", "-"],
        format!("flag a {}", "{".repeat(100_000)).as_bytes(),
        1,
        "nested more than 200 levels deep",
    );
    fails(
        folder,
        &["check", "-"],
        format!("condition c = {}", "(".repeat(100_000)).as_bytes(),
        1,
        "nested more than 200 levels deep",
    );
    fails(
        folder,
        &["check", "-"],
        format!("profile p {{ {} }}", "when a {".repeat(100_000)).as_bytes(),
        1,
        "nested more than 200 levels deep",
    );
    // Chains do not nest.
    let long = format!(
        "flag a\ncondition c = {}a{}\n",
        "not ".repeat(5_000),
        " and a".repeat(5_000)
    );
    assert_eq!(
        presync(folder, &["check", "-"], long.as_bytes())
            .status
            .code(),
        Some(0)
    );
    let long = format!(
        "flag a\ncondition c = {}a{}\n",
        "not ".repeat(100_000),
        " and a".repeat(100_000)
    );
    fails(
        folder,
        &["check", "-"],
        long.as_bytes(),
        1,
        "statement is longer than 20000 tokens",
    );
    let long = format!(
        "use cic_lync\nprofile p {{ {}cic Available -> lync Away }}\n",
        "when in_queue: ".repeat(10_000)
    );
    assert_eq!(
        presync(folder, &["check", "-"], long.as_bytes())
            .status
            .code(),
        Some(0)
    );
    let chain: String = (0..20_000)
        .map(|at| format!("condition c{at} = c{} and a\n", at + 1))
        .collect();
    assert_eq!(
        presync(
            folder,
            &["check", "-"],
            format!("flag a\n{chain}condition c20000 = a\n").as_bytes()
        )
        .status
        .code(),
        Some(0)
    );
}

#[test]
fn directories_with_several_programs() {
    let folder = folder();
    let folder = folder.path();
    let program = "use cic_lync\nprofile \"P\" { cic Available -> lync Away }\n";
    write(
        folder,
        "a.presync",
        format!("use \"shared.presync\"\n{program}"),
    );
    write(
        folder,
        "b.presync",
        format!("use \"shared.presync\"\n{program}"),
    );
    write(folder, "shared.presync", "flag vip\n");
    let output = presync(folder, &["check", "."], b"");
    assert!(
        text(&output.stderr).contains("2 programs"),
        "{}",
        text(&output.stderr)
    );
    fails(
        folder,
        &["decide", ".", "cic Available"],
        b"",
        2,
        "contains 2 programs: name one of",
    );
    // A cycle without a root is one program.
    write(folder, "shared.presync", "use \"a.presync\"\nflag vip\n");
    std::fs::remove_file(folder.join("b.presync")).expect("it exists");
    let output = presync(folder, &["check", "."], b"");
    assert!(
        text(&output.stderr).contains("1 program:"),
        "{}",
        text(&output.stderr)
    );
}

/// The system is incomplete, or its states are declared elsewhere.
#[test]
fn a_system_without_states() {
    let folder = folder();
    let folder = folder.path();
    let source = include_str!("../fixtures/programs/system-without-states.presync");
    write(folder, "a.presync", source);
    let run = |arguments: &[&str], code: i32| {
        let output = presync(folder, arguments, b"");
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
        text(&output.stdout) + &text(&output.stderr)
    };
    for arguments in [
        &["check", "a.presync"][..],
        &["fmt", "a.presync"],
        &["show", "a.presync"],
        &["test", "a.presync"],
    ] {
        run(arguments, 0);
    }
    run(&["test", "a.presync", "--coverage"], 0);
    for to in ["json", "sql", "rego", "jdm", "csv", "markdown", "html"] {
        run(&["export", "a.presync", "--to", to, "-o", "exported"], 0);
    }
    run(&["export", "a.presync", "--to", "json", "-o", "a.json"], 0);
    assert!(
        run(&["diff", "a.presync", "a.json"], 0).contains("no decision changes in any situation")
    );
    assert!(run(&["decide", "a.json", "cic Available"], 0).contains("desk"));
    assert!(run(&["decide", "a.presync", "desk Available"], 2).contains("desk"));
    let event = "{\"user\":\"u\",\"system\":\"desk\",\"state\":\"Busy\"}\n";
    let output = presync(folder, &["run", "a.json"], event.as_bytes());
    assert!(
        text(&output.stderr).contains("1 rejected"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn invalid_decide_arguments() {
    let folder = folder();
    let folder = folder.path();
    write(
        folder,
        "a.presync",
        include_str!("../fixtures/programs/two-roles.presync").replace("uses P", "uses \"P\""),
    );
    let decide = |more: &[&str], wanted: &str| {
        let arguments: Vec<&str> = ["decide", "a.presync"]
            .iter()
            .chain(more)
            .copied()
            .collect();
        fails(folder, &arguments, b"", 2, wanted);
    };
    decide(&["cic Available"], "the program has several roles");
    decide(&["cic Available", "--role", "C"], "unknown role `C`");
    decide(
        &["cic Availabel", "--role", "A"],
        "did you mean `Available`?",
    );
    decide(&["cci Available", "--role", "A"], "did you mean `cic`?");
    decide(
        &["Available", "--role", "A"],
        "expected a system and a state, as in",
    );
    decide(
        &["cic Available", "--role", "A"],
        "`user_type` has no value",
    );
    decide(
        &["cic Available", "--role", "A", "--given", "both_logged_in"],
        "is a condition: list the facts",
    );
    decide(
        &["cic Available", "--role", "A", "--given", "in_que"],
        "did you mean `in_queue`?",
    );
    decide(
        &["cic Available", "--role", "A", "--given", "in_queue=maybe"],
        "true or false",
    );
    decide(
        &["cic Available", "--role", "A", "--given", "user_type=fax"],
        "`user_type` has no value `fax`",
    );
    decide(
        &["cic Available", "--role", "A", "--given", "a,,b"],
        "expected",
    );
}

#[test]
fn invalid_tables_are_refused() {
    let folder = folder();
    let folder = folder.path();
    write(
        folder,
        "a.presync",
        "use cic_lync\nprofile \"P\" when in_queue { cic Available -> lync Away }\n",
    );
    assert!(
        presync(
            folder,
            &["export", "a.presync", "--to", "json", "-o", "tables.json"],
            b""
        )
        .status
        .success()
    );
    let good = std::fs::read_to_string(folder.join("tables.json")).expect("the file was written");
    let output = presync(
        folder,
        &["export", "a.presync", "--to", "json", "-o", "-"],
        b"",
    );
    assert_eq!(
        (text(&output.stdout), text(&output.stderr)),
        (good.clone(), String::new()),
        "`-` is stdout"
    );
    let refused = |content: &str, wanted: &str| {
        write(folder, "bad.json", content);
        fails(folder, &["run", "bad.json"], b"", 2, wanted);
    };
    refused(&good[..good.len() / 2], "line ");
    refused("", "line 1");
    refused("{}", "not a tables.json");
    refused("[1]", "line 1");
    refused(
        &good.replace("\"version\": 2", "\"version\": 1"),
        "version 1, but this presync reads version 2: export it again",
    );
    refused(
        &good.replace("\"state\": \"Away\"", "\"state\": \"Busy\""),
        "edited after its export",
    );
    refused(
        &good.replace("\"state\": \"Away\"", "\"state\": \"Gone\""),
        "edited after its export",
    );
    refused(&good.replacen("true", "1", 1), "line ");
}

#[test]
fn the_exit_code_does_not_depend_on_the_reader() {
    let folder = folder();
    let folder = folder.path();
    let rules: String = (0..2_000)
        .map(|at| format!("  when f{at}: cic Available -> lync Away\n"))
        .collect();
    let flags: String = (0..2_000).map(|at| format!("flag f{at}\n")).collect();
    write(
        folder,
        "wrong.presync",
        format!(
            "use cic_lync\n{flags}profile \"P\" {{\n  cic Available -> lync Awayy\n{rules}}}\n"
        ),
    );
    write(
        folder,
        "good.presync",
        "use cic_lync\nprofile \"P\" { cic Available -> lync Away  cic \"At Lunch\" -> lync Busy }\n",
    );
    write(
        folder,
        "test.presync",
        "use cic_lync\nprofile \"P\" { cic Available -> lync Away }\ntest \"t\" { cic Available => lync Busy }\n",
    );
    write(folder, "ugly.presync", "use    cic_lync\n");
    write(folder, "events.jsonl", "{}\n");
    let commands = [
        ("check wrong.presync", 1),
        ("check --format plain wrong.presync", 1),
        ("check --format json wrong.presync", 1),
        ("check --format sarif wrong.presync", 1),
        ("check --format github wrong.presync", 1),
        ("check --format gitlab wrong.presync", 1),
        ("check --format junit wrong.presync", 1),
        ("check --format agent wrong.presync", 1),
        ("check --statistics wrong.presync", 1),
        ("check good.presync", 0),
        ("fmt --diff ugly.presync", 1),
        ("test test.presync", 1),
        ("diff good.presync test.presync", 1),
        ("diff good.presync wrong.presync", 2),
        ("show good.presync", 0),
        ("show wrong.presync", 2),
        ("decide wrong.presync 'cic Available'", 2),
        ("test wrong.presync", 2),
        ("export --to html good.presync", 0),
        ("run good.presync --events events.jsonl", 1),
    ];
    for (command, wanted) in commands {
        let tool = env!("CARGO_BIN_EXE_presync");
        for (line, how) in [
            (format!("{tool} {command} >/dev/null"), "read"),
            (
                format!("{{ {tool} {command}; echo $? >code; }} | true"),
                "closed",
            ),
        ] {
            let output = std::process::Command::new("sh")
                .args(["-c", &line])
                .current_dir(folder)
                .output()
                .expect("sh runs");
            let code = match how {
                "read" => output.status.code(),
                _ => std::fs::read_to_string(folder.join("code"))
                    .expect("it was written")
                    .trim()
                    .parse()
                    .ok(),
            };
            assert_eq!(
                code,
                Some(wanted),
                "{command}, {how}: {}",
                text(&output.stderr)
            );
        }
    }
}

#[test]
fn names_cannot_control_the_terminal() {
    let folder = folder();
    let output = presync(
        folder.path(),
        &["check", "-"],
        b"flag \"\x1b[31mred\"\nflag \"\x1b[31mred\"\n",
    );
    assert!(!output.stderr.contains(&0x1b), "{}", text(&output.stderr));
}

#[cfg(unix)]
#[test]
fn files_outside_are_read_only_if_allowed() {
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    let at = |path: &str| folder.path().join(path);
    let write =
        |path: &str, text: &str| std::fs::write(at(path), text).expect("the file is writable");
    std::fs::create_dir_all(at("project/profiles")).expect("the folder can be created");
    write("secret.presync", "flag the_secret\n");
    write("project/site.presync", "flag of_the_site\n");
    std::os::unix::fs::symlink(at("secret.presync"), at("project/profiles/link.presync"))
        .expect("symlinks can be created");
    let profile = "profile \"P\" { cic Available -> lync Away }";
    let uses = [
        ("above.presync", "../../secret.presync", false),
        ("linked.presync", "link.presync", false),
        (
            "whole.presync",
            at("secret.presync").to_str().expect("the path is UTF-8"),
            false,
        ),
        ("beside.presync", "../site.presync", true),
    ]
    .map(|(name, used, inside)| {
        write(
            &format!("project/profiles/{name}"),
            &format!("use cic_lync\nuse \"{used}\"\n{profile}\n"),
        );
        (name, inside)
    });
    let check = |name: &str, more: &[&str]| {
        let arguments = [&["check", name, "-q", "--format", "agent"], more].concat();
        text(&presync(&at("project/profiles"), &arguments, b"").stdout)
    };
    for (name, _) in uses {
        let output = check(name, &[]);
        assert!(
            output.contains("unknown-file") && output.contains("--allow-outside"),
            "{name}: {output}"
        );
        // The output contains nothing of the file.
        assert!(!output.contains("the_secret"), "{name}: {output}");
        assert!(
            !check(name, &["--allow-outside"]).contains("unknown-file"),
            "{name}"
        );
    }
    write("project/presync.toml", "");
    for (name, inside) in uses {
        assert_eq!(!check(name, &[]).contains("unknown-file"), inside, "{name}");
    }
}

#[cfg(unix)]
#[test]
fn circular_links_do_not_hang() {
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    let at = |path: &str| folder.path().join(path);
    std::fs::write(
        at("a.presync"),
        "use cic_lync\nuse \"b.presync\"\nprofile \"P\" { cic Available -> lync Away }\n",
    )
    .expect("the file is writable");
    std::os::unix::fs::symlink(at("b.presync"), at("b.presync")).expect("symlinks can be created");
    std::os::unix::fs::symlink(folder.path(), at("round")).expect("symlinks can be created");
    let output = presync(
        folder.path(),
        &["check", "a.presync", "-q", "--format", "agent"],
        b"",
    );
    assert!(
        text(&output.stdout).contains("unknown-file"),
        "{}",
        text(&output.stdout)
    );
    std::fs::remove_file(at("b.presync")).expect("it exists");
    std::fs::write(at("b.presync"), "flag f\n").expect("the file is writable");
    let output = presync(folder.path(), &["check", "."], b"");
    assert!(
        text(&output.stderr).contains("checked 1 program"),
        "{}",
        text(&output.stderr)
    );
}

#[cfg(unix)]
#[test]
fn devices_and_pipes_are_written_to_and_not_replaced() {
    use std::os::unix::fs::FileTypeExt;
    let folder = folder();
    let folder = folder.path();
    write(
        folder,
        "a.presync",
        "use cic_lync\nprofile \"P\" { cic Available -> lync Away }\n",
    );
    let pipe = folder.join("pipe");
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .expect("mkfifo is installed");
    assert!(made.success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read_to_string(pipe).expect("the pipe has a writer")
    });
    let output = presync(
        folder,
        &["export", "a.presync", "--to", "json", "-o", "pipe"],
        b"",
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(
        std::fs::metadata(&pipe)
            .expect("it exists")
            .file_type()
            .is_fifo()
    );
    assert!(
        reader
            .join()
            .expect("the reader does not panic")
            .contains("\"blocks\"")
    );
}

#[test]
fn invalid_given_is_reported_with_the_expected_form() {
    let folder = folder();
    let folder = folder.path();
    write(
        folder,
        "a.presync",
        "use cic_lync\nprofile \"P\" { cic Available -> lync Away }\n",
    );
    for (given, wanted) in [
        ("not in_queue", "expected a fact or a system at character 1"),
        ("in_queue=1", "expected a state or value at character 10"),
        ("user_type is im", "expected `=` at character 11"),
    ] {
        let arguments = ["decide", "a.presync", "cic Available", "--given", given];
        fails(
            folder,
            &arguments,
            b"",
            2,
            "write facts and states as in `in_queue, user_type=im, lync=\"Do Not Disturb\" by hand`",
        );
        fails(folder, &arguments, b"", 2, wanted);
    }
    write(
        folder,
        "b.presync",
        "use cic_lync\nprofile \"P\" { cic Available -> lync previous }\n",
    );
    for (given, wanted) in [
        ("own cic=Available", "no rule sets `cic previous`"),
        ("own lync=Offline", "`Offline` of `lync` cannot be set"),
        ("own lync=Away by hand", "belongs to the state of `lync`"),
    ] {
        let arguments = ["decide", "b.presync", "cic Available", "--given", given];
        fails(folder, &arguments, b"", 2, wanted);
    }
    write(folder, "presync.toml", "[lints]\ngap = false\n");
    fails(
        folder,
        &["check", "a.presync"],
        b"",
        2,
        "lint `gap`: unknown level `boolean`: use `off`, `warn` or `error`",
    );
}

/// The first invalid byte of an event is named, counted from 1.
#[test]
fn an_event_that_is_not_utf8_is_rejected_with_its_byte() {
    let folder = folder();
    let folder = folder.path();
    write(
        folder,
        "a.presync",
        "use cic_lync\nprofile \"P\" { cic Available -> lync Away }\n",
    );
    let output = presync(folder, &["run", "a.presync"], b"{\"user\":\"\xff\"}\n");
    assert_eq!(output.status.code(), Some(1));
    let rejected = text(&output.stderr);
    assert!(
        rejected.contains("not valid UTF-8 at byte 10"),
        "{rejected}"
    );
}
