//! Input that is too large is reported and never crashes. Tests each limit from both sides, if that needs no gigabytes.

use crate::common;

use std::fmt::Write;

/// The output of a command for a program in a file; the source is too large for a snapshot.
fn output(arguments: &[&str], source: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    std::fs::write(folder.path().join("a.presync"), source).expect("the file is writable");
    let output = common::presync(folder.path(), arguments, b"");
    assert!(
        matches!(output.status.code(), Some(0..=2)),
        "{}: {}",
        output.status,
        common::text(&output.stderr)
    );
    common::text(&output.stderr) + &common::text(&output.stdout)
}

fn snapshot(name: &str, shown: String) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_snapshot_path("snapshots/limits");
    settings.bind(|| insta::assert_snapshot!(name, shown));
}

const CHECK: [&str; 3] = ["check", "a.presync", "-q"];

#[test]
fn file_size() {
    let text = |bytes: usize| {
        let mut text = b"use cic_lync\n".to_vec();
        text.resize(bytes, b' ');
        text
    };
    let most = presync::MAX_FILE;
    assert_eq!(output(&CHECK, &text(most)), "");
    snapshot("file_size", output(&CHECK, &text(most + 1)));
}

#[test]
fn applied_mappings() {
    let source = |last: usize| {
        let mut text = String::from("use cic_lync\nmapping m0 {\n");
        (0..10).for_each(|_| text.push_str("cic Available -> lync Away\n"));
        for level in 1..6 {
            writeln!(text, "}}\nmapping m{level} {{").expect("writing to a string succeeds");
            let times = if level == 5 { last } else { 10 };
            (0..times).for_each(|_| {
                writeln!(text, "apply m{}", level - 1).expect("writing to a string succeeds");
            });
        }
        text + "}\n"
    };
    let allowed = ["check", "a.presync", "-q", "--level", "unused=off"];
    assert_eq!(output(&allowed, source(10).as_bytes()), "");
    snapshot("applied_mappings", output(&allowed, source(11).as_bytes()));
}

/// Eighty flags, and a condition of clauses over them, with three literals each.
fn condition(clauses: usize) -> (String, String) {
    let mut random = common::generate::Random(3);
    let mut text = String::from("use cic_lync\n");
    (0..80).for_each(|flag| writeln!(text, "flag f{flag}").expect("writing to a string succeeds"));
    let mut literal = || {
        format!(
            "{}f{}",
            if random.chance(50) { "not " } else { "" },
            random.below(80)
        )
    };
    let clauses: Vec<String> = (0..clauses)
        .map(|_| format!("({} or {} or {})", literal(), literal(), literal()))
        .collect();
    (text, clauses.join("\n and "))
}

/// A profile with such a condition.
fn clauses(count: usize) -> String {
    let (text, condition) = condition(count);
    let rest = "cic otherwise -> lync unchanged  lync otherwise -> cic unchanged";
    text + &format!(
        "profile \"P\"\n when {condition} {{\n cic Available <-> lync Available  {rest} }}\n"
    )
}

#[test]
fn complex_condition() {
    // A condition that can be true but has no small diagram must not be reported as never true.
    snapshot("complex_condition", output(&CHECK, clauses(120).as_bytes()));
    // The same if it is unused: lints check every condition.
    let (text, condition) = condition(120);
    let unused = output(
        &["check", "a.presync", "-q", "--format", "plain"],
        format!("{text}condition c = {condition}\n").as_bytes(),
    );
    assert!(unused.contains("too complex to analyze"), "{unused}");
    let small = output(
        &["check", "a.presync", "-q", "--level", "unused=off"],
        clauses(12).as_bytes(),
    );
    assert_eq!(small, "");
}

/// A role with many profiles whose conditions share forty flags.
fn complex_role() -> String {
    let mut random = common::generate::Random(5);
    let mut text = String::from("use cic_lync\n");
    (0..40).for_each(|flag| writeln!(text, "flag f{flag}").expect("writing to a string succeeds"));
    let mut literal = || {
        format!(
            "{}f{}",
            if random.chance(50) { "not " } else { "" },
            random.below(40)
        )
    };
    for profile in 0..400 {
        let condition = format!("{} and {} and {}", literal(), literal(), literal());
        let target = ["Away", "Busy", "Available"][profile % 3];
        writeln!(
            text,
            "profile \"P{profile}\" when {condition} {{ cic Available -> lync {target} }}"
        )
        .expect("writing to a string succeeds");
    }
    text
}

#[test]
fn complex_role_is_noted() {
    let shown = output(&["check", "a.presync", "-q"], complex_role().as_bytes());
    let from = shown
        .find("note[dead-rule]: analysis of role")
        .unwrap_or_else(|| panic!("no note about the role: {shown}"));
    snapshot(
        "complex_role",
        shown[from..].lines().take(4).collect::<Vec<_>>().join("\n"),
    );
}

#[test]
fn complex_test() {
    let tests = "test \"never busy\" { cic Available => lync Away | Available | Busy }\n";
    snapshot(
        "complex_test",
        output(
            &["test", "a.presync", "-q"],
            (complex_role() + tests).as_bytes(),
        ),
    );
}

#[test]
fn brackets_nest_up_to_the_limit() {
    let source = |depth: usize| {
        let inside = format!("{}in_queue{}", "(".repeat(depth), ")".repeat(depth));
        format!("use cic_lync\nprofile \"P\" {{ when {inside}: cic Available -> lync Away }}\n")
    };
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    let check = |depth: usize| {
        std::fs::write(folder.path().join("a.presync"), source(depth))
            .expect("the file is writable");
        common::text(
            &common::presync(
                folder.path(),
                &["check", "a.presync", "--format", "agent"],
                b"",
            )
            .stdout,
        )
    };
    // The block is one of the two hundred levels.
    assert!(!check(199).contains("syntax"), "{}", check(199));
    assert!(check(200).contains("syntax"), "{}", check(200));
}

#[test]
fn files_outside_the_project() {
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    let inside = folder.path().join("inside");
    std::fs::create_dir(&inside).expect("the folder can be created");
    std::fs::write(folder.path().join("site.presync"), "flag f\n").expect("the file is writable");
    std::fs::write(inside.join("a.presync"), "use \"../site.presync\"\n")
        .expect("the file is writable");
    let shown = common::text(&common::presync(&inside, &CHECK, b"").stderr);
    let place = std::fs::canonicalize(&inside).expect("it exists");
    // Undo wrapping, which depends on the length of the folder's name.
    let shown = shown
        .replace("\n  │ ", " ")
        .replace(place.to_str().expect("the path is UTF-8"), "FOLDER");
    snapshot("files_outside_the_project", shown);
}

/// Conditions and lists are read as a whole, so their number of tokens is limited.
#[test]
fn statements() {
    let most = presync::internal::MAX_STATEMENT;
    let check = |text: &str| {
        output(
            &["check", "a.presync", "-q", "--level", "unused=off"],
            text.as_bytes(),
        )
    };
    // The numbers of tokens: around the list, and in each of its parts. The file has several lines, so that the rest is
    // read, too.
    type Shape = (&'static str, usize, &'static str, usize, &'static str);
    let shapes: [Shape; 7] = [
        ("condition c = f", 4, " and f", 2, "\n"),
        ("condition c = ", 4, "not ", 1, "f\n"),
        ("condition c = f is a", 6, " | a", 2, "\n"),
        ("group cic.g = any", 6, " | any", 2, "\n"),
        (
            "profile P {\n when f",
            2,
            " or f",
            2,
            ": cic any -> lync Away\n}\n",
        ),
        (
            "profile P {\n cic any",
            5,
            " | any",
            2,
            " -> lync Away\n}\n",
        ),
        (
            "profile P { cic any -> lync Away }\nrole A uses P",
            4,
            ",P",
            2,
            "\n",
        ),
    ];
    for (head, around, part, tokens, tail) in shapes {
        let colon = usize::from(tail.starts_with(':'));
        let parts = (most - around - colon) / tokens;
        let text = |parts: usize| {
            format!(
                "use cic_lync\nflag f\n{head}{}{tail}flag f\n",
                part.repeat(parts)
            )
        };
        let (fits, exceeds) = (check(&text(parts)), check(&text(parts + 1)));
        let long = "this statement is longer than 20000 tokens";
        assert!(!fits.contains(long), "{head}: {fits}");
        assert!(exceeds.contains(long), "{head}: {exceeds}");
        // Only this statement is skipped: the one after it is read.
        assert!(
            fits.contains("the name `f` is declared twice"),
            "{head}: {fits}"
        );
        assert!(
            exceeds.contains("the name `f` is declared twice"),
            "{head}: {exceeds}"
        );
    }
    snapshot(
        "statement",
        check(&format!(
            "flag f\ncondition c = f{}\n",
            " and\n  f".repeat(most)
        )),
    );
}

/// More findings than anyone would read.
#[test]
fn findings() {
    let source = |findings: usize| {
        let flags: String = (0..findings)
            .map(|at| format!("condition c{at}=f\n"))
            .collect();
        format!("use cic_lync\nflag f\n{flags}profile P {{ when f: cic any -> lync Away }}\n")
    };
    let reported = |findings: usize| {
        let shown = output(
            &["check", "a.presync", "-q", "--format", "agent"],
            source(findings).as_bytes(),
        );
        (
            shown
                .lines()
                .filter(|line| line.contains("[unused]: condition"))
                .count(),
            shown,
        )
    };
    let most = presync::internal::MAX_FINDINGS;
    let (all, shown) = reported(most);
    assert_eq!(all, most);
    assert!(!shown.contains("too many"), "{shown}");
    let (some, shown) = reported(most + 10);
    assert_eq!(some, most);
    assert!(
        shown.contains("too many findings, stopped at 1000"),
        "{shown}"
    );
    // A lint with level error fails even if its finding is not shown: the lint of allows comes last.
    let denied = format!("@allow(gap)\n{}", source(most + 10));
    let arguments = [
        "check",
        "a.presync",
        "-q",
        "--format",
        "agent",
        "--level",
        "unused-allow=error",
    ];
    let shown = output(&arguments, denied.as_bytes());
    assert!(
        shown.contains("error[unused-allow]: too many findings, stopped at 1000"),
        "{shown}"
    );
    // Fixed findings make room for others.
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    std::fs::write(folder.path().join("a.presync"), source(most + 10))
        .expect("the file is writable");
    let fixed = common::presync(folder.path(), &["check", "a.presync", "--fix"], b"");
    assert_eq!(
        common::text(&fixed.stderr),
        "fixed 1010 findings\nchecked 1 program: no findings\n"
    );
}

/// Tests each limited count from both sides.
#[test]
fn counts_up_to_the_limits() {
    use presync::internal::limits;
    let lines = |count: usize, line: &dyn Fn(usize) -> String| {
        (0..count).map(line).collect::<Vec<_>>().join("\n")
    };
    type Source<'a> = &'a dyn Fn(usize) -> String;
    let cases: [(&str, usize, Source<'_>); 9] = [
        ("systems", limits::MAX_SYSTEMS, &|count| {
            lines(count, &|at| format!("system s{at} {{ state a }}"))
        }),
        ("states", limits::MAX_STATES, &|count| {
            format!(
                "system t {{ state a }}\nsystem s {{\n{}}}",
                lines(count, &|at| format!("state s{at}"))
            )
        }),
        ("facts", limits::MAX_FACTS, &|count| {
            format!(
                "system s {{ state a }}\nsystem t {{ state a }}\n{}",
                lines(count, &|at| format!("flag f{at}"))
            )
        }),
        ("values", limits::MAX_VALUES, &|count| {
            format!(
                "use cic system t {{ state a }}\nchoice c =\n{}",
                lines(count, &|at| format!("| v{at}")).replacen('|', "", 1)
            )
        }),
        ("profiles", limits::MAX_PROFILES, &|count| {
            format!(
                "use cic_lync\n{}",
                lines(count, &|at| format!(
                    "profile P{at} {{ cic any -> lync Away }}"
                ))
            )
        }),
        ("roles", limits::MAX_ROLES, &|count| {
            format!(
                "use cic_lync\nprofile P {{ cic any -> lync Away }}\n{}",
                lines(count, &|at| format!("role R{at} uses P"))
            )
        }),
        ("appendices", limits::MAX_APPENDS, &|count| {
            format!(
                "use cic_lync profile P {{ cic any -> lync Away\n{}\n}}",
                lines(count, &|at| format!("append \"t{at}\" to lync"))
            )
        }),
        ("name", presync::internal::lexer::MAX_NAME, &|count| {
            format!(
                "use cic_lync\nprofile \"{}\" {{ cic any -> lync Away }}",
                "x".repeat(count - 1)
            )
        }),
        ("word", presync::internal::lexer::MAX_NAME, &|count| {
            format!(
                "use cic_lync\nprofile {} {{ cic any -> lync Away }}",
                "x".repeat(count)
            )
        }),
    ];
    for (name, most, source) in cases {
        // Without lints: most declarations here are unused.
        let errors = |count: usize| {
            let text = source(count);
            let read = |_: &str| Ok(text.clone().into_bytes());
            let parsed =
                presync::parse("", "a.presync", &read).expect("reading from memory succeeds");
            presync::check(parsed)
                .into_program()
                .err()
                .map(|errors| errors.to_string())
        };
        assert_eq!(errors(most), None, "{name}");
        snapshot(
            &format!("too_many_{name}"),
            output(&CHECK, source(most + 1).as_bytes()),
        );
        assert!(errors(most + 1).is_some(), "{name}");
    }
}

/// A file that is not a program: errors are shown up to a limit.
#[test]
fn many_errors() {
    let most = presync::internal::MAX_ERRORS;
    let shown = output(
        &["check", "a.presync", "-q", "--format", "agent"],
        "}\n".repeat(200_000).as_bytes(),
    );
    assert_eq!(shown.lines().count(), most + 1, "{shown}");
    assert!(
        shown.contains(&format!("too many errors, stopped at {most}")),
        "{shown}"
    );
}

/// Each member is compared with all earlier ones: half a million must not take hours.
#[test]
fn an_event_of_too_many_members() {
    let program = common::root().join("examples/contact-centre/contact-centre.presync");
    let event = |members: usize| {
        let set: Vec<String> = (0..members).map(|at| format!("\"f{at}\":true")).collect();
        format!(
            "{{\"user\":\"a\",\"role\":\"Agents\",\"set\":{{{}}}}}\n",
            set.join(",")
        )
    };
    let reject = |members: usize| {
        let folder = tempfile::tempdir().expect("a temporary folder can be created");
        let path = program.to_str().expect("the path is UTF-8");
        let run = ["run", path, "--quiet", "--rejects", "rejects.jsonl"];
        common::presync(folder.path(), &run, event(members).as_bytes());
        let rejects = std::fs::read_to_string(folder.path().join("rejects.jsonl"))
            .expect("the file was written");
        let reject: serde_json::Value =
            serde_json::from_str(rejects.trim()).expect("the file is one line of JSON");
        reject.to_string()
    };
    // This number of members is accepted; the rejection is for an unknown fact.
    assert!(!reject(1_000).contains("members"), "{}", reject(1_000));
    assert!(
        reject(1_001).contains("an object has more than 1000 members"),
        "{}",
        reject(1_001)
    );
    assert!(reject(500_000).contains("an object has more than 1000 members"));
}

/// Constructs that are repeated a hundred thousand times are checked quickly, and dropping them does not overflow the
/// stack.
#[test]
fn repeated_constructs_are_checked_quickly() {
    let many =
        |head: &str, middle: &str, tail: &str| format!("{head}{}{tail}", middle.repeat(100_000));
    let texts = [
        many("", "@allow ", ""),
        many("", "@allow(gap)\n", "flag x"),
        many("@allow test x {\n", "role a\n", ""),
        many("", "(", "") + &many("", "}", ""),
        many("profile p {\n", &"when x {\n".repeat(10), "") + &many("", "}\n", ""),
        many("profile p { ", "a ", "") + &"{".repeat(2_000) + &"\n}".repeat(2_000),
        many("", "when {\n", ""),
        many("profile p { ", "append \"a\" ", "}"),
        many("profile p {\n", "apply a when\n", "}"),
        many("profile p { ", "\"a\" ", "}"),
        many("profile p { when ", "not ", "a: cic a -> lync b }"),
        many("system x { ", "state \"a\" id ", "}"),
        many("system x { ", "state a ", "}"),
        many("profile p { // c", "\n", "") + &many("", "apply m ", "}"),
        many("profile p { ", "@allow(gap) ", "apply m }"),
        many(
            "flag f system a { state b }\nsystem c { state d }\nprofile p { ",
            "when f: ",
            "a b -> c d }",
        ),
        many("profile p { apply m ", "when (", "}"),
        many("profile p {\n", ";\n", "}"),
        many("", "use a\n", ""),
        many("", "flag a\n", ""),
        (0..100_000).map(|at| format!("use a{at}\n")).collect(),
        (0..100_000)
            .map(|at| format!("role r{at} uses p{at}\n"))
            .collect(),
    ];
    for text in texts {
        let begin = std::time::Instant::now();
        let shown = output(&CHECK, text.as_bytes());
        assert!(shown.len() < 5_000_000, "{} bytes of output", shown.len());
        let start = text.chars().take(30).collect::<String>();
        println!("{start:?}: {:?}", begin.elapsed());
        assert!(
            shown.matches("\n  × ").count()
                <= presync::internal::limits::MAX_ERRORS + presync::internal::MAX_ERRORS + 2,
            "{start}"
        );
        assert!(
            begin.elapsed() < std::time::Duration::from_secs(20),
            "{start}: {:?}",
            begin.elapsed()
        );
    }
}

/// Many unknown names, each of which is compared with all known names.
#[test]
fn many_unknown_names() {
    let most = presync::internal::limits::MAX_ERRORS;
    let rules: String = (0..20_000)
        .map(|at| format!("cic Availablee{at} -> lync Away\n"))
        .collect();
    let source = format!("use cic_lync\nprofile P {{\n{rules}}}\n");
    let shown = output(
        &["check", "a.presync", "-q", "--format", "agent"],
        source.as_bytes(),
    );
    assert_eq!(shown.lines().count(), most + 1);
    assert!(
        shown.contains("too many errors, stopped at 1000"),
        "{shown}"
    );
}
