//! In: a table that somebody has. Out: `.presync` source that decides as it does, not laid out yet, and what was
//! understood of it. Errors: what is not such a table, or has no way to be said.

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
    /// What the columns were taken for, one sentence each; empty where there was nothing to guess.
    pub understood: Vec<String>,
}

/// Why a file is not imported.
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
    /// A column that is needed is not there, or could be several.
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
        "the table of role `{role}` for {from} -> {to} is a diagram with too many rows to import"
    )]
    Diagram {
        role: String,
        from: String,
        to: String,
    },
    /// A name that is too long, above all.
    #[error("this cannot be written as a program: {0}")]
    Unsayable(String),
}

/// A kind of file that can be imported.
pub struct Kind {
    /// How its files' names end.
    pub extension: &'static str,
    pub read: fn(&str) -> Result<Imported, ImportError>,
}

/// Every kind, each in a file of its own.
pub const KINDS: &[Kind] = &[json::KIND, dmn::KIND, csv::KIND];

/// What is read as tables, as source.
fn from_tables(tables: Tables) -> Result<Imported, ImportError> {
    ensure_parses(Imported {
        source: source::write(&tables)?,
        understood: Vec::new(),
    })
}

/// A table may hold what no program can say: a name that is too long, above all.
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
