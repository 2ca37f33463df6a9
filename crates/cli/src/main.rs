//! The command line: one file for each command. The only place that prints, reads files and picks exit codes.
//! 0: clean; 1: findings, rejected events; 2: wrong usage or a file that cannot be read.

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

/// A program is many small pieces, made and dropped: glibc is slow at that.
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
