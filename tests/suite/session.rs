//! Sessions: one small stream for each rule in the "session" section of the language reference.

use crate::common;

use presync::Tables;
use presync_engine::SessionEngine;
use presync_stream::{StateFile, Stream};

const PROGRAM: &str = include_str!("../fixtures/programs/session.presync");

/// Runs events, given without the user, and compares the commands (`system State+text`) or the rejection of each.
#[track_caller]
fn run(events: &[(&str, &[&str])]) {
    run_in(PROGRAM, events);
}

#[track_caller]
pub(super) fn run_in(program: &str, events: &[(&str, &[&str])]) {
    let tables = common::tables(program);
    let mut stream = Stream::new(SessionEngine::new(tables.clone()), 1, true);
    for (at, (event, wanted)) in events.iter().enumerate() {
        let output = stream.block(format!("{{\"user\":\"ann\",{event}}}\n").as_bytes());
        assert_eq!(results(&output), *wanted, "event {}: {event}", at + 1);
    }
}

fn results(output: &presync_stream::BlockOutput) -> Vec<String> {
    let lines = |bytes: &[u8]| {
        common::text(bytes)
            .lines()
            .map(|line| serde_json::from_str(line).expect("valid JSON"))
            .collect::<Vec<serde_json::Value>>()
    };
    let mut results: Vec<String> = Vec::new();
    for command in lines(&output.commands) {
        let (system, state) = command["set"]
            .as_object()
            .and_then(|set| set.iter().next())
            .expect("a command sets one system");
        let texts: Vec<&str> = command["append"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|text| text.as_str())
            .collect();
        let plus = if texts.is_empty() {
            String::new()
        } else {
            format!("+{}", texts.join(","))
        };
        results.push(format!(
            "{system} {}{plus}",
            state.as_str().expect("a state")
        ));
    }
    results.extend(
        lines(&output.rejects)
            .iter()
            .map(|reject| format!("! {}", reject["error"].as_str().expect("a code"))),
    );
    results
}

const START: (&str, &[&str]) = (r#""role":"R","set":{"kind":"voice"}"#, &[]);

#[test]
fn a_change_is_decided_for_every_other_system() {
    run(&[
        START,
        (r#""change":{"cic":"Lunch"}"#, &["lync Away", "teams Gone"]),
        // The last unconfirmed command already sets this state.
        (r#""change":{"cic":"Meeting"}"#, &[]),
        (r#""change":{"cic":"lunch-1"}"#, &[]),
        (
            r#""change":{"cic":"AVAILABLE"}"#,
            &["lync Available", "teams Free"],
        ),
    ]);
}

#[test]
fn an_echo_confirms_and_decides_nothing() {
    run(&[
        START,
        (r#""change":{"cic":"Lunch"}"#, &["lync Away", "teams Gone"]),
        (
            r#""change":{"cic":"Available"}"#,
            &["lync Available", "teams Free"],
        ),
        // In order: the first echo confirms the first command.
        (r#""change":{"lync":"Away"}"#, &[]),
        (r#""change":{"lync":"Available"}"#, &[]),
        // No echo is expected any more: this is a change by the user.
        (r#""change":{"lync":"Away"}"#, &["cic lunch-1"]),
        (r#""change":{"lync":"Away"}"#, &[]),
    ]);
}

#[test]
fn an_echo_confirms_all_earlier_commands() {
    run(&[
        START,
        (r#""change":{"cic":"Lunch"}"#, &["lync Away", "teams Gone"]),
        (
            r#""change":{"cic":"Available"}"#,
            &["lync Available", "teams Free"],
        ),
        (r#""change":{"lync":"Available"}"#, &[]),
        (r#""change":{"lync":"Away"}"#, &["cic lunch-1"]),
    ]);
}

#[test]
fn commands_expire_by_the_time_of_events() {
    run(&[
        START,
        (
            r#""change":{"cic":"Available"}"#,
            &["lync Available", "teams Free"],
        ),
        (r#""change":{"lync":"Available"}"#, &[]),
        (
            r#""change":{"cic":"Lunch"},"at":"2026-11-22T12:00:00Z""#,
            &["lync Away", "teams Gone"],
        ),
        // After sixty seconds it is still an echo, after more it is not.
        (
            r#""change":{"lync":"Away"},"at":"2026-11-22T12:01:00Z""#,
            &[],
        ),
        (
            r#""change":{"cic":"Available"},"at":"2026-11-22T12:02:00Z""#,
            &["lync Available", "teams Free"],
        ),
        (
            r#""change":{"lync":"Busy"},"at":"2026-11-22T12:02:10Z""#,
            &["cic Meeting"],
        ),
        (
            r#""change":{"cic":"Meeting"},"at":"2026-11-22T12:03:30+00:00""#,
            &[],
        ),
        (
            r#""change":{"lync":"Away"},"at":"2026-11-22T12:04:00Z""#,
            &["cic lunch-1"],
        ),
    ]);
}

#[test]
fn facts_resend_only_changed_appendices() {
    run(&[
        START,
        (
            r#""change":{"cic":"Lunch"},"id":"1""#,
            &["lync Away", "teams Gone"],
        ),
        (r#""set":{"in_queue":true}"#, &["lync Away+in queue"]),
        (r#""set":{"in_queue":true}"#, &[]),
        (r#""change":{"lync":"Away"}"#, &[]),
        (r#""set":{"night":true}"#, &["lync Away+in queue,late"]),
        // The new role has the same state with another appendix.
        (r#""role":"Night""#, &["lync Away+night"]),
        (
            r#""role":"R","set":{"night":false,"in_queue":false}"#,
            &["lync Away"],
        ),
        // Facts alone never change a state: the state that the user chose meanwhile remains.
        (r#""change":{"lync":"Busy"}"#, &["cic Meeting"]),
        (r#""set":{"in_queue":true}"#, &[]),
    ]);
}

#[test]
fn facts_do_not_move_users_seen_in_another_state() {
    run(&[
        START,
        (r#""change":{"lync":"Busy"}"#, &["cic Meeting"]),
        (r#""change":{"cic":"Lunch"}"#, &["lync Away", "teams Gone"]),
        // The state from before an unconfirmed command: the command may not have arrived yet.
        (r#""observe":{"lync":"Busy"}"#, &[]),
        (r#""change":{"lync":"Busy"}"#, &[]),
        (r#""set":{"in_queue":true}"#, &["lync Away+in queue"]),
        // The state that the command sets does not contradict it.
        (r#""observe":{"lync":"Away"}"#, &[]),
        (r#""set":{"in_queue":false}"#, &["lync Away"]),
        // Another state does, even if a command is unconfirmed.
        (r#""observe":{"lync":"Available"}"#, &[]),
        (r#""set":{"in_queue":true}"#, &[]),
    ]);
    for seen in [
        r#""observe":{"lync":"Busy"}"#,
        r#""change":{"lync":"Busy"}"#,
    ] {
        run(&[
            START,
            (r#""change":{"lync":"Busy"}"#, &["cic Meeting"]),
            (
                r#""change":{"cic":"Lunch"},"at":"2026-11-22T12:00:00Z""#,
                &["lync Away", "teams Gone"],
            ),
            // The command lapses, and the system is seen in its old state: the command may be lost, and is sent again when
            // its text changes.
            (
                r#""set":{"in_queue":true},"at":"2026-11-22T12:05:00Z""#,
                &["lync Away+in queue"],
            ),
            (
                r#""observe":{"cic":"Lunch"},"at":"2026-11-22T12:10:00Z""#,
                &[],
            ),
            (seen, &[]),
            (r#""set":{"in_queue":false}"#, &["lync Away"]),
        ]);
    }
}

#[test]
fn observing_decides_nothing() {
    run(&[
        START,
        (r#""observe":{"cic":"Lunch","lync":"Away"}"#, &[]),
        (r#""change":{"cic":"Lunch"}"#, &[]),
        (r#""resync":"cic""#, &["teams Gone"]),
        (r#""observe":{"lync":null}"#, &[]),
        (r#""resync":"cic""#, &["lync Away", "teams Gone"]),
        (r#""observe":{"cic":null}"#, &[]),
        (r#""resync":"cic""#, &[]),
    ]);
}

#[test]
fn resync_sends_lost_commands_again() {
    run(&[
        START,
        (r#""change":{"cic":"Lunch"}"#, &["lync Away", "teams Gone"]),
        (r#""change":{"teams":"Gone"}"#, &[]),
        (r#""resync":"cic""#, &["lync Away"]),
        (r#""change":{"lync":"Away"}"#, &[]),
        (r#""resync":"cic""#, &[]),
    ]);
}

#[test]
fn guards_see_the_last_command() {
    run(&[
        START,
        (r#""change":{"lync":"Busy"}"#, &["cic Meeting"]),
        (r#""change":{"cic":"Meeting"}"#, &[]),
        // Both are decided before either command is sent: the rules for teams still see lync busy.
        (
            r#""change":{"cic":"Available"}"#,
            &["lync Available", "teams Gone"],
        ),
        (r#""change":{"cic":"Odd"}"#, &[]),
        // The last command already sets lync to available, even if unconfirmed.
        (r#""change":{"cic":"Available"}"#, &["teams Free"]),
    ]);
}

#[test]
fn rejected_events_change_nothing() {
    run(&[
        (r#""change":{"cic":"Lunch"}"#, &["! no-role"]),
        (
            r#""role":"R","change":{"lync":"Busy"}"#,
            &["! unset-choice"],
        ),
        // The role was in the rejected event.
        (r#""change":{"cic":"Lunch"}"#, &["! no-role"]),
        START,
        (
            r#""set":{"in_queue":true},"change":{"cic":"Lunhc"}"#,
            &["! unknown-state"],
        ),
        (r#""change":{"cic":"Lunch"}"#, &["lync Away", "teams Gone"]),
        (r#""set":{"in_queue":1}"#, &["! unknown-value"]),
        (r#""set":{"kind":"fax"}"#, &["! unknown-value"]),
        (r#""set":{"nope":true}"#, &["! unknown-fact"]),
        (r#""observe":{"skype":null}"#, &["! unknown-system"]),
        (r#""role":"X""#, &["! unknown-role"]),
        (
            r#""change":{"cic":"Lunch","lync":"Away"}"#,
            &["! several-systems"],
        ),
        (r#""change":{"cic":"Odd"},"at":"noon""#, &["! malformed"]),
        (r#""change":["cic"]"#, &["! malformed"]),
        (r#""change":{"cic":"Lunch"}"#, &[]),
        // Unknown members are ignored.
        (r#""weather":{"rain":[1]},"change":{"cic":"Lunch"}"#, &[]),
    ]);
}

#[test]
fn threads_and_stored_states_change_nothing() {
    let root = common::root();
    let events = std::fs::read(root.join("examples/contact-centre/day.jsonl"))
        .expect("the day is committed");
    let program = common::program_at(&root.join("examples/contact-centre/contact-centre.presync"));
    let tables = program.compile().expect("the program is small");
    let whole = stream(&tables, 1, &[&events]);
    let half = events
        .iter()
        .take(events.len() / 2)
        .rposition(|byte| *byte == b'\n')
        .expect("the first half has a line")
        + 1;
    for jobs in [1, 2, 3, 7] {
        assert_eq!(stream(&tables, jobs, &[&events]), whole, "{jobs} threads");
        assert_eq!(
            stream(&tables, jobs, &[&events[..half], &events[half..]]),
            whole,
            "{jobs} threads, two blocks"
        );
    }
    // Long names are stored elsewhere, with the same result.
    let long = |bytes: &[u8]| {
        common::text(bytes)
            .replace("\"user\":\"user", "\"user\":\"a user of a long name ")
            .into_bytes()
    };
    let renamed = stream(&tables, 2, &[&long(&events)]);
    assert_eq!(common::text(&renamed.0), common::text(&long(&whole.0)));
    assert_eq!(
        common::text(&renamed.1).lines().count(),
        common::text(&whole.1).lines().count()
    );
    // Save the sessions after half of the events and load them again.
    let mut first = Stream::new(SessionEngine::new(tables.clone()), 2, true);
    let begin = first.block(&events[..half]);
    let stored = StateFile::save(&first, None).to_json();
    let mut second = Stream::new(SessionEngine::new(tables.clone()), 1, true);
    assert!(
        StateFile::parse(&stored)
            .expect("a saved state can be read")
            .load(&mut second)
            .expect("the state fits in memory")
            .is_empty()
    );
    assert_eq!(StateFile::save(&second, None).to_json(), stored);
    second.skip_lines(first.lines());
    let end = second.block(&events[half..]);
    assert_eq!([begin.commands, end.commands].concat(), whole.0);
    assert_eq!([begin.rejects, end.rejects].concat(), whole.1);
}

fn stream(tables: &Tables, jobs: usize, blocks: &[&[u8]]) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let mut stream = Stream::new(SessionEngine::new(tables.clone()), jobs, true);
    let mut all = (Vec::new(), Vec::new(), Vec::new());
    for block in blocks {
        let output = stream.block(block);
        all.0.extend(output.commands);
        all.1.extend(output.rejects);
        all.2.extend(output.trace);
    }
    all
}

#[test]
fn a_byte_order_mark_is_accepted_before_the_first_line_only() {
    let tables = common::tables(PROGRAM);
    let event = "\u{feff}{\"user\":\"ann\",\"role\":\"R\",\"set\":{\"kind\":\"im\"},\"change\":{\"cic\":\"Lunch\"}}\r\n";
    let mut stream = Stream::new(SessionEngine::new(tables.clone()), 1, false);
    assert_eq!(
        results(&stream.block(event.as_bytes())),
        ["lync Away", "teams Gone"]
    );
    assert_eq!(results(&stream.block(event.as_bytes())), ["! malformed"]);
    // Nor before the first line of a resumed run.
    let mut stream = Stream::new(SessionEngine::new(tables.clone()), 1, false);
    stream.skip_lines(7);
    assert_eq!(results(&stream.block(event.as_bytes())), ["! malformed"]);
    assert_eq!(stream.lines(), 8);
}

#[test]
fn lines_are_counted_with_any_line_ending() {
    let tables = common::tables(PROGRAM);
    let mut stream = Stream::new(SessionEngine::new(tables.clone()), 1, false);
    let event = "{\"user\":\"ann\",\"role\":\"R\",\"set\":{\"kind\":\"im\"}}";
    let output = stream.block(
        format!("{event}\r\n{event}\n{event}\r\n\r\n{event}\r{event}\n{event}\r").as_bytes(),
    );
    assert_eq!(
        (
            output.events,
            output.counts.of(presync_stream::Word::Rejected)
        ),
        (5, 1)
    );
    assert!(
        common::text(&output.rejects).starts_with("{\"line\":5,"),
        "{}",
        common::text(&output.rejects)
    );
    assert_eq!(stream.lines(), 6);
}

#[test]
fn output_is_counted() {
    let root = common::root();
    let events = std::fs::read(root.join("examples/contact-centre/day.jsonl"))
        .expect("the day is committed");
    let tables =
        common::program_at(&root.join("examples/contact-centre/contact-centre.presync")).compile();
    let tables = tables.expect("the program is small");
    let lines = |bytes: &[u8]| common::text(bytes).lines().count() as u64;
    for jobs in [1, 3] {
        let mut stream = Stream::new(SessionEngine::new(tables.clone()), jobs, false);
        let output = stream.block(&events);
        let counted = (
            output.events,
            output.sent,
            output.counts.of(presync_stream::Word::Rejected),
        );
        assert_eq!(
            counted,
            (
                lines(&events),
                lines(&output.commands),
                lines(&output.rejects)
            ),
            "{jobs} threads"
        );
        assert_eq!(stream.lines(), lines(&events));
    }
}

#[test]
fn the_trace_shows_what_happened_to_each_event() {
    let tables = common::tables(PROGRAM);
    let mut stream = Stream::new(SessionEngine::new(tables.clone()), 1, true);
    let events = [
        r#""role":"R","set":{"kind":"im"},"id":{"n":1}"#,
        r#""set":{"in_queue":true},"change":{"cic":"Lunch"}"#,
        r#""change":{"lync":"Away"}"#,
        r#""change":{"lync":"Away"}"#,
        r#""change":{"lync":"Busy"}"#,
        r#""change":{"cic":"Meeting"}"#,
        r#""resync":"teams""#,
        r#""change":{"cic":"Nowhere"}"#,
    ];
    let lines: String = events
        .iter()
        .map(|event| format!("{{\"user\":\"ann\",{event}}}\n"))
        .collect();
    let trace = common::text(&stream.block(lines.as_bytes()).trace);
    let trace: Vec<serde_json::Value> = trace
        .lines()
        .map(|line| serde_json::from_str(line).expect("valid JSON"))
        .collect();
    let results: Vec<(u64, &str, &str)> = trace
        .iter()
        .map(|line| {
            let text = |name: &str| {
                line[name]
                    .as_str()
                    .unwrap_or_else(|| panic!("{name} is missing: {line}"))
            };
            assert_eq!(text("user"), "ann");
            (
                line["line"].as_u64().expect("a number"),
                text("result"),
                text("why"),
            )
        })
        .collect();
    let wanted = [
        (1, "observed", "nothing to decide"),
        (2, "sent", "command sent to lync and teams"),
        (3, "echo", "echo of our own command to lync `Away`"),
        (4, "same", "state of lync `Away` unchanged"),
        (5, "unmapped", "no profile maps this for cic and teams"),
        (6, "unchanged", "a rule leaves lync unchanged"),
        (7, "unmapped", "the state to resync is unknown"),
        (8, "rejected", "unknown-state: cic has no state `Nowhere`"),
    ];
    assert_eq!(results, wanted);
    assert_eq!(trace[0]["id"], serde_json::json!({ "n": 1 }));
    let lync = serde_json::json!({
        "to": "lync", "result": "sent", "state": "Away", "append": ["in queue"], "profile": "P", "rule": "main.presync:9"
    });
    assert_eq!(trace[1]["decisions"][0], lync);
    assert_eq!(trace[5]["decisions"][0]["state"], serde_json::Value::Null);
}

#[test]
fn a_shown_appendix_is_not_sent_again() {
    run(&[
        (
            r#""role":"R","set":{"kind":"im","in_queue":true},"observe":{"teams":"Gone"},"change":{"cic":"Lunch"}"#,
            &["lync Away+in queue"],
        ),
        (r#""change":{"lync":"Away"}"#, &[]),
        // The same state again, as a poll of all states would report it.
        (r#""observe":{"lync":"Away"}"#, &[]),
        (
            r#""change":{"cic":"Available"}"#,
            &["lync Available+in queue", "teams Free"],
        ),
        (r#""change":{"lync":"Available"}"#, &[]),
        (r#""observe":{"lync":"Available"}"#, &[]),
        (r#""resync":"cic""#, &["teams Free"]),
    ]);
}

/// More facts than fit in a few words; each keeps its value.
#[test]
fn every_fact_of_every_user_is_kept() {
    let sizes: Vec<usize> = (0..40).map(|at| 2 + at * 7 % 33).collect();
    let mut source = String::from(
        "system a { state A  state B }\nsystem b { state A  state B }\nprofile P { a A -> b B }\n",
    );
    for (at, size) in sizes.iter().enumerate() {
        let values: Vec<String> = (0..*size).map(|value| format!("v{at}_{value}")).collect();
        source += &format!("choice c{at} = {}\n", values.join(" | "));
    }
    let tables = common::tables(&source);
    let mut stream = Stream::new(SessionEngine::new(tables.clone()), 1, false);
    let users = 5_000;
    let value = |user: usize, at: usize| (user * 5 + at * user) % sizes[at];
    // Leave some facts of some users unset.
    let is_set = |user: usize, at: usize| !(user + at).is_multiple_of(11);
    for user in 0..users {
        let set: Vec<String> = (0..sizes.len())
            .filter(|at| is_set(user, *at))
            .map(|at| format!("\"c{at}\":\"v{at}_{}\"", value(user, at)))
            .collect();
        let output = stream
            .block(format!("{{\"user\":\"u{user}\",\"set\":{{{}}}}}\n", set.join(",")).as_bytes());
        assert_eq!(
            output.counts.of(presync_stream::Word::Rejected),
            0,
            "{}",
            common::text(&output.rejects)
        );
    }
    let stored: serde_json::Value =
        serde_json::from_str(&StateFile::save(&stream, None).to_json()).expect("valid JSON");
    for user in 0..users {
        let facts = &stored["users"][format!("u{user}")]["facts"];
        for at in 0..sizes.len() {
            let wanted = is_set(user, at).then(|| format!("v{at}_{}", value(user, at)));
            assert_eq!(
                facts[format!("c{at}")].as_str().map(str::to_owned),
                wanted,
                "u{user}, c{at}: {facts}"
            );
        }
    }
}

/// Blocks are read ahead, but not far; and if one thread fails, the others stop.
#[test]
fn threads_wait_for_each_other_and_stop_together() {
    let tables = common::tables(PROGRAM);
    let stream = || Stream::new(SessionEngine::new(tables.clone()), 2, false);
    let block = b"{\"user\":\"ann\",\"role\":\"R\",\"set\":{\"kind\":\"im\"}}\n";
    let (mut read, written, mut furthest) = (0, std::sync::atomic::AtomicU64::new(0), 0);
    let ahead = |read: u64| read - written.load(std::sync::atomic::Ordering::SeqCst);
    let done: Result<(), ()> = stream().run(
        |into| {
            furthest = furthest.max(ahead(read));
            into.clear();
            into.extend_from_slice(block);
            read += 1;
            Ok(read <= 300)
        },
        |_| {
            std::thread::sleep(std::time::Duration::from_micros(300));
            written.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            Ok(())
        },
    );
    assert_eq!(
        (done, written.load(std::sync::atomic::Ordering::SeqCst)),
        (Ok(()), 300)
    );
    assert!((2..=10).contains(&furthest), "{furthest} blocks ahead");

    fn more(into: &mut Vec<u8>) -> Result<bool, &'static str> {
        *into = b"{\"user\":\"ann\",\"role\":\"R\"}\n".to_vec();
        Ok(true)
    }
    assert_eq!(
        stream().run(more, |_| Err("the disk is full")),
        Err("the disk is full")
    );
    let gone = std::panic::catch_unwind(|| stream().run(more, |_| panic!("the writer is gone")));
    assert!(gone.is_err());
    let gone = std::panic::catch_unwind(|| {
        stream().run::<()>(|_| panic!("the reader is gone"), |_| Ok(()))
    });
    assert!(gone.is_err());
}

#[test]
fn a_changed_program_reports_names_that_no_longer_exist() {
    let old = common::tables(PROGRAM);
    let mut stream = Stream::new(SessionEngine::new(old.clone()), 1, false);
    stream.block(b"{\"user\":\"ann\",\"role\":\"Night\",\"set\":{\"kind\":\"voice\",\"night\":true},\"change\":{\"cic\":\"Lunch\"}}\n");
    let stored = StateFile::save(&stream, None);
    let changed = PROGRAM
        .replace("state Lunch id \"lunch-1\"", "state Break")
        .replace("Lunch", "Break")
        .replace("role \"Night\" uses \"Q\", \"P\"", "");
    let new = common::tables(&changed);
    let mut stream = Stream::new(SessionEngine::new(new.clone()), 1, false);
    let lost = stored.load(&mut stream).expect("the state fits in memory");
    let lost: Vec<(String, usize)> = lost
        .into_iter()
        .map(|(name, count)| (name.to_string(), count))
        .collect();
    assert_eq!(
        lost,
        [
            ("role `Night`".to_owned(), 1),
            ("state `Lunch` of cic".to_owned(), 3)
        ]
    );
}

#[test]
fn the_state_file_stores_the_position_in_the_events() {
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    let at = folder.path();
    std::fs::write(at.join("a.presync"), PROGRAM).expect("the file is writable");
    let first = "{\"user\":\"ann\",\"role\":\"R\",\"set\":{\"kind\":\"voice\"}}\n{\"user\":\"ann\",\"change\":{\"cic\":\"Lunch\"}}\n";
    let second = "{\"user\":\"ann\",\"set\":{\"in_queue\":true}}\nnonsense\n";
    std::fs::write(at.join("e.jsonl"), first).expect("the file is writable");
    let run = || {
        common::presync(
            at,
            &[
                "run",
                "a.presync",
                "--events",
                "e.jsonl",
                "--state",
                "s.json",
                "--rejects",
                "r.jsonl",
            ],
            b"",
        )
    };
    assert_eq!(common::text(&run().stdout).lines().count(), 2);
    assert_eq!(common::text(&run().stdout), "", "nothing is left to read");
    std::fs::write(at.join("e.jsonl"), format!("{first}{second}")).expect("the file is writable");
    let more = run();
    assert_eq!(
        common::text(&more.stdout).lines().count(),
        1,
        "{}",
        common::text(&more.stderr)
    );
    assert_eq!(more.status.code(), Some(1));
    assert!(
        common::text(&std::fs::read(at.join("r.jsonl")).expect("the file was written"))
            .starts_with("{\"line\":4,")
    );
    // A different file is read from its beginning.
    std::fs::write(at.join("e.jsonl"), second).expect("the file is writable");
    assert!(common::text(&run().stderr).contains("starting at its beginning"));
    // Standard input is never skipped.
    let output = common::presync(
        at,
        &["run", "a.presync", "--state", "s.json"],
        first.as_bytes(),
    );
    assert!(
        common::text(&output.stderr).contains("2 events"),
        "{}",
        common::text(&output.stderr)
    );
    std::fs::write(at.join("s.json"), "{}").expect("the file is writable");
    assert_eq!(run().status.code(), Some(2));
}

#[test]
fn users_have_roles_from_a_file() {
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    let at = folder.path();
    std::fs::write(at.join("a.presync"), PROGRAM).expect("the file is writable");
    std::fs::write(
        at.join("u.csv"),
        "\u{feff}User,Role\r\n\"Smith, Ann\",R\r\n",
    )
    .expect("the file is writable");
    let event = b"{\"user\":\"Smith, Ann\",\"change\":{\"cic\":\"Lunch\"}}\n";
    let output = common::presync(at, &["run", "a.presync", "--users", "u.csv"], event);
    assert_eq!(
        common::text(&output.stdout).lines().count(),
        2,
        "{}",
        common::text(&output.stderr)
    );
    std::fs::write(at.join("u.csv"), "user,role\nann,X\n").expect("the file is writable");
    let output = common::presync(at, &["run", "a.presync", "--users", "u.csv"], event);
    assert_eq!(output.status.code(), Some(2));
    assert!(common::text(&output.stderr).contains("line 2: unknown role `X`"));
    for (content, wanted) in [
        ("ann;R\n", "its first line is `ann;R`, expected `user,role`"),
        (
            "user,role\nann,R\nbob,R\nann,R\nann,Night\n",
            "line 5: user `ann` has a different role in line 4",
        ),
    ] {
        std::fs::write(at.join("u.csv"), content).expect("the file is writable");
        let output = common::presync(at, &["run", "a.presync", "--users", "u.csv"], event);
        assert_eq!(output.status.code(), Some(2));
        assert!(
            common::text(&output.stderr).contains(wanted),
            "{}",
            common::text(&output.stderr)
        );
    }
}

#[test]
fn a_role_set_by_an_event_survives_the_run() {
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    let at = folder.path();
    std::fs::write(at.join("a.presync"), PROGRAM).expect("the file is writable");
    std::fs::write(at.join("u.csv"), "user,role\nann,R\nbob,R\n").expect("the file is writable");
    let run = |events: &str| {
        let arguments = ["run", "a.presync", "--users", "u.csv", "--state", "s.json"];
        let output = common::presync(at, &arguments, events.as_bytes());
        (
            common::text(&output.stdout).clone(),
            common::text(&output.stderr).clone(),
        )
    };
    let first =
        "{\"user\":\"ann\",\"role\":\"Night\",\"set\":{\"kind\":\"voice\",\"night\":true}}\n";
    let second = "{\"user\":\"ann\",\"change\":{\"cic\":\"Lunch\"}}\n";
    let undisturbed = run(&format!("{first}{second}"));
    std::fs::remove_file(at.join("s.json")).expect("the file was written");
    assert_eq!(run(first).0, "");
    let (commands, errors) = run(second);
    assert_eq!(commands, undisturbed.0);
    assert!(commands.contains("\"append\":[\"night\"]"), "{commands}");
    assert!(
        errors.contains(
            "1 user has a different role in the state than in `u.csv` and keeps it: send an event"
        ),
        "{errors}"
    );
}

#[test]
fn long_lines_are_rejected_without_storing_them() {
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    let at = folder.path();
    std::fs::write(at.join("a.presync"), PROGRAM).expect("the file is writable");
    let long = "x".repeat(1 << 20);
    let events = format!(
        "{{\"user\":\"ann\",\"role\":\"R\",\"set\":{{\"kind\":\"voice\"}},\"note\":\"{long}\"}}\n{{\"user\":\"ann\",\"change\":{{\"cic\":\"{long}\"}}}}\n{}\n{{\"user\":\"ann\",\"change\":{{\"cic\":\"Lunch\"}}}}",
        "y".repeat(20 << 20)
    );
    let output = common::presync(
        at,
        &["run", "a.presync", "--rejects", "r.jsonl"],
        events.as_bytes(),
    );
    assert!(
        common::text(&output.stderr).contains(
            "4 events, 2 commands\n  1 sent\n  1 observed\n  1 rejected: malformed\n  1 rejected: unknown-state"
        ),
        "{}",
        common::text(&output.stderr)
    );
}

#[test]
fn rejected_events_are_printed_as_json() {
    let tables = common::tables(PROGRAM);
    let mut stream = Stream::new(SessionEngine::new(tables.clone()), 1, false);
    let event = r#"{"user":"a\"b\u0041","role":"R","set":{"kind":"voice"},"change":{"cic":"Lunch"},"at":"2026-11-22T14:00:00+02:00","id":{"n":[1]}}"#;
    let output = stream.block(event.as_bytes());
    let commands = common::text(&output.commands);
    let command: serde_json::Value =
        serde_json::from_str(commands.lines().next().expect("there is a command"))
            .expect("valid JSON");
    assert_eq!(command["user"], "a\"bA");
    assert_eq!(command["at"], "2026-11-22T14:00:00+02:00");
    assert_eq!(command["cause"], serde_json::json!({ "n": [1] }));
    // The same without escapes, in a line that does not have the usual form.
    let event = r#"{"other":1,"user":"zoë","role":"R","set":{"kind":"voice"},"change":{"cic":"Lunch"},"at":"2026-11-22T14:00:00+02:00"}"#;
    let commands = common::text(&stream.block(event.as_bytes()).commands);
    let command: serde_json::Value =
        serde_json::from_str(commands.lines().next().expect("there is a command"))
            .expect("valid JSON");
    assert_eq!(
        (&command["user"], &command["at"]),
        (&"zoë".into(), &"2026-11-22T14:00:00+02:00".into())
    );
}
