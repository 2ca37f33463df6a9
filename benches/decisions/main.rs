//! `decisions packed|ids|names COUNT` and `decisions wide COUNT FILE` make COUNT decisions, from a small table or from
//! the program in FILE, which declares the choices `a` and `b`. `decisions events TABLES FILE` applies events, and `decisions check
//! FILE` checks a program, as `presync run` and `presync check` do. Used by instructions.py to count instructions.

use std::hint::black_box;

use presync::{
    Direction, FactId, Program, Schema, Settings, Situation, StateId, SystemId, Table, Tables, ValueId,
};
use presync_engine::SessionEngine;
use presync_stream::Stream;

const PROGRAM: &str = r#"
use cic_lync_profiles
role "Agents" uses "Enterprise Voice", "Remote Call Control", "IM"
"#;

fn main() {
    let mut words = std::env::args().skip(1);
    let kind = words.next().expect("say what kind");
    match kind.as_str() {
        "events" => return events(&read(words.next()), &read(words.next())),
        "check" => return check(&read(words.next())),
        _ => {}
    }
    let count: usize = words
        .next()
        .and_then(|count| count.parse().ok())
        .expect("say how many");
    if let Some(file) = words.next() {
        return wide(count, &std::fs::read_to_string(file).expect("there is such a file"));
    }
    let program = Program::check_source("a.presync", PROGRAM).expect("it is right");
    let tables = program.compile().expect("it has a form");
    let schema = tables.schema();
    let (cic, lync) = (system(schema, "cic"), system(schema, "lync"));
    let table = table(&tables, cic, lync);
    let (user_type, flags) = (
        fact(schema, "user_type"),
        ["cic_logged_in", "lync_logged_in", "in_queue"].map(|name| fact(schema, name)),
    );
    let states: Vec<StateId> = schema.states(cic).collect();
    let names: Vec<&str> = states.iter().map(|state| schema.state(*state).name.as_str()).collect();
    let types = ["enterprise_voice", "remote_call_control", "im"];
    let mut situation = tables.situation();
    situation.set_value(ValueId::from_index(user_type, 0));
    let dense = table.dense().expect("it is small");
    let set = |situation: &mut Situation, at: usize| {
        for (bit, flag) in flags.iter().enumerate() {
            situation.set_value(ValueId::from_index(*flag, at >> bit & 1));
        }
    };
    // 408 inputs, repeated.
    let inputs: Vec<(usize, StateId, &str, &str)> =
        (0..408).map(|at| (at % 8, states[at % 17], types[at % 3], names[at % 17])).collect();
    let packed: Vec<_> = dense.all().cycle().take(408).collect();
    let rounds = count / 408;
    match kind.as_str() {
        "packed" => (0..rounds).for_each(|_| {
            for at in &packed {
                black_box(dense.decision(*at));
            }
        }),
        "ids" => (0..rounds).for_each(|_| {
            for (context, state, ..) in &inputs {
                set(&mut situation, *context);
                black_box(table.decide(&situation, *state));
            }
        }),
        _ => (0..rounds).for_each(|_| {
            for (context, _, kind, state) in &inputs {
                set(&mut situation, *context);
                situation.set_value(schema.find_value(user_type, kind).expect("it is there"));
                let state = schema.find_state(cic, state).expect("it is there");
                black_box(table.decide(&situation, state));
            }
        }),
    }
}

fn read(file: Option<String>) -> String {
    std::fs::read_to_string(file.expect("name a file")).expect("there is such a file")
}

fn events(tables: &str, events: &str) {
    let tables = Tables::from_json(tables).expect("they are tables");
    let mut stream = Stream::new(SessionEngine::new(tables), 1, false);
    black_box(stream.block(events.as_bytes()));
}

fn check(source: &str) {
    let program = Program::check_source("a.presync", source).expect("it is right");
    black_box(program.lint(&Settings::default()));
}

fn wide(count: usize, program: &str) {
    let program = Program::check_source("a.presync", program).expect("it is right");
    let tables = program.compile().expect("it has a form");
    let schema = tables.schema();
    let (cic, lync) = (system(schema, "cic"), system(schema, "lync"));
    let table = table(&tables, cic, lync);
    let (a, b) = (fact(schema, "a"), fact(schema, "b"));
    let values = schema.values(a).len() as u32;
    let mut situation = tables.situation();
    for at in 0..count as u32 {
        situation.set_value(ValueId::from_index(a, (at * 7 % values) as usize));
        situation.set_value(ValueId::from_index(b, (at * 11 % values) as usize));
        let entered = StateId::from_index(cic, (at % 17) as usize);
        black_box(table.decide(&situation, entered));
    }
}

fn system(schema: &Schema, name: &str) -> SystemId {
    schema.find_system(name).expect("it is there")
}

fn fact(schema: &Schema, name: &str) -> FactId {
    schema.find_fact(name).expect("it is there")
}

fn table(tables: &Tables, from: SystemId, to: SystemId) -> &Table {
    let direction = Direction::new(from, to).expect("they are two");
    let table = tables.default_role().expect("there is one").table(direction);
    table.expect("it has a form").expect("it is there")
}
