//! Faults around a run: it is killed, the disk is full, readers disappear, files change while they are read. No fault
//! loses data silently. `PRESYNC_KILLS=200 cargo test --test faults -- --nocapture` kills 200 runs.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests run the tool and use files"
)]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{presync, text};

const PROGRAM: &str = include_str!("fixtures/programs/appendix.presync");

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    std::fs::write(folder.path().join("a.presync"), PROGRAM).expect("the file is writable");
    folder
}

fn write(folder: &Path, name: &str, content: &str) {
    std::fs::write(folder.join(name), content).expect("the file is writable");
}

/// Events that each cause a command.
fn events(from: usize, count: usize) -> String {
    let state = |number: usize| ["Available", "At Lunch"][number / 500 % 2];
    let line = |number: usize| {
        format!(
            "{{\"user\":\"u{}\",\"change\":{{\"cic\":\"{}\"}},\"id\":{number}}}\n",
            number % 500,
            state(number)
        )
    };
    (from..from + count).map(line).collect()
}

const RUN: [&str; 7] = [
    "run",
    "a.presync",
    "--events",
    "e.jsonl",
    "--state",
    "s.state",
    "-q",
];

/// A run that reads events from standard input.
const PROBE: [&str; 5] = ["run", "a.presync", "--state", "s.state", "-q"];

#[cfg(unix)]
#[test]
fn a_killed_run_repeats_commands_and_loses_none() {
    let kills = std::env::var("PRESYNC_KILLS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(10);
    let folder = folder();
    let at = folder.path();
    let (first, second) = (events(0, 3_000), events(3_000, 100_000));
    write(at, "e.jsonl", &first);
    presync(at, &RUN, b"");
    let before = std::fs::read(at.join("s.state")).expect("the file was written");
    write(at, "e.jsonl", &format!("{first}{second}"));
    let start = Instant::now();
    let wanted = text(&presync(at, &RUN, b"").stdout);
    let takes = start.elapsed();
    assert_eq!(wanted.lines().count(), 100_000);
    let (mut untouched, mut repeated) = (0, 0);
    for round in 0..kills {
        std::fs::write(at.join("s.state"), &before).expect("the file is writable");
        let mut child = Command::new(env!("CARGO_BIN_EXE_presync"))
            .args(RUN)
            .current_dir(at)
            .stdout(Stdio::from(
                std::fs::File::create(at.join("out.jsonl")).expect("it can be created"),
            ))
            .spawn()
            .expect("the binary starts");
        // From the start to a little after the end, in a fixed but mixed order.
        let moment = takes.mul_f64(f64::from(round * 7919 % 1009) / 1009.0 * 1.1);
        std::thread::sleep(moment.max(Duration::from_micros(200)));
        let _ = child.kill();
        let _ = child.wait();
        let out = std::fs::read(at.join("out.jsonl")).expect("the file was written");
        // A line that was cut off is written again.
        let out = text(&out);
        let whole = out.rfind('\n').map_or("", |end| &out[..=end]);
        let again = text(&presync(at, &RUN, b"").stdout);
        let twice = (whole.len() + again.len()).saturating_sub(wanted.len());
        assert!(
            whole.len() + again.len() >= wanted.len()
                && wanted.starts_with(whole)
                && again.get(twice..) == Some(&wanted[whole.len()..])
                && again[..twice] == whole[whole.len() - twice..],
            "round {round}: {} lines before the kill, {} after it",
            whole.lines().count(),
            again.lines().count()
        );
        untouched += u32::from(whole.is_empty());
        repeated += u32::from(twice > 0);
        assert_eq!(
            text(&presync(at, &RUN, b"").stdout),
            "",
            "round {round}: nothing is left to do"
        );
        // The sessions are those of a run without a kill: the same changes are no news to them.
        assert_eq!(
            text(&presync(at, &PROBE, events(102_500, 500).as_bytes()).stdout),
            "",
            "round {round}"
        );
    }
    println!(
        "{kills} kills: {untouched} before the first command, {repeated} that repeat commands"
    );
    assert!(untouched < kills && repeated > 0);
}

/// A run that reads events from a pipe.
fn started(at: &Path) -> std::process::Child {
    Command::new(env!("CARGO_BIN_EXE_presync"))
        .args(PROBE)
        .current_dir(at)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts")
}

#[test]
fn two_runs_do_not_share_a_state() {
    let folder = folder();
    let at = folder.path();
    let mut first = started(at);
    // The first has the state once it answers.
    let mut input = first.stdin.take().expect("it is a pipe");
    input
        .write_all(events(0, 1).as_bytes())
        .expect("the first reads");
    let mut line = String::new();
    BufReader::new(first.stdout.take().expect("it is a pipe"))
        .read_line(&mut line)
        .expect("the first writes");
    assert!(line.contains("u0"), "{line}");
    let second = presync(at, &PROBE, events(0, 1).as_bytes());
    assert_eq!(second.status.code(), Some(2));
    let holder = format!("`s.state` is in use by process {}", first.id());
    assert!(
        text(&second.stderr).contains(&holder),
        "{}",
        text(&second.stderr)
    );
    drop(input);
    assert!(first.wait().expect("it ends").success());
    assert_eq!(presync(at, &PROBE, b"").status.code(), Some(0));
}

/// Events that are read from a pipe are in the state before their commands are out.
#[cfg(unix)]
#[test]
fn a_signal_ends_a_run_with_all_it_wrote_in_the_state() {
    for signal in ["TERM", "INT", "KILL"] {
        let folder = folder();
        let at = folder.path();
        let mut run = started(at);
        let mut input = run.stdin.take().expect("it is a pipe");
        let mut output = BufReader::new(run.stdout.take().expect("it is a pipe"));
        for number in 0..3 {
            input
                .write_all(events(number, 1).as_bytes())
                .expect("the run reads");
            let mut line = String::new();
            output.read_line(&mut line).expect("the run writes");
            assert!(line.contains(&format!("u{number}")), "{line}");
        }
        let kill = Command::new("kill")
            .args([&format!("-{signal}"), &run.id().to_string()])
            .status();
        assert!(kill.expect("kill is installed").success());
        let ended = run.wait().expect("it ends");
        assert_eq!(ended.code(), (signal != "KILL").then_some(0), "{signal}");
        let again = text(&presync(at, &PROBE, events(0, 3).as_bytes()).stdout);
        let repeated = if signal == "KILL" { 1 } else { 0 };
        assert_eq!(again.lines().count(), repeated, "{signal}: {again}");
    }
}

#[test]
fn an_output_is_never_an_input() {
    let folder = folder();
    let at = folder.path();
    let content = events(0, 10);
    write(at, "e.jsonl", &content);
    write(at, "users.csv", "user,role\n");
    std::fs::hard_link(at.join("e.jsonl"), at.join("hard.jsonl")).expect("links are possible");
    #[cfg(unix)]
    std::os::unix::fs::symlink("e.jsonl", at.join("link.jsonl")).expect("links are possible");
    let refused = |options: &[&str]| {
        let mut words = vec!["run", "a.presync", "--events", "e.jsonl"];
        words.extend(options);
        let output = presync(at, &words, b"");
        assert_eq!(output.status.code(), Some(2), "{options:?}");
        assert!(
            text(&output.stderr).contains("would overwrite"),
            "{options:?}: {}",
            text(&output.stderr)
        );
        let events = std::fs::read(at.join("e.jsonl")).expect("it is still there");
        assert_eq!(text(&events), content, "{options:?}");
    };
    for option in ["--rejects", "--trace", "--state"] {
        refused(&[option, "e.jsonl"]);
        refused(&[option, "./e.jsonl"]);
        refused(&[option, "hard.jsonl"]);
        if cfg!(unix) {
            refused(&[option, "link.jsonl"]);
        }
        refused(&[option, "a.presync"]);
        refused(&["--users", "users.csv", option, "users.csv"]);
    }
    refused(&["--rejects", "new.jsonl", "--trace", "./new.jsonl"]);
    refused(&["--rejects", "new.jsonl", "--state", "new.jsonl"]);
    assert!(!at.join("new.jsonl").exists());
    let output = presync(
        at,
        &["export", "a.presync", "--to", "json", "-o", "a.presync"],
        b"",
    );
    assert!(
        text(&output.stderr).contains("would overwrite"),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(
        text(&std::fs::read(at.join("a.presync")).expect("it is there")),
        PROGRAM
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_reported_and_keeps_the_old_state() {
    let folder = folder();
    let at = folder.path();
    write(at, "e.jsonl", &events(0, 5_000));
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("the device exists");
    let output = Command::new(env!("CARGO_BIN_EXE_presync"))
        .args(RUN)
        .current_dir(at)
        .stdout(Stdio::from(full))
        .output()
        .expect("the binary starts");
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("cannot write commands: No space left"),
        "{}",
        text(&output.stderr)
    );
    let again = text(&presync(at, &RUN, b"").stdout);
    assert_eq!(again.lines().count(), 5_000, "the commands come again");
    let bad = "nonsense\n".repeat(2_000);
    write(at, "e.jsonl", &bad);
    for (option, more) in [("--rejects", "run"), ("--trace", "run"), ("-o", "export")] {
        let arguments: &[&str] = match more {
            "run" => &[
                "run",
                "a.presync",
                "--events",
                "e.jsonl",
                option,
                "/dev/full",
            ],
            _ => &["export", "a.presync", "--to", "json", option, "/dev/full"],
        };
        let output = presync(at, arguments, b"");
        assert_eq!(
            output.status.code(),
            Some(2),
            "{option}: {}",
            text(&output.stderr)
        );
        let errors = text(&output.stderr);
        assert!(
            errors.contains("cannot write `/dev/full`: No space left"),
            "{option}: {errors}"
        );
    }
    let output = presync(
        at,
        &[
            "run",
            "a.presync",
            "--events",
            "e.jsonl",
            "--state",
            "/dev/full",
        ],
        b"",
    );
    assert!(
        text(&output.stderr).contains("cannot save the state to `/dev/full`: not a regular file")
    );
    let output = presync(at, &["check", "/dev/zero"], b"");
    assert!(
        text(&output.stdout).contains("larger than 256 MiB"),
        "{}",
        text(&output.stderr)
    );
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_loses_no_command() {
    let folder = folder();
    let at = folder.path();
    write(at, "e.jsonl", &events(0, 50_000));
    let mut child = Command::new(env!("CARGO_BIN_EXE_presync"))
        .args(RUN.iter().filter(|word| **word != "-q"))
        .current_dir(at)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the binary exits");
    assert!(text(&output.stderr).contains("the next run begins with them"));
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&presync(at, &RUN, b"").stdout).lines().count(), 50_000);
}

/// An incomplete last line, a writer that appends during the run, and a file that is replaced.
#[test]
fn a_changing_events_file_is_read_once() {
    let folder = folder();
    let at = folder.path();
    let whole = events(0, 2_000);
    let (first, _) = whole.split_at(whole.len() / 2 + 20);
    assert!(!first.ends_with('\n'), "the last line is incomplete");
    write(at, "e.jsonl", first);
    let mut commands = text(&presync(at, &RUN, b"").stdout);
    write(at, "e.jsonl", &whole);
    commands += &text(&presync(at, &RUN, b"").stdout);
    let one = text(&presync(at, &["run", "a.presync", "--events", "e.jsonl", "-q"], b"").stdout);
    assert_eq!(commands, one, "the same commands as in a single run");
    // The file grows during the run; the next run reads the rest.
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(at.join("e.jsonl"))
        .expect("it exists");
    let writer = std::thread::spawn(move || {
        for at in 0..200 {
            file.write_all(events(2_000 + at * 20, 20).as_bytes())
                .expect("the file is writable");
        }
    });
    let mut count = 0;
    while count < 4_000 {
        count += text(&presync(at, &RUN, b"").stdout).lines().count();
    }
    writer.join().expect("the writer does not panic");
    assert_eq!(count, 4_000);
    assert_eq!(
        text(&presync(at, &RUN, b"").stdout),
        "",
        "nothing is left to read"
    );
    // The file is replaced: the start differs, which is reported.
    write(at, "e.jsonl", &events(0, 10));
    let mut loud = RUN.to_vec();
    loud.pop();
    let output = presync(at, &loud, b"");
    assert!(
        text(&output.stderr).contains("starting at its beginning"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn a_resumed_run_skips_a_line_that_is_too_long() {
    let folder = folder();
    let at = folder.path();
    let long = format!("{}\n", "y".repeat(17 << 20));
    write(
        at,
        "e.jsonl",
        &format!("{}{long}{}", events(0, 10), events(10, 10)),
    );
    let output = presync(at, &RUN, b"");
    assert_eq!(text(&output.stdout).lines().count(), 20);
    assert_eq!(output.status.code(), Some(1), "one event was rejected");
    let mut loud = RUN.to_vec();
    loud.pop();
    let output = presync(at, &loud, b"");
    assert!(
        text(&output.stderr).starts_with("0 events"),
        "{}",
        text(&output.stderr)
    );
}

#[cfg(unix)]
#[test]
fn a_pipe_has_no_position_to_resume_from() {
    let folder = folder();
    let at = folder.path();
    let pipe = at.join("e.jsonl");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .expect("mkfifo is installed")
            .success()
    );
    for round in 0..2 {
        let writer = std::thread::spawn({
            let pipe = pipe.clone();
            move || std::fs::write(pipe, events(round * 500, 500)).expect("the pipe has a reader")
        });
        assert_eq!(
            text(&presync(at, &RUN, b"").stdout).lines().count(),
            500,
            "round {round}"
        );
        writer.join().expect("the writer does not panic");
    }
}
