//! Prints every situation of a program and its decision, one JSON object per line, to compare engines with. Enumerates
//! the inputs of each table; the other facts and states get arbitrary values. With a number as second argument: at least as
//! many random situations of each table that has more.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests run the tool and use files"
)]

use std::io::Write;

use presync::{Column, Decided, Program, Schema, Situation, StateId, SystemId, Tables, ValueId};
use serde_json::{Map, Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("name a program")?;
    let path = std::path::PathBuf::from(path);
    let most = std::env::args().nth(2).map(|most| most.parse::<u64>());
    let most = most.transpose()?.unwrap_or(u64::MAX);
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
    let program: Program = presync::check(presync::parse("", &name, &read)?).into_program()?;
    let tables = program.compile()?;
    let schema = tables.schema();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for role in tables.roles() {
        for table in role.tables()? {
            let direction = table.direction();
            let mut number = 0;
            situations(
                &tables,
                (table.columns(), most),
                direction.from(),
                &mut |situation, entered| {
                    number += 1;
                    let decided = role
                        .decide(situation, entered)
                        .map_err(std::io::Error::other)?;
                    let is_wanted = |decided: &&Decided<'_>| decided.to() == direction.to();
                    let decided = decided
                        .iter()
                        .find(is_wanted)
                        .expect("every direction has a table");
                    let line = json!({
                        "role": role.name(),
                        "from": schema.system(direction.from()).name,
                        "to": decided.system(),
                        "entered": schema.state(entered).name,
                        "given": given(schema, situation, number % 2 == 1),
                        "by_hand": by_hand(schema, situation),
                        "outcome": decided.kind(),
                        "state": decided.state(),
                        "append": decided.append(),
                    });
                    writeln!(out, "{line}")
                },
            )?;
        }
    }
    Ok(())
}

/// Facts and states by name. If `brief`, omits initial values and unknown states.
fn given(schema: &Schema, situation: &Situation, brief: bool) -> Map<String, Value> {
    let facts = schema.facts().filter_map(|(id, fact)| {
        let value = situation.value(id)?;
        let shown = if fact.is_flag() {
            Value::Bool(schema.value_name(value) == "true")
        } else {
            schema.value_name(value).into()
        };
        (!brief || schema.initial(id) != Some(value)).then(|| (fact.name.clone(), shown))
    });
    let systems = schema.systems().filter_map(|(id, system)| {
        let state = situation.state(id);
        let shown = state.map_or(Value::Null, |state| {
            schema.state(state).name.as_str().into()
        });
        (!brief || state.is_some()).then(|| (system.name.clone(), shown))
    });
    facts.chain(systems).collect()
}

/// The systems whose state is by hand.
fn by_hand(schema: &Schema, situation: &Situation) -> Vec<String> {
    let systems = schema.systems().filter(|(id, _)| situation.is_by_hand(*id));
    systems.map(|(_, system)| system.name.clone()).collect()
}

type Visit<'a> = dyn FnMut(&Situation, StateId) -> std::io::Result<()> + 'a;

fn situations(
    tables: &Tables,
    (columns, most): (&[Column], u64),
    from: SystemId,
    visit: &mut Visit<'_>,
) -> std::io::Result<()> {
    let schema = tables.schema();
    let mut values = vec![0; columns.len()];
    let mut number: usize = 0;
    let sizes = columns.iter().map(|column| schema.column_size(*column));
    let sizes: Vec<u32> = sizes.collect();
    let states = schema.states(from);
    let all = sizes.iter().map(|size| u64::from(*size));
    let all = all.fold(states.len() as u64, u64::saturating_mul);
    // A linear congruential generator: its high bits are random enough.
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    let mut below = |limit: u32| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (random >> 33) as u32 % limit
    };
    loop {
        if all > most {
            if number as u64 >= most {
                return Ok(());
            }
            for (value, size) in values.iter_mut().zip(&sizes) {
                *value = below(*size);
            }
        }
        for entered in states.clone() {
            number += 1;
            let mut situation = tables.situation();
            // Vary what is not an input, to detect an export that reads it.
            let facts = schema.facts().map(|(id, _)| Column::Fact(id));
            for (at, column) in facts.enumerate() {
                set(
                    &mut situation,
                    column,
                    (number / (at + 1)) as u32 % schema.column_size(column),
                );
            }
            for (at, column) in schema.system_ids().map(Column::State).enumerate() {
                set(
                    &mut situation,
                    column,
                    (number / (at + 1)) as u32 % schema.column_size(column),
                );
            }
            // Columns are ascending: a state comes before whether it is by hand.
            for (column, value) in columns.iter().zip(&values) {
                set(&mut situation, *column, *value);
            }
            situation.set_state(entered);
            situation.set_by_hand(entered.system());
            visit(&situation, entered)?;
        }
        if all > most {
            continue;
        }
        let next = (0..columns.len()).find(|at| values[*at] + 1 < sizes[*at]);
        let Some(at) = next else { return Ok(()) };
        values[at] += 1;
        values[..at].fill(0);
    }
}

/// Sets an input. Value 0 of a system means that its state is unknown.
fn set(situation: &mut Situation, column: Column, value: u32) {
    match column {
        Column::Fact(fact) => situation.set_value(ValueId::from_index(fact, value as usize)),
        Column::State(system) => {
            if let Some(state) = StateId::from_value(system, value) {
                situation.set_state(state);
            } else {
                situation.forget_state(system);
            }
        }
        Column::ByHand(system) if value == 1 => situation.set_by_hand(system),
        Column::ByHand(_) => {}
    }
}
