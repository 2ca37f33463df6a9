//! The README and the pages in docs/ and examples/ are correct: runs their commands and checks their snippets.
//! `PRESYNC_BLESS=1` writes the output of the commands into the pages; review the difference before you commit it.

use crate::common;

use std::path::{Path, PathBuf};

/// A fenced block: its info string and its lines.
struct Block {
    info: String,
    start: usize,
    lines: Vec<String>,
}

fn blocks(text: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut open = false;
    for (at, line) in text.lines().enumerate() {
        if let Some(info) = line.strip_prefix("```") {
            if !open {
                found.push(Block {
                    info: info.to_owned(),
                    start: at + 1,
                    lines: Vec::new(),
                });
            }
            open = !open;
        } else if open && let Some(block) = found.last_mut() {
            block.lines.push(line.to_owned());
        }
    }
    assert!(!open, "a fence is not closed");
    found
}

fn pages() -> Vec<PathBuf> {
    let root = common::root();
    let mut pages = vec![
        root.join("README.md"),
        root.join("docs/language.md"),
        root.join("docs/concepts.md"),
        root.join("docs/deciding.md"),
        root.join("docs/settings.md"),
        root.join("docs/exit-codes.md"),
        root.join("docs/events.md"),
        root.join("docs/exports.md"),
        root.join("docs/vocabularies.md"),
    ];
    pages.extend(
        common::examples()
            .iter()
            .map(|example| example.with_file_name("README.md")),
    );
    pages
}

#[test]
fn commands_print_what_the_pages_show() {
    let mut commands = 0;
    for page in pages() {
        let text = std::fs::read_to_string(&page)
            .unwrap_or_else(|error| panic!("{}: {error}", page.display()));
        // Examples run in a copy of their folder, other pages in a folder with the files that the page shows.
        let scratch = tempfile::tempdir().expect("a temporary folder can be created");
        let is_example = page.parent().and_then(Path::file_name).is_some_and(|name| {
            page.parent().is_some_and(|folder| {
                folder
                    .join(format!("{}.presync", name.to_string_lossy()))
                    .exists()
            })
        });
        let folder = scratch.path();
        if is_example {
            for entry in std::fs::read_dir(page.parent().expect("a page is in a folder"))
                .expect("the folder is readable")
            {
                let path = entry.expect("the folder is readable").path();
                std::fs::copy(
                    &path,
                    folder.join(path.file_name().expect("a file has a name")),
                )
                .expect("the file can be copied");
            }
        }
        if !is_example {
            std::fs::write(
                folder.join("broken.presync"),
                include_str!("../fixtures/programs/conflict.presync"),
            )
            .expect("the file is writable");
        }
        for block in blocks(&text) {
            if let Some((_, name)) = block.info.split_once(' ') {
                std::fs::write(folder.join(name), block.lines.join("\n") + "\n")
                    .expect("the file is writable");
            }
        }
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        for block in blocks(&text)
            .into_iter()
            .rev()
            .filter(|block| block.info == "console")
        {
            let mut shown = Vec::new();
            for command in block
                .lines
                .iter()
                .filter_map(|line| line.strip_prefix("$ "))
            {
                shown.push(format!("$ {command}"));
                shown.extend(run(folder, command));
                commands += 1;
            }
            if std::env::var_os("PRESYNC_BLESS").is_some() {
                lines.splice(block.start..block.start + block.lines.len(), shown);
            } else {
                assert_eq!(block.lines, shown, "{}:{}", page.display(), block.start + 1);
            }
        }
        if std::env::var_os("PRESYNC_BLESS").is_some() {
            std::fs::write(&page, lines.join("\n") + "\n").expect("the file is writable");
        }
    }
    assert!(commands >= 12, "{commands} commands");
}

/// The output of a command, with both streams as in a terminal.
fn run(folder: &Path, command: &str) -> Vec<String> {
    assert!(
        command.contains("presync "),
        "`{command}` does not run presync"
    );
    let binary = Path::new(env!("CARGO_BIN_EXE_presync"))
        .parent()
        .expect("the binary is in a folder");
    let path = format!(
        "{}:{}",
        binary.display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let output = std::process::Command::new("sh")
        .args(["-c", &format!("{{ {command}; }} 2>&1")])
        .env("PATH", path)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        .output()
        .expect("sh runs");
    common::text(&output.stdout)
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

/// The page about settings shows each setting, and its example is accepted.
#[test]
fn the_settings_of_the_page_are_those_of_the_schema() {
    let root = common::root();
    let read = |path: &str| std::fs::read_to_string(root.join(path)).expect("the file exists");
    let schema: serde_json::Value =
        serde_json::from_str(&read("docs/presync.schema.json")).expect("it is JSON");
    let page = read("docs/settings.md");
    let example = blocks(&page).into_iter().find(|block| block.info == "toml");
    let example = example.expect("the page has an example").lines.join("\n");
    let table: toml::Table = toml::from_str(&example).expect("the example is TOML");
    let known: Vec<&String> = schema["properties"]
        .as_object()
        .expect("settings")
        .keys()
        .collect();
    assert!(known.len() > 4, "{known:?}");
    for setting in known {
        assert!(
            table.contains_key(setting),
            "the example has no `{setting}`"
        );
        assert!(
            page.contains(&format!("| `{setting}` |"))
                || page.contains(&format!("| `[{setting}]` |"))
                || page.contains(&format!("| `[[{setting}]]` |")),
            "the table has no `{setting}`"
        );
    }
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    std::fs::write(folder.path().join("presync.toml"), &example).expect("the file is writable");
    std::fs::create_dir(folder.path().join("profiles")).expect("the folder can be created");
    let source = "use cic_lync\nprofile \"P\" { cic otherwise -> lync unchanged lync otherwise -> cic unchanged }\n";
    std::fs::write(folder.path().join("profiles/a.presync"), source).expect("the file is writable");
    let output = common::presync(folder.path(), &["check"], b"");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        common::text(&output.stderr)
    );
}

/// Every link of a page to another file, and every picture, is there.
#[test]
fn links_lead_somewhere() {
    let mut links = 0;
    for page in pages() {
        let text = std::fs::read_to_string(&page).expect("the page is readable");
        let mut rest = text.as_str();
        while let Some((_, after)) = rest.split_once("](") {
            let (target, next) = after.split_once(')').unwrap_or((after, ""));
            rest = next;
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            if file.contains("://") {
                continue;
            }
            let path = if file.is_empty() {
                page.clone()
            } else {
                page.parent().expect("a page is in a folder").join(file)
            };
            assert!(path.exists(), "{}: `{target}`", page.display());
            if !anchor.is_empty() {
                let linked = std::fs::read_to_string(&path).expect("the page is readable");
                let headings = linked.lines().filter(|line| line.starts_with('#'));
                let anchors: Vec<String> = headings.map(anchor_of).collect();
                assert!(
                    anchors.iter().any(|known| known == anchor),
                    "{}: `{target}` of {anchors:?}",
                    page.display()
                );
            }
            links += 1;
        }
    }
    assert!(links > 40, "{links} links");
}

/// The anchor of a heading, as code hosts make it.
fn anchor_of(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text
        .chars()
        .filter(|char| char.is_alphanumeric() || "-_ ".contains(*char));
    kept.map(|char| if char == ' ' { '-' } else { char })
        .collect()
}

#[test]
fn snippets_are_programs() {
    let mut snippets = 0;
    for page in pages() {
        let text = std::fs::read_to_string(&page).expect("the page is readable");
        for block in blocks(&text)
            .into_iter()
            .filter(|block| block.info.split(' ').next() == Some("presync"))
        {
            let source = block.lines.join("\n");
            if let Err(errors) = common::check(&source) {
                panic!("{}:{}: {errors}", page.display(), block.start + 1);
            }
            snippets += 1;
        }
    }
    assert!(snippets >= 5, "{snippets} snippets");
}

#[test]
fn the_readme_commands_are_those_of_ci() {
    let readme =
        std::fs::read_to_string(common::root().join("README.md")).expect("the README exists");
    let commands: Vec<String> = blocks(&readme)
        .into_iter()
        .filter(|block| block.info == "sh")
        .flat_map(|block| block.lines)
        .collect();
    assert_eq!(commands.len(), 2);
    let arguments = commands[0]
        .strip_prefix("cargo run --release -- ")
        .expect("the first command runs the tool");
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let output = common::presync(&common::root(), &arguments, b"");
    assert!(output.stdout.len() > 100_000);
    assert_eq!(output.status.code(), Some(1), "the day has bad events");
    let ci = std::fs::read_to_string(common::root().join(".ci/run")).expect("the CI script exists");
    assert!(ci.contains(&commands[1]), "CI calls `{}`", commands[1]);
}
