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
    pub resync: Option<Resync>,
    /// The time of the event, in milliseconds since 1970.
    pub at: Option<i64>,
}

/// The system whose state is decided again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resync {
    System(SystemId),
    /// The system that changed by hand last.
    ByHandLast,
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
            resync: Some(Resync::System(system)),
            ..Self::default()
        }
    }

    /// Decides the last reported state of the system that changed by hand last again.
    pub fn resync_by_hand_last() -> Self {
        Self {
            resync: Some(Resync::ByHandLast),
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
            && match self.resync {
                Some(Resync::System(system)) => schema.has_system(system),
                Some(Resync::ByHandLast) | None => true,
            }
    }

    /// Whether it has no role, facts, states, change or resync.
    pub(crate) fn says_nothing(&self) -> bool {
        self.role.is_none()
            && self.set.is_empty()
            && self.observe.is_empty()
            && self.change.is_none()
            && self.resync.is_none()
    }
}

/// An event as written in its line, with names instead of ids.
#[derive(Debug, Default, Serialize)]
pub struct EventMessage<'a> {
    pub user: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    #[serde(skip_serializing_if = "Members::is_empty")]
    pub set: Members<'a, FactValue<'a>>,
    #[serde(skip_serializing_if = "Members::is_empty")]
    pub observe: Members<'a, Option<String>>,
    #[serde(skip_serializing_if = "Members::is_empty")]
    pub change: Members<'a, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resync: Option<ResyncMessage>,
    /// JSON that commands repeat as their `cause`.
    #[serde(serialize_with = "as_json", skip_serializing_if = "Option::is_none")]
    pub id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// A member that is probably another one with a spelling mistake, and that one.
    #[serde(skip)]
    misspelt: Option<(String, &'static str)>,
}

/// `"cic"`, or `true` for the system that changed by hand last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ResyncMessage {
    System(String),
    ByHandLast(bool),
}

impl<'de> Deserialize<'de> for ResyncMessage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ResyncVisitor;

        impl Visitor<'_> for ResyncVisitor {
            type Value = ResyncMessage;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a system, or true for the one that changed by hand last")
            }

            fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Self::Value, E> {
                if value {
                    return Ok(ResyncMessage::ByHandLast(true));
                }
                Err(E::invalid_value(serde::de::Unexpected::Bool(false), &self))
            }

            fn visit_str<E>(self, system: &str) -> Result<Self::Value, E> {
                Ok(ResyncMessage::System(system.to_owned()))
            }
        }

        deserializer.deserialize_any(ResyncVisitor)
    }
}

/// The members of an event.
const MEMBERS: [&str; 8] = [
    "user", "role", "set", "observe", "change", "resync", "id", "at",
];

/// The members of which an event must have at least one.
const SAYING: [&str; 5] = ["role", "set", "observe", "change", "resync"];

impl<'de: 'a, 'a> Deserialize<'de> for EventMessage<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MessageVisitor<'a>(std::marker::PhantomData<&'a ()>);

        impl<'de: 'a, 'a> Visitor<'de> for MessageVisitor<'a> {
            type Value = EventMessage<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an event: an object in one line")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                use serde::de::Error;
                let mut message = EventMessage::default();
                let mut known = [false; MEMBERS.len()];
                let mut suspects: SmallVec<[(String, &'static str); 1]> = SmallVec::new();
                while let Some(EventText(name)) = map.next_key::<EventText<'a>>()? {
                    let Some(at) = MEMBERS.iter().position(|member| *member == name) else {
                        map.next_value::<serde::de::IgnoredAny>()?;
                        let meant = SAYING.into_iter().find(|saying| is_misspelt(&name, saying));
                        if let Some(meant) = meant
                            && suspects.iter().all(|(_, known)| *known != meant)
                        {
                            suspects.push((name.into_owned(), meant));
                        }
                        continue;
                    };
                    if std::mem::replace(&mut known[at], true) {
                        return Err(A::Error::duplicate_field(MEMBERS[at]));
                    }
                    match MEMBERS[at] {
                        "user" => message.user = map.next_value::<EventText<'a>>()?.0,
                        "role" => message.role = map.next_value()?,
                        "set" => message.set = map.next_value()?,
                        "observe" => message.observe = map.next_value()?,
                        "change" => message.change = map.next_value()?,
                        "resync" => message.resync = map.next_value()?,
                        "id" => {
                            let id = map.next_value::<Option<&'a RawValue>>()?;
                            message.id = id.map(RawValue::get);
                        }
                        _ => message.at = map.next_value()?,
                    }
                }
                if !known[0] {
                    return Err(A::Error::missing_field("user"));
                }
                let is_missing = |meant: &str| {
                    let at = MEMBERS.iter().position(|member| *member == meant);
                    at.is_some_and(|at| !known[at])
                };
                message.misspelt = suspects.into_iter().find(|(_, meant)| is_missing(meant));
                Ok(message)
            }
        }

        deserializer.deserialize_map(MessageVisitor(std::marker::PhantomData))
    }
}

/// Whether a member that no event has is probably `known` with a spelling mistake.
fn is_misspelt(member: &str, known: &str) -> bool {
    // Members that commands have, so that they can be part of an event.
    if member == "rule" {
        return false;
    }
    let member = member.to_lowercase();
    let distance = strsim::osa_distance(&member, known);
    let is_short = known.len() < 5;
    let (one, other) = (member.len(), known.len());
    // Many ordinary words are one letter away from a short one.
    let lengthened = one == other + 1 && member.starts_with(known);
    let dropped = known.len() > 3 && one + 1 == other;
    let swapped = one == other && sorted(&member) == sorted(known);
    distance == 0
        || known == "observe" && member == "state"
        || !is_short && distance <= 2
        || distance == 1 && (lengthened || dropped || swapped)
}

fn sorted(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.sort_unstable();
    bytes
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

/// The members of an object, in order. Each name occurs once.
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
                    if pairs.iter().any(|(known, _)| *known == name) {
                        let message = format!("`{name}` occurs twice");
                        return Err(serde::de::Error::custom(message));
                    }
                    // Each name is compared with all before it, and a line has room for a
                    // million of them.
                    if pairs.len() == MAX_MEMBERS {
                        let message = format!("an object has more than {MAX_MEMBERS} members");
                        return Err(serde::de::Error::custom(message));
                    }
                    pairs.push((name, value));
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

/// The first member of an event with a value of the wrong kind.
fn wrong_member(text: &str) -> Option<Malformed> {
    let serde_json::Value::Object(members) = serde_json::from_str(text).ok()? else {
        return None;
    };
    let object = "an object with names, as in {\"cic\": \"Available\"}";
    let name = "the name as a text in quotes";
    members.into_iter().find_map(|(member, value)| {
        // Every member but `user` may be null.
        if value.is_null() && member != "user" {
            return None;
        }
        let (fits, wanted) = match member.as_str() {
            "user" | "role" => (value.is_string(), name),
            "at" => (
                value.is_string(),
                "a time as text, as in \"2026-11-22T12:00:00Z\"",
            ),
            "change" | "observe" | "set" => (value.is_object(), object),
            "resync" => (
                value.is_string() || value == serde_json::Value::Bool(true),
                "the name of a system, or true",
            ),
            _ => return None,
        };
        (!fits).then(|| Malformed::Member {
            member: member.clone(),
            found: kind_of(&value),
            wanted,
        })
    })
}

fn kind_of(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "null".to_owned(),
        serde_json::Value::Bool(value) => value.to_string(),
        serde_json::Value::Number(number) => format!("the number {number}"),
        serde_json::Value::String(_) => "a text".to_owned(),
        serde_json::Value::Array(_) => "an array".to_owned(),
        serde_json::Value::Object(_) => "an object".to_owned(),
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
                serde_json::error::Category::Data => {
                    wrong_member(text).unwrap_or(Malformed::Shape { what, column })
                }
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
        if let Some((member, meant)) = &self.misspelt {
            return Err(Malformed::Misspelt {
                member: member.clone(),
                meant,
            }
            .into());
        }
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
        for (name, observed) in &self.observe.0 {
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
        let resync = match &self.resync {
            Some(ResyncMessage::System(name)) => Some(Resync::System(schema.system_named(name)?)),
            Some(ResyncMessage::ByHandLast(_)) => Some(Resync::ByHandLast),
            None => None,
        };
        let parse = |text: &String| {
            let known = time(text).or_else(|| {
                text.parse::<jiff::Timestamp>()
                    .ok()
                    .map(jiff::Timestamp::as_millisecond)
            });
            known.ok_or_else(|| Malformed::Time(text.clone()))
        };
        let at = self.at.as_ref().map(parse).transpose()?;
        let event = Event {
            role,
            set,
            observe,
            change,
            resync,
            at,
        };
        if event.says_nothing() {
            return Err(Rejection::SaysNothing);
        }
        Ok(event)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_misspelt_if_it_is_near_a_known_one() {
        for (member, known) in [
            ("Role", Some("role")),
            ("roel", Some("role")),
            ("rol", Some("role")),
            ("roles", Some("role")),
            ("rule", None),
            ("rolf", None),
            ("prole", None),
            ("sets", Some("set")),
            ("est", Some("set")),
            ("se", None),
            ("bet", None),
            ("state", Some("observe")),
            ("stat", None),
            ("chnage", Some("change")),
            ("chan", Some("change")),
            ("cha", None),
            ("hcagne", Some("change")),
            ("resycn", Some("resync")),
        ] {
            let meant = SAYING
                .into_iter()
                .find(|saying| is_misspelt(member, saying));
            assert_eq!(meant, known, "{member}");
        }
    }

    #[test]
    fn the_first_misspelt_member_that_is_missing_is_named() {
        let suspect = |line: &str| {
            let message: EventMessage<'_> = serde_json::from_str(line).expect("an event");
            message.misspelt.map(|(member, _)| member)
        };
        let line = r#"{"user":"a","change":{},"chnage":1,"roel":"x","role_":"x"}"#;
        assert_eq!(suspect(line).as_deref(), Some("roel"));
        assert_eq!(suspect(r#"{"user":"a","change":{},"chnage":1}"#), None);
    }

    #[test]
    fn errors_name_what_is_expected() {
        let event = serde_json::from_str::<EventMessage<'_>>("3").map(|_| ());
        let event = event.expect_err("a number is not an event").to_string();
        assert!(event.contains("an object in one line"), "{event}");
        let resync = serde_json::from_str::<ResyncMessage>("3").map(|_| ());
        let resync = resync.expect_err("a number is not a system").to_string();
        assert!(resync.contains("changed by hand last"), "{resync}");
        let members = serde_json::from_str::<Members<'_, String>>("3").map(|_| ());
        let members = members.expect_err("a number is not an object").to_string();
        assert!(members.contains("expected an object"), "{members}");
    }

    #[test]
    fn the_wrong_member_is_named() {
        let wrong = |line: &str| match wrong_member(line) {
            Some(Malformed::Member { member, .. }) => member,
            other => panic!("{line}: {other:?}"),
        };
        for line in [
            r#"{"user":"a","WRONG":5}"#,
            r#"{"user":"a","WRONG":[],"other":{}}"#,
        ] {
            for member in ["at", "change", "observe", "resync", "role", "set"] {
                assert_eq!(wrong(&line.replace("WRONG", member)), member);
            }
        }
        assert_eq!(wrong(r#"{"user":null}"#), "user");
        assert_eq!(wrong(r#"{"user":"a","resync":false}"#), "resync");
        for right in [
            r#""resync":true"#,
            r#""resync":"a""#,
            r#""at":null"#,
            r#""change":{}"#,
        ] {
            assert_eq!(
                wrong(&format!("{{\"user\":\"a\",{right},\"set\":5}}")),
                "set"
            );
        }
    }
}
