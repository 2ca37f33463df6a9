//! GoRules JDM: one decision table with the rows of all roles and directions, which exclude each other.
//! Strings of its expression language have no escapes: a string with all three kinds of quotes cannot be written.

use serde_json::{Map, Value, json};

use crate::export::format::{ExportError, ExportFormat, Write};
use crate::text::cells::{self, Identifiers, views};
use presync_engine::{Column, Input, Schema, Tables};

pub(super) const FORMAT: ExportFormat = ExportFormat {
    name: "jdm",
    description: "a decision model for GoRules Zen",
    write: Write::Tables(write),
};

/// Inputs of every table, with their member names.
const CHANGE: [(&str, &str); 4] = [
    ("Role", "role"),
    ("From", "from"),
    ("To", "to"),
    ("Entered", "entered"),
];

const OUTPUTS: [&str; 4] = ["outcome", "state", "append", "origin"];

fn write(tables: &Tables) -> Result<String, ExportError> {
    let schema = tables.schema();
    let identifiers = Identifiers::new(schema);
    let columns: Vec<Column> = cells::columns(schema).collect();
    let mut inputs: Vec<Value> = CHANGE
        .iter()
        .map(|(name, field)| json!({ "id": field, "name": name, "field": field }))
        .collect();
    inputs.extend(columns.iter().map(|column| {
        let field = identifiers.column(*column);
        json!({ "id": field, "name": schema.column_name(*column), "field": field })
    }));
    let outputs: Vec<Value> = OUTPUTS
        .iter()
        .map(|field| json!({ "id": format!("o_{field}"), "name": field, "field": field }))
        .collect();
    let mut rules: Vec<Value> = Vec::new();
    for view in views(tables)? {
        for row in view.rows {
            let mut rule: Map<String, Value> = Map::new();
            rule.insert("_id".to_owned(), format!("row{}", rules.len() + 1).into());
            rule.insert("role".to_owned(), string(view.role)?.into());
            rule.insert("from".to_owned(), string(&view.from().name)?.into());
            rule.insert("to".to_owned(), string(&view.to().name)?.into());
            let entered = view.entered(row).unwrap_or_default();
            let entered = entered
                .into_iter()
                .map(string)
                .collect::<Result<Vec<_>, _>>()?
                .join(", ");
            rule.insert("entered".to_owned(), entered.into());
            for column in &columns {
                let at = view
                    .table
                    .columns()
                    .iter()
                    .position(|known| known == column);
                let cell = match at.and_then(|at| row.when[at].as_ref()) {
                    Some(values) => cell(schema, *column, values)?,
                    None => String::new(),
                };
                rule.insert(identifiers.column(*column).to_owned(), cell.into());
            }
            let texts = row
                .outcome
                .append()
                .iter()
                .map(|text| string(text))
                .collect::<Result<Vec<_>, _>>()?;
            let state = view.target(row).map_or(Ok("null".to_owned()), string)?;
            let origin = cells::origin(row).replace('\n', ", ");
            let cells = [
                string(row.outcome.kind())?,
                state,
                format!("[{}]", texts.join(", ")),
                string(&without_quotes(&origin))?,
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
                "name": format!("Presync {}", tables.digest()?),
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
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

fn cell(schema: &Schema, column: Column, values: &[u32]) -> Result<String, ExportError> {
    let is_flag = cells::is_flag(schema, column);
    let mut names = Vec::new();
    let default = cells::default_value(schema, column);
    for input in schema.inputs(column, values) {
        let name = match input {
            Input::Flag(value) => value.to_string(),
            Input::Name(name) => {
                if default == Some(name) {
                    names.push("null".to_owned());
                }
                string(name)?
            }
            Input::Unknown => "null".to_owned(),
        };
        names.push(name);
    }
    // A missing flag is false.
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

/// A string in quotes that it does not contain.
fn string(text: &str) -> Result<String, ExportError> {
    let quotes = ['\'', '"', '`']
        .into_iter()
        .find(|quote| !text.contains(*quote) && (*quote != '`' || !text.contains("${")));
    match quotes {
        Some(quote) => Ok(format!("{quote}{text}{quote}")),
        None => Err(ExportError::Quotes(text.to_owned())),
    }
}

/// Origins are only informative: replace quotes if they cannot be written.
fn without_quotes(text: &str) -> String {
    if string(text).is_ok() {
        text.to_owned()
    } else {
        text.replace(['`', '\''], " ")
    }
}
