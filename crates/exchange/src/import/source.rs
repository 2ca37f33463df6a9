//! Writes tables as source: every system and fact, and a profile for each role and direction with one rule per row.
//! A profile has only one direction, so that its appendices apply only to that direction.

use crate::import::ImportError;
use crate::text::conditions;
use presync::{quote, quote_text, state_literal};
use presync_engine::{Column, FactKind, Outcome, Row, Schema, System, Table, TableBody, Tables};

/// # Errors
/// A table is a diagram, with too many rows to import.
pub(super) fn write(tables: &Tables) -> Result<String, ImportError> {
    let mut text = String::new();
    let schema = tables.schema();
    for (_, system) in schema.systems() {
        text.push_str(&declared(schema, system));
    }
    for (_, fact) in schema.facts() {
        let name = quote(&fact.name);
        text.push_str(&match &fact.kind {
            FactKind::Flag => format!("flag {name}\n"),
            FactKind::Choice { values, default } => {
                let default = default.map_or(String::new(), |at| {
                    format!(" default {}", quote(&values[at as usize]))
                });
                format!("choice {name} = {}{default}\n", listed(values.iter()))
            }
        });
    }
    for role in tables.roles() {
        let mut profiles = Vec::new();
        let all = role.tables()?;
        for table in all {
            let (from, to) = (
                &schema.system(table.direction().from()).name,
                &schema.system(table.direction().to()).name,
            );
            let name = format!("{}: {from} to {to}", role.name());
            let body = rules(schema, table).ok_or_else(|| ImportError::Diagram {
                role: role.name().to_owned(),
                from: from.clone(),
                to: to.clone(),
            })?;
            if !body.is_empty() {
                text.push_str(&format!("\nprofile {} {{\n{body}}}\n", quote_text(&name)));
                profiles.push(quote_text(&name));
            }
        }
        if role.is_implicit() {
            continue;
        }
        // A role needs a profile, even an empty one.
        if profiles.is_empty() {
            let name = quote_text(role.name());
            text.push_str(&format!("\nprofile {name} {{}}\n"));
            profiles.push(name);
        }
        text.push_str(&format!(
            "\nrole {} uses {}\n",
            quote(role.name()),
            profiles.join(", ")
        ));
    }
    Ok(text)
}

fn declared(schema: &Schema, system: &System) -> String {
    let title = system
        .title
        .as_ref()
        .map_or(String::new(), |title| format!(" {}", quote_text(title)));
    let mut text = format!("system {}{title} {{\n", quote(&system.name));
    if !system.attributes.is_empty() {
        text.push_str(&format!(
            "attributes {}\n",
            separated(system.attributes.iter())
        ));
    }
    if let Some(online) = system.online {
        text.push_str(&format!("online {}\n", quote(&schema.fact(online).name)));
    }
    if let Some(longest) = system.text {
        text.push_str(&format!("text {longest}\n"));
    }
    for state in &system.states {
        let id = state
            .id
            .as_ref()
            .map_or(String::new(), |id| format!(" id {}", quote_text(id)));
        let mut marks: Vec<String> = system.attributes_of(state).map(quote).collect();
        marks.extend(state.read_only.then(|| "read_only".to_owned()));
        let marks = if marks.is_empty() {
            String::new()
        } else {
            format!(" {{ {} }}", marks.join(", "))
        };
        text.push_str(&format!("state {}{id}{marks}\n", quote(&state.name)));
    }
    text.push_str("}\n\n");
    text
}

/// A rule for each row that decides; `None` for diagrams.
fn rules(schema: &Schema, table: &Table) -> Option<String> {
    let TableBody::Rows(rows) = table.body() else {
        return None;
    };
    let (from, to) = (
        schema.system(table.direction().from()),
        schema.system(table.direction().to()),
    );
    let mut text = String::new();
    for row in rows {
        let (target, append): (String, &[String]) = match &row.outcome {
            Outcome::Unmapped => continue,
            Outcome::Unchanged => ("unchanged".to_owned(), &[]),
            Outcome::Set { state, append } => (quote(&schema.state(*state).name), append),
        };
        let sources = if row.from.len() == from.states.len() {
            "any".to_owned()
        } else {
            listed(row.from.iter().map(|state| &schema.state(*state).name))
        };
        let rule = format!(
            "{} {sources} -> {} {target}",
            quote(&from.name),
            quote(&to.name)
        );
        let condition = condition(schema, table.columns(), row);
        let when = condition
            .as_ref()
            .map_or(String::new(), |condition| format!("when {condition}: "));
        text.push_str(&format!("{when}{rule}\n"));
        if !append.is_empty() {
            let states: Vec<&str> = from
                .states
                .iter()
                .map(|state| state.name.as_str())
                .collect();
            let entered: Vec<u32> = row.from.iter().map(|state| state.value()).collect();
            let guard = state_literal(&quote(&from.name), &states, &entered);
            let condition = condition.map_or(guard.clone(), |condition| {
                format!("{condition} and {guard}")
            });
            text.push_str(&format!("when {condition} {{\n"));
            for appended in append {
                text.push_str(&format!(
                    "append {} to {}\n",
                    quote_text(appended),
                    quote(&to.name)
                ));
            }
            text.push_str("}\n");
        }
    }
    Some(text)
}

fn condition(schema: &Schema, columns: &[Column], row: &Row) -> Option<String> {
    let conditions = conditions::conditions(schema, columns, &row.when);
    (!conditions.is_empty()).then(|| conditions.join(" and "))
}

fn listed<'a>(names: impl Iterator<Item = &'a String>) -> String {
    names
        .map(|name| quote(name))
        .collect::<Vec<_>>()
        .join(" | ")
}

fn separated<'a>(names: impl Iterator<Item = &'a String>) -> String {
    names.map(|name| quote(name)).collect::<Vec<_>>().join(", ")
}
