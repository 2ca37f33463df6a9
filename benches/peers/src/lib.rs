//! Every input of the table from CIC to Lync of the documentation's example, with the outcome according to the rows of
//! the exported table (the oracle: it searches the rows, nothing is compiled), and a timer for deciders.

use std::hint::black_box;
use std::time::Instant;

use presync_engine::table::{Body, Column, Decision, FactKind, Outcome, Tables};

pub const PROGRAM: &str = r#"
use cic_lync_profiles
profile "Voice" when enterprise_voice {
    when both_logged_in: apply standard cic -> lync
    when in_queue: append "in queue" to lync
}
profile "Remote" when remote_call_control {
    when both_logged_in: apply standard cic -> lync
    when in_queue: append "in queue" to lync
}
profile "Messages" when im { when both_logged_in: apply standard cic -> lync }
role "Agents" uses "Voice", "Remote", "Messages"
"#;

/// One input: a change of CIC, and the facts.
#[derive(Debug, Clone)]
pub struct Input {
    pub entered: String,
    pub user_type: String,
    pub cic_logged_in: bool,
    pub lync_logged_in: bool,
    pub in_queue: bool,
    /// The same, as numbers of the tables.
    pub facts: Vec<u32>,
    pub states: Vec<u32>,
    pub state: u32,
    /// `unmapped`, `unchanged`, `Away`, `Away, in queue`
    pub wanted: String,
}

pub fn tables() -> Tables {
    let parsed = presync::parse("", "peers.presync", &|_: &str| Ok(PROGRAM.as_bytes().to_vec()))
        .expect("it is read");
    presync::compile(&presync::check(parsed).expect("it is right")).expect("it has a form")
}

/// Exports the tables in another engine's format.
pub fn export(tables: &Tables, name: &str) -> String {
    let format = presync_exchange::export::FORMATS
        .iter()
        .find(|format| format.name == name)
        .expect("there is such a format");
    let presync_exchange::export::Write::Tables(write) = &format.write else {
        unreachable!("it takes no findings")
    };
    write(tables).expect("it can be said")
}

pub fn text(tables: &Tables, to: usize, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Unmapped => "unmapped".to_owned(),
        Outcome::Unchanged => "unchanged".to_owned(),
        Outcome::Set { state, append } => {
            let name = &tables.systems[to].states[*state as usize].name;
            std::iter::once(name)
                .chain(append)
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(", ")
        }
    }
}

/// All inputs, each with the outcome of the one row that matches.
pub fn inputs(tables: &Tables) -> Vec<Input> {
    let (cic, lync) = (
        tables.system("cic").expect("it is there"),
        tables.system("lync").expect("it is there"),
    );
    let table = tables.table(0, cic, lync);
    let Body::Rows(rows) = &table.body else {
        unreachable!("a small table has rows")
    };
    let fact = |name: &str| tables.fact(name).expect("it is there");
    let FactKind::Choice { values, .. } = &tables.facts[fact("user_type")].kind else {
        unreachable!("it is a choice")
    };
    let mut inputs = Vec::new();
    for context in 0..24 {
        for (state, entered) in (0..).zip(&tables.systems[cic].states) {
            let mut facts: Vec<u32> = tables
                .facts
                .iter()
                .map(presync_engine::table::Fact::initial)
                .collect();
            let bit = |at: u32| context >> at & 1;
            facts[fact("cic_logged_in")] = bit(0);
            facts[fact("lync_logged_in")] = bit(1);
            facts[fact("in_queue")] = bit(2);
            facts[fact("user_type")] = context >> 3;
            let value = |column: &Column| match column {
                Column::Fact(fact) => facts[*fact],
                Column::State(_) => 0,
            };
            let matches = |row: &&presync_engine::table::Row| {
                row.from.contains(&state)
                    && row.when.iter().zip(&table.columns).all(|(cell, column)| {
                        cell.as_ref()
                            .is_none_or(|values| values.contains(&value(column)))
                    })
            };
            let row = rows.iter().find(matches).expect("the table is complete");
            inputs.push(Input {
                entered: entered.name.clone(),
                user_type: values[context as usize >> 3].clone(),
                cic_logged_in: bit(0) == 1,
                lync_logged_in: bit(1) == 1,
                in_queue: bit(2) == 1,
                states: vec![0; tables.systems.len()],
                state,
                wanted: text(tables, lync, &row.outcome),
                facts,
            });
        }
    }
    inputs
}

/// Indices of the inputs in an order that a branch predictor cannot learn.
pub fn order(inputs: usize, length: usize) -> Vec<u16> {
    let mut seed = 7_u64;
    let mut next = || {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize
    };
    (0..length).map(|_| (next() % inputs) as u16).collect()
}

/// Counts the inputs for which a decider is wrong.
pub fn wrong(inputs: &[Input], mut decide: impl FnMut(usize) -> String) -> usize {
    (0..inputs.len())
        .filter(|at| decide(*at) != inputs[*at].wanted)
        .count()
}

/// Nanoseconds per decision: the median of eleven rounds of at least 20 ms each.
pub fn time<T>(order: &[u16], mut decide: impl FnMut(usize) -> T) -> f64 {
    let mut round = |times: usize| {
        let start = Instant::now();
        for _ in 0..times {
            for at in order {
                black_box(decide(usize::from(*at)));
            }
        }
        start.elapsed().as_secs_f64() * 1e9 / (times * order.len()) as f64
    };
    let once = round(1).max(0.1);
    let times = ((20e6 / (once * order.len() as f64)) as usize).max(1);
    let mut rounds: Vec<f64> = (0..11).map(|_| round(times)).collect();
    rounds.sort_by(f64::total_cmp);
    rounds[5]
}

/// Decides from strings: the state entered and the user type.
pub fn by_names<'t>(
    tables: &'t Tables,
    inputs: &'t [Input],
) -> impl FnMut(usize) -> Option<&'t Decision> {
    let (cic, lync) = (
        tables.system("cic").expect("it is there"),
        tables.system("lync").expect("it is there"),
    );
    let table = tables.table(0, cic, lync);
    let fact = |name: &str| tables.fact(name).expect("it is there");
    let (user_type, cic_in, lync_in, queue) = (
        fact("user_type"),
        fact("cic_logged_in"),
        fact("lync_logged_in"),
        fact("in_queue"),
    );
    let mut facts = inputs[0].facts.clone();
    let states = inputs[0].states.clone();
    move |at| {
        let input = &inputs[at];
        facts[user_type] = tables.value(user_type, &input.user_type)?;
        facts[cic_in] = u32::from(input.cic_logged_in);
        facts[lync_in] = u32::from(input.lync_logged_in);
        facts[queue] = u32::from(input.in_queue);
        Some(table.decide(&facts, &states, tables.state(cic, &input.entered)?))
    }
}

/// The outcome of a decision in the form of the exports.
pub fn outcome(found: &serde_json::Value) -> String {
    let texts = found["append"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|text| text.as_str());
    match found["outcome"].as_str() {
        Some("set") => found["state"]
            .as_str()
            .into_iter()
            .chain(texts)
            .collect::<Vec<_>>()
            .join(", "),
        other => other.unwrap_or_default().to_owned(),
    }
}
