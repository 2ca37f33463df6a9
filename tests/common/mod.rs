//! Shared by several tests: loading programs from text, and running the binary.
#![allow(dead_code, reason = "each test binary uses only part of it")]

pub mod generate;
pub mod random;
pub mod reference;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use presync::{CheckErrors, Program, Situation, StateId, SystemId, Tables};
use random::Random;

pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(2)
        .expect("the command line is in crates/cli")
        .to_path_buf()
}

/// Checks a program of one file.
pub fn check(source: &str) -> Result<Program, CheckErrors> {
    Program::check_source("main.presync", source)
}

pub fn program(source: &str) -> Program {
    check(source).unwrap_or_else(|errors| panic!("{errors}\n{source}"))
}

pub fn tables(source: &str) -> Tables {
    program(source).compile().expect("the program is small")
}

/// Loads a program from disk.
pub fn program_at(path: &Path) -> Program {
    let folder = path.parent().expect("a file is in a folder").to_path_buf();
    let name = path
        .file_name()
        .expect("a file has a name")
        .to_string_lossy()
        .into_owned();
    let read = |path: &str| std::fs::read(folder.join(path));
    let parsed = presync::parse("", &name, &read).expect("the file is readable");
    presync::check(parsed)
        .into_program()
        .unwrap_or_else(|errors| panic!("{errors}"))
}

/// The root file of every program in `examples/`.
pub fn examples() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(root().join("examples"))
        .expect("the examples exist")
        .map(|entry| entry.expect("the folder is readable").path())
        .filter(|path| path.is_dir())
        .map(|folder| {
            let name = folder
                .file_name()
                .expect("a folder has a name")
                .to_string_lossy()
                .into_owned();
            folder.join(format!("{name}.presync"))
        })
        // Examples of the library are Rust files.
        .filter(|program| program.exists())
        .collect();
    found.sort();
    assert!(found.len() >= 4, "too few examples");
    found
}

/// Runs the binary in a folder, without colors and 80 columns wide.
pub fn presync(folder: &Path, arguments: &[&str], stdin: &[u8]) -> Output {
    presync_as_wide_as(80, folder, arguments, stdin)
}

/// The same at another width.
pub fn presync_as_wide_as(
    columns: usize,
    folder: &Path,
    arguments: &[&str],
    stdin: &[u8],
) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_presync"))
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env("COLUMNS", columns.to_string())
        .env_remove("CLICOLOR_FORCE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut input = child.stdin.take().expect("stdin is a pipe");
    let bytes = stdin.to_vec();
    let writer = std::thread::spawn(move || {
        // A command that does not read its input may close it.
        let _ = input.write_all(&bytes);
    });
    let output = child.wait_with_output().expect("the binary exits");
    writer.join().expect("the writer does not panic");
    output
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("output is UTF-8")
}

/// Runs git in a folder.
pub fn git(at: &Path, words: &[&str]) {
    let output = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@b"])
        .args(words)
        .current_dir(at)
        .output()
        .expect("git is installed");
    assert!(
        output.status.success(),
        "{words:?}: {}",
        text(&output.stderr)
    );
}

/// A situation before a change of a system: every fact has a value, other systems show a state or none, by hand or not.
pub fn random_situation(random: &mut Random, tables: &Tables, changing: SystemId) -> Situation {
    let schema = tables.schema();
    let mut situation = tables.situation();
    for (fact, _) in schema.facts() {
        let values: Vec<_> = schema.values(fact).collect();
        situation.set_value(*random.pick(&values));
    }
    for (system, _) in schema.systems().filter(|(system, _)| *system != changing) {
        let states: Vec<StateId> = schema.states(system).collect();
        // One more: unknown.
        if let Some(state) = states.get(random.below(states.len() + 1)) {
            situation.set_state(*state);
            if random.chance(50) {
                situation.set_by_hand(system);
            }
        }
    }
    situation
}
