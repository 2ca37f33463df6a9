//! CSV for people and spreadsheets: a line for each row.
//! A cell that a spreadsheet would treat as a formula is prefixed with an apostrophe.

use crate::export::format::{ExportError, ExportFormat, Write};
use crate::text::cells::{self, views};
use presync_engine::Tables;

pub(super) const FORMAT: ExportFormat = ExportFormat {
    name: "csv",
    description: "rows for spreadsheets",
    write: Write::Tables(write),
};

const HEADINGS: [&str; 8] = [
    "role",
    "from",
    "to",
    "when",
    "states",
    "outcome",
    "append",
    "decided by",
];

fn write(tables: &Tables) -> Result<String, ExportError> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(HEADINGS)?;
    for view in views(tables)? {
        for row in view.rows {
            let cells = [
                view.role.to_owned(),
                view.from().name.clone(),
                view.to().name.clone(),
                cells::when(view.schema, view.table.columns(), &row.when).replace('\n', " "),
                cells::entered(view.schema, view.table.direction(), row)
                    .replace("any but\n", "any but ")
                    .replace('\n', " | "),
                view.target(row)
                    .map_or_else(|| row.outcome.kind().to_owned(), presync::quote),
                row.outcome
                    .append()
                    .iter()
                    .map(|text| presync::quote_text(text))
                    .collect::<Vec<_>>()
                    .join(", "),
                cells::origin(row).replace('\n', ", "),
            ];
            writer.write_record(cells.map(defuse_formula))?;
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
