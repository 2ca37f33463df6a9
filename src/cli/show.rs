//! `presync show`: the tables in the terminal.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use comfy_table::{ContentArrangement, Table as Grid, presets};

use crate::cli::output::{Output, visible};
use crate::cli::{Done, input};
use crate::export::words;
use crate::table::{Body, Role, Table, Tables};

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
                words::when(tables, &table.columns, &row.when),
                words::entered(tables, table, row),
                words::outcome(tables, table, row),
                words::origin(row),
            ]
            .map(|cell| visible(&cell)),
        );
    }
    format!("{grid}\n")
}
