//! In: the bytes of a file with a table. Out: its rows as text, whatever it was written with.

use calamine::{Data, Reader};

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

/// The sheets of a spreadsheet that are not empty.
pub(super) fn spreadsheet(bytes: &[u8]) -> Result<Vec<Sheet>, ImportError> {
    let wrong = |error: calamine::Error| ImportError::Spreadsheet(error.to_string());
    let cursor = std::io::Cursor::new(bytes);
    let mut book = calamine::open_workbook_auto_from_rs(cursor).map_err(wrong)?;
    let mut sheets = Vec::new();
    for (name, range) in book.worksheets() {
        let first = u64::from(range.start().map_or(0, |(row, _)| row));
        let rows = (first + 1..)
            .zip(range.rows())
            .filter_map(|(line, cells)| SheetRow::new(line, cells.iter().map(cell).collect()));
        let rows: Vec<SheetRow> = rows.collect();
        if !rows.is_empty() {
            let notes = Vec::new();
            sheets.push(Sheet { name, rows, notes });
        }
    }
    Ok(sheets)
}

fn cell(data: &Data) -> String {
    data.to_string().trim().to_owned()
}

/// The text of a file: UTF-8, UTF-16, or the code page of Windows.
pub(super) fn decode(bytes: &[u8]) -> (String, Option<String>) {
    let told = |name: &str| Some(format!("the text is read as {name}"));
    if let Some((encoding, mark)) = encoding_rs::Encoding::for_bom(bytes) {
        let (text, _) = encoding.decode_without_bom_handling(&bytes[mark..]);
        let note = told(encoding.name()).filter(|_| encoding != encoding_rs::UTF_8);
        return (text.into_owned(), note);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => (text.to_owned(), None),
        _ => {
            let encoding = utf16(bytes).unwrap_or(encoding_rs::WINDOWS_1252);
            let (text, _) = encoding.decode_without_bom_handling(bytes);
            (text.into_owned(), told(encoding.name()))
        }
    }
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

/// The table in a text: Markdown or wiki, or lines separated by comma, semicolon or tab.
pub(super) fn text(text: &str) -> Result<Sheet, ImportError> {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty());
    match first {
        None => Err(ImportError::Empty),
        Some(_) if is_wiki(text) => Ok(wiki(text)),
        Some(_) => separated(text),
    }
}

/// Whether most lines with a bar begin and end with one, and at least two do.
fn is_wiki(text: &str) -> bool {
    let is_row = |line: &str| line.starts_with('|') && line.ends_with('|') && line.len() > 1;
    let lines = || text.lines().map(str::trim);
    lines().filter(|line| is_row(line)).count() >= 2
}

/// `| a | b |` with a line of dashes, or `|| a || b ||` in the heading.
fn wiki(text: &str) -> Sheet {
    let (mut rows, mut skipped) = (Vec::new(), 0);
    for (line, content) in (1..).zip(text.lines().map(str::trim)) {
        let Some(inside) = content
            .strip_prefix('|')
            .and_then(|line| line.strip_suffix('|'))
        else {
            skipped += usize::from(!content.is_empty());
            continue;
        };
        let mark = if content.starts_with("||") { "||" } else { "|" };
        let inside = inside.trim_start_matches('|').trim_end_matches('|');
        let inside = inside.replace("\\|", "\u{0}");
        let cells = inside
            .split(mark)
            .map(|cell| plain(&cell.replace('\u{0}', "|")));
        let cells: Vec<String> = cells.collect();
        let dashes = cells
            .iter()
            .all(|cell| !cell.is_empty() && cell.chars().all(|char| "-:".contains(char)));
        if !dashes {
            rows.extend(SheetRow::new(line, cells));
        }
    }
    let note = match skipped {
        0 => "a table of a wiki".to_owned(),
        1 => "a table of a wiki; 1 line around it skipped".to_owned(),
        lines => format!("a table of a wiki; {lines} lines around it skipped"),
    };
    Sheet {
        name: String::new(),
        rows,
        notes: vec![note],
    }
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
    open_quote(body)?;
    let separator = match declared {
        Some(separator) => separator,
        None => guessed_separator(body),
    };
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

/// Refuses a text with a quote that is never closed: it would swallow the rows after it.
fn open_quote(text: &str) -> Result<(), ImportError> {
    let (mut line, mut opened, mut before) = (1, None, '\n');
    for char in text.chars() {
        let starts_cell = matches!(before, '\n' | ',' | ';' | '\t' | '|' | ' ');
        match (char, opened) {
            ('"', None) if starts_cell => opened = Some(line),
            // A doubled quote closes and opens again.
            ('"', None) if before == '"' => opened = Some(line),
            ('"', Some(_)) => opened = None,
            _ => {}
        }
        line += u64::from(char == '\n');
        before = char;
    }
    match opened {
        None => Ok(()),
        Some(line) => Err(ImportError::Line {
            line,
            what: "a quote is opened here and never closed".to_owned(),
        }),
    }
}
