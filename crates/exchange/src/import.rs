//! In: a table from another tool. Out: unformatted `.presync` source that decides alike, and how columns were read.
//! Errors: the file is not such a table, or a program cannot express it.

mod csv;
mod dmn;
mod json;
mod source;

use presync::{FileId, SourceFile};
use presync_engine::{Tables, TablesError, TooComplex};

/// A table as source.
#[derive(Debug)]
pub struct Imported {
    pub source: String,
    /// How the columns were interpreted, one sentence each; empty if there was nothing to guess.
    pub understood: Vec<String>,
}

/// Why a file cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("the file is empty")]
    Empty,
    #[error("not a CSV file: {0}")]
    Csv(#[from] ::csv::Error),
    #[error("not an XML file: {0}")]
    Xml(#[from] roxmltree::Error),
    #[error("an element has more than {0} attributes")]
    Attributes(usize),
    #[error("the file contains no decisions")]
    NoDecisions,
    #[error("the file contains no mappings")]
    NoMappings,
    /// A required column is missing.
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

/// A kind of file that can be imported.
pub struct ImportKind {
    /// The extension of its files.
    pub extension: &'static str,
    pub read: fn(&str) -> Result<Imported, ImportError>,
}

/// Every kind of file.
pub const KINDS: &[ImportKind] = &[json::KIND, dmn::KIND, csv::KIND];

/// Writes imported tables as source.
fn from_tables(tables: Tables) -> Result<Imported, ImportError> {
    ensure_parses(Imported {
        source: source::write(&tables)?,
        understood: Vec::new(),
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
