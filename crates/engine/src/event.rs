//! In: one line of the event stream. Out: an event with names resolved to the tables' indices.
//! Errors: a rejection with a stable code and a sentence.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use smallvec::SmallVec;

use crate::table::{FactKind, Tables};
use crate::time::time;

/// Why an event was refused; nothing of it was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// `malformed`, `unknown-role`, `unknown-system`, `unknown-state`, `unknown-fact`, `unknown-value`, `no-role`,
    /// `unset-choice`, `several-systems`, `too-many-users`.
    pub code: &'static str,
    pub message: String,
}

impl Rejection {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// An event as it stands in its line.
#[derive(Debug, Default, Deserialize)]
#[serde(expecting = "an event: an object in one line")]
pub struct RawEvent<'a> {
    #[serde(borrow)]
    pub user: Cow<'a, str>,
    #[serde(default)]
    pub role: Option<String>,
    #[serde(borrow, default)]
    pub set: Pairs<'a, FactValue<'a>>,
    #[serde(borrow, default)]
    pub state: Pairs<'a, Option<String>>,
    #[serde(borrow, default)]
    pub change: Pairs<'a, String>,
    #[serde(default)]
    pub resync: Option<String>,
    /// As JSON.
    #[serde(borrow, default, deserialize_with = "raw")]
    pub id: Option<&'a str>,
    #[serde(default)]
    pub at: Option<String>,
}

fn raw<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a str>, D::Error> {
    Ok(Option::<&'a RawValue>::deserialize(deserializer)?.map(RawValue::get))
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum FactValue<'a> {
    Flag(bool),
    #[serde(borrow)]
    Choice(Cow<'a, str>),
    Other(serde::de::IgnoredAny),
}

/// An object in an event has no more members than a program has facts.
const MAX_MEMBERS: usize = 1_000;

/// An object's members in order; a name that comes twice counts with its last value.
#[derive(Debug)]
pub struct Pairs<'a, T>(pub SmallVec<[(Cow<'a, str>, T); 3]>);

impl<T> Default for Pairs<'_, T> {
    fn default() -> Self {
        Self(SmallVec::new())
    }
}

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for Pairs<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<'a, T>(std::marker::PhantomData<(&'a (), T)>);

        impl<'de: 'a, 'a, T: Deserialize<'de>> Visitor<'de> for Members<'a, T> {
            type Value = Pairs<'a, T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Pairs(SmallVec::new()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs: SmallVec<[(Cow<'a, str>, T); 3]> = SmallVec::new();
                while let Some((Text(name), value)) = map.next_entry::<Text<'a>, T>()? {
                    match pairs.iter().position(|(known, _)| *known == name) {
                        Some(known) => pairs[known].1 = value,
                        // Each is compared with all before it: a line has room for a million of them.
                        None if pairs.len() == MAX_MEMBERS => {
                            let message = format!("an object has more than {MAX_MEMBERS} members");
                            return Err(serde::de::Error::custom(message));
                        }
                        None => pairs.push((name, value)),
                    }
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_any(Members(std::marker::PhantomData))
    }
}

/// A string that is borrowed where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// An event with its names resolved.
#[derive(Debug, Default, Clone)]
pub struct Event {
    pub role: Option<u32>,
    /// Fact and value.
    pub set: SmallVec<[(u32, u32); 3]>,
    /// System and state; `None`: not known any more.
    pub observe: SmallVec<[(u32, Option<u32>); 2]>,
    pub change: Option<(u32, u32)>,
    pub resync: Option<u32>,
    /// In milliseconds since 1970.
    pub at: Option<i64>,
}

impl<'a> RawEvent<'a> {
    /// Any JSON that is an event.
    pub fn parse(text: &'a str) -> Result<Self, Rejection> {
        if !text.starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
            return Err(Rejection::new("malformed", "an event is a JSON object"));
        }
        serde_json::from_str(text).map_err(|error| {
            let message = error.to_string();
            let what = message
                .rsplit_once(" at line ")
                .map_or(message.as_str(), |(what, _)| what);
            let message = match error.classify() {
                serde_json::error::Category::Data => {
                    format!("{what}, at character {}", error.column())
                }
                serde_json::error::Category::Eof => {
                    "the line ends in the middle of the JSON".to_owned()
                }
                _ => format!("not JSON: {what} at character {}", error.column()),
            };
            Rejection::new("malformed", message)
        })
    }

    pub fn resolve(&self, tables: &Tables) -> Result<Event, Rejection> {
        let system = |name: &str| {
            tables
                .system(name)
                .map(|at| at as u32)
                .ok_or_else(|| unknown("system", name))
        };
        let state = |at: u32, name: &str| {
            let at = at as usize;
            let unknown = || {
                Rejection::new(
                    "unknown-state",
                    format!("{} has no state `{name}`", tables.systems[at].name),
                )
            };
            tables.state(at, name).ok_or_else(unknown)
        };
        let role = match &self.role {
            Some(name) => Some(tables.role(name).ok_or_else(|| unknown("role", name))? as u32),
            None => None,
        };
        let set = self
            .set
            .0
            .iter()
            .map(|(name, value)| fact_value(tables, name, value))
            .collect::<Result<_, _>>()?;
        let mut observe = SmallVec::new();
        for (name, observed) in &self.state.0 {
            let at = system(name)?;
            observe.push((
                at,
                observed.as_ref().map(|name| state(at, name)).transpose()?,
            ));
        }
        let change = match self.change.0.as_slice() {
            [] => None,
            [(name, entered)] => {
                let at = system(name)?;
                Some((at, state(at, entered)?))
            }
            several => {
                let names: Vec<&str> = several.iter().map(|(name, _)| &**name).collect();
                let message = format!(
                    "one event changes one system, this one {}: send one event for each",
                    names.join(" and ")
                );
                return Err(Rejection::new("several-systems", message));
            }
        };
        let resync = self.resync.as_ref().map(|name| system(name)).transpose()?;
        let at = match &self.at {
            None => None,
            Some(text) => Some(match time(text) {
                Some(time) => time,
                None => text
                    .parse::<jiff::Timestamp>()
                    .map(jiff::Timestamp::as_millisecond)
                    .map_err(|_| {
                        Rejection::new(
                            "malformed",
                            format!("`at` is not a time like 2026-11-22T12:00:00Z, but `{text}`"),
                        )
                    })?,
            }),
        };
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

fn fact_value(tables: &Tables, name: &str, value: &FactValue<'_>) -> Result<(u32, u32), Rejection> {
    let fact = tables.fact(name).ok_or_else(|| unknown("fact", name))?;
    let number = fact as u32;
    let wrong = |message: String| Err(Rejection::new("unknown-value", message));
    match (&tables.facts[fact].kind, value) {
        (FactKind::Flag, FactValue::Flag(value)) => Ok((number, u32::from(*value))),
        (FactKind::Flag, _) => wrong(format!("`{name}` is a flag: it is true or false")),
        (FactKind::Choice { .. }, FactValue::Choice(value)) => match tables.value(fact, value) {
            Some(at) => Ok((number, at)),
            None => wrong(format!("`{name}` has no value `{value}`")),
        },
        (FactKind::Choice { values, .. }, _) => wrong(format!(
            "`{name}` takes one of the texts {}",
            values.join(", ")
        )),
    }
}

fn unknown(what: &str, name: &str) -> Rejection {
    let code = match what {
        "system" => "unknown-system",
        "role" => "unknown-role",
        _ => "unknown-fact",
    };
    Rejection::new(code, format!("no {what} is called `{name}`"))
}
