//! DMN 1.3: a decision table with hit policy UNIQUE for each role and direction, one with hit policy COLLECT for its
//! texts, and a diagram.
//! Inputs have types, allowed values, names that are valid in FEEL, and labels with the user's names.

mod xml;

use std::fmt::Write as _;
use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, Event};

use crate::export::dmn::xml::{Xml, empty, parent, text};
use crate::export::format::{ExportError, ExportFormat, Write};
use crate::text::cells::{self, Identifiers, View, views};
use crate::text::declarations::declarations;
use presync::Rows;
use presync_engine::{Cells, Column, Input, Schema, StateId, Tables};

pub(super) const FORMAT: ExportFormat = ExportFormat {
    name: "dmn",
    description: "DMN 1.3 decision tables",
    write: Write::Tables(write),
};

const NAMESPACES: [(&str, &str); 6] = [
    ("xmlns", "https://www.omg.org/spec/DMN/20191111/MODEL/"),
    (
        "xmlns:dmndi",
        "https://www.omg.org/spec/DMN/20191111/DMNDI/",
    ),
    ("xmlns:dc", "http://www.omg.org/spec/DMN/20180521/DC/"),
    ("id", "presync"),
    ("name", "presync"),
    ("namespace", "urn:presync:tables"),
];

fn write(tables: &Tables) -> Result<String, ExportError> {
    let views = views(tables)?;
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    let digest = tables.digest()?;
    document(&mut xml, tables, digest, &views)
        .expect("a buffer in memory takes all that is written");
    Ok(String::from_utf8(xml.into_inner()).expect("only text was written") + "\n")
}

fn document(xml: &mut Xml, tables: &Tables, digest: &str, views: &[View<'_>]) -> io::Result<()> {
    let schema = tables.schema();
    let identifiers = Identifiers::new(schema);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    parent(xml, "definitions", &NAMESPACES, |xml| {
        text(
            xml,
            "description",
            &format!("Decision tables of Presync, {digest}"),
        )?;
        declared(xml, tables)?;
        input_data(xml, "entered", "the state entered", "string")?;
        for column in cells::columns(schema, views) {
            input_data(
                xml,
                identifiers.column(column),
                &cells::label(schema, column),
                kind(schema, column),
            )?;
        }
        let decisions = decisions(views);
        for decision in &decisions {
            write_decision(xml, &identifiers, decision)?;
        }
        diagram(xml, &decisions)
    })
}

/// A decision of the file.
struct DmnDecision<'v> {
    id: String,
    label: String,
    view: &'v View<'v>,
    logic: Logic<'v>,
}

enum Logic<'v> {
    /// What is decided, by hit policy UNIQUE.
    Rows { number: usize, table: &'v Rows },
    /// The texts to append if that table sets a state, by hit policy COLLECT.
    Texts { number: usize, table: &'v Rows },
    /// The first table with a matching row; its id, and the id of its texts.
    First(Vec<(String, Option<String>)>),
    /// The texts of that table.
    FirstTexts(Vec<(String, Option<String>)>),
}

/// For each role and direction: the decision, and the texts if there are any. If a role has several tables, they are
/// decisions, too.
fn decisions<'v>(views: &'v [View<'v>]) -> Vec<DmnDecision<'v>> {
    let mut decisions = Vec::new();
    for (at, view) in (1..).zip(views) {
        let id = format!("decision_{at}");
        let label = format!("{}: {} → {}", view.role, view.from().name, view.to().name);
        let mut parts = Vec::new();
        for (number, table) in (1..).zip(&view.tables) {
            let (mut id, mut label) = (id.clone(), label.clone());
            if !view.complete {
                id.push_str(&format!("_{number}"));
                label.push_str(&format!(", table {number}"));
            }
            let texts = (!table.appendices.is_empty()).then(|| format!("{id}_texts"));
            parts.push((id.clone(), texts.clone()));
            let of_texts = format!("{label}, texts");
            decisions.push(DmnDecision {
                id,
                label,
                view,
                logic: Logic::Rows { number, table },
            });
            if let Some(id) = texts {
                let logic = Logic::Texts { number, table };
                decisions.push(DmnDecision {
                    id,
                    label: of_texts,
                    view,
                    logic,
                });
            }
        }
        if !view.complete {
            if parts.iter().any(|(_, texts)| texts.is_some()) {
                let (id, label) = (format!("{id}_texts"), format!("{label}, texts"));
                decisions.push(DmnDecision {
                    id,
                    label,
                    view,
                    logic: Logic::FirstTexts(parts.clone()),
                });
            }
            decisions.push(DmnDecision {
                id,
                label,
                view,
                logic: Logic::First(parts),
            });
        }
    }
    decisions
}

/// The positions of the decisions when the file is opened.
fn diagram(xml: &mut Xml, decisions: &[DmnDecision<'_>]) -> io::Result<()> {
    parent(xml, "dmndi:DMNDI", &[], |xml| {
        parent(xml, "dmndi:DMNDiagram", &[("id", "diagram")], |xml| {
            for (at, decision) in decisions.iter().enumerate() {
                let (number, x, y) = (at + 1, 160 + at % 3 * 280, 80 + at / 3 * 120);
                let (shape, element) = (format!("shape_{number}"), &decision.id);
                parent(
                    xml,
                    "dmndi:DMNShape",
                    &[("id", &shape), ("dmnElementRef", element)],
                    |xml| {
                        let bounds = [
                            ("x", &*x.to_string()),
                            ("y", &*y.to_string()),
                            ("width", "240"),
                            ("height", "80"),
                        ];
                        empty(xml, "dc:Bounds", &bounds)
                    },
                )?;
            }
            Ok(())
        })
    })
}

fn kind(schema: &Schema, column: Column) -> &'static str {
    if cells::is_flag(schema, column) {
        "boolean"
    } else {
        "string"
    }
}

/// What tables do not say: the systems with ids and attributes, facts that no table asks for, and all roles.
fn declared(xml: &mut Xml, tables: &Tables) -> io::Result<()> {
    parent(xml, "extensionElements", &[], |xml| {
        let namespace = [("xmlns:presync", "urn:presync:tables")];
        parent(xml, "presync:declared", &namespace, |xml| {
            for (_, source) in declarations(tables.schema()) {
                text(xml, "presync:declaration", source.trim_end())?;
            }
            let default = tables.default_role().ok().map(|role| role.id());
            for role in tables.roles().filter(|role| !role.is_implicit()) {
                let kind = if Some(role.id()) == default {
                    "default"
                } else {
                    "role"
                };
                text(xml, &format!("presync:{kind}"), role.name())?;
            }
            Ok(())
        })
    })
}

fn input_data(xml: &mut Xml, name: &str, label: &str, kind: &str) -> io::Result<()> {
    parent(
        xml,
        "inputData",
        &[("id", name), ("name", name), ("label", label)],
        |xml| {
            empty(
                xml,
                "variable",
                &[
                    ("id", &format!("{name}_variable")),
                    ("name", name),
                    ("typeRef", kind),
                ],
            )
        },
    )
}

fn write_decision(
    xml: &mut Xml,
    identifiers: &Identifiers,
    decision: &DmnDecision<'_>,
) -> io::Result<()> {
    let DmnDecision {
        id,
        label,
        view,
        logic,
    } = decision;
    // Nothing refers to a decision by name, so the name can be the readable one.
    let attributes = [("id", id.as_str()), ("name", label), ("label", label)];
    parent(xml, "decision", &attributes, |xml| {
        extension(xml, view, logic)?;
        let variable = [("id", &*format!("{id}_variable")), ("name", id)];
        empty(xml, "variable", &variable)?;
        match logic {
            Logic::Rows { table, .. } | Logic::Texts { table, .. } => {
                let columns = columns_of(table, matches!(logic, Logic::Texts { .. }));
                let columns = columns
                    .iter()
                    .map(|at| identifiers.column(table.columns[*at]));
                for input in std::iter::once("entered").chain(columns) {
                    requires(xml, id, "requiredInput", input)?;
                }
                decision_table(xml, identifiers, decision, table)
            }
            Logic::First(parts) => {
                for (part, _) in parts {
                    requires(xml, id, "requiredDecision", part)?;
                }
                let unmapped = r#"{outcome: "unmapped", state: null}"#;
                let choice =
                    parts
                        .iter()
                        .rev()
                        .fold(unmapped.to_owned(), |otherwise, (part, _)| {
                            format!("if {part} != null then {part} else {otherwise}")
                        });
                expression(xml, id, &choice)
            }
            Logic::FirstTexts(parts) => {
                for (part, texts) in parts {
                    for needed in [Some(part), texts.as_ref()].into_iter().flatten() {
                        requires(xml, id, "requiredDecision", needed)?;
                    }
                }
                let choice =
                    parts
                        .iter()
                        .rev()
                        .fold("[]".to_owned(), |otherwise, (part, texts)| {
                            let texts = texts.as_deref().unwrap_or("[]");
                            format!("if {part} != null then {texts} else {otherwise}")
                        });
                expression(xml, id, &choice)
            }
        }
    })
}

fn requires(xml: &mut Xml, id: &str, kind: &str, needed: &str) -> io::Result<()> {
    let of = [("id", &*format!("{id}_needs_{needed}"))];
    parent(xml, "informationRequirement", &of, |xml| {
        empty(xml, kind, &[("href", &format!("#{needed}"))])
    })
}

fn expression(xml: &mut Xml, id: &str, feel: &str) -> io::Result<()> {
    let of = [("id", &*format!("{id}_expression"))];
    parent(xml, "literalExpression", &of, |xml| text(xml, "text", feel))
}

/// For `presync import`: each name in its own element, so that any name is unambiguous.
fn extension(xml: &mut Xml, view: &View<'_>, logic: &Logic<'_>) -> io::Result<()> {
    let (part, number) = match logic {
        Logic::Rows { number, .. } => ("rows", *number),
        Logic::Texts { number, .. } => ("texts", *number),
        Logic::First(_) | Logic::FirstTexts(_) => return Ok(()),
    };
    let (implicit, number) = (view.implicit.to_string(), number.to_string());
    let names = [
        ("part", part),
        ("number", &number),
        ("role", view.role),
        ("implicit", &implicit),
        ("from", &view.from().name),
        ("to", &view.to().name),
    ];
    parent(xml, "extensionElements", &[], |xml| {
        let namespace = [("xmlns:presync", "urn:presync:tables")];
        parent(xml, "presync:table", &namespace, |xml| {
            let mut names = names.into_iter();
            names.try_for_each(|(element, name)| text(xml, &format!("presync:{element}"), name))
        })
    })
}

fn decision_table(
    xml: &mut Xml,
    identifiers: &Identifiers,
    decision: &DmnDecision<'_>,
    table: &Rows,
) -> io::Result<()> {
    let DmnDecision {
        id, view, logic, ..
    } = decision;
    let (schema, from) = (view.schema, view.from());
    let texts = matches!(logic, Logic::Texts { .. });
    let policy = if texts { "COLLECT" } else { "UNIQUE" };
    let of = [("id", &*format!("{id}_table")), ("hitPolicy", policy)];
    parent(xml, "decisionTable", &of, |xml| {
        let states: Vec<String> = from
            .states
            .iter()
            .map(|state| string(&state.name))
            .collect();
        input(
            xml,
            id,
            ("entered", &from.name, "string"),
            &states.join(", "),
        )?;
        let columns = columns_of(table, texts);
        for column in columns.iter().map(|at| &table.columns[*at]) {
            let values: Vec<u32> = (0..schema.column_size(*column)).collect();
            let head = (
                identifiers.column(*column),
                &*cells::label(schema, *column),
                kind(schema, *column),
            );
            input(xml, id, head, &entry(schema, *column, &values))?;
        }
        let outputs: &[&str] = if texts {
            &["text"]
        } else {
            &["outcome", "state"]
        };
        for name in outputs {
            let output = [
                ("id", &*format!("{id}_{name}")),
                ("name", name),
                ("typeRef", "string"),
            ];
            empty(xml, "output", &output)?;
        }
        empty(xml, "annotation", &[("name", "decided by")])?;
        let mut number = 0;
        let mut next = || {
            number += 1;
            format!("{id}_row_{number}")
        };
        if texts {
            for appendix in &table.appendices {
                for row in &appendix.rows {
                    let cells = cells_of(view, (table, &columns), &row.when, &row.from);
                    rule(xml, &next(), &cells, &[string(&appendix.text)], "")?;
                }
            }
            return Ok(());
        }
        for row in &table.rows {
            let outputs = [
                string(row.outcome.kind()),
                view.target(row).map_or("null".to_owned(), string),
            ];
            let cells = cells_of(view, (table, &columns), &row.when, &row.from);
            let origin = cells::origin(row).replace('\n', ", ");
            rule(xml, &next(), &cells, &outputs, &origin)?;
        }
        Ok(())
    })
}

/// `name`: for FEEL; `label`: for people.
fn input(
    xml: &mut Xml,
    id: &str,
    (name, label, kind): (&str, &str, &str),
    allowed: &str,
) -> io::Result<()> {
    parent(
        xml,
        "input",
        &[("id", &format!("{id}_input_{name}")), ("label", label)],
        |xml| {
            let expression = [
                ("id", &*format!("{id}_expression_{name}")),
                ("typeRef", kind),
            ];
            parent(xml, "inputExpression", &expression, |xml| {
                text(xml, "text", name)
            })?;
            parent(
                xml,
                "inputValues",
                &[("id", &format!("{id}_values_{name}"))],
                |xml| text(xml, "text", allowed),
            )
        },
    )
}

/// The condition of a row as FEEL unary tests.
fn cells_of(
    view: &View<'_>,
    (table, columns): (&Rows, &[usize]),
    when: &Cells,
    from: &[StateId],
) -> Vec<String> {
    let any = || "-".to_owned();
    let join = |names: Vec<&str>| names.into_iter().map(string).collect::<Vec<_>>().join(", ");
    let mut inputs = vec![view.entered(from).map_or_else(any, join)];
    inputs.extend(columns.iter().map(|at| {
        let values = when[*at].as_ref();
        values.map_or_else(any, |of| entry(view.schema, table.columns[*at], of))
    }));
    inputs
}

/// The columns that some row of a table or of its texts tests.
fn columns_of(table: &Rows, texts: bool) -> Vec<usize> {
    let tested = |at: &usize| {
        let appended = table.appendices.iter().flat_map(|appendix| &appendix.rows);
        if texts {
            appended.clone().any(|row| row.when[*at].is_some())
        } else {
            table.rows.iter().any(|row| row.when[*at].is_some())
        }
    };
    (0..table.columns.len()).filter(tested).collect()
}

fn rule(
    xml: &mut Xml,
    id: &str,
    inputs: &[String],
    outputs: &[String],
    origin: &str,
) -> io::Result<()> {
    parent(xml, "rule", &[("id", id)], |xml| {
        for (element, short, entries) in [
            ("inputEntry", "in", inputs),
            ("outputEntry", "out", outputs),
        ] {
            for (place, entry) in entries.iter().enumerate() {
                let id = format!("{id}_{short}_{place}");
                parent(xml, element, &[("id", &id)], |xml| text(xml, "text", entry))?;
            }
        }
        parent(xml, "annotationEntry", &[], |xml| text(xml, "text", origin))
    })
}

/// Values as a FEEL unary test: any of them. An unset input (`null`) is false, or the default of a
/// choice.
fn entry(schema: &Schema, column: Column, values: &[u32]) -> String {
    let default = cells::default_value(schema, column);
    let values = schema.inputs(column, values).map(|input| match input {
        Input::Flag(true) => "true".to_owned(),
        Input::Flag(false) => "false, null".to_owned(),
        Input::Name(name) if default == Some(name) => {
            format!("{}, null", string(name))
        }
        Input::Name(name) => string(name),
        Input::Unknown => "null".to_owned(),
    });
    values.collect::<Vec<_>>().join(", ")
}

/// A FEEL string.
fn string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            char if char.is_control() || matches!(char, '\u{fffe}' | '\u{ffff}') => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(char));
            }
            char => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}
