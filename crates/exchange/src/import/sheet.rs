//! In: the bytes of a file with a table. Out: its rows as text, whatever it was written with.

use calamine::{Data, Dimensions, Reader, SheetVisible, Sheets};

use crate::import::ImportError;

/// A table as rows of cells.
pub(super) struct Sheet {
    /// The name of the sheet; empty for a text file.
    pub name: String,
    pub rows: Vec<SheetRow>,
    /// What was found out while reading.
    pub notes: Vec<String>,
}

/// A row with at least one cell that is not empty.
pub(super) struct SheetRow {
    /// Counted from 1.
    pub line: u64,
    pub cells: Vec<String>,
}

impl SheetRow {
    fn new(line: u64, cells: Vec<String>) -> Option<Self> {
        let filled = cells.iter().any(|cell| !cell.is_empty());
        filled.then_some(Self { line, cells })
    }
}

/// The sheets of a spreadsheet that are not empty. The cells of a merged range have its value.
pub(super) fn spreadsheet(bytes: &[u8]) -> Result<Vec<Sheet>, ImportError> {
    let wrong = |error: String| ImportError::Spreadsheet(error);
    let cursor = std::io::Cursor::new(bytes);
    let mut book =
        calamine::open_workbook_auto_from_rs(cursor).map_err(|error| wrong(error.to_string()))?;
    let hidden = book.sheets_metadata().iter();
    let hidden = hidden.filter(|sheet| sheet.visible != SheetVisible::Visible);
    let hidden: Vec<String> = hidden.map(|sheet| sheet.name.clone()).collect();
    let mut sheets = Vec::new();
    for (name, range) in book.worksheets() {
        let (first, left) = range.start().unwrap_or_default();
        let mut cells: Vec<Vec<String>> = range
            .rows()
            .map(|row| row.iter().map(cell).collect())
            .collect();
        for merged in merged(&mut book, &name)? {
            // Relative to the range, which begins at the first cell that is not empty.
            let [top, bottom] =
                [merged.start.0, merged.end.0].map(|row| row.saturating_sub(first) as usize);
            let [start, end] =
                [merged.start.1, merged.end.1].map(|at| at.saturating_sub(left) as usize);
            let value = cells
                .get(top)
                .and_then(|row| row.get(start))
                .cloned()
                .unwrap_or_default();
            for row in cells.iter_mut().take(bottom + 1).skip(top) {
                row.iter_mut()
                    .take(end + 1)
                    .skip(start)
                    .for_each(|cell| cell.clone_from(&value));
            }
        }
        let rows = (u64::from(first) + 1..).zip(cells);
        let rows = rows.filter_map(|(line, cells)| SheetRow::new(line, cells));
        let rows: Vec<SheetRow> = rows.collect();
        if !rows.is_empty() {
            let note = hidden
                .contains(&name)
                .then(|| format!("sheet `{name}` is hidden in the file"));
            let notes = note.into_iter().collect();
            sheets.push(Sheet { name, rows, notes });
        }
    }
    Ok(sheets)
}

/// The merged ranges of a sheet; other formats than XLSX and XLS do not record them.
fn merged<R: std::io::Read + std::io::Seek>(
    book: &mut Sheets<R>,
    name: &str,
) -> Result<Vec<Dimensions>, ImportError> {
    let wrong = |error: String| ImportError::Spreadsheet(error);
    match book {
        Sheets::Xlsx(book) => book
            .merge_cells_by_sheet_name(name)
            .map_err(|error| wrong(error.to_string())),
        Sheets::Xls(book) => book
            .merge_cells_by_sheet_name(name)
            .map_err(|error| wrong(error.to_string())),
        Sheets::Xlsb(_) | Sheets::Ods(_) => Ok(Vec::new()),
    }
}

fn cell(data: &Data) -> String {
    data.to_string().trim().to_owned()
}

/// The text of a file: UTF-8, UTF-16, or the code page of Windows.
///
/// # Errors
/// A byte that the encoding does not have.
pub(super) fn decode(bytes: &[u8]) -> Result<(String, Option<String>), ImportError> {
    let marked = encoding_rs::Encoding::for_bom(bytes);
    let (encoding, bytes) = match marked {
        Some((encoding, mark)) => (encoding, &bytes[mark..]),
        None => match std::str::from_utf8(bytes) {
            Ok(text) if !text.contains('\0') => (encoding_rs::UTF_8, bytes),
            _ => (utf16(bytes).unwrap_or(encoding_rs::WINDOWS_1252), bytes),
        },
    };
    let (text, wrong) = encoding.decode_without_bom_handling(bytes);
    if wrong {
        let before = text.split('\u{fffd}').next().unwrap_or_default();
        return Err(ImportError::Line {
            line: before.matches('\n').count() as u64 + 1,
            what: format!("a byte is not valid in {}", encoding.name()),
        });
    }
    let note = (encoding != encoding_rs::UTF_8).then(|| format!("encoding: {}", encoding.name()));
    Ok((text.into_owned(), note))
}

/// Whether a text without mark is UTF-16: every second byte of plain text is 0.
fn utf16(bytes: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    let start = &bytes[..bytes.len().min(1_000)];
    let zeros = |from: usize| {
        start
            .iter()
            .skip(from)
            .step_by(2)
            .filter(|byte| **byte == 0)
            .count()
    };
    let most = start.len() / 4;
    if zeros(1) > most {
        Some(encoding_rs::UTF_16LE)
    } else if zeros(0) > most {
        Some(encoding_rs::UTF_16BE)
    } else {
        None
    }
}

/// The tables in a text: those of a Markdown or wiki page, or one of lines separated by comma, semicolon or tab.
pub(super) fn text(text: &str) -> Result<Vec<Sheet>, ImportError> {
    if text.trim().is_empty() {
        Err(ImportError::Empty)
    } else if is_wiki(text) {
        Ok(wiki(text))
    } else {
        Ok(vec![separated(text)?])
    }
}

/// Whether at least two lines begin and end with a bar.
fn is_wiki(text: &str) -> bool {
    let is_row = |line: &str| line.starts_with('|') && line.ends_with('|') && line.len() > 1;
    let lines = || text.lines().map(str::trim);
    lines().filter(|line| is_row(line)).count() >= 2
}

/// `| a | b |` with a line of dashes, or `|| a || b ||` in the heading. A line without a bar at its start ends a table.
fn wiki(text: &str) -> Vec<Sheet> {
    let mut sheets: Vec<Sheet> = Vec::new();
    let mut open = false;
    for (line, content) in (1..).zip(text.lines().map(str::trim)) {
        let Some(inside) = content.strip_prefix('|') else {
            open = false;
            continue;
        };
        let mark = if content.starts_with("||") { "||" } else { "|" };
        let inside = inside.trim_start_matches('|');
        // The last bar may be missing.
        let inside = inside.strip_suffix(mark).unwrap_or(inside);
        let inside = inside.replace("\\|", "\u{0}");
        let cells = inside
            .split(mark)
            .map(|cell| plain(&cell.replace('\u{0}', "|")));
        let cells: Vec<String> = cells.collect();
        let dashes = cells
            .iter()
            .all(|cell| !cell.is_empty() && cell.chars().all(|char| "-:".contains(char)));
        if !open {
            open = true;
            sheets.push(Sheet {
                name: format!("line {line}"),
                rows: Vec::new(),
                notes: vec![format!("table in line {line}")],
            });
        }
        if let Some(sheet) = sheets.last_mut().filter(|_| !dashes) {
            sheet.rows.extend(SheetRow::new(line, cells));
        }
    }
    sheets.retain(|sheet| !sheet.rows.is_empty());
    sheets
}

/// Without the marks of bold text and code, and with line breaks.
fn plain(cell: &str) -> String {
    let cell = cell.trim();
    let marked = ["**", "*", "`", "_"].iter().find_map(|mark| {
        let inside = cell.strip_prefix(mark)?.strip_suffix(mark)?;
        (!inside.is_empty()).then_some(inside)
    });
    let cell = marked.unwrap_or(cell).trim();
    cell.replace("<br>", "\n").replace("<br/>", "\n")
}

fn separated(text: &str) -> Result<Sheet, ImportError> {
    let (declared, body) = declared_separator(text);
    let skipped = text[..text.len() - body.len()].lines().count() as u64;
    let separator = declared.unwrap_or_else(|| guessed_separator(body));
    check_quotes(body, separator.into(), skipped)?;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .trim(csv::Trim::All)
        .has_headers(false)
        .flexible(true)
        .from_reader(body.as_bytes());
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line) + skipped;
        rows.extend(SheetRow::new(line, record.iter().map(unescaped).collect()));
    }
    let separator = match separator {
        b'\t' => "tabs".to_owned(),
        other => format!("`{}`", char::from(other)),
    };
    Ok(Sheet {
        name: String::new(),
        rows,
        notes: vec![format!("columns are separated by {separator}")],
    })
}

/// A cell without the apostrophe that keeps a spreadsheet from reading it as a formula.
fn unescaped(cell: &str) -> String {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@', '\t', '\r']) => rest.to_owned(),
        _ => cell.to_owned(),
    }
}

/// The separator of a first line like `sep=;`, and the text below it.
fn declared_separator(text: &str) -> (Option<u8>, &str) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let first = first.trim_end_matches('\r').trim_matches('"');
    match first.strip_prefix("sep=").map(str::as_bytes) {
        Some([separator]) => (Some(*separator), rest),
        _ => (None, text),
    }
}

/// The separator with which the most rows have the same number of columns, and more than one.
fn guessed_separator(text: &str) -> u8 {
    let score = |separator: &u8| {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(*separator)
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes());
        let mut widths = std::collections::BTreeMap::new();
        for record in reader.records().take(100).flatten() {
            let width = record.len();
            if width > 1 {
                *widths.entry(width).or_insert(0) += 1;
            }
        }
        widths.into_iter().map(|(width, rows)| (rows, width)).max()
    };
    // The last of several with the same score.
    let candidates = *b"|\t;,";
    candidates.into_iter().max_by_key(score).unwrap_or(b',')
}

/// Rejects a quote that is never closed, or that closes in the middle of a cell: it would swallow the rows after it.
fn check_quotes(text: &str, separator: char, skipped: u64) -> Result<(), ImportError> {
    let (mut line, mut opened) = (1 + skipped, None);
    let mut starts_cell = true;
    let mut chars = text.chars().peekable();
    let wrong = |line, what: &str| ImportError::Line {
        line,
        what: what.to_owned(),
    };
    while let Some(char) = chars.next() {
        line += u64::from(char == '\n');
        match (char, opened) {
            ('"', Some(_)) if chars.peek() == Some(&'"') => drop(chars.next()),
            ('"', Some(at)) => {
                opened = None;
                while chars
                    .peek()
                    .is_some_and(|char| [' ', '\t', '\r'].contains(char) && *char != separator)
                {
                    chars.next();
                }
                let ends = chars
                    .peek()
                    .is_none_or(|char| *char == separator || *char == '\n');
                if !ends {
                    return Err(wrong(
                        at,
                        "text after a closing quote; write a quote inside quotes twice",
                    ));
                }
            }
            (_, Some(_)) => {}
            ('"', None) if starts_cell => opened = Some(line),
            _ => {}
        }
        starts_cell =
            char == separator || char == '\n' || (starts_cell && [' ', '\t', '\r'].contains(&char));
    }
    opened.map_or(Ok(()), |line| Err(wrong(line, "unclosed quote")))
}
