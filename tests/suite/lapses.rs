//! Slow and lossy systems, people who choose states by hand, and what they had before: one stream for each sentence of
//! "The session" in the language reference that the other session tests do not show.

use crate::common;
use crate::session::run_in;

use presync_engine::SessionEngine;
use presync_stream::{StateFile, Stream, Word};

const PROGRAM: &str = include_str!("../fixtures/programs/real-world.presync");

/// Runs events of one user without a role.
#[track_caller]
fn run(events: &[(&str, &[&str])]) {
    run_in(PROGRAM, events);
}

#[test]
fn an_event_without_a_role_gets_the_default() {
    run(&[
        (r#""change":{"cic":"Lunch"}"#, &["lync Away"]),
        (r#""role":"Other""#, &[]),
        (r#""change":{"cic":"Available"}"#, &[]),
    ]);
    // The only role of a program is the default, too.
    let only =
        "system a { state x state y } system b { state p } profile P { a x -> b p } role R uses P";
    run_in(only, &[(r#""change":{"a":"x"}"#, &["b p"])]);
    let two = format!("{only} role S uses P");
    run_in(&two, &[(r#""change":{"a":"x"}"#, &["! no-role"])]);
}

/// At the same time, only what is said again is stale: another role or value counts.
#[test]
fn another_role_or_value_at_the_same_time_is_news() {
    let program = "flag f system a { state x state y } system b { state p state q }
        profile P { when f: a x -> b q when not f: a x -> b p } role R uses P role S uses P default role T uses P";
    let at = r#""at":"2026-11-22T12:00:00Z""#;
    let event = |what: &str| format!("{what},{at}");
    let events = [
        (event(r#""role":"R""#), &[][..]),
        (event(r#""role":"R""#), &["stale"]),
        (event(r#""role":"S""#), &[]),
        (event(r#""role":"S""#), &["stale"]),
        (event(r#""set":{"f":true}"#), &[]),
        (event(r#""set":{"f":true}"#), &["stale"]),
        (event(r#""set":{"f":false}"#), &[]),
        (event(r#""set":{"f":false}"#), &["stale"]),
    ];
    let mut stream = Stream::new(SessionEngine::new(common::tables(program)), 1, true);
    for (event, stale) in events {
        let output = stream.block(format!("{{\"user\":\"ann\",{event}}}\n").as_bytes());
        let trace = common::text(&output.trace);
        assert_eq!(common::text(&output.rejects), "", "{event}");
        assert_eq!(
            trace.contains("stale"),
            !stale.is_empty(),
            "{event}: {trace}"
        );
    }
}

/// A fact that changes the outcome moves nobody, even if it changes the texts, too.
#[test]
fn facts_send_no_other_state() {
    let program = "flag f system a { state x } system b { state p state q }
        profile P { when f: a x -> b q when not f: a x -> b p when f: append \"t\" to b }";
    run_in(
        program,
        &[
            (r#""change":{"a":"x"}"#, &["b p"]),
            (r#""set":{"f":true}"#, &[]),
            (r#""resync":"a""#, &["b q+t"]),
        ],
    );
}

#[test]
fn a_command_lapses_after_the_echo_of_its_system_and_is_sent_again() {
    run(&[
        (
            r#""change":{"cic":"Lunch"},"at":"2026-11-22T12:00:00Z""#,
            &["lync Away"],
        ),
        // The echo of lync is five minutes: the command still counts.
        (r#""change":{"cic":"Odd"},"at":"2026-11-22T12:05:00Z""#, &[]),
        (
            r#""change":{"cic":"Lunch"},"at":"2026-11-22T12:05:00Z""#,
            &[],
        ),
        // Later it does not: it may be lost, so even the same state is sent.
        (r#""change":{"cic":"Odd"},"at":"2026-11-22T12:05:01Z""#, &[]),
        (
            r#""change":{"cic":"Lunch"},"at":"2026-11-22T12:05:01Z""#,
            &["lync Away"],
        ),
    ]);
}

#[test]
fn a_late_echo_moves_nobody() {
    run(&[
        (
            r#""change":{"cic":"Lunch"},"at":"2026-11-22T12:00:00Z""#,
            &["lync Away"],
        ),
        (
            r#""change":{"cic":"Available"},"at":"2026-11-22T12:10:00Z""#,
            &["lync Available"],
        ),
        // The echo of the lapsed command.
        (
            r#""change":{"lync":"Away"},"at":"2026-11-22T12:10:10Z""#,
            &[],
        ),
        (
            r#""change":{"lync":"Available"},"at":"2026-11-22T12:10:20Z""#,
            &[],
        ),
        // Now it is a choice by hand.
        (
            r#""change":{"lync":"Away"},"at":"2026-11-22T12:10:30Z""#,
            &["cic Meeting"],
        ),
    ]);
}

#[test]
fn a_doubtful_system_always_gets_its_command() {
    let doubt = [
        (
            r#""observe":{"lync":"Away"},"at":"2026-11-22T11:00:00Z""#,
            &[][..],
        ),
        (
            r#""change":{"cic":"Available"},"at":"2026-11-22T12:00:00Z""#,
            &["lync Available"],
        ),
    ];
    // Lync still shows Away as far as anybody knows, but the lapsed command may have arrived.
    let sent = (
        r#""change":{"cic":"Lunch"},"at":"2026-11-22T12:06:00Z""#,
        &["lync Away"][..],
    );
    run(&[doubt[0], doubt[1], sent]);
    // What the system shows ends the doubt: a change by hand, or an observation.
    let not_sent = (sent.0, &[][..]);
    let observed = (
        r#""observe":{"lync":"Away"},"at":"2026-11-22T12:05:30Z""#,
        &[][..],
    );
    run(&[doubt[0], doubt[1], observed, not_sent]);
}

#[test]
fn a_command_without_a_time_lapses_only_with_a_later_one() {
    run(&[
        (r#""change":{"cic":"Lunch"}"#, &["lync Away"]),
        (r#""change":{"cic":"Odd"},"at":"2026-11-22T12:00:00Z""#, &[]),
        (
            r#""change":{"cic":"Lunch"},"at":"2026-11-22T13:00:00Z""#,
            &[],
        ),
        (
            r#""change":{"cic":"Available"},"at":"2026-11-22T14:00:00Z""#,
            &["lync Available"],
        ),
        (
            r#""observe":{"phone":"Idle"},"at":"2026-11-22T15:00:00Z""#,
            &[],
        ),
        // Both have lapsed: both echoes are late.
        (
            r#""change":{"lync":"Away"},"at":"2026-11-22T15:00:00Z""#,
            &[],
        ),
        (
            r#""change":{"lync":"Available"},"at":"2026-11-22T15:00:00Z""#,
            &[],
        ),
    ]);
}

#[test]
fn a_choice_by_hand_stays_and_ours_does_not() {
    run(&[
        (r#""change":{"lync":"Quiet"}"#, &[]),
        (r#""change":{"cic":"Lunch"}"#, &[]),
        (r#""change":{"lync":"Available"}"#, &["cic Available"]),
        (r#""change":{"cic":"Available"}"#, &[]),
        // The same state by us.
        (r#""change":{"phone":"Call"}"#, &["lync Quiet"]),
        (r#""change":{"cic":"Lunch"}"#, &["lync Away"]),
    ]);
}

/// A text on a state by hand leaves it by hand, before and after the echo.
#[test]
fn a_text_does_not_take_a_state_away_from_a_person() {
    for echo in [&[][..], &[(r#""change":{"lync":"Quiet"}"#, &[][..])]] {
        let mut events: Vec<(&str, &[&str])> = vec![
            (r#""change":{"lync":"Quiet"}"#, &[]),
            (r#""set":{"in_queue":true}"#, &[]),
            (r#""change":{"phone":"Call"}"#, &["lync Quiet+in queue"]),
        ];
        events.extend(echo);
        events.push((r#""change":{"cic":"Lunch"}"#, &[]));
        run(&events);
    }
}

#[test]
fn previous_brings_back_what_was() {
    // What the user had chosen; ours before it, sent or not; and nothing where nothing is known.
    run(&[
        (r#""change":{"phone":"Idle"}"#, &[]),
        (r#""change":{"lync":"Busy"}"#, &["cic Meeting"]),
        (r#""change":{"phone":"Call"}"#, &["lync Quiet"]),
        (r#""change":{"lync":"Quiet"}"#, &[]),
        (r#""change":{"phone":"Idle"}"#, &["lync Busy"]),
    ]);
    run(&[
        (r#""change":{"cic":"Lunch"}"#, &["lync Away"]),
        (r#""change":{"lync":"Away"}"#, &[]),
        (r#""change":{"phone":"Call"}"#, &["lync Quiet"]),
        (r#""change":{"lync":"Quiet"}"#, &[]),
        // Decided during the call: it is what comes back.
        (r#""change":{"cic":"Available"}"#, &["lync Available"]),
        (r#""change":{"phone":"Idle"}"#, &[]),
    ]);
    // A state that cannot be set is passed over.
    run(&[
        (r#""change":{"lync":"Busy"}"#, &["cic Meeting"]),
        (r#""change":{"lync":"Offline"}"#, &[]),
        (r#""change":{"phone":"Call"}"#, &["lync Quiet"]),
        (r#""change":{"phone":"Idle"}"#, &["lync Busy"]),
    ]);
    // It is remembered when the state is not known any more.
    run(&[
        (r#""change":{"lync":"Busy"}"#, &["cic Meeting"]),
        (r#""observe":{"lync":null}"#, &[]),
        (r#""change":{"phone":"Call"}"#, &["lync Quiet"]),
        (r#""change":{"phone":"Idle"}"#, &["lync Busy"]),
    ]);
}

#[test]
fn a_command_may_be_reported_as_another_state() {
    run(&[
        (r#""change":{"cic":"Meeting"}"#, &["lync Off Work"]),
        (r#""change":{"lync":"Offline"}"#, &[]),
        // It is shown already.
        (r#""resync":"cic""#, &[]),
        (r#""change":{"cic":"Lunch"}"#, &["lync Away"]),
        (r#""change":{"cic":"Meeting"}"#, &["lync Off Work"]),
        // Under its own name, too.
        (r#""change":{"lync":"Off Work"}"#, &[]),
    ]);
}

#[test]
fn any_word_that_is_no_state_is_the_other_one() {
    run(&[
        (r#""change":{"cic":"Never heard of"}"#, &[]),
        (r#""change":{"cic":"Lunch"}"#, &["lync Away"]),
        (
            r#""change":{"lync":"Never heard of"}"#,
            &["! unknown-state"],
        ),
    ]);
}

#[test]
fn resync_true_takes_the_system_that_changed_by_hand_last() {
    run(&[
        (r#""resync":true"#, &[]),
        (r#""change":{"cic":"Lunch"}"#, &["lync Away"]),
        (r#""change":{"lync":"Away"}"#, &[]),
        (r#""resync":true"#, &[]),
        (r#""observe":{"lync":"Busy"}"#, &[]),
        (r#""resync":true"#, &["cic Meeting"]),
        (r#""resync":"cic""#, &["lync Away"]),
    ]);
}

#[test]
fn what_is_not_news_is_passed_over() {
    run(&[
        (
            r#""set":{"in_queue":true},"change":{"cic":"Lunch"},"at":"2026-11-22T12:00:00Z""#,
            &["lync Away+in queue"],
        ),
        // Delivered again, and an older one.
        (
            r#""set":{"in_queue":true},"change":{"cic":"Lunch"},"at":"2026-11-22T12:00:00Z""#,
            &[],
        ),
        (
            r#""change":{"cic":"Available"},"at":"2026-11-22T11:59:59Z""#,
            &[],
        ),
        (
            r#""set":{"in_queue":false},"at":"2026-11-22T11:59:59Z""#,
            &[],
        ),
        (
            r#""change":{"cic":"Available"},"at":"2026-11-22T12:00:01Z""#,
            &["lync Available+in queue"],
        ),
        // The role was given later.
        (r#""role":"R","at":"2026-11-22T12:01:00Z""#, &[]),
        (r#""role":"Other","at":"2026-11-22T12:00:30Z""#, &[]),
        (
            r#""change":{"cic":"Lunch"},"at":"2026-11-22T12:01:00Z""#,
            &["lync Away+in queue"],
        ),
    ]);
    run(&[
        (
            r#""change":{"cic":"Lunch"},"at":"2026-11-22T12:00:00Z""#,
            &["lync Away"],
        ),
        // Another state at the same time, and an older event about another system.
        (
            r#""change":{"cic":"Available"},"at":"2026-11-22T12:00:00Z""#,
            &["lync Available"],
        ),
        (
            r#""change":{"phone":"Call"},"at":"2026-11-22T11:00:00Z""#,
            &["lync Quiet"],
        ),
        // Older than what is known of cic.
        (r#""resync":"phone","at":"2026-11-22T11:30:00Z""#, &[]),
        // Without a time, nothing is stale, and the known time stays.
        (r#""change":{"cic":"Lunch"}"#, &["lync Away"]),
        (
            r#""change":{"cic":"Available"},"at":"2026-11-22T11:59:00Z""#,
            &[],
        ),
        // After a clock that ran ahead.
        (r#""observe":{"cic":null}"#, &[]),
        (
            r#""change":{"cic":"Available"},"at":"2026-11-22T11:59:00Z""#,
            &["lync Available"],
        ),
    ]);
}

#[test]
fn events_that_mean_nothing_or_something_else_are_rejected() {
    run(&[
        (r#""id":1"#, &["! empty-event"]),
        (
            r#""at":"2026-11-22T12:00:00Z","note":{"change":"x"}"#,
            &["! empty-event"],
        ),
        (r#""set":{}"#, &["! empty-event"]),
        (r#""state":{"lync":"Busy"}"#, &["! malformed"]),
        (r#""chnage":{"cic":"Lunch"}"#, &["! malformed"]),
        (r#""Change":{"cic":"Lunch"}"#, &["! malformed"]),
        (r#""roles":"R","change":{"cic":"Lunch"}"#, &["! malformed"]),
        (
            r#""set":{"in_queue":true,"in_queue":false}"#,
            &["! malformed"],
        ),
        (
            r#""change":{"cic":"Lunch"},"change":{"cic":"Lunch"}"#,
            &["! malformed"],
        ),
        (r#""resync":false"#, &["! malformed"]),
        (r#""resync":7"#, &["! malformed"]),
        // Members of the sender are ignored, also twice, and beside the member that they resemble.
        (
            r#""source":"cti","source":"x","rule":1,"note":2,"changed":1,"change":{"cic":"Lunch"}"#,
            &["lync Away"],
        ),
    ]);
}

/// A choice without a value is needed only where something is decided.
#[test]
fn an_echo_needs_no_choice() {
    let program = "system a { state x state y } system b { state p state q } choice c = one | two
profile P { when one: a any -> b p  when two: a any -> b q  b p -> a x }";
    run_in(
        program,
        &[
            (r#""change":{"b":"p"}"#, &["a x"]),
            (r#""change":{"a":"x"}"#, &[]),
            (r#""change":{"a":"x"}"#, &[]),
            (r#""change":{"a":"y"}"#, &["! unset-choice"]),
            (r#""resync":"a""#, &["! unset-choice"]),
            // The rejected change has left nothing.
            (r#""set":{"c":"two"},"change":{"a":"y"}"#, &["b q"]),
        ],
    );
}

/// The words of the trace for what lapses and what is stale; the counts are those of the trace.
#[test]
fn lapses_and_stale_events_are_traced_and_counted() {
    let tables = common::tables(PROGRAM);
    let mut stream = Stream::new(SessionEngine::new(tables), 1, true);
    let events = [
        r#""change":{"cic":"Lunch"},"at":"2026-11-22T12:00:00Z","id":1"#,
        r#""set":{"in_queue":true},"change":{"cic":"Lunch"},"at":"2026-11-22T12:00:00Z","id":2"#,
        r#""change":{"cic":"Lunch"},"at":"2026-11-22T12:10:00Z","id":3"#,
        r#""change":{"lync":"Away"},"at":"2026-11-22T12:11:00Z","id":4"#,
        r#""resync":true,"at":"2026-11-22T11:00:00Z","id":5"#,
    ];
    let lines = events.map(|event| format!("{{\"user\":\"ann\",{event}}}\n"));
    let output = stream.block(lines.concat().as_bytes());
    let trace = common::text(&output.trace);
    let trace = trace.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).expect("valid JSON");
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        format!("{} {}: {}", line["id"], text("result"), text("why"))
    });
    let wanted = [
        "1 sent: command sent to lync",
        "2 stale: the state of cic was already set by an event of the same or a later time",
        "2 sent: command sent to lync",
        "3 lapsed: lync has not reported Away within 300 s: the command may be lost",
        "3 lapsed: lync has not reported Away within 300 s: the command may be lost",
        "3 same: state of cic `Lunch` unchanged",
        "4 late-echo: late echo of our own command to lync `Away`, which had lapsed",
        "5 stale: a system has reported something newer than this resync",
    ];
    assert_eq!(trace.collect::<Vec<_>>(), wanted);
    let counted = Word::ALL.map(|word| (word.text(), output.counts.of(word)));
    let counted: Vec<_> = counted
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .collect();
    let wanted = [
        ("sent", 2),
        ("late-echo", 1),
        ("same", 1),
        ("stale", 2),
        ("lapsed", 2),
    ];
    assert_eq!(counted, wanted);
}

/// A session that is saved and loaded after every event goes on as if nothing had happened; the same with the packed form.
#[test]
fn a_restart_equals_no_restart() {
    let tables = common::tables(PROGRAM);
    let events = [
        r#""set":{"in_queue":true},"change":{"cic":"Lunch"},"at":"2026-11-22T12:00:00Z""#,
        r#""change":{"lync":"Quiet"},"at":"2026-11-22T12:00:10Z""#,
        r#""change":{"phone":"Call"},"at":"2026-11-22T12:00:20Z""#,
        r#""change":{"cic":"Available"},"at":"2026-11-22T12:00:30Z""#,
        r#""change":{"phone":"Idle"},"at":"2026-11-22T12:10:00Z""#,
        r#""change":{"cic":"Lunch"},"at":"2026-11-22T12:10:00Z""#,
        r#""change":{"cic":"Available"},"at":"2026-11-22T12:09:00Z""#,
        r#""set":{"in_queue":false},"at":"2026-11-22T12:11:00Z""#,
        r#""resync":true"#,
        r#""change":{"lync":"Quiet"}"#,
        r#""observe":{"cic":"Meeting"}"#,
        r#""resync":true"#,
    ];
    let fresh = || Stream::new(SessionEngine::new(tables.clone()), 1, true);
    let (mut whole, mut restarted) = (fresh(), fresh());
    for event in events {
        let line = format!("{{\"user\":\"ann\",{event}}}\n");
        let (one, other) = (
            whole.block(line.as_bytes()),
            restarted.block(line.as_bytes()),
        );
        assert_eq!(common::text(&one.commands), common::text(&other.commands));
        let saved = StateFile::save(&restarted, None).to_json();
        assert!(!saved.contains("_hand\":false") && !saved.contains("lapsed\":false"));
        restarted = fresh();
        let state = StateFile::parse(&saved).expect("it is a state");
        assert!(state.load(&mut restarted).expect("it fits").is_empty());
        assert_eq!(StateFile::save(&restarted, None).to_json(), saved);
    }
}

/// The state of version 0.1 is read. It does not know whose a state is: what is shown counts as by hand.
#[test]
fn an_old_state_file_counts_as_by_hand() {
    let old = r#"{"format":"presync-state","version":1,"users":{"ann":{"role":"R","facts":{"in_queue":true},"systems":{
        "cic":{"reported":{"state":"Lunch"}},
        "lync":{"reported":{"state":"Quiet","append":["in queue"]},"unconfirmed":[{"state":"Away","at":1795348800000}]}}}}}"#;
    let mut stream = Stream::new(SessionEngine::new(common::tables(PROGRAM)), 1, false);
    let state = StateFile::parse(old).expect("it is a state");
    assert!(state.load(&mut stream).expect("it fits").is_empty());
    let mut sent = |event: &str| {
        let output = stream.block(format!("{{\"user\":\"ann\",{event}}}\n").as_bytes());
        assert_eq!(common::text(&output.rejects), "");
        common::text(&output.commands).lines().count()
    };
    // The command has lapsed; what a person chose stays.
    assert_eq!(
        sent(r#""change":{"cic":"Available"},"at":"2026-11-23T12:00:00Z""#),
        0
    );
    assert_eq!(sent(r#""observe":{"lync":"Available"}"#), 0);
    assert_eq!(sent(r#""change":{"cic":"Lunch"}"#), 1);
}
