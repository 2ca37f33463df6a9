//! Faults around a run: it is killed, the disk is full, readers disappear, files change while they are read. No fault
//! loses data silently. `PRESYNC_KILLS=200 cargo test --test faults -- --nocapture` kills 200 runs.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests run the tool and use files"
)]

mod common;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{presync, text};
use presync_stream::StateFile;

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
    "s.json",
    "-q",
];

#[cfg(unix)]
#[test]
fn a_killed_run_keeps_the_state_and_loses_no_command() {
    let kills = std::env::var("PRESYNC_KILLS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(20);
    let folder = folder();
    let at = folder.path();
    let (first, second) = (events(0, 3_000), events(3_000, 30_000));
    write(at, "e.jsonl", &first);
    let undisturbed = text(&presync(at, &RUN, b"").stdout);
    assert_eq!(undisturbed.lines().count(), 3_000);
    let before = std::fs::read(at.join("s.json")).expect("the file was written");
    write(at, "e.jsonl", &format!("{first}{second}"));
    let start = Instant::now();
    let wanted = text(&presync(at, &RUN, b"").stdout);
    let takes = start.elapsed();
    assert_eq!(wanted.lines().count(), 30_000);
    let after = std::fs::read(at.join("s.json")).expect("the file was written");
    let (mut early, mut late) = (0, 0);
    for round in 0..kills {
        std::fs::write(at.join("s.json"), &before).expect("the file is writable");
        let mut child = Command::new(env!("CARGO_BIN_EXE_presync"))
            .args(RUN)
            .current_dir(at)
            .stdout(Stdio::from(
                std::fs::File::create(at.join("out.jsonl")).expect("it can be created"),
            ))
            .spawn()
            .expect("the binary starts");
        // From the start to a little after the end, in a fixed but mixed order.
        let moment = takes.mul_f64(f64::from(round * 7919 % 1009) / 1009.0 * 1.2);
        std::thread::sleep(moment.max(Duration::from_micros(200)));
        let _ = child.kill();
        let _ = child.wait();
        let state = std::fs::read(at.join("s.json")).expect("a state always exists");
        StateFile::parse(&text(&state)).expect("the state is complete");
        let again = text(&presync(at, &RUN, b"").stdout);
        if state == before {
            early += 1;
            assert!(
                again == wanted,
                "round {round}: the same commands as without the kill"
            );
        } else {
            late += 1;
            assert_eq!(text(&state), text(&after), "round {round}");
            let out = std::fs::read(at.join("out.jsonl")).expect("the file was written");
            assert!(
                text(&out) == wanted && again.is_empty(),
                "round {round}: all commands were written before the state"
            );
        }
        assert_eq!(
            std::fs::read(at.join("s.json")).expect("the file was written"),
            after
        );
    }
    println!("{early} runs killed before the state was written, {late} after it");
    assert!(early > 0);
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
    assert!(
        !at.join("s.json").exists(),
        "the state must not be saved if commands were not written"
    );
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
fn a_closed_pipe_keeps_the_old_state() {
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
    assert!(text(&output.stderr).contains("the state was not saved, so no command is lost"));
    assert!(!at.join("s.json").exists());
    assert_eq!(text(&presync(at, &RUN, b"").stdout).lines().count(), 50_000);
}

/// An incomplete last line, a writer that appends during the run, and a file that is replaced.
#[test]
fn a_changing_events_file_is_read_once() {
    use std::io::Write;
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
