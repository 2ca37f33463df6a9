//! The command line: one file for each command. Only this crate prints, reads files and sets exit codes.
//! 0: clean; 1: findings, rejected events; 2: wrong usage or an unreadable file.

#![allow(
    clippy::disallowed_methods,
    reason = "what the libraries may not do is done here"
)]

mod add_allow;
mod baseline;
mod commands;
mod config;
mod coverage;
mod edit;
mod error;
mod files;
mod findings;
mod fix;
mod loading;
mod places;
mod project;
mod terminal;
mod watch;

use std::process::ExitCode;

use clap::Parser;

use commands::Arguments;
use error::CommandError;
use project::FileAccess;
use terminal::Terminal;

/// Programs consist of many small allocations, which are slow with glibc.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let file_access = if arguments.allow_outside {
        FileAccess::Anywhere
    } else {
        FileAccess::Project
    };
    let terminal = Terminal::new(arguments.color, arguments.quiet, file_access);
    match commands::run(arguments.command, &terminal) {
        Ok(code) => code,
        Err(CommandError::Findings) => ExitCode::from(1),
        Err(CommandError::Closed) => ExitCode::SUCCESS,
        Err(CommandError::Usage(message)) => {
            terminal.error(&message);
            ExitCode::from(2)
        }
    }
}
