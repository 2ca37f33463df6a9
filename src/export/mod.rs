//! In: tables. Out: their text in a format that others read. One file for each format, over tables only.
//! Errors: what a format cannot say.

mod csv;
mod dmn;
mod jdm;
mod json;
mod markdown;
mod rego;
mod sql;
pub mod words;

use crate::table::Tables;

/// A format that tables can be handed on in.
pub struct Format {
    pub name: &'static str,
    pub description: &'static str,
    pub write: fn(&Tables) -> Result<String, ExportError>,
}

/// What a format has no way to express.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ExportError(pub String);

/// Every format, in the order they are listed.
pub const FORMATS: [Format; 7] =
    [json::FORMAT, dmn::FORMAT, jdm::FORMAT, rego::FORMAT, sql::FORMAT, csv::FORMAT, markdown::FORMAT];
