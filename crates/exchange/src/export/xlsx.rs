//! A spreadsheet: a sheet with each table as a grid, then a sheet with every row for each role and direction, and one with the
//! declarations.

use std::collections::BTreeSet;

use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError};

use crate::export::format::{ExportError, ExportFormat, TableReport, Write};
use crate::export::rows::{OVERVIEW, RowSheets, sheets};
use crate::text::crosstab::{GridContent, GridText, MOST_COLUMNS, TableGrid, grids, groups};
use presync_engine::Outcome;

pub(super) const FORMAT: ExportFormat = ExportFormat {
    name: "xlsx",
    description: "a spreadsheet with an overview, and a sheet for each role and direction",
    write: Write::Report(write),
};

/// The width of each column, in characters.
const WIDTHS: [f64; 8] = [14.0, 10.0, 10.0, 50.0, 40.0, 20.0, 50.0, 6.0];

/// The width of the states and of each outcome in the overview, in characters.
const GRID_WIDTHS: [f64; 2] = [44.0, 26.0];

/// The longest name of a sheet, in characters.
const LONGEST_NAME: usize = 31;

fn write(report: &TableReport<'_>) -> Result<Vec<u8>, ExportError> {
    let all = sheets(report.tables)?;
    let grids = grids(report.tables, report.program, MOST_COLUMNS, &|_, _| true)?;
    let mut book = Workbook::new();
    let mut taken = BTreeSet::new();
    let overview = book.add_worksheet();
    overview.set_name(free_name("overview", &mut taken))?;
    let groups = report.program.map(groups).unwrap_or_default();
    fill_overview(overview, &report.title(), &grids, &groups)?;
    for sheet in &all.sheets {
        let name = free_name(&sheet.name, &mut taken);
        fill(book.add_worksheet(), &name, &all, &sheet.rows)?;
    }
    let name = free_name("declarations", &mut taken);
    fill(book.add_worksheet(), &name, &all, &all.declared)?;
    Ok(book.save_to_buffer()?)
}

/// Every grid, one below the other.
fn fill_overview(
    sheet: &mut Worksheet,
    title: &str,
    grids: &[TableGrid<'_>],
    groups: &[String],
) -> Result<(), XlsxError> {
    let large = Format::new().set_bold().set_font_size(14);
    let soft = Format::new().set_font_color(Color::RGB(0x5f_6a_75));
    let bold = Format::new().set_bold();
    sheet.set_column_width(0, GRID_WIDTHS[0])?;
    for column in 1..=MOST_COLUMNS as u16 {
        sheet.set_column_width(column, GRID_WIDTHS[1])?;
    }
    sheet.write_string_with_format(0, 0, title, &large)?;
    sheet.write_string_with_format(1, 0, OVERVIEW, &soft)?;
    let mut row = 3;
    for grid in grids {
        sheet.write_string_with_format(row, 0, grid.title(), &bold)?;
        row += 1;
        match &grid.content {
            GridContent::Nothing => {
                sheet.write_string_with_format(row, 0, "nothing ever changes", &soft)?;
                row += 2;
            }
            GridContent::Rows(_) => {
                let text = "too many exceptions for an overview: see the sheet of this table";
                sheet.write_string_with_format(row, 0, text, &soft)?;
                row += 2;
            }
            GridContent::Grid(of) => row = fill_grid(sheet, row, grid, of)? + 1,
        }
    }
    if !groups.is_empty() {
        sheet.write_string_with_format(row, 0, "Groups", &bold)?;
    }
    for (group, row) in groups.iter().zip(row + 1..) {
        sheet.write_string(row, 0, group)?;
    }
    Ok(())
}

/// Returns the row below the grid.
fn fill_grid(
    sheet: &mut Worksheet,
    mut row: u32,
    grid: &TableGrid<'_>,
    of: &GridText,
) -> Result<u32, XlsxError> {
    let soft = Format::new().set_font_color(Color::RGB(0x5f_6a_75));
    let cell = Format::new()
        .set_text_wrap()
        .set_align(FormatAlign::Top)
        .set_border(FormatBorder::Thin)
        .set_border_color(Color::RGB(0xc9_ce_d4));
    let head = cell.clone().set_bold();
    if let Some(scope) = &of.scope {
        sheet.write_string_with_format(row, 0, scope, &soft)?;
        row += 1;
    }
    let heads = [grid.from.to_owned()].into_iter().chain(of.heads(grid.to));
    for (column, text) in (0..).zip(heads) {
        sheet.write_string_with_format(row, column, text, &head)?;
    }
    row += 1;
    for of_states in &of.rows {
        sheet.write_string_with_format(row, 0, of_states.states.join(", "), &cell)?;
        for (column, outcome) in (1..).zip(&of_states.cells) {
            let filled = cell.clone().set_background_color(color(outcome.outcome));
            sheet.write_string_with_format(row, column, &outcome.text, &filled)?;
        }
        row += 1;
    }
    for sentence in &of.sentences {
        sheet.write_string(row, 0, sentence)?;
        row += 1;
    }
    Ok(row)
}

fn color(outcome: Outcome) -> Color {
    match outcome {
        Outcome::Set(_) => Color::RGB(0xe3_f1_e6),
        Outcome::Unchanged | Outcome::Previous => Color::RGB(0xfd_f3_d8),
        Outcome::Unmapped => Color::RGB(0xee_f0_f2),
    }
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
