//! What the store keeps.

use std::collections::{BTreeMap, VecDeque};

use presync_engine::{Command, SavedSession};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is kept of a user. It is written as a whole, so that an event, the session that it makes and the commands that it leads
/// to cannot come apart; a store for several processes can write it on condition that nobody else has.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserRecord {
    pub session: SavedSession,
    /// By system: the newest command, until somebody has carried it out. An older one is not sent any more.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub waiting: BTreeMap<String, NumberedCommand>,
    /// By system: what its connector wants to know when it connects again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub memories: BTreeMap<String, String>,
    /// The last decisions, oldest first.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub decisions: VecDeque<DecisionNote>,
}

/// The number of decisions that are kept of a user.
pub(crate) const MOST_DECISIONS: usize = 8;

/// A command with its place in the stream of all commands, from 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NumberedCommand {
    pub number: u64,
    #[serde(flatten)]
    pub command: Command,
}

/// What an event led to in one system, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionNote {
    /// When the service applied the event.
    #[schemars(with = "String")]
    pub at: jiff::Timestamp,
    pub system: String,
    /// `sent`, `same`, `unchanged`, `unmapped`.
    pub outcome: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}
