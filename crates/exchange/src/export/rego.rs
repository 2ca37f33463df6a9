//! Rego: the rows as data and a small policy over them, which is faster than a rule for each row.

use serde_json::{Map, Value, json};

use crate::export::format::{ExportError, ExportFormat, Write};
use crate::text::cells::{self, views};
use presync_engine::{Cells, Column, FactKind, Input, StateId, Tables};

pub(super) const FORMAT: ExportFormat = ExportFormat {
    name: "rego",
    description: "a policy for OPA and regorus",
    write: Write::Tables(write),
};

const POLICY: &str = r#"
# The decision and the texts to append. Input: `role`, `from` and `state` (the system that changed and its new state),
# `to`, `given`: facts by name (default if missing, false for a flag) and the state of each system (unknown if missing),
# and `by_hand`: for each system whether its state was not set by us (false if missing). The outcome `previous` sets the
# system's own state: the last settable state that was chosen by hand or decided by another system. (Systems with a rule
# that sets `previous` do not count.)
decision := {
	"outcome": row.outcome,
	"state": row.state,
	"append": texts,
	"origin": row.origin,
}

# The first table with a matching row decides; at most one row of a table matches.
found := [[at, candidate] |
	some at, table in tables[input.role][input.from][input.to]
	some candidate in table.rows
	matches(candidate)
]

row := found[0][1] if count(found) > 0

row := {"outcome": "unmapped", "state": null, "origin": ""} if count(found) == 0

texts := [text |
	row.outcome in {"set", "previous"}
	some appendix in tables[input.role][input.from][input.to][found[0][0]].append
	some alternative in appendix.rows
	matches(alternative)
	text := appendix.text
]

matches(condition) if {
	every column, values in condition.when {
		value(column) in values
	}
	every system, values in object.get(condition, "by_hand", {}) {
		by_hand(system) in values
	}
	entered(condition)
}

by_hand(system) := object.get(object.get(input, "by_hand", {}), system, false)

entered(condition) if not condition.states

entered(condition) if input.state in condition.states

value(column) := input.given[column]

# Defaults of facts that are not set.
value(column) := usual[column] if not column in object.keys(input.given)
"#;

fn write(tables: &Tables) -> Result<String, ExportError> {
    let mut roles: Map<String, Value> = Map::new();
    for view in views(tables)? {
        let tables = view.tables.iter().map(|table| {
            let condition = |when: &Cells, from: &[StateId]| {
                let (mut cells, mut by_hand) = (Map::new(), Map::new());
                for (column, values) in table.columns.iter().zip(when) {
                    let Some(values) = values else { continue };
                    let values: Value = view.schema.inputs(*column, values).map(cell).collect();
                    let name = view.schema.column_name(*column).to_owned();
                    match column {
                        Column::ByHand(_) => by_hand.insert(name, values),
                        Column::Fact(_) | Column::State(_) => cells.insert(name, values),
                    };
                }
                let mut condition = Map::new();
                condition.insert("when".to_owned(), Value::Object(cells));
                if !by_hand.is_empty() {
                    condition.insert("by_hand".to_owned(), Value::Object(by_hand));
                }
                if let Some(states) = view.entered(from) {
                    condition.insert("states".to_owned(), json!(states));
                }
                condition
            };
            let rows = table.rows.iter().map(|row| {
                let mut object = condition(&row.when, &row.from);
                object.insert("outcome".to_owned(), row.outcome.kind().into());
                object.insert("state".to_owned(), view.target(row).into());
                object.insert("origin".to_owned(), cells::origin(row).into());
                Value::Object(object)
            });
            let append = table.appendices.iter().map(|appendix| {
                let rows = appendix.rows.iter();
                let rows = rows.map(|row| Value::Object(condition(&row.when, &row.from)));
                json!({ "text": appendix.text, "rows": rows.collect::<Value>() })
            });
            json!({ "rows": rows.collect::<Value>(), "append": append.collect::<Value>() })
        });
        let role = roles.entry(view.role).or_insert_with(|| json!({}));
        role[view.from().name.as_str()][view.to().name.as_str()] = tables.collect();
    }
    let schema = tables.schema();
    let facts = schema.facts().filter_map(|(id, fact)| {
        let value = match fact.kind {
            FactKind::Flag => Value::Bool(false),
            FactKind::Choice { .. } => cells::default_value(schema, Column::Fact(id))?.into(),
        };
        Some((fact.name.clone(), value))
    });
    let systems = schema
        .systems()
        .map(|(_, system)| (system.name.clone(), Value::Null));
    let usual: Map<String, Value> = facts.chain(systems).collect();
    Ok(format!(
        "# METADATA\n# title: Status synchronization\n# description: Decision tables of Presync, {}\npackage presync\n\n\
         import rego.v1\n{POLICY}\nusual := {}\n\ntables := {}\n",
        tables.digest()?,
        lines(&Value::Object(usual), 0)?,
        lines(&Value::Object(roles), 0)?,
    ))
}

/// JSON with a line for each value, and one line for each that is short: regorus reads 20,000 lines of 1,024 columns.
fn lines(value: &Value, depth: usize) -> Result<String, ExportError> {
    const ROWS: usize = 5;
    const SHORT: usize = 600;
    let line = serde_json::to_string(value)?;
    if line.len() <= SHORT && depth >= ROWS {
        return Ok(line);
    }
    let indent = "  ".repeat(depth + 1);
    let (open, close, members): (char, char, Vec<String>) = match value {
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| {
                let (name, value) = (serde_json::to_string(name)?, lines(value, depth + 1)?);
                Ok(format!("{indent}{name}: {value}"))
            };
            let members = members.iter().map(member);
            ('{', '}', members.collect::<Result<_, ExportError>>()?)
        }
        Value::Array(items) => {
            let item = |value| Ok(format!("{indent}{}", lines(value, depth + 1)?));
            let items = items.iter().map(item);
            ('[', ']', items.collect::<Result<_, ExportError>>()?)
        }
        _ => return Ok(line),
    };
    if members.is_empty() {
        return Ok(line);
    }
    let end = "  ".repeat(depth);
    Ok(format!("{open}\n{}\n{end}{close}", members.join(",\n")))
}

fn cell(input: Input<'_>) -> Value {
    match input {
        Input::Flag(value) => Value::Bool(value),
        Input::Name(name) => name.into(),
        Input::Unknown => Value::Null,
    }
}
