//! `presync completions SHELL`: made from the definitions of the commands.

use std::process::ExitCode;

use clap::{Args, CommandFactory};

use crate::cli::Done;
use crate::cli::output::Output;

/// Print completions for a shell.
#[derive(Args)]
pub(super) struct Arguments {
    shell: clap_complete::Shell,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Done {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut super::Arguments::command(), "presync", &mut script);
    output.data(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}
