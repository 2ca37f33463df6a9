//! GoRules JDM: one decision table with the rows of all roles and directions, each of which excludes the others.
//! Strings of its expression language have no escapes: one that holds all three kinds of quotes cannot be written.

use serde_json::{Map, Value, json};

use crate::export::{ExportError, Format, Write};
use crate::text::cells::{self, Identifiers, views};
use presync_engine::table::{Cell, Column, FactKind, Tables};

pub(super) const FORMAT: Format = Format {
    name: "jdm",
    description: "a decision model for GoRules Zen",
    write: Write::Tables(write),
};

/// Inputs that every table has, with their member names.
const CHANGE: [(&str, &str); 4] = [
    ("Role", "role"),
    ("From", "from"),
    ("To", "to"),
    ("Entered", "entered"),
];

const OUTPUTS: [&str; 4] = ["outcome", "state", "append", "origin"];

fn write(tables: &Tables) -> Result<String, ExportError> {
    let identifiers = Identifiers::new(tables);
    let columns: Vec<Column> = (0..tables.facts.len())
        .map(Column::Fact)
        .chain((0..tables.systems.len()).map(Column::State))
        .collect();
    let mut inputs: Vec<Value> = CHANGE
        .iter()
        .map(|(name, field)| json!({ "id": field, "name": name, "field": field }))
        .collect();
    inputs.extend(columns.iter().map(|column| {
        let field = identifiers.column(*column);
        json!({ "id": field, "name": tables.column_name(*column), "field": field })
    }));
    let outputs: Vec<Value> = OUTPUTS
        .iter()
        .map(|field| json!({ "id": format!("o_{field}"), "name": field, "field": field }))
        .collect();
    let mut rules: Vec<Value> = Vec::new();
    for view in views(tables)? {
        let (from, to) = (
            &tables.systems[view.table.from],
            &tables.systems[view.table.to],
        );
        for row in view.rows {
            let mut rule: Map<String, Value> = Map::new();
            rule.insert("_id".to_owned(), format!("row{}", rules.len() + 1).into());
            rule.insert("role".to_owned(), string(&view.role.name)?.into());
            rule.insert("from".to_owned(), string(&from.name)?.into());
            rule.insert("to".to_owned(), string(&to.name)?.into());
            let names = row
                .from
                .iter()
                .map(|state| string(&from.states[*state as usize].name));
            let entered = if row.from.len() < from.states.len() {
                names.collect::<Result<Vec<_>, _>>()?.join(", ")
            } else {
                String::new()
            };
            rule.insert("entered".to_owned(), entered.into());
            for column in &columns {
                let at = view.table.columns.iter().position(|known| known == column);
                let cell = match at.and_then(|at| row.when[at].as_ref()) {
                    Some(values) => cell(tables, *column, values)?,
                    None => String::new(),
                };
                rule.insert(identifiers.column(*column).to_owned(), cell.into());
            }
            let (outcome, state, append) = cells::parts(tables, view.table, row);
            let texts = append
                .iter()
                .map(|text| string(text))
                .collect::<Result<Vec<_>, _>>()?;
            let state = state.map_or(Ok("null".to_owned()), string)?;
            let origin = cells::origin(row).replace('\n', ", ");
            let cells = [
                string(outcome)?,
                state,
                format!("[{}]", texts.join(", ")),
                string(&harmless(&origin))?,
            ];
            for (field, cell) in OUTPUTS.iter().zip(cells) {
                rule.insert(format!("o_{field}"), cell.into());
            }
            rules.push(Value::Object(rule));
        }
    }
    let place = |x: u32| json!({ "x": x, "y": 100 });
    let document = json!({
        "contentType": "application/vnd.gorules.decision",
        "nodes": [
            { "id": "change", "type": "inputNode", "name": "Change", "position": place(100) },
            {
                "id": "table",
                "type": "decisionTableNode",
                "name": format!("Presync {}", tables.digest),
                "position": place(400),
                "content": { "hitPolicy": "first", "inputs": inputs, "outputs": outputs, "rules": rules },
            },
            { "id": "decision", "type": "outputNode", "name": "Decision", "position": place(700) },
        ],
        "edges": [
            { "id": "in", "type": "edge", "sourceId": "change", "targetId": "table" },
            { "id": "out", "type": "edge", "sourceId": "table", "targetId": "decision" },
        ],
    });
    serde_json::to_string_pretty(&document)
        .map(|text| text + "\n")
        .map_err(|error| ExportError(error.to_string()))
}

fn cell(tables: &Tables, column: Column, values: &[u32]) -> Result<String, ExportError> {
    let is_flag = matches!(column, Column::Fact(at) if tables.facts[at].kind == FactKind::Flag);
    let mut names = Vec::new();
    let default = cells::default_value(tables, column);
    for value in values {
        let name = match tables.cell(column, *value) {
            Cell::Flag(value) => value.to_string(),
            Cell::Name(name) => {
                if default == Some(name.as_str()) {
                    names.push("null".to_owned());
                }
                string(&name)?
            }
            Cell::Unknown(()) => "null".to_owned(),
        };
        names.push(name);
    }
    // A flag that is missing is false.
    Ok(match names.as_slice() {
        [one] if is_flag && one == "false" => "$ != true".to_owned(),
        [one] if is_flag => format!("$ == {one}"),
        _ => names
            .iter()
            .map(|name| format!("$ == {name}"))
            .collect::<Vec<_>>()
            .join(" or "),
    })
}

/// A string in whichever quotes it does not hold.
fn string(text: &str) -> Result<String, ExportError> {
    let quotes = ['\'', '"', '`']
        .into_iter()
        .find(|quote| !text.contains(*quote) && (*quote != '`' || !text.contains("${")));
    match quotes {
        Some(quote) => Ok(format!("{quote}{text}{quote}")),
        None => Err(ExportError(format!(
            "`{text}` holds every kind of quotes, and strings of this format have no escapes: rename it, or use another format"
        ))),
    }
}

/// Where a row comes from is for people: what cannot be written is left out.
fn harmless(text: &str) -> String {
    if string(text).is_ok() {
        text.to_owned()
    } else {
        text.replace(['`', '\''], " ")
    }
}
