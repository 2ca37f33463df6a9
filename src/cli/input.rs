//! In: the paths of a command line. Out: programs, or tables. A directory means all `*.presync` below it, each file
//! that no other one uses being a program. Errors: files that cannot be read, and programs with errors.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::cli::output::Output;
use crate::cli::render;
use crate::cli::{Stop, config};
use crate::diagnostic::Diagnostic;
use crate::load::{self, Parsed};
use crate::model::Program;
use crate::source::{FileId, SourceFile};
use crate::syntax::{self, ast};
use crate::table::Tables;

/// The root files that some paths mean, `-` being standard input.
pub(super) fn roots(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Stop> {
    let mut roots = Vec::new();
    for path in paths {
        if path.as_os_str() != "-" && path.is_dir() {
            let files = files_below(path)?;
            if files.is_empty() {
                return Err(Stop::Usage(format!("`{}` holds no `.presync` file", path.display())));
            }
            roots.extend(unused_of(files)?);
        } else {
            roots.push(path.clone());
        }
    }
    // Named twice, by whatever way: one program.
    let mut known = BTreeSet::new();
    roots.retain(|root| known.insert(std::fs::canonicalize(root).unwrap_or_else(|_| root.clone())));
    Ok(roots)
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>, Stop> {
    let mut files = Vec::new();
    let visible =
        |entry: &walkdir::DirEntry| entry.depth() == 0 || !entry.file_name().as_encoded_bytes().starts_with(b".");
    for entry in walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().filter_entry(visible) {
        let entry = entry.map_err(|error| Stop::Usage(error.to_string()))?;
        if entry.file_type().is_file() && entry.path().extension().is_some_and(|extension| extension == "presync") {
            files.push(entry.into_path());
        }
    }
    Ok(files)
}

/// The files that no other one uses; of a circle that nothing else uses, its first.
fn unused_of(files: Vec<PathBuf>) -> Result<Vec<PathBuf>, Stop> {
    let mut uses: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in &files {
        let bytes = source(file).map_err(|error| cannot_read(file, &error))?;
        let path = slashes(file);
        let (tree, _) = syntax::parse(FileId(0), &SourceFile::new(path.clone(), bytes, false));
        let used = tree.declarations.iter().filter_map(|declaration| match &declaration.kind {
            ast::DeclarationKind::Use(name) if name.quoted() => Some(load::relative(&path, &name.text)),
            _ => None,
        });
        uses.insert(path.clone(), used.filter(|used| *used != path).collect());
    }
    let used: BTreeSet<&String> = uses.values().flatten().collect();
    let mut reached: BTreeSet<String> = BTreeSet::new();
    let mut roots = Vec::new();
    let unused = files.iter().filter(|file| !used.contains(&slashes(file)));
    for file in unused.chain(&files) {
        let path = slashes(file);
        if reached.contains(&path) {
            continue;
        }
        roots.push(file.clone());
        let mut stack = vec![path];
        while let Some(next) = stack.pop() {
            if reached.insert(next.clone()) {
                stack.extend(uses.get(&next).into_iter().flatten().cloned());
            }
        }
    }
    roots.sort();
    Ok(roots)
}

fn slashes(path: &Path) -> String {
    load::relative("", &path.to_string_lossy().replace('\\', "/"))
}

/// Where files that a program uses may come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Below the folder of `presync.toml`, or of the root file where there is none: a program from elsewhere is not to
    /// read whatever lies on the machine.
    Project,
    Anywhere,
}

/// The bytes of a file, or of standard input for `-`.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Stop> {
    if path.as_os_str() == "-" {
        return Ok(bounded(std::io::stdin().lock())?);
    }
    source(path).map_err(|error| cannot_read(path, &error))
}

/// The bytes of a source file.
fn source(path: &Path) -> std::io::Result<Vec<u8>> {
    bounded(std::fs::File::open(path)?)
}

/// All there is, or enough to be told that it is too large: a device may have no end.
fn bounded(from: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(syntax::MAX_FILE as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Every file that some paths mean, used by others or not.
pub(super) fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Stop> {
    let mut files = Vec::new();
    for path in paths {
        if path.as_os_str() != "-" && path.is_dir() {
            files.extend(files_below(path)?);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

/// Loads a program with other texts in place of what the files hold, by canonical path.
pub(super) fn parse_with(root: &Path, instead: Option<&Instead>, reach: Reach) -> Result<Parsed, Stop> {
    let folder = root.parent().map(Path::to_path_buf).unwrap_or_default();
    let base = if folder.as_os_str().is_empty() { String::new() } else { format!("{}/", folder.display()) };
    let is_stdin = root.as_os_str() == "-";
    let name = if is_stdin {
        "<stdin>".to_owned()
    } else {
        root.file_name().unwrap_or_default().to_string_lossy().into_owned()
    };
    let here = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.clone() };
    let within = match reach {
        Reach::Anywhere => None,
        Reach::Project => Some(canonical(&config::find(&here)?.map_or(here, |found| found.folder))),
    };
    let disk = Disk { root: root.to_path_buf(), name: name.clone(), folder, is_stdin, instead, within };
    load::parse(&base, &name, &disk).map_err(|error| cannot_read(root, &error))
}

/// Texts that are not written yet, by canonical path; standard input is `-`.
pub(super) type Instead = BTreeMap<PathBuf, String>;

/// The files beside a root file, or standard input as the root.
struct Disk<'a> {
    root: PathBuf,
    name: String,
    folder: PathBuf,
    is_stdin: bool,
    instead: Option<&'a Instead>,
    /// Canonical: what is used lies below it, links followed.
    within: Option<PathBuf>,
}

impl Disk<'_> {
    fn place(&self, path: &str) -> PathBuf {
        if path == self.name { self.root.clone() } else { self.folder.join(path) }
    }
}

impl load::Files for Disk<'_> {
    fn read(&self, path: &str) -> std::io::Result<Vec<u8>> {
        if let Some(text) = self.instead.and_then(|instead| instead.get(&canonical(&self.place(path)))) {
            return Ok(text.clone().into_bytes());
        }
        if self.is_stdin && path == self.name {
            return bounded(std::io::stdin().lock());
        }
        let place = self.place(path);
        if let Some(within) = self.within.as_ref().filter(|_| path != self.name)
            && !std::fs::canonicalize(&place)?.starts_with(within)
        {
            return Err(std::io::Error::other(load::Outside(within.display().to_string())));
        }
        source(&place)
    }

    fn identity(&self, path: &str) -> String {
        std::fs::canonicalize(self.place(path))
            .map_or_else(|_| path.to_owned(), |path| path.to_string_lossy().into_owned())
    }
}

/// A checked program; errors are printed.
pub(super) fn program(root: &Path, output: &Output) -> Result<Program, Stop> {
    let (program, errors) = crate::check::check(parse_with(root, None, output.reach)?);
    stop_at(&errors, &program, output)?;
    Ok(program)
}

fn stop_at(errors: &[Diagnostic], program: &Program, output: &Output) -> Result<(), Stop> {
    if errors.is_empty() {
        return Ok(());
    }
    output.write(&render::human(errors, &program.sources, output));
    output.write(&render::summary(errors.iter()));
    Err(Stop::Findings)
}

/// A program or a tables.json, compiled; with the program where there is one.
pub(super) fn tables(path: &Path, output: &Output) -> Result<(Tables, Option<Program>), Stop> {
    if path.extension().is_some_and(|extension| extension == "json") {
        let text = std::fs::read(path).map_err(|error| cannot_read(path, &error))?;
        let text =
            String::from_utf8(text).map_err(|_| Stop::Usage(format!("`{}` is not UTF-8 text", path.display())))?;
        let tables = Tables::from_json(&text).map_err(|error| Stop::Usage(format!("`{}`: {error}", path.display())))?;
        return Ok((tables, None));
    }
    let program = program(&one_root(path)?, output)?;
    let tables = crate::compile::compile(&program).map_err(|error| Stop::Usage(error.to_string()))?;
    Ok((tables, Some(program)))
}

/// The one program that a path means.
pub(super) fn one_root(path: &Path) -> Result<PathBuf, Stop> {
    let roots = roots(&[path.to_path_buf()])?;
    match roots.as_slice() {
        [root] => Ok(root.clone()),
        several => {
            let names: Vec<String> = several.iter().map(|root| format!("`{}`", root.display())).collect();
            Err(Stop::Usage(format!(
                "`{}` holds {} programs: name one of {}",
                path.display(),
                several.len(),
                names.join(", ")
            )))
        }
    }
}

/// The same for all ways to name a file.
pub(super) fn canonical(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}

pub(super) fn cannot_read(path: &Path, error: &std::io::Error) -> Stop {
    let why = match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    };
    Stop::Usage(format!("`{}` cannot be read: {why}", path.display()))
}

/// A pipe or a device: it is written to, not replaced.
pub(super) fn is_special(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

/// Whether a file can be put where `path` says, told before the work is done.
pub(super) fn can_write_beside(path: &Path) -> Result<(), Stop> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    tempfile::tempfile_in(folder)
        .map(drop)
        .map_err(|error| Stop::Usage(format!("`{}` cannot be written: {error}", path.display())))
}

/// Writes a file whole or not at all; what is no file is written to.
pub(super) fn write_atomically(path: &Path, text: &[u8]) -> Result<(), Stop> {
    use std::io::Write;
    let cannot = |error: std::io::Error| Stop::Usage(format!("`{}` cannot be written: {error}", path.display()));
    if is_special(path) {
        let written = std::fs::OpenOptions::new().write(true).open(path).and_then(|mut file| file.write_all(text));
        return written.map_err(cannot);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A link is written through, not replaced.
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let folder = target.parent().unwrap_or(folder).to_path_buf();
    let mut file = tempfile::Builder::new()
        .prefix(".presync")
        .tempfile_in(if folder.as_os_str().is_empty() { Path::new(".") } else { &folder })
        .map_err(cannot)?;
    file.write_all(text).map_err(cannot)?;
    file.as_file().sync_all().map_err(cannot)?;
    let permissions = std::fs::metadata(&target).map(|metadata| metadata.permissions());
    if let Ok(permissions) = permissions {
        file.as_file().set_permissions(permissions).map_err(cannot)?;
    } else {
        set_default_permissions(file.as_file()).map_err(cannot)?;
    }
    file.persist(&target).map_err(|error| cannot(error.error))?;
    Ok(())
}

/// A new file gets the rights that any new file would: the temporary one is private.
#[cfg(unix)]
fn set_default_permissions(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn set_default_permissions(_: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}
