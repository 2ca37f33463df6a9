//! tables.json, the published form of the tables. In: tables, or the text of a file. Out: the other form.
//! Errors: a file that is truncated, has another version, was edited by hand, or does not match the schema.

pub mod document;
mod read;
mod write;

use serde::Deserialize;

use crate::json::document::Document;
use crate::names::UnknownName;
use crate::schema::SchemaError;
use crate::tables::{Tables, TooComplex};

pub const FORMAT: &str = "presync-tables";
pub const VERSION: u32 = 1;

/// Why a tables.json cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TablesError {
    #[error("line {line}, column {column}: {message}")]
    Syntax {
        line: usize,
        column: usize,
        message: String,
    },
    #[error("not a tables.json: `\"format\": \"{FORMAT}\"` is missing")]
    Format,
    #[error("`version` is missing")]
    NoVersion,
    #[error(
        "the file has format version {0}, but this presync reads version {VERSION}: export it again"
    )]
    Version(u64),
    #[error(transparent)]
    Schema(#[from] SchemaError),
    #[error(transparent)]
    Unknown(#[from] UnknownName),
    #[error("`{0}` is not a fact or system")]
    UnknownColumn(String),
    #[error("`{column}` is not a column of its table")]
    ForeignColumn { column: String },
    #[error("`{column}` has no value {value}")]
    UnknownValue { column: String, value: String },
    #[error("role `{role}` does not have one table for each pair of systems, in order")]
    Directions { role: String },
    #[error("{place}: {fault}")]
    Table { place: String, fault: TableFault },
    #[error("`state` is required for the outcome `set` and not allowed for others")]
    Outcome,
    #[error(transparent)]
    Diagram(#[from] DiagramFault),
    #[error(
        "the digest does not match the tables: the file was edited after its export, export it again"
    )]
    Digest,
    #[error(transparent)]
    TooComplex(#[from] TooComplex),
}

/// An error in one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TableFault {
    #[error("two rows match the same situation")]
    Overlap,
    #[error("no row matches some situation")]
    Gap,
    #[error("the diagram is missing")]
    NoDiagram,
    #[error("a table has either rows or diagrams")]
    Body,
}

/// An error in a diagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DiagramFault {
    #[error("a diagram node leads to {0}, which is not a later node or a decision")]
    Next(i64),
    #[error("the last diagram of a table does not decide")]
    Pass,
    #[error("a diagram node has {next} branches for an input with {values} values")]
    Size { next: usize, values: usize },
}

/// The JSON Schema of tables.json.
pub fn schema() -> String {
    let schema = schemars::schema_for!(Document);
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is always JSON");
    text.push('\n');
    text
}

impl Tables {
    /// Writes the published form, with a final newline. Compiles every role.
    ///
    /// # Errors
    /// A role is too complex to compile.
    pub fn to_json(&self) -> Result<String, TooComplex> {
        let document = write::document(self)?;
        let mut text = serde_json::to_string_pretty(&document).expect("tables are always JSON");
        text.push('\n');
        Ok(text)
    }

    /// Reads the output of [`Tables::to_json`].
    ///
    /// # Errors
    /// The text is not a tables.json, has another version, or was edited by hand.
    pub fn from_json(text: &str) -> Result<Self, TablesError> {
        #[derive(Deserialize)]
        struct Header {
            format: Option<serde_json::Value>,
            version: Option<u64>,
        }
        let syntax = |error: serde_json::Error| {
            let (line, column) = (error.line(), error.column());
            let message = error.to_string();
            let message = message
                .split(" at line ")
                .next()
                .unwrap_or_default()
                .to_owned();
            TablesError::Syntax {
                line,
                column,
                message,
            }
        };
        let header: Header = serde_json::from_str(text).map_err(syntax)?;
        if header.format.as_ref().and_then(|format| format.as_str()) != Some(FORMAT) {
            return Err(TablesError::Format);
        }
        match header.version {
            Some(version) if version == u64::from(VERSION) => {}
            Some(version) => return Err(TablesError::Version(version)),
            None => return Err(TablesError::NoVersion),
        }
        let document: Document = serde_json::from_str(text).map_err(syntax)?;
        let digest = document.digest.clone();
        let tables = Self::from_document(document)?;
        if tables.digest()? == digest {
            Ok(tables)
        } else {
            Err(TablesError::Digest)
        }
    }

    /// Builds tables from their published shape. Does not check the digest.
    ///
    /// # Errors
    /// The document is inconsistent: for example, a name is not declared, or rows overlap or leave
    /// a gap.
    pub fn from_document(document: Document) -> Result<Self, TablesError> {
        read::tables(document)
    }
}
