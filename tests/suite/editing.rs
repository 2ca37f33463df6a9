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

/// What an analysis says about each file, as text.
fn said(analysis: &Analysis) -> BTreeMap<PathBuf, Vec<String>> {
    let findings = analysis.findings().iter();
    let texts = findings.map(|(path, findings)| {
        let texts = findings.iter().map(|finding| {
            let found = &finding.diagnostic;
            format!("{:?} {found:?}", found.location())
        });
        (path.clone(), texts.collect())
    });
    texts.collect()
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
    let mut original = memory.0.lock().expect("nobody panicked").clone();
    // A file that is not there at first.
    let extra = "use \"site.presync\"\nflag more\nprofile \"Extra\" when more { cic Available -> lync Away }\n";
    original.insert(PathBuf::from("/site/extra.presync"), extra.to_owned());
    let paths: Vec<PathBuf> = original.keys().cloned().collect();
    let settings = PathBuf::from("/site/presync.toml");
    let mut analysis = Analysis::new(Box::new(memory.clone()));
    analysis.set_folders(vec![PathBuf::from("/site")]);
    analysis.update();
    let mut different = BTreeSet::new();
    let mut before = said(&analysis);
    for number in 0..edits {
        let path = random.pick(&paths);
        let text = analysis
            .text(path)
            .map_or_else(|| original[path].clone(), str::to_owned);
        let is_saved = memory.is_file(path);
        match random.below(15) {
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
            4 if is_saved => {
                memory.0.lock().expect("nobody panicked").remove(path);
                analysis.changed_on_disk(Some(std::slice::from_ref(path)));
            }
            5 => {
                let texts = [
                    "[lints]\nunused = \"off\"\n",
                    "[lints]\nunsed = \"off\"\n",
                    "[lints]\ngap = \"error\"\n",
                ];
                let text = random.pick(&texts).to_string();
                let mut files = memory.0.lock().expect("nobody panicked");
                if files.remove(&settings).is_none() {
                    files.insert(settings.clone(), text);
                }
                drop(files);
                analysis.changed_on_disk(Some(std::slice::from_ref(&settings)));
            }
            _ if is_saved || analysis.is_open(path) => {
                analysis.set_text(path, edit(&text, &mut random));
            }
            _ => {}
        }
        let told = analysis.update();
        let now = said(&analysis);
        let files: BTreeSet<&PathBuf> = before.keys().chain(now.keys()).collect();
        let changed = files.into_iter().filter(|path| {
            let of =
                |all: &BTreeMap<PathBuf, Vec<String>>| all.get(*path).cloned().unwrap_or_default();
            of(&before) != of(&now)
        });
        let changed: BTreeSet<PathBuf> = changed.cloned().collect();
        assert!(
            changed.is_subset(&told),
            "edit {number}: {changed:?} {told:?}"
        );
        before = now;
        let mut fresh = Analysis::new(Box::new(memory.clone()));
        fresh.set_folders(vec![PathBuf::from("/site")]);
        for path in &paths {
            if let Some(text) = analysis.text(path) {
                fresh.set_text(path, text.to_owned());
            }
        }
        fresh.update();
        assert_eq!(said(&analysis), said(&fresh), "edit {number}");
        assert_eq!(analysis.problems(), fresh.problems(), "edit {number}");
        for path in analysis.findings().keys() {
            let trees = [&analysis, &fresh].map(|one| {
                let view = one.view(path).expect("it is in a program");
                format!("{:?} {:?}", view.tree(), view.index().occurrences)
            });
            assert!(trees[0] == trees[1], "edit {number}: {}", path.display());
        }
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
            if let lenses::LensKind::Rules { within } = lens.what {
                lenses::rules_text(view, within);
            }
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

/// A program for tests.
fn program(name: &str) -> String {
    let path = format!("tests/fixtures/programs/{name}.presync");
    std::fs::read_to_string(common::root().join(path)).expect("the fixture is there")
}

/// What can be done with it, and the text after each.
fn refactored(source: &str, after: &str, selected: &str) -> Vec<(String, Result<String, String>)> {
    let memory = Memory::default();
    let mut analysis = Analysis::new(Box::new(memory));
    let path = PathBuf::from("/site/main.presync");
    analysis.set_text(&path, source.to_owned());
    analysis.update();
    let view = analysis.view(&path).expect("it is open");
    assert!(view.checked().is_some(), "the program has errors");
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
    let source = program("refactorings");
    let mut shown = String::new();
    for (after, selected) in [
        ("when ", "in_meeting or on_call and remote"),
        ("or ", "on_call and remote"),
        ("when ", "busy_now"),
        ("remote and ", "busy_now"),
        ("remote: cic ", "Available"),
        ("cic ", "\"Gone Home\""),
        ("cic ", "\"In a Meeting\" -> lync"),
        (
            "    ",
            "cic \"Gone Home\" -> lync Away\n    cic Unreachable -> lync Away\n",
        ),
        (
            "{\n",
            "    when in_meeting or on_call and remote: cic Zebra -> lync Busy\n    when busy_now: cic Aardvark -> lync Busy",
        ),
        ("state ", "Zebra"),
        ("cic ", "\"Working at Home\" | \"At a Training Session\""),
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

/// What would lose a comment, a reason or an `@allow`, or give it to something else, is not offered.
#[test]
fn refactorings_lose_nothing_that_is_written() {
    let profile = |rules: &str| format!("use cic_lync\nprofile \"A\" {{\n{rules}}}");
    let titles = |source: &str, selected: &str| {
        let found = refactored(source, "", selected).into_iter();
        found.map(|(title, _)| title).collect::<Vec<_>>()
    };
    let joined = "join with the rule the other way as `<->`";
    let there = "    cic \"In a Meeting\" -> lync Busy\n";
    for (before, after, offered) in [
        ("", "", true),
        ("    /// As the customer wants it.\n", "", false),
        ("    @allow(trap)\n", "", false),
    ] {
        let back = format!("{before}    lync Busy -> cic \"In a Meeting\"{after}");
        let found = titles(&profile(&format!("{there}{back}\n")), "\"In a Meeting\" ->");
        assert_eq!(
            found.iter().any(|one| one == joined),
            offered,
            "{back}: {found:?}"
        );
    }
    for (rule, offered) in [
        ("cic Available | \"At Lunch\" -> lync Busy", true),
        (
            "cic Available // why\n    | \"At Lunch\" -> lync Busy",
            false,
        ),
        (
            "cic Available | \"At Lunch\" // why\n    -> lync Busy",
            false,
        ),
        (
            "@allow(trap)\n    cic Available | \"At Lunch\" -> lync Busy",
            false,
        ),
    ] {
        let found = titles(&profile(&format!("{rule}\n")), "Available");
        let is_offered = found.iter().any(|one| one == "split into 2 rules");
        assert_eq!(is_offered, offered, "{rule}: {found:?}");
    }
    for (states, offered) in [
        ("state B\nstate A", true),
        ("state B\n/// Of A.\nstate A", true),
        ("state B // why\nstate A", false),
        ("// Those at work.\nstate B\n// Others.\nstate A", false),
        ("state B\nstate A // why", false),
    ] {
        let source = format!("system cic {{\n{states}\n}}\n");
        let found = titles(&source, "state B");
        let is_offered = found.iter().any(|one| one == "sort the states");
        assert_eq!(is_offered, offered, "{states}: {found:?}");
    }
}

/// A file in a program of its own.
pub fn single(source: &str) -> (Analysis, PathBuf) {
    let mut analysis = Analysis::new(Box::new(Memory::default()));
    let path = PathBuf::from("/site/main.presync");
    analysis.set_text(&path, source.to_owned());
    analysis.update();
    (analysis, path)
}

#[test]
fn the_whole_code_in_an_allow_is_completed() {
    let rest = "profile \"A\" { cic any -> lync Away }\n";
    for (before, after) in [
        ("", ""),
        ("dead-r", ""),
        ("dead-", "rule"),
        ("dead", "-rule, gap"),
        ("d", ")"),
    ] {
        for source in [
            format!("use cic_lync\n@allow({before}^{after}\n{rest}"),
            format!(
                "use cic_lync\nprofile \"B\" {{ @allow({before}^{after}\n cic any -> lync Away }}\n"
            ),
        ] {
            let offset = source.find('^').expect("it is marked");
            let (analysis, path) = single(&source.replace('^', ""));
            let view = analysis.view(&path).expect("it is open");
            let found = presync_ide::completion::complete(&analysis, view, offset as u32);
            let replaced = found.replace.text(view.text());
            let code = format!("{before}{after}");
            let code = code.trim_end_matches(')').split(',').next();
            assert_eq!(Some(replaced), code, "{source}");
            assert!(
                found
                    .items
                    .iter()
                    .all(|item| presync::lint(&item.label).is_some()),
                "{source}"
            );
            assert!(
                found.items.iter().any(|item| item.label == "dead-rule"),
                "{source}"
            );
        }
    }
}

#[test]
fn a_name_in_a_broken_statement_is_not_left_behind() {
    let source = &program("broken-statement");
    let (analysis, path) = single(source);
    let view = analysis.view(&path).expect("it is open");
    let offset = source.find("here").expect("it is there") as u32;
    let refused = presync_ide::rename::rename(&analysis, view, offset, "there");
    let refused = refused
        .expect_err("the last `here` has no meaning")
        .to_string();
    assert_eq!(
        refused,
        "`here` is also on line 5 of /site/main.presync, in a statement with an error: correct that first"
    );
}

/// The name of a test, or a text in a declaration without an error, is no name of a flag.
#[test]
fn a_text_with_a_name_does_not_keep_it_from_being_changed() {
    let source = program("broken-statement").replace("    when here cic -> lync\n", "");
    let source = source
        + "test \"here\" { cic any => lync Away }\nprofile \"B\" { cic Unheard -> lync Away }\n";
    let (analysis, path) = single(&source);
    let view = analysis.view(&path).expect("it is open");
    assert!(view.checked().is_none(), "a state is unknown");
    let offset = source.find("here").expect("it is there") as u32;
    let edits = presync_ide::rename::rename(&analysis, view, offset, "there");
    assert_eq!(edits.expect("it can be changed")[&path].len(), 2);
}

#[test]
fn an_overriding_rule_says_what_it_decides() {
    let source = &program("overriding");
    let (analysis, path) = single(source);
    let view = analysis.view(&path).expect("it is open");
    let offset = source.rfind("->").expect("it is there") as u32;
    let hover = presync_ide::hover::hover(view, offset).expect("it is a rule");
    assert_eq!(hover.markdown, "This rule decides 1 of 17 situations.");
}

/// A test in a file of two programs, which passes in the first one only.
#[test]
fn a_test_runs_in_every_program_that_has_it() {
    let mut analysis = Analysis::new(Box::new(Memory::default()));
    let path = |name: &str| Path::new("/site").join(name);
    let shared = "use cic_lync\ntest \"lunch\" { cic \"At Lunch\" => lync Away }\n";
    analysis.set_text(&path("shared.presync"), shared.to_owned());
    for (name, to) in [("a.presync", "Away"), ("b.presync", "Busy")] {
        let text = format!("use \"shared.presync\"\nprofile \"P\" {{ cic any -> lync {to} }}\n");
        analysis.set_text(&path(name), text);
    }
    analysis.update();
    let result = presync_ide::lenses::run_test(&analysis, &path("shared.presync"), "lunch");
    let (view, verdict) = result.expect("there is one");
    assert_eq!(view.program.root.path, path("b.presync"));
    assert_eq!(
        presync_ide::lenses::verdict_text(verdict),
        "failed: 1 expectation"
    );
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

/// What a test of a hint looks at: each text, behind the line that it is in.
fn hints(source: &str) -> String {
    let (analysis, path) = single(source);
    let view = analysis.view(&path).expect("it is open");
    let whole = presync::Span::new(0, source.len());
    let mut text = source.to_owned();
    for hint in presync_ide::hints::hints(view, whole).into_iter().rev() {
        text.insert_str(hint.offset as usize, &format!(" ‹{}›", hint.label));
    }
    text
}

#[test]
fn hints_say_what_is_not_written() {
    fixtures::snapshot("hints", &hints(&program("hints")));
}

#[test]
fn rules_say_what_takes_precedence() {
    let source = program("overriding");
    let (analysis, path) = single(&source);
    let view = analysis.view(&path).expect("it is open");
    let offset = source.find("->").expect("it is there") as u32;
    let hover = presync_ide::hover::hover(view, offset).expect("it is a rule");
    assert_eq!(
        hover.markdown,
        "This rule decides 16 of 17 situations.\n\nWhere both apply, these decide:\n\n\
         - `override cic Available -> lync Busy` in A, line 4"
    );
}

#[test]
fn a_profile_says_what_tests_exercise() {
    let source = program("half-covered");
    let (analysis, path) = single(&source);
    let view = analysis.view(&path).expect("it is open");
    let lenses = presync_ide::lenses::lenses(view).into_iter();
    let texts = lenses.filter_map(|lens| match lens.what {
        presync_ide::lenses::LensKind::Rules { within } => {
            presync_ide::lenses::coverage_text(view, within)
        }
        _ => None,
    });
    // As `presync test --coverage` counts.
    assert_eq!(
        texts.collect::<Vec<_>>(),
        ["tests exercise 3 of 7 rules and branches"]
    );
}

/// What stands behind a quote that nobody has closed yet stays.
#[test]
fn a_text_that_is_not_closed_ends_at_the_cursor() {
    for (line, kept) in [
        (
            "cic \"Do^ -> lync \"Do Not Disturb\"",
            "cic \"Do Not Disturb\" -> lync \"Do Not Disturb\"",
        ),
        (
            "cic \"Do^ | \"At Lunch\" -> lync Away",
            "cic \"Do Not Disturb\" | \"At Lunch\" -> lync Away",
        ),
        (
            "cic \"Do^ it\" -> lync Away",
            "cic \"Do Not Disturb\" -> lync Away",
        ),
        ("cic \"Do^", "cic \"Do Not Disturb\""),
        // A quote in a comment closes nothing.
        (
            "cic \"Do^\" -> lync Away // 5\" screens",
            "cic \"Do Not Disturb\" -> lync Away // 5\" screens",
        ),
        (
            "cic \"Do^\" -> lync Away // #5 \"screens\"",
            "cic \"Do Not Disturb\" -> lync Away // #5 \"screens\"",
        ),
    ] {
        let marked = format!("use cic_lync\nmapping m {{\n    {line}\n");
        let offset = marked.find('^').expect("it is marked");
        let (analysis, path) = single(&marked.replace('^', ""));
        let view = analysis.view(&path).expect("it is open");
        let found = presync_ide::completion::complete(&analysis, view, offset as u32);
        let mut items = found.items.iter();
        let item = items
            .find(|item| item.label == "Do Not Disturb")
            .expect(line);
        let text = presync_ide::edited(view.text(), &[(found.replace, item.insert.clone())]);
        assert!(text.contains(&format!("    {kept}\n")), "{text}");
    }
}

#[test]
fn only_what_can_be_written_is_offered() {
    let offered = |marked: &str| {
        let offset = marked.find('^').expect("it is marked");
        let (analysis, path) = single(&marked.replace('^', ""));
        let view = analysis.view(&path).expect("it is open");
        let found = presync_ide::completion::complete(&analysis, view, offset as u32);
        let labels = found.items.into_iter().map(|item| item.label);
        labels.collect::<BTreeSet<String>>()
    };
    let right = offered("use cic_lync\nprofile \"P\" { cic Available -> lync ^ }\n");
    assert!(right.contains("Away") && right.contains("previous"));
    for no in ["any", "otherwise", "Offline", "Inactive"] {
        assert!(!right.contains(no), "{no}");
    }
    let condition = offered("use cic_lync\ncondition x = in_queue and ^\n");
    assert!(condition.contains("in_queue") && !condition.contains("x"));
    let group = offered("use cic_lync\ngroup cic.g = \"At Lunch\" | ^\n");
    assert!(group.contains("At Lunch") && !group.contains("g"));
    let profile = |name: &str| format!("profile \"{name}\" {{ cic any -> lync Away }}\n");
    let uses = offered(&format!(
        "use cic_lync\n{}{}role \"R\" uses \"A\", ^\n",
        profile("A"),
        profile("B")
    ));
    assert!(uses.contains("B") && !uses.contains("A"));
}
