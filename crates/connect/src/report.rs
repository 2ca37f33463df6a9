//! What passes between a system and its host.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A user to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemUser {
    /// As the system calls the user.
    pub id: String,
    /// The last [`ReportKind::Memory`], also of an earlier run.
    pub memory: Option<String>,
}

/// What a system says about one of its users.
#[derive(Debug, Clone, PartialEq)]
pub struct SystemReport {
    /// As the system calls the user.
    pub user: String,
    /// By the clock of the system; `None` if it does not say when.
    pub at: Option<jiff::Timestamp>,
    pub kind: ReportKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ReportKind {
    /// What the system shows now; `None`: nobody knows.
    Observed(Option<String>),
    /// The state has changed, by a person, a program or one of our commands. The first one of a user after connecting is taken as
    /// observed: what happened meanwhile is not known.
    Changed(String),
    /// Whether the user is logged in, which is not a state.
    Online(bool),
    /// Facts about the user, by name, that the system knows.
    Facts(BTreeMap<String, serde_json::Value>),
    /// What the connector wants to know about the user when it connects again.
    Memory(String),
}

impl SystemReport {
    /// A report without a time.
    pub fn new(user: impl Into<String>, kind: ReportKind) -> Self {
        Self {
            user: user.into(),
            at: None,
            kind,
        }
    }
}

/// Set a state. Commands may come twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemCommand {
    /// In the stream of all commands: a larger one is newer.
    pub number: u64,
    /// As the system calls the user.
    pub user: String,
    /// The id of the state.
    pub state: String,
    /// Texts to show with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub append: Vec<String>,
}
