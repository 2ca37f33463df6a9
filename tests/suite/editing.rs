//! The analysis behind editors: after any edits it says what a check from scratch says, and no request fails.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use presync_ide::{Analysis, FileSystem, FileView};

use crate::common::{self, random::Random};
use crate::fixtures;

/// Files in memory.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<BTreeMap<PathBuf, String>>>);

impl FileSystem for Memory {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let files = self.0.lock().expect("nobody panicked");
        let found = files.get(path);
        found
            .map(|text| text.clone().into_bytes())
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn is_file(&self, path: &Path) -> bool {
        self.0.lock().expect("nobody panicked").contains_key(path)
    }

    fn is_folder(&self, path: &Path) -> bool {
        !self.is_file(path)
    }

    fn real(&self, path: &Path) -> io::Result<PathBuf> {
        let known = self.is_file(path) || path == Path::new("/site");
        let found = known.then(|| path.to_path_buf());
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn absolute(&self, path: &Path) -> PathBuf {
        path.to_path_buf()
    }

    fn programs(&self, folder: &Path) -> Vec<PathBuf> {
        let files = self.0.lock().expect("nobody panicked");
        let below = files.keys().filter(|path| path.starts_with(folder));
        below
            .filter(|path| presync_ide::is_program(path))
            .cloned()
            .collect()
    }
}

/// What an analysis says, as text.
fn said(analysis: &Analysis) -> Vec<String> {
    let findings = analysis.findings().iter();
    findings
        .flat_map(|(path, findings)| {
            findings.iter().map(move |finding| {
                let found = &finding.diagnostic;
                format!("{} {:?} {found:?}", path.display(), found.location())
            })
        })
        .collect()
}

/// The large site, as it is and with everything in one file.
fn site() -> Memory {
    let folder = common::root().join("examples/large-site");
    let memory = Memory::default();
    for name in ["large-site.presync", "site.presync"] {
        let text = std::fs::read_to_string(folder.join(name)).expect("the example is there");
        let mut files = memory.0.lock().expect("nobody panicked");
        files.insert(Path::new("/site").join(name), text);
    }
    memory
}

/// A random edit of a text: a part of it goes, comes twice, or gives way to words of the language.
fn edit(text: &str, random: &mut Random) -> String {
    const WORDS: [&str; 24] = [
        "{",
        "}",
        "(",
        ")",
        "\"",
        "->",
        "<->",
        "|",
        ":",
        ",",
        "cic",
        "lync",
        "away",
        "when ",
        "not ",
        "otherwise",
        "override ",
        "profile \"X\" {",
        "// ",
        "/// ",
        "@allow(gap)",
        "\n",
        "Available",
        "😀",
    ];
    let boundary = |mut at: usize| {
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = boundary(random.below(text.len() + 1));
    let most = 1 << random.below(9);
    let length = random.below(most);
    let end = boundary((start + length).min(text.len()));
    let (before, part, after) = (&text[..start], &text[start..end], &text[end..]);
    match random.below(4) {
        0 => format!("{before}{after}"),
        1 if text.len() < 20_000 => format!("{before}{part}{part}{after}"),
        _ => {
            let word = random.pick(&WORDS);
            format!("{before}{word}{after}")
        }
    }
}

#[test]
fn edits_are_checked_like_from_scratch() {
    let edits = std::env::var("PRESYNC_EDITS")
        .ok()
        .and_then(|edits| edits.parse().ok());
    let edits: usize = edits.unwrap_or(2_000);
    let mut random = Random(7);
    let memory = site();
    let original = memory.0.lock().expect("nobody panicked").clone();
    let paths: Vec<PathBuf> = original.keys().cloned().collect();
    let mut analysis = Analysis::new(Box::new(memory.clone()));
    analysis.set_folders(vec![PathBuf::from("/site")]);
    analysis.update();
    let mut different = BTreeSet::new();
    for number in 0..edits {
        let path = random.pick(&paths);
        let text = analysis
            .text(path)
            .map_or_else(|| original[path].clone(), str::to_owned);
        match random.below(12) {
            // Somebody undoes everything, saves, or closes without saving.
            0 => analysis.set_text(path, original[path].clone()),
            1 => {
                memory
                    .0
                    .lock()
                    .expect("nobody panicked")
                    .insert(path.clone(), text.clone());
                analysis.changed_on_disk(Some(std::slice::from_ref(path)));
            }
            2 => analysis.close(path),
            3 => {
                memory
                    .0
                    .lock()
                    .expect("nobody panicked")
                    .insert(path.clone(), original[path].clone());
                analysis.changed_on_disk(Some(std::slice::from_ref(path)));
            }
            _ => analysis.set_text(path, edit(&text, &mut random)),
        }
        analysis.update();
        let mut fresh = Analysis::new(Box::new(memory.clone()));
        fresh.set_folders(vec![PathBuf::from("/site")]);
        for path in &paths {
            if let Some(text) = analysis.text(path) {
                fresh.set_text(path, text.to_owned());
            }
        }
        fresh.update();
        assert_eq!(said(&analysis), said(&fresh), "edit {number}");
        different.insert(said(&analysis));
        if number % 50 == 0 {
            look_around(&analysis, &mut random);
        }
    }
    // The edits make a difference.
    assert!(different.len() > edits / 4);
}

/// Asks everything that an editor asks, at random places.
fn look_around(analysis: &Analysis, random: &mut Random) {
    use presync_ide::{
        actions, completion, format_file, hints, hover, lenses, navigate, rename, structure,
        symbols, tokens,
    };
    for path in analysis.findings().keys() {
        let Some(view) = analysis.view(path) else {
            continue;
        };
        let length = view.text().len() as u32;
        let whole = presync::Span {
            start: 0,
            end: length,
        };
        symbols::outline(view);
        structure::folds(view);
        format_file::format(view);
        check_tokens(view);
        for hint in hints::hints(view, whole) {
            assert!(hint.offset <= length);
        }
        for lens in lenses::lenses(view) {
            lenses::rules_text(view, lens.span);
        }
        for _ in 0..10 {
            let mut offset = random.below(length as usize + 1) as u32;
            while !view.text().is_char_boundary(offset as usize) {
                offset -= 1;
            }
            completion::complete(analysis, view, offset);
            hover::hover(view, offset);
            navigate::definition(view, offset);
            navigate::references(analysis, view, offset);
            structure::selections(view, offset);
            let _ = rename::prepare(view, offset);
            let here = presync::Span {
                start: offset,
                end: offset,
            };
            actions::actions(analysis, view, here);
        }
        tokens::tokens(view);
    }
}

fn check_tokens(view: FileView<'_>) {
    let mut end = 0;
    for token in presync_ide::tokens::tokens(view) {
        assert!(token.span.start >= end, "tokens do not overlap");
        assert!(
            !token.span.text(view.text()).contains('\n'),
            "a token is on one line"
        );
        end = token.span.end;
    }
}

#[test]
fn every_prefix_of_every_example_can_be_looked_at() {
    let mut random = Random(3);
    for example in common::examples() {
        let text = std::fs::read_to_string(&example).expect("the example is there");
        let path = PathBuf::from("/site/main.presync");
        let memory = Memory::default();
        let mut analysis = Analysis::new(Box::new(memory));
        analysis.set_folders(vec![PathBuf::from("/site")]);
        let mut at = 0;
        while at < text.len() {
            at += 1 + random.below(60);
            while at < text.len() && !text.is_char_boundary(at) {
                at += 1;
            }
            analysis.set_text(&path, text[..at.min(text.len())].to_owned());
            analysis.update();
            look_around(&analysis, &mut random);
        }
    }
}

#[test]
fn renames_change_every_place_and_no_decision() {
    let memory = site();
    let mut analysis = Analysis::new(Box::new(memory.clone()));
    analysis.set_folders(vec![PathBuf::from("/site")]);
    analysis.update();
    let path = PathBuf::from("/site/large-site.presync");
    let view = analysis.view(&path).expect("it is there");
    let names: Vec<u32> = view
        .index()
        .occurrences
        .iter()
        .filter(|one| one.location.file == view.file)
        .map(|one| one.location.span.start)
        .collect();
    let mut renamed = 0;
    for offset in names {
        let (_, name) = match presync_ide::rename::prepare(view, offset) {
            Ok(found) => found,
            Err(refusal) => {
                assert!(refusal.to_string().contains("vocabulary"), "{refusal}");
                continue;
            }
        };
        let edits = presync_ide::rename::rename(&analysis, view, offset, "a new name");
        let edits = edits.unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        let mut after = Analysis::new(Box::new(memory.clone()));
        after.set_folders(vec![PathBuf::from("/site")]);
        for (path, text) in analysis.with(&edits) {
            after.set_text(&path, text);
        }
        after.update();
        let codes = |analysis: &Analysis| {
            let all = analysis.findings().values().flatten();
            let codes = all.map(|finding| finding.diagnostic.code.name);
            codes.collect::<Vec<_>>()
        };
        assert_eq!(codes(&after), codes(&analysis), "{name}");
        renamed += 1;
    }
    assert!(renamed > 50);
}

/// What can be done with it, and the text after each.
fn refactored(source: &str, after: &str, selected: &str) -> Vec<(String, Result<String, String>)> {
    let memory = Memory::default();
    let mut analysis = Analysis::new(Box::new(memory));
    let path = PathBuf::from("/site/main.presync");
    analysis.set_text(&path, source.to_owned());
    analysis.update();
    let view = analysis.view(&path).expect("it is open");
    let start = source.find(&format!("{after}{selected}"));
    let start = start.expect("it is in the source") + after.len();
    let span = presync::Span {
        start: start as u32,
        end: (start + selected.len()) as u32,
    };
    let all = presync_ide::refactor::refactorings(view, span);
    let done = all.into_iter().map(|one| {
        let proved = presync_ide::refactor::prove(&analysis, view, &one);
        let text = proved.map(|edits| presync_ide::edited(view.text(), &edits[&path]));
        (one.title, text)
    });
    done.collect()
}

#[test]
fn refactorings_are_proved() {
    let source = std::fs::read_to_string(
        common::root().join("tests/fixtures/programs/refactorings.presync"),
    );
    let source = source.expect("the fixture is there");
    let mut shown = String::new();
    for (after, selected) in [
        ("when ", "in_queue or on_call and remote"),
        ("when ", "busy_now"),
        ("remote and ", "busy_now"),
        ("remote: cic ", "Available"),
        ("cic ", "\"Gone Home\""),
        ("cic ", "\"In a Meeting\" -> lync"),
        ("state ", "Zebra"),
        ("cic ", "\"Working at Home\" | Training"),
    ] {
        shown.push_str(&format!("════ {after}[{selected}]\n"));
        for (title, text) in refactored(&source, after, selected) {
            let text = match text {
                Ok(text) => {
                    let before: Vec<&str> = source.lines().collect();
                    let new = text.lines().filter(|line| !before.contains(line));
                    let gone = source
                        .lines()
                        .filter(|line| !text.lines().any(|one| one == *line));
                    let gone: Vec<String> = gone.map(|line| format!("- {line}\n")).collect();
                    let new: Vec<String> = new.map(|line| format!("+ {line}\n")).collect();
                    if gone.is_empty() {
                        text
                    } else {
                        gone.concat() + &new.concat()
                    }
                }
                Err(why) => format!("refused: {why}\n"),
            };
            shown.push_str(&format!("── {title}\n{text}"));
        }
    }
    fixtures::snapshot("refactorings", &shown);
}

#[test]
fn refactorings_of_the_large_site_keep_it() {
    let memory = site();
    let mut analysis = Analysis::new(Box::new(memory));
    analysis.set_folders(vec![PathBuf::from("/site")]);
    analysis.update();
    let mut random = Random(5);
    let mut proved = 0;
    for path in analysis.findings().keys() {
        let view = analysis.view(path).expect("it is there");
        for _ in 0..60 {
            let mut offset = random.below(view.text().len()) as u32;
            while !view.text().is_char_boundary(offset as usize) {
                offset -= 1;
            }
            let here = presync::Span {
                start: offset,
                end: offset,
            };
            for one in presync_ide::refactor::refactorings(view, here) {
                let done = presync_ide::refactor::prove(&analysis, view, &one);
                assert!(done.is_ok(), "{} at {offset}: {done:?}", one.title);
                proved += 1;
            }
        }
    }
    assert!(proved > 10, "{proved}");
}

#[test]
fn a_name_in_a_mapping_means_what_is_written() {
    let memory = site();
    let mut analysis = Analysis::new(Box::new(memory));
    analysis.set_folders(vec![PathBuf::from("/site")]);
    analysis.update();
    let path = PathBuf::from("/site/large-site.presync");
    let view = analysis.view(&path).expect("it is there");
    // The mapping is also applied `with teams for lync`.
    let offset = view.text().find("Away").expect("it is there") as u32;
    let hover = presync_ide::hover::hover(view, offset).expect("it is a name");
    assert!(
        hover.markdown.contains("lync: state Away"),
        "{}",
        hover.markdown
    );
}

/// Found by 22,614 random edits: a hash map had the groups in another order each time.
#[test]
fn an_unknown_state_lists_groups_in_order() {
    let source = "system a { state X } system b { state Y }\ngroup a.d = X group a.b = X group a.c = X\nprofile P { a unheard -> b Y }";
    let errors = presync::Program::check_source("a.presync", source).err();
    let errors = errors.expect("the state is unknown");
    let mut all = errors.report().diagnostics.iter();
    let help = all.find_map(|error| error.help.clone());
    let wanted = "known states and groups: `X`, `b`, `c`, `d`";
    assert_eq!(help.as_deref(), Some(wanted));
}
