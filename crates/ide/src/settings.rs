//! Reads `presync.toml`, found in the directory of the checked path or above it.
//! Levels: `@allow` in the source, else `--level`, else `overrides` and then `lints` of `presync.toml`, else the lint's
//! default.

mod place;

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use schemars::JsonSchema;
use serde::Deserialize;

use presync::nearest;
use presync::{Level, Settings, Sources, UnknownLevel, UnknownLint};
use presync_report::{FORMATS, ReportFormat};

use crate::files::{FileSystem, cannot_read, folder_of};
use crate::findings::CheckedProgram;
pub use place::SettingsPlace;
use place::{WrongText, place_of};

/// The name of the file.
pub const NAME: &str = "presync.toml";

/// What is wrong with a `presync.toml`, or with levels of the command line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SettingsError {
    message: String,
    /// Where in which file, if it is known.
    pub place: Option<SettingsPlace>,
}

impl SettingsError {
    fn new(message: String) -> Self {
        Self {
            message,
            place: None,
        }
    }
}

/// A project's settings.
#[derive(Default, Deserialize, JsonSchema)]
#[schemars(title = "presync.toml", deny_unknown_fields)]
pub struct Config {
    /// Files and directories to work on if the command line names none, relative to this file.
    #[serde(default)]
    paths: Vec<PathBuf>,
    /// Output format of `check`, unless the command line sets one.
    #[serde(default)]
    #[serde(deserialize_with = "format_of")]
    #[schemars(schema_with = "format_schema")]
    format: Option<&'static ReportFormat>,
    /// The only attributes whose change makes a round trip unsafe; without this setting, all
    /// attributes are.
    #[serde(default, rename = "protected-attributes")]
    protected_attributes: Option<Vec<String>>,
    /// Files and directories below a checked directory to skip: patterns as in `.gitignore`, relative to this file.
    #[serde(default)]
    exclude: Vec<String>,
    /// The level of each lint, by code.
    #[serde(default)]
    lints: BTreeMap<String, Level>,
    /// Levels for findings in some files; of several that match, the last counts.
    #[serde(default)]
    overrides: Vec<Override>,
}

/// Levels in some files.
#[derive(Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Override {
    /// Patterns as in `.gitignore`, relative to `presync.toml`: `legacy/**`.
    paths: Vec<String>,
    /// The level of each lint, by code.
    lints: BTreeMap<String, Level>,
}

const KEYS: [&str; 6] = [
    "paths",
    "exclude",
    "format",
    "protected-attributes",
    "lints",
    "overrides",
];

/// A `presync.toml` and its directory.
pub struct ProjectConfig {
    pub folder: PathBuf,
    config: Config,
    excluded: Gitignore,
    /// Those of `overrides`, in order.
    overridden: Vec<Gitignore>,
}

impl ProjectConfig {
    /// Files and directories to work on if the command line names none, relative to the folder.
    pub fn paths(&self) -> &[PathBuf] {
        &self.config.paths
    }

    /// The format of `check`.
    pub fn format(&self) -> Option<&'static ReportFormat> {
        self.config.format
    }

    /// Whether `exclude` matches a path or a directory above it.
    pub fn excludes(&self, files: &dyn FileSystem, path: &Path, is_folder: bool) -> bool {
        self.matches(files, &self.excluded, path, is_folder)
    }

    fn matches(
        &self,
        files: &dyn FileSystem,
        patterns: &Gitignore,
        path: &Path,
        is_folder: bool,
    ) -> bool {
        let path = files.absolute(path);
        // Links in the path of the project itself do not matter.
        let below = path.strip_prefix(&self.folder).map(Path::to_path_buf);
        let below = below.or_else(|_| {
            let folder = files.canonical(&self.folder);
            files
                .canonical(&path)
                .strip_prefix(folder)
                .map(Path::to_path_buf)
        });
        below.is_ok_and(|below| {
            patterns
                .matched_path_or_any_parents(normal(&below), is_folder)
                .is_ignore()
        })
    }
}

/// Without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(normal.pop()),
            Component::CurDir => {}
            other => normal.push(other),
        }
    }
    normal
}

/// Patterns as in `.gitignore`; `text`: of the `presync.toml`.
fn patterns(folder: &Path, lines: &[String], text: &str) -> Result<Gitignore, WrongText> {
    let mut builder = GitignoreBuilder::new(folder);
    for line in lines {
        builder
            .add_line(None, line)
            .map_err(|error| WrongText::new(format!("`{line}`: {error}"), text, line))?;
    }
    let built = builder.build();
    built.map_err(|error| WrongText::new(error.to_string(), text, "exclude"))
}

/// The folder of the nearest `presync.toml`, in the directory of a path or above it.
pub fn folder(files: &dyn FileSystem, from: &Path) -> Option<PathBuf> {
    let start = files.absolute(from);
    let skip = usize::from(!files.is_folder(&start));
    let mut folders = start.ancestors().skip(skip);
    let found = folders.find(|folder| files.is_file(&folder.join(NAME)))?;
    Some(found.to_path_buf())
}

/// The nearest `presync.toml`, in the directory of a path or above it.
///
/// # Errors
/// It cannot be read, or it is wrong.
pub fn find(files: &dyn FileSystem, from: &Path) -> Result<Option<ProjectConfig>, SettingsError> {
    let Some(folder) = folder(files, from) else {
        return Ok(None);
    };
    let file = folder.join(NAME);
    let unreadable = |error: &std::io::Error| SettingsError::new(cannot_read(&file, error));
    let bytes = files.read(&file).map_err(|error| unreadable(&error))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| unreadable(&std::io::Error::other("it is not UTF-8")))?;
    let wrong = |error: WrongText| {
        let place = error.place.unwrap_or_default();
        SettingsError {
            message: format!("`{}`: {}", file.display(), error.message),
            place: Some(SettingsPlace {
                file: file.clone(),
                start: place.start,
                end: place.end,
                what: error.what,
            }),
        }
    };
    let config = parse(&text).map_err(wrong)?;
    let excluded = patterns(&folder, &config.exclude, &text).map_err(wrong)?;
    let overridden = config.overrides.iter();
    let overridden = overridden.map(|one| patterns(&folder, &one.paths, &text));
    let overridden = overridden.collect::<Result<_, _>>().map_err(wrong)?;
    Ok(Some(ProjectConfig {
        folder,
        config,
        excluded,
        overridden,
    }))
}

fn parse(text: &str) -> Result<Config, WrongText> {
    let wrong = |what: String, word: &str| Err(WrongText::new(what, text, word));
    let table: toml::Table = toml::from_str(text).map_err(|error| WrongText::toml(&error))?;
    if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
        let what = match nearest(key, KEYS) {
            Some(near) => format!("unknown setting `{key}`: did you mean `{near}`?"),
            None => format!(
                "unknown setting `{key}`: known settings are {}",
                KEYS.join(", ")
            ),
        };
        return wrong(what, key);
    }
    let overrides = table.get("overrides").and_then(toml::Value::as_array);
    let overrides = overrides
        .into_iter()
        .flatten()
        .filter_map(toml::Value::as_table);
    let paths = |one: &toml::Table| one.get("paths")?.as_array().map(Vec::is_empty);
    if overrides.clone().any(|one| paths(one) == Some(true)) {
        let what = "an override without paths has no effect: `paths = [\"legacy/**\"]`";
        return wrong(what.to_owned(), "overrides");
    }
    for key in overrides.clone().flat_map(toml::Table::keys) {
        if !["paths", "lints"].contains(&key.as_str()) {
            let what = format!(
                "unknown setting `{key}` in `[[overrides]]`: known settings are paths, lints"
            );
            return wrong(what, key);
        }
    }
    if let Some(name) = table.get("format").and_then(toml::Value::as_str)
        && format_named(name).is_none()
    {
        let known = || FORMATS.iter().map(|format| format.name);
        let what = match nearest(name, known()) {
            Some(near) => format!("unknown format `{name}`: did you mean `{near}`?"),
            None => format!(
                "unknown format `{name}`: known formats are {}",
                known().collect::<Vec<_>>().join(", ")
            ),
        };
        return wrong(what, name);
    }
    for one in std::iter::once(&table).chain(overrides) {
        let lints = one.get("lints").and_then(toml::Value::as_table);
        for (code, level) in lints.into_iter().flatten() {
            if let Err(error) = presync::lint_named(code) {
                return wrong(error.to_string(), code);
            }
            // A value that is not a string is reported by its type.
            let level = level.as_str().unwrap_or_else(|| level.type_str());
            if let Err(error) = Level::from_str(level) {
                return wrong(format!("lint `{code}`: {error}"), code);
            }
        }
    }
    toml::from_str(text).map_err(|error| WrongText::toml(&error))
}

/// The format with this name.
pub fn format_named(name: &str) -> Option<&'static ReportFormat> {
    FORMATS.iter().find(|format| format.name == name)
}

fn format_of<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'static ReportFormat>, D::Error> {
    let name = String::deserialize(deserializer)?;
    let names = || {
        FORMATS
            .iter()
            .map(|format| format!("`{}`", format.name))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let unknown = || {
        serde::de::Error::custom(format!(
            "unknown variant `{name}`, expected one of {}",
            names()
        ))
    };
    format_named(&name).map(Some).ok_or_else(unknown)
}

fn format_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let one = |format: &ReportFormat| schemars::json_schema!({ "const": format.name, "description": format.description });
    schemars::json_schema!({ "oneOf": FORMATS.iter().map(one).collect::<Vec<_>>() })
}

/// The settings for a program; `root`: its root file; `levels`: `CODE=LEVEL` from the command line.
///
/// # Errors
/// The `presync.toml` or the levels are wrong.
pub fn settings(
    files: &dyn FileSystem,
    root: &Path,
    levels: &[String],
    sources: &Sources,
) -> Result<Settings, SettingsError> {
    let mut settings = Settings::default();
    let unknown = |error: UnknownLint| SettingsError::new(error.to_string());
    if let Some(found) = find(files, root)? {
        for (code, level) in &found.config.lints {
            settings.set(code, *level).map_err(unknown)?;
        }
        for (patterns, one) in found.overridden.iter().zip(&found.config.overrides) {
            let own = sources.iter().filter(|(_, file)| !file.bundled);
            let folder = folder_of(root);
            let is_matched = |path: &str| found.matches(files, patterns, &folder.join(path), false);
            for (file, _) in own.filter(|(_, file)| is_matched(&file.path)) {
                for (code, level) in &one.lints {
                    settings.set_in(file, code, *level).map_err(unknown)?;
                }
            }
        }
        settings.protected = found.config.protected_attributes;
    }
    for setting in levels {
        let (code, level) = setting.split_once('=').ok_or_else(|| {
            SettingsError::new(format!("--level needs CODE=LEVEL, not `{setting}`"))
        })?;
        let wrong = |error: String| SettingsError::new(format!("--level: {error}"));
        let lint = presync::lint_named(code).map_err(|error| wrong(error.to_string()))?;
        let level = level
            .parse()
            .map_err(|error: UnknownLevel| wrong(error.to_string()))?;
        settings.set_everywhere(lint, level);
    }
    Ok(settings)
}

/// A protected attribute that no system has.
#[derive(Debug, thiserror::Error)]
#[error("`{NAME}`: {what}")]
pub struct UnknownAttribute {
    what: String,
    attribute: String,
    root: PathBuf,
}

impl From<UnknownAttribute> for SettingsError {
    fn from(unknown: UnknownAttribute) -> Self {
        Self::new(unknown.to_string())
    }
}

impl UnknownAttribute {
    /// The same with its place.
    pub fn located(self, files: &dyn FileSystem) -> SettingsError {
        let place = || {
            let file = folder(files, &self.root)?.join(NAME);
            let text = String::from_utf8(files.read(&file).ok()?).ok()?;
            let place = place_of(&text, &self.attribute)?;
            Some(SettingsPlace {
                file,
                start: place.start,
                end: place.end,
                what: self.what.clone(),
            })
        };
        SettingsError {
            place: place(),
            ..self.into()
        }
    }
}

/// Rejects protected attributes that no system of any program has: a misspelled one would protect
/// nothing.
///
/// # Errors
/// There is one.
pub fn check_attributes<P: Borrow<CheckedProgram>>(checked: &[P]) -> Result<(), UnknownAttribute> {
    let checked = || checked.iter().map(Borrow::borrow);
    let systems = || {
        let programs = checked().filter_map(|one| one.report.program.as_ref());
        programs
            .flat_map(|program| program.schema.systems())
            .map(|(_, system)| system)
    };
    // The program with errors may declare the attribute.
    if checked().any(|one| one.report.program.is_none()) {
        return Ok(());
    }
    for one in checked() {
        for wanted in one.settings.protected.iter().flatten() {
            // Without any system there is nothing to protect.
            if systems().next().is_some()
                && !systems().any(|system| system.attributes.contains(wanted))
            {
                let near = nearest(
                    wanted,
                    systems()
                        .flat_map(|system| &system.attributes)
                        .map(String::as_str),
                );
                let near = near.map_or(String::new(), |near| format!(": did you mean `{near}`?"));
                return Err(UnknownAttribute {
                    what: format!(
                        "protected-attributes: no system has an attribute `{wanted}`{near}"
                    ),
                    attribute: wanted.clone(),
                    root: one.root.path.clone(),
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests use files")]
mod tests {
    use super::*;

    #[test]
    fn the_committed_schema_of_the_settings_is_the_generated_one() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/presync.schema.json");
        let schema = serde_json::Value::from(schemars::schema_for!(Config));
        let text = format!(
            "{}\n",
            serde_json::to_string_pretty(&schema).expect("it is JSON")
        );
        if std::env::var_os("PRESYNC_BLESS").is_some() {
            std::fs::write(&path, &text).expect("it can be written");
        }
        assert_eq!(
            std::fs::read_to_string(&path).expect("it is committed"),
            text
        );
        let validator = jsonschema::validator_for(&schema).expect("it is a schema");
        assert!(validator.is_valid(
            &serde_json::json!({ "paths": ["a"], "format": "sarif", "lints": { "gap": "error" } })
        ));
        assert!(!validator.is_valid(&serde_json::json!({ "formt": "json" })));
        assert!(!validator.is_valid(&serde_json::json!({ "lints": { "gap": "deny" } })));
    }
}
