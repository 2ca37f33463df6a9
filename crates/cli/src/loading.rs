//! In: a path. Out: a checked program, or tables. Errors of a program are printed.

use std::path::Path;

use presync::diagnostic::Diagnostic;
use presync::program::Program;
use presync_engine::table::Tables;

use crate::error::CommandError;
use crate::files::cannot_read;
use crate::project::{one_root, parse_with};
use crate::terminal::Terminal;

/// A checked program; errors are printed.
pub fn program(root: &Path, terminal: &Terminal) -> Result<Program, CommandError> {
    let (program, errors) = presync::resolve::check(parse_with(root, None, terminal.file_access)?);
    stop_at(&errors, &program, terminal)?;
    Ok(program)
}

fn stop_at(
    errors: &[Diagnostic],
    program: &Program,
    terminal: &Terminal,
) -> Result<(), CommandError> {
    if errors.is_empty() {
        return Ok(());
    }
    terminal.draw(errors, &program.sources);
    terminal.write(&presync_report::summary(errors.iter()));
    Err(CommandError::Findings)
}

/// A program or a tables.json, compiled; with the program where there is one.
pub fn tables(path: &Path, terminal: &Terminal) -> Result<(Tables, Option<Program>), CommandError> {
    if path
        .extension()
        .is_some_and(|extension| extension == "json")
    {
        let text = std::fs::read(path).map_err(|error| cannot_read(path, &error))?;
        let text = String::from_utf8(text)
            .map_err(|_| CommandError::Usage(format!("`{}` is not UTF-8 text", path.display())))?;
        let tables = Tables::from_json(&text)
            .map_err(|error| CommandError::Usage(format!("`{}`: {error}", path.display())))?;
        return Ok((tables, None));
    }
    let program = program(&one_root(path)?, terminal)?;
    let tables = presync::compile::compile(&program)
        .map_err(|error| CommandError::Usage(error.to_string()))?;
    Ok((tables, Some(program)))
}
