//! Parts of a table in readable form.

pub mod cells;
pub mod conditions;
pub mod crosstab;
pub mod declarations;
pub mod markdown;
pub use crate::export::overview;
pub(crate) mod svg;
