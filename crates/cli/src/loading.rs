//! In: a path. Out: a checked program, or tables. Prints the errors of a program.

use std::path::Path;

use presync::Program;
use presync_engine::Tables;

use crate::error::CommandError;
use crate::files::cannot_read;
use crate::project::{one_root, parse_with};
use crate::terminal::{OutputStream, Terminal};

/// Loads a program and prints its errors.
pub fn program(root: &Path, terminal: &Terminal) -> Result<Program, CommandError> {
    let mut report = presync::check(parse_with(root, None, terminal.file_access)?);
    report.program.take().ok_or_else(|| {
        let _ = terminal.draw(&report.diagnostics, report.sources(), OutputStream::Stderr);
        terminal.stderr(&presync_report::summary(report.diagnostics.iter()));
        CommandError::Findings
    })
}

/// The digest of a program's meaning; `None` if it is too complex to compile.
pub fn meaning(program: &Program) -> Option<String> {
    program.compile().ok()?.digest().ok().map(str::to_owned)
}

/// The tables of a program or a tables.json, and the program if there is one.
pub fn tables(path: &Path, terminal: &Terminal) -> Result<(Tables, Option<Program>), CommandError> {
    if path
        .extension()
        .is_some_and(|extension| extension == "json")
    {
        let text = std::fs::read(path).map_err(|error| cannot_read(path, &error))?;
        let text = String::from_utf8(text)
            .map_err(|_| CommandError::Usage(format!("`{}` is not valid UTF-8", path.display())))?;
        let tables = Tables::from_json(&text)
            .map_err(|error| CommandError::Usage(format!("`{}`: {error}", path.display())))?;
        return Ok((tables, None));
    }
    let program = program(&one_root(path)?, terminal)?;
    let tables = program.compile()?;
    Ok((tables, Some(program)))
}
