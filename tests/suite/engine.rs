//! The engine as an application embeds it: it does over a day what `run` does, whatever happens to its tables meanwhile.

use presync::{Engine, EngineError, Event, EventMessage, MemoryStore, SessionStore, Tables};

use crate::common;

fn example(name: &str) -> String {
    let path = common::root().join("examples/contact-centre").join(name);
    std::fs::read_to_string(path).expect("it is committed")
}

fn tables() -> Tables {
    Tables::from_json(&example("tables.json")).expect("it is what export writes")
}

/// Its commands, as lines, and how many events it rejects. `swap`: after so many events its tables are replaced by the same.
fn day(swap: usize) -> (Vec<String>, usize) {
    let mut engine = Engine::new(tables(), MemoryStore::default());
    let (mut sent, mut rejected) = (Vec::new(), 0);
    for (at, line) in example("day.jsonl").lines().enumerate() {
        if at % swap == swap - 1 {
            engine.swap(tables());
        }
        let message = EventMessage::parse(line);
        let carried_out = message.map(|message| engine.receive(&message));
        match carried_out {
            Ok(Ok(commands)) => sent.extend(commands),
            Err(_) | Ok(Err(_)) => rejected += 1,
        }
    }
    let line = |command: &presync::Command| serde_json::to_string(command).expect("it is JSON");
    (sent.iter().map(line).collect(), rejected)
}

#[test]
fn an_embedded_engine_produces_the_commands_of_run() {
    let wanted: Vec<String> = example("commands.jsonl")
        .lines()
        .map(str::to_owned)
        .collect();
    let rejects = example("rejects.jsonl").lines().count();
    assert!(wanted.len() > 1_000 && rejects > 10);
    for swap in [usize::MAX, 100] {
        let (sent, rejected) = day(swap);
        for (sent, wanted) in sent.iter().zip(&wanted) {
            assert_eq!(sent, wanted);
        }
        assert_eq!((sent.len(), rejected), (wanted.len(), rejects));
    }
}

#[test]
fn a_session_store_keeps_sessions() {
    let mut engine = Engine::new(tables(), MemoryStore::default());
    let schema = engine.tables().schema().clone();
    let role = schema.find_role("Agents").expect("it is there");
    engine
        .apply("ann", Event::in_role(role))
        .expect("it is taken");
    // Nobody has said what kind of user bob is: his changes are rejected, and leave nothing behind.
    let lunch = engine
        .tables()
        .state("cic", "At Lunch")
        .expect("it is there");
    let refused = engine.apply("bob", Event::changed(lunch));
    assert!(
        matches!(refused, Err(EngineError::Rejected(_))),
        "{refused:?}"
    );

    let mut store = MemoryStore::default();
    assert!(store.load("ann").expect("memory never fails").is_none());
    let session = engine.tables().clone();
    let sessions = presync_engine::SessionEngine::new(session, 60);
    let saved = sessions.save(&sessions.session());
    store
        .store("ann", saved.clone())
        .expect("memory never fails");
    let text = |saved| serde_json::to_string(&saved).expect("it is JSON");
    let loaded = store
        .load("ann")
        .expect("memory never fails")
        .expect("it was stored");
    assert_eq!(text(loaded), text(saved));
    assert!(store.load("bob").expect("memory never fails").is_none());
}

#[test]
fn ids_of_another_schema_refer_to_nothing() {
    let tables = |values: &str, states: &str| {
        common::tables(&format!(
            "system a {{ state S {states} }} system b {{ state S }} choice c = {values} flag f\nprofile P when x {{ a S -> b S }}"
        ))
    };
    let (small, large) = (tables("x | y", ""), tables("x | y | z", "state T"));
    let (schema, other) = (small.schema(), large.schema());
    let fact = schema.find_fact("c").expect("it is there");
    let z = other
        .find_value(other.find_fact("c").expect("it is there"), "z")
        .expect("it is there");
    let mut situation = small.situation();
    situation.set_value(z);
    assert_eq!(situation.value(fact), None);
    situation.set_value(schema.find_value(fact, "y").expect("it is there"));
    situation.set_value(z);
    assert_eq!(situation.value(fact), schema.find_value(fact, "y"));

    let (a, b) = (
        schema.find_system("a").expect("it is"),
        schema.find_system("b").expect("it is"),
    );
    let state = schema.find_state(a, "S").expect("it is there");
    let foreign = other.find_state(a, "T").expect("it is there");
    situation.set_state(foreign);
    assert_eq!(situation.state(a), None);
    situation.set_state(state);
    assert_eq!(situation.state(a), Some(state));
    assert_eq!(
        format!("{situation:?}"),
        r#"{"c": Some("y"), "f": Some("false"), "a": Some("S"), "b": None}"#
    );
    situation.forget_state(a);
    assert_eq!(situation.state(a), None);

    let role = small.only_role().expect("there is one");
    let way = presync::Direction::new(a, b).expect("they are two");
    let table = role
        .table(way)
        .expect("it has a form")
        .expect("it is there");
    assert!(table.decide(&situation, state).is_some());
    assert!(table.decide(&situation, foreign).is_none());
    assert!(
        table
            .decide(&situation, schema.find_state(b, "S").expect("it is"))
            .is_none()
    );
    assert!(table.decide(&large.situation(), state).is_none());
    assert!(role.decide(&situation, foreign).is_err());
}

#[test]
fn tables_can_be_swapped_while_running() {
    let tables = |target: &str| {
        common::tables(&format!(
            "system a {{ state S state T }} system b {{ state U state V }} profile P {{ a S -> b {target} a T -> b unchanged }}"
        ))
    };
    let before = tables("U");
    let [s, t] = ["S", "T"].map(|state| before.state("a", state).expect("it is there"));
    let mut engine = Engine::new(before, MemoryStore::default());
    let sent = |engine: &mut Engine<MemoryStore>, state| {
        let commands = engine
            .apply("ann", Event::changed(state))
            .expect("it is taken");
        let text = commands
            .iter()
            .map(|command| serde_json::to_string(&command.set));
        text.map(|set| set.expect("it is JSON")).collect::<Vec<_>>()
    };
    assert_eq!(sent(&mut engine, s), [r#"{"b":"U"}"#]);
    assert_eq!(sent(&mut engine, t), [""; 0]);
    engine.swap(tables("V"));
    assert_eq!(sent(&mut engine, s), [r#"{"b":"V"}"#]);
}
