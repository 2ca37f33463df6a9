//! `presync.toml`, found upwards from what is checked: the levels of the lints.
//! What a level is: `@allow` in the source, else `--level`, else `presync.toml`, else the lint's default.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::cli::Stop;
use crate::diagnostic::nearest;
use crate::lint::{LINTS, Level, Levels};

const NAME: &str = "presync.toml";

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Code to `allow`, `warn` or `deny`.
    #[serde(default)]
    lints: BTreeMap<String, String>,
}

/// The levels that hold for a root file; `settings` are `CODE=LEVEL` from the command line.
pub(super) fn levels(root: &Path, settings: &[String]) -> Result<Levels, Stop> {
    let mut levels = Levels::default();
    if let Some(file) = find(root) {
        let text = std::fs::read_to_string(&file).map_err(|error| crate::cli::input::cannot_read(&file, &error))?;
        let config: Config = toml::from_str(&text)
            .map_err(|error| Stop::Usage(format!("`{}`: {}", file.display(), error.to_string().trim_end())))?;
        for (code, name) in &config.lints {
            set(&mut levels, code, name).map_err(|error| Stop::Usage(format!("`{}`: {error}", file.display())))?;
        }
    }
    for setting in settings {
        let (code, level) =
            setting.split_once('=').ok_or_else(|| Stop::Usage(format!("--level takes CODE=LEVEL, not `{setting}`")))?;
        set(&mut levels, code, level).map_err(|error| Stop::Usage(format!("--level: {error}")))?;
    }
    Ok(levels)
}

fn find(root: &Path) -> Option<PathBuf> {
    let start = std::path::absolute(root).ok()?;
    start.ancestors().skip(1).map(|folder| folder.join(NAME)).find(|file| file.is_file())
}

fn set(levels: &mut Levels, code: &str, name: &str) -> Result<(), String> {
    let level = match name {
        "allow" => Level::Allow,
        "warn" => Level::Warn,
        "deny" => Level::Deny,
        _ => return Err(format!("`{name}` is no level: there are allow, warn and deny")),
    };
    if levels.set(code, level) {
        return Ok(());
    }
    Err(match nearest(code, LINTS.iter().map(|lint| lint.code)) {
        Some(near) => format!("no lint is called `{code}`: did you mean `{near}`?"),
        None => format!("no lint is called `{code}`; errors have no level"),
    })
}
