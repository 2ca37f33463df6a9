//! Every sentence that users read, in one snapshot, and the words that none of them may contain.

use crate::common;

use std::path::{Path, PathBuf};
use std::process::Command;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Words of a literal translation, and British spelling. Each has a plain English equivalent.
const REFUSED: &[(&str, &str)] = &[
    ("analyse", "analyze"),
    ("analysed", "analyzed"),
    ("behaviour", "behavior"),
    ("bounce", "loop"),
    ("centre", "center"),
    ("colour", "color"),
    ("colours", "colors"),
    ("entangled", "too complex"),
    ("exercises", "covers"),
    ("for ever", "infinite"),
    ("hand on", "export"),
    ("handed on", "exported"),
    ("has gone", "no longer exists"),
    ("is no", "is not a"),
    ("laid out", "formatted"),
    ("lay out", "format"),
    ("leave out", "omit, remove"),
    ("leaves out", "omits"),
    ("left out", "omitted"),
    ("mend", "fix"),
    ("misspelt", "misspelled"),
    ("nobody", "no one; name who"),
    ("overrides nothing", "has no effect"),
    ("put in quotes", "quote"),
    ("repair", "fix"),
    ("repaired", "fixed"),
    ("repairs", "fixes"),
    ("says so", "say what it says"),
    ("so many", "give the number"),
    ("take in", "include"),
    ("taken in", "included"),
    ("takes in", "includes"),
    ("tell", "report"),
    ("tells", "reports"),
    ("there is no", "unknown, not a"),
    ("told", "reported"),
    ("turned round", "negated"),
    ("whoever", "name who"),
];

/// Ordinary English in a comment or a page, though not in a message.
const IN_PROSE: [&str; 8] = [
    "exercises",
    "is no",
    "nobody",
    "take in",
    "takes in",
    "tell",
    "tells",
    "there is no",
];

/// The refused words of a text, case ignored, as whole words.
fn refused(text: &str) -> Vec<&'static str> {
    let words: Vec<String> = text
        .split(|char: char| !char.is_alphanumeric() && char != '\'')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let contains = |wanted: &str| {
        let wanted: Vec<&str> = wanted.split(' ').collect();
        words
            .windows(wanted.len())
            .any(|window| window.iter().eq(wanted.iter()))
    };
    let found = REFUSED.iter().filter(|(word, _)| contains(word));
    found.map(|(word, _)| *word).collect()
}

pub fn files(folder: &str, ends: &str) -> Vec<PathBuf> {
    fn below(path: &Path, ends: &str, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(path).expect("it is there") {
            let path = entry.expect("it can be listed").path();
            let name = path.file_name().expect("it has one").to_string_lossy();
            if path.is_dir() && name != "target" && !name.starts_with('.') && name != "node_modules"
            {
                below(&path, ends, found);
            } else if name.ends_with(ends) && path.is_file() {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    below(&common::root().join(folder), ends, &mut found);
    found.sort();
    assert!(!found.is_empty(), "{folder}");
    found
}

/// The texts in Rust code that can reach a user: string literals with a space, but not comments, tests, attributes or
/// the reasons of `expect` and assertions.
fn literals(code: TokenStream, found: &mut Vec<String>) {
    const INTERNAL: [&str; 8] = [
        "expect",
        "expect_err",
        "assert",
        "assert_eq",
        "assert_ne",
        "debug_assert",
        "unreachable",
        "panic",
    ];
    let mut is_internal = false;
    let mut is_attribute = false;
    let mut is_test = false;
    for token in code {
        match token {
            TokenTree::Group(group) if is_attribute && group.delimiter() == Delimiter::Bracket => {
                is_test = group.to_string().replace(' ', "") == "[cfg(test)]" || is_test;
                // Messages of errors are attributes, too.
                if group.to_string().starts_with("[error") {
                    literals(group.stream(), found);
                }
                is_attribute = false;
            }
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace && is_test => {
                is_test = false;
            }
            TokenTree::Group(group) => {
                if !is_internal {
                    literals(group.stream(), found);
                }
                is_internal = false;
            }
            TokenTree::Ident(ident) => {
                is_internal = INTERNAL.iter().any(|name| ident == name);
            }
            TokenTree::Punct(punct) => {
                is_attribute = punct.as_char() == '#' || (is_attribute && punct.as_char() == '!');
                is_test = is_test && punct.as_char() != ';';
            }
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                let is_text = text.starts_with(['"', 'r']);
                if is_text && text.contains(' ') && text.contains(|char: char| char.is_lowercase())
                {
                    found.push(text);
                }
            }
        }
    }
}

/// A literal as it is in the source, on one line.
fn on_one_line(literal: &str) -> String {
    let mut text = String::new();
    let mut rest = literal;
    while let Some((before, after)) = rest.split_once("\\\n") {
        text.push_str(before);
        rest = after.trim_start();
    }
    text.push_str(rest);
    text.replace('\n', "\\n")
}

fn help(arguments: &[&str]) -> String {
    let output = common::presync(&common::root(), arguments, b"");
    assert!(output.status.success());
    common::text(&output.stdout)
}

#[test]
fn every_sentence_is_plain_english() {
    let mut all = String::new();
    let commands = help(&["--help"]);
    all.push_str(&format!("════ presync --help\n{commands}"));
    let names = commands
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1);
    let names: Vec<&str> = names
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(names.len() >= 14, "{names:?}");
    for name in names {
        all.push_str(&format!(
            "════ presync {name} --help\n{}",
            help(&[name, "--help"])
        ));
    }
    for code in presync::codes() {
        let explained = help(&["explain", code.name]);
        all.push_str(&format!("════ presync explain {code}\n{explained}"));
    }
    let root = common::root();
    for file in files("src", ".rs")
        .into_iter()
        .chain(files("crates", ".rs"))
    {
        let code = std::fs::read_to_string(&file).expect("it is there");
        let code: TokenStream = code.parse().expect("it is Rust");
        let mut found = Vec::new();
        literals(code, &mut found);
        let shown = file
            .strip_prefix(&root)
            .expect("it is below")
            .display()
            .to_string();
        // The examples of a code are in its explanation.
        found.retain(|text| !text.contains("profile \\\"") || !shown.starts_with("src/"));
        if !found.is_empty() {
            all.push_str(&format!("════ {}\n", shown.replace('\\', "/")));
        }
        for text in found {
            all.push_str(&on_one_line(&text));
            all.push('\n');
        }
    }
    let wrong: Vec<String> = all
        .lines()
        .filter(|line| !line.contains("contact-centre"))
        .flat_map(|line| {
            refused(line)
                .into_iter()
                .map(move |word| format!("{word}: {line}"))
        })
        .collect();
    assert!(wrong.is_empty(), "refused words:\n{}", wrong.join("\n"));
    crate::fixtures::snapshot("sentences", &all);
}

/// Comments and pages: each file that git knows, except this one and names of what exists.
#[test]
fn comments_and_pages_are_plain_english() {
    let output = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(common::root())
        .output()
        .expect("git is there");
    let listed = common::text(&output.stdout);
    let mut wrong = String::new();
    let mut count = 0;
    for path in listed.split('\0').filter(|path| !path.is_empty()) {
        let comment = match Path::new(path).extension().and_then(|end| end.to_str()) {
            Some("rs") if path != "tests/suite/words.rs" => "//",
            Some("py" | "toml" | "sh" | "yml") => "#",
            Some("presync" | "pest") => "//",
            Some("md") => "",
            _ => continue,
        };
        count += 1;
        let Ok(text) = std::fs::read_to_string(common::root().join(path)) else {
            continue;
        };
        for (number, line) in (1..).zip(text.lines()) {
            let Some((_, said)) = line.split_once(comment) else {
                continue;
            };
            let said = said
                .replace("contact-centre", "")
                .replace("Contact centre", "");
            let words = refused(&said);
            for word in words.iter().filter(|word| !IN_PROSE.contains(word)) {
                wrong.push_str(&format!("{path}:{number}: {word}: {}\n", line.trim()));
            }
        }
    }
    assert!(count > 200, "{count} files");
    assert!(wrong.is_empty(), "refused words:\n{wrong}");
}
