//! The commands: one file each, and one line in each list.

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

/// Status synchronization profiles as code: check, decide, run and hand on.
#[derive(Parser)]
#[command(
    name = "presync",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
    /// When to use colours.
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN")]
    pub color: ColorChoice,
    /// Say nothing but findings and results.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Let programs use files outside of their project: the folder of presync.toml, or of the program.
    #[arg(long, global = true)]
    pub allow_outside: bool,
}

#[derive(Subcommand)]
pub enum Command {
    Check(check::Arguments),
    Fmt(fmt::Arguments),
    Test(test::Arguments),
    Diff(diff::Arguments),
    Decide(decide::Arguments),
    Run(run::Arguments),
    Export(export::Arguments),
    Import(import::Arguments),
    Show(show::Arguments),
    Explain(explain::Arguments),
    Init(init::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
    Vocabulary(vocabulary::Arguments),
}

/// Runs a command.
pub fn run(command: Command, terminal: &Terminal) -> CommandResult {
    match command {
        Command::Check(arguments) => check::run(&arguments, terminal),
        Command::Fmt(arguments) => fmt::run(&arguments, terminal),
        Command::Test(arguments) => test::run(&arguments, terminal),
        Command::Diff(arguments) => diff::run(&arguments, terminal),
        Command::Decide(arguments) => decide::run(&arguments, terminal),
        Command::Run(arguments) => run::run(&arguments, terminal),
        Command::Export(arguments) => export::run(&arguments, terminal),
        Command::Import(arguments) => import::run(&arguments, terminal),
        Command::Show(arguments) => show::run(&arguments, terminal),
        Command::Explain(arguments) => explain::run(&arguments, terminal),
        Command::Init(arguments) => init::run(&arguments, terminal),
        Command::Completions(arguments) => completions::run(&arguments, terminal),
        Command::Man(arguments) => man::run(&arguments, terminal),
        Command::Vocabulary(arguments) => vocabulary::run(&arguments, terminal),
    }
}
