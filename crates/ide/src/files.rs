//! What a project reads: the command line gives a disk, a page gives texts in memory.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// A source of files and folders. Everything is looked up when it is asked for: nothing here is cached.
pub trait FileSystem {
    /// The bytes of a file.
    ///
    /// # Errors
    /// The file cannot be read.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    fn is_file(&self, path: &Path) -> bool;

    fn is_folder(&self, path: &Path) -> bool;

    /// The same path for every way to name a file, if it exists.
    ///
    /// # Errors
    /// It does not exist, or cannot be reached.
    fn real(&self, path: &Path) -> io::Result<PathBuf>;

    /// The path from the root of the file system; it need not exist.
    fn absolute(&self, path: &Path) -> PathBuf;

    /// The programs and parts of programs below a folder, sorted, without those that `.gitignore` or `exclude` of
    /// `presync.toml` name. Nothing where the folder cannot be read.
    fn programs(&self, folder: &Path) -> Vec<PathBuf>;

    /// The same path for every way to name a file. If it does not exist, its folder may.
    fn canonical(&self, path: &Path) -> PathBuf {
        let in_folder = || {
            let folder = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty())?;
            Some(self.real(folder).ok()?.join(path.file_name()?))
        };
        let real = self.real(path).ok().or_else(in_folder);
        real.unwrap_or_else(|| path.to_path_buf())
    }
}

/// Unsaved texts by canonical path.
pub type Texts = BTreeMap<PathBuf, String>;

/// Files, some with another text than they have.
pub struct Overlay<'a> {
    pub files: &'a dyn FileSystem,
    pub texts: &'a Texts,
}

impl FileSystem for Overlay<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match self.texts.get(&self.canonical(path)) {
            Some(text) => Ok(text.clone().into_bytes()),
            None => self.files.read(path),
        }
    }

    fn is_file(&self, path: &Path) -> bool {
        self.texts.contains_key(&self.canonical(path)) || self.files.is_file(path)
    }

    fn is_folder(&self, path: &Path) -> bool {
        self.files.is_folder(path)
    }

    fn real(&self, path: &Path) -> io::Result<PathBuf> {
        match self.files.real(path) {
            // A text that was never saved.
            Err(error) => {
                let path = self.files.canonical(path);
                if self.texts.contains_key(&path) {
                    Ok(path)
                } else {
                    Err(error)
                }
            }
            found => found,
        }
    }

    fn absolute(&self, path: &Path) -> PathBuf {
        self.files.absolute(path)
    }

    fn programs(&self, folder: &Path) -> Vec<PathBuf> {
        self.files.programs(folder)
    }
}

/// The folder of a file.
pub fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Whether a file has the ending of programs, in upper or lower case.
pub fn is_program(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("presync"))
}

/// What to say about a file that cannot be read.
pub fn cannot_read(path: &Path, error: &io::Error) -> String {
    let why = match error.kind() {
        io::ErrorKind::NotFound => "file not found".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    };
    format!("cannot read `{}`: {why}", path.display())
}
