//! Diagnostics as plain values, which every renderer understands.
//! Nothing is rendered here. Only the files that define codes (`errors/<code>.rs`, `lint/<code>.rs`) create them.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::source::{Location, Span};

/// A kind of error or lint finding: its name, meaning and examples. Each has its own file, in `errors/` or `lint/`.
#[derive(Debug)]
pub struct Code {
    /// Stable, as in the language reference: `conflict`, `unknown-state`, ...
    pub name: &'static str,
    /// `None`: an error, which cannot be allowed.
    pub default: Option<Level>,
    /// One line.
    pub summary: &'static str,
    /// Why it matters, and what to do.
    pub explanation: &'static str,
    /// A program with this error or finding.
    pub bad: &'static str,
    /// The same program, fixed.
    pub good: &'static str,
}

/// The page of all codes, from the root of the repository.
const CODES_PAGE: &str = "docs/codes.md";

impl Code {
    /// Where the explanation of this code can be read.
    pub fn page(&self) -> String {
        format!("{CODES_PAGE}#{}", self.name)
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Code {}

impl PartialOrd for Code {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Code {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name.cmp(other.name)
    }
}

impl Hash for Code {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// What a lint's findings are.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase", try_from = "String")]
#[schemars(!try_from)]
pub enum Level {
    /// Not looked for.
    Off,
    /// Reported; the check passes.
    Warn,
    /// As bad as an error of the language.
    Error,
}

impl Level {
    /// As `presync.toml` writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// A word that is not a level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownLevel {
    #[error("the level `{old}` is now called `{now}`")]
    Renamed {
        old: &'static str,
        now: &'static str,
    },
    #[error("unknown level `{0}`: use `off`, `warn` or `error`")]
    Unknown(String),
}

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(name: &str) -> Result<Self, UnknownLevel> {
        let renamed = |old, now| Err(UnknownLevel::Renamed { old, now });
        match name {
            "off" => Ok(Self::Off),
            "warn" => Ok(Self::Warn),
            "error" => Ok(Self::Error),
            "allow" => renamed("allow", "off"),
            "warning" => renamed("warning", "warn"),
            "deny" => renamed("deny", "error"),
            _ => Err(UnknownLevel::Unknown(name.to_owned())),
        }
    }
}

impl TryFrom<String> for Level {
    type Error = UnknownLevel;

    fn try_from(name: String) -> Result<Self, UnknownLevel> {
        name.parse()
    }
}

/// How severe a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Error,
    Warning,
    Info,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// A location and what it has to do with the diagnostic. The first label is the location of the diagnostic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub location: Location,
    pub message: String,
}

/// A fix: text that replaces spans. `safe` fixes never change a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    pub message: String,
    pub safe: bool,
    pub edits: Vec<(Location, String)>,
}

/// A situation by names: the value of every fact, and the state of every system (`None`: unknown).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Witness {
    pub facts: Vec<(String, WitnessValue)>,
    pub states: Vec<(String, Option<String>)>,
    /// Only for systems of which a condition asks it: whether the state is known and did not come from us.
    pub by_hand: Vec<(String, bool)>,
    /// Own states that the diagnostic depends on (`None`: unknown).
    pub own: Vec<(String, Option<String>)>,
    /// The names that the diagnostic depends on; the others can have any value.
    pub relevant: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WitnessValue {
    Flag(bool),
    Choice(String),
}

/// A state by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StateName {
    pub system: String,
    pub state: String,
}

/// The subject of a diagnostic, by name: for JSON, fingerprints, baselines and editors, which never read messages.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Data {
    pub role: Option<String>,
    /// The system that changes.
    pub from: Option<String>,
    /// The system that follows.
    pub to: Option<String>,
    /// In order of occurrence.
    pub states: Vec<StateName>,
    /// Other names: a misspelled name, a declaration, an attribute, a lint.
    pub names: Vec<String>,
    pub rules: Vec<Location>,
}

impl Data {
    /// The same without locations, which change when lines move.
    #[must_use]
    pub fn without_places(&self) -> Self {
        Self {
            rules: Vec::new(),
            ..self.clone()
        }
    }
}

/// An error, or a finding of a lint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: &'static Code,
    pub severity: Severity,
    pub message: String,
    pub labels: Vec<Label>,
    pub notes: Vec<String>,
    /// What to write instead.
    pub help: Option<String>,
    pub fixes: Vec<Fix>,
    pub situation: Option<Witness>,
    pub data: Box<Data>,
}

impl Diagnostic {
    pub(crate) fn new(code: &'static Code, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            code,
            severity,
            message: message.into(),
            labels: Vec::new(),
            notes: Vec::new(),
            help: None,
            fixes: Vec::new(),
            situation: None,
            data: Box::default(),
        }
    }

    pub(crate) fn error(code: &'static Code, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, message)
    }

    /// Moves labels to other places; of several at one place, the first is kept.
    pub(crate) fn relabel(&mut self, place: &dyn Fn(Location) -> Option<Location>) {
        let mut labels: Vec<Label> = Vec::with_capacity(self.labels.len());
        for mut label in std::mem::take(&mut self.labels) {
            if let Some(location) = place(label.location) {
                label.location = location;
                if labels.iter().any(|known| known.location == location) {
                    continue;
                }
            }
            labels.push(label);
        }
        self.labels = labels;
    }

    #[must_use]
    pub(crate) fn label(mut self, location: Location, message: impl Into<String>) -> Self {
        self.labels.push(Label {
            location,
            message: message.into(),
        });
        self
    }

    /// Adds a label on a rule that the diagnostic is about.
    #[must_use]
    pub(crate) fn rule(mut self, location: Location, message: impl Into<String>) -> Self {
        self.data.rules.push(location);
        self.label(location, message)
    }

    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    #[must_use]
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    #[must_use]
    pub(crate) fn fix(mut self, fix: impl Into<Option<Fix>>) -> Self {
        self.fixes.extend(fix.into());
        self
    }

    #[must_use]
    pub(crate) fn situation(mut self, situation: Option<Witness>) -> Self {
        self.situation = situation;
        self
    }

    /// Adds a name to the data.
    #[must_use]
    pub(crate) fn about(mut self, name: impl Into<String>) -> Self {
        self.data.names.push(name.into());
        self
    }

    #[must_use]
    pub(crate) fn of_role(mut self, role: impl Into<Option<String>>) -> Self {
        self.data.role = role.into();
        self
    }

    /// Sets the system that changes and the one that follows.
    #[must_use]
    pub(crate) fn way(mut self, from: &str, to: &str) -> Self {
        (self.data.from, self.data.to) = (Some(from.to_owned()), Some(to.to_owned()));
        self
    }

    #[must_use]
    pub(crate) fn state(mut self, system: &str, state: &str) -> Self {
        self.data.states.push(StateName {
            system: system.to_owned(),
            state: state.to_owned(),
        });
        self
    }

    /// The location of the first label.
    pub fn location(&self) -> Option<Location> {
        self.labels.first().map(|label| label.location)
    }
}

/// Sorts diagnostics by file, position, code and data, and removes duplicates.
pub fn sort(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|a, b| {
        let key = |d: &Diagnostic| (d.location(), d.code);
        (key(a), &a.data).cmp(&(key(b), &b.data))
    });
    diagnostics.dedup();
}

/// An empty span at a byte offset, for something missing there.
pub fn point(at: u32) -> Span {
    Span { start: at, end: at }
}
