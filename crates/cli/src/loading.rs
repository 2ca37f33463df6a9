//! In: a path. Out: a checked program, or tables. Prints the errors of a program.

use std::path::{Path, PathBuf};

use presync::{ParseCache, Parsed, Program};
use presync_engine::Tables;
use presync_ide::{CheckError, CheckedProgram, Findings, Overlay, Texts};

use crate::error::CommandError;
use crate::files;
use crate::places::Disk;
use crate::project::{FileAccess, one_root, parse_with};
use crate::terminal::{OutputStream, Terminal};

/// Loads a program and prints its errors.
pub fn program(root: &Path, terminal: &Terminal) -> Result<Program, CommandError> {
    program_with(root, &terminal.file_access, terminal)
}

fn program_with(
    root: &Path,
    access: &FileAccess,
    terminal: &Terminal,
) -> Result<Program, CommandError> {
    checked(parse_with(root, &Texts::new(), access)?, terminal)
}

fn checked(parsed: Parsed, terminal: &Terminal) -> Result<Program, CommandError> {
    let mut report = presync::check(parsed);
    report.program.take().ok_or_else(|| {
        let _ = terminal.draw(&report.diagnostics, report.sources(), OutputStream::Stderr);
        terminal.stderr(&presync_report::summary(report.diagnostics.iter()));
        CommandError::Printed
    })
}

/// Checks and lints programs, and reports those that cannot be read. `instead` has unsaved texts. Who checks again gives a
/// cache.
pub fn findings(
    roots: &[PathBuf],
    levels: &[String],
    instead: &Texts,
    access: &FileAccess,
    cache: Option<&ParseCache>,
    terminal: &Terminal,
) -> Result<Findings, CommandError> {
    let files = Overlay {
        files: &Disk,
        texts: instead,
    };
    let mut programs = Vec::with_capacity(roots.len());
    for root in roots {
        let place = access.place(root);
        match CheckedProgram::check(&files, &access.root_file(root), place, levels, cache) {
            Ok(checked) => programs.push(checked),
            Err(CheckError::Unreadable(message)) => terminal.skip(&CommandError::Usage(message)),
            Err(CheckError::Settings(wrong)) => return Err(wrong.into()),
        }
    }
    Ok(Findings::new(programs, &Disk)?)
}

/// The tables of a program or a tables.json, and the program if there is one. Tables are recognized by their content.
pub fn tables(path: &Path, terminal: &Terminal) -> Result<(Tables, Option<Program>), CommandError> {
    tables_with(path, &terminal.file_access, terminal)
}

/// The same with other access to files.
pub fn tables_with(
    path: &Path,
    access: &FileAccess,
    terminal: &Terminal,
) -> Result<(Tables, Option<Program>), CommandError> {
    // A pipe can be read only once.
    let once = path.as_os_str() == "-" || files::is_special(path);
    let bytes = if once {
        files::read(path)?
    } else if path.is_dir() {
        Vec::new()
    } else {
        files::start(path)?
    };
    let wrong = |why: String| CommandError::Usage(format!("`{}`: {why}", access.shown(path)));
    let text = |bytes| String::from_utf8(bytes).map_err(|_| wrong("not valid UTF-8".to_owned()));
    let is_named_json = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    if is_tables(&bytes) || is_named_json {
        let text = text(if once { bytes } else { files::read(path)? })?;
        let text = text.trim_start_matches('\u{feff}');
        let tables = Tables::from_json(text).map_err(|error| wrong(error.to_string()))?;
        return Ok((tables, None));
    }
    let program = if files::is_special(path) {
        let instead = Texts::from([(files::canonical(path), text(bytes)?)]);
        checked(parse_with(path, &instead, access)?, terminal)?
    } else {
        program_with(&one_root(path, terminal)?, access, terminal)?
    };
    let tables = program.compile()?;
    Ok((tables, Some(program)))
}

/// The files that a program or tables.json was read from.
pub fn sources(path: &Path, program: Option<&Program>) -> Vec<PathBuf> {
    let Some(program) = program else {
        return vec![path.to_path_buf()];
    };
    let sources = &program.sources;
    let files = sources.iter().filter(|(_, file)| !file.bundled);
    files
        .map(|(id, _)| PathBuf::from(sources.shown_path(id)))
        .collect()
}

/// Whether a text begins like compiled tables.
fn is_tables(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(1_000)];
    let start = String::from_utf8_lossy(start.strip_prefix("\u{feff}".as_bytes()).unwrap_or(start));
    start.trim_start().starts_with('{') && start.contains("\"presync-tables\"")
}
