//! What the paths of a command stand for, and what happens to the files: nothing is skipped in silence, nothing is lost.

use std::path::Path;

use crate::common::{git, presync, root, text};

const GOOD: &str = "use cic_lync\nprofile \"P\" { cic Available -> lync Available  cic otherwise -> lync unchanged  lync otherwise -> cic unchanged }\n";
const WRONG: &str = "use cic_lync\nprofile \"P\" { cic Available -> lync Awayy }\n";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().expect("a temporary folder can be created"));
        files
            .iter()
            .for_each(|(name, text)| folder.write(name, text));
        folder
    }

    fn at(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.at().join(name);
        let folder = path.parent().expect("it has a folder");
        std::fs::create_dir_all(folder).expect("it can be created");
        std::fs::write(path, text).expect("the file is writable");
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.at().join(name)).expect("the file exists")
    }

    fn run(&self, words: &[&str], input: &str) -> (Option<i32>, String) {
        let output = presync(self.at(), words, input.as_bytes());
        let shown = text(&output.stdout) + &text(&output.stderr);
        (output.status.code(), shown)
    }
}

#[test]
fn a_line_end_is_one_for_comments_and_messages() {
    let folder = Folder::new(&[]);
    for (end, wanted) in [
        ("\r", "<stdin>, line 2, column 37"),
        ("\r\n", "<stdin>, line 2, column 37"),
        ("\n", "<stdin>, line 2, column 37"),
        ("\u{b}", "U+000B"),
        ("\u{c}", "U+000C"),
        ("\u{85}", "U+0085"),
        ("\u{2028}", "U+2028"),
        ("\u{2029}", "U+2029"),
    ] {
        let source = WRONG.replacen('\n', &format!(" // x{end}"), 1);
        let (code, shown) = folder.run(&["check", "--format", "plain", "-"], &source);
        assert_eq!(code, Some(1), "{end:?}: {shown}");
        assert!(shown.contains(wanted), "{end:?}: {shown}");
    }
    for hidden in ["\u{200d}", "\u{ad}", "\u{1b}", "\u{feff}"] {
        let source = GOOD.replacen("Available", &format!("Available{hidden}"), 1);
        let (code, shown) = folder.run(&["check", "-"], &source);
        let number = format!("U+{:04X}", hidden.chars().map(u32::from).sum::<u32>());
        assert_eq!(code, Some(1), "{hidden:?}: {shown}");
        assert!(shown.contains(&number), "{hidden:?}: {shown}");
    }
}

/// Hidden characters of one to four bytes, before, at and behind a mistake; the columns count characters.
#[test]
fn a_picture_shows_its_line_whatever_is_hidden_in_it() {
    let folder = Folder::new(&[]);
    for hidden in ["\u{7}", "\u{85}", "\u{200b}", "\u{e0001}"] {
        for (source, column) in [
            (format!("profile \"{hidden}\" nonsense"), 13),
            (format!("nonsense // {hidden}{hidden}"), 1),
            (format!("{hidden}nonsense\n"), 1),
            (format!("flag é{hidden}"), 7),
        ] {
            let (code, shown) = folder.run(&["check", "-"], &source);
            assert_eq!(code, Some(1), "{source:?}: {shown}");
            let place = format!("<stdin>:1:{column}]");
            assert!(shown.contains(&place), "{source:?}: {shown}");
            assert!(!shown.contains(hidden), "{source:?}: {shown}");
        }
    }
    // Behind the last character.
    let (_, shown) = folder.run(&["check", "-"], "flag");
    assert!(shown.contains(" 1 │ flag"), "{shown}");
}

#[cfg(unix)]
#[test]
fn links_are_followed_once_and_unreadable_files_are_told() {
    let folder = Folder::new(&[
        ("site/a.presync", GOOD),
        ("site/b/UPPER.PRESYNC", WRONG),
        ("other/far.presync", WRONG),
    ]);
    let link = |to: &str, at: &str| {
        std::os::unix::fs::symlink(to, folder.at().join(at)).expect("links are possible");
    };
    link("../other/far.presync", "site/link.presync");
    link("../other", "site/folder");
    link("a.presync", "site/same.presync");
    link("..", "site/circle");
    let (code, shown) = folder.run(&["check", "--format", "plain", "site"], "");
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("checked 3 programs: 2 errors"), "{shown}");
    // The others are still done.
    link("nowhere", "site/dead.presync");
    for words in [
        &["check", "site"][..],
        &["fmt", "--check", "site"],
        &["test", "site"],
    ] {
        let (code, shown) = folder.run(words, "");
        assert_eq!(code, Some(2), "{words:?}: {shown}");
        assert!(
            shown.contains("cannot read `site/dead.presync`: file not found"),
            "{words:?}: {shown}"
        );
    }
    let (code, shown) = folder.run(&["check", "missing.presync", "site/a.presync"], "");
    assert_eq!(code, Some(2), "{shown}");
    assert!(shown.contains("checked 1 program: no findings"), "{shown}");
}

#[test]
fn a_broken_program_beside_others_is_told() {
    let passes = format!("{GOOD}test \"t\" {{ cic Available => lync Available }}\n");
    let folder = Folder::new(&[("a.presync", &passes), ("b.presync", WRONG)]);
    let (code, shown) = folder.run(&["test", "."], "");
    assert_eq!(code, Some(2), "{shown}");
    assert!(
        shown.contains("\u{2713} t") && shown.contains("Awayy"),
        "{shown}"
    );
}

#[test]
fn files_are_excluded_by_settings_and_git() {
    let folder = Folder::new(&[
        ("presync.toml", "exclude = [\"out/\", \"*.old.presync\"]\n"),
        (".gitignore", "ignored\n"),
        ("a.presync", GOOD),
        ("out/x.presync", WRONG),
        ("ignored/x.presync", WRONG),
        ("b/c.old.presync", WRONG),
        (".hidden/x.presync", WRONG),
    ]);
    let (code, shown) = folder.run(&["check"], "");
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("checked 1 program"), "{shown}");
    let named = ["out/x.presync", "ignored/x.presync", "b/c.old.presync"];
    let (code, shown) = folder.run(&[&["check"], &named[..]].concat(), "");
    assert_eq!(code, Some(1), "what is named is checked: {shown}");
    let (code, shown) = folder.run(&[&["check", "--force-exclude"], &named[..]].concat(), "");
    assert_eq!(code, Some(0), "{shown}");
    let unsaved = ["check", "--force-exclude", "--stdin-filename"];
    let (code, _) = folder.run(&[&unsaved[..], &["out/x.presync", "-"]].concat(), WRONG);
    assert_eq!(code, Some(0));
    let (code, shown) = folder.run(&[&unsaved[..], &["new.presync", "-"]].concat(), WRONG);
    assert_eq!(code, Some(1));
    assert!(shown.contains("new.presync:2:37"), "{shown}");
}

#[test]
fn levels_depend_on_the_path() {
    let unused = format!("{GOOD}flag late\n");
    let folder = Folder::new(&[
        (
            "presync.toml",
            "[[overrides]]\npaths = [\"legacy/**\"]\nlints = { unused = \"off\" }\n\
             [[overrides]]\npaths = [\"new/\"]\nlints = { unused = \"error\" }\n",
        ),
        ("legacy/a.presync", &unused),
        ("new/b.presync", &unused),
        ("c.presync", &unused),
    ]);
    let (code, shown) = folder.run(&["check", "--format", "plain"], "");
    assert_eq!(code, Some(1), "{shown}");
    assert!(
        shown.contains("checked 3 programs: 1 error, 1 warning"),
        "{shown}"
    );
    let (code, shown) = folder.run(&["check", "--level", "unused=warn"], "");
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("3 warnings"), "{shown}");
    folder.write(
        "presync.toml",
        "[[overrides]]\npaths = [\"a\"]\nlints = { unusd = \"off\" }\n",
    );
    let (code, shown) = folder.run(&["check"], "");
    assert_eq!(code, Some(2), "{shown}");
    assert!(shown.contains("did you mean `unused`?"), "{shown}");
}

#[test]
fn standard_input_is_read_once_and_printed() {
    let folder = Folder::new(&[]);
    let output = presync(folder.at(), &["check", "--fix", "-"], WRONG.as_bytes());
    assert_eq!(text(&output.stdout), WRONG);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("Awayy"));
    let tables = presync(
        folder.at(),
        &["export", "-", "--to", "json"],
        GOOD.as_bytes(),
    );
    let output = presync(
        folder.at(),
        &["decide", "-", "cic Available"],
        &tables.stdout,
    );
    assert!(text(&output.stdout).contains("lync Available"));
    folder.write("tables.txt", &tables.stdout);
    let (code, shown) = folder.run(&["show", "tables.txt"], "");
    assert_eq!(code, Some(0), "{shown}");
}

/// One sentence, not an error for each line.
#[test]
fn other_formats_are_told() {
    let events = "{\"user\":\"a\"}\n".repeat(1_000);
    let folder = Folder::new(&[("events.jsonl", &events), ("table.csv", "CIC,Lync\na,b\n")]);
    for (words, wanted) in [
        (&["check", "events.jsonl"][..], "this is JSON with events"),
        (&["run", "events.jsonl"], "this is JSON with events"),
        (
            &["decide", "events.jsonl", "cic Available"],
            "this is JSON with events",
        ),
        (&["fmt", "events.jsonl"], "this is JSON with events"),
        (&["check", "table.csv"], "`presync import table.csv`"),
    ] {
        let (code, shown) = folder.run(words, "");
        assert_ne!(code, Some(0), "{words:?}: {shown}");
        assert_eq!(shown.matches(wanted).count(), 1, "{words:?}: {shown}");
        assert!(shown.lines().count() < 14, "{words:?}: {shown}");
    }
}

#[cfg(unix)]
#[test]
fn rewritten_files_keep_mark_links_and_permissions() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let folder = Folder::new(&[]);
    let ugly = "\u{feff}use    cic_lync\r\nflag   a\r\n";
    folder.write("a.presync", ugly);
    folder.write("locked.presync", "flag   a\n");
    let at = |name: &str| folder.at().join(name);
    std::fs::hard_link(at("a.presync"), at("hard.presync")).expect("links are possible");
    let mode = |mode| std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(at("a.presync"), mode(0o640)).expect("it can be set");
    std::fs::set_permissions(at("locked.presync"), mode(0o444)).expect("it can be set");
    let (code, shown) = folder.run(&["fmt", "a.presync"], "");
    assert_eq!(code, Some(0), "{shown}");
    let wanted = "\u{feff}use cic_lync\r\nflag a\r\n";
    for name in ["a.presync", "hard.presync"] {
        assert_eq!(text(&folder.read(name)), wanted, "{name}");
    }
    let metadata = std::fs::metadata(at("a.presync")).expect("it exists");
    assert_eq!((metadata.nlink(), metadata.mode() & 0o777), (2, 0o640));
    let output = presync(folder.at(), &["fmt", "-"], ugly.as_bytes());
    assert_eq!(text(&output.stdout), wanted);
    let (code, shown) = folder.run(&["fmt", "locked.presync"], "");
    assert_eq!(code, Some(2), "{shown}");
    assert!(shown.contains("it is read-only"), "{shown}");
    // Another owner, for those who may.
    folder.write("other.presync", "flag   a\n");
    if std::os::unix::fs::chown(at("other.presync"), Some(12_345), Some(12_345)).is_ok() {
        folder.run(&["fmt", "other.presync"], "");
        let metadata = std::fs::metadata(at("other.presync")).expect("it exists");
        assert_eq!((metadata.uid(), metadata.gid()), (12_345, 12_345));
        assert_eq!(text(&folder.read("other.presync")), "flag a\n");
    }
}

#[test]
fn revisions_and_folders_are_compared() {
    let folder = Folder::new(&[("p/a.presync", GOOD), ("p/b.presync", GOOD)]);
    let git = |words: &[&str]| git(folder.at(), words);
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "first"]);
    assert_eq!(folder.run(&["diff", "main:", "p"], "").0, Some(0));
    // A repository can name commands that change files on the way out of it: they are not run.
    git(&["config", "filter.other.smudge", "touch ran; cat"]);
    folder.write(".gitattributes", "*.presync filter=other\n");
    git(&["add", ".gitattributes"]);
    git(&["commit", "-q", "-m", "filter"]);
    assert_eq!(folder.run(&["diff", "main:", "p"], "").0, Some(0));
    assert!(!folder.at().join("ran").exists(), "a filter was run");
    let changed = GOOD.replace("lync Available", "lync Away") + "flag late\n";
    folder.write("p/a.presync", &changed);
    let (code, shown) = folder.run(&["diff", "main:", "p"], "");
    assert_eq!(code, Some(1), "{shown}");
    assert!(
        shown.contains("a.presync\n")
            && shown.contains("cic Available now sets lync to Away, was Available: 1 of"),
        "{shown}"
    );
    for words in [
        &["diff", "main:p/b.presync", "p/a.presync"][..],
        &["diff", "main:", "p/a.presync"],
    ] {
        assert_eq!(folder.run(words, "").0, Some(1), "{words:?}");
    }
    let (code, shown) = folder.run(&["check", "--since", "main", "--deny-warnings", "p"], "");
    assert_eq!(code, Some(1), "{shown}");
    assert!(
        shown.contains("1 warning") && shown.contains("late"),
        "{shown}"
    );
    git(&["commit", "-q", "-a", "-m", "second"]);
    let (code, shown) = folder.run(&["check", "--since", "main", "--deny-warnings", "p"], "");
    assert_eq!(code, Some(0), "{shown}");
    assert_eq!(
        folder.run(&["check", "--since", "nope", "p"], "").0,
        Some(2)
    );
    assert_eq!(folder.run(&["diff", "nope:", "p"], "").0, Some(2));
    folder.write("p/b.presync", WRONG);
    let (code, shown) = folder.run(&["diff", "main~:", "p"], "");
    assert_eq!(code, Some(2), "{shown}");
    assert!(
        shown.contains("Awayy") && shown.contains("a.presync"),
        "{shown}"
    );
}

/// Git refuses to check such a tree out, but a repository can have it.
#[cfg(unix)]
#[test]
fn a_revision_writes_nothing_outside_of_its_folder() {
    let folder = Folder::new(&[("a.presync", GOOD), ("tmp/keep", "")]);
    git(folder.at(), &["init", "-q", "-b", "main"]);
    let commits = "blob=$(git hash-object -w a.presync)
        inner=$(printf '100644 blob %s\\tescaped.presync\\n' $blob | git mktree)
        outer=$(printf '040000 tree %s\\t..\\n100644 blob %s\\ta.presync\\n' $inner $blob | git mktree)
        git -c user.name=a -c user.email=a@b commit-tree -m x $outer > commit";
    let made = std::process::Command::new("sh")
        .args(["-ec", commits])
        .current_dir(folder.at())
        .status();
    assert!(made.expect("there is a shell").success());
    let commit = folder.read("commit");
    let commit = text(&commit).trim().to_owned();
    let temporary = folder.at().join("tmp");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_presync"))
        .args(["diff", &format!("{commit}:a.presync"), "a.presync"])
        .current_dir(folder.at())
        .env("TMPDIR", &temporary)
        .output()
        .expect("the binary starts");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let left = std::fs::read_dir(&temporary).expect("it is there");
    let names = left.map(|entry| entry.expect("it can be read").file_name());
    assert_eq!(names.collect::<Vec<_>>(), ["keep"]);
}

#[test]
fn tests_are_reported_in_each_format() {
    let source = format!(
        "{GOOD}test \"a, b\" {{ cic Available => lync Available }}\n\
         test \"same\" {{ cic Available => lync Busy }}\nscenario \"s\" {{ cic Available => lync Available }}\n"
    );
    let folder = Folder::new(&[("a.presync", &source)]);
    let stdout = |words: &[&str]| {
        let output = presync(folder.at(), words, b"");
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        text(&output.stdout)
    };
    let json: serde_json::Value =
        serde_json::from_str(&stdout(&["test", "--format", "json"])).expect("it is JSON");
    assert_eq!(json["summary"]["passed"], 2);
    assert_eq!(json["tests"][1]["failures"][0]["code"], "failed-test");
    assert_eq!(json["tests"][2]["kind"], "scenario");
    let junit = stdout(&["test", "--format", "junit"]);
    assert!(
        junit.contains("<testcase name=\"a, b\" classname=\"a.presync\"/>")
            && junit.contains("failures=\"1\""),
        "{junit}"
    );
    let github = stdout(&["test", "--format", "github"]);
    assert!(
        github.starts_with("::error file=a.presync,line=4,"),
        "{github}"
    );
    assert!(!github.contains('\u{2713}') && !junit.contains('\u{2713}'));
    assert_eq!(
        stdout(&["test", "--filter", "same"])
            .matches('\u{2717}')
            .count(),
        1
    );
    assert_eq!(folder.run(&["test", "--filter", "s"], "").0, Some(1));
    assert_eq!(folder.run(&["test", "--filter", "a, b"], "").0, Some(0));
    assert_eq!(folder.run(&["test", "--filter", "none"], "").0, Some(2));
}

/// A rule or `@allow` of a shared mapping is needed if one of the programs needs it.
#[test]
fn shared_files_are_judged_over_all_programs() {
    let shared = include_str!("../fixtures/programs/shared-mapping.presync");
    let using = include_str!("../fixtures/programs/uses-shared-mapping.presync");
    let needs = using.replace("uses \"First\", \"Second\"", "uses \"Second\", \"First\"");
    let not = using.replace("otherwise", "any");
    let folder = Folder::new(&[
        ("shared.presync", shared),
        ("needs.presync", &needs),
        ("not.presync", &not),
    ]);
    let codes = |paths: &[&str]| {
        let (_, shown) = folder.run(&[&["check", "--format", "agent"], paths].concat(), "");
        let of_shared = shown
            .lines()
            .filter(|line| line.contains("shared.presync:"));
        of_shared.map(str::to_owned).collect::<Vec<String>>()
    };
    assert_eq!(codes(&["needs.presync"]), Vec::<String>::new());
    let alone = codes(&["not.presync"]);
    assert!(
        alone.iter().any(|line| line.contains("[dead-rule]"))
            && alone.iter().any(|line| line.contains("[unused-allow]")),
        "{alone:?}"
    );
    assert_eq!(codes(&["."]), Vec::<String>::new());
}

/// One error for one slip, and what to write instead.
#[test]
fn messages_say_what_to_write() {
    let folder = Folder::new(&[]);
    let in_profile = |rules: &str| format!("use cic_lync\nprofile \"P\" {{ {rules} }}\n");
    let cases: [(String, &str); 19] = [
        (
            in_profile("lync Away <- cic Available"),
            "from left to right",
        ),
        (
            "profile \"P\" { cic Available -> lync Away }\n".to_owned(),
            "add `use cic_lync`",
        ),
        (
            in_profile("profile \"Q\" { }"),
            "profiles do not contain others",
        ),
        (
            in_profile("unless in_queue: cic Available -> lync Away"),
            "`when not in_queue",
        ),
        (
            "use cic_lync\nsystem cic { state Coaching }\n".to_owned(),
            "extend system cic { state Coaching }",
        ),
        (
            in_profile("when on_call: cic Available -> lync Away"),
            "declare it: `flag on_call`",
        ),
        (
            in_profile("cic Available -> lync Away, lync Busy"),
            "a rule for each target",
        ),
        (
            "use cic_lync\nprofile Enterprise Voice { }\n".to_owned(),
            "`profile \"Enterprise Voice\"",
        ),
        (
            in_profile("when user_type in (im): cic Available -> lync Away"),
            "list values after `is`",
        ),
        (
            in_profile("cic Available -> lync Away append \"y\""),
            "`append \"in queue\" to lync`",
        ),
        ("use cic-lync\n".to_owned(), "`use cic_lync`"),
        ("use \"sub\"\n".to_owned(), "sub.presync"),
        (
            "use \"a\\\\b.presync\"\n".to_owned(),
            "`use \"a/b.presync\"`",
        ),
        (
            in_profile("cic * -> lync Away"),
            "write `any` for every state",
        ),
        (in_profile("cic Available\u{200d} -> lync Away"), "U+200D"),
        (
            in_profile("cic otherwise -> lync Away cic otherwise -> lync Busy"),
            "name the states of one of them",
        ),
        (in_profile("cic\u{a0}Available -> lync Away"), "U+00A0"),
        ("{\"a\": 1}\n".to_owned(), "this is JSON, not a program"),
        ("<a/>\n".to_owned(), "this is XML, not a program"),
    ];
    for (source, wanted) in cases {
        let (code, shown) = folder.run(&["check", "--format", "plain", "-"], &source);
        assert_eq!(code, Some(1), "{source}\n{shown}");
        assert!(shown.contains(wanted), "{source}\n{shown}");
        let errors = shown.lines().filter(|line| line.starts_with("error, "));
        assert_eq!(errors.count(), 1, "{source}\n{shown}");
    }
}

/// A rule of a bundled mapping is shown where the user brings it in, where `@allow` works.
#[test]
fn bundled_rules_are_shown_where_they_come_in() {
    let source = "use cic_lync_profiles\nprofile \"M\" { apply standard  cic any -> lync Away }\n";
    let folder = Folder::new(&[("a.presync", source)]);
    for format in ["plain", "github", "gitlab", "sarif", "junit", "agent"] {
        let (_, shown) = folder.run(&["check", "--format", format, "a.presync"], "");
        assert!(
            !shown.contains("cic_lync_profiles:") && !shown.contains("cic_lync_profiles,"),
            "{shown}"
        );
        assert!(shown.contains("a.presync"), "{shown}");
    }
    let (_, shown) = folder.run(&["check", "--format", "plain", "a.presync"], "");
    assert!(shown.contains("a.presync, line 2, column 15"), "{shown}");
}

#[cfg(unix)]
#[test]
fn paths_are_those_of_the_project_and_safe_to_show() {
    let tested = "use \"../shared/m.presync\"\nprofile \"P\" { cic Available -> lync Available }\ntest \"t\" { cic Available => lync Available }\n";
    let folder = Folder::new(&[
        ("presync.toml", ""),
        (
            "shared/m.presync",
            "use cic_lync\nprofile \"Shared\" { cic \"At Lunch\" -> lync Away }\n",
        ),
        ("profiles/a.presync", tested),
        ("odd/a\u{1b}[31m.presync", "x\n"),
    ]);
    let output = presync(folder.at(), &["test", "--coverage=lcov", "profiles"], b"");
    let traced = text(&output.stdout);
    let files = traced.lines().filter(|line| line.starts_with("SF:"));
    let files: std::collections::BTreeSet<&str> = files.collect();
    let wanted = ["SF:profiles/a.presync", "SF:shared/m.presync"].into();
    assert_eq!(files, wanted, "{traced}");
    for words in [
        &["check", "odd"][..],
        &["fmt", "--check", "odd"],
        &["test", "odd"],
    ] {
        let (_, shown) = folder.run(words, "");
        assert!(!shown.contains('\u{1b}'), "{words:?}: {shown:?}");
        assert!(shown.contains("\\u{1b}"), "{words:?}: {shown}");
    }
}

/// What nothing uses is reported.
#[test]
fn inputs_that_are_not_used_are_reported() {
    let folder = Folder::new(&[
        ("a.presync", GOOD),
        ("users.csv", "user,role,team\na,default,x\n"),
    ]);
    let (code, shown) = folder.run(
        &[
            "decide",
            "a.presync",
            "cic Available",
            "--given",
            "cic=\"At Lunch\"",
        ],
        "",
    );
    assert_eq!(code, Some(2), "{shown}");
    assert!(shown.contains("`cic` is changed by the event"), "{shown}");
    let (code, shown) = folder.run(&["run", "a.presync", "--users", "users.csv"], "");
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("not `team`"), "{shown}");
    for (event, wanted) in [
        (
            "{\"user\":\"a\",\"chnage\":{\"cic\":\"Available\"}}",
            "write `change`",
        ),
        (
            "{\"user\":\"a\",\"change\":{\"cic\":\"Available\"},\"at\":1}",
            "`at` is the number 1",
        ),
        (
            "{\"user\":\"a\",\"role\":null,\"set\":5}",
            "`set` is the number 5",
        ),
        ("{\"user\":null,\"set\":{}}", "`user` is null"),
        ("[{\"user\":\"a\"}]", "each in its own line"),
        ("{", "each event in one line"),
    ] {
        let (code, shown) = folder.run(&["run", "a.presync"], event);
        assert_eq!(code, Some(1), "{shown}");
        assert!(shown.contains(wanted), "{event}: {shown}");
    }
}

/// A file that programs use has one path, however they name it and wherever it is read from.
#[test]
fn a_shared_file_has_one_path() {
    let late = "flag late\n";
    let program = GOOD.replacen('\n', "\nuse \"../shared/m.presync\"\n", 1);
    let allowed = format!("{program}@allow(unused, \"planned\")\nflag soon\n");
    let folder = Folder::new(&[
        (
            "presync.toml",
            "[[overrides]]\npaths = [\"old/\"]\nlints = { unused = \"off\" }\n",
        ),
        ("new/a.presync", &program),
        ("old/b.presync", &allowed),
        ("shared/m.presync", late),
    ]);
    let git = |words: &[&str]| git(folder.at(), words);
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "first"]);
    let words = [
        "check",
        "--format",
        "plain",
        "new",
        "old",
        "shared/m.presync",
    ];
    let (code, shown) = folder.run(&words, "");
    assert_eq!(code, Some(0), "{shown}");
    assert!(
        shown.contains("checked 3 programs: 2 warnings;")
            && shown.contains("\n  shared/m.presync, line 1"),
        "{shown}"
    );
    assert!(!shown.contains("/../"), "{shown}");
    let since = [&words[..], &["--since", "main", "--deny-warnings"]].concat();
    let (code, shown) = folder.run(&since, "");
    assert_eq!(code, Some(0), "{shown}");
    let (code, shown) = folder.run(&["diff", "main:new/a.presync", "new/a.presync"], "");
    assert_eq!(code, Some(0), "{shown}");
    let export = [
        "export",
        "--to=json",
        "--output=tables.json",
        "new/a.presync",
    ];
    assert_eq!(folder.run(&export, "").0, Some(0));
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "second"]);
    let (code, shown) = folder.run(&["diff", "main:", "tables.json"], "");
    assert_eq!(code, Some(0), "{shown}");
    folder.write("tables.json", "{}");
    git(&["commit", "-q", "-a", "-m", "third"]);
    let (code, shown) = folder.run(&["diff", "main:tables.json", "new/a.presync"], "");
    assert_eq!(code, Some(2), "{shown}");
    assert!(shown.contains("`main:tables.json`: "), "{shown}");
}

/// A part of programs that are not checked stays as it is.
#[test]
fn only_unsafe_fixes_delete_from_a_file_without_profiles() {
    let part = "use cic_lync\ncondition late = enterprise_voice and both_logged_in\n";
    let folder = Folder::new(&[("m.presync", part)]);
    folder.run(&["check", "--fix", "m.presync"], "");
    assert_eq!(folder.read("m.presync"), part.as_bytes());
    let (_, shown) = folder.run(&["check", "--fix", "--unsafe", "m.presync"], "");
    assert_eq!(folder.read("m.presync"), b"use cic_lync\n", "{shown}");
}

/// The command below a failing test runs as it is, and shows what the test got.
#[cfg(unix)]
#[test]
fn a_failing_test_shows_a_command_that_explains_it() {
    let source = "use cic_lync profile \"It's\" { when lync is \"Do Not Disturb\" and lync by hand: cic \"At Lunch\" -> lync Away }
role \"It's us\" uses \"It's\" test \"t\" { given lync is \"Do Not Disturb\", user_type is im cic \"At Lunch\" => lync unmapped }
";
    let folder = Folder::new(&[("it's.presync", source)]);
    let (code, shown) = folder.run(&["test", "it's.presync"], "");
    assert_eq!(code, Some(1), "{shown}");
    let command = shown.lines().find(|line| line.contains("presync decide"));
    let command = command.expect("it is shown").trim();
    let output = std::process::Command::new("sh")
        .args([
            "-c",
            &command.replacen("presync", env!("CARGO_BIN_EXE_presync"), 1),
        ])
        .current_dir(folder.at())
        .output()
        .expect("the shell starts");
    let explained = text(&output.stdout) + &text(&output.stderr);
    assert!(
        explained.contains("1. \"It's\" decides"),
        "{command}\n{explained}"
    );
}

/// The conditions around an appendix go with it, and nothing else.
#[test]
fn a_fix_deletes_the_whole_appendix() {
    let before =
        "use cic_lync\nprofile \"P\" {\n    when both_logged_in: cic \"At Lunch\" -> lync Away\n";
    let never = "    when in_queue and cic is Available:\n        append \"x\" to lync\n";
    let after = "    cic \"Gone Home\" -> lync Busy\n}\n";
    let folder = Folder::new(&[("a.presync", &[before, never, after].concat())]);
    let fix = ["check", "--fix", "--unsafe", "--level", "gap=off"];
    let (_, shown) = folder.run(&fix, "");
    assert_eq!(
        text(&folder.read("a.presync")),
        [before, after].concat(),
        "{shown}"
    );
}

/// An editor that sends an excluded file gets it back.
#[test]
fn excluded_standard_input_is_printed() {
    let folder = Folder::new(&[("presync.toml", "exclude = [\"out/\"]\n")]);
    let named = ["--force-exclude", "--stdin-filename", "out/x.presync", "-"];
    for words in [
        &["fmt"][..],
        &["check", "--fix"],
        &["check", "--add-allow=late"],
    ] {
        let output = presync(folder.at(), &[words, &named].concat(), WRONG.as_bytes());
        assert_eq!(output.status.code(), Some(0), "{words:?}");
        assert_eq!(text(&output.stdout), WRONG, "{words:?}");
    }
    let output = presync(
        folder.at(),
        &[&["fmt", "--check"], &named[..]].concat(),
        WRONG.as_bytes(),
    );
    assert_eq!(text(&output.stdout), "");
}

/// What cannot be compared is not the same.
#[test]
fn a_failed_comparison_does_not_say_that_nothing_changes() {
    let folder = Folder::new(&[("a.presync", GOOD), ("b.presync", WRONG)]);
    let output = presync(
        folder.at(),
        &["diff", "--format", "markdown", "a.presync", "b.presync"],
        b"",
    );
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stdout), "");
    std::fs::create_dir(folder.at().join("empty")).expect("it can be created");
    let (code, shown) = folder.run(&["check", "empty", "a.presync"], "");
    assert_eq!(code, Some(2), "{shown}");
    assert!(
        shown.contains("contains no") && shown.contains("checked 1 program"),
        "{shown}"
    );
}

/// A state that is no state file is named as such.
#[test]
fn other_files_are_no_states() {
    let folder = Folder::new(&[("a.presync", GOOD), ("notes", "hello, this is a text\n")]);
    for (state, wanted) in [("notes", "not a state file"), ("-", "not a regular file")] {
        let (code, shown) = folder.run(&["run", "a.presync", "--state", state], "");
        assert_eq!(code, Some(2), "{shown}");
        assert!(shown.contains(wanted), "{shown}");
    }
    assert_eq!(folder.read("notes"), b"hello, this is a text\n");
}

/// An unknown state in an event may be one that the system got later; typed by a person, it is a slip.
#[test]
fn decide_refuses_a_misspelled_state_of_a_system_that_has_another_one() {
    let decide = |change: &str, given: &str| {
        let words = ["decide", "examples/teams", change, "--given", given];
        let output = presync(&root(), &words, b"");
        (output.status.code(), text(&output.stderr))
    };
    for (change, given) in [
        ("teams \"Do Not Distrub\"", "cic_logged_in"),
        ("cic Available", "teams=\"Do Not Distrub\""),
    ] {
        let (code, error) = decide(change, given);
        assert_eq!(code, Some(2), "{error}");
        let wanted = "teams has no state `Do Not Distrub`: did you mean `Do Not Disturb`? (an event with this name would be read as \"Presence Unknown\")";
        assert!(error.contains(wanted), "{error}");
    }
    // By its id, and in another case.
    for known in ["DoNotDisturb", "do not disturb"] {
        let (_, error) = decide(&format!("teams {known:?}"), "cic_logged_in");
        assert!(!error.contains("has no state"), "{error}");
    }
}

/// What cannot work says why and what to do, without names that nobody gave.
#[test]
fn missing_directories_own_markdown_and_empty_programs_are_explained() {
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    let run = |words: &[&str]| {
        let output = presync(&root(), words, b"");
        let error = text(&output.stderr);
        (output.status.code(), text(&output.stdout), error)
    };
    let (code, _, error) = run(&[
        "export",
        "examples/teams",
        "--to",
        "json",
        "-o",
        "no/such/x.json",
    ]);
    assert_eq!(code, Some(2));
    assert!(
        error.contains("no/such` does not exist") && !error.contains(".presync"),
        "{error}"
    );

    let markdown = folder.path().join("x.md");
    let markdown = markdown.to_str().expect("the path is text");
    run(&[
        "export",
        "examples/teams",
        "--to",
        "markdown",
        "-o",
        markdown,
    ]);
    let (code, _, error) = run(&["import", markdown]);
    assert_eq!(code, Some(2));
    assert!(
        error.contains("export `csv`, `xlsx` or `json` and import that"),
        "{error}"
    );

    let empty = folder.path().join("empty.presync");
    std::fs::write(&empty, "").expect("the file is writable");
    let (code, shown, error) = run(&["show", empty.to_str().expect("the path is text")]);
    assert_eq!((code, shown.as_str()), (Some(0), ""));
    assert!(
        error.contains("a decision table needs two systems"),
        "{error}"
    );
}
