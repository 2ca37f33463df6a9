//! The definition of an export format, and its errors.

use presync::Program;
use presync_engine::{Tables, TablesError, TooComplex, UnknownName};

/// An export format for tables.
pub struct ExportFormat {
    pub name: &'static str,
    pub description: &'static str,
    pub write: Write,
}

/// What a format needs, and how it writes.
pub enum Write {
    /// For other systems.
    Tables(fn(&Tables) -> Result<String, ExportError>),
    /// For people.
    Report(fn(&TableReport<'_>) -> Result<Vec<u8>, ExportError>),
}

/// Tables, and what people want to know about them.
pub struct TableReport<'t> {
    pub tables: &'t Tables,
    /// Where the tables are from, for groups, comments and rules; `None` for a tables.json.
    pub program: Option<&'t Program>,
    /// The name of the project or program.
    pub name: String,
    /// The revision of the project, if it has one.
    pub revision: Option<String>,
    pub findings: Vec<PageFinding>,
}

impl<'t> TableReport<'t> {
    /// Tables without a program.
    pub fn of_tables(tables: &'t Tables, name: &str) -> Self {
        Self {
            tables,
            program: None,
            name: name.to_owned(),
            revision: None,
            findings: Vec::new(),
        }
    }

    /// `contact-centre, revision 1a2b3c4`
    pub(crate) fn title(&self) -> String {
        match &self.revision {
            Some(revision) => format!("{}, revision {revision}", self.name),
            None => self.name.clone(),
        }
    }
}

/// A lint finding, as a report shows it.
#[derive(Debug)]
pub struct PageFinding {
    /// `error`, `warning` or `info`.
    pub severity: &'static str,
    pub code: &'static str,
    pub message: String,
    /// `agents.presync:14`
    pub place: Option<String>,
    pub help: Option<String>,
}

/// Why tables cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error(
        "the table of role `{role}` for {from} -> {to} has too many rows for this format; use `--to json`, which \
exports it as a diagram"
    )]
    TooManyRows {
        role: String,
        from: String,
        to: String,
    },
    /// The format cannot express the string.
    #[error(
        "`{0}` contains every kind of quote, and strings in this format have no escapes: rename it, or use another \
format"
    )]
    Quotes(String),
    #[error(transparent)]
    TooComplex(#[from] TooComplex),
    #[error(transparent)]
    Tables(#[from] TablesError),
    #[error(transparent)]
    Name(#[from] UnknownName),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Csv(#[from] csv::Error),
    #[error(transparent)]
    Xlsx(#[from] rust_xlsxwriter::XlsxError),
}
