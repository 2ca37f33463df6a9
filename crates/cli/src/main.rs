//! The command line: one file for each command. Only this crate prints, reads files and sets exit codes.
//! Exit codes: 0 for yes, 1 for no, 2 for no answer (see `error`). A closed pipe does not change them.

#![allow(
    clippy::disallowed_methods,
    reason = "what the libraries may not do is done here"
)]

mod add_allow;
mod baseline;
mod commands;
mod coverage;
mod edit;
mod error;
mod files;
mod git;
mod loading;
mod places;
mod project;
mod store;
mod terminal;
mod watch;

use std::process::ExitCode;

use clap::Parser;

use commands::Arguments;
use error::NO_ANSWER;
use project::FileAccess;
use terminal::Terminal;

/// Programs consist of many small allocations, which are slow with glibc.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let terminal = Terminal::new(
        arguments.color,
        arguments.quiet,
        FileAccess {
            anywhere: arguments.allow_outside,
            stdin_filename: arguments.stdin_filename,
            shown: None,
        },
    );
    match commands::run(arguments.command, &terminal) {
        Ok(answer) if !terminal.skipped_any() => answer.into(),
        Ok(_) => ExitCode::from(NO_ANSWER),
        Err(error) => {
            terminal.skip(&error);
            ExitCode::from(NO_ANSWER)
        }
    }
}
