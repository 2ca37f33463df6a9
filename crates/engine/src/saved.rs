//! Sessions with names instead of ids, so that they can be saved, and loaded with changed tables.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{StateId, SystemId, ValueId};
use crate::schema::{FactKind, Schema};
use crate::session::{LastCommand, PendingCommand, Session, SessionEngine, ShownState, SystemView};

/// The session of one user, with names instead of ids.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedSession {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    /// Facts that do not have their initial value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    facts: BTreeMap<String, SavedValue>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    systems: BTreeMap<String, SavedSystem>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum SavedValue {
    Flag(bool),
    Choice(String),
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct SavedSystem {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reported: Option<SavedState>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unconfirmed: Vec<SavedState>,
    /// The last command, until the system shows another state on its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<SavedLast>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SavedLast {
    command: SavedState,
    /// The change that caused it: system and state.
    cause: (String, String),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SavedState {
    state: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    append: Vec<String>,
    /// In milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<i64>,
}

/// A name in a saved session that the tables no longer have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum LostName {
    Role(String),
    /// The fact or its value is unknown.
    Fact(String),
    System(String),
    State {
        system: String,
        state: String,
    },
}

impl fmt::Display for LostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(name) => write!(f, "role `{name}`"),
            Self::Fact(name) => write!(f, "fact `{name}` or its value"),
            Self::System(name) => write!(f, "system `{name}`"),
            Self::State { system, state } => write!(f, "state `{state}` of {system}"),
        }
    }
}

impl SessionEngine {
    /// Converts a session to names.
    pub fn save(&self, session: &Session) -> SavedSession {
        let schema = self.schema();
        let role = session
            .role
            .map(|role| schema.role(role))
            .filter(|role| !role.implicit);
        let facts = schema.facts().filter_map(|(id, fact)| {
            let value = session.value(id)?;
            let saved = match &fact.kind {
                FactKind::Flag => SavedValue::Flag(value.value() == 1),
                FactKind::Choice { .. } => SavedValue::Choice(schema.value_name(value).to_owned()),
            };
            (Some(value) != schema.initial(id)).then(|| (fact.name.clone(), saved))
        });
        let views = schema.systems().zip(&session.systems);
        let views = views.filter(|(_, view)| **view != SystemView::default());
        SavedSession {
            role: role.map(|role| role.name.clone()),
            facts: facts.collect(),
            systems: views
                .map(|((_, of), view)| (of.name.clone(), self.save_view(view)))
                .collect(),
        }
    }

    fn save_view(&self, view: &SystemView) -> SavedSystem {
        let schema = self.schema();
        let name = |state: StateId| schema.state(state).name.clone();
        let state = |shown: ShownState, at| SavedState {
            state: name(shown.state),
            append: self.append_texts(shown.append),
            at,
        };
        SavedSystem {
            reported: view.reported.map(|shown| state(shown, None)),
            unconfirmed: view
                .pending
                .iter()
                .map(|sent| state(sent.shown, sent.at))
                .collect(),
            last: view.last.map(|last| SavedLast {
                command: state(last.shown, None),
                cause: (
                    schema.system(last.cause.system()).name.clone(),
                    name(last.cause),
                ),
            }),
        }
    }

    /// Restores a session from names. Skips what refers to names that the tables no longer have,
    /// and passes these to `lost`.
    pub fn load(&self, saved: SavedSession, lost: &mut dyn FnMut(LostName)) -> Session {
        let schema = self.schema();
        let mut session = self.session();
        if let Some(role) = saved.role {
            match schema.find_role(&role) {
                Some(id) => session.role = Some(id),
                None => lost(LostName::Role(role)),
            }
        }
        for (name, value) in saved.facts {
            match value_of(schema, &name, &value) {
                Some(value) => session.set(value),
                None => lost(LostName::Fact(name)),
            }
        }
        for (name, view) in saved.systems {
            match schema.find_system(&name) {
                Some(system) => {
                    session.systems[system.index()] = self.load_view(system, view, lost);
                }
                None => lost(LostName::System(name)),
            }
        }
        session
    }

    fn load_view(
        &self,
        system: SystemId,
        saved: SavedSystem,
        lost: &mut dyn FnMut(LostName),
    ) -> SystemView {
        let schema = self.schema();
        let mut state_of = |system: SystemId, name: &str| {
            let state = schema.find_state(system, name);
            if state.is_none() {
                let system = schema.system(system).name.clone();
                lost(LostName::State {
                    system,
                    state: name.to_owned(),
                });
            }
            state
        };
        let append = |saved: &SavedState| self.append(&saved.append);
        let reported = saved.reported.and_then(|saved| {
            let state = state_of(system, &saved.state)?;
            Some(ShownState {
                state,
                append: append(&saved),
            })
        });
        let pending = saved.unconfirmed.into_iter().filter_map(|saved| {
            let state = state_of(system, &saved.state)?;
            Some(PendingCommand {
                shown: ShownState {
                    state,
                    append: append(&saved),
                },
                at: saved.at,
            })
        });
        let pending = pending.collect();
        let last = saved.last.and_then(|last| {
            let from = schema.find_system(&last.cause.0)?;
            let cause = state_of(from, &last.cause.1)?;
            let state = state_of(system, &last.command.state)?;
            Some(LastCommand {
                shown: ShownState {
                    state,
                    append: append(&last.command),
                },
                cause,
            })
        });
        SystemView {
            reported,
            pending,
            last,
        }
    }
}

fn value_of(schema: &Schema, name: &str, value: &SavedValue) -> Option<ValueId> {
    let fact = schema.find_fact(name)?;
    match (&schema.fact(fact).kind, value) {
        (FactKind::Flag, SavedValue::Flag(value)) => {
            Some(ValueId::from_index(fact, usize::from(*value)))
        }
        (FactKind::Choice { .. }, SavedValue::Choice(value)) => schema.find_value(fact, value),
        _ => None,
    }
}
