//! Every input of the table from CIC to Lync of the documentation's example, with the outcome according to the rows of
//! the exported table (the oracle: it searches the rows, nothing is compiled), and a timer for deciders.

use std::hint::black_box;
use std::time::Instant;

use presync::{
    Column, Decision, Direction, FactId, FactKind, Outcome, Program, Schema, Situation, StateId, SystemId, Table,
    Tables, ValueId,
};
use presync_engine::{Row, TableBody};

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
    /// The same, by ids.
    pub situation: Situation,
    pub state: StateId,
    /// `unmapped`, `unchanged`, `Away`, `Away, in queue`
    pub wanted: String,
}

pub fn tables() -> Tables {
    let program = Program::check_source("peers.presync", PROGRAM).expect("the program is valid");
    program.compile().expect("the program is small")
}

pub fn system(schema: &Schema, name: &str) -> SystemId {
    schema.find_system(name).expect("the system is declared")
}

fn fact(schema: &Schema, name: &str) -> FactId {
    schema.find_fact(name).expect("the fact is declared")
}

/// The table from CIC to Lync.
pub fn table(tables: &Tables) -> &Table {
    let schema = tables.schema();
    let direction = Direction::new(system(schema, "cic"), system(schema, "lync"));
    let role = tables.only_role().expect("the program has one role");
    let table = role.table(direction.expect("two systems"));
    table.expect("the role is small").expect("every direction has a table")
}

pub fn rows(table: &Table) -> &[Row] {
    match table.body() {
        TableBody::Rows(rows) => rows,
        TableBody::Diagrams(_) => unreachable!("a small table has rows"),
    }
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

pub fn text(tables: &Tables, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Unmapped => "unmapped".to_owned(),
        Outcome::Unchanged => "unchanged".to_owned(),
        Outcome::Set { state, append } => {
            let name = &tables.schema().state(*state).name;
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
    let (schema, table) = (tables.schema(), table(tables));
    let user_type = fact(schema, "user_type");
    let flags = ["cic_logged_in", "lync_logged_in", "in_queue"].map(|name| fact(schema, name));
    let FactKind::Choice { values, .. } = &schema.fact(user_type).kind else {
        unreachable!("user_type is a choice")
    };
    let mut inputs = Vec::new();
    for context in 0..24_usize {
        for state in schema.states(system(schema, "cic")) {
            let mut situation = tables.situation();
            let bit = |at: usize| context >> at & 1;
            for (at, flag) in flags.iter().enumerate() {
                situation.set_value(ValueId::from_index(*flag, bit(at)));
            }
            situation.set_value(ValueId::from_index(user_type, context >> 3));
            let value = |column: &Column| match column {
                Column::Fact(fact) => situation.value(*fact).map_or(0, |value| value.index() as u32),
                Column::State(_) => 0,
            };
            let matches = |row: &&Row| {
                row.from.contains(&state)
                    && row.when.iter().zip(table.columns()).all(|(cell, column)| {
                        cell.as_ref()
                            .is_none_or(|values| values.contains(&value(column)))
                    })
            };
            let row = rows(table).iter().find(matches).expect("the table is complete");
            inputs.push(Input {
                entered: schema.state(state).name.clone(),
                user_type: values[context >> 3].clone(),
                cic_logged_in: bit(0) == 1,
                lync_logged_in: bit(1) == 1,
                in_queue: bit(2) == 1,
                wanted: text(tables, &row.outcome),
                situation,
                state,
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
    let (schema, table) = (tables.schema(), table(tables));
    let cic = system(schema, "cic");
    let (user_type, cic_in, lync_in, queue) = (
        fact(schema, "user_type"),
        fact(schema, "cic_logged_in"),
        fact(schema, "lync_logged_in"),
        fact(schema, "in_queue"),
    );
    let mut situation = tables.situation();
    move |at| {
        let input = &inputs[at];
        situation.set_value(schema.find_value(user_type, &input.user_type)?);
        situation.set_value(ValueId::from_index(cic_in, usize::from(input.cic_logged_in)));
        situation.set_value(ValueId::from_index(lync_in, usize::from(input.lync_logged_in)));
        situation.set_value(ValueId::from_index(queue, usize::from(input.in_queue)));
        table.decide(&situation, schema.find_state(cic, &input.entered)?)
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
