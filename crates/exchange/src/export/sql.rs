//! SQL: the rows as a table, a table for events, and a view that decides them.
//! The same script runs on SQLite, DuckDB, PostgreSQL and Spark SQL, so it uses only their common subset.

use std::collections::BTreeSet;

use crate::export::format::{ExportError, ExportFormat, Write};
use crate::text::cells::{self, Identifiers, View, views};
use presync::{Rows, visible};
use presync_engine::{Cells, Column, Input, Schema, State, StateId, SystemId, Tables};

pub(super) const FORMAT: ExportFormat = ExportFormat {
    name: "sql",
    description: "one script for SQLite, DuckDB, PostgreSQL and Spark SQL",
    write: Write::Tables(write),
};

fn write(tables: &Tables) -> Result<String, ExportError> {
    let schema = tables.schema();
    let identifiers = Identifiers::new(schema);
    let views = views(tables)?;
    let mut text = format!(
        "-- Decision tables of Presync, {}\n--\n-- presync_rows: one line for each row of a decision table.\n\
         -- presync_events: put the changes to decide in here: who, the role, the system that changed and the state it\n\
         -- entered, the facts (null: not set yet), and the state that each system shows (null: not known).\n\
         -- presync_decisions: each event with every other system's outcome: set, previous, unchanged or unmapped; or\n\
         -- rejected, with the reason as its origin: a name that the tables do not have, or a choice without a value.\n\
         -- States are given by name or id, in the case in which they are declared.\n--\n",
        tables.digest()?
    );
    let columns = cells::columns(schema, &views);
    for column in &columns {
        let name = comment(schema.column_name(*column));
        let by_hand = matches!(column, Column::ByHand(_));
        let by_hand = if by_hand { " by hand" } else { "" };
        text.push_str(&format!(
            "-- {} is {name}{by_hand}\n",
            identifiers.column(*column)
        ));
    }
    let own = || schema.previous().iter();
    for system in own() {
        let name = comment(&schema.system(*system).name);
        let own = identifiers.own(*system);
        text.push_str(&format!(
            "-- {own} is the own state of {name}: the last settable state that was chosen by hand or decided by another system\n\
             -- (systems with a rule that sets `previous` do not count). The outcome `previous` sets it, where it is not null.\n"
        ));
    }
    text.push_str(
        "\nCREATE TABLE presync_rows (\n    row_number INTEGER,\n    to_system VARCHAR(2000),\n    outcome VARCHAR(16),\n    \
         state VARCHAR(2000),\n    origin VARCHAR(8000)\n);\n\nCREATE TABLE presync_events (\n    \
         event_id BIGINT,\n    role VARCHAR(2000),\n    from_system VARCHAR(2000),\n    entered VARCHAR(2000)",
    );
    for column in &columns {
        let kind = if cells::is_flag(schema, *column) {
            "BOOLEAN"
        } else {
            "VARCHAR(2000)"
        };
        text.push_str(&format!(",\n    {} {kind}", identifiers.column(*column)));
    }
    for system in own() {
        text.push_str(&format!(
            ",\n    {} VARCHAR(2000)",
            identifiers.own(*system)
        ));
    }
    text.push_str("\n);\n");
    text.push_str(
        "\n-- events of an unknown role or system\n\
         INSERT INTO presync_rows VALUES (0, NULL, 'rejected', NULL, 'unknown role or system');\n",
    );
    let default = tables
        .default_role()
        .ok()
        .map(|role| role.name().to_owned());
    let mut cases = Vec::new();
    let mut number = 0;
    for view in &views {
        let (from, to) = (&view.from().name, &view.to().name);
        text.push_str(&format!(
            "\n-- role {}, {} to {}\n",
            comment(view.role),
            comment(from),
            comment(to)
        ));
        let first = number;
        for row in view.tables.iter().flat_map(|table| &table.rows) {
            number += 1;
            let (kind, state) = (row.outcome.kind(), view.target(row));
            let origin = cells::origin(row).replace('\n', ", ");
            let literal = |text: Option<&str>| text.map_or("NULL".to_owned(), literal);
            text.push_str(&format!(
                "INSERT INTO presync_rows VALUES ({number}, {}, '{kind}', {}, {});\n",
                literal(Some(to)),
                literal(state),
                literal(Some(origin.as_str()).filter(|origin| !origin.is_empty())),
            ));
        }
        if !view.complete {
            number += 1;
            text.push_str(&format!(
                "INSERT INTO presync_rows VALUES ({number}, {}, 'unmapped', NULL, NULL);\n",
                literal(to)
            ));
        }
        number += 1;
        text.push_str(&format!(
            "INSERT INTO presync_rows VALUES ({number}, {}, 'rejected', NULL, 'unknown state or value, or a choice without \
             one');\n",
            literal(to)
        ));
        let to = view.direction.to();
        let state = if schema.has_previous(to) {
            let own = identifiers.own(to);
            format!("CASE WHEN r.outcome = 'previous' THEN v.{own} ELSE r.state END AS state")
        } else {
            "r.state".to_owned()
        };
        cases.push((
            case(
                &identifiers,
                view,
                first,
                default.as_deref() == Some(view.role),
            ),
            appendix(&identifiers, view, first),
            state,
        ));
    }
    text.push_str("\nCREATE VIEW presync_decisions AS\n");
    let mut selects: Vec<String> = cases
        .into_iter()
        .map(|(case, appendix, state)| {
            format!(
                "SELECT v.event_id, v.role, v.from_system, v.entered, r.to_system, r.outcome, {state}, {appendix} AS \
                 appendix, r.origin\nFROM (\n{case}\n) v JOIN presync_rows r ON r.row_number = v.row_number"
            )
        })
        .collect();
    selects.push(unknown(tables));
    text.push_str(&selects.join("\nUNION ALL\n"));
    text.push_str(";\n");
    Ok(text)
}

/// The events whose role or system the tables do not have.
fn unknown(tables: &Tables) -> String {
    let listed = |names: &mut dyn Iterator<Item = &str>| {
        let names: Vec<String> = names.map(literal).collect();
        names.join(", ")
    };
    let roles = listed(&mut tables.roles().map(|role| role.name()));
    let systems = listed(
        &mut tables
            .schema()
            .systems()
            .map(|(_, system)| system.name.as_str()),
    );
    let role = match tables.default_role() {
        Ok(_) => format!("(v.role IS NULL OR v.role IN ({roles}))"),
        Err(_) => format!("v.role IN ({roles})"),
    };
    format!(
        "SELECT v.event_id, v.role, v.from_system, v.entered, r.to_system, r.outcome, r.state, r.state AS appendix, \
         r.origin\nFROM presync_events v JOIN presync_rows r ON r.row_number = 0\nWHERE CASE WHEN {role} AND v.from_system \
         IN ({systems}) THEN 1 ELSE 0 END = 0"
    )
}

/// Conditions under which nothing can be decided, where a table does not list every situation.
fn undecidable(identifiers: &Identifiers, view: &View<'_>) -> Vec<String> {
    let schema = view.schema;
    let from = view.direction.from();
    let all: Vec<StateId> = schema.states(from).collect();
    let mut conditions = vec![format!(
        "v.entered IS NULL OR NOT {}",
        shows(schema, from, &all, "entered")
    )];
    let columns = view.tables.iter().flat_map(|table| &table.columns);
    let columns: BTreeSet<Column> = columns.copied().collect();
    for column in columns {
        let identifier = identifiers.column(column);
        match column {
            Column::Fact(fact) if !schema.fact(fact).is_flag() => {
                let values: Vec<String> = schema
                    .values(fact)
                    .map(|value| literal(schema.value_name(value)))
                    .collect();
                let default = cells::default_value(schema, column);
                let unset = if default.is_none() {
                    "v.{} IS NULL OR "
                } else {
                    ""
                };
                let unset = unset.replace("{}", identifier);
                conditions.push(format!(
                    "{unset}v.{identifier} NOT IN ({})",
                    values.join(", ")
                ));
            }
            Column::State(system) => {
                let all: Vec<StateId> = schema.states(system).collect();
                conditions.push(format!("NOT {}", shows(schema, system, &all, identifier)));
            }
            Column::Fact(_) | Column::ByHand(_) => {}
        }
    }
    conditions
}

/// The condition that a column contains the name or id of one of these states. Names are compared as declared, which is
/// fast. In a system with a state marked `other`, they are compared without case, and `other` also matches unknown names.
fn shows(schema: &Schema, system: SystemId, states: &[StateId], column: &str) -> String {
    let every = &schema.system(system).states;
    let has_other = every.iter().any(|state| state.other);
    let names = |states: &mut dyn Iterator<Item = &State>| {
        let names = states.flat_map(|state| std::iter::once(&state.name).chain(&state.id));
        let names: Vec<String> = names
            .map(|name| {
                match has_other {
                    true if name.is_ascii() => literal(&name.to_ascii_lowercase()),
                    // Engines differ in which letters they lower.
                    true => format!("LOWER({})", literal(name)),
                    false => literal(name),
                }
            })
            .collect();
        names.join(", ")
    };
    let listed = names(&mut states.iter().map(|state| schema.state(*state)));
    if !has_other {
        return format!("v.{column} IN ({listed})");
    }
    let known = format!("LOWER(v.{column}) IN ({listed})");
    if states.iter().all(|state| !schema.state(*state).other) {
        return known;
    }
    let all = names(&mut every.iter());
    format!("({known} OR LOWER(v.{column}) NOT IN ({all}))")
}

/// The events of one role and direction, each with its row: the first that matches.
fn case(identifiers: &Identifiers, view: &View<'_>, first: usize, default: bool) -> String {
    let mut text = String::from("    SELECT v.*, CASE\n");
    let rows: usize = view.tables.iter().map(|table| table.rows.len()).sum();
    let rejected = first + rows + usize::from(!view.complete) + 1;
    if !view.complete {
        for condition in undecidable(identifiers, view) {
            text.push_str(&format!("        WHEN {condition} THEN {rejected}\n"));
        }
    }
    let mut number = first;
    for table in &view.tables {
        for row in &table.rows {
            number += 1;
            let condition = conditions(
                identifiers,
                view,
                table,
                (&row.when, &row.from),
                view.complete,
            );
            let origin = visible(&cells::origin(row))
                .replace('\n', ", ")
                .replace("${", "$ {");
            let by = if origin.is_empty() {
                String::new()
            } else {
                format!(" -- {origin}")
            };
            text.push_str(&format!("        WHEN {condition} THEN {number}{by}\n"));
        }
    }
    // A complete table has a row for every situation.
    text.push_str(&format!("        ELSE {}\n", number + 1));
    let from = literal(&view.from().name);
    let role = format!("v.role = {}", literal(view.role));
    // An event without a role has the default role.
    let role = if default {
        format!("({role} OR v.role IS NULL)")
    } else {
        role
    };
    text.push_str(&format!(
        "        END AS row_number\n    FROM presync_events v WHERE {role} AND v.from_system = {from}"
    ));
    text
}

/// The texts that join, separated by commas; null unless a state is set or brought back.
fn appendix(identifiers: &Identifiers, view: &View<'_>, first: usize) -> String {
    let mut last = first;
    let mut parts = Vec::new();
    for table in &view.tables {
        let start = last + 1;
        last += table.rows.len();
        for appendix in &table.appendices {
            let rows = appendix.rows.iter();
            let rows =
                rows.map(|row| conditions(identifiers, view, table, (&row.when, &row.from), false));
            let mut condition = joined(&rows.collect::<Vec<_>>(), "OR");
            if view.tables.len() > 1 {
                condition = format!("v.row_number BETWEEN {start} AND {last} AND ({condition})");
            }
            let text = literal(&format!(", {}", appendix.text));
            parts.push(format!("CASE WHEN {condition} THEN {text} ELSE '' END"));
        }
    }
    let texts = if parts.is_empty() {
        "''".to_owned()
    } else {
        format!("SUBSTR({}, 3)", joined(&parts, "||"))
    };
    let sets = if view.schema.has_previous(view.direction.to()) {
        "r.outcome IN ('set', 'previous')"
    } else {
        "r.outcome = 'set'"
    };
    format!("CASE WHEN {sets} THEN {texts} END")
}

/// Parts joined by an operator. Many are nested, because databases limit how deep an expression is (SQLite: 1,000), and a
/// chain is as deep as it is long.
fn joined(parts: &[String], operator: &str) -> String {
    const FLAT: usize = 50;
    if parts.len() <= FLAT {
        return parts.join(&format!("\n    {operator} "));
    }
    let (one, other) = parts.split_at(parts.len() / 2);
    let (one, other) = (joined(one, operator), joined(other, operator));
    format!("({one})\n    {operator} ({other})")
}

/// Where a row matches; `every`: a row for every state lists them, so that it does not match unknown ones.
fn conditions(
    identifiers: &Identifiers,
    view: &View<'_>,
    table: &Rows,
    (when, from): (&Cells, &[StateId]),
    every: bool,
) -> String {
    let mut conditions = Vec::new();
    let all = view.from().states.len();
    if from.len() < all || every {
        conditions.push(shows(view.schema, view.direction.from(), from, "entered"));
    }
    for (column, values) in table.columns.iter().zip(when) {
        if let Some(values) = values {
            let identifier = identifiers.column(*column);
            conditions.push(condition(view.schema, identifier, *column, values));
        }
    }
    if conditions.is_empty() {
        "1 = 1".to_owned()
    } else {
        conditions.join(" AND ")
    }
}

fn condition(schema: &Schema, identifier: &str, column: Column, values: &[u32]) -> String {
    let (mut names, mut states) = (Vec::new(), Vec::new());
    let mut parts = Vec::new();
    for input in schema.inputs(column, values) {
        match (input, column) {
            // An unset flag is false.
            (Input::Flag(true), _) => parts.push(format!("v.{identifier} = TRUE")),
            (Input::Flag(false), _) => {
                parts.push(format!("COALESCE(v.{identifier}, FALSE) = FALSE"));
            }
            (Input::Name(name), Column::State(system)) => {
                states.extend(schema.find_declared_state(system, name));
            }
            (Input::Name(name), _) => names.push(literal(name)),
            (Input::Unknown, _) => parts.push(format!("v.{identifier} IS NULL")),
        }
    }
    if let Some(state) = states.first() {
        parts.push(shows(schema, state.system(), &states, identifier));
    }
    if !names.is_empty() {
        let value = match cells::default_value(schema, column) {
            Some(default) => format!("COALESCE(v.{identifier}, {})", literal(default)),
            None => format!("v.{identifier}"),
        };
        parts.push(format!("{value} IN ({})", names.join(", ")));
    }
    if parts.len() == 1 {
        parts.remove(0)
    } else {
        format!("({})", parts.join(" OR "))
    }
}

/// A string literal that all dialects read alike. Only Spark treats a backslash as an escape and
/// `${` as a variable. A backslash is therefore the first character of a pair, which is the same in
/// both readings, and `${` is concatenated.
fn literal(text: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut plain = String::new();
    let flush = |plain: &mut String, parts: &mut Vec<String>| {
        if !plain.is_empty() {
            parts.push(format!("'{}'", std::mem::take(plain).replace('\'', "''")));
        }
    };
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\\' => {
                flush(&mut plain, &mut parts);
                parts.push("SUBSTR('\\\\', 1, 1)".to_owned());
            }
            '$' if chars.peek() == Some(&'{') => {
                plain.push('$');
                flush(&mut plain, &mut parts);
            }
            char => plain.push(char),
        }
    }
    flush(&mut plain, &mut parts);
    match parts.len() {
        0 => "''".to_owned(),
        1 => parts.remove(0),
        _ => format!("({})", parts.join(" || ")),
    }
}

/// A name in a comment, which it cannot end.
fn comment(text: &str) -> String {
    let quoted = presync::quote(text);
    quoted.replace("${", "$ {")
}
