//! `presync fmt`: formats files, or shows what would change.

use std::path::{Path, PathBuf};

use clap::Args;

use super::InputArguments;
use crate::error::{CommandAnswer, CommandError, CommandResult};
use crate::project::FileAccess;
use crate::terminal::{OutputStream, Terminal};
use crate::{edit, files, project};
use presync::FormatError;
use presync::visible;
use presync::{SourceFile, Sources};
use presync_ide::{Texts, meaning};

/// Format files.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    inputs: InputArguments,
    /// Write nothing; exit with 1 if a file would be reformatted.
    #[arg(long)]
    check: bool,
    /// Write nothing; show the changes and exit with 1 if there are any.
    #[arg(long)]
    diff: bool,
}

/// The result for one file.
enum FormatResult {
    Same,
    Changed,
}

pub fn run(arguments: &Arguments, terminal: &Terminal) -> CommandResult {
    let selection = arguments.inputs.selection(terminal)?;
    let only_shown = arguments.check || arguments.diff;
    if !only_shown {
        selection.pass_excluded_stdin(terminal)?;
    }
    let files = selection.files(terminal)?;
    let (mut changed, mut skipped) = (0, 0);
    for file in &files {
        match format(file, arguments, terminal) {
            Ok(FormatResult::Same) => {}
            Ok(FormatResult::Changed) => changed += 1,
            Err(error) => {
                terminal.skip(&error);
                skipped += 1;
            }
        }
    }
    let count = |count: usize| {
        if count == 1 {
            "1 file".to_owned()
        } else {
            format!("{count} files")
        }
    };
    if files.iter().all(|file| file.as_os_str() != "-") {
        let same = count(files.len() - changed - skipped);
        let verb = if only_shown {
            "would be reformatted"
        } else {
            "reformatted"
        };
        let errors = if skipped == 0 {
            String::new()
        } else {
            format!(", {} skipped", count(skipped))
        };
        terminal.status(&format!(
            "{} {verb}, {same} left unchanged{errors}",
            count(changed)
        ));
    }
    Ok(CommandAnswer::no_if(only_shown && changed > 0))
}

fn format(
    file: &Path,
    arguments: &Arguments,
    terminal: &Terminal,
) -> Result<FormatResult, CommandError> {
    let bytes = files::read(file)?;
    let is_stdin = file.as_os_str() == "-";
    let shown = if is_stdin {
        "<stdin>".to_owned()
    } else {
        file.display().to_string()
    };
    let source = SourceFile::new(shown.clone(), bytes.clone(), false);
    let text = match presync::format(&source) {
        Ok(text) => text,
        Err(FormatError::Syntax(errors)) => {
            let mut sources = Sources::default();
            sources.add(source);
            terminal.draw(&errors, &sources, OutputStream::Stderr)?;
            terminal.stderr(&format!(
                "`{}` skipped: it has syntax errors",
                visible(&shown)
            ));
            return Err(CommandError::Printed);
        }
        Err(FormatError::Changed) => return Err(internal(&shown)),
    };
    let same = text == source.text;
    if !same
        && digest(file, &source.text, &terminal.file_access)?
            != digest(file, &text, &terminal.file_access)?
    {
        return Err(internal(&shown));
    }
    if arguments.diff {
        terminal.stdout(edit::unified(&shown, &source.text, &text))?;
    } else if arguments.check {
        if !same {
            terminal.stderr(&format!("{} would be reformatted", visible(&shown)));
        }
    } else if is_stdin {
        terminal.stdout(files::marked(&bytes, &text))?;
    } else if !same {
        files::rewrite(file, &text)?;
    }
    Ok(if same {
        FormatResult::Same
    } else {
        FormatResult::Changed
    })
}

fn internal(shown: &str) -> CommandError {
    CommandError::Usage(format!(
        "`{shown}` skipped: formatting would change its meaning. This is a bug in presync, please report it"
    ))
}

/// The digest of the program that has this file, with this text, as its root; `None` if it has
/// errors.
fn digest(
    file: &Path,
    text: &str,
    file_access: &FileAccess,
) -> Result<Option<String>, CommandError> {
    let path = if file.as_os_str() == "-" {
        PathBuf::from("-")
    } else {
        files::canonical(file)
    };
    let instead = Texts::from([(path, text.to_owned())]);
    let report = presync::check(project::parse_with(file, &instead, file_access)?);
    Ok(report.program.as_ref().and_then(meaning))
}
