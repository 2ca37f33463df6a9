//! The command line: one file for each command. The only place that prints, reads files and picks exit codes.
//! 0: clean; 1: findings, rejected events; 2: wrong usage or a file that cannot be read.

#![forbid(unsafe_code)]

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

/// A program is many small pieces, made and dropped on a thread that is not the main one: glibc is slow at that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Deep conditions recurse: the work is done on a thread with room for it.
const STACK: usize = 256 << 20;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let work = move || {
        let file_access = if arguments.allow_outside {
            FileAccess::Anywhere
        } else {
            FileAccess::Project
        };
        let terminal = Terminal::new(arguments.color, arguments.quiet, file_access);
        let done = commands::run(arguments.command, &terminal);
        match done {
            Ok(code) => code,
            Err(CommandError::Findings) => ExitCode::from(1),
            Err(CommandError::Closed) => ExitCode::SUCCESS,
            Err(CommandError::Usage(message)) => {
                terminal.error(&message);
                ExitCode::from(2)
            }
        }
    };
    match std::thread::Builder::new()
        .stack_size(STACK)
        .spawn(work)
        .map(std::thread::JoinHandle::join)
    {
        Ok(Ok(code)) => code,
        // The panic has printed itself.
        Ok(Err(_)) => ExitCode::from(101),
        Err(error) => {
            eprintln!("error: no thread can be started: {error}");
            ExitCode::from(2)
        }
    }
}
