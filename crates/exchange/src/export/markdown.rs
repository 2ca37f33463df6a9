//! Markdown: a heading and a table for each role and direction.

use crate::export::format::{ExportError, ExportFormat, Write};
use crate::text::cells::{self, views};
use crate::text::markdown::escape;
use presync_engine::{Cells, StateId, Tables};

pub(super) const FORMAT: ExportFormat = ExportFormat {
    name: "markdown",
    description: "tables for a wiki or a pull request",
    write: Write::Tables(write),
};

fn write(tables: &Tables) -> Result<String, ExportError> {
    let mut text = String::from("# Decision tables\n");
    for view in views(tables)? {
        let (from, to) = (&view.from().name, &view.to().name);
        text.push_str(&format!(
            "\n## {}: {} → {}\n\n",
            escape(view.role),
            escape(from),
            escape(to)
        ));
        for (number, table) in (1..).zip(&view.tables) {
            if !view.complete {
                let of = view.tables.len();
                text.push_str(&format!(
                    "Table {number} of {of}. The first table with a matching row decides; without one, the change is unmapped.\n\n"
                ));
            }
            text.push_str(&format!(
                "| when | {} | {} | decided by |\n|---|---|---|---|\n",
                escape(from),
                escape(to)
            ));
            let mut line = |when: &Cells, from: &[StateId], outcome: String, origin: String| {
                let cells = [
                    cells::when(view.schema, &table.columns, when),
                    cells::entered(view.schema, view.direction, from),
                    outcome,
                    origin,
                ];
                let cells = cells.map(|cell| escape(&cell));
                text.push_str(&format!("| {} |\n", cells.join(" | ")));
            };
            for row in &table.rows {
                let outcome = cells::outcome(view.schema, row);
                line(&row.when, &row.from, outcome, cells::origin(row));
            }
            for (appended, row) in cells::appended(table) {
                line(&row.when, &row.from, appended, String::new());
            }
        }
    }
    Ok(text)
}
