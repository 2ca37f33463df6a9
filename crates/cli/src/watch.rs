//! `check --watch`: checks again whenever a program or `presync.toml` changes, until interrupted.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use notify::{RecursiveMode, Watcher};

use crate::error::{CommandAnswer, CommandError, CommandResult};
use crate::terminal::Terminal;

/// Editors write a file in several steps: wait until nothing happens for this long.
const QUIET: Duration = Duration::from_millis(5);

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
    let (sender, changes) = channel();
    let tell = move |event: notify::Result<notify::Event>| {
        let counts = event.map_or(true, |event| {
            !event.kind.is_access() && event.paths.iter().any(|path| is_watched(path))
        });
        if counts {
            // The receiver is dropped only at the end.
            let _ = sender.send(());
        }
    };
    let cannot = |error: notify::Error| CommandError::Usage(format!("cannot watch files: {error}"));
    let mut watcher = notify::recommended_watcher(tell).map_err(cannot)?;
    for path in paths {
        // A file may be replaced, or deleted and created again, so watch its directory.
        let folder = if path.is_dir() {
            path.as_path()
        } else {
            parent(path)
        };
        watcher
            .watch(folder, RecursiveMode::Recursive)
            .map_err(cannot)?;
    }
    loop {
        match once() {
            Ok(_) => {}
            Err(error) => terminal.skip(&error),
        }
        terminal.status("watching for changes");
        if !wait(&changes) {
            return Ok(CommandAnswer::Yes);
        }
    }
}

/// Waits for a change, and until no more follow; `false` if no change can come anymore.
fn wait(changes: &Receiver<()>) -> bool {
    if changes.recv().is_err() {
        return false;
    }
    while changes.recv_timeout(QUIET).is_ok() {}
    true
}

fn is_watched(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "presync")
        || path.file_name().is_some_and(|name| name == "presync.toml")
}

fn parent(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}
