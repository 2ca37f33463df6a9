//! DMN 1.3: a complete decision table with hit policy UNIQUE for each role and direction, and a diagram.
//! Inputs have types, allowed values, names that are valid in FEEL, and labels with the user's names.

use std::fmt::Write as _;
use std::io;

use quick_xml::Writer;
use quick_xml::escape::partial_escape;
use quick_xml::events::{BytesDecl, BytesText, Event};

use crate::export::format::{ExportError, ExportFormat, Write};
use crate::text::cells::{self, Identifiers, View, views};
use presync_engine::{Column, Input, Schema, Tables};

pub(super) const FORMAT: ExportFormat = ExportFormat {
    name: "dmn",
    description: "DMN 1.3 decision tables",
    write: Write::Tables(write),
};

type Xml = Writer<Vec<u8>>;

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
    document(&mut xml, tables.schema(), digest, &views)
        .expect("a buffer in memory takes all that is written");
    Ok(String::from_utf8(xml.into_inner()).expect("only text was written") + "\n")
}

fn document(xml: &mut Xml, schema: &Schema, digest: &str, views: &[View<'_>]) -> io::Result<()> {
    let identifiers = Identifiers::new(schema);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    parent(xml, "definitions", &NAMESPACES, |xml| {
        text(
            xml,
            "description",
            &format!("Decision tables of Presync, {digest}"),
        )?;
        input_data(xml, "entered", "the state entered", "string")?;
        for column in cells::columns(schema) {
            input_data(
                xml,
                identifiers.column(column),
                schema.column_name(column),
                kind(schema, column),
            )?;
        }
        for (at, view) in views.iter().enumerate() {
            decision(xml, &identifiers, view, &format!("decision_{}", at + 1))?;
        }
        diagram(xml, views)
    })
}

/// The positions of the decisions when the file is opened.
fn diagram(xml: &mut Xml, views: &[View<'_>]) -> io::Result<()> {
    parent(xml, "dmndi:DMNDI", &[], |xml| {
        parent(xml, "dmndi:DMNDiagram", &[("id", "diagram")], |xml| {
            for at in 0..views.len() {
                let (number, x, y) = (at + 1, 160 + at % 3 * 280, 80 + at / 3 * 120);
                let (shape, element) = (format!("shape_{number}"), format!("decision_{number}"));
                parent(
                    xml,
                    "dmndi:DMNShape",
                    &[("id", &shape), ("dmnElementRef", &element)],
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

fn decision(xml: &mut Xml, identifiers: &Identifiers, view: &View<'_>, id: &str) -> io::Result<()> {
    let (schema, from, to) = (view.schema, view.from(), view.to());
    let label = format!("{}: {} → {}", view.role, from.name, to.name);
    // Nothing refers to a decision by name, so the name can be the readable one.
    parent(
        xml,
        "decision",
        &[("id", id), ("name", &label), ("label", &label)],
        |xml| {
            // For `presync import`: each name in its own element, so that any name is unambiguous.
            parent(xml, "extensionElements", &[], |xml| {
                let implicit = view.implicit.to_string();
                let names = [
                    ("role", view.role),
                    ("implicit", &implicit),
                    ("from", &from.name),
                    ("to", &to.name),
                ];
                parent(
                    xml,
                    "presync:table",
                    &[("xmlns:presync", "urn:presync:tables")],
                    |xml| {
                        names.into_iter().try_for_each(|(element, name)| {
                            text(xml, &format!("presync:{element}"), name)
                        })
                    },
                )
            })?;
            empty(
                xml,
                "variable",
                &[("id", &format!("{id}_variable")), ("name", id)],
            )?;
            let columns = view
                .table
                .columns()
                .iter()
                .map(|column| identifiers.column(*column));
            for input in std::iter::once("entered").chain(columns) {
                parent(
                    xml,
                    "informationRequirement",
                    &[("id", &format!("{id}_needs_{input}"))],
                    |xml| empty(xml, "requiredInput", &[("href", &format!("#{input}"))]),
                )?;
            }
            parent(
                xml,
                "decisionTable",
                &[("id", &format!("{id}_table")), ("hitPolicy", "UNIQUE")],
                |xml| {
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
                    for column in view.table.columns() {
                        let values: Vec<u32> = (0..schema.column_size(*column)).collect();
                        let head = (
                            identifiers.column(*column),
                            schema.column_name(*column),
                            kind(schema, *column),
                        );
                        input(xml, id, head, &entry(schema, *column, &values))?;
                    }
                    for (name, kind) in [
                        ("outcome", "string"),
                        ("state", "string"),
                        ("append", "Any"),
                    ] {
                        empty(
                            xml,
                            "output",
                            &[
                                ("id", &format!("{id}_{name}")),
                                ("name", name),
                                ("typeRef", kind),
                            ],
                        )?;
                    }
                    empty(xml, "annotation", &[("name", "decided by")])?;
                    (0..view.rows.len())
                        .try_for_each(|at| rule(xml, view, at, &format!("{id}_row_{}", at + 1)))
                },
            )
        },
    )
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

fn rule(xml: &mut Xml, view: &View<'_>, at: usize, id: &str) -> io::Result<()> {
    let row = &view.rows[at];
    let any = || "-".to_owned();
    let join = |names: Vec<&str>| names.into_iter().map(string).collect::<Vec<_>>().join(", ");
    let mut inputs = vec![view.entered(row).map_or_else(any, join)];
    let cells = view.table.columns().iter().zip(&row.when);
    inputs.extend(cells.map(|(column, values)| {
        values
            .as_ref()
            .map_or_else(any, |of| entry(view.schema, *column, of))
    }));
    let texts: Vec<String> = row
        .outcome
        .append()
        .iter()
        .map(|text| string(text))
        .collect();
    let outputs = [
        string(row.outcome.kind()),
        view.target(row).map_or("null".to_owned(), string),
        format!("[{}]", texts.join(", ")),
    ];
    parent(xml, "rule", &[("id", id)], |xml| {
        for (element, short, entries) in [
            ("inputEntry", "in", &*inputs),
            ("outputEntry", "out", &outputs),
        ] {
            for (place, entry) in entries.iter().enumerate() {
                let id = format!("{id}_{short}_{place}");
                parent(xml, element, &[("id", &id)], |xml| text(xml, "text", entry))?;
            }
        }
        let origin = cells::origin(row).replace('\n', ", ");
        parent(xml, "annotationEntry", &[], |xml| {
            text(xml, "text", &origin)
        })
    })
}

fn parent(
    xml: &mut Xml,
    name: &str,
    attributes: &[(&str, &str)],
    children: impl FnOnce(&mut Xml) -> io::Result<()>,
) -> io::Result<()> {
    let attributes: Vec<(&str, String)> = attributes
        .iter()
        .map(|(name, value)| (*name, escape_for_xml(value)))
        .collect();
    let attributes = attributes
        .iter()
        .map(|(name, value)| (*name, value.as_str()));
    xml.create_element(name)
        .with_attributes(attributes)
        .write_inner_content(children)?;
    Ok(())
}

fn empty(xml: &mut Xml, name: &str, attributes: &[(&str, &str)]) -> io::Result<()> {
    xml.create_element(name)
        .with_attributes(attributes.iter().copied())
        .write_empty()?;
    Ok(())
}

fn text(xml: &mut Xml, name: &str, text: &str) -> io::Result<()> {
    // Quotes need no escape within an element, and FEEL is full of them.
    let text = BytesText::from_escaped(partial_escape(escape_for_xml(text)));
    xml.create_element(name).write_text_content(text)?;
    Ok(())
}

/// Replaces characters that XML cannot represent, even escaped, by a visible escape.
fn escape_for_xml(text: &str) -> String {
    let mut said = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\n' | '\r' | '\t' => said.push(char),
            '\u{fffe}' | '\u{ffff}' => said.extend(char.escape_unicode()),
            char if char.is_control() => said.extend(char.escape_unicode()),
            char => said.push(char),
        }
    }
    said
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
