//! `presync export`: the compiled tables for other systems.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::cli::output::Output;
use crate::cli::{Done, Stop, input};
use crate::export::FORMATS;

/// Hand the compiled tables on.
#[derive(Args)]
pub(super) struct Arguments {
    /// A program, a directory with one, `-`, or a tables.json.
    path: PathBuf,
    /// The format.
    #[arg(long, value_parser = PossibleValuesParser::new(FORMATS.iter().map(|format| clap::builder::PossibleValue::new(format.name).help(format.description))))]
    to: String,
    /// Write to a file instead of stdout.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Done {
    let (tables, _) = input::tables(&arguments.path, output)?;
    let format = FORMATS
        .iter()
        .find(|format| format.name == arguments.to)
        .ok_or_else(|| Stop::Usage("unknown format".to_owned()))?;
    let text = (format.write)(&tables)
        .map_err(|error| Stop::Usage(format!("cannot be written as {}: {error}", format.name)))?;
    match &arguments.output {
        Some(file) => {
            input::write_atomically(file, text.as_bytes())?;
            output.say(&format!("wrote {} ({} bytes)", file.display(), text.len()));
        }
        None => output.data(&text)?,
    }
    Ok(ExitCode::SUCCESS)
}
