//! Decision tables of other tools (Camunda, Drools): UNIQUE or FIRST over texts. Out: a sheet for each table.

use roxmltree::{Document as Xml, Node};
use serde_json::Value;

use super::{children, text};
use crate::import::ImportError;
use crate::import::sheet::{Sheet, SheetRow};

/// The tables of a file that presync did not write; `None` if it wrote one of them.
pub(super) fn sheets(xml: &Xml<'_>) -> Result<Option<Vec<Sheet>>, ImportError> {
    let decisions = || children(xml.root_element(), "decision");
    let ours = |node: &Node<'_, '_>| node.tag_name().namespace() == Some("urn:presync:tables");
    if xml.descendants().any(|node| ours(&node)) {
        return Ok(None);
    }
    let mut sheets = Vec::new();
    for decision in decisions() {
        if let Some(table) = children(decision, "decisionTable").next()
            && children(table, "rule").next().is_some()
        {
            sheets.push(sheet(decision, table)?);
        }
    }
    Ok(Some(sheets).filter(|sheets| !sheets.is_empty()))
}

fn sheet(decision: Node<'_, '_>, table: Node<'_, '_>) -> Result<Sheet, ImportError> {
    let label = decision.attribute("name").unwrap_or("a decision");
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
    // FIRST: the profiles of the rows, in order, give the earlier rows precedence.
    let first = policy == "FIRST";
    if first {
        headings.push("profile".to_owned());
        headings.push("role".to_owned());
    }
    let mut rows = vec![SheetRow {
        line: 1,
        cells: headings,
    }];
    for (number, rule) in (1..).zip(children(table, "rule")) {
        let entries = children(rule, "inputEntry").map(|entry| (true, text(entry)));
        let outputs = children(rule, "outputEntry").map(|entry| (false, text(entry)));
        let mut cells = Vec::new();
        for (is_input, content) in entries.chain(outputs) {
            let cell = cell(&content, is_input).ok_or_else(|| {
                wrong(format!("row {number}: `{content}` is not a list of texts"))
            })?;
            cells.push(cell);
        }
        if cells.len() < inputs + 1 {
            return Err(wrong(format!("row {number} has no output")));
        }
        if first {
            cells.push(format!("{label} {number}"));
            cells.push(label.to_owned());
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
        return Some("any".to_owned());
    }
    if content.is_empty() || content == "null" {
        return Some("unchanged".to_owned());
    }
    let values: Vec<Value> = serde_json::from_str(&format!("[{content}]")).ok()?;
    let texts = values.into_iter().map(|value| match value {
        Value::String(text) => Some(text),
        _ => None,
    });
    Some(texts.collect::<Option<Vec<_>>>()?.join(" | "))
}
