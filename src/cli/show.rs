//! `presync show`: the tables in the terminal.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use comfy_table::{ContentArrangement, Table as Grid, presets};

use crate::cli::output::{Output, visible};
use crate::cli::{Done, input};
use crate::names::{quote, quote_always};
use crate::table::{Body, Cell, Cells, Column, Outcome, Role, Row, Table, Tables};

/// Show the compiled tables.
#[derive(Args)]
pub(super) struct Arguments {
    /// A program, a directory with one, `-`, or a tables.json.
    path: PathBuf,
    /// Only this role.
    #[arg(long)]
    role: Option<String>,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Done {
    let (tables, _) = input::tables(&arguments.path, output)?;
    let wanted = |role: &&Role| arguments.role.as_ref().is_none_or(|name| *name == role.name);
    let roles: Vec<&Role> = tables.roles.iter().filter(wanted).collect();
    if let (Some(name), []) = (&arguments.role, roles.as_slice()) {
        return Err(crate::cli::Stop::Usage(format!("unknown role `{name}`")));
    }
    let mut text = String::new();
    for role in roles {
        for table in &role.tables {
            text.push_str(&heading(&tables, role, table));
            text.push_str(&grid(&tables, table, output.width()));
            text.push('\n');
        }
    }
    output.data(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn heading(tables: &Tables, role: &Role, table: &Table) -> String {
    let (from, to) = (&tables.systems[table.from].name, &tables.systems[table.to].name);
    visible(&format!("{}: {from} → {to}\n", role.name))
}

fn grid(tables: &Tables, table: &Table, width: usize) -> String {
    let rows = match &table.body {
        Body::Rows(rows) => rows,
        Body::Diagrams(diagrams) => {
            let nodes: usize = diagrams.iter().map(|diagram| diagram.nodes.len()).sum();
            return format!("  too many rows to show: decision diagrams of {nodes} nodes\n");
        }
    };
    let (from, to) = (&tables.systems[table.from].name, &tables.systems[table.to].name);
    let mut grid = Grid::new();
    grid.load_style(presets::UTF8_BORDERS_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width as u16);
    grid.set_header(["when", from.as_str(), to.as_str(), "decided by"].map(visible));
    for row in rows {
        grid.add_row(
            [
                when(tables, &table.columns, &row.when),
                entered(tables, table, row),
                outcome(tables, table, row),
                origin(row),
            ]
            .map(|cell| visible(&cell)),
        );
    }
    format!("{grid}\n")
}

fn when(tables: &Tables, columns: &[Column], cells: &Cells) -> String {
    let conditions: Vec<String> = columns
        .iter()
        .zip(cells)
        .filter_map(|(column, values)| {
            let name = quote(tables.column_name(*column));
            let values = values.as_ref()?;
            let shown: Vec<String> = values
                .iter()
                .map(|value| match tables.cell(*column, *value) {
                    Cell::Flag(value) => value.to_string(),
                    Cell::Name(name) => quote(&name),
                    Cell::Unknown(()) => "(unknown)".to_owned(),
                })
                .collect();
            Some(match (column, shown.as_slice()) {
                (Column::Fact(_), [one]) if one == "true" => name,
                (Column::Fact(_), [one]) if one == "false" => format!("not {name}"),
                // The shorter of the two ways to say it.
                _ if shown.len() * 2 > tables.size(*column) as usize => {
                    let others = (0..tables.size(*column)).filter(|value| !values.contains(value)).map(|value| {
                        match tables.cell(*column, value) {
                            Cell::Name(name) => quote(&name),
                            _ => "(unknown)".to_owned(),
                        }
                    });
                    format!("{name} is not {}", others.collect::<Vec<_>>().join(" | "))
                }
                _ => format!("{name} is {}", shown.join(" | ")),
            })
        })
        .collect();
    if conditions.is_empty() { "always".to_owned() } else { conditions.join("\nand ") }
}

fn entered(tables: &Tables, table: &Table, row: &Row) -> String {
    let states = &tables.systems[table.from].states;
    if row.from.len() == states.len() {
        return "any".to_owned();
    }
    let name = |state: usize| quote(&states[state].name);
    if row.from.len() * 2 > states.len() {
        let others: Vec<String> =
            (0..states.len()).filter(|state| !row.from.contains(&(*state as u32))).map(name).collect();
        return format!("any but\n{}", others.join("\n"));
    }
    let names: Vec<String> = row.from.iter().map(|state| name(*state as usize)).collect();
    names.join("\n")
}

fn outcome(tables: &Tables, table: &Table, row: &Row) -> String {
    match &row.outcome {
        Outcome::Unmapped => "(unmapped)".to_owned(),
        Outcome::Unchanged => "(unchanged)".to_owned(),
        Outcome::Set { state, append } => {
            let texts: Vec<String> = append.iter().map(|text| quote_always(text)).collect();
            let state = quote(&tables.systems[table.to].states[*state as usize].name);
            if texts.is_empty() { state } else { format!("{state}\nappend {}", texts.join(", ")) }
        }
    }
}

fn origin(row: &Row) -> String {
    let mut lines: Vec<String> =
        row.origins.iter().map(|origin| format!("{} ({})", quote_always(&origin.profile), origin.rule)).collect();
    lines.sort();
    lines.dedup();
    lines.join("\n")
}
