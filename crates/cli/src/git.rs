//! In: a revision of git. Out: its programs and settings as files in a temporary folder.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::CommandError;
use crate::files;
use crate::project::FileAccess;
use presync_ide::{folder_of, is_program};

/// The programs of a revision, until this is dropped.
pub struct Revision {
    name: String,
    /// The root of the repository.
    top: PathBuf,
    folder: tempfile::TempDir,
}

impl Revision {
    /// Writes the programs and settings of a revision of the repository around `near`, and the files `near` and `wanted`
    /// of it.
    ///
    /// # Errors
    /// Git is not installed, `near` is not in a repository, or the revision is unknown.
    pub fn checkout(name: &str, near: &Path, wanted: &Path) -> Result<Self, CommandError> {
        let folder = if near.is_dir() { near } else { folder_of(near) };
        let top = git(folder, &["rev-parse", "--show-toplevel"], None, &[])?;
        let top = PathBuf::from(String::from_utf8_lossy(&top).trim_end());
        let real = |path| files::canonical(path);
        let near = near.file_name().map(|name| real(folder).join(name));
        let near = near.and_then(|near| Some(near.strip_prefix(real(&top)).ok()?.to_path_buf()));
        let commit = format!("{name}^{{commit}}");
        let commit = git(
            &top,
            &["rev-parse", "--verify", "--end-of-options", &commit],
            None,
            &[],
        )
        .map_err(|_| {
            CommandError::Usage(format!("`{name}` is not a revision of this git repository"))
        })?;
        let commit = String::from_utf8_lossy(&commit).trim_end().to_owned();
        let folder = tempfile::tempdir()?;
        // An index of its own: that of the repository stays as it is.
        let index = folder.path().join("index");
        let tree = folder.path().join("tree");
        let with_index = Some(index.as_path());
        git(&top, &["read-tree", &commit], with_index, &[])?;
        let listed = git(&top, &["ls-files", "-z"], with_index, &[])?;
        let is_needed = |path: &&[u8]| {
            let path = String::from_utf8_lossy(path);
            let path = Path::new(&*path);
            let name = path.file_name().unwrap_or_default();
            is_program(path)
                || name == "presync.toml"
                || name == ".gitignore"
                || path == wanted
                || near.as_deref() == Some(path)
        };
        let needed: Vec<&[u8]> = listed.split(|byte| *byte == 0).filter(is_needed).collect();
        let prefix = format!("--prefix={}/", tree.display());
        let words = ["checkout-index", "-z", "--stdin", &prefix];
        git(&top, &words, with_index, &needed.join(&0))?;
        std::fs::create_dir_all(&tree)?;
        Ok(Self {
            name: name.to_owned(),
            top,
            folder,
        })
    }

    /// Where a path of the working tree is in the revision.
    ///
    /// # Errors
    /// It is outside of the repository.
    pub fn path(&self, path: &Path) -> Result<PathBuf, CommandError> {
        let absolute = std::path::absolute(path)?;
        // The file may not exist any more; its folder most likely does.
        let canonical = match (absolute.parent(), absolute.file_name()) {
            _ if absolute.exists() => files::canonical(&absolute),
            (Some(folder), Some(name)) => files::canonical(folder).join(name),
            _ => absolute,
        };
        let below = canonical
            .strip_prefix(files::canonical(&self.top))
            .map_err(|_| {
                CommandError::Usage(format!(
                    "`{}` is outside of the git repository `{}`",
                    path.display(),
                    self.top.display()
                ))
            })?;
        Ok(self.tree().join(below))
    }

    /// A path from the root of the repository.
    pub fn below(&self, path: &Path) -> PathBuf {
        self.tree().join(path)
    }

    fn tree(&self) -> PathBuf {
        self.folder.path().join("tree")
    }

    /// Access to the files of the revision, whose paths are shown as git writes them: `main:profiles/a.presync`.
    pub fn access(&self, access: &FileAccess) -> FileAccess {
        FileAccess {
            shown: Some((self.tree(), format!("{}:", self.name))),
            ..access.clone()
        }
    }
}

/// The revision of a file's repository, such as `1a2b3c4` or `v1.2, with changes`; `None` outside of a repository.
pub fn described(file: &Path) -> Option<String> {
    let folder = folder_of(file);
    let words = ["describe", "--always", "--tags", "--dirty=, with changes"];
    let described = git(folder, &words, None, &[]).ok()?;
    let described = String::from_utf8_lossy(&described).trim().to_owned();
    (!described.is_empty()).then_some(described)
}

/// What a git command prints.
fn git(
    folder: &Path,
    words: &[&str],
    index: Option<&Path>,
    input: &[u8],
) -> Result<Vec<u8>, CommandError> {
    let cannot = |why: String| CommandError::Usage(format!("git {}: {why}", words[0]));
    let mut command = Command::new("git");
    command
        .args(words)
        .current_dir(if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        })
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(index) = index {
        command.env("GIT_INDEX_FILE", index);
    }
    let mut child = command.spawn().map_err(|error| cannot(error.to_string()))?;
    let mut stdin = child.stdin.take();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || {
            // A command that ends early says why itself.
            stdin.take().map(|mut stdin| stdin.write_all(input))
        });
        child.wait_with_output()
    })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let why = String::from_utf8_lossy(&output.stderr);
    Err(cannot(why.trim().trim_start_matches("fatal: ").to_owned()))
}
