//! The shape of tables.json, as it is published: `docs/tables.schema.json` is made from it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The decision tables of a program.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Document {
    /// Always `presync-tables`.
    pub format: String,
    /// The version of this format: 1.
    pub version: u32,
    /// A digest of the meaning alone: programs that decide alike have the same.
    pub digest: String,
    /// By name.
    pub systems: Vec<SystemDocument>,
    /// By name.
    pub facts: Vec<FactDocument>,
    /// By name.
    pub roles: Vec<RoleDocument>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct SystemDocument {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The flag that says that the user is logged in to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub online: Option<String>,
    /// The longest text that it takes, in characters, appendices counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<u32>,
    pub attributes: Vec<String>,
    /// By name.
    pub states: Vec<StateDocument>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct StateDocument {
    pub name: String,
    /// The name that events and commands carry.
    pub id: String,
    pub attributes: Vec<String>,
    /// Can be observed, never set.
    pub read_only: bool,
}

/// An input: a flag, false until told otherwise, or a choice of which exactly one value holds.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum FactDocument {
    Flag {
        name: String,
    },
    Choice {
        name: String,
        values: Vec<String>,
        /// The value until told otherwise.
        default: Option<String>,
    },
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RoleDocument {
    pub name: String,
    /// The role that everyone has in a program that declares none.
    pub implicit: bool,
    /// One for each ordered pair of systems.
    pub tables: Vec<TableDocument>,
}

/// What a change in `from` means for `to`. Exactly one row matches every situation: it has the state entered in its
/// `from`, and for each member of its `when` the value of that input is in the list.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct TableDocument {
    pub from: String,
    pub to: String,
    /// Always `UNIQUE`.
    pub hit_policy: String,
    /// The inputs that the outcome depends on beside the state entered: facts, and systems for their current state.
    pub columns: Vec<String>,
    /// Inputs that only tell which of several agreeing rules decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origin_columns: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<Vec<RowDocument>>,
    /// In place of `rows` where these would be too many: the first diagram that does not end in null decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagrams: Option<Vec<DiagramDocument>>,
    /// What the diagrams end at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<DecisionDocument>,
}

/// For each input the values that match: `true` and `false` for flags, names for choices and states, `null` for a
/// state that is not known. An input that is not mentioned can have any value.
pub type When = BTreeMap<String, Vec<Cell>>;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Cell {
    Flag(bool),
    Name(String),
    Unknown(()),
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RowDocument {
    pub when: When,
    /// The states entered.
    pub from: Vec<String>,
    #[serde(flatten)]
    pub outcome: OutcomeDocument,
    /// Who decides: the first entry whose `when` and `from` match, each counting as the row's where it is missing.
    pub origin: Vec<OriginDocument>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct OutcomeDocument {
    pub outcome: OutcomeKind,
    /// The state that is set, else null.
    pub state: Option<String>,
    /// The texts appended to it.
    pub append: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OutcomeKind {
    Set,
    Unchanged,
    Unmapped,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct OriginDocument {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub when: When,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Vec<String>>,
    pub profile: String,
    /// File and line of the written rule.
    pub rule: String,
}

/// Begin at `root`; at a node go on with the entry of `next` for the value of its input; a negative number `-n` ends
/// at entry `n - 1` of the table's `decisions`, null passes on to the next diagram.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DiagramDocument {
    pub root: Option<i64>,
    pub nodes: Vec<NodeDocument>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct NodeDocument {
    /// An input, or null for the state entered.
    pub ask: Option<String>,
    /// One entry for each value: false, true; or the values in order; or unknown, then the states in order (for the
    /// state entered the states alone).
    pub next: Vec<Option<i64>>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DecisionDocument {
    #[serde(flatten)]
    pub outcome: OutcomeDocument,
    pub profile: Option<String>,
    pub rule: Option<String>,
}
