//! The command line: one file for each command. The only place that prints, reads files and picks exit codes.
//! 0: clean; 1: findings, rejected events; 2: wrong usage or a file that cannot be read.

mod add_allow;
mod baseline;
mod check;
mod completions;
mod config;
mod coverage;
mod decide;
mod diff;
mod edit;
mod explain;
mod export;
mod findings;
mod fix;
mod fmt;
mod import;
mod init;
mod input;
mod man;
mod output;
mod render;
mod report;
mod run;
mod show;
mod test;
mod vocabulary;
mod watch;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use output::ColorChoice;

/// Status synchronization profiles as code: check, decide, run and hand on.
#[derive(Parser)]
#[command(name = "presync", version, max_term_width = 100, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// When to use colours.
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN")]
    color: ColorChoice,
    /// Say nothing but findings and results.
    #[arg(long, short, global = true)]
    quiet: bool,
    /// Let programs use files outside of their project: the folder of presync.toml, or of the program.
    #[arg(long, global = true)]
    allow_outside: bool,
}

#[derive(Subcommand)]
enum Command {
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

/// What ends a command early: wrong usage or a file that cannot be read (2), or errors in a program that have been
/// printed already (1).
enum Stop {
    Usage(String),
    Findings,
    /// The reader of our output has gone.
    Closed,
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe { Self::Closed } else { Self::Usage(error.to_string()) }
    }
}

/// The JSON Schema of `presync.toml`, for editors.
pub fn config_schema() -> serde_json::Value {
    config::schema()
}

type Done = Result<ExitCode, Stop>;

/// Deep conditions recurse: the work is done on a thread with room for it.
const STACK: usize = 256 << 20;

pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let work = move || {
        let reach = if arguments.allow_outside { input::Reach::Anywhere } else { input::Reach::Project };
        let output = output::Output::new(arguments.color, arguments.quiet, reach);
        let done = match arguments.command {
            Command::Check(arguments) => check::run(&arguments, &output),
            Command::Fmt(arguments) => fmt::run(&arguments, &output),
            Command::Test(arguments) => test::run(&arguments, &output),
            Command::Diff(arguments) => diff::run(&arguments, &output),
            Command::Decide(arguments) => decide::run(&arguments, &output),
            Command::Run(arguments) => run::run(&arguments, &output),
            Command::Export(arguments) => export::run(&arguments, &output),
            Command::Import(arguments) => import::run(&arguments, &output),
            Command::Show(arguments) => show::run(&arguments, &output),
            Command::Init(arguments) => init::run(&arguments, &output),
            Command::Completions(arguments) => completions::run(&arguments, &output),
            Command::Man(arguments) => man::run(&arguments, &output),
            Command::Explain(arguments) => explain::run(&arguments, &output),
            Command::Vocabulary(arguments) => vocabulary::run(&arguments, &output),
        };
        match done {
            Ok(code) => code,
            Err(Stop::Findings) => ExitCode::from(1),
            Err(Stop::Closed) => ExitCode::SUCCESS,
            Err(Stop::Usage(message)) => {
                output.error(&message);
                ExitCode::from(2)
            }
        }
    };
    match std::thread::Builder::new().stack_size(STACK).spawn(work).map(std::thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        // The panic has printed itself.
        Ok(Err(_)) => ExitCode::from(101),
        Err(error) => {
            eprintln!("error: no thread can be started: {error}");
            ExitCode::from(2)
        }
    }
}
