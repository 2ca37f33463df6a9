//! The commands: one file each, and one line in the list.

mod check;
mod completions;
mod decide;
mod diff;
mod explain;
mod export;
mod fmt;
mod import;
mod init;
#[cfg(feature = "lsp")]
mod lsp;
mod man;
mod run;
#[cfg(feature = "serve")]
mod serve;
#[cfg(not(feature = "serve"))]
#[path = "commands/serve_absent.rs"]
mod serve;
mod show;
mod test;
mod vocabulary;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::error::{CommandError, CommandResult};
use crate::project::{self, Selection};
use crate::terminal::{ColorChoice, Terminal};

/// Keep agent status in CIC and presence in Lync, Skype for Business and Teams in sync.
#[derive(Parser)]
#[command(
    name = "presync",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: CliCommand,
    /// When to use colors.
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN")]
    pub color: ColorChoice,
    /// Suppress progress and summary messages.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Allow programs to use files outside their project (the directory of presync.toml, or of the program).
    #[arg(long, global = true)]
    pub allow_outside: bool,
    /// The name of the file whose text is on standard input: for messages, settings and what it uses.
    #[arg(long, global = true, value_name = "FILE")]
    pub stdin_filename: Option<PathBuf>,
}

/// The inputs of commands that work on whole projects.
#[derive(Args)]
pub struct InputArguments {
    /// Files, directories, or `-` for standard input [default: `paths` of presync.toml, or this directory].
    paths: Vec<PathBuf>,
    /// Skip files that are named here but excluded by presync.toml or .gitignore, for hooks that name each file.
    #[arg(long)]
    force_exclude: bool,
}

impl InputArguments {
    /// What they stand for, without what is excluded.
    pub fn selection(&self, terminal: &Terminal) -> Result<Selection, CommandError> {
        Selection::new(
            project::paths(&self.paths)?,
            self.force_exclude,
            &terminal.file_access,
        )
    }
}

/// The commands, in the order of the help: a variant and its module.
macro_rules! commands {
    ($($(#[$condition:meta])? $variant:ident: $module:ident,)*) => {
        #[derive(Subcommand)]
        pub enum CliCommand {
            $($(#[$condition])? $variant($module::Arguments),)*
        }

        /// Runs a command.
        pub fn run(command: CliCommand, terminal: &Terminal) -> CommandResult {
            match command {
                $($(#[$condition])? CliCommand::$variant(arguments) => $module::run(&arguments, terminal),)*
            }
        }
    };
}

commands! {
    Check: check,
    Fmt: fmt,
    Test: test,
    Diff: diff,
    Decide: decide,
    Run: run,
    Export: export,
    Import: import,
    Show: show,
    Explain: explain,
    Init: init,
    #[cfg(feature = "lsp")]
    Lsp: lsp,
    Serve: serve,
    Completions: completions,
    Man: man,
    Vocabulary: vocabulary,
}
