//! Markdown: each table as a grid, the same ones of several roles once; then a table with every row for each role and
//! direction.

use crate::export::format::{ExportError, ExportFormat, TableReport, Write};
use crate::text::cells::{self, View, views};
use crate::text::crosstab::{GridContent, GridText, MOST_COLUMNS, TableGrid, grids, groups, title};
use crate::text::markdown::escape;
use presync::Program;
use presync_engine::{Cells, Direction, StateId, Tables, TooComplex};

pub(super) const FORMAT: ExportFormat = ExportFormat {
    name: "markdown",
    description: "tables for a wiki or a pull request",
    write: Write::Report(write),
};

fn write(report: &TableReport<'_>) -> Result<Vec<u8>, ExportError> {
    let mut text = format!("# Decision tables of {}\n", escape(&report.title()));
    text.push_str(&overview(report.tables, report.program, &|_, _| true)?);
    let groups = report.program.map(groups).unwrap_or_default();
    if !groups.is_empty() {
        text.push_str("\n## Groups\n\n");
        for group in groups {
            text.push_str(&format!("- {}\n", escape(&group)));
        }
    }
    text.push_str("\n# Every row\n");
    for view in views(report.tables)? {
        text.push_str(&of_view(&view));
    }
    Ok(text.into_bytes())
}

/// The tables of some roles and directions as grids. `program`: where they are from, for the names of groups.
///
/// # Errors
/// A role is too complex.
pub fn overview(
    tables: &Tables,
    program: Option<&Program>,
    is_shown: &dyn Fn(&str, Direction) -> bool,
) -> Result<String, TooComplex> {
    let mut text = String::new();
    let mut nothing: Vec<String> = Vec::new();
    for grid in grids(tables, program, MOST_COLUMNS, is_shown)? {
        match &grid.content {
            GridContent::Nothing => nothing.push(grid.title()),
            GridContent::Grid(of) => text.push_str(&of_grid(&grid, of)),
            GridContent::Rows(_) => text.push_str(&format!(
                "\n## {}\n\nToo many exceptions for a grid: `presync show --full` has every row.\n",
                escape(&grid.title())
            )),
        }
    }
    if !nothing.is_empty() {
        text.push_str("\n## Nothing ever changes\n\n");
        for title in nothing {
            text.push_str(&format!("- {}\n", escape(&title)));
        }
    }
    Ok(text)
}

/// A line of a table.
fn line(cells: impl IntoIterator<Item = String>) -> String {
    let cells = cells.into_iter().map(|cell| escape(&cell));
    format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
}

/// The heads of a table.
fn heads(heads: Vec<String>) -> String {
    let below = "---|".repeat(heads.len());
    format!("{}|{below}\n", line(heads))
}

fn of_grid(grid: &TableGrid<'_>, of: &GridText) -> String {
    let mut text = format!("\n## {}\n\n", escape(&grid.title()));
    if let Some(scope) = &of.scope {
        text.push_str(&format!("{}\n\n", escape(scope)));
    }
    let columns = [grid.from.to_owned()].into_iter().chain(of.heads(grid.to));
    text.push_str(&heads(columns.collect()));
    for row in &of.rows {
        let cells = row.cells.iter().map(|cell| cell.text.clone());
        text.push_str(&line([row.states.join(", ")].into_iter().chain(cells)));
    }
    if !of.sentences.is_empty() {
        text.push('\n');
    }
    for sentence in &of.sentences {
        let sentence = escape(sentence);
        // A plus at the beginning would be another list.
        let sentence = sentence
            .strip_prefix('+')
            .map_or_else(|| sentence.clone(), |rest| format!("\\+{rest}"));
        text.push_str(&format!("- {sentence}\n"));
    }
    text
}

fn of_view(view: &View<'_>) -> String {
    let (from, to) = (&view.from().name, &view.to().name);
    let roles: &[&str] = if view.implicit { &[] } else { &[view.role] };
    let title = title(roles, &format!("{from} → {to}"));
    let mut text = format!("\n## {}\n\n", escape(&title));
    for (number, table) in (1..).zip(&view.tables) {
        if !view.complete {
            let of = view.tables.len();
            text.push_str(&format!(
                "Table {number} of {of}. The first table with a matching row decides; without one, the change is unmapped.\n\n"
            ));
        }
        let columns = ["when", from, to, "decided by"];
        text.push_str(&heads(columns.map(str::to_owned).to_vec()));
        let mut add = |when: &Cells, from: &[StateId], outcome: String, origin: String| {
            text.push_str(&line([
                cells::when(view.schema, &table.columns, when),
                cells::entered(view.schema, view.direction, from),
                outcome,
                origin,
            ]));
        };
        for row in &table.rows {
            let outcome = cells::outcome(view.schema, row);
            add(&row.when, &row.from, outcome, cells::origin(row));
        }
        for (appended, row) in cells::appended(table) {
            add(&row.when, &row.from, appended, String::new());
        }
    }
    text
}
