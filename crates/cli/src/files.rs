//! Reading and writing files; regular files are written atomically.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::error::CommandError;

/// The bytes of a file, or of standard input for `-`.
pub fn read(path: &Path) -> Result<Vec<u8>, CommandError> {
    if path.as_os_str() == "-" {
        return Ok(stdin()?);
    }
    source(path).map_err(|error| cannot_read(path, &error))
}

/// All of standard input. It can be read only once, so it is cached: `check --fix -` checks it
/// several times.
pub fn stdin() -> std::io::Result<Vec<u8>> {
    static READ: OnceLock<Vec<u8>> = OnceLock::new();
    if let Some(bytes) = READ.get() {
        return Ok(bytes.clone());
    }
    let bytes = bounded(std::io::stdin().lock())?;
    Ok(READ.get_or_init(|| bytes).clone())
}

/// The bytes of a source file.
pub fn source(path: &Path) -> std::io::Result<Vec<u8>> {
    bounded(std::fs::File::open(path)?)
}

/// Reads everything, or enough to report that it is too large: a device may be endless.
fn bounded(from: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(presync::MAX_FILE as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The same path for every way to name a file.
pub fn canonical(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}

pub fn cannot_read(path: &Path, error: &std::io::Error) -> CommandError {
    let why = match error.kind() {
        std::io::ErrorKind::NotFound => "file not found".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    };
    CommandError::Usage(format!("cannot read `{}`: {why}", path.display()))
}

/// A pipe or a device, which must be written to instead of replaced.
pub fn is_special(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

/// Checks that `path` can be written, before any work is done.
pub fn can_write_beside(path: &Path) -> Result<(), CommandError> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    tempfile::tempfile_in(folder)
        .map(drop)
        .map_err(|error| CommandError::Usage(format!("cannot write `{}`: {error}", path.display())))
}

/// Writes a regular file atomically; writes to pipes and devices directly.
pub fn write_atomically(path: &Path, text: &[u8]) -> Result<(), CommandError> {
    use std::io::Write;
    let cannot = |error: std::io::Error| {
        CommandError::Usage(format!("cannot write `{}`: {error}", path.display()))
    };
    if is_special(path) {
        let written = std::fs::OpenOptions::new()
            .write(true)
            .open(path)
            .and_then(|mut file| file.write_all(text));
        return written.map_err(cannot);
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    // Write through a link instead of replacing it.
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let folder = target.parent().unwrap_or(folder).to_path_buf();
    let mut file = tempfile::Builder::new()
        .prefix(".presync")
        .tempfile_in(if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            &folder
        })
        .map_err(cannot)?;
    file.write_all(text).map_err(cannot)?;
    file.as_file().sync_all().map_err(cannot)?;
    let permissions = std::fs::metadata(&target).map(|metadata| metadata.permissions());
    if let Ok(permissions) = permissions {
        file.as_file()
            .set_permissions(permissions)
            .map_err(cannot)?;
    } else {
        set_default_permissions(file.as_file()).map_err(cannot)?;
    }
    file.persist(&target).map_err(|error| cannot(error.error))?;
    Ok(())
}

/// Gives a new file the usual permissions: the temporary file is private.
#[cfg(unix)]
fn set_default_permissions(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn set_default_permissions(_: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}
