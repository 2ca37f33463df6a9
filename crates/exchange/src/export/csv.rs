//! CSV for people and spreadsheets: a line for each row.
//! A cell that a spreadsheet would treat as a formula is prefixed with an apostrophe.

use crate::export::format::{ExportError, ExportFormat, Write};
use crate::text::cells::{self, views};
use presync_engine::{Cells, StateId, Tables};

pub(super) const FORMAT: ExportFormat = ExportFormat {
    name: "csv",
    description: "rows for spreadsheets",
    write: Write::Tables(write),
};

const HEADINGS: [&str; 7] = [
    "role",
    "from",
    "to",
    "when",
    "states",
    "outcome",
    "decided by",
];

/// Where a role has several tables, of which the first with a matching row decides.
const NUMBER: &str = "table";

fn write(tables: &Tables) -> Result<String, ExportError> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    let views = views(tables)?;
    let numbered = views.iter().any(|view| view.tables.len() > 1);
    writer.write_record(HEADINGS.into_iter().chain(numbered.then_some(NUMBER)))?;
    for view in &views {
        for (number, table) in (1..).zip(&view.tables) {
            let mut line = |when: &Cells, from: &[StateId], outcome: String, origin: String| {
                let cells = [
                    view.role.to_owned(),
                    view.from().name.clone(),
                    view.to().name.clone(),
                    cells::when(view.schema, &table.columns, when).replace('\n', " "),
                    cells::entered(view.schema, view.direction, from)
                        .replace("any but\n", "any but ")
                        .replace('\n', " | "),
                    outcome,
                    origin,
                ];
                let number = numbered.then(|| number.to_string());
                writer.write_record(cells.into_iter().chain(number).map(defuse_formula))
            };
            for row in &table.rows {
                let outcome = view.target(row);
                let outcome = outcome.map_or_else(|| row.outcome.kind().to_owned(), presync::quote);
                let origin = cells::origin(row).replace('\n', ", ");
                line(&row.when, &row.from, outcome, origin)?;
            }
            for (text, row) in cells::appended(table) {
                line(&row.when, &row.from, text, String::new())?;
            }
        }
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8(bytes).expect("what was written is text"))
}

fn defuse_formula(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{cell}")
    } else {
        cell
    }
}
