//! What executes decision tables: tables, decisions and sessions. It knows no language, no threads and no files.

#![forbid(unsafe_code)]

pub mod event;
pub mod json;
pub mod lookup;
pub mod session;
pub mod table;
pub mod time;

mod digest;
mod flat_diagram;
mod name_index;
