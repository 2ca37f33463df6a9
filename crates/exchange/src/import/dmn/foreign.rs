//! Decision tables of other tools (Camunda, Drools): UNIQUE or FIRST over texts. Out: a sheet for each table.

use roxmltree::{Document as Xml, Node};
use serde_json::Value;

use super::{children, is, text};
use crate::import::ImportError;
use crate::import::sheet::{Sheet, SheetRow};

/// The tables of a file that presync did not write.
pub(super) struct Foreign {
    pub sheets: Vec<Sheet>,
    /// What cannot be imported.
    pub not_imported: Vec<String>,
}

/// The tables; `None` if there are none, or presync wrote one of them.
pub(super) fn sheets(xml: &Xml<'_>) -> Result<Option<Foreign>, ImportError> {
    let ours = |node: &Node<'_, '_>| node.tag_name().namespace() == Some("urn:presync:tables");
    if xml.descendants().any(|node| ours(&node)) {
        return Ok(None);
    }
    let (mut found, mut not_imported) = (Vec::new(), Vec::new());
    for decision in children(xml.root_element(), "decision") {
        let label = decision.attribute("name").unwrap_or("a decision");
        let table = children(decision, "decisionTable").next();
        match table.filter(|table| children(*table, "rule").next().is_some()) {
            Some(table) => found.push((label, table)),
            None => not_imported.push(format!("decision `{label}`: not a table with rules")),
        }
    }
    // Rows of FIRST are profiles of one role, and so are the other tables then.
    let ordered = found
        .iter()
        .any(|(_, table)| table.attribute("hitPolicy") == Some("FIRST"));
    let sheets = found
        .into_iter()
        .map(|(label, table)| sheet(label, table, ordered));
    let sheets: Vec<Sheet> = sheets.collect::<Result<_, _>>()?;
    Ok((!sheets.is_empty()).then_some(Foreign {
        sheets,
        not_imported,
    }))
}

/// `ordered`: with a profile for each row that takes precedence over later ones.
fn sheet(label: &str, table: Node<'_, '_>, ordered: bool) -> Result<Sheet, ImportError> {
    let wrong = |what: String| ImportError::Decision {
        decision: label.to_owned(),
        what,
    };
    let policy = table.attribute("hitPolicy").unwrap_or("UNIQUE");
    if !["UNIQUE", "FIRST", "ANY"].contains(&policy) {
        return Err(wrong(format!(
            "its hit policy is {policy}; UNIQUE, ANY and FIRST can be imported"
        )));
    }
    if table
        .descendants()
        .any(|node| is(node, "defaultOutputEntry"))
    {
        return Err(wrong(
            "it has a default output; add a last rule instead, with hit policy FIRST".to_owned(),
        ));
    }
    let mut headings: Vec<String> = Vec::new();
    for input in children(table, "input") {
        let expression = children(input, "inputExpression").next().map(text);
        let label = input
            .attribute("label")
            .filter(|label| !label.trim().is_empty());
        headings.push(label.map_or_else(|| expression.unwrap_or_default(), str::to_owned));
    }
    let inputs = headings.len();
    for output in children(table, "output") {
        let named = ["label", "name"]
            .iter()
            .find_map(|name| output.attribute(*name));
        headings.push(named.unwrap_or(label).to_owned());
    }
    let outputs = headings.len() - inputs;
    if ordered {
        headings.push("profile".to_owned());
        headings.push("role".to_owned());
    }
    let mut rows = vec![SheetRow {
        line: 1,
        cells: headings,
    }];
    for (number, rule) in (1..).zip(children(table, "rule")) {
        let entries = |name| children(rule, name).count();
        if (entries("inputEntry"), entries("outputEntry")) != (inputs, outputs) {
            return Err(wrong(format!(
                "row {number} does not have a cell for each column"
            )));
        }
        let entered = children(rule, "inputEntry").map(|entry| (true, text(entry)));
        let decided = children(rule, "outputEntry").map(|entry| (false, text(entry)));
        let mut cells = Vec::new();
        for (is_input, content) in entered.chain(decided) {
            let cell = cell(&content, is_input).ok_or_else(|| {
                wrong(format!("row {number}: `{content}` is not a list of texts"))
            })?;
            cells.push(cell);
        }
        if ordered {
            let of_row = if policy == "FIRST" {
                format!(" {number}")
            } else {
                String::new()
            };
            cells.push(format!("{label}{of_row}"));
            cells.push("Imported".to_owned());
        }
        rows.push(SheetRow {
            line: number + 1,
            cells,
        });
    }
    Ok(Sheet {
        name: label.to_owned(),
        rows,
        notes: vec![format!("decision `{label}`, hit policy {policy}")],
    })
}

/// `"A","B"` becomes `A | B`, and `-` every state.
fn cell(content: &str, is_input: bool) -> Option<String> {
    let content = content.trim();
    if is_input && (content.is_empty() || content == "-") {
        return Some("*".to_owned());
    }
    if content.is_empty() || content == "null" {
        return Some("none".to_owned());
    }
    let values: Vec<Value> = serde_json::from_str(&format!("[{content}]")).ok()?;
    let texts = values.into_iter().map(|value| match value {
        Value::String(text) => Some(text),
        _ => None,
    });
    Some(texts.collect::<Option<Vec<_>>>()?.join(" | "))
}
