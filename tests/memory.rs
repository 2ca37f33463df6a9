//! Peak memory of `check` relative to the size of the program: for realistic programs, and for the densest possible
//! texts.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests run the tool and use files"
)]

use std::fmt::Write;

/// A realistic profile; ten of them make a role.
fn desk(at: usize) -> String {
    let mut text = format!(
        "/// What the supervisors agreed on.\nprofile \"Desk {at}\" when enterprise_voice and desk_{} {{\n",
        at % 10
    );
    for not in ["", "not "] {
        writeln!(text, "    when both_logged_in and {not}in_queue {{")
            .expect("writing to a string succeeds");
        for (state, other) in [
            ("Available", "Available"),
            ("In a Meeting", "Busy"),
            ("Away from Desk", "Away"),
        ] {
            writeln!(text, "        cic \"{state}\"    <-> lync \"{other}\"")
                .expect("writing to a string succeeds");
        }
        for state in ["At Lunch", "Gone Home", "Out of Town", "On Vacation"] {
            writeln!(text, "        cic \"{state}\" -> lync Away")
                .expect("writing to a string succeeds");
        }
        text.push_str("        lync \"Off Work\" -> cic unchanged // gone for the day\n    }\n");
    }
    text.push_str("    cic otherwise -> lync unchanged\n    lync otherwise -> cic unchanged\n}\n");
    if at % 10 == 9 {
        let desks: Vec<String> = (at - 9..=at)
            .map(|desk| format!("\"Desk {desk}\""))
            .collect();
        writeln!(text, "role \"Team {}\" uses {}", at / 10, desks.join(", "))
            .expect("writing to a string succeeds");
    }
    text
}

/// The limit that the language reference promises, in bytes per byte of source.
const MOST: f64 = 40.0;

/// Systems and states with names of one letter, so that a rule has nine bytes.
const LETTERS: &str = "system a { state b }\nsystem c { state d }\n";

/// Sizes in bytes, large enough that fixed costs do not matter.
const SIZES: [usize; 2] = [400_000, 600_000];

#[test]
fn memory_of_a_check() {
    let flags: String = (0..10).map(|at| format!("flag desk_{at}\n")).collect();
    let profile = "profile P {\n";
    let letters = |text: &str| format!("{LETTERS}{text}");
    let one =
        |line: &'static str| -> Box<dyn Fn(usize) -> String> { Box::new(move |_| line.to_owned()) };
    type Line = Box<dyn Fn(usize) -> String>;
    let cases: Vec<(&str, String, Line, &str)> = vec![
        ("a site", flags, Box::new(desk), ""),
        (
            "conditions",
            String::new(),
            Box::new(|at| format!("condition c{at} = f and (not f or f)\n")),
            "",
        ),
        (
            "short conditions",
            String::new(),
            Box::new(|at| format!("condition c{at}=f\n")),
            "",
        ),
        (
            "alternatives",
            String::new(),
            Box::new(|at| format!("condition c{at}=f{}\n", " or f".repeat(9))),
            "",
        ),
        (
            "groups",
            String::new(),
            Box::new(|at| format!("group cic.g{at}=any\n")),
            "",
        ),
        (
            "choices",
            String::new(),
            Box::new(|at| format!("choice c{at}=a|b\n")),
            "",
        ),
        (
            "profiles",
            String::new(),
            Box::new(|at| format!("profile P{at}{{cic any->lync Away}}\n")),
            "",
        ),
        (
            "empty profiles",
            String::new(),
            Box::new(|at| format!("profile P{at}{{}}\n")),
            "",
        ),
        (
            "mappings",
            String::new(),
            Box::new(|at| format!("mapping m{at}{{cic any->lync Away}}\n")),
            "",
        ),
        (
            "tests",
            "profile P{cic any->lync Away}\n".to_owned(),
            Box::new(|at| format!("test t{at}{{cic any=>lync Away}}\n")),
            "",
        ),
        (
            "roles",
            "profile P{cic any->lync Away}\n".to_owned(),
            Box::new(|at| format!("role r{at} uses P\n")),
            "",
        ),
        (
            "states",
            "system s{".to_owned(),
            Box::new(|at| format!("state s{at} ")),
            "}\n",
        ),
        ("files", String::new(), one("use a\n"), ""),
        (
            "applied mappings",
            "mapping m{cic any->lync Away}\nprofile P {\n".to_owned(),
            one("apply m\n"),
            "}\n",
        ),
        (
            "equal rules",
            profile.to_owned(),
            one("cic any->lync Away\n"),
            "}\n",
        ),
        (
            "impossible rules",
            profile.to_owned(),
            one("when f and not f: cic Available->lync Away\n"),
            "}\n",
        ),
        (
            "conditional rules",
            profile.to_owned(),
            one("when f: cic any->lync Away\n"),
            "}\n",
        ),
        (
            "rules and an error",
            profile.to_owned(),
            one("cic any->lync Away\n"),
            "cic any->Away\n}\n",
        ),
        (
            "two ways of too many",
            profile.to_owned(),
            one("cic any<->lync any\n"),
            "}\n",
        ),
        (
            "rules of letters",
            letters(profile),
            one("a b->c d\n"),
            "}\n",
        ),
        (
            "lists of letters",
            letters(profile),
            one("a b|b|b|b|b|b|b|b|b->c d\n"),
            "}\n",
        ),
        (
            "rules of letters in a block",
            letters("profile P {when f {\n"),
            one("a b->c d\n"),
            "}}\n",
        ),
        (
            "conditional rules of letters",
            letters("profile P {when f {\n"),
            one("when f:a b->c d\n"),
            "}}\n",
        ),
        (
            "dead rules of letters",
            letters("profile Q {a b->c d}profile P {\n"),
            one("a b->c d\n"),
            "}\n",
        ),
        (
            "documented rules of letters",
            letters(profile),
            one("///\na b->c d\n"),
            "}\n",
        ),
        (
            "unknown states",
            letters(profile),
            one("a b->c \"\"\n"),
            "}\n",
        ),
        ("empty blocks", letters(profile), one("when f{}"), "}\n"),
        (
            "expectations of letters",
            letters("profile P {a b->c d}test t {\n"),
            one("a b=>c d\n"),
            "}\n",
        ),
        (
            "facts of tests",
            letters("profile P {a b->c d}test t {\n"),
            one("given f,f,f,f,f\n"),
            "}\n",
        ),
        (
            "steps of letters",
            letters("profile P {a b->c d}scenario s {\n"),
            one("a b "),
            "}\n",
        ),
        ("no declarations", String::new(), one("} { "), ""),
        ("no program", String::new(), one("a "), ""),
        ("one name", String::new(), one("system a\n"), ""),
        ("comments", String::new(), one("// \n"), ""),
        (
            "a long condition",
            "condition c=f".to_owned(),
            one(" and f"),
            "\n",
        ),
        (
            "a long list",
            "group cic.g=any".to_owned(),
            one("|any"),
            "\n",
        ),
        (
            "a long role",
            "profile P {cic any->lync Away}role A uses P".to_owned(),
            one(",P"),
            "\n",
        ),
    ];
    for (name, head, line, end) in &cases {
        for size in SIZES {
            let mut text = format!("use cic_lync\nflag f\n{head}");
            (0..)
                .map(line)
                .take_while(|line| {
                    text.push_str(line);
                    text.len() < size
                })
                .for_each(drop);
            text.push_str(end);
            let times = memory(&text) / text.len() as f64;
            println!("{name}: {times:.1} bytes per byte of {}", text.len());
            assert!(
                times <= MOST,
                "{name}: {times:.1} bytes per byte of {}",
                text.len()
            );
        }
    }
}

/// The peak in bytes, including the text itself.
fn memory(text: &str) -> f64 {
    let read = |_: &str| Ok(text.as_bytes().to_vec());
    let memory = allocation_counter::measure(|| {
        let parsed = presync::parse("", "a.presync", &read).expect("reading from memory succeeds");
        if let Some(program) = presync::check(parsed).program {
            drop(program.lint(&presync::Settings::default()));
        }
    });
    memory.bytes_max as f64
}
