//! In: a table from another tool. Out: unformatted `.presync` source that decides alike, and how columns were read.
//! Errors: the file is not such a table, or a program cannot express it.

mod columns;
mod conditions;
mod dmn;
mod exported;
mod icws;
mod json;
mod sheet;
mod source;
mod table;
mod vocabulary;
mod words;

use presync::{FileId, SourceFile};
use presync_engine::{Tables, TablesError, TooComplex};

/// A table as source.
#[derive(Debug)]
pub struct Imported {
    pub source: String,
    /// How the columns were interpreted, one sentence each; empty if there was nothing to guess.
    pub understood: Vec<String>,
    /// What the source does not contain, one sentence each.
    pub not_imported: Vec<String>,
}

/// What the user says of a table.
#[derive(Debug, Default)]
pub struct ImportOptions {
    /// What columns hold, by heading or number.
    pub columns: Vec<(ColumnKind, String)>,
    /// Columns that hold nothing to import.
    pub ignored: Vec<String>,
}

/// What a column of a table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    Profile,
    Role,
    Condition,
    Direction,
    /// The states of the system that changes.
    From,
    /// The states of the system that follows.
    To,
    FromSystem,
    ToSystem,
    FromId,
    ToId,
}

impl ColumnKind {
    /// Every kind, with its name in `--column`.
    pub const ALL: [(&'static str, Self); 10] = [
        ("profile", Self::Profile),
        ("role", Self::Role),
        ("condition", Self::Condition),
        ("direction", Self::Direction),
        ("from", Self::From),
        ("to", Self::To),
        ("from-system", Self::FromSystem),
        ("to-system", Self::ToSystem),
        ("from-id", Self::FromId),
        ("to-id", Self::ToId),
    ];
}

/// Why a file cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("the file is empty")]
    Empty,
    #[error("not a CSV file: {0}")]
    Csv(#[from] ::csv::Error),
    #[error("not a spreadsheet: {0}")]
    Spreadsheet(String),
    #[error("not valid UTF-8")]
    Utf8,
    #[error("not an XML file: {0}")]
    Xml(#[from] roxmltree::Error),
    #[error("an element has more than {0} attributes")]
    Attributes(usize),
    #[error("the file contains no decisions")]
    NoDecisions,
    #[error("the file contains no mappings")]
    NoMappings,
    /// A required column is missing.
    #[error(
        "this is the Markdown of `presync export`, which has no declarations: export `csv`, `xlsx` or `json` and import that"
    )]
    ExportedMarkdown,
    #[error("{0}")]
    Column(String),
    #[error("line {line}: {what}")]
    Line { line: u64, what: String },
    #[error("`{decision}`: {what}")]
    Decision { decision: String, what: String },
    #[error(transparent)]
    Tables(#[from] TablesError),
    #[error(transparent)]
    TooComplex(#[from] TooComplex),
    #[error(
        "a table for {0} -> {1} has more than 500 texts to append, which is more than a profile can have"
    )]
    Texts(String, String),
    #[error(
        "the table of profile `{profile}` for {from} -> {to} is a diagram with too many rows to import"
    )]
    Diagram {
        profile: String,
        from: String,
        to: String,
    },
    /// Most likely a name that is too long.
    #[error("this cannot be written as a program: {0}")]
    Unsayable(String),
}

/// How the Markdown of `presync export` begins.
const EXPORTED_MARKDOWN: &str = "# Decision tables of ";

/// A kind of file that can be imported.
pub struct ImportKind {
    /// The extensions of its files.
    pub extensions: &'static [&'static str],
    pub read: fn(&[u8], &ImportOptions) -> Result<Imported, ImportError>,
}

/// Every kind of file.
pub const KINDS: &[ImportKind] = &[
    json::KIND,
    dmn::KIND,
    ImportKind {
        extensions: &["csv", "tsv", "txt", "md", "markdown", "wiki"],
        read: |bytes, options| {
            let (text, note) = sheet::decode(bytes)?;
            if text.starts_with(EXPORTED_MARKDOWN) {
                return Err(ImportError::ExportedMarkdown);
            }
            let mut sheets = sheet::text(&text)?;
            if let Some(first) = sheets.first_mut() {
                first.notes.extend(note);
            }
            read_sheets(sheets, options)
        },
    },
    ImportKind {
        extensions: &["xlsx", "xls", "xlsm", "xlsb", "ods"],
        read: |bytes, options| read_sheets(sheet::spreadsheet(bytes)?, options),
    },
];

/// The list of states of a running system, by the name that `--from` has.
pub const SYSTEM_LISTS: &[(&str, ImportKind)] = &[("icws", icws::KIND)];

/// Reads what `presync export` wrote, or a table that somebody else wrote.
fn read_sheets(
    sheets: Vec<sheet::Sheet>,
    options: &ImportOptions,
) -> Result<Imported, ImportError> {
    if sheets.is_empty() {
        return Err(ImportError::Empty);
    }
    if let Some(export) = exported::find(&sheets) {
        exported::read(&sheets, &export, options)
    } else {
        table::read(sheets, options)
    }
}

/// The text of a file in UTF-8.
fn utf8(bytes: &[u8]) -> Result<&str, ImportError> {
    std::str::from_utf8(bytes).map_err(|_| ImportError::Utf8)
}

/// Writes imported tables as source.
fn from_tables(tables: Tables) -> Result<Imported, ImportError> {
    ensure_parses(Imported {
        source: source::write(&tables)?,
        understood: Vec::new(),
        not_imported: Vec::new(),
    })
}

/// Checks that the source is valid: tables can contain what no program can express, such as a name
/// that is too long.
fn ensure_parses(imported: Imported) -> Result<Imported, ImportError> {
    let file = SourceFile::new(
        "imported.presync",
        imported.source.clone().into_bytes(),
        false,
    );
    match presync::parse_file(FileId(0), &file).1.first() {
        None => Ok(imported),
        Some(error) => Err(ImportError::Unsayable(error.message.clone())),
    }
}
