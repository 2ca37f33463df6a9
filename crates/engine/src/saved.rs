//! Sessions with names instead of ids, so that they can be saved, and loaded with changed tables.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{StateId, SystemId, ValueId};
use crate::schema::{FactKind, Schema};
use crate::session::{
    LastCommand, PendingCommand, Reported, Session, SessionEngine, ShownState, SystemView,
};

/// The session of one user, with names instead of ids.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SavedSession {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    /// When the role was set, in milliseconds since 1970, like all times here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role_at: Option<i64>,
    /// Facts that do not have their initial value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    facts: BTreeMap<String, SavedValue>,
    /// When facts were set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    facts_at: BTreeMap<String, i64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    systems: BTreeMap<String, SavedSystem>,
    /// The system that changed by hand last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by_hand_last: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum SavedValue {
    Flag(bool),
    Choice(String),
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
struct SavedSystem {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reported: Option<SavedReported>,
    /// When an event last said something about the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<i64>,
    /// Commands that have not been reported back, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unconfirmed: Vec<SavedPending>,
    /// The last command, until the system changes by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<SavedLast>,
    /// Its own state, which `previous` brings back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    own: Option<String>,
}

/// A reported state. Version 0.1 did not know whose a state is: what it saved counts as by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
struct SavedReported {
    state: String,
    /// Only version 0.1: the texts that we have appended.
    #[serde(default, skip_serializing)]
    append: Vec<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    by_us: bool,
    /// The command that it shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    command: Option<SavedState>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
struct SavedLast {
    command: SavedState,
    /// The change that caused it: system and state.
    cause: (String, String),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
struct SavedPending {
    #[serde(flatten)]
    command: SavedState,
    /// The time of the event that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<i64>,
    #[serde(default, skip_serializing_if = "is_false")]
    lapsed: bool,
    /// It only changes the text of a state that was chosen by hand.
    #[serde(default, skip_serializing_if = "is_false")]
    by_hand: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
struct SavedState {
    state: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    append: Vec<String>,
}

fn is_false(value: &bool) -> bool {
    !*value
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
        let role = session.role.map(|role| schema.role(role));
        let facts_at = schema.facts().filter_map(|(id, fact)| {
            let at = session.fact_time(id)?;
            Some((fact.name.clone(), at))
        });
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
            role_at: session.role_time(),
            role: role.map(|role| role.name.clone()),
            facts: facts.collect(),
            facts_at: facts_at.collect(),
            systems: views
                .map(|((_, of), view)| (of.name.clone(), self.save_view(view)))
                .collect(),
            by_hand_last: session
                .by_hand_last
                .map(|system| schema.system(system).name.clone()),
        }
    }

    fn save_view(&self, view: &SystemView) -> SavedSystem {
        let schema = self.schema();
        let name = |state: StateId| schema.state(state).name.clone();
        let command = |shown: ShownState| SavedState {
            state: name(shown.state),
            append: self.append_texts(shown.append),
        };
        SavedSystem {
            reported: view.reported.map(|reported| SavedReported {
                state: name(reported.state),
                append: Vec::new(),
                by_us: !reported.by_hand,
                command: reported.command.map(command),
            }),
            at: view.at,
            unconfirmed: view
                .pending
                .iter()
                .map(|pending| SavedPending {
                    command: command(pending.shown),
                    at: pending.at,
                    lapsed: pending.lapsed,
                    by_hand: pending.by_hand,
                })
                .collect(),
            last: view.last.map(|last| SavedLast {
                command: command(last.shown),
                cause: (
                    schema.system(last.cause.system()).name.clone(),
                    name(last.cause),
                ),
            }),
            own: view.own.map(name),
        }
    }

    /// Restores a session from names. Skips what refers to names that the tables no longer have,
    /// and passes these to `lost`.
    pub fn load(&self, saved: SavedSession, lost: &mut dyn FnMut(LostName)) -> Session {
        let schema = self.schema();
        let mut session = self.session();
        if let Some(role) = saved.role {
            match schema.find_role(&role) {
                Some(id) => {
                    session.role = Some(id);
                    session.set_role_time(saved.role_at);
                }
                None => lost(LostName::Role(role)),
            }
        }
        for (name, value) in saved.facts {
            match value_of(schema, &name, &value) {
                Some(value) => session.set(value),
                None => lost(LostName::Fact(name)),
            }
        }
        for (name, at) in saved.facts_at {
            // A fact that is lost has been reported above, unless it had its initial value.
            if let Some(fact) = schema.find_fact(&name) {
                session.set_fact_time(fact, Some(at));
            }
        }
        session.by_hand_last = saved
            .by_hand_last
            .and_then(|name| schema.find_system(&name));
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
            let state = schema.find_declared_state(system, name);
            if state.is_none() {
                let system = schema.system(system).name.clone();
                lost(LostName::State {
                    system,
                    state: name.to_owned(),
                });
            }
            state
        };
        let mut command = |saved: &SavedState| {
            let state = state_of(system, &saved.state)?;
            let append = self.append(&saved.append);
            Some(ShownState { state, append })
        };
        let pending = saved.unconfirmed.into_iter().filter_map(|saved| {
            Some(PendingCommand {
                shown: command(&saved.command)?,
                at: saved.at,
                lapsed: saved.lapsed,
                by_hand: saved.by_hand,
            })
        });
        let pending = pending.collect();
        let shown = saved.reported.as_ref().and_then(|reported| {
            let old = SavedState {
                state: reported.state.clone(),
                append: reported.append.clone(),
            };
            let old = Some(old).filter(|old| !old.append.is_empty());
            command(reported.command.as_ref().or(old.as_ref())?)
        });
        let last = saved
            .last
            .and_then(|last| Some((command(&last.command)?, last.cause)));
        let last = last.and_then(|(shown, (from, state))| {
            let from = schema.find_system(&from)?;
            let cause = state_of(from, &state)?;
            Some(LastCommand { shown, cause })
        });
        let reported = saved.reported.and_then(|reported| {
            Some(Reported {
                state: state_of(system, &reported.state)?,
                // Without its command, nothing says that it is ours.
                by_hand: !reported.by_us || shown.is_none(),
                command: shown,
            })
        });
        let own = saved.own.and_then(|own| state_of(system, &own));
        SystemView {
            reported,
            at: saved.at,
            own: own.filter(|_| schema.has_previous(system)),
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
