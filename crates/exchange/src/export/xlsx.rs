//! A spreadsheet: a sheet for each role and direction, and one with the declarations.

use std::collections::BTreeSet;

use rust_xlsxwriter::{Format, FormatAlign, Workbook, Worksheet, XlsxError};

use crate::export::format::{ExportError, ExportFormat, Write};
use crate::export::rows::{RowSheets, sheets};
use presync_engine::Tables;

pub(super) const FORMAT: ExportFormat = ExportFormat {
    name: "xlsx",
    description: "a spreadsheet with a sheet for each role and direction",
    write: Write::Bytes(write),
};

/// The width of each column, in characters.
const WIDTHS: [f64; 8] = [14.0, 10.0, 10.0, 50.0, 40.0, 20.0, 50.0, 6.0];

/// The longest name of a sheet, in characters.
const LONGEST_NAME: usize = 31;

fn write(tables: &Tables) -> Result<Vec<u8>, ExportError> {
    let all = sheets(tables)?;
    let mut book = Workbook::new();
    let mut taken = BTreeSet::new();
    for sheet in &all.sheets {
        let name = free_name(&sheet.name, &mut taken);
        fill(book.add_worksheet(), &name, &all, &sheet.rows)?;
    }
    let name = free_name("declarations", &mut taken);
    fill(book.add_worksheet(), &name, &all, &all.declared)?;
    Ok(book.save_to_buffer()?)
}

fn fill(
    sheet: &mut Worksheet,
    name: &str,
    all: &RowSheets,
    rows: &[Vec<String>],
) -> Result<(), XlsxError> {
    let bold = Format::new().set_bold();
    let cell = Format::new().set_text_wrap().set_align(FormatAlign::Top);
    sheet.set_name(name)?;
    for (column, (heading, width)) in (0..).zip(all.headings.iter().zip(WIDTHS)) {
        sheet.set_column_width(column, width)?;
        sheet.write_string_with_format(0, column, *heading, &bold)?;
    }
    for (number, row) in (1..).zip(rows) {
        for (column, text) in (0..).zip(row) {
            if !text.is_empty() {
                sheet.write_string_with_format(number, column, text, &cell)?;
            }
        }
    }
    sheet.set_freeze_panes(1, 0)?;
    let (last, columns) = (rows.len() as u32, all.headings.len() as u16);
    sheet.autofilter(0, 0, last, columns - 1)?;
    Ok(())
}

/// A name that no other sheet has: at most 31 characters, without those that spreadsheets refuse.
fn free_name(wanted: &str, taken: &mut BTreeSet<String>) -> String {
    let allowed = |char: char| {
        if "[]:*?/\\'".contains(char) || char.is_control() {
            '_'
        } else {
            char
        }
    };
    let plain: String = wanted.replace(": ", " ").chars().map(allowed).collect();
    (1..)
        .map(|number| {
            let end = if number == 1 {
                String::new()
            } else {
                format!(" ({number})")
            };
            let kept = LONGEST_NAME - end.chars().count();
            let start: String = plain.chars().take(kept).collect();
            format!("{}{end}", start.trim_end())
        })
        .find(|name| taken.insert(name.to_lowercase()))
        .unwrap_or_default()
}
