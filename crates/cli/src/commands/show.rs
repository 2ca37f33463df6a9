//! `presync show`: shows the tables in the terminal, or prints the mapping graph as a picture.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};
use comfy_table::{
    Cell, Color, ContentArrangement, ContentLineStyle, Table as Lines, TableStyle, presets,
};

use crate::error::{CommandAnswer, CommandError, CommandResult};
use crate::loading;
use crate::terminal::{OutputStream, Terminal, wrapped};
use presync::{Direction, Program, Rows, Tables, nearest, quote_text, visible};
use presync_engine::{Cells, Outcome, Schema, StateId, Table};
use presync_exchange::graph::{self, PICTURES};
use presync_exchange::sequence;
use presync_exchange::text::cells;
use presync_exchange::text::crosstab::{
    GridContent, GridText, MOST_COLUMNS, TableGrid, grids, title,
};

/// Lines only between the columns.
const BETWEEN: TableStyle = TableStyle::new().content_lines(ContentLineStyle::none().junction('│'));

/// Show the decision tables.
#[derive(Args)]
pub struct Arguments {
    /// A program, a directory with one, `-`, or a tables.json.
    path: PathBuf,
    /// Show only this role.
    #[arg(long)]
    role: Option<String>,
    /// Show only changes of this system.
    #[arg(long, value_name = "SYSTEM")]
    from: Option<String>,
    /// Show only what happens in this system.
    #[arg(long, value_name = "SYSTEM")]
    to_system: Option<String>,
    /// Show every row instead of a grid.
    #[arg(long)]
    full: bool,
    /// Show every row with the rules that decide it.
    #[arg(long)]
    rules: bool,
    /// Draw this scenario instead of the mapping graph: what the systems report and what they are sent.
    #[arg(long, value_name = "NAME", requires = "to", conflicts_with_all = ["role", "from", "to_system"])]
    scenario: Option<String>,
    /// Print only the mapping graph, in this format.
    #[arg(long, value_name = "FORMAT", conflicts_with_all = ["full", "rules"], value_parser = PossibleValuesParser::new(PICTURES.iter().map(|picture| PossibleValue::new(picture.name).help(picture.description))))]
    to: Option<String>,
}

pub fn run(arguments: &Arguments, terminal: &Terminal) -> CommandResult {
    let (tables, program) = loading::tables(&arguments.path, terminal)?;
    let schema = tables.schema();
    let role = match &arguments.role {
        Some(name) => Some(tables.role(name)?.name()),
        None => None,
    };
    let system = |name: &Option<String>| match name {
        Some(name) => schema.system_named(name).map(Some),
        None => Ok(None),
    };
    let (from, to) = (system(&arguments.from)?, system(&arguments.to_system)?);
    let is_shown = |of: &str, direction: Direction| {
        role.is_none_or(|role| role == of)
            && from.is_none_or(|from| from == direction.from())
            && to.is_none_or(|to| to == direction.to())
    };
    if let (Some(name), Some(to)) = (&arguments.scenario, &arguments.to) {
        let picture = scenario(name, to, &tables, program.as_ref())?;
        terminal.stdout(picture)?;
        return Ok(CommandAnswer::Yes);
    }
    if let Some(picture) = PICTURES
        .iter()
        .find(|picture| Some(picture.name) == arguments.to.as_deref())
    {
        let graphs = graph::graphs(&tables, program.as_ref(), &is_shown)?;
        terminal.stdout((picture.draw)(schema, &graphs))?;
        return Ok(CommandAnswer::Yes);
    }
    let text = if arguments.full || arguments.rules {
        let mut text = String::new();
        for role in tables.roles() {
            let of: Vec<&Table> = role.tables()?.iter().collect();
            let of = of
                .into_iter()
                .filter(|table| is_shown(role.name(), table.direction()));
            let of: Vec<&Table> = of.collect();
            for (table, rows) in of.iter().zip(presync::rows(schema, &of)) {
                let (from, to) = systems(schema, table);
                let roles: &[&str] = if role.is_implicit() {
                    &[]
                } else {
                    &[role.name()]
                };
                text.push_str(&visible(&title(roles, &format!("{from} → {to}"))));
                text.push('\n');
                text.push_str(&row_lines(schema, table, rows, arguments.rules, terminal));
                text.push('\n');
            }
        }
        text
    } else {
        summaries(&tables, program.as_ref(), &is_shown, terminal)?
    };
    if text.is_empty() {
        terminal.status("nothing to show: a decision table needs two systems");
        return Ok(CommandAnswer::Yes);
    }
    terminal.stdout(text.trim_end_matches('\n').to_owned() + "\n")?;
    Ok(CommandAnswer::Yes)
}

/// A scenario as a picture.
fn scenario(
    name: &str,
    to: &str,
    tables: &Tables,
    program: Option<&Program>,
) -> Result<String, CommandError> {
    let program = program.ok_or_else(|| {
        CommandError::Usage(
            "a tables.json contains no scenarios: name the program instead".to_owned(),
        )
    })?;
    let picture = sequence::PICTURES.iter().find(|picture| picture.name == to);
    let picture = picture.ok_or_else(|| {
        let known = sequence::PICTURES.iter();
        let known: Vec<String> = known.map(|of| format!("`--to {}`", of.name)).collect();
        CommandError::Usage(format!(
            "a scenario cannot be drawn as {to}: use {}",
            known.join(" or ")
        ))
    })?;
    let runs = presync::scenario_runs(program, tables);
    let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
    let Some(run) = runs.iter().find(|run| run.name == name) else {
        let quoted: Vec<String> = names.iter().map(|name| quote_text(name)).collect();
        return Err(CommandError::Usage(
            match (nearest(name, names.iter().copied()), quoted.is_empty()) {
                (_, true) => "the program has no scenarios".to_owned(),
                (Some(near), _) => format!(
                    "unknown scenario `{name}`: did you mean {}?",
                    quote_text(near)
                ),
                (None, _) => format!(
                    "unknown scenario `{name}`; the program has {}",
                    quoted.join(", ")
                ),
            },
        ));
    };
    Ok((picture.draw)(tables.schema(), run))
}

/// The names of the system that changes and the system that follows.
fn systems<'s>(schema: &'s Schema, table: &Table) -> (&'s str, &'s str) {
    let name = |system| schema.system(system).name.as_str();
    (name(table.direction().from()), name(table.direction().to()))
}

/// Every table as a grid, with fewer columns where the terminal is narrow; then the tables that never do anything.
fn summaries(
    tables: &Tables,
    program: Option<&Program>,
    is_shown: &dyn Fn(&str, Direction) -> bool,
    terminal: &Terminal,
) -> Result<String, presync::TooComplex> {
    let width = terminal.width(OutputStream::Stdout);
    let schema = tables.schema();
    let mut text = String::new();
    let mut nothing: Vec<(Vec<&str>, Vec<String>)> = Vec::new();
    for grid in grids(tables, program, MOST_COLUMNS, is_shown)? {
        let way = format!("{} → {}", grid.from, grid.to);
        let lines = match &grid.content {
            GridContent::Nothing => {
                match nothing.iter_mut().find(|(roles, _)| *roles == grid.roles) {
                    Some((_, ways)) => ways.push(way),
                    None => nothing.push((grid.roles, vec![way])),
                }
                continue;
            }
            GridContent::Rows(table) => {
                let rows = presync::rows(schema, &[table]).remove(0);
                let title = title(&grid.roles, &way) + "\n";
                visible(&title) + &row_lines(schema, table, rows, false, terminal)
            }
            GridContent::Grid(of) => {
                let mut lines = grid_lines(&grid, of, width, terminal);
                let mut columns = of.columns.len();
                while columns > 1
                    && lines
                        .iter()
                        .any(|line| textwrap::core::display_width(line) > width)
                {
                    columns -= 1;
                    let same = |role: &str, direction| {
                        grid.roles.first().is_none_or(|first| *first == role)
                            && direction == grid.direction
                    };
                    if let [
                        TableGrid {
                            content: GridContent::Grid(narrow),
                            ..
                        },
                    ] = &grids(tables, program, columns, &same)?[..]
                    {
                        lines = grid_lines(&grid, narrow, width, terminal);
                    }
                }
                lines.join("\n") + "\n"
            }
        };
        text.push_str(&lines);
        text.push('\n');
    }
    for (roles, ways) in nothing {
        let line = title(&roles, &ways.join(", ")) + ": nothing";
        for line in wrapped(&line, width, ["", " "]) {
            text.push_str(&line);
            text.push('\n');
        }
    }
    Ok(text)
}

fn grid_lines(
    grid: &TableGrid<'_>,
    of: &GridText,
    width: usize,
    terminal: &Terminal,
) -> Vec<String> {
    let mut lines = vec![visible(&grid.title())];
    if let Some(scope) = &of.scope {
        let both = format!("{}   {}", lines[0], visible(scope));
        if textwrap::core::display_width(&both) <= width {
            lines[0] = both;
        } else {
            lines.extend(wrapped(scope, width, [" ", "   "]));
        }
    }
    let mut table = Lines::new();
    table
        .load_style(BETWEEN)
        .set_content_arrangement(ContentArrangement::Disabled);
    if terminal.stdout_colored() {
        table.enforce_styling();
    }
    let cells = of.rows.iter().flat_map(|row| &row.cells);
    let widest = cells
        .map(|cell| textwrap::core::display_width(&cell.text))
        .max();
    let widest = widest.unwrap_or(0).max(18);
    // A separator and two spaces for each column.
    let left = width
        .saturating_sub((widest + 3) * of.columns.len() + 2)
        .clamp(20, 48);
    if of.columns.len() > 1 {
        let heads = of
            .columns
            .iter()
            .map(|column| Cell::new(list(column, " or ", widest)));
        table.add_row([Cell::new(visible(&of.about))].into_iter().chain(heads));
    }
    for row in &of.rows {
        let states = Cell::new(list(&row.states, ", ", left));
        let cells = row.cells.iter().map(|cell| {
            let shown = Cell::new(visible(&cell.text));
            if terminal.stdout_colored() {
                shown.fg(color(&cell.outcome))
            } else {
                shown
            }
        });
        table.add_row([states].into_iter().chain(cells));
    }
    lines.extend(table.lines().map(|line| line.trim_end().to_owned()));
    for sentence in &of.sentences {
        lines.extend(wrapped(sentence, width, [" ", "   "]));
    }
    lines
}

/// Joins items, with line breaks only between them.
fn list(items: &[String], separator: &str, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    let last = items.len().saturating_sub(1);
    for (at, item) in items.iter().enumerate() {
        let item = visible(item) + if at == last { "" } else { separator };
        match lines.last_mut() {
            Some(line)
                if textwrap::core::display_width(&format!("{line}{}", item.trim_end()))
                    <= width =>
            {
                line.push_str(&item);
            }
            _ => lines.push(item),
        }
    }
    let lines = lines.iter().map(|line| line.trim_end());
    lines.collect::<Vec<_>>().join("\n")
}

fn color(outcome: &Outcome) -> Color {
    match outcome {
        Outcome::Set(_) => Color::Green,
        Outcome::Unchanged | Outcome::Previous => Color::Yellow,
        Outcome::Unmapped => Color::DarkGrey,
    }
}

/// Every row of a table, and with `rules` what decides it.
fn row_lines(
    schema: &Schema,
    table: &Table,
    rows: Option<Rows>,
    rules: bool,
    terminal: &Terminal,
) -> String {
    let Some(rows) = rows else {
        return "  too many rows to show\n".to_owned();
    };
    let (from, to) = systems(schema, table);
    let mut grid = Lines::new();
    grid.load_style(presets::UTF8_BORDERS_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(terminal.width(OutputStream::Stdout) as u16);
    if terminal.stdout_colored() {
        grid.enforce_styling();
    }
    let shown = if rules { 4 } else { 3 };
    grid.set_header(
        ["when", from, to, "decided by"]
            .into_iter()
            .take(shown)
            .map(visible),
    );
    let mut line = |when: &Cells, from: &[StateId], outcome: (String, Color), origin: String| {
        let (outcome, color) = outcome;
        let cells = [
            cells::when(schema, &rows.columns, when),
            cells::entered(schema, table.direction(), from),
            outcome,
            origin,
        ];
        let cells = cells.into_iter().take(shown).map(|cell| {
            let cell = Cell::new(visible(&cell));
            if terminal.stdout_colored() {
                cell.fg(color)
            } else {
                cell
            }
        });
        grid.add_row(cells);
    };
    for row in &rows.rows {
        let outcome = (cells::outcome(schema, row), color(&row.outcome));
        line(&row.when, &row.from, outcome, cells::origin(row));
    }
    for (text, row) in cells::appended(&rows) {
        line(&row.when, &row.from, (text, Color::Green), String::new());
    }
    format!("{grid}\n")
}
