//! The architecture in ARCHITECTURE.md: which crates may use which, and which stages within the library.

use crate::common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Each crate of the workspace, with the workspace crates that it uses.
const CRATES: [(&str, &[&str]); 10] = [
    ("presync-engine", &[]),
    ("presync", &["presync-engine"]),
    ("presync-stream", &["presync-engine"]),
    ("presync-connect", &[]),
    ("presync-service", &["presync-engine", "presync-connect"]),
    ("presync-exchange", &["presync", "presync-engine"]),
    ("presync-report", &["presync"]),
    (
        "presync-ide",
        &["presync", "presync-exchange", "presync-report"],
    ),
    ("presync-lsp", &["presync", "presync-ide"]),
    (
        "presync-cli",
        &[
            "presync",
            "presync-engine",
            "presync-stream",
            "presync-exchange",
            "presync-report",
            "presync-ide",
            "presync-lsp",
            "presync-connect",
            "presync-service",
        ],
    ),
];

/// Each stage of the library, with the stages that it may import.
const STAGES: [(&str, &[&str]); 21] = [
    ("source", &[]),
    ("token", &[]),
    ("quote", &["token"]),
    ("vocabulary", &[]),
    ("diagnostic", &["source"]),
    ("errors", &["source", "quote", "diagnostic"]),
    (
        "syntax",
        &[
            "source",
            "token",
            "quote",
            "diagnostic",
            "errors",
            "parallel",
        ],
    ),
    (
        "load",
        &["source", "diagnostic", "errors", "vocabulary", "syntax"],
    ),
    ("format", &["source", "quote", "diagnostic", "syntax"]),
    ("program", &["source"]),
    ("diagram", &[]),
    ("space", &["quote", "diagnostic", "program", "diagram"]),
    (
        "analysis",
        &[
            "source",
            "quote",
            "diagnostic",
            "errors",
            "program",
            "diagram",
            "space",
        ],
    ),
    (
        "resolve",
        &[
            "source",
            "quote",
            "diagnostic",
            "errors",
            "syntax",
            "load",
            "program",
            "analysis",
        ],
    ),
    (
        "lint",
        &[
            "source",
            "quote",
            "diagnostic",
            "errors",
            "program",
            "diagram",
            "space",
        ],
    ),
    ("codes", &["diagnostic", "errors", "lint"]),
    (
        "compile",
        &["program", "diagram", "space", "stack", "parallel"],
    ),
    ("stack", &[]),
    ("parallel", &["stack"]),
    (
        "json",
        &[
            "source",
            "diagnostic",
            "syntax",
            "program",
            "resolve",
            "analysis",
            "lint",
            "api",
        ],
    ),
    (
        "api",
        &[
            "source",
            "diagnostic",
            "load",
            "format",
            "program",
            "resolve",
            "analysis",
            "lint",
            "compile",
            "syntax",
            "stack",
            "parallel",
        ],
    ),
];

#[test]
fn crates_use_only_listed_crates() {
    let mut found = BTreeMap::new();
    let manifests = std::fs::read_dir(common::root().join("crates")).expect("the crates exist");
    let manifests = manifests.map(|entry| {
        entry
            .expect("the folder is readable")
            .path()
            .join("Cargo.toml")
    });
    for manifest in manifests.chain([common::root().join("Cargo.toml")]) {
        let text = std::fs::read_to_string(&manifest).expect("a crate has a manifest");
        let value = |line: &str| line.split('"').nth(1).map(str::to_owned);
        let package = text
            .split("[package]")
            .nth(1)
            .expect("the manifest has a package");
        let name = package
            .lines()
            .find(|line| line.starts_with("name"))
            .and_then(value)
            .expect("the package has a name");
        let dependencies = package.split("[dependencies]").nth(1).unwrap_or_default();
        let dependencies = dependencies.split("\n[").next().unwrap_or_default();
        let names = dependencies
            .lines()
            .filter_map(|line| line.split([' ', '.', '=']).next());
        let ours: BTreeSet<String> = names
            .filter(|name| name.starts_with("presync"))
            .map(str::to_owned)
            .collect();
        found.insert(name, ours);
    }
    let drawn = CRATES.map(|(name, uses)| {
        (
            name.to_owned(),
            uses.iter().map(|used| (*used).to_owned()).collect(),
        )
    });
    assert_eq!(found, BTreeMap::from(drawn));
}

#[test]
fn stages_import_only_listed_stages() {
    let source = common::root().join("src");
    let allowed: BTreeMap<&str, &[&str]> = STAGES.into_iter().collect();
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(&source).expect("the sources exist") {
        let path = entry.expect("the folder is readable").path();
        let stage = path
            .file_stem()
            .expect("the path has a name")
            .to_string_lossy()
            .into_owned();
        if stage == "lib" {
            continue;
        }
        let allowed = allowed.get(stage.as_str());
        let allowed = allowed.unwrap_or_else(|| {
            panic!("unknown stage `{stage}`: add it to ARCHITECTURE.md and here")
        });
        let mut files = Vec::new();
        rust_files(&path, &mut files);
        for file in files {
            let text = std::fs::read_to_string(&file).expect("sources are UTF-8");
            for used in imports(&text) {
                if used != stage && !allowed.contains(&used.as_str()) {
                    wrong.push(format!("{} imports {used}", file.display()));
                }
            }
        }
        seen.insert(stage);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let named: BTreeSet<String> = STAGES
        .iter()
        .map(|(stage, _)| (*stage).to_owned())
        .collect();
    assert_eq!(seen, named);
}

/// Only files of definitions create messages, and only renderers read them.
#[test]
fn messages_are_created_in_definitions_and_read_by_renderers() {
    let root = common::root();
    let mut wrong = Vec::new();
    let mut check = |folder: &str, except: &[&str], forbidden: &[&str]| {
        let mut files = Vec::new();
        rust_files(&root.join(folder), &mut files);
        for file in files {
            let path = file
                .strip_prefix(&root)
                .expect("the file is in the repository")
                .to_string_lossy();
            if except.iter().any(|except| path.starts_with(except)) {
                continue;
            }
            let text = std::fs::read_to_string(&file).expect("sources are UTF-8");
            let found = forbidden.iter().filter(|forbidden| {
                let mut places = text.match_indices(**forbidden);
                // `JsonDiagnostic::new(` belongs to another type.
                places.any(|(at, _)| !text[..at].ends_with(char::is_alphanumeric))
            });
            wrong.extend(found.map(|forbidden| format!("{path} has `{forbidden}`")));
        }
    };
    let definitions = ["src/diagnostic.rs", "src/errors/", "src/lint/"];
    check(
        "src",
        &definitions,
        &["Diagnostic::error(", "Diagnostic::new("],
    );
    let reads = [
        "message.ends_with",
        "message.starts_with",
        "message.contains",
        "message ==",
    ];
    for folder in ["src", "crates"] {
        check(folder, &["crates/report/"], &reads);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn rust_files(path: &Path, files: &mut Vec<std::path::PathBuf>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).expect("the folder is readable") {
            rust_files(&entry.expect("the folder is readable").path(), files);
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        files.push(path.to_path_buf());
    }
}

/// The stages that a file names with `crate::stage` or `use crate::{stage, ...}`.
fn imports(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let names = match rest.strip_prefix('{') {
            Some(list) => list
                .split('}')
                .next()
                .unwrap_or_default()
                .split(',')
                .map(str::trim)
                .collect(),
            None => vec![rest],
        };
        for name in names {
            let name: String = name
                .chars()
                .take_while(|char| char.is_alphanumeric() || *char == '_')
                .collect();
            // Types of the facade are not stages.
            if name.chars().next().is_some_and(char::is_lowercase) {
                found.insert(name);
            }
        }
    }
    found
}
