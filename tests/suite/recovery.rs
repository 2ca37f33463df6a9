//! Error recovery: how many of five random errors in a 70-line file are reported, and how many false ones.

use crate::common;

use common::generate::Random;
use presync::{Diagnostic, FileId, SourceFile, tree};

const FILES: u64 = 300;
const ERRORS: usize = 5;

/// Any sequence of a few words can be parsed without a crash.
#[test]
fn random_words_are_parsed() {
    let words = "system state flag choice group condition profile role uses use when apply append override otherwise \
                 test scenario given extend @allow all any is not and or to id default unchanged cic lync Away \" -> <-> \
                 <- => { } ( ) | : , = .";
    let words: Vec<&str> = words.split_whitespace().chain(["\"At Lunch\""]).collect();
    // Regression: an error at the start of the file.
    parse("{}apply\nt");
    // Regression: an unclosed annotation at the end of the file.
    parse("@allow {\nsystem @allow");
    let mut random = Random(3);
    let mut wrong = 0;
    for _ in 0..100_000 {
        let count = 1 + random.below(12);
        let text: String = (0..count)
            .map(|_| {
                format!(
                    "{}{}",
                    random.pick(&words),
                    random.pick(&[" ", "\n", "", " ", "\n"])
                )
            })
            .collect();
        wrong += usize::from(!parse(&text).1.is_empty());
    }
    assert!(wrong > 95_000, "{wrong}");
}

#[test]
fn five_errors_a_file() {
    let (mut found, mut put, mut wrong, mut rules, mut kept) = (0, 0, 0, 0, 0);
    for seed in 0..FILES {
        let mut random = Random(seed);
        let (text, statements) = file(&mut random, seed % 2 == 1);
        assert_eq!(
            parse(&text).1.len(),
            0,
            "the original file has errors: {:?}\n{text}",
            parse(&text).1
        );
        rules += text.matches("->").count();
        let (broken, places) = break_it(&mut random, &text, &statements);
        let (tree, errors) = parse(&broken);
        kept += count_rules(&tree);
        let mut explained = vec![false; errors.len()];
        for (from, to) in &places {
            put += 1;
            // An error counts as found if one is reported within the statement or at the first token after it.
            let hit = errors
                .iter()
                .enumerate()
                .find(|(at, error)| !explained[*at] && within(error, *from, *to));
            if let Some((at, _)) = hit {
                explained[at] = true;
                found += 1;
            }
        }
        wrong += explained.iter().filter(|explained| !**explained).count();
        if std::env::var_os("PRESYNC_SHOW").is_some()
            && (explained.contains(&false) || explained.len() < ERRORS)
        {
            println!("=== seed {seed}\n{broken}");
            for (error, explained) in errors.iter().zip(&explained) {
                let line = SourceFile::new("a", broken.clone().into_bytes(), false).line(
                    error
                        .location()
                        .expect("the error has a location")
                        .span
                        .start,
                );
                println!(
                    "{} line {line}: {}",
                    if *explained { "  " } else { "??" },
                    error.message
                );
            }
            println!(
                "places {:?}",
                places
                    .iter()
                    .map(|(from, _)| broken[..*from].matches('\n').count() + 1)
                    .collect::<Vec<_>>()
            );
        }
    }
    let files = FILES as f64;
    println!(
        "{:.2} of {ERRORS} errors found per file, {:.2} false ones, {:.0} % of all rules kept, including broken ones",
        f64::from(found) / files,
        wrong as f64 / files,
        100.0 * kept as f64 / rules as f64
    );
    assert_eq!(put, FILES as i32 * ERRORS as i32);
    assert!(
        f64::from(found) / files >= 4.8,
        "{:.3}",
        f64::from(found) / files
    );
    assert!((wrong as f64) / files < 0.7, "{:.3}", wrong as f64 / files);
    assert!(kept as f64 / rules as f64 > 0.8);
}

fn parse(text: &str) -> (tree::File, Vec<Diagnostic>) {
    let (tree, mut errors) = presync::parse_file(
        FileId(0),
        &SourceFile::new("a.presync", text.as_bytes().to_vec(), false),
    );
    presync::internal::sort(&mut errors);
    (tree, errors)
}

fn within(error: &Diagnostic, from: usize, to: usize) -> bool {
    let span = error
        .location()
        .expect("a syntax error has a location")
        .span;
    (span.start as usize) >= from && (span.start as usize) <= to
}

fn count_rules(tree: &tree::File) -> usize {
    fn of(items: &[tree::Item]) -> usize {
        items
            .iter()
            .map(|item| match &item.kind {
                tree::ItemKind::When(when) => of(&when.body),
                tree::ItemKind::Rule(_) => 1,
                _ => 0,
            })
            .sum()
    }
    tree.declarations
        .iter()
        .map(|declaration| match &declaration.kind {
            tree::DeclarationKind::Profile { items, .. }
            | tree::DeclarationKind::Mapping { items, .. } => of(items),
            _ => 0,
        })
        .sum()
}

/// A file of about seventy lines, and the byte ranges of its statements. `spread`: statements span lines.
fn file(random: &mut Random, spread: bool) -> (String, Vec<(usize, usize)>) {
    let mut text = String::from(include_str!("../fixtures/programs/recovery.presync"));
    let mut statements = Vec::new();
    let mut profile = 0;
    while text.lines().count() < 66 {
        let open = format!("profile \"P {profile}\" when staffed {{\n");
        text.push_str(&open);
        for _ in 0..2 + random.below(3) {
            if random.chance(30) {
                text.push_str(&format!("    when {} {{\n", condition(random)));
                for _ in 0..=random.below(3) {
                    statement(random, &mut text, &mut statements, 2, spread);
                }
                text.push_str("    }\n");
            } else {
                statement(random, &mut text, &mut statements, 1, spread);
            }
        }
        text.push_str("}\n\n");
        profile += 1;
    }
    text.push_str("role \"Agents\" uses \"P 0\", \"P 1\"\n");
    (text, statements)
}

fn statement(
    random: &mut Random,
    text: &mut String,
    statements: &mut Vec<(usize, usize)>,
    depth: usize,
    spread: bool,
) {
    let indent = "    ".repeat(depth);
    text.push_str(&indent);
    let start = text.len();
    if random.chance(25) {
        text.push_str(&format!("when {}: ", condition(random)));
    }
    let join = |random: &mut Random, token: &str| {
        if spread && random.chance(40) {
            format!("\n{indent}    {token} ")
        } else {
            format!(" {token} ")
        }
    };
    if random.chance(10) {
        text.push_str("append \"in queue\" to lync");
    } else {
        let count = 1 + random.below(3);
        let states: Vec<&str> = (0..count)
            .map(|_| {
                *random.pick(&[
                    "Available",
                    "\"At Lunch\"",
                    "\"Available, No ACD\"",
                    "away",
                    "\"In a Meeting\"",
                ])
            })
            .collect();
        let mut list = states[0].to_owned();
        for state in &states[1..] {
            list = list + &join(random, "|") + state;
        }
        let arrow = join(random, "->");
        text.push_str(&format!(
            "cic {list}{arrow}lync {}",
            random.pick(&["Away", "Busy", "\"Do Not Disturb\"", "unchanged"])
        ));
    }
    statements.push((start, text.len()));
    text.push('\n');
}

fn condition(random: &mut Random) -> String {
    (*random.pick(&[
        "vip",
        "not vip and staffed",
        "site is north | south",
        "(vip or in_training) and lync is Busy",
        "enterprise_voice",
    ]))
    .to_owned()
}

/// Breaks five different statements, from the last to the first so that offsets remain valid.
fn break_it(
    random: &mut Random,
    text: &str,
    statements: &[(usize, usize)],
) -> (String, Vec<(usize, usize)>) {
    let mut chosen: Vec<usize> = Vec::new();
    while chosen.len() < ERRORS {
        let at = random.below(statements.len());
        if !chosen.contains(&at) {
            chosen.push(at);
        }
    }
    chosen.sort_unstable();
    let mut broken = text.to_owned();
    let mut places = Vec::new();
    for at in chosen.into_iter().rev() {
        let (from, to) = statements[at];
        let statement = &text[from..to];
        let replaced = mutate(random, statement);
        broken.replace_range(from..to, &replaced);
        let grown = replaced.len() as isize - statement.len() as isize;
        places
            .iter_mut()
            .for_each(|(from, to): &mut (usize, usize)| {
                *from = from.wrapping_add_signed(grown);
                *to = to.wrapping_add_signed(grown);
            });
        // Includes the first token of the next line: an incomplete end is noticed there.
        places.push((from, from + replaced.len() + 60));
    }
    places.reverse();
    // A place ends before the next one starts.
    for at in 1..places.len() {
        places[at - 1].1 = places[at - 1].1.min(places[at].0 - 1);
    }
    (broken, places)
}

/// Makes a typical mistake.
fn mutate(random: &mut Random, statement: &str) -> String {
    loop {
        let broken = match random.below(12) {
            0 => statement.replacen("->", "", 1),
            1 => statement.replacen("->", "=>", 1),
            2 => statement.replacen('"', "", 1),
            3 => statement.replacen('|', ",", 1),
            4 => statement.replacen(" lync ", " ", 1),
            5 => statement.replacen("->", "-> ->", 1),
            6 => statement.replacen("->", "-> override", 1),
            7 => statement.replacen("when ", "wehn ", 1),
            8 => statement.replacen(':', "", 1),
            9 => statement.replacen("cic ", "", 1),
            10 => statement.replacen("to lync", "lync", 1),
            _ => format!("{statement} ;"),
        };
        if broken != statement && !parses(&broken) {
            return broken;
        }
    }
}

/// Whether the statement is still valid.
fn parses(statement: &str) -> bool {
    parse(&format!("profile p {{ {statement} }}")).1.is_empty()
        || parse(&format!("profile p {{ {statement} cic a -> lync b }}"))
            .1
            .is_empty()
}
