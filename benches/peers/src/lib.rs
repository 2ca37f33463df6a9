//! Every input of the table from CIC to Lync of the documentation's example, with the outcome according to the rows of
//! the exported table (the oracle: it searches the rows, nothing is compiled), and a timer for deciders.

use std::hint::black_box;
use std::time::Instant;

use presync::{
    Column, Decision, Direction, FactId, FactKind, Outcome, Program, Schema, Situation, StateId, SystemId, Table,
    Tables, ValueId,
};
use presync_engine::{Cells, DecisionId};

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
    let role = tables.default_role().expect("the program has one role");
    let table = role.table(direction.expect("two systems"));
    table.expect("the role is small").expect("every direction has a table")
}

/// A row with the text of its outcome, appendix included.
pub struct Row {
    pub when: Cells,
    pub from: Vec<StateId>,
    pub outcome: String,
}

/// The columns and rows of the table. Its only appendix is part of the rows, because the peers know no other form.
pub fn rows(tables: &Tables) -> (Vec<Column>, Vec<Row>) {
    let found = presync::rows(tables.schema(), &[table(tables)]).remove(0);
    let found = found.expect("a small table has rows");
    let [appendix] = found.appendices.as_slice() else {
        unreachable!("the program appends one text")
    };
    let [joins] = appendix.rows.as_slice() else {
        unreachable!("the text has one condition")
    };
    let mut rows = Vec::new();
    for row in &found.rows {
        let from = row.from.to_vec();
        let outcome = text(tables, &row.outcome, &[]);
        if row.outcome.state().is_none() {
            rows.push(Row { when: row.when.clone(), from, outcome });
            continue;
        }
        // The text joins where all of its cells match, which are those of one flag and maybe of the row.
        let tested = joins.when.iter().enumerate().filter(|(at, cell)| cell.is_some() && row.when[*at].is_none());
        let tested: Vec<usize> = tested.map(|(at, _)| at).collect();
        let excluded = joins.when.iter().zip(&row.when).any(|(cell, row)| match (cell, row) {
            (Some(cell), Some(row)) => !row.iter().all(|value| cell.contains(value)),
            _ => false,
        });
        if excluded {
            rows.push(Row { when: row.when.clone(), from, outcome });
            continue;
        }
        let [at] = *tested else { unreachable!("one flag decides whether the text joins") };
        for (value, texts) in [(0, &[][..]), (1, &[appendix.text.as_str()][..])] {
            let mut when = row.when.clone();
            when[at] = Some([value].into());
            let outcome = text(tables, &row.outcome, texts);
            rows.push(Row { when, from: from.clone(), outcome });
        }
    }
    (found.columns, rows)
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

pub fn text(tables: &Tables, outcome: &Outcome, texts: &[&str]) -> String {
    match outcome {
        Outcome::Unmapped => "unmapped".to_owned(),
        Outcome::Unchanged => "unchanged".to_owned(),
        Outcome::Set(state) => {
            let name = tables.schema().state(*state).name.as_str();
            [&[name], texts].concat().join(", ")
        }
    }
}

/// The outcome of a decision of the table, which is dense.
pub fn decided(tables: &Tables, id: DecisionId) -> String {
    let table = table(tables);
    let texts = table.texts_always(id).expect("the texts are part of the cells");
    text(tables, &table.decision(id).outcome, &texts)
}

/// All inputs, each with the outcome of the one row that matches.
pub fn inputs(tables: &Tables) -> Vec<Input> {
    let schema = tables.schema();
    let (columns, rows) = rows(tables);
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
                    && row.when.iter().zip(&columns).all(|(cell, column)| {
                        cell.as_ref()
                            .is_none_or(|values| values.contains(&value(column)))
                    })
            };
            let row = rows.iter().find(matches).expect("the table is complete");
            inputs.push(Input {
                entered: schema.state(state).name.clone(),
                user_type: values[context >> 3].clone(),
                cic_logged_in: bit(0) == 1,
                lync_logged_in: bit(1) == 1,
                in_queue: bit(2) == 1,
                wanted: row.outcome.clone(),
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
