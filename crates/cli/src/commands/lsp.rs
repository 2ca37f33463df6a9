//! `presync lsp`: a language server for editors, over standard input and output.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;
use presync_ide::FileSystem;
use presync_lsp::{CommittedFiles, Connection, Host, Server, serve};

use crate::error::{CommandAnswer, CommandResult};
use crate::files;
use crate::git::Revision;
use crate::places::Disk;
use crate::terminal::Terminal;

/// Run a language server for editors.
#[derive(Args)]
pub struct Arguments {
    /// Has no effect: some editors pass it, and the server always uses standard input and output.
    #[arg(long)]
    stdio: bool,
}

pub fn run(arguments: &Arguments, _: &Terminal) -> CommandResult {
    let Arguments { stdio: _ } = arguments;
    let (connection, threads) = Connection::stdio();
    let mut server = Server::new(Box::new(Machine));
    let mut seen: Vec<WatchedStamp> = Vec::new();
    let mut changed = |server: &Server| {
        let now: Vec<WatchedStamp> = server.watched().into_iter().map(stamp).collect();
        // The first look only remembers.
        let differs = !seen.is_empty() && now != seen;
        seen = now;
        differs
    };
    let code = serve(&connection, &mut server, &mut changed);
    drop(connection);
    // The client may have closed its end already.
    let _ = threads.join();
    Ok(if code == 0 {
        CommandAnswer::Yes
    } else {
        CommandAnswer::No
    })
}

/// A path, and when and how large it is; `None` if it does not exist.
type WatchedStamp = (PathBuf, Option<(SystemTime, u64)>);

fn stamp(path: PathBuf) -> WatchedStamp {
    let metadata = std::fs::metadata(&path).ok();
    let stamp = metadata.and_then(|found| Some((found.modified().ok()?, found.len())));
    (path, stamp)
}

/// This machine.
struct Machine;

impl Host for Machine {
    fn files(&self) -> Box<dyn FileSystem> {
        Box::new(Disk)
    }

    fn committed(&self, root: &Path) -> Option<CommittedFiles> {
        let revision = Revision::checkout("HEAD", root, root).ok()?;
        let root = revision.path(root).ok()?;
        Some(CommittedFiles {
            files: Box::new(Disk),
            root,
            keeps: Box::new(revision),
        })
    }

    fn kept(&self) -> Option<PathBuf> {
        let folder = cache_folder()?.join("presync");
        Some(folder.join(env!("CARGO_PKG_VERSION")))
    }

    fn keep(&self, path: &Path, text: &str) -> io::Result<()> {
        if std::fs::read_to_string(path).is_ok_and(|known| known == text) {
            return Ok(());
        }
        std::fs::create_dir_all(path.parent().unwrap_or(path))?;
        // It is read-only for people.
        let _ = set_read_only(path, false);
        files::write_atomically(path, text.as_bytes())
            .map_err(|_| io::Error::other("the kept document cannot be written"))?;
        set_read_only(path, true)
    }
}

fn set_read_only(path: &Path, read_only: bool) -> io::Result<()> {
    let mut permissions = std::fs::metadata(path)?.permissions();
    permissions.set_readonly(read_only);
    std::fs::set_permissions(path, permissions)
}

/// Where programs keep what they can make again.
fn cache_folder() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if cfg!(windows) {
        return variable("LOCALAPPDATA").map(PathBuf::from);
    }
    let home = || variable("HOME").map(PathBuf::from);
    if cfg!(target_os = "macos") {
        return Some(home()?.join("Library/Caches"));
    }
    match variable("XDG_CACHE_HOME") {
        Some(folder) => Some(PathBuf::from(folder)),
        None => Some(home()?.join(".cache")),
    }
}
