//! Imports the CSV and spreadsheets that `presync export` wrote, possibly edited by hand: declarations, and rows of decision
//! tables. Each cell is parsed; nothing is copied into the source as it is.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use crate::export::rows::{COLUMNS, DECLARED, DEFAULT_ROLE, NUMBER, OVERVIEW};
use crate::import::conditions::in_language;
use crate::import::sheet::{Sheet, SheetRow};
use crate::import::{ImportError, ImportOptions, Imported, ensure_parses};
use presync::tree::{DeclarationKind, ItemKind, Term};
use presync::{FileId, Program, SourceFile, quote, quote_text};

/// Where the columns of an export are: for each sheet, the row with the headings.
pub(super) struct ExportedSheets(Vec<Option<usize>>);

/// The rows with the headings of an export; `None` if no sheet has them.
pub(super) fn find(sheets: &[Sheet]) -> Option<ExportedSheets> {
    let is_heading = |row: &SheetRow| {
        let mut cells = row.cells.iter().zip(COLUMNS);
        row.cells.len() >= COLUMNS.len()
            && cells.all(|(cell, wanted)| cell.eq_ignore_ascii_case(wanted))
    };
    let rows = sheets
        .iter()
        .map(|sheet| sheet.rows.iter().position(is_heading));
    let rows: Vec<Option<usize>> = rows.collect();
    rows.iter()
        .any(Option::is_some)
        .then_some(ExportedSheets(rows))
}

/// A role and direction, and the number of its table.
type TableKey = (String, String, String, String);

pub(super) fn read(
    sheets: &[Sheet],
    ExportedSheets(headings): &ExportedSheets,
    options: &ImportOptions,
) -> Result<Imported, ImportError> {
    if !options.columns.is_empty() || !options.ignored.is_empty() {
        return Err(ImportError::Column(
            "a table of `presync export` has fixed columns: remove `--column` and `--ignore-column`".to_owned(),
        ));
    }
    let mut not_imported = Vec::new();
    let mut rows: Vec<&SheetRow> = Vec::new();
    for (sheet, heading) in sheets.iter().zip(headings) {
        let Some(heading) = heading else {
            if sheet
                .rows
                .iter()
                .take(2)
                .any(|row| cell(row, 0) == OVERVIEW)
            {
                continue;
            }
            not_imported.push(format!("sheet `{}`", sheet.name));
            continue;
        };
        let numbered = cell(&sheet.rows[*heading], COLUMNS.len()).eq_ignore_ascii_case(NUMBER);
        let known = COLUMNS.len() + usize::from(numbered);
        let below = &sheet.rows[heading + 1..];
        let widest = below.iter().map(|row| row.cells.len()).max().unwrap_or(0);
        for at in known..widest {
            if below.iter().any(|row| !cell(row, at).is_empty()) {
                let name = cell(&sheet.rows[*heading], at);
                not_imported.push(format!("column {} `{name}`", at + 1));
            }
        }
        rows.extend(below);
    }
    let mut text = String::new();
    let mut default = None;
    for row in rows.iter().filter(|row| cell(row, 0) == DECLARED) {
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
    for row in rows.iter().filter(|row| cell(row, 0) != DECLARED) {
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
        not_imported,
    })
}

fn cell(row: &SheetRow, at: usize) -> &str {
    row.cells.get(at).map_or("", String::as_str)
}

/// A rule or text of a row; nothing for an unmapped one.
fn rule(row: &SheetRow, all: &[String]) -> Result<String, String> {
    let [role, from, to, when, states, outcome] = [0, 1, 2, 3, 4, 5].map(|at| cell(row, at));
    for (cell, column) in [role, from, to, when, states, outcome].iter().zip(COLUMNS) {
        if cell.is_empty() {
            return Err(format!("the column `{column}` is empty"));
        }
    }
    let source = match states.strip_prefix("any but ") {
        Some(others) => {
            let others = names(others)?;
            if let Some(unknown) = others.iter().find(|other| !all.contains(other)) {
                return Err(format!("{from} has no state `{unknown}`"));
            }
            let kept = all.iter().filter(|state| !others.contains(state));
            kept.map(|state| quote(state))
                .collect::<Vec<_>>()
                .join(" | ")
        }
        None if states == "any" => states.to_owned(),
        None => {
            let names = names(states)?;
            names
                .iter()
                .map(|name| quote(name))
                .collect::<Vec<_>>()
                .join(" | ")
        }
    };
    let always = when == "always";
    if !always && in_language(when).is_none() {
        return Err(format!("`{when}` is not a condition"));
    }
    let (from, to) = (quote(from), quote(to));
    if outcome.starts_with("append ") {
        let mut conditions: Vec<String> =
            (!always).then(|| format!("({when})")).into_iter().collect();
        if source != "any" {
            conditions.push(format!("{from} is {source}"));
        }
        let when = match conditions.as_slice() {
            [] => String::new(),
            conditions => format!("when {}: ", conditions.join(" and ")),
        };
        let rule = format!("{when}{outcome} to {to}");
        return one_item(&rule).ok_or_else(|| format!("`{outcome}` is not a text to append"));
    }
    let target = match outcome.to_lowercase().as_str() {
        "unmapped" => return Ok(String::new()),
        word @ ("unchanged" | "previous") => word.to_owned(),
        _ => outcome.to_owned(),
    };
    let condition = if always {
        String::new()
    } else {
        format!("when {when}: ")
    };
    one_item(&format!("{condition}{from} {source} -> {to} {target}"))
        .ok_or_else(|| format!("`{outcome}` is not a state"))
}

/// The source of an item of a profile, if it is exactly one.
fn one_item(source: &str) -> Option<String> {
    item(source, &|_| Some(format!("{source}\n")))
}

/// The names of a list of the language: `Busy | "At Lunch"`.
fn names(list: &str) -> Result<Vec<String>, String> {
    let name = |term: &Term| match term {
        Term::Name(name) => Some(name.text.to_string()),
        _ => None,
    };
    let names = item(&format!("x {list} -> y z"), &|kind| match kind {
        ItemKind::Rule(rule) => rule.left.terms.iter().map(name).collect(),
        _ => None,
    });
    names.ok_or_else(|| format!("`{list}` is not a list of states"))
}

/// Parses the only item of a profile.
fn item<T>(source: &str, read: &dyn Fn(&ItemKind) -> Option<T>) -> Option<T> {
    let source = format!("profile p {{\n{source}\n}}\n");
    let file = SourceFile::new("", source.into_bytes(), false);
    let (tree, errors) = presync::parse_file(FileId(0), &file);
    match tree.declarations.as_slice() {
        [declaration] if errors.is_empty() => match &declaration.kind {
            DeclarationKind::Profile { items, .. } => match &**items {
                [item] => read(&item.kind),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}
