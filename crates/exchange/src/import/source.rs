//! Writes tables as source: every system and fact, and a profile for each table with one rule per row.
//! A profile has only one direction, so that its appendices apply only to that direction.

use std::collections::{BTreeMap, BTreeSet};

use crate::import::ImportError;
use crate::text::conditions;
use crate::text::declarations::declarations;
use presync::{quote, quote_text};
use presync_engine::document::{ByHand, OutcomeKind, TableDocument};
use presync_engine::{Schema, Tables};

/// The maximum number of texts of a profile, as in docs/language.md.
const MAX_TEXTS: usize = 500;

/// A profile for each table, and roles that use them.
///
/// # Errors
/// A table is a diagram.
pub(super) fn write(tables: &Tables) -> Result<String, ImportError> {
    let mut text = String::new();
    let schema = tables.schema();
    for (_, source) in declarations(schema) {
        text.push_str(&source);
    }
    let document = tables.document()?;
    let mut names: BTreeMap<usize, String> = BTreeMap::new();
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for direction in &document.directions {
        for number in &direction.tables {
            if names.contains_key(number) {
                continue;
            }
            let table = &document.tables[*number];
            let (from, to) = (&table.from, &table.to);
            let body = rules(schema, table).ok_or_else(|| ImportError::Diagram {
                profile: table.profile.clone().unwrap_or_default(),
                from: from.clone(),
                to: to.clone(),
            })?;
            // A program allows 500 texts in a profile.
            if table.append.len() > MAX_TEXTS {
                return Err(ImportError::Texts(from.clone(), to.clone()));
            }
            if body.is_empty() {
                continue;
            }
            let profile = table.profile.as_deref().unwrap_or("imported");
            let wanted = format!("{profile}: {from} to {to}");
            let numbered = (2..).map(|number| format!("{wanted} {number}"));
            let mut free = std::iter::once(wanted.clone()).chain(numbered);
            let name = free.find(|name| !taken.contains(name)).unwrap_or(wanted);
            text.push_str(&format!("\nprofile {} {{\n{body}}}\n", quote_text(&name)));
            taken.insert(name.clone());
            names.insert(*number, name);
        }
    }
    for role in &document.roles {
        let mut profiles: Vec<String> = Vec::new();
        for direction in role
            .directions
            .iter()
            .map(|number| &document.directions[*number])
        {
            let of = direction.tables.iter();
            let of = of.filter_map(|number| names.get(number));
            profiles.extend(of.map(|name| quote_text(name)));
        }
        if role.implicit {
            continue;
        }
        // A role needs a profile, even an empty one.
        if profiles.is_empty() {
            let name = quote_text(&role.name);
            text.push_str(&format!("\nprofile {name} {{}}\n"));
            profiles.push(name);
        }
        text.push_str(&format!(
            "\n{}role {} uses {}\n",
            if role.default { "default " } else { "" },
            quote(&role.name),
            profiles.join(", ")
        ));
    }
    Ok(text)
}

/// A rule for each row, and the appends; `None` for diagrams.
fn rules(schema: &Schema, table: &TableDocument) -> Option<String> {
    let (from, to) = (&table.from, &table.to);
    if table.diagram.is_some() {
        return None;
    }
    let mut text = String::new();
    let always = conditions::documented(schema, &table.when, &ByHand::new());
    for block in &table.blocks {
        let mut conditions = always.clone();
        conditions.extend(conditions::documented(schema, &block.when, &block.by_hand));
        for row in &block.rows {
            let target = match (row.outcome, &row.state) {
                (OutcomeKind::Set, Some(state)) => quote(state),
                (OutcomeKind::Unchanged, _) => "unchanged".to_owned(),
                (OutcomeKind::Previous, _) => "previous".to_owned(),
                (OutcomeKind::Set, None) => return None,
            };
            let sources = row.from.as_ref();
            let sources = sources.map_or_else(|| "any".to_owned(), |names| listed(names.iter()));
            text.push_str(&format!(
                "{}{} {sources} -> {} {target}\n",
                when(&conditions),
                quote(from),
                quote(to)
            ));
        }
    }
    for appendix in &table.append {
        if appendix.diagram.is_some() {
            return None;
        }
        let append = format!("append {} to {}\n", quote_text(&appendix.text), quote(to));
        let rows = appendix.rows.iter().flatten().map(|row| {
            let mut conditions = conditions::documented(schema, &row.when, &row.by_hand);
            if let Some(states) = &row.from {
                conditions.push(format!("{} is {}", quote(from), listed(states.iter())));
            }
            conditions.join(" and ")
        });
        let rows: Vec<String> = rows.collect();
        text.push_str(&match rows.as_slice() {
            [] => append,
            [one] if one.is_empty() => append,
            [one] => format!("when {one}: {append}"),
            several => format!("when ({}): {append}", several.join(") or (")),
        });
    }
    Some(text)
}

/// `when c and d: `, or nothing.
fn when(conditions: &[String]) -> String {
    if conditions.is_empty() {
        String::new()
    } else {
        format!("when {}: ", conditions.join(" and "))
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a String>) -> String {
    names
        .map(|name| quote(name))
        .collect::<Vec<_>>()
        .join(" | ")
}
