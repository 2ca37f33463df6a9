//! SQL: the rows as a table, a table for events, and a view that decides them.
//! The same script runs on SQLite, DuckDB, PostgreSQL and Spark SQL, so it uses only their common subset.

use crate::export::format::{ExportError, ExportFormat, Write};
use crate::text::cells::{self, Identifiers, View, views};
use presync::{Rows, visible};
use std::collections::BTreeSet;

use presync_engine::{Cells, Column, Input, Schema, StateId, SystemId, Tables};

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
         -- rejected, with the reason as its origin. States match by name or id, without case, as in events.\n--\n",
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
    text.push_str("\n-- rejected events\nINSERT INTO presync_rows VALUES (0, NULL, 'rejected', NULL, NULL);\n");
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
        let needed = needed(view);
        if !needed.is_empty() {
            number += 1;
            text.push_str(&format!(
                "INSERT INTO presync_rows VALUES ({number}, {}, 'rejected', NULL, 'a choice has no value');\n",
                literal(to)
            ));
        }
        let to = view.direction.to();
        let state = if schema.has_previous(to) {
            let own = identifiers.own(to);
            format!("CASE WHEN r.outcome = 'previous' THEN v.{own} ELSE r.state END AS state")
        } else {
            "r.state".to_owned()
        };
        cases.push((
            case(&identifiers, view, first, &needed),
            appendix(&identifiers, view, first),
            state,
        ));
    }
    text.push_str(&matched(tables, &identifiers, &columns));
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
    selects.push(
        "SELECT v.event_id, v.role, v.from_system, v.word AS entered, r.to_system, r.outcome, r.state, r.state AS appendix, \
         v.rejected AS origin\nFROM presync_matched v JOIN presync_rows r ON r.row_number = 0\nWHERE v.rejected IS NOT NULL"
            .to_owned(),
    );
    text.push_str(&selects.join("\nUNION ALL\n"));
    text.push_str(";\n");
    Ok(text)
}

/// A view of the events with names as in the tables, and why an event is rejected.
fn matched(tables: &Tables, identifiers: &Identifiers, columns: &[Column]) -> String {
    let schema = tables.schema();
    // An event without a role has the default role.
    let role = match tables.default_role() {
        Ok(role) => format!("COALESCE(role, {})", literal(role.name())),
        Err(_) => "role".to_owned(),
    };
    let mut selected = vec![
        "event_id".to_owned(),
        format!("{role} AS role"),
        "from_system".to_owned(),
        "entered AS word".to_owned(),
    ];
    let mut reasons = Vec::new();
    let mut reject = |condition: String, reason: &str| {
        reasons.push(format!(
            "        WHEN {condition} THEN {}\n",
            literal(reason)
        ));
    };
    let listed = |names: &mut dyn Iterator<Item = &str>| {
        let names: Vec<String> = names.map(literal).collect();
        names.join(", ")
    };
    let roles = listed(&mut tables.roles().map(|role| role.name()));
    reject(
        format!("{role} IS NULL OR {role} NOT IN ({roles})"),
        "unknown role",
    );
    let systems = listed(&mut schema.systems().map(|(_, system)| system.name.as_str()));
    reject(
        format!("from_system IS NULL OR from_system NOT IN ({systems})"),
        "unknown system",
    );
    let mut entered = String::from("CASE\n");
    for (id, system) in schema.systems() {
        let of = literal(&system.name);
        let state = state_in(schema, id, "entered");
        entered.push_str(&format!("        WHEN from_system = {of} THEN {state}\n"));
        reject(
            format!("from_system = {of} AND {state} IS NULL"),
            "unknown state",
        );
    }
    selected.push(format!("{entered}    END AS entered"));
    for column in columns {
        let name = identifiers.column(*column);
        match column {
            Column::State(system) => {
                let state = state_in(schema, *system, name);
                selected.push(format!("{state} AS {name}"));
                let of = &schema.system(*system).name;
                reject(
                    format!("{name} IS NOT NULL AND {state} IS NULL"),
                    &format!("unknown state of {of}"),
                );
            }
            Column::Fact(fact) if !schema.fact(*fact).is_flag() => {
                selected.push(name.to_owned());
                let values =
                    listed(&mut schema.values(*fact).map(|value| schema.value_name(value)));
                let of = &schema.fact(*fact).name;
                reject(
                    format!("{name} IS NOT NULL AND {name} NOT IN ({values})"),
                    &format!("unknown value of {of}"),
                );
            }
            Column::Fact(_) | Column::ByHand(_) => selected.push(name.to_owned()),
        }
    }
    let own = schema.previous().iter();
    selected.extend(own.map(|system| identifiers.own(*system).to_owned()));
    format!(
        "\nCREATE VIEW presync_matched AS\nSELECT {},\n    CASE\n{}    END AS rejected\nFROM presync_events;\n",
        selected.join(",\n    "),
        reasons.concat()
    )
}

/// The state of a system that a column means, by name or id, whatever the case; null if there is none.
fn state_in(schema: &Schema, system: SystemId, column: &str) -> String {
    let mut cases = String::new();
    for state in &schema.system(system).states {
        let names = || std::iter::once(&state.name).chain(&state.id);
        let lower: Vec<String> = names()
            .map(|name| literal(&name.to_ascii_lowercase()))
            .collect();
        let mut condition = format!("LOWER({column}) IN ({})", lower.join(", "));
        // Databases differ in what they do to other letters.
        if names().any(|name| !name.is_ascii()) {
            let exact: Vec<String> = names().map(|name| literal(name)).collect();
            condition = format!("{column} IN ({}) OR {condition}", exact.join(", "));
        }
        cases.push_str(&format!(" WHEN {condition} THEN {}", literal(&state.name)));
    }
    let mut states = schema.system(system).states.iter();
    if let Some(other) = states.find(|state| state.other) {
        cases.push_str(&format!(
            " WHEN {column} IS NOT NULL THEN {}",
            literal(&other.name)
        ));
    }
    if cases.is_empty() {
        return "NULL".to_owned();
    }
    format!("CASE{cases} END")
}

/// The choices without a default that the tables depend on: without a value, nothing is decided.
fn needed(view: &View<'_>) -> Vec<Column> {
    let columns = view.tables.iter().flat_map(|table| &table.columns);
    let needed = columns.copied().filter(|column| match column {
        Column::Fact(fact) => {
            !view.schema.fact(*fact).is_flag()
                && cells::default_value(view.schema, *column).is_none()
        }
        Column::State(_) | Column::ByHand(_) => false,
    });
    let needed: BTreeSet<Column> = needed.collect();
    needed.into_iter().collect()
}

/// The events of one role and direction, each with its row: the first that matches.
fn case(identifiers: &Identifiers, view: &View<'_>, first: usize, needed: &[Column]) -> String {
    let mut text = String::from("    SELECT v.*, CASE\n");
    let rows: usize = view.tables.iter().map(|table| table.rows.len()).sum();
    let rejected = first + rows + usize::from(!view.complete) + 1;
    if !needed.is_empty() {
        let unset = needed.iter();
        let unset = unset.map(|column| format!("v.{} IS NULL", identifiers.column(*column)));
        let unset: Vec<String> = unset.collect();
        text.push_str(&format!(
            "        WHEN {} THEN {rejected}\n",
            unset.join(" OR ")
        ));
    }
    let mut number = first;
    for table in &view.tables {
        for row in &table.rows {
            number += 1;
            let condition = conditions(identifiers, view, table, (&row.when, &row.from));
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
    if !view.complete {
        text.push_str(&format!("        ELSE {}\n", number + 1));
    }
    let from = literal(&view.from().name);
    text.push_str(&format!(
        "        END AS row_number\n    FROM presync_matched v WHERE v.rejected IS NULL AND v.role = {} AND v.from_system = {from}",
        literal(view.role)
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
            let rows = rows.map(|row| conditions(identifiers, view, table, (&row.when, &row.from)));
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

/// Where a row matches.
fn conditions(
    identifiers: &Identifiers,
    view: &View<'_>,
    table: &Rows,
    (when, from): (&Cells, &[StateId]),
) -> String {
    let mut conditions = Vec::new();
    if let Some(names) = view.entered(from) {
        let names: Vec<String> = names.into_iter().map(literal).collect();
        conditions.push(format!("v.entered IN ({})", names.join(", ")));
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
    let mut names = Vec::new();
    let mut parts = Vec::new();
    for input in schema.inputs(column, values) {
        match input {
            // An unset flag is false.
            Input::Flag(true) => parts.push(format!("v.{identifier} = TRUE")),
            Input::Flag(false) => parts.push(format!("COALESCE(v.{identifier}, FALSE) = FALSE")),
            Input::Name(name) => names.push(literal(name)),
            Input::Unknown => parts.push(format!("v.{identifier} IS NULL")),
        }
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
