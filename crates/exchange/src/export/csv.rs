//! CSV for people and spreadsheets: a line for each row, then a line for each declaration.
//! A cell that a spreadsheet would treat as a formula is prefixed with an apostrophe.

use crate::export::format::{ExportError, ExportFormat, Write};
use crate::export::rows::sheets;
use presync_engine::Tables;

pub(super) const FORMAT: ExportFormat = ExportFormat {
    name: "csv",
    description: "rows for spreadsheets",
    write: Write::Tables(write),
};

fn write(tables: &Tables) -> Result<String, ExportError> {
    let all = sheets(tables)?;
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(&all.headings)?;
    let rows = all.sheets.into_iter().flat_map(|sheet| sheet.rows);
    for row in rows.chain(all.declared) {
        writer.write_record(row.into_iter().map(defuse_formula))?;
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
