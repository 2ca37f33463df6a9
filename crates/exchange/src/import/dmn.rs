//! Imports DMN decision tables that `export --to dmn` wrote, even if another tool has saved them again.
//! Expects a table for each role and direction, identified by the names in its extension elements.

use std::collections::BTreeMap;

use roxmltree::{Document as Xml, Node};
use serde_json::Value;

use crate::import::{ImportError, ImportKind, from_tables};
use presync_engine::Tables;
use presync_engine::document::{
    Cell, Document, FactDocument, OutcomeDocument, OutcomeKind, RoleDocument, RowDocument,
    StateDocument, SystemDocument, TableDocument, When,
};

/// Attributes allowed on one element. `export` writes only a few.
const MAX_ATTRIBUTES: usize = 10_000;

pub(super) const KIND: ImportKind = ImportKind {
    extension: "dmn",
    read: |text| from_tables(read(text)?),
};

fn read(text: &str) -> Result<Tables, ImportError> {
    // The XML parser compares each attribute of an element with the others.
    if text
        .split('<')
        .any(|element| element.matches('=').count() > MAX_ATTRIBUTES)
    {
        return Err(ImportError::Attributes(MAX_ATTRIBUTES));
    }
    let xml = Xml::parse(text)?;
    let decisions: Vec<Node<'_, '_>> = children(xml.root_element(), "decision").collect();
    let mut read = DmnDocument::default();
    for decision in &decisions {
        read.decision(*decision)?;
    }
    if decisions.is_empty() {
        return Err(ImportError::NoDecisions);
    }
    Ok(Tables::from_document(read.document())?)
}

#[derive(Default)]
struct DmnDocument {
    /// The states of each system.
    systems: BTreeMap<String, Vec<String>>,
    facts: BTreeMap<String, FactDocument>,
    /// Whether the role is implicit, and its tables.
    roles: BTreeMap<String, (bool, Vec<TableDocument>)>,
}

/// A column of a decision table.
struct DmnInput {
    name: String,
    is_state: bool,
}

impl DmnDocument {
    fn decision(&mut self, decision: Node<'_, '_>) -> Result<(), ImportError> {
        let label = decision.attribute("name").unwrap_or("a decision");
        let wrong = |what: &str| ImportError::Decision {
            decision: label.to_owned(),
            what: what.to_owned(),
        };
        let ours = decision.descendants().find(|node| {
            is(*node, "table") && node.tag_name().namespace() == Some("urn:presync:tables")
        });
        let ours = ours.ok_or_else(|| wrong("it was not exported by `presync export --to dmn`"))?;
        let name = |element: &'static str| {
            children(ours, element)
                .next()
                .map(text)
                .ok_or_else(|| wrong("a name is missing"))
        };
        let (role, implicit, from, to) = (
            name("role")?,
            name("implicit")? == "true",
            name("from")?,
            name("to")?,
        );
        let table = children(decision, "decisionTable")
            .next()
            .ok_or_else(|| wrong("it has no table"))?;
        if table.attribute("hitPolicy").unwrap_or("UNIQUE") != "UNIQUE" {
            return Err(wrong("its hit policy is not UNIQUE"));
        }
        let mut inputs = Vec::new();
        for (at, input) in children(table, "input").enumerate() {
            let allowed = children(input, "inputValues")
                .next()
                .map(text)
                .unwrap_or_default();
            let allowed = values(&allowed)
                .ok_or_else(|| wrong("cannot read the allowed values of an input"))?;
            let strings = || {
                allowed
                    .iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect::<Vec<String>>()
            };
            if at == 0 {
                self.systems.insert(from.clone(), strings());
                continue;
            }
            let name = input.attribute("label").unwrap_or_default().to_owned();
            let expression = children(input, "inputExpression").next();
            let variable = expression.map(text).unwrap_or_default();
            let is_state = variable.starts_with("state_");
            if !is_state {
                let kind = expression
                    .and_then(|node| node.attribute("typeRef"))
                    .unwrap_or_default();
                let fact = if kind == "boolean" {
                    FactDocument::Flag { name: name.clone() }
                } else {
                    // `null` follows the default value.
                    let null = allowed.iter().position(Value::is_null);
                    let default = null
                        .and_then(|at| at.checked_sub(1))
                        .and_then(|at| allowed[at].as_str());
                    FactDocument::Choice {
                        name: name.clone(),
                        values: strings(),
                        default: default.map(str::to_owned),
                    }
                };
                self.facts.insert(name.clone(), fact);
            }
            inputs.push(DmnInput { name, is_state });
        }
        let states = self.systems.get(&from).cloned().unwrap_or_default();
        let rows = children(table, "rule")
            .map(|rule| row(rule, &inputs, &states).ok_or_else(|| wrong("cannot read a row")));
        let table = TableDocument {
            from,
            to,
            hit_policy: "UNIQUE".to_owned(),
            columns: inputs.iter().map(|input| input.name.clone()).collect(),
            origin_columns: Vec::new(),
            rows: Some(rows.collect::<Result<_, _>>()?),
            diagrams: None,
            decisions: Vec::new(),
        };
        let role = self.roles.entry(role).or_default();
        role.0 = implicit;
        role.1.push(table);
        Ok(())
    }

    fn document(self) -> Document {
        let system = |(name, states): (String, Vec<String>)| SystemDocument {
            name,
            title: None,
            online: None,
            text: None,
            attributes: Vec::new(),
            states: states
                .into_iter()
                .map(|name| StateDocument {
                    id: name.clone(),
                    name,
                    attributes: Vec::new(),
                    read_only: false,
                })
                .collect(),
        };
        let role = |(name, (implicit, mut tables)): (String, (bool, Vec<TableDocument>))| {
            tables.sort_by(|one, other| (&one.from, &one.to).cmp(&(&other.from, &other.to)));
            RoleDocument {
                name,
                implicit,
                tables,
            }
        };
        Document {
            format: "presync-tables".to_owned(),
            version: 1,
            digest: String::new(),
            systems: self.systems.into_iter().map(system).collect(),
            facts: self.facts.into_values().collect(),
            roles: self.roles.into_iter().map(role).collect(),
        }
    }
}

fn row(rule: Node<'_, '_>, inputs: &[DmnInput], states: &[String]) -> Option<RowDocument> {
    let mut cells = children(rule, "inputEntry").map(text);
    let strings = |cell: &str| -> Option<Vec<String>> {
        values(cell)?
            .into_iter()
            .map(|value| value.as_str().map(str::to_owned))
            .collect()
    };
    let entered = cells.next()?;
    let from = if entered.trim() == "-" {
        states.to_vec()
    } else {
        strings(&entered)?
    };
    let mut when = When::new();
    for (input, cell) in inputs.iter().zip(cells) {
        if cell.trim() != "-" {
            let value = |value: Value| match value {
                Value::Bool(value) => Some(Cell::Flag(value)),
                Value::String(name) => Some(Cell::Name(name)),
                // For a fact, `null` follows the value that it stands for.
                Value::Null if input.is_state => Some(Cell::Unknown(())),
                _ => None,
            };
            when.insert(
                input.name.clone(),
                values(&cell)?.into_iter().filter_map(value).collect(),
            );
        }
    }
    let outputs: Vec<Value> = children(rule, "outputEntry")
        .map(|entry| serde_json::from_str(&text(entry)).ok())
        .collect::<Option<_>>()?;
    let [outcome, state, append] = outputs.as_slice() else {
        return None;
    };
    let outcome = match outcome.as_str()? {
        "set" => OutcomeKind::Set,
        "unchanged" => OutcomeKind::Unchanged,
        "unmapped" => OutcomeKind::Unmapped,
        _ => return None,
    };
    let append = append
        .as_array()?
        .iter()
        .map(|text| text.as_str().map(str::to_owned))
        .collect::<Option<_>>()?;
    let outcome = OutcomeDocument {
        outcome,
        state: state.as_str().map(str::to_owned),
        append,
    };
    Some(RowDocument {
        when,
        from,
        outcome,
        origin: Vec::new(),
    })
}

/// A FEEL list of strings, booleans and null is also valid JSON.
fn values(cell: &str) -> Option<Vec<Value>> {
    serde_json::from_str(&format!("[{cell}]")).ok()
}

fn is(node: Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

fn children<'a, 'i>(of: Node<'a, 'i>, name: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    of.children().filter(move |node| is(*node, name))
}

/// The text of an element, or of its `text` child, which excludes white space around that child.
fn text(node: Node<'_, '_>) -> String {
    let inner = children(node, "text").next().unwrap_or(node);
    inner
        .descendants()
        .filter_map(|part| part.is_text().then(|| part.text()).flatten())
        .collect()
}
