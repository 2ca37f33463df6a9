//! `presync completions SHELL`: generated from the definitions of the commands.

use clap::{Args, CommandFactory};

use crate::error::{CommandAnswer, CommandResult};
use crate::terminal::Terminal;

/// Print completions for a shell.
#[derive(Args)]
pub struct Arguments {
    shell: clap_complete::Shell,
}

pub fn run(arguments: &Arguments, terminal: &Terminal) -> CommandResult {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut crate::Arguments::command(),
        "presync",
        &mut script,
    );
    terminal.stdout(&script)?;
    Ok(CommandAnswer::Yes)
}
