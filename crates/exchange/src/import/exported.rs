//! Imports the CSV and spreadsheets that `presync export` wrote: declarations, and rows of decision tables.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use crate::export::rows::{COLUMNS, DECLARED, DEFAULT_ROLE};
use crate::import::sheet::{Sheet, SheetRow};
use crate::import::{ImportError, Imported, ensure_parses};
use presync::{Program, quote, quote_text};

/// Whether the first row has the headings of an export.
pub(super) fn is_exported(sheets: &[Sheet]) -> bool {
    let first = sheets.iter().filter_map(|sheet| sheet.rows.first());
    first.clone().next().is_some()
        && first.into_iter().all(|row| {
            row.cells
                .iter()
                .zip(COLUMNS)
                .all(|(cell, wanted)| cell == wanted)
                && row.cells.len() >= COLUMNS.len()
        })
}

/// A role and direction, and the number of its table.
type TableKey = (String, String, String, String);

pub(super) fn read(sheets: &[Sheet]) -> Result<Imported, ImportError> {
    let rows = || sheets.iter().flat_map(|sheet| sheet.rows.iter().skip(1));
    let mut text = String::new();
    let mut default = None;
    for row in rows().filter(|row| cell(row, 0) == DECLARED) {
        if cell(row, 1) == DEFAULT_ROLE {
            default = Some(cell(row, 3).to_owned());
        } else {
            text.push_str(&format!("{}\n", cell(row, 3)));
        }
    }
    let declared = Program::check_source("declared.presync", &text)
        .map_err(|errors| ImportError::Unsayable(errors.to_string()))?;
    let states = |system: &str| -> Vec<String> {
        let schema = &declared.schema;
        let system = schema
            .find_system(system)
            .map(|system| schema.system(system));
        let states = system.into_iter().flat_map(|system| &system.states);
        states.map(|state| state.name.clone()).collect()
    };
    let mut tables: IndexMap<TableKey, String> = IndexMap::new();
    for row in rows().filter(|row| cell(row, 0) != DECLARED) {
        let [role, from, to] = [0, 1, 2].map(|at| cell(row, at).to_owned());
        let number = cell(row, COLUMNS.len()).to_owned();
        let rule = rule(row, &states(&from)).map_err(|what| ImportError::Line {
            line: row.line,
            what,
        })?;
        tables
            .entry((role, from, to, number))
            .or_default()
            .push_str(&rule);
    }
    let mut roles: IndexMap<String, Vec<String>> = IndexMap::new();
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    for ((role, from, to, number), rules) in tables {
        let profiles = roles.entry(role.clone()).or_default();
        let number = if number.is_empty() {
            String::new()
        } else {
            format!(" {number}")
        };
        let mut name = format!("{role}: {from} to {to}{number}");
        let count = taken.entry(name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            name = format!("{name} ({count})");
        }
        text.push_str(&format!("\nprofile {} {{\n{rules}}}\n", quote_text(&name)));
        profiles.push(quote_text(&name));
    }
    for (role, profiles) in roles {
        let is_default = if default.as_ref() == Some(&role) {
            "default "
        } else {
            ""
        };
        text.push_str(&format!(
            "\n{is_default}role {} uses {}\n",
            quote_text(&role),
            profiles.join(", ")
        ));
    }
    ensure_parses(Imported {
        source: text,
        understood: vec!["the tables of `presync export`".to_owned()],
        not_imported: Vec::new(),
    })
}

fn cell(row: &SheetRow, at: usize) -> &str {
    row.cells.get(at).map_or("", String::as_str)
}

/// A rule or text of a row; nothing for an unmapped one.
fn rule(row: &SheetRow, all: &[String]) -> Result<String, String> {
    let [from, to, when, states, outcome] = [1, 2, 3, 4, 5].map(|at| cell(row, at));
    let source = match states.strip_prefix("any but ") {
        Some(others) => {
            let others: Vec<String> = names(others)?;
            let kept = all.iter().filter(|state| !others.contains(state));
            kept.map(|state| quote(state))
                .collect::<Vec<_>>()
                .join(" | ")
        }
        None => states.to_owned(),
    };
    let always = when == "always" || when.is_empty();
    let condition = if always {
        String::new()
    } else {
        format!("when {when}: ")
    };
    if outcome.starts_with("append ") {
        let mut conditions: Vec<String> = (!always).then(|| when.to_owned()).into_iter().collect();
        if source != "any" {
            conditions.push(format!("{} is {source}", quote(from)));
        }
        let when = match conditions.as_slice() {
            [] => String::new(),
            conditions => format!("when {}: ", conditions.join(" and ")),
        };
        return Ok(format!("{when}{outcome} to {}\n", quote(to)));
    }
    let target = match outcome {
        "unmapped" => return Ok(String::new()),
        other => other,
    };
    Ok(format!(
        "{condition}{} {source} -> {} {target}\n",
        quote(from),
        quote(to)
    ))
}

/// The names of a list of the language: `Busy | "At Lunch"`.
fn names(list: &str) -> Result<Vec<String>, String> {
    let given = presync::parse_given(&format!("x={}", list.replace(" | ", ",x=")));
    let given = given.map_err(|error| format!("cannot read `{list}`: {error}"))?;
    let names = given.into_iter().filter_map(|one| one.value);
    Ok(names.map(|value| value.text.to_string()).collect())
}
