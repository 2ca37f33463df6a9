//! Imports DMN decision tables that `export --to dmn` wrote, even if another tool has saved them again.
//! Expects a table for each role and direction, identified by the names in its extension elements.

mod foreign;

use std::collections::BTreeMap;

use roxmltree::{Document as Xml, Node};
use serde_json::Value;

use crate::import::{ImportError, ImportKind, from_tables, table, utf8};
use presync::Program;
use presync_engine::Tables;
use presync_engine::document::{
    AppendixDocument, BlockDocument, ByHand, Cell, ConditionDocument, DirectionDocument, Document,
    FactDocument, OutcomeKind, RoleDocument, RowDocument, StateDocument, SystemDocument,
    TableDocument, When,
};

/// Attributes allowed on one element. `export` writes only a few.
const MAX_ATTRIBUTES: usize = 10_000;

pub(super) const KIND: ImportKind = ImportKind {
    extensions: &["dmn", "xml"],
    read: |bytes, options| {
        let text = checked(utf8(bytes)?)?;
        let xml = Xml::parse(text)?;
        match foreign::sheets(&xml)? {
            Some(foreign) => {
                let mut imported = table::read(foreign.sheets, options)?;
                imported.not_imported.extend(foreign.not_imported);
                Ok(imported)
            }
            None => from_tables(read(&xml)?),
        }
    },
};

/// A text that the XML parser reads quickly.
fn checked(text: &str) -> Result<&str, ImportError> {
    // The XML parser compares each attribute of an element with the others.
    if text
        .split('<')
        .any(|element| element.matches('=').count() > MAX_ATTRIBUTES)
    {
        return Err(ImportError::Attributes(MAX_ATTRIBUTES));
    }
    Ok(text)
}

fn read(xml: &Xml<'_>) -> Result<Tables, ImportError> {
    let decisions: Vec<Node<'_, '_>> = children(xml.root_element(), "decision").collect();
    let mut read = DmnDocument::default();
    let choice =
        |decision: &&Node<'_, '_>| children(**decision, "literalExpression").next().is_none();
    for decision in decisions.iter().filter(choice) {
        read.decision(*decision)?;
    }
    if decisions.is_empty() {
        return Err(ImportError::NoDecisions);
    }
    let mut document = read.document();
    declare(xml, &mut document)?;
    Ok(Tables::from_document(document)?)
}

/// Takes the declarations and roles that the file has beside its tables.
fn declare(xml: &Xml<'_>, document: &mut Document) -> Result<(), ImportError> {
    let namespace = Some("urn:presync:tables");
    let ours = |name: &'static str| {
        xml.descendants()
            .filter(move |node| is(*node, name) && node.tag_name().namespace() == namespace)
            .filter(|node| node.parent().is_some_and(|parent| is(parent, "declared")))
            .map(text)
    };
    let source: Vec<String> = ours("declaration").collect();
    if source.is_empty() {
        return Ok(());
    }
    let unsayable = |error: &dyn std::fmt::Display| ImportError::Unsayable(error.to_string());
    let program = Program::check_source("declared.presync", &source.join("\n"))
        .map_err(|errors| unsayable(&errors))?;
    let declared = program.compile()?.document()?;
    let all: Vec<(&SystemDocument, &SystemDocument)> = declared
        .systems
        .iter()
        .flat_map(|from| declared.systems.iter().map(move |to| (from, to)))
        .filter(|(from, to)| from.name != to.name)
        .collect();
    let default: Vec<String> = ours("default").collect();
    for (name, is_default) in ours("role")
        .map(|name| (name, false))
        .chain(default.into_iter().map(|name| (name, true)))
    {
        let known = document.roles.iter().position(|role| role.name == name);
        let at = known.unwrap_or_else(|| {
            document.roles.push(RoleDocument {
                name: name.clone(),
                implicit: false,
                default: false,
                directions: Vec::new(),
            });
            document.roles.len() - 1
        });
        document.roles[at].default = is_default;
        // A direction without rows has no table in the file.
        for (from, to) in &all {
            let of = document.roles[at].directions.iter();
            let mut of = of.map(|direction| &document.directions[*direction]);
            if of.any(|direction| direction.from == from.name && direction.to == to.name) {
                continue;
            }
            document.directions.push(DirectionDocument {
                from: from.name.clone(),
                to: to.name.clone(),
                columns: Vec::new(),
                by_hand: Vec::new(),
                own: Vec::new(),
                tables: Vec::new(),
            });
            let direction = document.directions.len() - 1;
            document.roles[at].directions.push(direction);
        }
    }
    document.systems = declared.systems;
    document.facts = declared.facts;
    Ok(())
}

#[derive(Default)]
struct DmnDocument {
    /// The states of each system.
    systems: BTreeMap<String, Vec<String>>,
    facts: BTreeMap<String, FactDocument>,
    /// By name: whether the role is implicit, and its tables.
    roles: BTreeMap<String, (bool, TablesByDirection)>,
}

/// For each pair of systems, the tables by number.
type TablesByDirection = BTreeMap<(String, String), BTreeMap<usize, TableDocument>>;

/// A column of a decision table.
struct DmnInput {
    name: String,
    kind: DmnInputKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum DmnInputKind {
    Fact,
    State,
    ByHand,
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
        let number: usize = name("number")?
            .parse()
            .map_err(|_| wrong("its number is not a number"))?;
        let texts = name("part")? == "texts";
        let (policy, expected) = if texts {
            ("COLLECT", "its hit policy is not COLLECT")
        } else {
            ("UNIQUE", "its hit policy is not UNIQUE")
        };
        if table.attribute("hitPolicy").unwrap_or("UNIQUE") != policy {
            return Err(wrong(expected));
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
            let input_kind = if variable.starts_with("state_") {
                DmnInputKind::State
            } else if variable.starts_with("by_hand_") {
                DmnInputKind::ByHand
            } else {
                DmnInputKind::Fact
            };
            let name = match input_kind {
                DmnInputKind::ByHand => match name.strip_suffix(" by hand") {
                    Some(system) => system.to_owned(),
                    None => name,
                },
                DmnInputKind::Fact | DmnInputKind::State => name,
            };
            if input_kind == DmnInputKind::Fact {
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
            inputs.push(DmnInput {
                name,
                kind: input_kind,
            });
        }
        let role = self.roles.entry(role).or_default();
        role.0 = implicit;
        let of = role.1.entry((from, to)).or_default();
        let document = of.entry(number).or_default();
        for rule in children(table, "rule") {
            let read = row(rule, &inputs).ok_or_else(|| wrong("cannot read a row"))?;
            let (condition, outputs) = read;
            match outputs.as_slice() {
                [Value::String(text)] if texts => add_text(document, text, condition),
                [Value::String(outcome), state] if !texts => {
                    let outcome = match outcome.as_str() {
                        "set" => OutcomeKind::Set,
                        "unchanged" => OutcomeKind::Unchanged,
                        "previous" => OutcomeKind::Previous,
                        "unmapped" => continue,
                        _ => return Err(wrong("cannot read a row")),
                    };
                    let row = RowDocument {
                        from: condition.from,
                        state: state.as_str().map(str::to_owned),
                        outcome,
                        rule: None,
                    };
                    document.blocks.push(BlockDocument {
                        when: condition.when,
                        by_hand: condition.by_hand,
                        rows: vec![row],
                    });
                }
                _ => return Err(wrong("cannot read a row")),
            }
        }
        Ok(())
    }

    fn document(self) -> Document {
        let system = |(name, states): (String, Vec<String>)| SystemDocument {
            name,
            title: None,
            online: None,
            text: None,
            echo: None,
            attributes: Vec::new(),
            states: states
                .into_iter()
                .map(|name| StateDocument {
                    id: None,
                    name,
                    attributes: Vec::new(),
                    read_only: false,
                    reads: None,
                    other: false,
                })
                .collect(),
        };
        let names: Vec<String> = self.systems.keys().cloned().collect();
        let pairs = names
            .iter()
            .flat_map(|from| names.iter().map(move |to| (from, to)));
        let pairs: Vec<(&String, &String)> = pairs.filter(|(from, to)| from != to).collect();
        let (mut tables, mut directions, mut roles) = (Vec::new(), Vec::new(), Vec::new());
        for (name, (implicit, mut decided)) in self.roles {
            let mut of_role = Vec::new();
            for (from, to) in &pairs {
                let of = decided
                    .remove(&((*from).clone(), (*to).clone()))
                    .unwrap_or_default();
                let rows = of.values().flat_map(|table| &table.blocks);
                let mut rows = rows.flat_map(|block| &block.rows);
                let own = rows.any(|row| row.outcome == OutcomeKind::Previous);
                let numbers = of.into_values().map(|mut table| {
                    table.profile = Some(name.clone());
                    (table.from, table.to) = ((*from).clone(), (*to).clone());
                    tables.push(table);
                    tables.len() - 1
                });
                of_role.push(directions.len());
                directions.push(DirectionDocument {
                    from: (*from).clone(),
                    to: (*to).clone(),
                    columns: Vec::new(),
                    // Only used to write.
                    by_hand: Vec::new(),
                    own: own.then(|| (*to).clone()).into_iter().collect(),
                    tables: numbers.collect(),
                });
            }
            roles.push(RoleDocument {
                name,
                implicit,
                default: false,
                directions: of_role,
            });
        }
        Document {
            format: "presync-tables".to_owned(),
            version: 2,
            digest: String::new(),
            content: String::new(),
            systems: self.systems.into_iter().map(system).collect(),
            facts: self.facts.into_values().collect(),
            order: Vec::new(),
            roles,
            directions,
            tables,
        }
    }
}

/// Adds a row to a text, which is the last one or a new one.
fn add_text(document: &mut TableDocument, text: &str, condition: ConditionDocument) {
    match document.append.last_mut() {
        Some(last) if last.text == text => {
            last.rows.get_or_insert_default().push(condition);
        }
        _ => document.append.push(AppendixDocument {
            text: text.to_owned(),
            rows: Some(vec![condition]),
            diagram: None,
        }),
    }
}

/// The condition of a row, and its outputs.
fn row(rule: Node<'_, '_>, inputs: &[DmnInput]) -> Option<(ConditionDocument, Vec<Value>)> {
    let mut cells = children(rule, "inputEntry").map(text);
    let strings = |cell: &str| -> Option<Vec<String>> {
        values(cell)?
            .into_iter()
            .map(|value| value.as_str().map(str::to_owned))
            .collect()
    };
    let entered = cells.next()?;
    let from = match entered.trim() {
        "-" => None,
        names => Some(strings(names)?),
    };
    let mut when = When::new();
    let mut by_hand = ByHand::new();
    for (input, cell) in inputs.iter().zip(cells) {
        if cell.trim() != "-" {
            if input.kind == DmnInputKind::ByHand {
                let known = values(&cell)?.into_iter();
                let known = known.filter_map(|value| value.as_bool()).collect();
                by_hand.insert(input.name.clone(), known);
                continue;
            }
            let value = |value: Value| match value {
                Value::Bool(value) => Some(Cell::Flag(value)),
                Value::String(name) => Some(Cell::Name(name)),
                // For a fact, `null` follows the value that it stands for.
                Value::Null if input.kind == DmnInputKind::State => Some(Cell::Unknown(())),
                _ => None,
            };
            when.insert(
                input.name.clone(),
                values(&cell)?.into_iter().filter_map(value).collect(),
            );
        }
    }
    let outputs =
        children(rule, "outputEntry").map(|entry| serde_json::from_str(&text(entry)).ok());
    let condition = ConditionDocument {
        when,
        by_hand,
        from,
    };
    Some((condition, outputs.collect::<Option<_>>()?))
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
