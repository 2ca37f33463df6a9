//! Parts of a table as people read them.

pub mod cells;
pub mod conditions;
