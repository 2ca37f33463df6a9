//! Why an event is rejected. A rejected event has no effect at all.

use crate::names::{NameKind, UnknownName};
use crate::tables::TooComplex;

/// Why an event was rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error(transparent)]
    Unknown(#[from] UnknownName),
    #[error("`{fact}` is a flag: use true or false")]
    NotAFlag { fact: String },
    #[error("`{fact}` is a choice: use one of {}", values.join(", "))]
    NotAChoice { fact: String, values: Vec<String> },
    #[error("this user has no role: send an event with `role` first")]
    NoRole,
    #[error("`{fact}` has no value yet: send an event with `set` first")]
    UnsetChoice { fact: String },
    #[error("an event can change only one system, and this one changes {}: send one event for each", systems.join(" and "))]
    SeveralSystems { systems: Vec<String> },
    #[error("the event is empty: add `role`, `set`, `observe`, `change` or `resync`")]
    SaysNothing,
    #[error("too many users: cannot store another session")]
    TooManyUsers,
    #[error("the event or session belongs to other tables")]
    Foreign,
    #[error(transparent)]
    TooComplex(#[from] TooComplex),
}

/// Why the text of an event cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    #[error(
        "an event is a JSON object in one line; write the elements of an array each in its own line"
    )]
    NotAnObject,
    #[error("not JSON: {what} at character {column}")]
    NotJson { what: String, column: usize },
    #[error("{what}, at character {column}")]
    Shape { what: String, column: usize },
    #[error("`{member}` is {found}: write {wanted}")]
    Member {
        member: String,
        found: String,
        wanted: &'static str,
    },
    #[error("unknown member `{member}`: write `{meant}`")]
    Misspelt { member: String, meant: &'static str },
    #[error("the line ends before the JSON does: write each event in one line")]
    CutShort,
    #[error("the line is not valid UTF-8 at byte {byte}")]
    NotUtf8 { byte: usize },
    #[error("`at` is not a time like 2026-11-22T12:00:00Z: `{0}`")]
    Time(String),
}

impl Rejection {
    /// The stable code in the `error` field of a rejected event.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Unknown(unknown) => match unknown.kind() {
                NameKind::System => "unknown-system",
                NameKind::State(_) => "unknown-state",
                NameKind::Fact => "unknown-fact",
                NameKind::Value(_) => "unknown-value",
                NameKind::Role => "unknown-role",
            },
            Self::NotAFlag { .. } | Self::NotAChoice { .. } => "unknown-value",
            Self::NoRole => "no-role",
            Self::UnsetChoice { .. } => "unset-choice",
            Self::SeveralSystems { .. } => "several-systems",
            Self::SaysNothing => "empty-event",
            Self::TooManyUsers => "too-many-users",
            Self::Foreign => "foreign",
            Self::TooComplex(_) => "too-complex",
        }
    }
}
