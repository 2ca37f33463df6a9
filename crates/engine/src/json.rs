//! tables.json, the published form of the tables. In: tables, or the text of a file. Out: the other form.
//! Errors: a file that is truncated, has another version, was edited by hand, or does not match the schema.

pub mod document;
mod layout;
pub mod parts;
mod read;

use serde::Deserialize;

use std::io::{self, BufWriter};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::json::document::Document;
use crate::names::UnknownName;
use crate::schema::SchemaError;
use crate::tables::{Tables, TooComplex};

pub const FORMAT: &str = "presync-tables";
pub const VERSION: u32 = 2;

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
    #[error("`version` is missing or not a number")]
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
    #[error("a table leads from `{0}` to itself")]
    SameSystem(String),
    #[error("profile `{profile}`, {from} → {to}: {fault}")]
    Table {
        profile: String,
        from: String,
        to: String,
        fault: TableFault,
    },
    #[error("`state` is required for the outcome `set` and not allowed for others")]
    Outcome,
    #[error(transparent)]
    Diagram(#[from] DiagramFault),
    #[error("`content` does not match the file: it was edited after its export, export it again")]
    Edited,
    #[error(transparent)]
    TooComplex(#[from] TooComplex),
}

/// An error in one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TableFault {
    #[error("two rows match the same situation")]
    Overlap,
    #[error("a table has either rows, or a diagram with decisions")]
    Body,
}

/// An error in a diagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DiagramFault {
    #[error("a diagram node leads to {0}, which is not a later node or a decision")]
    Next(i64),
    #[error(
        "a diagram does not test the state entered first, then facts and systems in the order of the file"
    )]
    Order,
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
        Ok(layout::text(&self.document()?))
    }

    /// Reads the output of [`Tables::to_json`].
    ///
    /// # Errors
    /// The text is not a tables.json, has another version, or was edited by hand.
    pub fn from_json(text: &str) -> Result<Self, TablesError> {
        #[derive(Deserialize)]
        #[serde(expecting = "the object of a tables.json")]
        struct Header {
            format: Option<serde_json::Value>,
            version: Option<serde_json::Value>,
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
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
        match header.version.as_ref().map(serde_json::Value::as_u64) {
            Some(Some(version)) if version == u64::from(VERSION) => {}
            Some(Some(version)) => return Err(TablesError::Version(version)),
            Some(None) | None => return Err(TablesError::NoVersion),
        }
        let mut document: Document = serde_json::from_str(text).map_err(syntax)?;
        if document.checksum() == document.content {
            let digest = document.digest.clone();
            Ok(read::tables(Arc::new(document))?.with_digest(digest))
        } else {
            Err(TablesError::Edited)
        }
    }

    /// Builds tables from their published shape. Ignores `digest` and `content`.
    ///
    /// # Errors
    /// The document has another format or version, or is inconsistent: for example, a name is not declared, or rows overlap.
    pub fn from_document(document: Document) -> Result<Self, TablesError> {
        if document.format != FORMAT {
            return Err(TablesError::Format);
        }
        if document.version != VERSION {
            return Err(TablesError::Version(u64::from(document.version)));
        }
        read::validate(&document)?;
        read::tables(Arc::new(document))
    }
}

impl Document {
    /// The value of `content`.
    pub(crate) fn checksum(&mut self) -> String {
        let content = std::mem::take(&mut self.content);
        let mut writer = BufWriter::with_capacity(1 << 16, HashWriter(Sha256::new()));
        serde_json::to_writer(&mut writer, self).expect("a document is always JSON");
        self.content = content;
        let HashWriter(hasher) = writer.into_inner().expect("hashing cannot fail");
        let digits: String = hasher
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("sha256:{digits}")
    }
}

#[derive(Debug)]
struct HashWriter(Sha256);

impl io::Write for HashWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
