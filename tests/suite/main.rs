//! The tests that need no process of their own: one binary, because each one more has to be linked.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "it starts the tool and looks at files"
)]

#[path = "../common/mod.rs"]
mod common;

mod check;
mod cli;
mod codes;
mod coverage;
mod diagnostics;
mod diff;
mod engine;
mod examples;
mod explain;
mod exports;
mod fixtures;
mod format;
mod formats;
mod house;
mod import;
mod index;
mod init;
mod json;
mod large;
mod limits;
mod lints;
mod prove;
mod readme;
mod recovery;
mod session;
mod situations;
mod tables;
mod words;
