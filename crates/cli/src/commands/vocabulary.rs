//! `presync vocabulary`: the bundled vocabularies.

use std::process::ExitCode;

use clap::Args;

use crate::error::{CommandError, CommandResult};
use crate::terminal::Terminal;
use presync::diagnostic::nearest;
use presync::vocabulary;

/// List the bundled vocabularies, or print one.
#[derive(Args)]
pub struct Arguments {
    /// The one to print.
    name: Option<String>,
}

pub fn run(arguments: &Arguments, terminal: &Terminal) -> CommandResult {
    let Some(name) = &arguments.name else {
        let width = vocabulary::names().map(str::len).max().unwrap_or(0);
        let mut list = String::new();
        for (name, text) in vocabulary::ALL {
            let about = text
                .lines()
                .find_map(|line| line.strip_prefix("// "))
                .unwrap_or_default();
            list.push_str(&format!("{name:width$}  {about}\n"));
        }
        terminal.data(&list)?;
        return Ok(ExitCode::SUCCESS);
    };
    match vocabulary::text(name) {
        Some(text) => terminal.data(text)?,
        None => {
            let hint = match nearest(name, vocabulary::names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!(
                    "there are {}",
                    vocabulary::names().collect::<Vec<_>>().join(", ")
                ),
            };
            return Err(CommandError::Usage(format!(
                "there is no vocabulary `{name}`: {hint}"
            )));
        }
    }
    Ok(ExitCode::SUCCESS)
}
