//! In: the paths of a command line. Out: root files, and the files that a program may read.
//! A directory stands for all `*.presync` below it; each file that no other file uses is a program.
//! Errors: files that cannot be read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use presync::Parsed;
use presync_ide::{Overlay, ProgramFinder, RootFile, Texts, is_program, settings};

use crate::error::CommandError;
use crate::files::{self, cannot_read, canonical};
use crate::places::Disk;
use crate::terminal::Terminal;
use crate::watch;

/// The files that the paths of a command stand for.
pub struct Selection {
    pub paths: Vec<PathBuf>,
    force_exclude: bool,
    /// What `-` stands for.
    stdin: PathBuf,
    /// Standard input was named, and is excluded.
    excluded_stdin: bool,
}

impl Selection {
    /// # Errors
    /// A `presync.toml` that cannot be read.
    pub fn new(
        paths: Vec<PathBuf>,
        force_exclude: bool,
        access: &FileAccess,
    ) -> Result<Self, CommandError> {
        let stdin = access.place(Path::new("-")).to_path_buf();
        let mut selection = Self {
            paths,
            force_exclude,
            stdin,
            excluded_stdin: false,
        };
        if force_exclude {
            let mut kept = Vec::with_capacity(selection.paths.len());
            for path in std::mem::take(&mut selection.paths) {
                if path.is_dir() || !is_excluded(selection.place(&path))? {
                    kept.push(path);
                } else if path.as_os_str() == "-" {
                    selection.excluded_stdin = true;
                }
            }
            selection.paths = kept;
        }
        Ok(selection)
    }

    fn place<'a>(&'a self, path: &'a Path) -> &'a Path {
        if path.as_os_str() == "-" {
            &self.stdin
        } else {
            path
        }
    }

    /// Prints an excluded standard input as it is, for commands that would print it changed.
    ///
    /// # Errors
    /// It cannot be read or printed.
    pub fn pass_excluded_stdin(&self, terminal: &Terminal) -> Result<(), CommandError> {
        if self.excluded_stdin {
            terminal.stdout(files::stdin()?)?;
        }
        Ok(())
    }

    /// Every file, whether or not others use it. Files that cannot be read are reported and skipped.
    ///
    /// # Errors
    /// A directory without programs, unless they are excluded on purpose.
    pub fn files(&self, terminal: &Terminal) -> Result<Vec<PathBuf>, CommandError> {
        self.select(terminal, Ok)
    }

    /// The root files: those that no other file uses. A file is one program, however often it is named.
    ///
    /// # Errors
    /// See [`Selection::files`].
    pub fn roots(&self, terminal: &Terminal) -> Result<Vec<PathBuf>, CommandError> {
        self.select(terminal, |files| {
            let found = ProgramFinder::default().roots(&Disk, files);
            found.map_err(|(file, error)| cannot_read(&file, &error))
        })
    }

    fn select(
        &self,
        terminal: &Terminal,
        of_folder: fn(Vec<PathBuf>) -> Result<Vec<PathBuf>, CommandError>,
    ) -> Result<Vec<PathBuf>, CommandError> {
        let mut selected = Vec::new();
        for path in &self.paths {
            if path.as_os_str() == "-" {
                selected.push(path.clone());
            } else if path.is_dir() {
                let (files, all) = files_below(path, &|error| terminal.skip(error))?;
                if files.is_empty() && !self.force_exclude && all {
                    terminal.skip(&CommandError::Usage(format!(
                        "`{}` contains no `.presync` file that is not excluded",
                        path.display()
                    )));
                }
                selected.extend(of_folder(files)?);
            } else if let Some(extension) = table(path) {
                terminal.skip(&CommandError::Usage(format!(
                    "`{}` is a table, not a program: `presync import {}` makes a program of a .{extension} file",
                    path.display(),
                    path.display()
                )));
            } else if is_readable(path, &|error| terminal.skip(error)) {
                selected.push(path.clone());
            }
        }
        let mut known = BTreeSet::new();
        selected.retain(|file| known.insert(canonical(file)));
        Ok(selected)
    }
}

/// The extension of a file that `import` reads.
fn table(path: &Path) -> Option<String> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    let kinds = ["csv", "tsv", "xlsx", "xls", "ods", "md", "dmn"];
    kinds.contains(&extension.as_str()).then_some(extension)
}

/// Whether a file can be opened; says why not.
fn is_readable(path: &Path, report: &dyn Fn(&CommandError)) -> bool {
    match std::fs::File::open(path) {
        Ok(_) => true,
        Err(error) => {
            report(&cannot_read(path, &error));
            false
        }
    }
}

/// Whether `presync.toml` or a `.gitignore` excludes a file.
fn is_excluded(path: &Path) -> Result<bool, CommandError> {
    if let Some(found) = settings::find(&Disk, path)?
        && found.excludes(&Disk, path, false)
    {
        return Ok(true);
    }
    let path = std::path::absolute(path)?;
    for folder in path.ancestors().skip(1) {
        let (patterns, _) = ignore::gitignore::Gitignore::new(folder.join(".gitignore"));
        match patterns.matched_path_or_any_parents(&path, false) {
            ignore::Match::Ignore(_) => return Ok(true),
            ignore::Match::Whitelist(_) => return Ok(false),
            ignore::Match::None => {}
        }
        if folder.join(".git").exists() {
            break;
        }
    }
    Ok(false)
}

/// Skips hidden files and what `.gitignore` excludes, and follows links.
fn walk(folder: &Path) -> ignore::WalkBuilder {
    let mut walk = ignore::WalkBuilder::new(folder);
    walk.follow_links(true)
        .require_git(false)
        .ignore(false)
        // What is checked depends on the project, not on the machine.
        .git_global(false)
        .git_exclude(false)
        .sort_by_file_name(Ord::cmp);
    walk
}

/// The files below a folder, sorted: each once, even if links lead to it; and whether these are all. What cannot be read is
/// reported.
fn files_below(
    folder: &Path,
    report: &dyn Fn(&CommandError),
) -> Result<(Vec<PathBuf>, bool), CommandError> {
    let mut all = true;
    let mut walk = walk(folder);
    if let Some(found) = settings::find(&Disk, folder)? {
        walk.filter_entry(move |entry| {
            let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
            entry.depth() == 0 || !found.excludes(&Disk, entry.path(), is_folder)
        });
    }
    let base = canonical(folder);
    let mut files: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
    for entry in walk.build() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                if let Some(message) = unreadable(&error) {
                    all = false;
                    report(&CommandError::Usage(message));
                }
                continue;
            }
        };
        let path = entry.path();
        if entry.file_type().is_some_and(|kind| kind.is_dir()) {
            watch::record(path);
            watch::record(&path.join(".gitignore"));
        }
        if !is_program(path) || !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        if !is_readable(path, report) {
            all = false;
            continue;
        }
        let real = canonical(path);
        // The path without links is the one to show.
        let direct = path
            .strip_prefix(folder)
            .is_ok_and(|below| base.join(below) == real);
        let path = path.to_path_buf();
        if direct {
            files.insert(real, path);
        } else {
            files.entry(real).or_insert(path);
        }
    }
    let mut files: Vec<PathBuf> = files.into_values().collect();
    files.sort();
    Ok((files, all))
}

/// The files below a folder that can be read.
pub fn programs_below(folder: &Path) -> Vec<PathBuf> {
    files_below(folder, &|_| {}).map_or_else(|_| Vec::new(), |(files, _)| files)
}

/// Why something below a folder cannot be read; nothing for links in a circle, and for broken links that no program is behind.
fn unreadable(error: &ignore::Error) -> Option<String> {
    match error {
        ignore::Error::WithDepth { err, .. } => unreadable(err),
        ignore::Error::Loop { .. } => None,
        ignore::Error::WithPath { path, err } => match err.io_error() {
            Some(why) if why.kind() == std::io::ErrorKind::NotFound && !is_program(path) => None,
            Some(why) => match cannot_read(path, why) {
                CommandError::Usage(message) => Some(message),
                CommandError::Printed => None,
            },
            None => unreadable(err),
        },
        other => Some(other.to_string()),
    }
}

/// The files that a program may use, and the name of standard input.
#[derive(Debug, Clone, Default)]
pub struct FileAccess {
    /// If not, only those below the directory of `presync.toml`, or of the root file if there is none: a program from
    /// elsewhere must not read arbitrary files on the machine.
    pub anywhere: bool,
    pub stdin_filename: Option<PathBuf>,
    /// A folder, and what messages show for it.
    pub shown: Option<(PathBuf, String)>,
}

impl FileAccess {
    /// Where a root file is, or is said to be.
    pub fn place<'a>(&'a self, root: &'a Path) -> &'a Path {
        match &self.stdin_filename {
            Some(name) if root.as_os_str() == "-" => name,
            _ => root,
        }
    }

    /// The root file at a path.
    pub fn root_file(&self, root: &Path) -> RootFile {
        let place = self.place(root);
        let of_place = RootFile::new(place);
        let (label, below) = self.labelled(&of_place.folder);
        RootFile {
            path: root.to_path_buf(),
            name: if place.as_os_str() == "-" {
                "<stdin>".to_owned()
            } else {
                of_place.name
            },
            shown_folder: if below.as_os_str().is_empty() {
                String::new()
            } else {
                format!("{}/", below.display())
            },
            label: label.to_owned(),
            anywhere: self.anywhere,
            folder: of_place.folder,
        }
    }

    /// The label that messages show before a path, and the path after it.
    fn labelled(&self, path: &Path) -> (&str, PathBuf) {
        let below = self.shown.as_ref().and_then(|(real, label)| {
            Some((label.as_str(), path.strip_prefix(real).ok()?.to_path_buf()))
        });
        below.unwrap_or_else(|| ("", path.to_path_buf()))
    }

    /// A path as messages show it.
    pub fn shown(&self, path: &Path) -> String {
        let (label, below) = self.labelled(path);
        format!("{label}{}", below.display())
    }
}

/// Loads a program, with `instead` replacing the content of files by canonical path.
pub fn parse_with(
    root: &Path,
    instead: &Texts,
    access: &FileAccess,
) -> Result<Parsed, CommandError> {
    let files = Overlay {
        files: &Disk,
        texts: instead,
    };
    let parsed = access.root_file(root).parse(&files, None);
    parsed.map_err(|error| cannot_read(root, &error))
}

/// The only program of a path.
pub fn one_root(path: &Path, terminal: &Terminal) -> Result<PathBuf, CommandError> {
    let selection = Selection::new(vec![path.to_path_buf()], false, &terminal.file_access)?;
    let roots = selection.roots(terminal)?;
    match roots.as_slice() {
        [root] => Ok(root.clone()),
        [] => Err(CommandError::Printed),
        several => {
            let names: Vec<String> = several
                .iter()
                .map(|root| format!("`{}`", root.display()))
                .collect();
            Err(CommandError::Usage(format!(
                "`{}` contains {} programs: name one of {}",
                path.display(),
                several.len(),
                names.join(", ")
            )))
        }
    }
}

/// The paths to work on: from the command line, else from `presync.toml`, else the current
/// directory.
pub fn paths(named: &[PathBuf]) -> Result<Vec<PathBuf>, CommandError> {
    if !named.is_empty() {
        return Ok(named.to_vec());
    }
    let here = PathBuf::from(".");
    let Some(found) = settings::find(&Disk, &here)?.filter(|found| !found.paths().is_empty())
    else {
        return Ok(vec![here]);
    };
    // Show paths relative to the current directory if they are inside it.
    let current = std::env::current_dir().unwrap_or_default();
    let shown = |path: &PathBuf| {
        let path = found.folder.join(path);
        match path.strip_prefix(&current) {
            Ok(inside) if inside.components().next().is_some() => inside.to_path_buf(),
            Ok(_) => PathBuf::from("."),
            Err(_) => path,
        }
    };
    Ok(found.paths().iter().map(shown).collect())
}
