//! The formatter: what it makes of whatever layout, and what it must keep.

use crate::common;

use common::generate::{self, Random};
use presync::{FormatError, SourceFile, format};

fn formatted(text: &str) -> String {
    let source = SourceFile::new("a.presync", text.as_bytes().to_vec(), false);
    format(&source).unwrap_or_else(|error| panic!("{error:?}\n{text}"))
}

#[track_caller]
fn becomes(before: &str, after: &str) {
    assert_eq!(formatted(before), after);
    assert_eq!(formatted(after), after, "it settles");
}

#[test]
fn blocks_are_broken_and_arrows_aligned() {
    becomes(
        "use cic_lync profile P when enterprise_voice{cic Available<->lync Available cic \"At Lunch\"->lync Away


        cic \"Gone Home\" -> lync Away\nwhen in_queue:append \"in queue\" to lync when both_logged_in { } }",
        "use cic_lync
profile P when enterprise_voice {
    cic Available  <-> lync Available
    cic \"At Lunch\" -> lync Away

    cic \"Gone Home\" -> lync Away
    when in_queue: append \"in queue\" to lync
    when both_logged_in {}
}
",
    );
}

#[test]
fn comments_stay_where_they_are() {
    becomes(
        "// head\n\n\n/// doc\nprofile P { // opens\n// first\ncic A // of the rule\n| B -> lync C // behind\n\n// last\n} // closes\n// end",
        "// head

/// doc
profile P { // opens
    // first
    cic A // of the rule
        | B -> lync C // behind

    // last
} // closes
// end
",
    );
    becomes(
        "profile P {\n // alone\n}",
        "profile P {\n    // alone\n}\n",
    );
    becomes("// only a comment", "// only a comment\n");
    becomes("", "");
    becomes("\n\n  \n", "");
}

#[test]
fn lists_that_are_too_wide_are_broken() {
    becomes(
        "profile P { when a and b: override cic \"At a Training Session\" | \"Busy, In a Meeting\" | \"In a Meeting\" | \"Out of the Office\" -> lync \"Do Not Disturb\" }
role \"Agents\" uses \"Enterprise Voice\", \"Remote Call Control\", \"Instant Messages Only\", \"Supervisors\", \"Others\",",
        "profile P {
    when a and b:
        override cic \"At a Training Session\"
            | \"Busy, In a Meeting\"
            | \"In a Meeting\"
            | \"Out of the Office\" -> lync \"Do Not Disturb\"
}
role \"Agents\" uses \"Enterprise Voice\",
    \"Remote Call Control\",
    \"Instant Messages Only\",
    \"Supervisors\",
    \"Others\"
",
    );
}

#[test]
fn comments_in_lists_stand_where_the_list_does() {
    becomes(
        "group cic.g = A // t\n // between\n | B\nrole R uses P // c\n , \nrole S uses P, // first\n // second\n Q // third\n ,",
        "group cic.g = A // t
    // between
    | B
role R uses P // c
role S uses P, // first
    // second
    Q // third
",
    );
}

#[test]
fn comments_around_a_comma_that_goes_stay() {
    becomes(
        "role R uses P // before\n , // behind\nflag f\ntest \"t\" { given f // before\n , // behind\n }",
        "role R uses P // before
// behind
flag f
test \"t\" {
    given f // before
    // behind
}
",
    );
}

/// Every list with a comma behind its last element, wherever one may stand.
const LISTS: &str = r#"
@allow(unused, "why")
system a { attributes x, y, state A { x, y, } state B id "b" {x,} }
extend system a { attributes z, state C { read_only, } }
system b { state D }
choice c = v | w default v
flag f
profile P { when f and c is v | w { a A | B -> b D append "t" to b } when not f: a A -> b D }
profile Q { override a B -> b D }
role R uses P, Q,
test "t" { role R given f, not f, a A | B => b D append "t", "u", }
scenario "s" { role R set f, not c is v a A => b D append "t", observe a A, b D, => nothing resync a => b D }
"#;

#[test]
fn two_comments_near_each_other_stay_and_settle() {
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
            assert_eq!(formatted(&once), once, "it settles\n{text}");
            let behind = |comment| once.lines().filter(|line| line.ends_with(comment)).count();
            assert_eq!((behind("// 1"), behind("// 2")), (1, 1), "{text}\n{once}");
            assert!(once.lines().count() >= plain, "{text}\n{once}");
        }
    }
}

#[test]
fn wide_tests_show_what_is_expected_by_itself() {
    becomes(
        "test t { given enterprise_voice, cic is \"Available, Forward\" | \"Available, No ACD\" | \"Available, Follow Me\" | \"Working at Home\", in_queue
        cic \"Gone Home\" | \"Out of the Office\" | \"Out of Town\" | \"On Vacation\" | \"At Lunch\" => lync Away | Busy append \"in queue\" }",
        "test t {
    given enterprise_voice,
        cic is \"Available, Forward\"
            | \"Available, No ACD\"
            | \"Available, Follow Me\"
            | \"Working at Home\",
        in_queue
    cic \"Gone Home\" | \"Out of the Office\" | \"Out of Town\" | \"On Vacation\" | \"At Lunch\"
        => lync Away | Busy append \"in queue\"
}
",
    );
}

#[test]
fn every_declaration_has_a_layout() {
    becomes(
        "@allow ( unsafe-round-trip , \"why\" ) system cic \"Title\"{attributes acd,dnd, state Available{acd,}  @allow(unused)state \"B\" id b{dnd,read_only} state C { } online f text 64}
extend system cic{state D} group cic.g=A|all dnd|any flag f choice c=a|b default a condition n=(a or not b)and c is not a|b
mapping m{apply x cic->lync apply y} scenario s{role R set a,not b,c is d cic A=>lync B append \"x\",\"y\" =>teams C observe cic A,lync nothing resync cic=>nothing}
test t{role R given a,not b cic A|B=>not lync C|unmapped append nothing}",
        "@allow(unsafe-round-trip, \"why\")
system cic \"Title\" {
    attributes acd, dnd
    state Available { acd }
    @allow(unused)
    state \"B\" id b { dnd, read_only }
    state C {}
    online f
    text 64
}
extend system cic {
    state D
}
group cic.g = A | all dnd | any
flag f
choice c = a | b default a
condition n = (a or not b) and c is not a | b
mapping m {
    apply x cic -> lync
    apply y
}
scenario s {
    role R
    set a, not b, c is d
    cic A => lync B append \"x\", \"y\" => teams C
    observe cic A, lync nothing
    resync cic => nothing
}
test t {
    role R
    given a, not b
    cic A | B => not lync C | unmapped append nothing
}
",
    );
}

#[test]
fn line_ends_stay_and_the_mark_goes() {
    assert_eq!(
        formatted("\u{feff}flag  f\r\n\r\n\r\n// c\r\nflag g"),
        "flag f\r\n\r\n// c\r\nflag g\r\n"
    );
}

#[test]
fn syntax_errors_are_told() {
    let source = SourceFile::new("a.presync", b"flag = 1\nflag f".to_vec(), false);
    assert!(matches!(format(&source), Err(FormatError::Syntax(errors)) if !errors.is_empty()));
}

/// The same tokens with other white space, some comments among them.
fn shuffled(text: &str, random: &mut Random) -> (String, Vec<String>) {
    let scanned = presync::internal::scan::scan(presync::FileId(0), text);
    let mut out = String::new();
    let mut comments = Vec::new();
    let mut end = 0;
    for token in &scanned.tokens {
        // What touches may have to go on touching.
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
fn random_layouts_settle_and_keep_the_meaning() {
    let (mut programs, mut kept) = (0, 0);
    for seed in 0..1_000 {
        let source = generate::program(seed, 20);
        let (messy, comments) = shuffled(&source, &mut Random(seed));
        let once = formatted(&messy);
        assert_eq!(formatted(&once), once, "seed {seed}: it settles\n{messy}");
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
                let tables = program.compile().expect("it is small");
                tables.digest().expect("it is small").to_owned()
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
fn bundled_and_example_files_are_laid_out() {
    let mut files: Vec<std::path::PathBuf> = Vec::new();
    for folder in [
        "src/vocabulary",
        "examples/contact-centre",
        "examples/custom-states",
        "examples/one-way",
        "examples/teams",
    ] {
        for entry in std::fs::read_dir(common::root().join(folder)).expect("it is there") {
            files.push(entry.expect("it can be listed").path());
        }
    }
    files.retain(|file| {
        file.extension()
            .is_some_and(|extension| extension == "presync")
    });
    assert!(files.len() >= 9, "{files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).expect("it can be read");
        assert_eq!(formatted(&text), text, "{}", file.display());
    }
}
