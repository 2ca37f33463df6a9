//! The events of a user. In: one line of the event stream. Out: an event with ids instead of names.
//! Errors: a rejection with a stable code and a message.

use std::borrow::Cow;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use smallvec::SmallVec;

use crate::ids::{RoleId, StateId, SystemId, ValueId};
use crate::rejection::{Malformed, Rejection};
use crate::schema::{FactKind, Schema};
use crate::time::time;

/// An event of a user. Applied in this order: role and facts, observed states, the change, the resync.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Event {
    pub role: Option<RoleId>,
    pub set: SmallVec<[ValueId; 3]>,
    /// `None`: the state is no longer known.
    pub observe: SmallVec<[(SystemId, Option<StateId>); 2]>,
    pub change: Option<StateId>,
    pub resync: Option<SystemId>,
    /// The time of the event, in milliseconds since 1970.
    pub at: Option<i64>,
}

impl Event {
    /// A change: the system entered this state.
    pub fn changed(state: StateId) -> Self {
        Self {
            change: Some(state),
            ..Self::default()
        }
    }

    /// An observation: the system shows this state. Nothing is decided.
    pub fn observed(state: StateId) -> Self {
        Self {
            observe: [(state.system(), Some(state))].into_iter().collect(),
            ..Self::default()
        }
    }

    /// Sets the role of the user.
    pub fn in_role(role: RoleId) -> Self {
        Self {
            role: Some(role),
            ..Self::default()
        }
    }

    /// Sets facts to these values.
    pub fn setting(values: impl IntoIterator<Item = ValueId>) -> Self {
        Self {
            set: values.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Decides the last reported state of a system again.
    pub fn resync(system: SystemId) -> Self {
        Self {
            resync: Some(system),
            ..Self::default()
        }
    }

    /// Sets the time of the event, with a precision of milliseconds.
    #[must_use]
    pub fn at(mut self, time: SystemTime) -> Self {
        let milliseconds = |time: std::time::Duration| i64::try_from(time.as_millis()).ok();
        self.at = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => milliseconds(after),
            Err(before) => milliseconds(before.duration()).map(|time| -time),
        };
        self
    }

    /// Whether all ids belong to this schema.
    #[inline]
    pub(crate) fn is_of(&self, schema: &Schema) -> bool {
        self.change.is_none_or(|state| schema.has_state(state))
            && self.role.is_none_or(|role| schema.has_role(role))
            && self.set.iter().all(|value| schema.has_value(*value))
            && self.observe.iter().all(|(system, state)| match state {
                Some(state) => state.system() == *system && schema.has_state(*state),
                None => schema.has_system(*system),
            })
            && self.resync.is_none_or(|system| schema.has_system(system))
    }
}

/// An event as written in its line, with names instead of ids.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(expecting = "an event: an object in one line")]
pub struct EventMessage<'a> {
    #[serde(borrow)]
    pub user: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    #[serde(borrow, default, skip_serializing_if = "Members::is_empty")]
    pub set: Members<'a, FactValue<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Members::is_empty")]
    pub state: Members<'a, Option<String>>,
    #[serde(borrow, default, skip_serializing_if = "Members::is_empty")]
    pub change: Members<'a, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resync: Option<String>,
    /// JSON that commands repeat as their `cause`.
    #[serde(borrow, default, deserialize_with = "raw", serialize_with = "as_json")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<&'a str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

fn raw<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a str>, D::Error> {
    Ok(Option::<&'a RawValue>::deserialize(deserializer)?.map(RawValue::get))
}

fn as_json<S: Serializer>(id: &Option<&str>, serializer: S) -> Result<S::Ok, S::Error> {
    let value: Option<serde_json::Value> = id.and_then(|id| serde_json::from_str(id).ok());
    value.serialize(serializer)
}

/// The value of a fact in an event.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FactValue<'a> {
    Flag(bool),
    #[serde(borrow)]
    Choice(Cow<'a, str>),
    #[serde(skip_serializing)]
    Other(serde::de::IgnoredAny),
}

/// The maximum number of members of an object in an event: as many as a program can have facts.
const MAX_MEMBERS: usize = 1_000;

/// The members of an object, in order. If a name repeats, its last value wins.
#[derive(Debug)]
pub struct Members<'a, T>(pub SmallVec<[(Cow<'a, str>, T); 3]>);

impl<T> Default for Members<'_, T> {
    fn default() -> Self {
        Self(SmallVec::new())
    }
}

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for Members<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<'a, T>(std::marker::PhantomData<(&'a (), T)>);

        impl<'de: 'a, 'a, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<'a, T> {
            type Value = Members<'a, T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Members(SmallVec::new()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs: SmallVec<[(Cow<'a, str>, T); 3]> = SmallVec::new();
                while let Some((EventText(name), value)) = map.next_entry::<EventText<'a>, T>()? {
                    match pairs.iter().position(|(known, _)| *known == name) {
                        Some(known) => pairs[known].1 = value,
                        // Each name is compared with all before it, and a line has room for a
                        // million of them.
                        None if pairs.len() == MAX_MEMBERS => {
                            let message = format!("an object has more than {MAX_MEMBERS} members");
                            return Err(serde::de::Error::custom(message));
                        }
                        None => pairs.push((name, value)),
                    }
                }
                Ok(Members(pairs))
            }
        }

        deserializer.deserialize_any(ObjectVisitor(std::marker::PhantomData))
    }
}

/// A string, borrowed if it has no escapes.
#[derive(Deserialize)]
struct EventText<'a>(#[serde(borrow)] Cow<'a, str>);

impl<T> Members<'_, T> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: Serialize> Serialize for Members<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            object.serialize_entry(name, value)?;
        }
        object.end()
    }
}

impl<'a> EventMessage<'a> {
    /// Parses an event from JSON.
    ///
    /// # Errors
    /// The text is not an event.
    pub fn parse(text: &'a str) -> Result<Self, Rejection> {
        if !text.starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
            return Err(Malformed::NotAnObject.into());
        }
        serde_json::from_str(text).map_err(|error| {
            let message = error.to_string();
            let what = message
                .rsplit_once(" at line ")
                .map_or(message.as_str(), |(what, _)| what);
            let (what, column) = (what.to_owned(), error.column());
            match error.classify() {
                serde_json::error::Category::Data => Malformed::Shape { what, column },
                serde_json::error::Category::Eof => Malformed::CutShort,
                _ => Malformed::NotJson { what, column },
            }
            .into()
        })
    }

    /// Replaces names with ids.
    ///
    /// # Errors
    /// A name is unknown, a value has the wrong kind, several systems change, or the time is malformed.
    pub fn resolve(&self, schema: &Schema) -> Result<Event, Rejection> {
        let role = self
            .role
            .as_ref()
            .map(|name| schema.role_named(name))
            .transpose()?;
        let set = self
            .set
            .0
            .iter()
            .map(|(name, value)| fact_value(schema, name, value));
        let set = set.collect::<Result<_, _>>()?;
        let mut observe = SmallVec::new();
        for (name, observed) in &self.state.0 {
            let system = schema.system_named(name)?;
            let state = observed
                .as_ref()
                .map(|name| schema.state_named(system, name));
            observe.push((system, state.transpose()?));
        }
        let change = match self.change.0.as_slice() {
            [] => None,
            [(name, entered)] => Some(schema.state_named(schema.system_named(name)?, entered)?),
            several => {
                let systems = several.iter().map(|(name, _)| name.to_string()).collect();
                return Err(Rejection::SeveralSystems { systems });
            }
        };
        let resync = self
            .resync
            .as_ref()
            .map(|name| schema.system_named(name))
            .transpose()?;
        let parse = |text: &String| {
            let known = time(text).or_else(|| {
                text.parse::<jiff::Timestamp>()
                    .ok()
                    .map(jiff::Timestamp::as_millisecond)
            });
            known.ok_or_else(|| Malformed::Time(text.clone()))
        };
        let at = self.at.as_ref().map(parse).transpose()?;
        Ok(Event {
            role,
            set,
            observe,
            change,
            resync,
            at,
        })
    }
}

fn fact_value(schema: &Schema, name: &str, value: &FactValue<'_>) -> Result<ValueId, Rejection> {
    let fact = schema.fact_named(name)?;
    match (&schema.fact(fact).kind, value) {
        (FactKind::Flag, FactValue::Flag(value)) => {
            Ok(ValueId::from_index(fact, usize::from(*value)))
        }
        (FactKind::Flag, _) => Err(Rejection::NotAFlag {
            fact: name.to_owned(),
        }),
        (FactKind::Choice { .. }, FactValue::Choice(value)) => Ok(schema.value_named(fact, value)?),
        (FactKind::Choice { values, .. }, _) => Err(Rejection::NotAChoice {
            fact: name.to_owned(),
            values: values.clone(),
        }),
    }
}
