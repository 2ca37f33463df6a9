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
mod man;
mod run;
mod show;
mod test;
mod vocabulary;

use clap::{Parser, Subcommand};

use crate::error::CommandResult;
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
}

/// The commands, in the order of the help: a variant and its module.
macro_rules! commands {
    ($($variant:ident: $module:ident,)*) => {
        #[derive(Subcommand)]
        pub enum CliCommand {
            $($variant($module::Arguments),)*
        }

        /// Runs a command.
        pub fn run(command: CliCommand, terminal: &Terminal) -> CommandResult {
            match command {
                $(CliCommand::$variant(arguments) => $module::run(&arguments, terminal),)*
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
    Completions: completions,
    Man: man,
    Vocabulary: vocabulary,
}
