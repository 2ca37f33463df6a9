//! `decisions packed|ids|names COUNT`, `decisions wide COUNT FILE`: takes so many decisions, of a small table or of the
//! program in a file with the choices `a` and `b`, for those who count instructions (instructions.py).

use std::hint::black_box;

const PROGRAM: &str = r#"
use cic_lync_profiles
role "Agents" uses "Enterprise Voice", "Remote Call Control", "IM"
"#;

fn main() {
    let mut words = std::env::args().skip(1);
    let kind = words.next().expect("say what kind");
    let count: usize = words
        .next()
        .and_then(|count| count.parse().ok())
        .expect("say how many");
    if let Some(file) = words.next() {
        return wide(count, &std::fs::read(file).expect("there is such a file"));
    }
    let parsed = presync::parse("a.presync", &|_: &str| Ok(PROGRAM.as_bytes().to_vec()))
        .expect("it is read");
    let tables =
        presync::compile(&presync::check(parsed).expect("it is right")).expect("it has a form");
    let (cic, lync) = (
        tables.system("cic").expect("it is there"),
        tables.system("lync").expect("it is there"),
    );
    let table = tables.table(0, cic, lync);
    let fact = |name: &str| tables.fact(name).expect("it is there");
    let (user_type, flags) = (
        fact("user_type"),
        ["cic_logged_in", "lync_logged_in", "in_queue"].map(fact),
    );
    let states: Vec<&str> = tables.systems[cic]
        .states
        .iter()
        .map(|state| state.name.as_str())
        .collect();
    let types = ["enterprise_voice", "remote_call_control", "im"];
    let mut facts: Vec<u32> = tables
        .facts
        .iter()
        .map(presync_engine::table::Fact::initial)
        .collect();
    let shown = vec![0; tables.systems.len()];
    let dense = table.dense().expect("it is small");
    facts[user_type] = 0;
    let set = |facts: &mut [u32], at: usize| {
        for (bit, flag) in flags.iter().enumerate() {
            facts[*flag] = (at >> bit & 1) as u32;
        }
    };
    // 408 inputs, over and over.
    let inputs: Vec<(usize, u32, &str, &str)> = (0..408)
        .map(|at| (at % 8, at as u32 % 17, types[at % 3], states[at % 17]))
        .collect();
    let packed: Vec<u32> = (0..408).map(|at| at % dense.len() as u32).collect();
    let rounds = count / 408;
    match kind.as_str() {
        "packed" => (0..rounds).for_each(|_| {
            for at in &packed {
                black_box(dense.decision(*at));
            }
        }),
        "ids" => (0..rounds).for_each(|_| {
            for (context, state, ..) in &inputs {
                set(&mut facts, *context);
                black_box(table.decide(&facts, &shown, *state));
            }
        }),
        _ => (0..rounds).for_each(|_| {
            for (context, _, kind, state) in &inputs {
                set(&mut facts, *context);
                facts[user_type] = tables.value(user_type, kind).expect("it is there");
                let state = tables.state(cic, state).expect("it is there");
                black_box(table.decide(&facts, &shown, state));
            }
        }),
    }
}

fn wide(count: usize, program: &[u8]) {
    let parsed = presync::parse("a.presync", &|_: &str| Ok(program.to_vec())).expect("it is read");
    let tables =
        presync::compile(&presync::check(parsed).expect("it is right")).expect("it has a form");
    let (cic, lync) = (
        tables.system("cic").expect("it is there"),
        tables.system("lync").expect("it is there"),
    );
    let table = tables.table(0, cic, lync);
    let (a, b) = (
        tables.fact("a").expect("it is there"),
        tables.fact("b").expect("it is there"),
    );
    let values = tables.size(presync_engine::table::Column::Fact(a));
    let mut facts: Vec<u32> = tables
        .facts
        .iter()
        .map(presync_engine::table::Fact::initial)
        .collect();
    let shown = vec![0; tables.systems.len()];
    for at in 0..count as u32 {
        facts[a] = at * 7 % values;
        facts[b] = at * 11 % values;
        black_box(table.decide(&facts, &shown, at % 17));
    }
}
