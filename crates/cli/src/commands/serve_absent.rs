//! `presync serve` in a build without the cargo feature `serve`: says how to get it.

use clap::Args;

use crate::error::{CommandError, CommandResult};
use crate::terminal::Terminal;

/// Apply events of running systems and keep sessions and commands, over HTTP (not in this build).
#[derive(Args)]
pub struct Arguments {
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub fn run(arguments: &Arguments, _: &Terminal) -> CommandResult {
    let Arguments { rest: _ } = arguments;
    Err(CommandError::Usage(
        "this build has no `serve`: build it with `cargo build --release --features serve`"
            .to_owned(),
    ))
}
