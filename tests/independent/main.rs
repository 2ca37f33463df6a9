//! Compares the tool with a second implementation that shares nothing with it: random programs as data, their meaning
//! evaluated rule by rule (`meaning.rs`), and the sessions of users (`session.rs`). Shrinks a program that differs.
//!
//! `PRESYNC_PROGRAMS=100000 cargo test --test independent -- --nocapture` checks 100,000 programs.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests run the tool and use files"
)]

mod generate;
mod meaning;
#[path = "../common/random.rs"]
mod random;
mod rewrite;
mod session;
mod shrink;
mod spec;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use presync::{Program, Tables};
use presync_engine::SessionEngine;
use presync_stream::Stream;
use serde_json::Value;

use generate::Shape;
use meaning::{Decided, Meaning, Outcome, Situation};
use random::Random;
use session::{Event, Sessions};
use spec::Spec;

/// Programs with at most this many situations are checked in all of them.
const SITUATIONS: usize = 3_000;

/// The number of random situations for larger programs.
const SAMPLED: usize = 200;

/// Programs with more situations get no events: finding the choices they depend on requires all situations.
const EVENTS_UP_TO: f64 = 2_000.0;

fn programs() -> usize {
    std::env::var("PRESYNC_PROGRAMS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(3_000)
}

#[derive(Default)]
struct Counts {
    programs: AtomicUsize,
    refused: AtomicUsize,
    decisions: AtomicUsize,
    mapped: AtomicUsize,
    events: AtomicUsize,
    commands: AtomicUsize,
    rejected: AtomicUsize,
}

impl Counts {
    fn add(counter: &AtomicUsize, count: usize) {
        counter.fetch_add(count, Ordering::Relaxed);
    }
}

#[test]
fn decisions_and_sessions_match_a_second_implementation() {
    let (counts, next) = (Counts::default(), AtomicUsize::new(0));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let failure = std::thread::scope(|scope| {
        let look = || {
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= programs() {
                    return None;
                }
                let spec = generate::program(&mut Random(seed as u64), Shape::of(seed as u64));
                if let Some(difference) = differs(&spec, seed as u64, &counts) {
                    next.store(programs(), Ordering::Relaxed);
                    return Some((spec, seed as u64, difference));
                }
            }
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(look)).collect();
        workers
            .into_iter()
            .find_map(|worker| worker.join().expect("differences do not panic"))
    });
    if let Some((spec, seed, difference)) = failure {
        std::panic::set_hook(Box::new(|_| {}));
        // The smaller program must differ in the same way.
        let kind = |difference: &str| difference.split(':').next().unwrap_or_default().to_owned();
        let wanted = kind(&difference);
        let still = |spec: &Spec| {
            differs(spec, seed, &Counts::default()).filter(|other| kind(other) == wanted)
        };
        let small = shrink::shrink(spec, &still);
        let difference = still(&small).unwrap_or(difference);
        drop(std::panic::take_hook());
        panic!("seed {seed}: {difference}\n{}", small.text().0);
    }
    let of = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    println!(
        "{} programs, {} rejected; {} decisions, {} mapped; {} events, {} commands, {} rejected",
        of(&counts.programs),
        of(&counts.refused),
        of(&counts.decisions),
        of(&counts.mapped),
        of(&counts.events),
        of(&counts.commands),
        of(&counts.rejected)
    );
    // Enough programs and events must be accepted, and enough rejected.
    assert!(of(&counts.refused) * 20 > programs() && of(&counts.refused) * 2 < programs());
    assert!(
        of(&counts.decisions) > programs() * 200 && of(&counts.mapped) * 5 > of(&counts.decisions)
    );
    assert!(of(&counts.commands) > programs() && of(&counts.rejected) * 3 < of(&counts.events));
}

/// The first difference for a program: its kind, a colon and details.
fn differs(spec: &Spec, seed: u64, counts: &Counts) -> Option<String> {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| compare(spec, seed, counts))) {
        Ok(compared) => compared.err(),
        Err(panic) => Some(format!("panic: {:?}", panic.downcast_ref::<String>())),
    }
}

fn compare(spec: &Spec, seed: u64, counts: &Counts) -> Result<(), String> {
    let (source, lines) = spec.text();
    let meaning = Meaning::new(spec, lines);
    let mut random = Random(seed ^ 0x5eed);
    let small = meaning.situations() <= SITUATIONS as f64;
    let most = if small { SITUATIONS } else { SAMPLED };
    Counts::add(&counts.programs, 1);

    let (mut conflict, mut beaten) = (false, BTreeSet::new());
    meaning.each(most, &mut |size| random.below(size), &mut |situation| {
        conflict |= meaning.conflicts(situation, &mut beaten);
    });
    let idle = meaning.overrides().difference(&beaten).next().is_some();
    let program = match Program::check_source("main.presync", &source) {
        Ok(program) => program,
        Err(errors) => {
            let codes: BTreeSet<&str> = errors
                .report()
                .diagnostics
                .iter()
                .map(|error| error.code.name)
                .collect();
            if let Some(other) = codes
                .iter()
                .find(|code| !["conflict", "override-nothing"].contains(code))
            {
                return Err(format!("unexpected {other}: {errors}"));
            }
            let reported = (
                codes.contains("conflict"),
                codes.contains("override-nothing"),
            );
            // Samples may miss what the analysis finds, but not the reverse.
            let right = if small {
                reported == (conflict, idle)
            } else {
                reported.0 || !conflict
            };
            Counts::add(&counts.refused, 1);
            return if right {
                Ok(())
            } else {
                Err(format!(
                    "errors: reported {reported:?}, in the program {:?}",
                    (conflict, idle)
                ))
            };
        }
    };
    if conflict || (small && idle) {
        return Err(format!(
            "missed: conflict {conflict}, override-nothing {idle}"
        ));
    }
    let tables = program
        .compile()
        .map_err(|error| format!("too large: {error}"))?;
    let text = tables.to_json().expect("the tables are small");
    let reread = Tables::from_json(&text).map_err(|error| format!("reading: {error}"))?;
    if reread.digest().expect("the tables are small")
        != tables.digest().expect("the tables are small")
        || reread.to_json().expect("the tables are small") != text
    {
        return Err("reading: what was written is read as something else".to_owned());
    }
    // The digest of the profiles' tables together is that of the role's.
    let document = tables.document().expect("the tables are small");
    let chained = Tables::from_document(document).map_err(|error| format!("chained: {error}"))?;
    if chained.digest() != tables.digest() {
        return Err("digest: the tables of the profiles have another".to_owned());
    }
    let mut different = None;
    let (mut decisions, mut mapped) = (0, 0);
    meaning.each(most, &mut |size| random.below(size), &mut |situation| {
        for role in 0..meaning.roles.len() {
            for from in (0..spec.systems.len()).filter(|from| situation.states[*from].is_some()) {
                for to in (0..spec.systems.len()).filter(|to| *to != from) {
                    let wanted = meaning.decide(role, situation, from, to);
                    decisions += 1;
                    mapped += usize::from(wanted.outcome != Outcome::Unmapped);
                    for tables in [&tables, &reread] {
                        let found = decided(tables, &meaning, role, situation, from, to);
                        if found != wanted && different.is_none() {
                            let role = &meaning.roles[role].0;
                            different = Some(format!(
                                "decision: {role}, {from} to {to} in {situation:?}: {found:?}, wanted {wanted:?}"
                            ));
                        }
                    }
                }
            }
        }
    });
    Counts::add(&counts.decisions, decisions);
    Counts::add(&counts.mapped, mapped);
    different.map_or(Ok(()), Err)?;
    if meaning.situations() <= EVENTS_UP_TO {
        sessions(
            &meaning,
            if seed.is_multiple_of(2) {
                &tables
            } else {
                &reread
            },
            &mut random,
            counts,
        )?;
    }
    Ok(())
}

/// The decision of the tables, in terms of the program.
fn decided(
    tables: &Tables,
    meaning: &Meaning<'_>,
    role: usize,
    situation: &Situation,
    from: usize,
    to: usize,
) -> Decided {
    let spec = meaning.spec;
    let system = |at: usize| &*spec.systems[at].name;
    let mut given = tables.situation();
    for (name, value) in spec.flags.iter().zip(&situation.flags) {
        given = given.set(name, *value).expect("facts keep their names");
    }
    for (choice, value) in spec.choices.iter().zip(&situation.values) {
        let name = &*choice.values[value.expect("every choice has a value")];
        given = given
            .set(&choice.name, name)
            .expect("values keep their names");
    }
    let state = |at: usize, state: usize| {
        let of = tables
            .schema()
            .find_system(system(at))
            .expect("systems keep their names");
        let name = &spec.systems[at].states[state].name;
        let mut states = tables.schema().states(of);
        let found = states.find(|state| tables.schema().state(*state).name == *name);
        found.expect("states keep their names")
    };
    for (at, shown) in situation.states.iter().enumerate() {
        if let Some(shown) = shown {
            given.set_state(state(at, *shown));
            if situation.by_hand[at] {
                given.set_by_hand(
                    tables
                        .schema()
                        .find_system(system(at))
                        .expect("it is there"),
                );
            }
        }
    }
    let role = tables
        .role(&meaning.roles[role].0)
        .expect("roles keep their names");
    let entered = state(from, situation.states[from].expect("the state is known"));
    let decided = role
        .decide(&given, entered)
        .expect("every fact has a value");
    let decided = decided
        .into_iter()
        .find(|decided| decided.system() == system(to));
    let decided = decided.expect("the system has a decision");
    let decision = decided.decision();
    let texts: Vec<String> = decided
        .append()
        .iter()
        .map(|text| (*text).to_owned())
        .collect();
    let outcome = match &decision.outcome {
        presync::Outcome::Unmapped => Outcome::Unmapped,
        presync::Outcome::Unchanged => Outcome::Unchanged,
        presync::Outcome::Previous => Outcome::Previous(texts),
        presync::Outcome::Set(state) => {
            let name = &tables.schema().state(*state).name;
            let known = spec.systems[to]
                .states
                .iter()
                .position(|state| state.name == *name);
            Outcome::Set(known.expect("states keep their names"), texts)
        }
    };
    let line = |rule: &String| {
        rule.strip_prefix("main.presync:")
            .and_then(|line| line.parse().ok())
            .unwrap_or(0)
    };
    let origin = decision.origin.as_ref();
    let origin = origin.map(|origin| (origin.profile.clone(), line(&origin.rule)));
    Decided { outcome, origin }
}

/// Runs random events: commands and rejections must match the second implementation after every event.
fn sessions(
    meaning: &Meaning<'_>,
    tables: &Tables,
    random: &mut Random,
    counts: &Counts,
) -> Result<(), String> {
    let mut clock = 0;
    let mut events: Vec<Event> = (0..60)
        .map(|_| Event::random(random, meaning, &mut clock))
        .collect();
    // Most users are introduced early.
    for (user, event) in events.iter_mut().enumerate().take(2) {
        *event = Event {
            user,
            role: Some(random.below(meaning.roles.len())),
            ..Event::default()
        };
        event.values = meaning
            .spec
            .choices
            .iter()
            .enumerate()
            .map(|(at, _)| (at, 0))
            .collect();
    }
    let mut stream = Stream::new(SessionEngine::new(tables.clone()), 1, false);
    let mut sessions = Sessions::new(meaning);
    let lines: Vec<String> = events
        .iter()
        .zip(1..)
        .map(|(event, number)| event.json(meaning, number))
        .collect();
    for (at, event) in events.iter().enumerate() {
        let output = stream.block(format!("{}\n", lines[at]).as_bytes());
        let json = |bytes: &[u8]| -> Vec<Value> {
            let text = std::str::from_utf8(bytes).expect("the output is UTF-8");
            text.lines()
                .map(|line| serde_json::from_str(line).expect("valid JSON"))
                .collect()
        };
        let (commands, rejects) = (json(&output.commands), json(&output.rejects));
        Counts::add(&counts.events, 1);
        Counts::add(&counts.commands, commands.len());
        Counts::add(&counts.rejected, rejects.len());
        let same = match sessions.apply(event, at + 1) {
            Ok(wanted) if rejects.is_empty() && wanted == commands => continue,
            Ok(wanted) => format!("{wanted:?}"),
            Err(codes) => match rejects.as_slice() {
                [one] if commands.is_empty() && codes.iter().any(|code| one["error"] == *code) => {
                    continue;
                }
                _ => format!("a rejection {codes:?}"),
            },
        };
        let upto = lines[..=at].join("\n");
        return Err(format!(
            "session: {commands:?} and rejected {rejects:?}, wanted {same}\n{upto}"
        ));
    }
    Ok(())
}

/// Digests are equal, and `diff` is empty, if and only if all decisions are equal. Tested with programs that are
/// rewritten with the same meaning, formatted, and changed in one place.
#[test]
fn the_digest_covers_decisions_only() {
    let (mut same, mut other, mut refused) = (0, 0, 0);
    for seed in 0..programs() as u64 / 2 {
        let mut random = Random(seed ^ 0xd19e57);
        let spec = generate::program(
            &mut random,
            Shape {
                overrides: 3,
                own: 10,
                ..Shape::of(0)
            },
        );
        let (source, _) = spec.text();
        let Some(tables) = compiled(&source) else {
            continue;
        };
        let wanted_outcomes = outcomes(&spec);

        let rewritten = rewrite::rewrite(&spec, &mut random);
        assert_eq!(
            outcomes(&rewritten),
            wanted_outcomes,
            "seed {seed}: the rewriter must keep the meaning"
        );
        let (text, _) = rewritten.text();
        let others = compiled(&text)
            .unwrap_or_else(|| panic!("seed {seed}: refused\n{source}\n// becomes\n{text}"));
        assert_eq!(
            others.digest().expect("the tables are small"),
            tables.digest().expect("the tables are small"),
            "seed {seed}\n{source}\n// becomes\n{text}"
        );
        assert!(
            presync::diff(&tables, &others)
                .expect("the tables are small")
                .is_empty(),
            "seed {seed}\n{source}\n// becomes\n{text}"
        );

        let file = presync::SourceFile::new("main.presync", source.clone().into_bytes(), false);
        let formatted = presync::format(&file)
            .unwrap_or_else(|error| panic!("seed {seed}: {error:?}\n{source}"));
        let others = compiled(&formatted)
            .unwrap_or_else(|| panic!("seed {seed}: refused\n{source}\n// becomes\n{formatted}"));
        assert_eq!(
            others.digest().expect("the tables are small"),
            tables.digest().expect("the tables are small"),
            "seed {seed}\n{source}\n// becomes\n{formatted}"
        );
        let file = presync::SourceFile::new("main.presync", formatted.clone().into_bytes(), false);
        assert_eq!(
            presync::format(&file).ok().as_ref(),
            Some(&formatted),
            "seed {seed}: formatting twice changes nothing"
        );

        let mutated = rewrite::mutate(&spec, &mut random);
        let (text, _) = mutated.text();
        let Some(others) = compiled(&text) else {
            refused += 1;
            continue;
        };
        let equal = outcomes(&mutated) == wanted_outcomes;
        assert_eq!(
            others.digest().expect("the tables are small")
                == tables.digest().expect("the tables are small"),
            equal,
            "seed {seed}\n{source}\n// becomes\n{text}"
        );
        let unchanged = presync::diff(&tables, &others)
            .expect("the tables are small")
            .is_empty();
        assert_eq!(
            unchanged, equal,
            "seed {seed}: diff\n{source}\n// becomes\n{text}"
        );
        if equal { same += 1 } else { other += 1 }
    }
    println!("{same} changes without and {other} with an effect on decisions, {refused} rejected");
    assert!(same > programs() / 50 && other > programs() / 50);
}

fn compiled(source: &str) -> Option<Tables> {
    Program::check_source("main.presync", source)
        .ok()?
        .compile()
        .ok()
}

/// Every outcome in every situation, with roles in the order of their names.
fn outcomes(spec: &Spec) -> Vec<Outcome> {
    let (_, lines) = spec.text();
    let mut meaning = Meaning::new(spec, lines);
    // Programs are compared of which only one asks.
    meaning.asks_all = true;
    let mut roles: Vec<usize> = (0..meaning.roles.len()).collect();
    roles.sort_by_key(|role| &meaning.roles[*role].0);
    let mut all = Vec::new();
    meaning.each(usize::MAX, &mut |_| 0, &mut |situation| {
        for role in &roles {
            for from in (0..spec.systems.len()).filter(|from| situation.states[*from].is_some()) {
                for to in (0..spec.systems.len()).filter(|to| *to != from) {
                    all.push(meaning.decide(*role, situation, from, to).outcome);
                }
            }
        }
    });
    all
}
