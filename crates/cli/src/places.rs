//! Locates files for reports.

use std::path::Path;

use presync_report::Places;

/// The file system.
pub struct Disk;

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
