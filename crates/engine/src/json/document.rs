//! The published shape of tables.json. `docs/tables.schema.json` is generated from it.

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
    /// A digest of the meaning: the same for programs that make the same decisions, unless a table
    /// needs several diagrams.
    pub digest: String,
    /// Sorted by name.
    pub systems: Vec<SystemDocument>,
    /// Sorted by name.
    pub facts: Vec<FactDocument>,
    /// Sorted by name.
    pub roles: Vec<RoleDocument>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct SystemDocument {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The flag that is true while the user is logged in to the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub online: Option<String>,
    /// The longest text that the system accepts, in characters, including appendices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<u32>,
    pub attributes: Vec<String>,
    /// Sorted by name.
    pub states: Vec<StateDocument>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct StateDocument {
    pub name: String,
    /// The name used in events and commands.
    pub id: String,
    pub attributes: Vec<String>,
    /// The state can be observed but never set.
    pub read_only: bool,
}

/// An input: a flag, initially false, or a choice of exactly one value.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum FactDocument {
    Flag {
        name: String,
    },
    Choice {
        name: String,
        values: Vec<String>,
        /// The initial value; null if there is none.
        default: Option<String>,
    },
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RoleDocument {
    pub name: String,
    /// True for the role of a program that declares none; every user has it.
    pub implicit: bool,
    /// One table for each ordered pair of systems.
    pub tables: Vec<TableDocument>,
}

/// Decides changes in `from` for `to`. Exactly one row matches in every situation: its `from`
/// contains the state entered, and each list in its `when` contains the value of that input.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct TableDocument {
    pub from: String,
    pub to: String,
    /// Always `UNIQUE`.
    pub hit_policy: String,
    /// The inputs that the outcome depends on, in addition to the state entered: facts, and systems
    /// for their current state.
    pub columns: Vec<String>,
    /// Inputs that only affect which of several agreeing rules decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origin_columns: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<Vec<RowDocument>>,
    /// Used instead of `rows` if there would be too many. The first diagram that does not end in
    /// null decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagrams: Option<Vec<DiagramDocument>>,
    /// The decisions that the diagrams lead to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<DecisionDocument>,
}

/// For each input, the values that match: `true` and `false` for flags, names for choices and
/// states, `null` for an unknown state. An input that is not listed can have any value.
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
    /// The rule that decides: the first entry whose `when` and `from` match. Parts that are missing
    /// are as in the row.
    pub origin: Vec<OriginDocument>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct OutcomeDocument {
    pub outcome: OutcomeKind,
    /// The state to set; null for other outcomes.
    pub state: Option<String>,
    /// The texts to append to the state.
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
    /// File and line of the rule.
    pub rule: String,
}

/// Start at `root`. At a node, follow the entry of `next` for the value of its input. A negative
/// number `-n` refers to entry `n - 1` of the table's `decisions`; null passes to the next diagram.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DiagramDocument {
    pub root: Option<i64>,
    pub nodes: Vec<NodeDocument>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct NodeDocument {
    /// The input to test, or null for the state entered.
    pub ask: Option<String>,
    /// One entry for each value: false, true; or the values in order; or unknown, then the states
    /// in order (for the state entered, only the states).
    pub next: Vec<Option<i64>>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DecisionDocument {
    #[serde(flatten)]
    pub outcome: OutcomeDocument,
    pub profile: Option<String>,
    pub rule: Option<String>,
}
