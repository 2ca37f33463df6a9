//! Rego: the rows as data and a small policy over them, which is faster than a rule for each row.

use serde_json::{Map, Value, json};

use crate::export::format::{ExportError, ExportFormat, Write};
use crate::text::cells::{self, views};
use presync_engine::{Column, FactKind, Input, Tables};

pub(super) const FORMAT: ExportFormat = ExportFormat {
    name: "rego",
    description: "a policy for OPA and regorus",
    write: Write::Tables(write),
};

const POLICY: &str = r#"
# The one row that matches. Input: `role`, `from` and `state` (the system that changed and its new state), `to`, and
# `given`: facts by name (default if missing, false for a flag) and the state of each system (unknown if missing).
decision := row if {
	some row in rows[input.role][input.from][input.to]
	input.state in row.states
	every column, values in row.when {
		value(column) in values
	}
}

value(column) := input.given[column]

# Defaults of facts that are not set.
value(column) := usual[column] if not column in object.keys(input.given)
"#;

fn write(tables: &Tables) -> Result<String, ExportError> {
    let mut roles: Map<String, Value> = Map::new();
    for view in views(tables)? {
        let rows = view.rows.iter().map(|row| {
            let cells =
                view.table
                    .columns()
                    .iter()
                    .zip(&row.when)
                    .filter_map(|(column, values)| {
                        let values = view.schema.inputs(*column, values.as_ref()?).map(cell);
                        Some((
                            view.schema.column_name(*column).to_owned(),
                            values.collect(),
                        ))
                    });
            json!({
                "when": Map::from_iter(cells),
                "states": view.states(row),
                "outcome": row.outcome.kind(),
                "state": view.target(row),
                "append": row.outcome.append(),
                "origin": cells::origin(row),
            })
        });
        let role = roles.entry(view.role).or_insert_with(|| json!({}));
        role[view.from().name.as_str()][view.to().name.as_str()] = rows.collect();
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
    let pretty = |value: &Value| serde_json::to_string_pretty(value).map_err(ExportError::from);
    Ok(format!(
        "# METADATA\n# title: Status synchronization\n# description: Decision tables of Presync, {}\npackage presync\n\n\
         import rego.v1\n{POLICY}\nusual := {}\n\nrows := {}\n",
        tables.digest()?,
        pretty(&Value::Object(usual))?,
        pretty(&Value::Object(roles))?,
    ))
}

fn cell(input: Input<'_>) -> Value {
    match input {
        Input::Flag(value) => Value::Bool(value),
        Input::Name(name) => name.into(),
        Input::Unknown => Value::Null,
    }
}
