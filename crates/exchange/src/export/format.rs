//! The definition of an export format, and its errors.

use presync_engine::{Tables, TablesError, TooComplex, UnknownName};

/// An export format for tables.
pub struct ExportFormat {
    pub name: &'static str,
    pub description: &'static str,
    pub write: Write,
}

/// The input of a format.
pub enum Write {
    Tables(fn(&Tables) -> Result<String, ExportError>),
    /// Not text.
    Bytes(fn(&Tables) -> Result<Vec<u8>, ExportError>),
    /// Also includes the lint findings.
    Report(fn(&Tables, &[PageFinding]) -> Result<String, ExportError>),
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
