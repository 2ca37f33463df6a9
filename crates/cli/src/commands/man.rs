//! `presync man`: prints the manual page, or writes one page for each command.

use std::path::PathBuf;

use clap::{Args, CommandFactory};

use crate::error::{CommandAnswer, CommandError, CommandResult};
use crate::terminal::Terminal;

/// Print the manual page, or write one page for each command.
#[derive(Args)]
pub struct Arguments {
    /// Write `presync.1` and one page for each command to this directory.
    #[arg(long, short, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

pub fn run(arguments: &Arguments, terminal: &Terminal) -> CommandResult {
    let mut command = crate::Arguments::command().disable_help_subcommand(true);
    // Propagates names to the subcommands, as in `presync-check`.
    command.build();
    match &arguments.output {
        Some(folder) => {
            let cannot = |error: std::io::Error| {
                CommandError::Usage(format!("cannot write `{}`: {error}", folder.display()))
            };
            std::fs::create_dir_all(folder).map_err(cannot)?;
            clap_mangen::generate_to(command, folder).map_err(cannot)?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page)?;
            terminal.stdout(&page)?;
        }
    }
    Ok(CommandAnswer::Yes)
}
