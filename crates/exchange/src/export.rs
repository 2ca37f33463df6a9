//! In: tables. Out: their text in another format. One file for each format, using only tables.
//! Errors: tables that a format cannot express.

mod csv;
mod dmn;
pub(crate) mod format;
mod html;
mod jdm;
mod json;
mod markdown;
mod rego;
pub(crate) mod rows;
mod sql;
mod xlsx;

pub use markdown::overview;

pub use format::{ExportError, ExportFormat, PageFinding, TableReport, Write};

/// Every format, in display order.
pub const FORMATS: &[ExportFormat] = &[
    json::FORMAT,
    dmn::FORMAT,
    jdm::FORMAT,
    rego::FORMAT,
    sql::FORMAT,
    csv::FORMAT,
    xlsx::FORMAT,
    markdown::FORMAT,
    html::FORMAT,
];
