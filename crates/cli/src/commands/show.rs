//! `presync show`: shows the tables and the mapping graph in the terminal, or prints the graph as a picture.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};
use comfy_table::{Cell, Color, ContentArrangement, Table as Grid, presets};

use crate::error::{CommandAnswer, CommandResult};
use crate::loading;
use crate::terminal::{OutputStream, Terminal};
use presync::{Rows, visible};
use presync_engine::{Cells, Outcome, Schema, StateId, Table};
use presync_exchange::graph::{self, Graph, PICTURES};
use presync_exchange::text::cells;

/// Show the decision tables and the mapping graph.
#[derive(Args)]
pub struct Arguments {
    /// A program, a directory with one, `-`, or a tables.json.
    path: PathBuf,
    /// Show only this role.
    #[arg(long)]
    role: Option<String>,
    /// Print only the mapping graph, in this format.
    #[arg(long, value_name = "FORMAT", value_parser = PossibleValuesParser::new(PICTURES.iter().map(|picture| PossibleValue::new(picture.name).help(picture.description))))]
    to: Option<String>,
}

pub fn run(arguments: &Arguments, terminal: &Terminal) -> CommandResult {
    let (tables, _) = loading::tables(&arguments.path, terminal)?;
    let schema = tables.schema();
    let roles: Vec<_> = match &arguments.role {
        Some(name) => vec![tables.role(name)?],
        None => tables.roles().collect(),
    };
    let mut graphs = graph::graphs(&tables)?;
    graphs.retain(|graph| roles.iter().any(|role| role.name() == graph.role));
    if let Some(picture) = PICTURES
        .iter()
        .find(|picture| Some(picture.name) == arguments.to.as_deref())
    {
        terminal.stdout((picture.draw)(schema, &graphs))?;
        return Ok(CommandAnswer::Yes);
    }
    let mut text = String::new();
    for role in roles {
        let tables: Vec<&Table> = role.tables()?.iter().collect();
        for (table, rows) in tables.iter().zip(presync::rows(schema, &tables)) {
            let (from, to) = systems(schema, table);
            text.push_str(&visible(&format!("{}: {from} → {to}\n", role.name())));
            text.push_str(&match rows {
                Some(rows) => grid(schema, table, &rows, terminal),
                None => "  too many rows to show\n".to_owned(),
            });
            text.push('\n');
        }
    }
    for graph in &graphs {
        text.push_str(&lines(schema, graph, terminal));
        text.push('\n');
    }
    terminal.stdout(&text)?;
    Ok(CommandAnswer::Yes)
}

/// The names of the system that changes and the system that follows.
fn systems<'s>(schema: &'s Schema, table: &Table) -> (&'s str, &'s str) {
    let name = |system| schema.system(system).name.as_str();
    (name(table.direction().from()), name(table.direction().to()))
}

/// The graph as lines of three columns.
fn lines(schema: &Schema, graph: &Graph<'_>, terminal: &Terminal) -> String {
    let (left, right) = (
        &schema.system(graph.left).name,
        &schema.system(graph.right).name,
    );
    let mut grid = Grid::new();
    grid.load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    grid.set_width(terminal.width(OutputStream::Stdout) as u16);
    grid.set_header([visible(left), String::new(), visible(right)]);
    for (left, arrow, right) in graph::text(schema, graph) {
        grid.add_row([visible(&left), arrow.to_owned(), visible(&right)]);
    }
    let role = visible(graph.role);
    let legend = "-> in every situation where a rule decides, ~> in some situations";
    format!("{role}: mapping graph\n{}\n\n{legend}\n", grid.trim_fmt())
}

fn grid(schema: &Schema, table: &Table, rows: &Rows, terminal: &Terminal) -> String {
    let (from, to) = systems(schema, table);
    let mut grid = Grid::new();
    grid.load_style(presets::UTF8_BORDERS_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(terminal.width(OutputStream::Stdout) as u16);
    if terminal.stdout_colored() {
        grid.enforce_styling();
    }
    grid.set_header(["when", from, to, "decided by"].map(visible));
    let mut line = |when: &Cells, from: &[StateId], outcome: (String, Color), origin: String| {
        let (outcome, color) = outcome;
        let cells = [
            cells::when(schema, &rows.columns, when),
            cells::entered(schema, table.direction(), from),
            outcome,
            origin,
        ];
        let mut cells = cells.map(|cell| Cell::new(visible(&cell)));
        if terminal.stdout_colored() {
            cells = cells.map(|cell| cell.fg(color));
        }
        grid.add_row(cells);
    };
    for row in &rows.rows {
        let color = match row.outcome {
            Outcome::Set(_) => Color::Green,
            Outcome::Unchanged | Outcome::Previous => Color::Yellow,
            Outcome::Unmapped => Color::DarkGrey,
        };
        let outcome = (cells::outcome(schema, row), color);
        line(&row.when, &row.from, outcome, cells::origin(row));
    }
    for (text, row) in cells::appended(rows) {
        line(&row.when, &row.from, (text, Color::Green), String::new());
    }
    format!("{grid}\n")
}
