//! The published shape of tables.json. `docs/tables.schema.json` is generated from it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The decision tables of a program.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Document {
    /// Always `presync-tables`.
    pub format: String,
    /// The version of this format: 2.
    pub version: u32,
    /// A digest of the meaning: the same for programs that make the same decisions, unless a role is very complex.
    pub digest: String,
    /// SHA-256 of everything else in this file, to detect edits.
    pub content: String,
    /// Sorted by name.
    pub systems: Vec<SystemDocument>,
    /// Sorted by name.
    pub facts: Vec<FactDocument>,
    /// If some tables are diagrams: the inputs, in the order in which all diagrams test them, after the state entered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<InputDocument>,
    /// Sorted by name.
    pub roles: Vec<RoleDocument>,
    /// What the roles decide in one direction. Roles refer to them by number, from 0.
    pub directions: Vec<DirectionDocument>,
    /// What the profiles decide. Directions refer to them by number, from 0.
    pub tables: Vec<TableDocument>,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
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
    /// How long a command may take to be reported back, in seconds; missing: 60.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub echo: Option<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<String>,
    /// Sorted by name.
    pub states: Vec<StateDocument>,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct StateDocument {
    pub name: String,
    /// The name used in events and commands, if it is not the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<String>,
    /// The state can be observed but never set.
    #[serde(default, skip_serializing_if = "is_false")]
    pub read_only: bool,
    /// The state that the system reports once this one is set, if it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reads: Option<String>,
    /// The state stands for every name in events that no state has.
    #[serde(default, skip_serializing_if = "is_false")]
    pub other: bool,
}

/// An input: a flag, initially false, or a choice of exactly one value.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
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

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct RoleDocument {
    pub name: String,
    /// True for the role of a program that declares none; every user has it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub implicit: bool,
    /// The role of every user to whom no event has given one. If no role is marked, it is the only one.
    #[serde(default, skip_serializing_if = "is_false")]
    pub default: bool,
    /// One number for each ordered pair of systems: an entry of `directions`.
    pub directions: Vec<usize>,
}

/// Decides changes in `from` for `to`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct DirectionDocument {
    pub from: String,
    pub to: String,
    /// The inputs that the outcome or an appendix depends on, in addition to the state entered: facts, and systems for
    /// their current state.
    pub columns: Vec<String>,
    /// Systems for which it matters whether their state is known and did not come from us.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_hand: Vec<String>,
    /// `to`, if a row has the outcome `previous`, which brings back its own state.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own: Vec<String>,
    /// Numbers of entries of `tables`. The first in which a row matches decides; if there is none, the change is unmapped.
    pub tables: Vec<usize>,
}

/// What a profile decides in one direction. The hit policy is UNIQUE: at most one row matches in any situation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct TableDocument {
    pub from: String,
    pub to: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// What every row requires in addition to the condition of its block.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub when: When,
    /// The rows, grouped by their conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<BlockDocument>,
    /// Used instead of `blocks` if there would be too many rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagram: Option<DiagramDocument>,
    /// The decisions that the diagram leads to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<DecisionDocument>,
    /// The texts to append if a row of this table decides and sets a state, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub append: Vec<AppendixDocument>,
}

/// For each input, the values that match: `true` and `false` for flags, names for choices and
/// states, `null` for an unknown state. An input that is not listed can have any value.
pub type When = BTreeMap<String, Vec<Cell>>;

/// For each system, the values that match.
pub type ByHand = BTreeMap<String, Vec<bool>>;

/// An input of a diagram.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum InputDocument {
    /// A fact, or a system for its current state.
    Name(String),
    /// Whether the state of a system is known and did not come from us.
    ByHand { by_hand: String },
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Cell {
    Flag(bool),
    Name(String),
    Unknown(()),
}

/// Situations and states entered. What is missing matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct ConditionDocument {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub when: When,
    /// By system: whether its state is known and did not come from us.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by_hand: ByHand,
    /// The states entered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Vec<String>>,
}

/// Rows with the same condition. They differ in the states entered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct BlockDocument {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub when: When,
    /// By system: whether its state is known and did not come from us.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by_hand: ByHand,
    pub rows: Vec<RowDocument>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct RowDocument {
    /// The states entered; missing: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Vec<String>>,
    pub outcome: OutcomeKind,
    /// The state to set; only for the outcome `set`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// File and line of the rule that decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct DecisionDocument {
    pub outcome: OutcomeKind,
    /// The state to set; only for the outcome `set`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// File and line of the rule that decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OutcomeKind {
    Set,
    /// Sets the system's own state: the last one that it showed by hand, or that a system without this outcome decided
    /// for it.
    Previous,
    Unchanged,
}

/// A text, and where it joins: where any of the rows matches.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct AppendixDocument {
    pub text: String,
    /// Missing: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<Vec<ConditionDocument>>,
    /// Used instead of `rows` if there would be too many. It joins where the diagram does not end in null.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagram: Option<DiagramDocument>,
}

/// Start at `root`. At a node, follow the entry of `next` for the value of its input. A negative
/// number `-n` refers to entry `n - 1` of the table's `decisions`; null: no row matches.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct DiagramDocument {
    pub root: Option<i64>,
    pub nodes: Vec<NodeDocument>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct NodeDocument {
    /// The input to test, or null for the state entered.
    pub ask: Option<InputDocument>,
    /// One entry for each value: false, true; or the values in order; or unknown, then the states
    /// in order (for the state entered, only the states).
    pub next: Vec<Option<i64>>,
}

fn is_false(value: &bool) -> bool {
    !*value
}
