//! `check --watch`, `test --watch`, `serve`: runs again whenever something that was read changes, until interrupted.
//!
//! Files and folders are recorded with a stamp before they are read, and so are files that do not exist. Events of the
//! file system say when to look at the stamps; they are also looked at from time to time, because a folder that is renamed
//! or replaced takes its watch with it.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant, SystemTime};

use notify::{RecursiveMode, Watcher};

use crate::error::{CommandError, CommandResult};
use crate::files;
use crate::terminal::Terminal;

/// Editors write a file in several steps, and git many files: wait until nothing happens for this long.
const QUIET: Duration = Duration::from_millis(10);

/// The longest wait for that.
const LONGEST: Duration = Duration::from_secs(1);

/// The time after which the stamps are looked at without an event.
const INTERVAL: Duration = Duration::from_millis(400);

/// What a file or folder is at a moment; `None` if it does not exist.
type Stamp = Option<(PathBuf, bool, u64, Option<SystemTime>, u64)>;

/// What the current run has read, if anybody wants to know.
static RECORD: Mutex<Option<BTreeMap<PathBuf, Stamp>>> = Mutex::new(None);

/// Notes that a file or folder is about to be read.
pub fn record(path: &Path) {
    if let Ok(mut record) = RECORD.lock()
        && let Some(record) = record.as_mut()
        && let Ok(path) = std::path::absolute(path)
    {
        let stamp = stamp(&path);
        record.entry(path).or_insert(stamp);
    }
}

/// Follows links, so that a link that leads elsewhere is another file.
fn stamp(path: &Path) -> Stamp {
    let metadata = std::fs::metadata(path).ok()?;
    let real = files::canonical(path);
    let is_folder = metadata.is_dir();
    let length = if is_folder { 0 } else { metadata.len() };
    Some((
        real,
        is_folder,
        length,
        metadata.modified().ok(),
        inode(&metadata),
    ))
}

#[cfg(unix)]
fn inode(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_: &std::fs::Metadata) -> u64 {
    0
}

/// Runs once, then after each change. Errors are reported and do not end it.
pub fn watch(
    paths: &[PathBuf],
    terminal: &Terminal,
    once: &dyn Fn() -> CommandResult,
) -> CommandResult {
    if paths.iter().any(|path| path.as_os_str() == "-") {
        return Err(CommandError::Usage(
            "cannot watch standard input".to_owned(),
        ));
    }
    let never = whenever_changed(paths, QUIET, &|| {
        if let Err(error) = once() {
            terminal.skip(&error);
        }
        terminal.status("watching for changes");
    })?;
    match never {}
}

/// Runs once, then after each change of what was read, when nothing has changed for a time.
pub fn whenever_changed(
    paths: &[PathBuf],
    quiet: Duration,
    once: &dyn Fn(),
) -> Result<Infallible, CommandError> {
    loop {
        set(Some(BTreeMap::new()));
        paths.iter().for_each(|path| record(path));
        once();
        let seen = set(None).unwrap_or_default();
        wait(&seen, quiet)?;
    }
}

fn set(record: Option<BTreeMap<PathBuf, Stamp>>) -> Option<BTreeMap<PathBuf, Stamp>> {
    let mut known = RECORD.lock().ok()?;
    std::mem::replace(&mut *known, record)
}

/// Waits until something that was read is different, and until no more changes follow.
fn wait(seen: &BTreeMap<PathBuf, Stamp>, quiet: Duration) -> Result<(), CommandError> {
    let (sender, events) = channel();
    let tell = move |event: notify::Result<notify::Event>| {
        if event.map_or(true, |event| !event.kind.is_access()) {
            // The receiver is dropped only at the end.
            let _ = sender.send(());
        }
    };
    let cannot = |error: notify::Error| CommandError::Usage(format!("cannot watch files: {error}"));
    let mut watcher = notify::recommended_watcher(tell).map_err(cannot)?;
    let folders: BTreeSet<&Path> = seen
        .keys()
        .flat_map(|path| [Some(path.as_path()), path.parent()])
        .flatten()
        .filter(|path| path.is_dir())
        .collect();
    for folder in folders {
        // What cannot be watched is looked at from time to time.
        let _ = watcher.watch(folder, RecursiveMode::NonRecursive);
    }
    while seen.iter().all(|(path, before)| stamp(path) == *before) {
        // Without a watcher that sends, there is still the interval.
        let _ = events.recv_timeout(INTERVAL);
    }
    settle(&events, quiet);
    Ok(())
}

fn settle(events: &Receiver<()>, quiet: Duration) {
    let start = Instant::now();
    while start.elapsed() < LONGEST.max(quiet * 4) {
        match events.recv_timeout(quiet) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
        }
    }
}
