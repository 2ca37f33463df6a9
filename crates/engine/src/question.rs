//! A decision to make, by names, as every interface reads it from JSON. In: a question and tables. Out: what is decided.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::StateId;
use crate::names::UnknownName;
use crate::tables::{DecideError, Decided, RoleTables, SeveralRoles, Tables};

/// `true` or `false` for a flag, a name for a choice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum JsonFactValue {
    Flag(bool),
    Choice(String),
}

/// One change in one situation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DecideQuestion {
    /// Required if there are several and none is the default.
    pub role: Option<String>,
    pub facts: BTreeMap<String, JsonFactValue>,
    /// The known current state of each system.
    pub states: BTreeMap<String, String>,
    /// The systems whose state did not come from us.
    pub by_hand: Vec<String>,
    /// The own state of systems, which `previous` brings back.
    pub own: BTreeMap<String, String>,
    /// One system and the entered state, as in events: `{"cic": "At Lunch"}`.
    pub change: BTreeMap<String, String>,
}

/// What a question leads to.
#[derive(Debug)]
pub struct DecideAnswer<'t> {
    pub role: RoleTables<'t>,
    pub entered: StateId,
    pub decisions: Vec<Decided<'t>>,
}

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum QuestionError {
    #[error(transparent)]
    Unknown(#[from] UnknownName),
    #[error(transparent)]
    SeveralRoles(#[from] SeveralRoles),
    #[error(transparent)]
    Undecided(#[from] DecideError),
    #[error("a change needs one system and its state, as in `{{\"cic\": \"At Lunch\"}}`")]
    Change,
}

impl DecideQuestion {
    /// Decides.
    ///
    /// # Errors
    /// A name is unknown, the role is missing, a choice that matters has no value, or there is not exactly one change.
    pub fn answer<'t>(&self, tables: &'t Tables) -> Result<DecideAnswer<'t>, QuestionError> {
        let role = match &self.role {
            Some(name) => tables.role(name)?,
            None => tables.default_role()?,
        };
        let mut situation = tables.situation();
        for (fact, value) in &self.facts {
            situation = match value {
                JsonFactValue::Flag(value) => situation.set(fact, *value)?,
                JsonFactValue::Choice(value) => situation.set(fact, value.as_str())?,
            };
        }
        for (system, state) in &self.states {
            situation = situation.show(system, state)?;
        }
        for system in &self.by_hand {
            situation.set_by_hand(tables.schema().system_named(system)?);
        }
        for (system, state) in &self.own {
            situation.set_own(tables.state(system, state)?);
        }
        let mut changes = self.change.iter();
        let (Some((system, state)), None) = (changes.next(), changes.next()) else {
            return Err(QuestionError::Change);
        };
        let entered = tables.state(system, state)?;
        Ok(DecideAnswer {
            role,
            entered,
            decisions: role.decide(&situation, entered)?,
        })
    }
}
