//! The differences between two programs, in JSON.

use presync_engine::document::ConditionDocument;
use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::{Behavior, DecisionChange, Differences};

#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
pub struct JsonDifferences {
    /// What changes for people: the same effect on the same states once, for all roles and systems.
    pub behaviors: Vec<JsonBehavior>,
    pub changes: Vec<JsonChange>,
    /// Declarations of only one side, as sentences.
    pub one_sided: Vec<String>,
    /// Directions of roles that are too complex to compare.
    pub skipped: Vec<String>,
}

/// Situations of one role and direction in which one outcome has become another.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct JsonChange {
    /// The number of these situations; many programs that read JSON round it above 2^53.
    pub count: u128,
    pub from: String,
    pub new: String,
    pub new_rules: Vec<String>,
    pub old: String,
    pub old_rules: Vec<String>,
    /// The path of the program, where several are compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    pub role: String,
    /// Where the change is; null if there are too many parts.
    pub rows: Option<Vec<ConditionDocument>>,
    pub to: String,
    /// The number of situations compared.
    pub total: u128,
    /// One of the situations.
    pub witness: ConditionDocument,
}

/// Changes with the same effects on the same states.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct JsonBehavior {
    /// `cic At Lunch now sets lync to Be Right Back, was Away`
    pub headline: String,
    /// The path of the program, where several are compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    pub roles: Vec<String>,
    pub from: String,
    pub to: Vec<String>,
    /// The states entered; null: all.
    pub states: Option<Vec<String>>,
    /// The number of situations, of all roles and systems.
    pub count: u128,
    pub total: u128,
    /// The places of its parts in `changes`, from 0.
    pub changes: Vec<usize>,
}

impl JsonDifferences {
    pub fn new(found: &Differences) -> Self {
        let change = |change: &DecisionChange| JsonChange {
            count: change.count,
            from: change.from.clone(),
            new: change.new.clone(),
            new_rules: change.new_rules.clone(),
            old: change.old.clone(),
            old_rules: change.old_rules.clone(),
            program: None,
            role: change.role.clone(),
            rows: change.parts.as_ref().map(|parts| {
                let values = parts.iter().map(|part| part.values.clone());
                values.collect()
            }),
            to: change.to.clone(),
            total: change.total,
            witness: change.witness.values.clone(),
        };
        let behaviors = found.behaviors().into_iter();
        let behavior = |behavior: Behavior| JsonBehavior {
            headline: behavior.headline(),
            program: None,
            roles: behavior.roles,
            from: behavior.from,
            to: behavior.to,
            states: behavior.states,
            count: behavior.count,
            total: behavior.total,
            changes: behavior.changes,
        };
        Self {
            behaviors: behaviors.map(behavior).collect(),
            changes: found.changes.iter().map(change).collect(),
            one_sided: found.one_sided.clone(),
            skipped: found.skipped.clone(),
        }
    }

    /// Adds the differences of one of several programs; `program`: its path, or empty if it is the only one.
    pub fn add(&mut self, program: &str, other: Self) {
        let named = |line: String| match program {
            "" => line,
            program => format!("{program}: {line}"),
        };
        let program = Some(program.to_owned()).filter(|program| !program.is_empty());
        let first = self.changes.len();
        let behavior = |behavior: JsonBehavior| JsonBehavior {
            program: program.clone(),
            changes: behavior.changes.iter().map(|at| first + at).collect(),
            ..behavior
        };
        self.behaviors
            .extend(other.behaviors.into_iter().map(behavior));
        let change = |change: JsonChange| JsonChange {
            program: program.clone(),
            ..change
        };
        self.changes.extend(other.changes.into_iter().map(change));
        self.one_sided
            .extend(other.one_sided.into_iter().map(named));
        self.skipped.extend(other.skipped.into_iter().map(named));
    }
}
