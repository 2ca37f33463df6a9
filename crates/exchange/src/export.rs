//! In: tables. Out: their text in a format that others read. One file for each format, over tables only.
//! Errors: what a format cannot say.

mod csv;
mod dmn;
mod html;
mod jdm;
mod json;
mod markdown;
mod rego;
mod sql;

use presync_engine::{Tables, TooComplex};

/// A format that tables can be handed on in.
pub struct Format {
    pub name: &'static str,
    pub description: &'static str,
    pub write: Write,
}

/// What a format is written from.
pub enum Write {
    Tables(fn(&Tables) -> Result<String, ExportError>),
    /// The findings of the lints belong into it.
    Report(fn(&Tables, &[Finding]) -> Result<String, ExportError>),
}

/// What a lint found, as a report shows it.
#[derive(Debug)]
pub struct Finding {
    /// `error`, `warning` or `info`.
    pub severity: &'static str,
    pub code: &'static str,
    pub message: String,
    /// `agents.presync:14`
    pub place: Option<String>,
    pub help: Option<String>,
}

/// What a format has no way to express.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ExportError(pub String);

impl From<TooComplex> for ExportError {
    fn from(error: TooComplex) -> Self {
        Self(error.to_string())
    }
}

/// Every format, in the order they are listed.
pub const FORMATS: &[Format] = &[
    json::FORMAT,
    dmn::FORMAT,
    jdm::FORMAT,
    rego::FORMAT,
    sql::FORMAT,
    csv::FORMAT,
    markdown::FORMAT,
    html::FORMAT,
];
