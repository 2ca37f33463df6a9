//! `presync import`: converts a table from another tool to source.

use std::io::Read;
use std::path::PathBuf;

use clap::Args;

use crate::error::{CommandAnswer, CommandError, CommandResult};
use crate::files;
use crate::terminal::Terminal;
use presync::SourceFile;
use presync_exchange::import::KINDS;

/// Convert a table to .presync source.
#[derive(Args)]
pub struct Arguments {
    /// A .csv file of mappings, a .dmn or tables.json file from `presync export`, or `-`.
    path: PathBuf,
    /// Write to FILE instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub fn run(arguments: &Arguments, terminal: &Terminal) -> CommandResult {
    let path = &arguments.path;
    if let Some(output) = &arguments.output {
        files::distinct(&[("the table", path)], &[("`--output`", output)])?;
    }
    let bytes = if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes)?;
        bytes
    } else {
        std::fs::read(path).map_err(|error| files::cannot_read(path, &error))?
    };
    let text = String::from_utf8(bytes)
        .map_err(|_| CommandError::Usage(format!("`{}` is not valid UTF-8", path.display())))?;
    let extension = path
        .extension()
        .map(|extension| extension.to_string_lossy().to_lowercase());
    // Standard input has no name: detect the kind by its first character.
    let extension = extension.unwrap_or_else(|| match text.trim_start().chars().next() {
        Some('{') => "json".to_owned(),
        Some('<') => "dmn".to_owned(),
        _ => "csv".to_owned(),
    });
    let kind = KINDS.iter().find(|kind| kind.extension == extension);
    let kind = kind.ok_or_else(|| {
        CommandError::Usage(format!(
            "`{}` is not a .csv, .dmn or tables.json file",
            path.display()
        ))
    })?;
    let imported = (kind.read)(&text).map_err(|error| {
        CommandError::Usage(format!("`{}` cannot be imported: {error}", path.display()))
    })?;
    for sentence in &imported.understood {
        terminal.status(sentence);
    }
    let source = SourceFile::new("imported.presync", imported.source.into_bytes(), false);
    let text = presync::format(&source).map_err(|error| {
        CommandError::Usage(format!(
            "`{}` cannot be imported: {error:?}",
            path.display()
        ))
    })?;
    match arguments
        .output
        .as_deref()
        .filter(|file| file.as_os_str() != "-")
    {
        Some(file) => {
            files::write_atomically(file, text.as_bytes())?;
            terminal.status(&format!(
                "wrote {} ({} lines); run `presync check` on it next",
                file.display(),
                text.lines().count()
            ));
        }
        None => terminal.stdout(&text)?,
    }
    Ok(CommandAnswer::Yes)
}
