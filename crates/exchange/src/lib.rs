//! Exports decision tables to other formats, imports tables as source, and draws the mapping graph.

#![forbid(unsafe_code)]

pub mod export;
pub mod graph;
pub mod import;
pub mod text;
