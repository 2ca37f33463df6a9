//! A table's cells as people read them, and what the formats share.

use crate::export::ExportError;
use crate::text::conditions::conditions;
use presync::quote::{quote, quote_always};
use presync_engine::table::{Body, Cells, Column, FactKind, Outcome, Role, Row, Table, Tables};

/// One table of rows.
pub(crate) struct View<'t> {
    pub role: &'t Role,
    pub table: &'t Table,
    pub rows: &'t [Row],
}

/// All tables, by role and direction.
///
/// # Errors
/// One has too many rows to be written as rows.
pub(crate) fn views(tables: &Tables) -> Result<Vec<View<'_>>, ExportError> {
    let all = tables
        .roles
        .iter()
        .flat_map(|role| role.tables.iter().map(move |table| (role, table)));
    all.map(|(role, table)| match &table.body {
        Body::Rows(rows) => Ok(View { role, table, rows }),
        Body::Diagrams(_) => Err(ExportError(format!(
            "the table of role `{}` from {} to {} would have too many rows; `--to json` has it as a diagram",
            role.name, tables.systems[table.from].name, tables.systems[table.to].name
        ))),
    })
    .collect()
}

/// `in_queue\nand user_type is im`, or `always`.
pub fn when(tables: &Tables, columns: &[Column], cells: &Cells) -> String {
    let conditions = conditions(tables, columns, cells);
    if conditions.is_empty() {
        "always".to_owned()
    } else {
        conditions.join("\nand ")
    }
}

/// The states entered, one a line: `any`, `any but`, or the list.
pub fn entered(tables: &Tables, table: &Table, row: &Row) -> String {
    let states = &tables.systems[table.from].states;
    if row.from.len() == states.len() {
        return "any".to_owned();
    }
    let name = |state: usize| quote(&states[state].name);
    if row.from.len() * 2 > states.len() {
        let others: Vec<String> = (0..states.len())
            .filter(|state| !row.from.contains(&(*state as u32)))
            .map(name)
            .collect();
        return format!("any but\n{}", others.join("\n"));
    }
    let names: Vec<String> = row.from.iter().map(|state| name(*state as usize)).collect();
    names.join("\n")
}

/// `Away\nappend "in queue"`, `(unchanged)`, `(unmapped)`.
pub fn outcome(tables: &Tables, table: &Table, row: &Row) -> String {
    match &row.outcome {
        Outcome::Unmapped => "(unmapped)".to_owned(),
        Outcome::Unchanged => "(unchanged)".to_owned(),
        Outcome::Set { state, append } => {
            let texts: Vec<String> = append.iter().map(|text| quote_always(text)).collect();
            let state = quote(&tables.systems[table.to].states[*state as usize].name);
            if texts.is_empty() {
                state
            } else {
                format!("{state}\nappend {}", texts.join(", "))
            }
        }
    }
}

/// Who decides, one a line: `"Voice" (agents.presync:14)`.
pub fn origin(row: &Row) -> String {
    let mut lines: Vec<String> = row
        .origins
        .iter()
        .map(|origin| format!("{} ({})", quote_always(&origin.profile), origin.rule))
        .collect();
    lines.sort();
    lines.dedup();
    lines.join("\n")
}

/// `set`, `unchanged` or `unmapped`; the state by name; the texts.
pub(crate) fn parts<'t>(
    tables: &'t Tables,
    table: &Table,
    row: &'t Row,
) -> (&'static str, Option<&'t str>, &'t [String]) {
    match &row.outcome {
        Outcome::Unmapped => ("unmapped", None, &[]),
        Outcome::Unchanged => ("unchanged", None, &[]),
        Outcome::Set { state, append } => (
            "set",
            Some(&tables.systems[table.to].states[*state as usize].name),
            append,
        ),
    }
}

/// The value of a choice until somebody sets it, by name.
pub(crate) fn default_value(tables: &Tables, column: Column) -> Option<&str> {
    let Column::Fact(at) = column else {
        return None;
    };
    match &tables.facts[at].kind {
        FactKind::Choice {
            values,
            default: Some(default),
        } => Some(&values[*default as usize]),
        _ => None,
    }
}

/// Member names that every system takes without quotes: `fact_in_queue`, `state_lync`; a number where the name is not
/// of letters, digits and `_` alone, or collides with another when case is ignored.
pub(crate) struct Identifiers {
    facts: Vec<String>,
    systems: Vec<String>,
}

impl Identifiers {
    pub fn new(tables: &Tables) -> Self {
        let mut taken = std::collections::BTreeSet::new();
        let mut identifier = |prefix: &str, at: usize, name: &str| {
            let plain = name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                && name.len() <= 40;
            let wanted = format!("{prefix}_{}", name.to_ascii_lowercase());
            if plain && taken.insert(wanted.clone()) {
                return wanted;
            }
            // Numbers after `__` collide with no name: it would have to begin with `_`, and is told apart here.
            let mut number = format!("{prefix}__{}", at + 1);
            while !taken.insert(number.clone()) {
                number.push('_');
            }
            number
        };
        let facts = tables
            .facts
            .iter()
            .enumerate()
            .map(|(at, fact)| identifier("fact", at, &fact.name))
            .collect();
        let systems = tables
            .systems
            .iter()
            .enumerate()
            .map(|(at, system)| identifier("state", at, &system.name))
            .collect();
        Self { facts, systems }
    }

    pub fn column(&self, column: Column) -> &str {
        match column {
            Column::Fact(at) => &self.facts[at],
            Column::State(at) => &self.systems[at],
        }
    }
}
