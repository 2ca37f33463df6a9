//! `presync import`: converts a table from another tool to source.

use std::io::Read;
use std::path::PathBuf;

use clap::Args;

use crate::error::{CommandAnswer, CommandError, CommandResult};
use crate::files;
use crate::terminal::Terminal;
use presync::SourceFile;
use presync::{nearest, visible};
use presync_exchange::import::{ColumnKind, ImportKind, ImportOptions, KINDS, SYSTEM_LISTS};

/// Convert a table to .presync source.
#[derive(Args)]
pub struct Arguments {
    /// A table as .csv, .tsv, .xlsx, .xls, .ods or .md, decision tables as .dmn, a tables.json, or `-`.
    path: PathBuf,
    /// What columns hold, by heading or number: `from=2,to="Lync Status"`. Kinds: profile, role, condition, direction, from,
    /// to, from-system, to-system, from-id, to-id.
    #[arg(long = "column", value_name = "KIND=COLUMN,…", value_parser = columns)]
    columns: Vec<Vec<(ColumnKind, String)>>,
    /// A column that holds nothing to import, by heading or number. Can be repeated.
    #[arg(long = "ignore-column", value_name = "COLUMN")]
    ignored: Vec<String>,
    /// The file is the list of states of a running system: `icws` (what Genesys CIC answers to `status/status-messages`).
    #[arg(long, value_name = "SYSTEM", conflicts_with_all = ["columns", "ignored"])]
    from: Option<String>,
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
    let extension = path
        .extension()
        .map(|extension| extension.to_string_lossy().to_lowercase());
    // Standard input has no name: recognize the kind by its first bytes.
    let extension = extension.unwrap_or_else(|| kind_of(&bytes).to_owned());
    let kind = match &arguments.from {
        Some(system) => Some(system_list(system)?),
        None => KINDS
            .iter()
            .find(|kind| kind.extensions.contains(&extension.as_str())),
    };
    let kind = kind.ok_or_else(|| {
        let known: Vec<String> = KINDS
            .iter()
            .flat_map(|kind| kind.extensions)
            .map(|extension| format!(".{extension}"))
            .collect();
        CommandError::Usage(format!(
            "`{}` is none of {}",
            path.display(),
            known.join(", ")
        ))
    })?;
    let options = ImportOptions {
        columns: arguments.columns.iter().flatten().cloned().collect(),
        ignored: arguments.ignored.clone(),
    };
    let imported = (kind.read)(&bytes, &options).map_err(|error| {
        CommandError::Usage(format!("`{}` cannot be imported: {error}", path.display()))
    })?;
    for sentence in &imported.understood {
        terminal.status(&visible(sentence));
    }
    for sentence in &imported.not_imported {
        terminal.stderr(&format!("not imported: {}", visible(sentence)));
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
    Ok(CommandAnswer::no_if(!imported.not_imported.is_empty()))
}

fn system_list(name: &str) -> Result<&'static ImportKind, CommandError> {
    let mut lists = SYSTEM_LISTS.iter();
    let found = lists.find(|(known, _)| *known == name);
    found.map(|(_, kind)| kind).ok_or_else(|| {
        let known: Vec<&str> = SYSTEM_LISTS.iter().map(|(known, _)| *known).collect();
        CommandError::Usage(format!("unknown system `{name}`: use {}", known.join(", ")))
    })
}

/// The extension of a file with this content.
fn kind_of(bytes: &[u8]) -> &'static str {
    let start = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    match start.trim_ascii_start() {
        [b'{', ..] => "json",
        [b'<', ..] => "dmn",
        // A zip archive, and the container of old spreadsheets.
        [b'P', b'K', 3, 4, ..] | [0xd0, 0xcf, 0x11, 0xe0, ..] => "xlsx",
        _ => "csv",
    }
}

/// `from=2,to="Lync Status"`
fn columns(text: &str) -> Result<Vec<(ColumnKind, String)>, String> {
    let mut columns = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (kind, value) = rest
            .split_once('=')
            .ok_or_else(|| format!("`{rest}` is not KIND=COLUMN"))?;
        let kind = kind.trim();
        let names = || ColumnKind::ALL.iter().map(|(name, _)| *name);
        let known = ColumnKind::ALL.iter().find(|(name, _)| *name == kind);
        let (_, known) = known.ok_or_else(|| match nearest(kind, names()) {
            Some(near) => format!("unknown kind `{kind}`: did you mean `{near}`?"),
            None => format!(
                "unknown kind `{kind}`: use one of {}",
                names().collect::<Vec<_>>().join(", ")
            ),
        })?;
        let value = value.trim_start();
        let (column, behind) = match value.strip_prefix('"') {
            Some(quoted) => quoted
                .split_once('"')
                .ok_or_else(|| format!("a quote is missing at the end of `{value}`"))?,
            None => value.split_at(value.find(',').unwrap_or(value.len())),
        };
        columns.push((*known, column.trim().to_owned()));
        let behind = behind.trim_start();
        rest = match behind.strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if behind.is_empty() => behind,
            None => return Err(format!("expected a comma before `{behind}`")),
        };
    }
    Ok(columns)
}
