//! Reading and writing files; regular files are written atomically.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use presync_ide::folder_of;

use crate::error::CommandError;
use crate::watch;

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

/// The first bytes of a file, by which its kind is recognized.
pub fn start(path: &Path) -> Result<Vec<u8>, CommandError> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| cannot_read(path, &error))?;
    file.take(1 << 12)
        .read_to_end(&mut bytes)
        .map_err(|error| cannot_read(path, &error))?;
    Ok(bytes)
}

/// The bytes of a source file.
pub fn source(path: &Path) -> std::io::Result<Vec<u8>> {
    watch::record(path);
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
    CommandError::Usage(presync_ide::cannot_read(path, error))
}

/// Refuses outputs that are an input or another output, whatever their paths look like: writing would destroy what is
/// read. Each has a name for messages. Pipes and devices may be named more than once.
pub fn distinct(inputs: &[(&str, &Path)], outputs: &[(&str, &Path)]) -> Result<(), CommandError> {
    let clash = |(name, path): (&str, &Path), other: &str| {
        CommandError::Usage(format!(
            "{name} would overwrite `{}`, which is also {other}: name another file",
            path.display()
        ))
    };
    // Opening a pipe would wait for its other end.
    for (at, output) in outputs
        .iter()
        .enumerate()
        .filter(|(_, output)| !is_special(output.1))
    {
        let others = inputs.iter().chain(&outputs[..at]);
        for (other, path) in others.filter(|(_, path)| !is_special(path)) {
            if is_same(output.1, path) {
                return Err(clash(*output, other));
            }
        }
        let standard = [
            ("standard input", same_file::Handle::stdin()),
            ("standard output", same_file::Handle::stdout()),
        ];
        let output_file = same_file::Handle::from_path(output.1);
        for (other, file) in standard {
            if let (Ok(one), Ok(file)) = (&output_file, file)
                && *one == file
            {
                return Err(clash(*output, other));
            }
        }
    }
    Ok(())
}

/// Whether two paths are one file, or would be one once they exist.
fn is_same(path: &Path, other: &Path) -> bool {
    match same_file::is_same_file(path, other) {
        Ok(same) => same,
        Err(_) => {
            let place = |path: &Path| {
                (
                    canonical(folder_of(path)),
                    path.file_name().map(ToOwned::to_owned),
                )
            };
            !path.exists() && !other.exists() && place(path) == place(other)
        }
    }
}

/// A pipe or a device, which must be written to instead of replaced.
pub fn is_special(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

/// The mark that some editors write at the start of a file.
const MARK: &str = "\u{feff}";

/// A changed source text with the byte order mark of the original, if it has one.
pub fn marked(original: &[u8], text: &str) -> String {
    let mark = original.starts_with(MARK.as_bytes());
    format!("{}{text}", if mark { MARK } else { "" })
}

/// Replaces the text of a source file, and keeps its byte order mark.
///
/// # Errors
/// See [`write_atomically`].
pub fn rewrite(path: &Path, text: &str) -> Result<(), CommandError> {
    let original = start(path)?;
    write_atomically(path, marked(&original, text).as_bytes())
}

/// Writes a regular file atomically, or a pipe or device directly. An existing file keeps its permissions and owner; one
/// with hard links, or whose owner cannot be kept, is overwritten in its place.
///
/// # Errors
/// The file cannot be written, or it is read-only.
pub fn write_atomically(path: &Path, text: &[u8]) -> Result<(), CommandError> {
    let cannot = |error: std::io::Error| {
        CommandError::Usage(format!("cannot write `{}`: {error}", path.display()))
    };
    if is_special(path) {
        return overwrite(path, text).map_err(cannot);
    }
    // Write through a link instead of replacing it.
    let target = canonical(path);
    let old = std::fs::metadata(&target).ok();
    if old.as_ref().is_some_and(|old| old.permissions().readonly()) {
        return Err(CommandError::Usage(format!(
            "cannot write `{}`: it is read-only",
            path.display()
        )));
    }
    let folder = folder_of(&target);
    if !folder.is_dir() && !folder.as_os_str().is_empty() {
        return Err(CommandError::Usage(format!(
            "cannot write `{}`: the directory `{}` does not exist",
            path.display(),
            folder.display()
        )));
    }
    let mut file = tempfile::Builder::new()
        .prefix(".presync")
        .tempfile_in(folder)
        // Its own message has the name of the temporary file.
        .map_err(|error| cannot(error.kind().into()))?;
    file.write_all(text).map_err(cannot)?;
    match &old {
        Some(old) => {
            file.as_file()
                .set_permissions(old.permissions())
                .map_err(cannot)?;
            if !keeps_owner_and_links(file.as_file(), old) {
                // The temporary file proves that there is room.
                return overwrite(&target, text).map_err(cannot);
            }
        }
        None => set_default_permissions(file.as_file()).map_err(cannot)?,
    }
    file.as_file().sync_all().map_err(cannot)?;
    file.persist(&target).map_err(|error| cannot(error.error))?;
    Ok(())
}

fn overwrite(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).open(path)?;
    file.write_all(text)?;
    // A pipe or device has no length.
    if file.metadata()?.is_file() {
        file.set_len(text.len() as u64)?;
        file.sync_all()?;
    }
    Ok(())
}

/// Gives a new file the owner of the one that it replaces. False if that is impossible, or if the old one has other links.
#[cfg(unix)]
fn keeps_owner_and_links(file: &std::fs::File, old: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::{MetadataExt, fchown};
    let Ok(new) = file.metadata() else {
        return false;
    };
    let same = (new.uid(), new.gid()) == (old.uid(), old.gid());
    // Changing the owner removes some permissions.
    let changed = || {
        fchown(file, Some(old.uid()), Some(old.gid())).is_ok()
            && file.set_permissions(old.permissions()).is_ok()
    };
    old.nlink() == 1 && (same || changed())
}

#[cfg(not(unix))]
fn keeps_owner_and_links(_: &std::fs::File, _: &std::fs::Metadata) -> bool {
    true
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
