//! In: a revision of git. Out: its programs and settings as files in a temporary folder.

use std::io::Write;
use std::path::{Component, Path, PathBuf};
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
        let top = git(folder, &["rev-parse", "--show-toplevel"], &[])?;
        let top = PathBuf::from(String::from_utf8_lossy(&top).trim_end());
        let real = |path| files::canonical(path);
        let near = near.file_name().map(|name| real(folder).join(name));
        let near = near.and_then(|near| Some(near.strip_prefix(real(&top)).ok()?.to_path_buf()));
        let commit = format!("{name}^{{commit}}");
        let commit = git(
            &top,
            &["rev-parse", "--verify", "--end-of-options", &commit],
            &[],
        )
        .map_err(|_| {
            CommandError::Usage(format!("`{name}` is not a revision of this git repository"))
        })?;
        let commit = String::from_utf8_lossy(&commit).trim_end().to_owned();
        let listed = git(&top, &["ls-tree", "-r", "-z", "--full-tree", &commit], &[])?;
        let is_needed = |blob: &Blob| {
            let path = &*blob.path;
            let name = path.file_name().unwrap_or_default();
            is_program(path)
                || name == "presync.toml"
                || name == ".gitignore"
                || path == wanted
                || near.as_deref() == Some(path)
        };
        let listed = listed.split(|byte| *byte == 0).filter_map(Blob::of);
        let needed: Vec<Blob> = listed.filter(is_needed).collect();
        let folder = tempfile::tempdir()?;
        let tree = folder.path().join("tree");
        std::fs::create_dir_all(&tree)?;
        write_blobs(&top, &needed, &tree)?;
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
    let described = git(folder, &words, &[]).ok()?;
    let described = String::from_utf8_lossy(&described).trim().to_owned();
    (!described.is_empty()).then_some(described)
}

/// A file of a commit.
struct Blob {
    object: String,
    path: PathBuf,
    is_link: bool,
}

impl Blob {
    /// A line of `git ls-tree`: `100644 blob 1a2b3c4d<TAB>profiles/site.presync`. `None` for a submodule, and for a path that leaves
    /// the folder, which git itself does not make.
    fn of(line: &[u8]) -> Option<Self> {
        let line = String::from_utf8_lossy(line);
        let (about, path) = line.split_once('\t')?;
        let mut words = about.split(' ');
        let (mode, kind, object) = (words.next()?, words.next()?, words.next()?);
        let path = PathBuf::from(path);
        let is_below = path
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        (kind == "blob" && is_below).then(|| Self {
            object: object.to_owned(),
            path,
            is_link: mode == "120000",
        })
    }
}

/// Writes files of a repository as they were committed: no filter of the repository, which could be any command, is run.
fn write_blobs(repository: &Path, blobs: &[Blob], into: &Path) -> Result<(), CommandError> {
    let objects: String = blobs
        .iter()
        .map(|blob| format!("{}\n", blob.object))
        .collect();
    let contents = git(repository, &["cat-file", "--batch"], objects.as_bytes())?;
    let mut rest = &*contents;
    let mut links = Vec::new();
    for blob in blobs {
        let content = first_content(&mut rest).ok_or_else(|| {
            CommandError::Usage(format!(
                "git does not have the content of `{}`",
                blob.path.display()
            ))
        })?;
        let path = into.join(&blob.path);
        std::fs::create_dir_all(folder_of(&path))?;
        if cfg!(unix) && blob.is_link {
            links.push((String::from_utf8_lossy(content), path));
            continue;
        }
        // Of two entries with one name, the second is an error.
        let mut file = std::fs::File::create_new(&path)?;
        file.write_all(content)?;
    }
    // Last, so that no file is written through one.
    #[cfg(unix)]
    for (target, path) in links {
        std::os::unix::fs::symlink(&*target, &path)?;
    }
    Ok(())
}

/// Takes the first content from what `git cat-file --batch` prints: `1a2b3c4d blob 12<LF>` and twelve bytes and a line break,
/// for each object. `None` if an object is missing.
fn first_content<'a>(output: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = output.iter().position(|byte| *byte == b'\n')?;
    let about = std::str::from_utf8(&output[..end]).ok()?;
    let size: usize = about.rsplit_once(' ')?.1.parse().ok()?;
    let from = end + 1;
    let content = output.get(from..from.checked_add(size)?)?;
    *output = output.get(from + size + 1..)?;
    Some(content)
}

/// What a git command prints.
fn git(folder: &Path, words: &[&str], input: &[u8]) -> Result<Vec<u8>, CommandError> {
    let cannot = |why: String| CommandError::Usage(format!("git {}: {why}", words[0]));
    let mut child = Command::new("git")
        .args(words)
        .current_dir(if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        })
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| cannot(error.to_string()))?;
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
