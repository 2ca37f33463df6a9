//! Rego: the rows as data and a small policy over them, which is faster than a rule for each row.

use serde_json::{Map, Value, json};

use crate::export::{ExportError, Format, Write};
use crate::text::cells::{self, views};
use presync_engine::table::{Cell, Column, FactKind, Tables};

pub(super) const FORMAT: Format = Format {
    name: "rego",
    description: "a policy for OPA and regorus",
    write: Write::Tables(write),
};

const POLICY: &str = r#"
# The one row that matches. Input: `role`, `from` and `state` (what changed and what to), `to`, and `given`: facts by
# name (one that is missing has its default, a flag is false) and the state that each system shows (missing: not known).
decision := row if {
	some row in rows[input.role][input.from][input.to]
	input.state in row.states
	every column, values in row.when {
		value(column) in values
	}
}

value(column) := input.given[column]

# What nobody has set.
value(column) := usual[column] if not column in object.keys(input.given)
"#;

fn write(tables: &Tables) -> Result<String, ExportError> {
    let mut roles: Map<String, Value> = Map::new();
    for view in views(tables)? {
        let (from, to) = (
            &tables.systems[view.table.from].name,
            &tables.systems[view.table.to].name,
        );
        let rows: Vec<Value> = view
            .rows
            .iter()
            .map(|row| {
                let cells =
                    view.table
                        .columns
                        .iter()
                        .zip(&row.when)
                        .filter_map(|(column, values)| {
                            let values: Vec<Value> = values
                                .as_ref()?
                                .iter()
                                .map(|value| cell(tables.cell(*column, *value)))
                                .collect();
                            Some((tables.column_name(*column).to_owned(), Value::Array(values)))
                        });
                let states: Vec<&str> = row
                    .from
                    .iter()
                    .map(|state| {
                        tables.systems[view.table.from].states[*state as usize]
                            .name
                            .as_str()
                    })
                    .collect();
                let (outcome, state, append) = cells::parts(tables, view.table, row);
                json!({
                    "when": Map::from_iter(cells),
                    "states": states,
                    "outcome": outcome,
                    "state": state,
                    "append": append,
                    "origin": cells::origin(row),
                })
            })
            .collect();
        let role = roles
            .entry(view.role.name.clone())
            .or_insert_with(|| json!({}));
        role[from.as_str()][to.as_str()] = Value::Array(rows);
    }
    let facts = tables.facts.iter().enumerate().filter_map(|(at, fact)| {
        let value = match fact.kind {
            FactKind::Flag => Value::Bool(false),
            FactKind::Choice { .. } => cells::default_value(tables, Column::Fact(at))?.into(),
        };
        Some((fact.name.clone(), value))
    });
    let systems = tables
        .systems
        .iter()
        .map(|system| (system.name.clone(), Value::Null));
    let usual: Map<String, Value> = facts.chain(systems).collect();
    let pretty = |value: &Value| {
        serde_json::to_string_pretty(value).map_err(|error| ExportError(error.to_string()))
    };
    Ok(format!(
        "# METADATA\n# title: Status synchronization\n# description: Decision tables of Presync, {}\npackage presync\n\n\
         import rego.v1\n{POLICY}\nusual := {}\n\nrows := {}\n",
        tables.digest,
        pretty(&Value::Object(usual))?,
        pretty(&Value::Object(roles))?,
    ))
}

fn cell(cell: Cell) -> Value {
    match cell {
        Cell::Flag(value) => Value::Bool(value),
        Cell::Name(name) => Value::String(name),
        Cell::Unknown(()) => Value::Null,
    }
}
