//! The formatter: its result for any layout, and what it must keep.

use crate::common;

use common::generate::{self, Random};
use presync::{FormatError, SourceFile, format};

fn formatted(text: &str) -> String {
    let source = SourceFile::new("a.presync", text.as_bytes().to_vec(), false);
    format(&source).unwrap_or_else(|error| panic!("{error:?}\n{text}"))
}

/// `<name>.presync` is formatted as `<name>.formatted`, which is stable. `PRESYNC_BLESS=1` writes it.
#[test]
fn fixtures_are_formatted() {
    let folder = common::root().join("tests/fixtures/format");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the fixtures exist")
        .map(|entry| entry.expect("the folder is readable").path())
        .filter(|path| path.extension().is_some_and(|end| end == "presync"))
        .collect();
    files.sort();
    assert!(files.len() > 5, "{files:?}");
    for file in files {
        let after = formatted(&std::fs::read_to_string(&file).expect("the file is readable"));
        let expected = file.with_extension("formatted");
        if std::env::var_os("PRESYNC_BLESS").is_some() {
            std::fs::write(&expected, &after).expect("the file is writable");
        }
        let expected = std::fs::read_to_string(&expected).expect("the file was written");
        assert_eq!(after, expected, "{}", file.display());
        assert_eq!(formatted(&after), after, "formatting twice changes nothing");
    }
}

#[test]
fn nothing_stays_nothing() {
    assert_eq!(formatted(""), "");
    assert_eq!(formatted("\n\n  \n"), "");
}

/// Every list with a trailing comma.
const LISTS: &str = include_str!("../fixtures/programs/lists.presync");

#[test]
fn two_nearby_comments_are_kept() {
    let scanned = presync::internal::scan::scan(presync::FileId(0), LISTS);
    let gaps: Vec<usize> = scanned
        .tokens
        .iter()
        .map(|token| token.span.end as usize)
        .collect();
    let plain = formatted(LISTS).lines().count();
    for (first, at) in gaps.iter().enumerate() {
        for other in gaps[first..].iter().take(12) {
            let text = format!(
                "{} // 1\n{} // 2\n{}",
                &LISTS[..*at],
                &LISTS[*at..*other],
                &LISTS[*other..]
            );
            let once = formatted(&text);
            assert_eq!(
                formatted(&once),
                once,
                "formatting twice changes nothing\n{text}"
            );
            let ending_with = |comment| once.lines().filter(|line| line.ends_with(comment)).count();
            assert_eq!(
                (ending_with("// 1"), ending_with("// 2")),
                (1, 1),
                "{text}\n{once}"
            );
            assert!(once.lines().count() >= plain, "{text}\n{once}");
        }
    }
}

#[test]
fn line_endings_are_kept_and_the_byte_order_mark_is_removed() {
    assert_eq!(
        formatted("\u{feff}flag  f\r\n\r\n\r\n// c\r\nflag g"),
        "flag f\r\n\r\n// c\r\nflag g\r\n"
    );
}

#[test]
fn syntax_errors_are_reported() {
    let source = SourceFile::new("a.presync", b"flag = 1\nflag f".to_vec(), false);
    assert!(matches!(format(&source), Err(FormatError::Syntax(errors)) if !errors.is_empty()));
}

/// The same tokens with different white space and additional comments.
fn shuffled(text: &str, random: &mut Random) -> (String, Vec<String>) {
    let scanned = presync::internal::scan::scan(presync::FileId(0), text);
    let mut out = String::new();
    let mut comments = Vec::new();
    let mut end = 0;
    for token in &scanned.tokens {
        // Adjacent tokens may have to stay adjacent.
        let touches = end == token.span.start && end > 0;
        if !touches {
            match random.below(12) {
                0 => {
                    let comment = format!("// c{}", comments.len());
                    out.push_str(&format!(" {comment}\n"));
                    comments.push(comment);
                }
                1 => out.push_str("\n\n\n\t"),
                2..=4 => out.push('\n'),
                _ => out.push_str("   "),
            }
        }
        out.push_str(token.span.text(text));
        end = token.span.end;
    }
    (out, comments)
}

#[test]
fn formatting_random_layouts_is_idempotent_and_keeps_the_meaning() {
    let (mut programs, mut kept) = (0, 0);
    for seed in 0..1_000 {
        let source = generate::program(seed, 20);
        let (messy, comments) = shuffled(&source, &mut Random(seed));
        let once = formatted(&messy);
        assert_eq!(
            formatted(&once),
            once,
            "seed {seed}: formatting twice changes nothing\n{messy}"
        );
        for comment in &comments {
            assert!(
                once.lines()
                    .any(|line| line.trim_end().ends_with(comment.as_str())),
                "{comment}\n{once}"
            );
        }
        assert!(
            once.lines()
                .all(|line| line.trim_end() == line && !line.contains('\t'))
        );
        assert!(!once.contains("\n\n\n"));
        kept += comments.len();
        if comments.is_empty() {
            assert_eq!(once, formatted(&source), "white space does not matter");
        }
        if let Ok(program) = common::check(&source) {
            let digest = |program: &presync::Program| {
                let tables = program.compile().expect("the program is small");
                tables.digest().expect("the tables are small").to_owned()
            };
            assert_eq!(
                digest(&common::program(&once)),
                digest(&program),
                "seed {seed}"
            );
            programs += 1;
        }
    }
    println!("{programs} programs, {kept} comments");
    assert!(programs > 200 && kept > 1_000);
}

#[test]
fn bundled_and_example_files_are_formatted() {
    let mut files: Vec<std::path::PathBuf> = Vec::new();
    for folder in [
        "src/vocabulary",
        "examples/contact-centre",
        "examples/custom-states",
        "examples/one-way",
        "examples/teams",
    ] {
        for entry in std::fs::read_dir(common::root().join(folder)).expect("it exists") {
            files.push(entry.expect("the folder is readable").path());
        }
    }
    files.retain(|file| {
        file.extension()
            .is_some_and(|extension| extension == "presync")
    });
    assert!(files.len() >= 9, "{files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).expect("the file is readable");
        assert_eq!(formatted(&text), text, "{}", file.display());
    }
}
