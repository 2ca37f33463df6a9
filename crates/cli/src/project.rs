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

/// The root files of some paths; `-` is standard input.
pub fn roots(paths: &[PathBuf]) -> Result<Vec<PathBuf>, CommandError> {
    let mut roots = Vec::new();
    for path in paths {
        if path.as_os_str() != "-" && path.is_dir() {
            let files = files_below(path)?;
            if files.is_empty() {
                return Err(CommandError::Usage(format!(
                    "`{}` contains no `.presync` file",
                    path.display()
                )));
            }
            roots.extend(unused_of(files)?);
        } else {
            roots.push(path.clone());
        }
    }
    // A file named twice, even in different ways, is one program.
    let mut known = BTreeSet::new();
    roots.retain(|root| known.insert(std::fs::canonicalize(root).unwrap_or_else(|_| root.clone())));
    Ok(roots)
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>, CommandError> {
    let mut files = Vec::new();
    let visible = |entry: &walkdir::DirEntry| {
        entry.depth() == 0 || !entry.file_name().as_encoded_bytes().starts_with(b".")
    };
    for entry in walkdir::WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(visible)
    {
        let entry = entry.map_err(|error| CommandError::Usage(error.to_string()))?;
        if entry.file_type().is_file()
            && entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "presync")
        {
            files.push(entry.into_path());
        }
    }
    Ok(files)
}

/// The files that no other file uses; for a cycle that nothing else uses, its first file.
fn unused_of(files: Vec<PathBuf>) -> Result<Vec<PathBuf>, CommandError> {
    let mut uses: BTreeMap<String, Vec<String>> = BTreeMap::new();
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
                    Some(relative(&path, &name.text))
                }
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
    relative("", &path.to_string_lossy().replace('\\', "/"))
}

/// The files that a program may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileAccess {
    /// Below the directory of `presync.toml`, or of the root file if there is none: a program from
    /// elsewhere must not read arbitrary files on the machine.
    Project,
    Anywhere,
}

/// Every file of some paths, whether or not others use it.
pub fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, CommandError> {
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

/// Loads a program, with `instead` replacing the content of files by canonical path.
pub fn parse_with(
    root: &Path,
    instead: Option<&Overlay>,
    reach: FileAccess,
) -> Result<Parsed, CommandError> {
    let folder = root.parent().map(Path::to_path_buf).unwrap_or_default();
    let base = if folder.as_os_str().is_empty() {
        String::new()
    } else {
        format!("{}/", folder.display())
    };
    let is_stdin = root.as_os_str() == "-";
    let name = if is_stdin {
        "<stdin>".to_owned()
    } else {
        root.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    let here = if folder.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        folder.clone()
    };
    let within = match reach {
        FileAccess::Anywhere => None,
        FileAccess::Project => Some(canonical(
            &config::find(&here)?.map_or(here, |found| found.folder),
        )),
    };
    let disk = ProjectFiles {
        root: root.to_path_buf(),
        name: name.clone(),
        folder,
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
}

/// The only program of a path.
pub fn one_root(path: &Path) -> Result<PathBuf, CommandError> {
    let roots = roots(&[path.to_path_buf()])?;
    match roots.as_slice() {
        [root] => Ok(root.clone()),
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
