//! The import arrows of the architecture: a module imports only from the stages named here.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Each stage with those that it may import.
const ARROWS: [(&str, &[&str]); 22] = [
    ("source", &[]),
    ("names", &[]),
    ("diagnostic", &["source"]),
    ("vocabulary", &[]),
    ("syntax", &["source", "names", "diagnostic"]),
    ("load", &["source", "diagnostic", "vocabulary", "syntax"]),
    ("model", &["source"]),
    ("space", &["names", "diagnostic", "model"]),
    ("check", &["source", "names", "diagnostic", "syntax", "load", "model", "space"]),
    ("lint", &["source", "names", "diagnostic", "model", "space"]),
    ("format", &["source", "names", "diagnostic", "syntax"]),
    ("codes", &["lint"]),
    ("table", &["names"]),
    ("compile", &["model", "space", "table"]),
    ("run", &["table"]),
    ("export", &["names", "table"]),
    ("import", &["source", "names", "syntax", "table"]),
    ("explain", &["source", "names", "model", "space"]),
    ("diff", &["names", "space", "table"]),
    ("prove", &["source", "names", "diagnostic", "model", "space", "table", "run"]),
    (
        "cli",
        &[
            "source",
            "names",
            "lint",
            "codes",
            "format",
            "prove",
            "diff",
            "explain",
            "diagnostic",
            "vocabulary",
            "syntax",
            "load",
            "model",
            "space",
            "check",
            "table",
            "compile",
            "run",
            "export",
            "import",
        ],
    ),
    ("main", &["cli"]),
];

#[test]
fn modules_import_only_from_the_stages_above() {
    let source = common::root().join("src");
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(&source).expect("there are sources") {
        let path = entry.expect("it can be listed").path();
        let stage = path.file_stem().expect("it has a name").to_string_lossy().into_owned();
        if stage == "lib" {
            continue;
        }
        let allowed: BTreeMap<&str, &[&str]> = ARROWS.into_iter().collect();
        let allowed = allowed
            .get(stage.as_str())
            .unwrap_or_else(|| panic!("`{stage}` has no arrows: add it to the architecture"));
        let mut files = Vec::new();
        rust_files(&path, &mut files);
        for file in files {
            let text = std::fs::read_to_string(&file).expect("sources are text");
            for used in imports(&text) {
                if used != stage && !allowed.contains(&used.as_str()) {
                    wrong.push(format!("{} imports {used}", file.display()));
                }
            }
            let prints = ["println!", "eprintln!", "print!(", "std::fs::", "File::open", "process::exit"];
            if stage != "cli"
                && stage != "main"
                && prints.iter().any(|print| text.split("#[cfg(test)]").next().unwrap_or_default().contains(print))
            {
                wrong.push(format!("{} prints or opens files", file.display()));
            }
        }
        seen.insert(stage);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let named: BTreeSet<String> = ARROWS.iter().map(|(stage, _)| (*stage).to_owned()).collect();
    assert_eq!(seen, named);
}

fn rust_files(path: &Path, files: &mut Vec<std::path::PathBuf>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).expect("it can be listed") {
            rust_files(&entry.expect("it can be listed").path(), files);
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        files.push(path.to_path_buf());
    }
}

/// The stages that a file names with `crate::stage` or `use crate::{stage, ...}`.
fn imports(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let names = match rest.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap_or_default().split(',').map(str::trim).collect(),
            None => vec![rest],
        };
        for name in names {
            let name: String = name.chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect();
            // Types and functions of the façade are no stages.
            if name.chars().next().is_some_and(char::is_lowercase) {
                found.insert(name);
            }
        }
    }
    found
}
