//! In: the paths of a command line. Out: root files, and the files that a program may read. A directory means all
//! `*.presync` below it, each file that no other one uses being a program. Errors: files that cannot be read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use presync::tree;
use presync::{FileId, SourceFile};
use presync::{Files, Outside, Parsed, relative};

use crate::config;
use crate::error::CommandError;
use crate::files::{self, cannot_read, canonical, source};

/// The root files that some paths mean, `-` being standard input.
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
    // Named twice, by whatever way: one program.
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

/// The files that no other one uses; of a circle that nothing else uses, its first.
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

/// Where files that a program uses may come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileAccess {
    /// Below the folder of `presync.toml`, or of the root file where there is none: a program from elsewhere is not to
    /// read whatever lies on the machine.
    Project,
    Anywhere,
}

/// Every file that some paths mean, used by others or not.
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

/// Loads a program with other texts in place of what the files hold, by canonical path.
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

/// Texts that are not written yet, by canonical path; standard input is `-`.
pub type Overlay = BTreeMap<PathBuf, String>;

/// The files beside a root file, or standard input as the root.
struct ProjectFiles<'a> {
    root: PathBuf,
    name: String,
    folder: PathBuf,
    is_stdin: bool,
    instead: Option<&'a Overlay>,
    /// Canonical: what is used lies below it, links followed.
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

/// The one program that a path means.
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
