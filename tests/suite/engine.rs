//! The engine as embedded by an application: over a day it does the same as `run`, even if its tables are replaced.

use presync::{Engine, EngineError, Event, EventMessage, MemoryStore, SessionStore, Tables};
use presync_engine::{Column, Packed, Resync, Situation, StateId, ValueId, Values};

use crate::common;

fn example(name: &str) -> String {
    let path = common::root().join("examples/contact-centre").join(name);
    std::fs::read_to_string(path).expect("the file is committed")
}

fn tables() -> Tables {
    Tables::from_json(&example("tables.json")).expect("the file is an export")
}

/// The commands of the example day as lines, and the number of rejected events. Replaces the tables with equal ones
/// every `swap` events.
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
    let line = |command: &presync::Command| serde_json::to_string(command).expect("valid JSON");
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
    let role = schema.find_role("Agents").expect("it exists");
    engine
        .apply("ann", Event::in_role(role))
        .expect("the event is accepted");
    // The user type of bob is not set: his changes are rejected and leave no session.
    let lunch = engine.tables().state("cic", "At Lunch").expect("it exists");
    let refused = engine.apply("bob", Event::changed(lunch));
    assert!(
        matches!(refused, Err(EngineError::Rejected(_))),
        "{refused:?}"
    );

    let mut store = MemoryStore::default();
    assert!(store.load("ann").expect("memory never fails").is_none());
    let session = engine.tables().clone();
    let sessions = presync_engine::SessionEngine::new(session);
    let saved = sessions.save(&sessions.session());
    store
        .store("ann", saved.clone())
        .expect("memory never fails");
    let text = |saved| serde_json::to_string(&saved).expect("valid JSON");
    let loaded = store
        .load("ann")
        .expect("memory never fails")
        .expect("the session was stored");
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
    let fact = schema.find_fact("c").expect("it exists");
    let z = other
        .find_value(other.find_fact("c").expect("it exists"), "z")
        .expect("it exists");
    let mut situation = small.situation();
    situation.set_value(z);
    assert_eq!(situation.value(fact), None);
    situation.set_value(schema.find_value(fact, "y").expect("it exists"));
    situation.set_value(z);
    assert_eq!(situation.value(fact), schema.find_value(fact, "y"));

    let (a, b) = (
        schema.find_system("a").expect("it exists"),
        schema.find_system("b").expect("it exists"),
    );
    let state = schema.find_state(a, "S").expect("it exists");
    let foreign = other.find_state(a, "T").expect("it exists");
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

    let role = small.default_role().expect("the program has one role");
    let way = presync::Direction::new(a, b).expect("the systems differ");
    let table = role
        .table(way)
        .expect("the table fits the limits")
        .expect("it exists");
    assert!(table.decide(&situation, state).is_some());
    assert!(table.decide(&situation, foreign).is_none());
    assert!(
        table
            .decide(&situation, schema.find_state(b, "S").expect("it exists"))
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
    let [s, t] = ["S", "T"].map(|state| before.state("a", state).expect("it exists"));
    let mut engine = Engine::new(before, MemoryStore::default());
    let sent = |engine: &mut Engine<MemoryStore>, state| {
        let commands = engine
            .apply("ann", Event::changed(state))
            .expect("the event is accepted");
        let text = commands
            .iter()
            .map(|command| serde_json::to_string(&command.set));
        text.map(|set| set.expect("valid JSON")).collect::<Vec<_>>()
    };
    assert_eq!(sent(&mut engine, s), [r#"{"b":"U"}"#]);
    assert_eq!(sent(&mut engine, t), [""; 0]);
    engine.swap(tables("V"));
    assert_eq!(sent(&mut engine, s), [r#"{"b":"V"}"#]);
}

/// The constructors of events, each by its effect on a session; and times on both sides of 1970.
#[test]
fn events_are_built_by_what_they_do() {
    use std::time::{Duration, UNIX_EPOCH};

    let tables = common::tables(
        "system a { state S state T } system b { state U state V } profile P { a S -> b U a T -> b V }",
    );
    let state = |system: &str, name: &str| tables.state(system, name).expect("it exists");
    let engine = presync_engine::SessionEngine::new(tables.clone());
    let mut session = engine.session();
    let apply = |session: &mut presync_engine::Session, event: &Event| {
        let applied = engine.apply(session, event).expect("the event is accepted");
        let sent = applied
            .decisions
            .into_iter()
            .filter(|decided| decided.delivery == presync_engine::Delivery::Sent);
        sent.count()
    };
    assert_eq!(apply(&mut session, &Event::observed(state("a", "T"))), 0);
    let a = state("a", "T").system();
    assert_eq!(apply(&mut session, &Event::resync(a)), 1);
    assert_eq!(apply(&mut session, &Event::changed(state("a", "S"))), 1);

    let later = UNIX_EPOCH + Duration::from_millis(1_500);
    let before = UNIX_EPOCH - Duration::from_millis(1_500);
    assert_eq!(Event::resync(a).at(later).at, Some(1_500));
    assert_eq!(Event::resync(a).at(before).at, Some(-1_500));
    assert_eq!(Event::resync(a).at(before).resync, Some(Resync::System(a)));
}

/// An event as JSON has only the members that were given, and an observation names the system of its state.
#[test]
fn event_messages_have_only_given_members() {
    for line in [
        r#"{"user":"ann","set":{"f":true}}"#,
        r#"{"user":"ann","observe":{"a":"S","b":null},"id":7}"#,
        r#"{"user":"ann","role":"R","change":{"a":"S"},"at":"2026-11-22T12:00:00Z"}"#,
        r#"{"user":"ann","resync":"a"}"#,
    ] {
        let message: EventMessage<'_> = serde_json::from_str(line).expect("it is an event");
        let written = serde_json::to_string(&message).expect("it can be written");
        assert_eq!(written, line);
    }
    let tables =
        common::tables("system a { state S } system b { state U } profile P { a S -> b U }");
    let state = |system: &str, name: &str| tables.state(system, name).expect("it exists");
    let engine = presync_engine::SessionEngine::new(tables.clone());
    let mut session = engine.session();
    let mut foreign = Event::observed(state("a", "S"));
    foreign.observe[0].0 = state("b", "U").system();
    assert!(engine.apply(&mut session, &foreign).is_err());
    // A state that only other tables have.
    let larger = common::tables("system a { state S state T } system b { state U } flag f");
    let other = larger.state("a", "T").expect("it exists");
    for event in [Event::changed(other), Event::observed(other)] {
        assert!(engine.apply(&mut session, &event).is_err());
    }
    let fact = larger.schema().find_fact("f").expect("it exists");
    let value = ValueId::from_index(fact, 1);
    assert!(
        engine
            .apply(&mut session, &Event::setting([value]))
            .is_err()
    );
}

/// Each id just after the last one of a schema belongs to another schema.
#[test]
fn ids_end_with_the_schema() {
    use presync::{Fact, FactId, FactKind, RoleId, Schema, StateId, SystemId, ValueId};

    let tables = common::tables(
        "system a { state S } system b { state U } choice c = x | y default x profile P { a S -> b U }",
    );
    let schema = tables.schema();
    let engine = presync_engine::SessionEngine::new(tables.clone());
    let mut session = engine.session();
    let (a, c) = (SystemId::from_index(0), FactId::from_index(0));
    let after = [
        Event::in_role(RoleId::from_index(schema.roles().len())),
        Event::setting([ValueId::from_index(c, 2)]),
        Event::setting([ValueId::from_index(FactId::from_index(1), 0)]),
        Event::resync(SystemId::from_index(2)),
        Event::changed(StateId::from_index(a, 1)),
    ];
    for event in after {
        assert!(engine.apply(&mut session, &event).is_err(), "{event:?}");
    }
    // A session of tables with as many systems but more facts.
    let more = common::tables(
        "system a { state S } system b { state U } choice c = x | y default x flag g profile P { a S -> b U }",
    );
    let mut foreign = presync_engine::SessionEngine::new(more).session();
    let change = Event::changed(StateId::from_index(a, 0));
    assert!(engine.apply(&mut foreign, &change).is_err());
    assert!(engine.apply(&mut session, &change).is_ok());
    assert!(schema.has_value(ValueId::from_index(c, 1)));

    assert!(
        tables
            .role_of(RoleId::from_index(schema.roles().len()))
            .is_none()
    );
    assert!(tables.role_of(RoleId::from_index(0)).is_some());

    // Equal systems are not enough for equal ids.
    let systems: Vec<_> = schema.systems().map(|(_, system)| system.clone()).collect();
    let flag = |name: &str| Fact {
        name: name.to_owned(),
        kind: FactKind::Flag,
    };
    let other = Schema::new(systems.clone(), vec![flag("f")], Vec::new()).expect("names differ");
    assert!(!schema.has_same_ids(&other));
    let roles: Vec<_> = schema.roles().map(|(_, role)| role.clone()).collect();
    let facts: Vec<_> = schema.facts().map(|(_, fact)| fact.clone()).collect();
    let other = Schema::new(systems.clone(), vec![flag("f")], roles).expect("names differ");
    assert!(!schema.has_same_ids(&other) && **schema != other);
    let other = Schema::new(systems.clone(), facts, Vec::new()).expect("names differ");
    assert!(!schema.has_same_ids(&other) && **schema != other);
    assert!(schema.has_same_ids(schema) && **schema == **tables.schema());
    assert!(Schema::new(systems.clone(), vec![flag("f"), flag("f")], Vec::new()).is_err());
    let twice = systems.iter().chain(&systems).cloned().collect();
    assert!(Schema::new(twice, Vec::new(), Vec::new()).is_err());
    let ids = [["x"], ["y"]].map(|texts| engine.append(&texts.map(str::to_owned)));
    assert_eq!(
        (
            ids.map(|id| id.number()),
            engine.append::<&str>(&[]).number()
        ),
        ([1, 2], 0)
    );
    assert_eq!(
        ids.map(|id| presync_engine::AppendId::from_number(id.number())),
        ids
    );
}

/// `previous` is the system's own state, if the situation has it.
#[test]
fn a_decision_shows_the_own_state() {
    let tables = common::tables(include_str!("../fixtures/programs/previous-text.presync"));
    let [a1, b2] = [("a", "a1"), ("b", "b2")]
        .map(|(system, state)| tables.state(system, state).expect("it is declared"));
    let role = tables.role("R").expect("it is declared");
    let mut situation = tables.situation();
    let own = |situation: &Situation| {
        let decided = role.decide(situation, a1).expect("no choice is unset");
        assert_eq!(decided[0].kind(), "previous");
        decided[0].state().map(str::to_owned)
    };
    assert_eq!((own(&situation), situation.own(b2.system())), (None, None));
    situation.set_own(b2);
    let found = (own(&situation), situation.own(b2.system()));
    assert_eq!(found, (Some("b2".to_owned()), Some(b2)));
    let text = tables.to_json().expect("the tables are small");
    let read = Tables::from_json(&text).expect("exported tables can be read");
    for tables in [&tables, &read] {
        let role = tables.role("R").expect("it is declared");
        let of_role = role.tables().expect("the tables are small");
        let brings_back = of_role.iter().map(presync::Table::brings_back);
        assert!(brings_back.eq([true, false]), "{tables:?}");
    }
}

/// What a decision says to an application, and tables to a log.
#[test]
fn a_decision_shows_its_parts() {
    let tables = common::tables(
        "system a { state S } system b { state U } profile P { a S -> b U append \"x\" to b }",
    );
    let state = tables.state("a", "S").expect("it exists");
    let role = tables.default_role().expect("the program has one role");
    let decided = role.decide(&tables.situation(), state).expect("it decides");
    assert_eq!(decided.len(), 1);
    assert_eq!(decided[0].kind(), "set");
    assert_eq!(decided[0].state(), Some("U"));
    assert_eq!(decided[0].append(), ["x"]);
    assert_eq!(
        decided[0].to_string(),
        r#"b U append "x", by "P" (main.presync:1)"#
    );
    assert!(format!("{tables:?}").contains("default"), "{tables:?}");
}

/// Random columns of inputs, packed at once, decide like one situation after the other.
#[test]
fn packed_inputs_decide_like_the_table() {
    let mut random = common::random::Random(7);
    let (mut compared, mut decided) = (0, std::collections::BTreeSet::new());
    for path in common::examples() {
        let tables = common::program_at(&path).compile().expect("it is small");
        let schema = tables.schema().clone();
        for role in tables.roles() {
            for table in role.tables().expect("it is small") {
                let Some(dense) = table.dense() else {
                    continue;
                };
                let from = table.direction().from();
                let states: Vec<StateId> = schema.states(from).collect();
                let (mut situations, mut entered) = (Vec::new(), Vec::new());
                for _ in 0..200 {
                    situations.push(common::random_situation(&mut random, &tables, from));
                    entered.push(states[random.below(states.len())]);
                }
                let facts: Vec<Vec<ValueId>> = schema
                    .facts()
                    .map(|(fact, _)| {
                        let value = |of: &Situation| of.value(fact).expect("every fact is set");
                        situations.iter().map(value).collect()
                    })
                    .collect();
                let shown: Vec<Vec<Option<StateId>>> = schema
                    .systems()
                    .map(|(system, _)| situations.iter().map(|of| of.state(system)).collect())
                    .collect();
                let by_hand: Vec<Vec<bool>> = schema
                    .systems()
                    .map(|(system, _)| situations.iter().map(|of| of.is_by_hand(system)).collect())
                    .collect();
                let column = |column| match column {
                    Column::Fact(fact) => Values::Facts(&facts[fact.index()]),
                    Column::State(system) => Values::States(&shown[system.index()]),
                    Column::ByHand(system) => Values::ByHand(&by_hand[system.index()]),
                };
                let all: Vec<Packed> = dense.all().collect();
                assert!(dense.len() == all.len() && !dense.is_empty() && all.len() >= states.len());
                let mut packed = vec![all[0]; situations.len()];
                dense.pack(&entered, column, &mut packed);
                let (mut short, mut wide) = (vec![0_u16; packed.len()], vec![0_u32; packed.len()]);
                dense.decisions(&packed, &mut short);
                dense.decisions(&packed, &mut wide);
                for (at, (situation, entered)) in situations.iter().zip(&entered).enumerate() {
                    let wanted = table
                        .decide(situation, *entered)
                        .expect("every fact is set");
                    let id = dense.decision(packed[at]);
                    assert_eq!(
                        table.decision(id),
                        wanted,
                        "{}: {entered:?}",
                        path.display()
                    );
                    assert_eq!([u32::from(short[at]), wide[at]], [id.index() as u32; 2]);
                    compared += 1;
                    decided.insert((path.clone(), id.index()));
                }
            }
        }
    }
    assert!(
        compared > 1_000 && decided.len() > 20,
        "{compared} {}",
        decided.len()
    );
}

/// Values of a program with more states and values count as the first.
#[test]
fn packed_inputs_that_are_out_of_range_count_as_the_first() {
    let program = |values: &str, states: &str| {
        common::tables(&format!(
            "choice c = {values} system a {{ state S state T }} system b {{ {states} }} \
             profile P {{ when c is x: when b is not V: a S -> b U when c is y: a S -> b V }}"
        ))
    };
    let small = program("x | y", "state U state V");
    let large = program("x | y | z | w", "state U state V state W state X");
    let role = small.default_role().expect("it has one");
    let table = role
        .tables()
        .expect("it is small")
        .iter()
        .next()
        .expect("it has one");
    let dense = table.dense().expect("it is small");
    let entered = [small.state("a", "S").expect("it exists")];
    let pack = |value: ValueId, state: Option<StateId>| {
        let column = |column| match column {
            Column::Fact(_) => Values::Facts(std::slice::from_ref(&value)),
            Column::State(_) => Values::States(std::slice::from_ref(&state)),
            Column::ByHand(_) => Values::ByHand(&[false]),
        };
        let mut packed = [dense.all().next().expect("it has cells")];
        dense.pack(&entered, column, &mut packed);
        packed[0]
    };
    let values = |tables: &Tables| -> Vec<ValueId> {
        let schema = tables.schema();
        let fact = schema.find_fact("c").expect("it exists");
        schema.values(fact).collect()
    };
    let states = |tables: &Tables| -> Vec<StateId> {
        let schema = tables.schema();
        let system = schema.find_system("b").expect("it exists");
        schema.states(system).collect()
    };
    let (few, many) = (values(&small), values(&large));
    for value in &many[2..] {
        assert_eq!(pack(*value, None), pack(few[0], None));
    }
    assert_ne!(pack(few[1], None), pack(few[0], None));
    let (few, many) = (states(&small), states(&large));
    let first = values(&small)[0];
    assert_ne!(pack(first, Some(few[1])), pack(first, None));
    for state in &many[2..] {
        assert_eq!(pack(first, Some(*state)), pack(first, None));
    }
}
