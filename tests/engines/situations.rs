//! Every situation of a program and what it decides there, one JSON object a line, for the engines to be compared with.
//! Situations are those of the inputs of each table; the other inputs get some value.

use std::io::Write;

use presync_engine::table::{Cell, Column, FactKind, Outcome, Table, Tables};
use serde_json::{Map, Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("name a program")?;
    let path = std::path::PathBuf::from(path);
    let folder = path
        .parent()
        .map(std::path::Path::to_path_buf)
        .unwrap_or_default();
    let name = path
        .file_name()
        .ok_or("a program is a file")?
        .to_string_lossy()
        .into_owned();
    let read = |path: &str| std::fs::read(folder.join(path));
    let tables = presync::compile(&presync::check(presync::parse(&name, &read)?)?)?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for role in &tables.roles {
        for table in &role.tables {
            let mut number = 0;
            situations(&tables, table, &mut |facts, states, entered| {
                number += 1;
                let decision = table.decide(facts, states, entered);
                let (outcome, state, append): (_, Option<&str>, &[String]) = match &decision.outcome
                {
                    Outcome::Unmapped => ("unmapped", None, &[]),
                    Outcome::Unchanged => ("unchanged", None, &[]),
                    Outcome::Set { state, append } => (
                        "set",
                        Some(&tables.systems[table.to].states[*state as usize].name),
                        append,
                    ),
                };
                let line = json!({
                    "role": role.name,
                    "from": tables.systems[table.from].name,
                    "to": tables.systems[table.to].name,
                    "entered": tables.systems[table.from].states[entered as usize].name,
                    "given": given(&tables, facts, states, number % 2 == 1),
                    "outcome": outcome,
                    "state": state,
                    "append": append,
                });
                writeln!(out, "{line}")
            })?;
        }
    }
    Ok(())
}

/// By name; every second time without what is as it would be if nobody had said so.
fn given(tables: &Tables, facts: &[u32], states: &[u32], brief: bool) -> Map<String, Value> {
    let value = |column: Column, value: u32| match tables.cell(column, value) {
        Cell::Flag(value) => Value::Bool(value),
        Cell::Name(name) => Value::String(name),
        Cell::Unknown(()) => Value::Null,
    };
    let facts = facts.iter().enumerate();
    let facts = facts.map(|(at, fact)| (Column::Fact(at), *fact, tables.facts[at].initial()));
    let states = states
        .iter()
        .enumerate()
        .map(|(at, state)| (Column::State(at), *state, 0));
    let said = facts
        .chain(states)
        .filter(|(_, value, usual)| !brief || value != usual);
    said.map(|(column, value, _)| (column, value))
        .map(|(column, at)| (tables.column_name(column).to_owned(), value(column, at)))
        .collect()
}

type Visit<'a> = dyn FnMut(&[u32], &[u32], u32) -> std::io::Result<()> + 'a;

fn situations(tables: &Tables, table: &Table, visit: &mut Visit<'_>) -> std::io::Result<()> {
    let columns = &table.columns;
    let mut values = vec![0; columns.len()];
    let mut number: usize = 0;
    loop {
        for entered in 0..tables.systems[table.from].states.len() as u32 {
            number += 1;
            // What is no input takes turns, so that an export that looks at it is found out.
            let mut facts: Vec<u32> = tables
                .facts
                .iter()
                .enumerate()
                .map(|(at, fact)| match fact.kind {
                    FactKind::Flag => (number / (at + 1)) as u32 % 2,
                    FactKind::Choice { .. } => (number / (at + 1)) as u32 % fact.size(),
                })
                .collect();
            let mut states: Vec<u32> = (0..tables.systems.len())
                .map(|at| (number / (at + 1)) as u32 % tables.size(Column::State(at)))
                .collect();
            for (column, value) in columns.iter().zip(&values) {
                match column {
                    Column::Fact(at) => facts[*at] = *value,
                    Column::State(at) => states[*at] = *value,
                }
            }
            states[table.from] = entered + 1;
            visit(&facts, &states, entered)?;
        }
        let next = (0..columns.len()).find(|at| values[*at] + 1 < tables.size(columns[*at]));
        let Some(at) = next else { return Ok(()) };
        values[at] += 1;
        values[..at].fill(0);
    }
}
