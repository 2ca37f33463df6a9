//! `presync vocabulary`: lists or prints the bundled vocabularies.

use clap::Args;

use crate::error::{CommandAnswer, CommandError, CommandResult};
use crate::terminal::Terminal;
use presync::VOCABULARIES;
use presync::nearest;

/// List the bundled vocabularies, or print one.
#[derive(Args)]
pub struct Arguments {
    /// The vocabulary to print.
    name: Option<String>,
}

fn names() -> impl Iterator<Item = &'static str> {
    VOCABULARIES.iter().map(|known| known.name)
}

pub fn run(arguments: &Arguments, terminal: &Terminal) -> CommandResult {
    let Some(name) = &arguments.name else {
        let width = names().map(str::len).max().unwrap_or(0);
        let mut list = String::new();
        for known in &VOCABULARIES {
            let name = known.name;
            let about = known
                .text
                .lines()
                .find_map(|line| line.strip_prefix("// "))
                .unwrap_or_default();
            list.push_str(&format!("{name:width$}  {about}\n"));
        }
        terminal.stdout(&list)?;
        return Ok(CommandAnswer::Yes);
    };
    match VOCABULARIES.iter().find(|known| known.name == name) {
        Some(known) => terminal.stdout(known.text)?,
        None => {
            let hint = match nearest(name, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!(
                    "known vocabularies are {}",
                    names().collect::<Vec<_>>().join(", ")
                ),
            };
            return Err(CommandError::Usage(format!(
                "unknown vocabulary `{name}`: {hint}"
            )));
        }
    }
    Ok(CommandAnswer::Yes)
}
