//! GoRules JDM: one decision table with the rows of all roles and directions, of which the first that matches counts, and
//! one that collects the texts.
//! Strings of its expression language have no escapes: a string with all three kinds of quotes cannot be written.

use serde_json::{Map, Value, json};

use crate::export::format::{ExportError, ExportFormat, Write};
use crate::text::cells::{self, Identifiers, views};
use presync_engine::{Cells, Column, Input, Schema, StateId, Tables};

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

const OUTPUTS: [&str; 4] = ["outcome", "state", "origin", "table"];

fn write(tables: &Tables) -> Result<String, ExportError> {
    let schema = tables.schema();
    let identifiers = Identifiers::new(schema);
    let views = views(tables)?;
    let columns: Vec<Column> = cells::columns(schema, &views);
    let mut inputs: Vec<Value> = CHANGE
        .iter()
        .map(|(name, field)| json!({ "id": field, "name": name, "field": field }))
        .collect();
    inputs.extend(columns.iter().map(|column| {
        let field = identifiers.column(*column);
        json!({ "id": field, "name": cells::label(schema, *column), "field": field })
    }));
    let output = |field: &str| json!({ "id": format!("o_{field}"), "name": field, "field": field });
    let outputs: Vec<Value> = OUTPUTS.into_iter().map(output).collect();
    let mut rules: Vec<Value> = Vec::new();
    let mut texts: Vec<Value> = Vec::new();
    let mut number = 0;
    for view in &views {
        let change = [view.role, &view.from().name, &view.to().name];
        let change = change.map(string);
        let condition = |id: String, of: &[Column], when: &Cells, from: &[StateId]| {
            let mut rule: Map<String, Value> = Map::new();
            rule.insert("_id".to_owned(), id.into());
            for ((_, field), name) in CHANGE.iter().zip(&change) {
                let name = name
                    .as_ref()
                    .map_err(|error| ExportError::Quotes(error.clone()))?;
                rule.insert((*field).to_owned(), name.clone().into());
            }
            let names = view
                .entered(from)
                .unwrap_or_default()
                .into_iter()
                .map(string);
            let names = names
                .collect::<Result<Vec<_>, _>>()
                .map_err(ExportError::Quotes)?;
            rule.insert("entered".to_owned(), names.join(", ").into());
            for column in &columns {
                let at = of.iter().position(|known| known == column);
                let cell = match at.and_then(|at| when[at].as_ref()) {
                    Some(values) => cell(schema, *column, values)?,
                    None => String::new(),
                };
                rule.insert(identifiers.column(*column).to_owned(), cell.into());
            }
            Ok::<_, ExportError>(rule)
        };
        let everywhere: Vec<StateId> = schema.states(view.direction.from()).collect();
        for table in &view.tables {
            number += 1;
            for row in &table.rows {
                let id = format!("row{}", rules.len() + 1);
                let mut rule = condition(id, &table.columns, &row.when, &row.from)?;
                let state = view.target(row).map_or(Ok("null".to_owned()), string);
                let origin = cells::origin(row).replace('\n', ", ");
                let cells = [
                    format!("'{}'", row.outcome.kind()),
                    state.map_err(ExportError::Quotes)?,
                    string(&without_quotes(&origin)).map_err(ExportError::Quotes)?,
                    number.to_string(),
                ];
                for (field, cell) in OUTPUTS.iter().zip(cells) {
                    rule.insert(format!("o_{field}"), cell.into());
                }
                rules.push(Value::Object(rule));
            }
            for appendix in &table.appendices {
                for row in &appendix.rows {
                    let id = format!("text{}", texts.len() + 1);
                    let mut rule = condition(id, &table.columns, &row.when, &row.from)?;
                    let previous = schema.has_previous(view.direction.to());
                    let sets = if previous {
                        "'set', 'previous'"
                    } else {
                        "'set'"
                    };
                    rule.insert("outcome".to_owned(), sets.into());
                    rule.insert("table".to_owned(), number.to_string().into());
                    let text = string(&appendix.text).map_err(ExportError::Quotes)?;
                    rule.insert("o_text".to_owned(), text.into());
                    texts.push(Value::Object(rule));
                }
            }
        }
        if !view.complete {
            let id = format!("row{}", rules.len() + 1);
            let mut rule = condition(id, &[], &Vec::new(), &everywhere)?;
            for (field, cell) in OUTPUTS.iter().zip(["'unmapped'", "null", "''", "0"]) {
                rule.insert(format!("o_{field}"), cell.into());
            }
            rules.push(Value::Object(rule));
        }
    }
    let mut of_texts = inputs.clone();
    of_texts.extend(
        ["outcome", "table"].map(|field| json!({ "id": field, "name": field, "field": field })),
    );
    let place = |x: u32| json!({ "x": x, "y": 100 });
    let name = format!("Presync {}", tables.digest()?);
    let table = |id: &str, name: &str, x: u32, content: Value| json!({ "id": id, "type": "decisionTableNode", "name": name, "position": place(x), "content": content });
    let document = json!({
        "contentType": "application/vnd.gorules.decision",
        "nodes": [
            { "id": "change", "type": "inputNode", "name": "Change", "position": place(100) },
            table("table", &name, 400, json!({
                "hitPolicy": "first", "passThrough": true,
                "inputs": inputs, "outputs": outputs, "rules": rules,
            })),
            table("texts", "Texts to append", 700, json!({
                "hitPolicy": "collect", "passThrough": true, "outputPath": "texts",
                "inputs": of_texts, "outputs": [output("text")], "rules": texts,
            })),
            {
                "id": "answer",
                "type": "expressionNode",
                "name": "Answer",
                "position": place(1000),
                "content": { "expressions": [
                    { "id": "a_outcome", "key": "outcome", "value": "outcome" },
                    { "id": "a_state", "key": "state", "value": "state" },
                    { "id": "a_append", "key": "append", "value": "map(texts, #.text)" },
                    { "id": "a_origin", "key": "origin", "value": "origin" },
                ] },
            },
            { "id": "decision", "type": "outputNode", "name": "Decision", "position": place(1300) },
        ],
        "edges": [
            { "id": "in", "type": "edge", "sourceId": "change", "targetId": "table" },
            { "id": "decided", "type": "edge", "sourceId": "table", "targetId": "texts" },
            { "id": "appended", "type": "edge", "sourceId": "texts", "targetId": "answer" },
            { "id": "out", "type": "edge", "sourceId": "answer", "targetId": "decision" },
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
                string(name).map_err(ExportError::Quotes)?
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
///
/// # Errors
/// It contains all of them.
fn string(text: &str) -> Result<String, String> {
    let quotes = ['\'', '"', '`']
        .into_iter()
        .find(|quote| !text.contains(*quote) && (*quote != '`' || !text.contains("${")));
    match quotes {
        Some(quote) => Ok(format!("{quote}{text}{quote}")),
        None => Err(text.to_owned()),
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
