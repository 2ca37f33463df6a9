//! DMN 1.3: a decision table for each role and direction, hit policy UNIQUE, complete, with typed inputs, allowed values
//! and a diagram. Inputs have names that FEEL reads as they are; labels carry the user's.

use std::fmt::Write;

use crate::export::words::{self, Identifiers, View, views};
use crate::export::{ExportError, Format};
use crate::table::{Cell, Column, FactKind, Tables};

pub(super) const FORMAT: Format = Format { name: "dmn", description: "DMN 1.3 decision tables", write };

const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" xmlns:dmndi="https://www.omg.org/spec/DMN/20191111/DMNDI/" xmlns:dc="http://www.omg.org/spec/DMN/20180521/DC/" id="presync" name="presync" namespace="urn:presync:tables">
"#;

fn write(tables: &Tables) -> Result<String, ExportError> {
    let identifiers = Identifiers::new(tables);
    let views = views(tables)?;
    let mut text = String::from(HEAD);
    let _ = writeln!(text, "  <description>Decision tables of Presync, {}</description>", xml(&tables.digest));
    input_data(&mut text, "entered", "the state entered", "string");
    let columns = (0..tables.facts.len()).map(Column::Fact).chain((0..tables.systems.len()).map(Column::State));
    for column in columns {
        input_data(&mut text, identifiers.column(column), tables.column_name(column), kind(tables, column));
    }
    for (at, view) in views.iter().enumerate() {
        decision(&mut text, tables, &identifiers, view, at + 1);
    }
    text.push_str("  <dmndi:DMNDI>\n    <dmndi:DMNDiagram id=\"diagram\">\n");
    for at in 0..views.len() {
        let (number, x, y) = (at + 1, 160 + at % 3 * 240, 80 + at / 3 * 120);
        let _ = writeln!(
            text,
            "      <dmndi:DMNShape id=\"shape_{number}\" dmnElementRef=\"decision_{number}\"><dc:Bounds x=\"{x}\" \
             y=\"{y}\" width=\"180\" height=\"80\"/></dmndi:DMNShape>"
        );
    }
    text.push_str("    </dmndi:DMNDiagram>\n  </dmndi:DMNDI>\n</definitions>\n");
    Ok(text)
}

fn kind(tables: &Tables, column: Column) -> &'static str {
    match column {
        Column::Fact(at) if tables.facts[at].kind == FactKind::Flag => "boolean",
        _ => "string",
    }
}

fn input_data(text: &mut String, name: &str, label: &str, kind: &str) {
    let label = xml(label);
    let _ = writeln!(
        text,
        "  <inputData id=\"{name}\" name=\"{name}\" label=\"{label}\"><variable id=\"{name}_variable\" name=\"{name}\" \
         typeRef=\"{kind}\"/></inputData>"
    );
}

fn decision(text: &mut String, tables: &Tables, identifiers: &Identifiers, view: &View<'_>, number: usize) {
    let id = format!("decision_{number}");
    let (from, to) = (&tables.systems[view.table.from], &tables.systems[view.table.to]);
    let label = xml(&format!("{}: {} → {}", view.role.name, from.name, to.name));
    let _ = writeln!(text, "  <decision id=\"{id}\" name=\"{id}\" label=\"{label}\">");
    let _ = writeln!(text, "    <variable id=\"{id}_variable\" name=\"{id}\"/>");
    let inputs: Vec<&str> =
        std::iter::once("entered").chain(view.table.columns.iter().map(|column| identifiers.column(*column))).collect();
    for input in &inputs {
        let _ = writeln!(
            text,
            "    <informationRequirement id=\"{id}_needs_{input}\"><requiredInput href=\"#{input}\"/></informationRequirement>"
        );
    }
    let _ = writeln!(text, "    <decisionTable id=\"{id}_table\" hitPolicy=\"UNIQUE\">");
    let states: Vec<String> = from.states.iter().map(|state| string(&state.name)).collect();
    input(text, &id, "entered", &from.name, "string", &states.join(", "));
    for column in &view.table.columns {
        let values: Vec<u32> = (0..tables.size(*column)).collect();
        let allowed = entry(tables, *column, &values);
        input(text, &id, identifiers.column(*column), tables.column_name(*column), kind(tables, *column), &allowed);
    }
    for (name, kind) in [("outcome", "string"), ("state", "string"), ("append", "Any")] {
        let _ = writeln!(text, "      <output id=\"{id}_{name}\" name=\"{name}\" typeRef=\"{kind}\"/>");
    }
    text.push_str("      <annotation name=\"decided by\"/>\n");
    for (at, row) in view.rows.iter().enumerate() {
        let rule = format!("{id}_row_{}", at + 1);
        let names: Vec<String> = row.from.iter().map(|state| states[*state as usize].clone()).collect();
        let mut entries = vec![if names.len() == states.len() { "-".to_owned() } else { names.join(", ") }];
        entries.extend(view.table.columns.iter().zip(&row.when).map(|(column, values)| match values {
            Some(values) => entry(tables, *column, values),
            None => "-".to_owned(),
        }));
        let (outcome, state, append) = words::parts(tables, view.table, row);
        let texts: Vec<String> = append.iter().map(|text| string(text)).collect();
        let outputs = [string(outcome), state.map_or("null".to_owned(), string), format!("[{}]", texts.join(", "))];
        let _ = writeln!(text, "      <rule id=\"{rule}\">");
        for (place, entry) in entries.iter().enumerate() {
            let _ =
                writeln!(text, "        <inputEntry id=\"{rule}_in_{place}\"><text>{}</text></inputEntry>", xml(entry));
        }
        for (place, entry) in outputs.iter().enumerate() {
            let _ = writeln!(
                text,
                "        <outputEntry id=\"{rule}_out_{place}\"><text>{}</text></outputEntry>",
                xml(entry)
            );
        }
        let origin = words::origin(row).replace('\n', ", ");
        let _ =
            writeln!(text, "        <annotationEntry><text>{}</text></annotationEntry>\n      </rule>", xml(&origin));
    }
    text.push_str("    </decisionTable>\n  </decision>\n");
}

fn input(text: &mut String, id: &str, name: &str, label: &str, kind: &str, allowed: &str) {
    let (label, allowed) = (xml(label), xml(allowed));
    let _ = writeln!(
        text,
        "      <input id=\"{id}_input_{name}\" label=\"{label}\"><inputExpression id=\"{id}_expression_{name}\" \
         typeRef=\"{kind}\"><text>{name}</text></inputExpression><inputValues id=\"{id}_values_{name}\"><text>{allowed}\
         </text></inputValues></input>"
    );
}

/// Values as a FEEL unary test: any of them. What nobody has set (`null`) is false, or the default of a choice.
fn entry(tables: &Tables, column: Column, values: &[u32]) -> String {
    let default = words::default_value(tables, column);
    let values = values.iter().map(|value| match tables.cell(column, *value) {
        Cell::Flag(true) => "true".to_owned(),
        Cell::Flag(false) => "false, null".to_owned(),
        Cell::Name(name) if default == Some(name.as_str()) => format!("{}, null", string(&name)),
        Cell::Name(name) => string(&name),
        Cell::Unknown(()) => "null".to_owned(),
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
            char if char.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(char));
            }
            char => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}

/// A text within an element or attribute.
fn xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\r' | '\t' => {
                let _ = write!(escaped, "&#{};", u32::from(char));
            }
            // What XML has no way to say, whoever escapes it.
            char if char.is_control() => escaped.extend(char.escape_unicode()),
            char => escaped.push(char),
        }
    }
    escaped
}
