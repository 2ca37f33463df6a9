//! In: sessions, or the text of a state file. Out: the other one, by names, so that a changed program can read it.
//! What a program no longer knows is left out and reported; errors are files that are not state files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::stream::Stream;
use presync_engine::event::Rejection;
use presync_engine::session::{Engine, Last, Sent, Session, Shown};
use presync_engine::table::{Column, FactKind, Tables, UNSET};

const FORMAT: &str = "presync-state";
const VERSION: u32 = 1;

/// A state file.
#[derive(Debug, Serialize, Deserialize)]
pub struct Stored {
    format: String,
    version: u32,
    /// How far the events file has been read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    users: BTreeMap<String, StoredUser>,
}

/// A prefix of an events file that has been carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    pub bytes: u64,
    pub lines: u64,
    /// SHA-256 of those bytes, in hexadecimal digits.
    pub sha256: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredUser {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    /// Those that are not as at the start.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    facts: BTreeMap<String, StoredValue>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    systems: BTreeMap<String, StoredSystem>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum StoredValue {
    Flag(bool),
    Choice(String),
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct StoredSystem {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reported: Option<StoredState>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unconfirmed: Vec<StoredState>,
    /// The last command, until the system shows something else by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<StoredLast>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredLast {
    command: StoredState,
    /// The change that it came from: system and state.
    cause: (String, String),
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredState {
    state: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    append: Vec<String>,
    /// In milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<i64>,
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("not a state file: {0}")]
    Malformed(String),
    #[error("it has version {0}, this program reads version {VERSION}")]
    Version(u32),
}

impl Stored {
    pub fn save(stream: &Stream<'_>, position: Option<Position>) -> Self {
        let users = stream
            .sessions()
            .into_iter()
            .map(|(user, session)| (user, stored_user(&stream.engine, &session)));
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            position,
            users: users.collect(),
        }
    }

    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string(self).expect("a state file is always JSON");
        text.push('\n');
        text
    }

    pub fn parse(text: &str) -> Result<Self, StoreError> {
        let stored: Self =
            serde_json::from_str(text).map_err(|error| StoreError::Malformed(error.to_string()))?;
        if stored.format != FORMAT {
            return Err(StoreError::Malformed(format!(
                "it does not say `\"format\":\"{FORMAT}\"`"
            )));
        }
        if stored.version != VERSION {
            return Err(StoreError::Version(stored.version));
        }
        Ok(stored)
    }

    /// Puts all sessions into a stream. Returns what the program no longer knows, as sentences with a count each.
    ///
    /// # Errors
    /// There are more users than the stream has room for.
    pub fn load(self, stream: &mut Stream<'_>) -> Result<Vec<(String, usize)>, Rejection> {
        let mut lost: BTreeMap<String, usize> = BTreeMap::new();
        for (user, stored) in self.users {
            let session = session(&mut stream.engine, stored, &mut |what| {
                *lost.entry(what).or_default() += 1
            });
            stream.put(&user, &session)?;
        }
        Ok(lost.into_iter().collect())
    }
}

fn stored_user(engine: &Engine<'_>, session: &Session) -> StoredUser {
    let tables = engine.tables;
    let facts = tables
        .facts
        .iter()
        .zip(&session.facts)
        .filter(|(fact, value)| **value != fact.initial());
    let systems = tables
        .systems
        .iter()
        .zip(&session.systems)
        .filter(|(_, shown)| **shown != Shown::default());
    StoredUser {
        role: session
            .role
            .filter(|role| !tables.roles[*role].implicit)
            .map(|role| tables.roles[role].name.clone()),
        facts: facts
            .map(|(fact, value)| {
                let value = match &fact.kind {
                    FactKind::Flag => StoredValue::Flag(*value == 1),
                    FactKind::Choice { values, .. } => {
                        StoredValue::Choice(values[*value as usize].clone())
                    }
                };
                (fact.name.clone(), value)
            })
            .collect(),
        systems: systems
            .map(|(system, shown)| {
                let state = |state: u32, append: u32, at| StoredState {
                    state: system.states[state as usize].name.clone(),
                    append: engine.append_texts(append),
                    at,
                };
                let stored = StoredSystem {
                    reported: shown
                        .reported
                        .map(|(reported, append)| state(reported, append, None)),
                    unconfirmed: shown
                        .unconfirmed
                        .iter()
                        .map(|sent| state(sent.state, sent.append, sent.at))
                        .collect(),
                    last: shown.last.map(|last| {
                        let (from, entered) = (&tables.systems[last.cause.0], last.cause.1);
                        let cause = (
                            from.name.clone(),
                            from.states[entered as usize].name.clone(),
                        );
                        StoredLast {
                            command: state(last.state, last.append, None),
                            cause,
                        }
                    }),
                };
                (system.name.clone(), stored)
            })
            .collect(),
    }
}

fn session(engine: &mut Engine<'_>, stored: StoredUser, lost: &mut dyn FnMut(String)) -> Session {
    let tables = engine.tables;
    let mut session = engine.session();
    if let Some(role) = stored.role {
        match tables.role(&role) {
            Some(at) => session.role = Some(at),
            None => lost(format!("role `{role}`")),
        }
    }
    for (name, value) in stored.facts {
        match value_of(tables, &name, &value) {
            Some((fact, value)) => session.facts[fact] = value,
            None => lost(format!("fact `{name}` or its value")),
        }
    }
    for (name, stored) in stored.systems {
        match tables.system(&name) {
            Some(system) => session.systems[system] = shown(engine, system, stored, lost),
            None => lost(format!("system `{name}`")),
        }
    }
    session
}

fn value_of(tables: &Tables, name: &str, value: &StoredValue) -> Option<(usize, u32)> {
    let fact = tables.fact(name)?;
    let value = match (&tables.facts[fact].kind, value) {
        (FactKind::Flag, StoredValue::Flag(value)) => u32::from(*value),
        (FactKind::Choice { .. }, StoredValue::Choice(value)) => tables.value(fact, value)?,
        _ => return None,
    };
    debug_assert!(
        value != UNSET && value < tables.size(Column::Fact(fact)),
        "a value is among its fact's"
    );
    Some((fact, value))
}

fn shown(
    engine: &mut Engine<'_>,
    system: usize,
    stored: StoredSystem,
    lost: &mut dyn FnMut(String),
) -> Shown {
    let tables = engine.tables;
    let mut state_of = |system: usize, name: &str| {
        let state = tables.state(system, name);
        if state.is_none() {
            lost(format!("state `{name}` of {}", tables.systems[system].name));
        }
        state
    };
    let reported = stored.reported.and_then(|stored| {
        Some((
            state_of(system, &stored.state)?,
            engine.append(&stored.append),
        ))
    });
    let unconfirmed = stored
        .unconfirmed
        .into_iter()
        .filter_map(|stored| {
            Some(Sent {
                state: state_of(system, &stored.state)?,
                append: engine.append(&stored.append),
                at: stored.at,
            })
        })
        .collect();
    let last = stored.last.and_then(|last| {
        let from = tables.system(&last.cause.0)?;
        let cause = (from, state_of(from, &last.cause.1)?);
        Some(Last {
            state: state_of(system, &last.command.state)?,
            append: engine.append(&last.command.append),
            cause,
        })
    });
    Shown {
        reported,
        unconfirmed,
        last,
    }
}
