//! Tests that need no separate process: in one binary, because linking takes time.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests run the tool and use files"
)]

#[path = "../common/mod.rs"]
mod common;

mod appendices;
mod check;
mod cli;
mod codes;
mod coverage;
mod diagnostics;
mod diff;
mod editing;
mod editors;
mod engine;
mod events;
mod examples;
mod explain;
mod exports;
mod extents;
mod fixtures;
mod format;
mod formats;
mod house;
mod import;
mod index;
mod init;
mod inputs;
mod json;
mod lapses;
mod large;
mod limits;
mod lints;
mod names;
mod pictures;
mod prove;
mod readme;
mod recovery;
mod rows;
mod session;
mod show;
mod situations;
mod tables;
mod templates;
mod watching;
mod words;
