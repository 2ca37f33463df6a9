//! `presync init`: creates a project that checks clean, with a test, settings, a CI file and a README.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use crate::error::{CommandAnswer, CommandError, CommandResult};
use crate::terminal::Terminal;

/// Create a project with a profile, a test, settings, a CI file and a README.
#[derive(Args)]
pub struct Arguments {
    /// The directory to create the project in.
    #[arg(default_value = ".")]
    folder: PathBuf,
}

/// The path and content of each file.
const FILES: [(&str, &str); 4] = [
    ("profiles/site.presync", include_str!("init/site.presync")),
    ("presync.toml", include_str!("init/presync.toml")),
    ("README.md", include_str!("init/README.md")),
    (
        ".github/workflows/presync.yml",
        include_str!("../../../../docs/ci/github.yml"),
    ),
];

pub fn run(arguments: &Arguments, terminal: &Terminal) -> CommandResult {
    let places: Vec<(PathBuf, &str)> = FILES
        .iter()
        .map(|(name, text)| (arguments.folder.join(name), *text))
        .collect();
    for (place, text) in places {
        let cannot = |error: std::io::Error| {
            CommandError::Usage(format!("cannot write `{}`: {error}", place.display()))
        };
        if let Some(folder) = place.parent() {
            std::fs::create_dir_all(folder).map_err(cannot)?;
        }
        let new = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&place);
        match new {
            Ok(mut file) => {
                file.write_all(text.as_bytes()).map_err(cannot)?;
                terminal.status(&format!("wrote {}", place.display()));
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                terminal.status(&format!("kept {}, which already exists", place.display()));
            }
            Err(error) => return Err(cannot(error)),
        }
    }
    terminal.status("next, run `presync check`, `presync test` and `presync show profiles`");
    Ok(CommandAnswer::Yes)
}
