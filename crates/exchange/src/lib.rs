//! Exports decision tables to other formats, imports tables as source, and draws the mapping graph and scenarios.

#![forbid(unsafe_code)]

pub mod export;
pub mod graph;
pub mod import;
pub mod sequence;
pub mod text;
