//! Decision tables in the formats of others, tables of others as source, and the mapping graph.

#![forbid(unsafe_code)]

pub mod export;
pub mod graph;
pub mod import;
pub mod text;
