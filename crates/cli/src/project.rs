//! In: the paths of a command line. Out: root files, and the files that a program may read.
//! A directory stands for all `*.presync` below it; each file that no other file uses is a program.
//! Errors: files that cannot be read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use presync::tree;
use presync::{FileId, SourceFile};
use presync::{Files, Outside, Parsed, relative};

use crate::config;
use crate::error::CommandError;
use crate::files::{self, cannot_read, canonical, source};
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
        self.select(terminal, unused_of)
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
                let (files, all) = files_below(path, terminal)?;
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
            } else if is_readable(path, terminal) {
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
fn is_readable(path: &Path, terminal: &Terminal) -> bool {
    match std::fs::File::open(path) {
        Ok(_) => true,
        Err(error) => {
            terminal.skip(&cannot_read(path, &error));
            false
        }
    }
}

/// Whether `presync.toml` or a `.gitignore` excludes a file.
fn is_excluded(path: &Path) -> Result<bool, CommandError> {
    if let Some(found) = config::find(path)?
        && found.excludes(path, false)
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
fn files_below(folder: &Path, terminal: &Terminal) -> Result<(Vec<PathBuf>, bool), CommandError> {
    let mut all = true;
    let mut walk = walk(folder);
    if let Some(found) = config::find(folder)? {
        walk.filter_entry(move |entry| {
            let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
            entry.depth() == 0 || !found.excludes(entry.path(), is_folder)
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
                    terminal.skip(&CommandError::Usage(message));
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
        if !is_readable(path, terminal) {
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

/// Whether a file has the ending of programs, in upper or lower case.
pub fn is_program(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("presync"))
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

/// The files that no other file uses; for a cycle that nothing else uses, its first file.
fn unused_of(files: Vec<PathBuf>) -> Result<Vec<PathBuf>, CommandError> {
    let mut uses: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for file in &files {
        let bytes = source(file).map_err(|error| cannot_read(file, &error))?;
        let path = slashes(file);
        let (tree, _) =
            presync::parse_file(FileId(0), &SourceFile::new(path.clone(), bytes, false));
        let used = tree
            .declarations
            .iter()
            .filter_map(|declaration| match &declaration.kind {
                tree::DeclarationKind::Use(name) if name.quoted() => {
                    Some(canonical(Path::new(&relative(&path, &name.text))))
                }
                _ => None,
            });
        let path = canonical(file);
        let used = used.filter(|used| *used != path).collect();
        uses.insert(path, used);
    }
    let used: BTreeSet<&PathBuf> = uses.values().flatten().collect();
    let mut reached: BTreeSet<PathBuf> = BTreeSet::new();
    let mut roots = Vec::new();
    let unused = files.iter().filter(|file| !used.contains(&canonical(file)));
    for file in unused.chain(&files) {
        let path = canonical(file);
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
    relative("", &path.to_string_lossy().replace('\\', "/"))
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
    instead: Option<&Overlay>,
    access: &FileAccess,
) -> Result<Parsed, CommandError> {
    let place = access.place(root);
    let folder = place.parent().map(Path::to_path_buf).unwrap_or_default();
    let (label, below) = access.labelled(&folder);
    let label = label.to_owned();
    let base = if below.as_os_str().is_empty() {
        String::new()
    } else {
        format!("{}/", below.display())
    };
    let is_stdin = root.as_os_str() == "-";
    let name = if place.as_os_str() == "-" {
        "<stdin>".to_owned()
    } else {
        place
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    let here = if folder.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        folder.clone()
    };
    let within = if access.anywhere {
        None
    } else {
        let project = config::find(&here)?.map_or(here, |found| found.folder);
        Some(canonical(&project))
    };
    let disk = ProjectFiles {
        root: root.to_path_buf(),
        name: name.clone(),
        folder,
        label,
        is_stdin,
        instead,
        within,
    };
    presync::parse(&base, &name, &disk).map_err(|error| cannot_read(root, &error))
}

/// Unsaved texts by canonical path; standard input is `-`.
pub type Overlay = BTreeMap<PathBuf, String>;

/// The files relative to a root file, or to standard input as the root.
struct ProjectFiles<'a> {
    root: PathBuf,
    name: String,
    folder: PathBuf,
    label: String,
    is_stdin: bool,
    instead: Option<&'a Overlay>,
    /// Canonical: used files must be below it, after following links.
    within: Option<PathBuf>,
}

impl ProjectFiles<'_> {
    fn place(&self, path: &str) -> PathBuf {
        if path == self.name {
            self.root.clone()
        } else {
            self.folder.join(path)
        }
    }
}

impl Files for ProjectFiles<'_> {
    fn read(&self, path: &str) -> std::io::Result<Vec<u8>> {
        if let Some(text) = self
            .instead
            .and_then(|instead| instead.get(&canonical(&self.place(path))))
        {
            return Ok(text.clone().into_bytes());
        }
        if self.is_stdin && path == self.name {
            return files::stdin();
        }
        let place = self.place(path);
        watch::record(&place);
        if let Some(within) = self.within.as_ref().filter(|_| path != self.name)
            && !std::fs::canonicalize(&place)?.starts_with(within)
        {
            return Err(std::io::Error::other(Outside(within.display().to_string())));
        }
        source(&place)
    }

    fn identity(&self, path: &str) -> String {
        std::fs::canonicalize(self.place(path)).map_or_else(
            |_| path.to_owned(),
            |path| path.to_string_lossy().into_owned(),
        )
    }

    fn label(&self) -> &str {
        &self.label
    }
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
