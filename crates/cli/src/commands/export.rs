//! `presync export`: exports the compiled tables to other formats.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::error::{CommandAnswer, CommandError, CommandResult};
use crate::places::Disk;
use crate::terminal::Terminal;
use crate::{files, git, loading, project};
use presync::{Diagnostic, FileId, Program};
use presync_exchange::export::{FORMATS, PageFinding, TableReport, Write};
use presync_ide::settings;

/// Export decision tables to another format.
#[derive(Args)]
pub struct Arguments {
    /// A program, a directory with one, `-`, or a tables.json.
    path: PathBuf,
    /// Output format.
    #[arg(long, value_parser = PossibleValuesParser::new(FORMATS.iter().map(|format| clap::builder::PossibleValue::new(format.name).help(format.description))))]
    to: String,
    /// Write to FILE instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub fn run(arguments: &Arguments, terminal: &Terminal) -> CommandResult {
    let (tables, program) = loading::tables(&arguments.path, terminal)?;
    if let Some(output) = &arguments.output {
        let sources = loading::sources(&arguments.path, program.as_ref());
        let inputs: Vec<_> = sources
            .iter()
            .map(|path| ("the program", path.as_path()))
            .collect();
        files::distinct(&inputs, &[("`--output`", output)])?;
    }
    let format = FORMATS
        .iter()
        .find(|format| format.name == arguments.to)
        .ok_or_else(|| CommandError::Usage("unknown format".to_owned()))?;
    let text = match format.write {
        Write::Tables(write) => write(&tables).map(String::into_bytes),
        Write::Report(write) => {
            let (name, revision) = titles(&arguments.path, program.as_ref());
            write(&TableReport {
                tables: &tables,
                program: program.as_ref(),
                name,
                revision,
                findings: findings(&arguments.path, program.as_ref(), terminal)?,
            })
        }
    };
    let text = text.map_err(|error| {
        CommandError::Usage(format!("cannot be exported as {}: {error}", format.name))
    })?;
    match arguments
        .output
        .as_deref()
        .filter(|file| file.as_os_str() != "-")
    {
        Some(file) => {
            files::write_atomically(file, &text)?;
            terminal.status(&format!("wrote {} ({} bytes)", file.display(), text.len()));
        }
        None => terminal.stdout(&text)?,
    }
    Ok(CommandAnswer::Yes)
}

/// The name of a program, below the name of its project if that is another one; and the revision of its files in git.
fn titles(path: &Path, program: Option<&Program>) -> (String, Option<String>) {
    let file = match program {
        Some(program) => PathBuf::from(program.sources.shown_path(FileId(0))),
        None => path.to_path_buf(),
    };
    let words =
        |name: Option<&std::ffi::OsStr>| name.unwrap_or_default().to_string_lossy().into_owned();
    if !file.is_file() {
        return ("standard input".to_owned(), None);
    }
    let stem = words(file.file_stem());
    let project = settings::find(&Disk, &file).ok().flatten();
    let project = project.map(|project| words(project.folder.file_name()));
    let name = match project {
        Some(project) if project != stem && !project.is_empty() => format!("{project}: {stem}"),
        _ => stem,
    };
    (name, git::described(&file))
}

/// The lint findings of a program; tables.json has none.
fn findings(
    path: &Path,
    program: Option<&Program>,
    terminal: &Terminal,
) -> Result<Vec<PageFinding>, CommandError> {
    let Some(program) = program else {
        return Ok(Vec::new());
    };
    let root = project::one_root(path, terminal)?;
    let settings = settings::settings(
        &Disk,
        terminal.file_access.place(&root),
        &[],
        &program.sources,
    )?;
    let found = program.lint(&settings);
    let finding = |found: Diagnostic| {
        let place = found.location().map(|location| {
            let file = program.sources.file(location.file);
            format!(
                "{}:{}",
                program.sources.shown_path(location.file),
                file.line(location.span.start)
            )
        });
        let example = presync_report::situation(&found);
        let help: Vec<String> = example.into_iter().chain(found.help).collect();
        PageFinding {
            severity: found.severity.as_str(),
            code: found.code.name,
            message: found.message,
            place,
            help: (!help.is_empty()).then(|| help.join("\n")),
        }
    };
    Ok(found.into_iter().map(finding).collect())
}
