//! `presync man`: the manual page, or all of them into a folder, made from the definitions of the commands.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory};

use crate::cli::output::Output;
use crate::cli::{Done, Stop};

/// Print the manual page, or write one for each command.
#[derive(Args)]
pub(super) struct Arguments {
    /// Write `presync.1` and one page for each command into this folder.
    #[arg(long, short, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Done {
    let mut command = super::Arguments::command().disable_help_subcommand(true);
    // Now that it knows itself, so do its parts: `presync-check`.
    command.build();
    match &arguments.output {
        Some(folder) => {
            let cannot =
                |error: std::io::Error| Stop::Usage(format!("`{}` cannot be written: {error}", folder.display()));
            std::fs::create_dir_all(folder).map_err(cannot)?;
            clap_mangen::generate_to(command, folder).map_err(cannot)?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page)?;
            output.data(&String::from_utf8_lossy(&page))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
