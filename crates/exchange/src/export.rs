//! In: tables. Out: their text in a format that others read. One file for each format, over tables only.
//! Errors: what a format cannot say.

mod csv;
mod dmn;
pub(crate) mod format;
mod html;
mod jdm;
mod json;
mod markdown;
mod rego;
mod sql;

pub use format::{ExportError, Finding, Format, Write};

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
