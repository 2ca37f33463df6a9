//! The files of this machine, and how reports show them.

use std::io;
use std::path::{Path, PathBuf};

use presync_ide::FileSystem;
use presync_report::Places;

use crate::{files, project, watch};

/// The file system. `-` is standard input.
pub struct Disk;

impl FileSystem for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if path.as_os_str() == "-" {
            return files::stdin();
        }
        files::source(path)
    }

    fn is_file(&self, path: &Path) -> bool {
        watch::record(path);
        path.is_file()
    }

    fn is_folder(&self, path: &Path) -> bool {
        path.is_dir()
    }

    fn real(&self, path: &Path) -> io::Result<PathBuf> {
        watch::record(path);
        std::fs::canonicalize(path)
    }

    fn programs(&self, folder: &Path) -> Vec<PathBuf> {
        project::programs_below(folder)
    }

    fn absolute(&self, path: &Path) -> PathBuf {
        std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
    }
}

impl Places for Disk {
    fn project_path(&self, shown: &str) -> String {
        let relative = || {
            let path = std::fs::canonicalize(shown).ok()?;
            let has = |folder: &&Path, name: &str| folder.join(name).exists();
            let above = || path.ancestors().skip(1);
            let root = above()
                .find(|folder| has(folder, ".git"))
                .or_else(|| above().find(|folder| has(folder, "presync.toml")));
            let here = std::env::current_dir()
                .and_then(std::fs::canonicalize)
                .ok()?;
            let root = root.unwrap_or(&here);
            Some(path.strip_prefix(root).ok()?.to_string_lossy().into_owned())
        };
        let path = relative().unwrap_or_else(|| shown.trim_start_matches("./").to_owned());
        if cfg!(windows) {
            path.replace('\\', "/")
        } else {
            path
        }
    }

    fn link(&self, shown: &str) -> Option<String> {
        let path = std::fs::canonicalize(shown).ok()?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
        let path = path.to_str()?.replace('\\', "/");
        let escape = |byte: u8| {
            if plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        };
        Some(format!(
            "file://{}",
            path.bytes().map(escape).collect::<String>()
        ))
    }
}
