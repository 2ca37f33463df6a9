//! A situation: a value for each fact, and the state that each system shows.

use std::fmt;
use std::sync::Arc;

use crate::ids::{FactId, StateId, SystemId, ValueId};
use crate::names::UnknownName;
use crate::schema::{Column, Schema};

/// The number of a choice that nobody has set.
pub(crate) const UNSET: u32 = u32::MAX;

/// The value of a fact; the first one while nobody has set it.
#[derive(Clone, Copy)]
pub(crate) struct FactSlot {
    pub value: u32,
    size: u16,
    pub is_set: bool,
}

/// What holds when a change is decided. At first flags are false, choices have their defaults or none, and no state is
/// known.
#[derive(Clone)]
pub struct Situation {
    pub(crate) schema: Arc<Schema>,
    pub(crate) facts: Box<[FactSlot]>,
    /// By system: the number of its state plus one, 0 where it is not known.
    pub(crate) states: Box<[u32]>,
}

/// A value as it is given: `true` for a flag, a name for a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given<'a> {
    Flag(bool),
    Name(&'a str),
}

impl From<bool> for Given<'_> {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl<'a> From<&'a str> for Given<'a> {
    fn from(name: &'a str) -> Self {
        Self::Name(name)
    }
}

impl Situation {
    pub fn new(schema: Arc<Schema>) -> Self {
        let slot = |(fact, _)| {
            let initial = schema.initial(fact);
            let value = initial.map_or(0, ValueId::value);
            let size = schema.column_size(Column::Fact(fact)) as u16;
            FactSlot {
                value,
                size,
                is_set: initial.is_some(),
            }
        };
        let facts = schema.facts().map(slot).collect();
        let states = vec![0; schema.systems().len()].into();
        Self {
            schema,
            facts,
            states,
        }
    }

    /// Gives a fact a value, by names.
    ///
    /// # Errors
    /// There is no such fact, or it has no such value.
    pub fn set<'a>(mut self, fact: &str, value: impl Into<Given<'a>>) -> Result<Self, UnknownName> {
        let fact = self.schema.fact_named(fact)?;
        let name = match value.into() {
            Given::Flag(true) => "true",
            Given::Flag(false) => "false",
            Given::Name(name) => name,
        };
        let value = self.schema.value_named(fact, name)?;
        self.set_value(value);
        Ok(self)
    }

    /// Says which state a system shows, by names as on the wire.
    ///
    /// # Errors
    /// There is no such system, or it has no such state.
    pub fn show(mut self, system: &str, state: &str) -> Result<Self, UnknownName> {
        let system = self.schema.system_named(system)?;
        let state = self.schema.state_named(system, state)?;
        self.set_state(state);
        Ok(self)
    }

    /// Gives a fact a value; one of another schema changes nothing.
    #[inline]
    pub fn set_value(&mut self, value: ValueId) {
        if let Some(fact) = self.facts.get_mut(value.fact().index())
            && value.index() < usize::from(fact.size)
        {
            (fact.value, fact.is_set) = (value.value(), true);
        }
    }

    /// Says which state a system shows; one of another schema changes nothing.
    #[inline]
    pub fn set_state(&mut self, state: StateId) {
        if self.schema.has_state(state)
            && let Some(system) = self.states.get_mut(state.system().index())
        {
            *system = state.value();
        }
    }

    /// Says that what a system shows is not known.
    pub fn forget_state(&mut self, system: SystemId) {
        if let Some(state) = self.states.get_mut(system.index()) {
            *state = 0;
        }
    }

    /// The values of all facts that have one.
    pub fn values(&self) -> impl Iterator<Item = ValueId> + '_ {
        self.schema.facts().filter_map(|(fact, _)| self.value(fact))
    }

    /// `None` for a choice that has no value.
    pub fn value(&self, fact: FactId) -> Option<ValueId> {
        let slot = self.facts.get(fact.index())?;
        slot.is_set
            .then(|| ValueId::from_index(fact, slot.value as usize))
    }

    /// `None` where the state is not known.
    pub fn state(&self, system: SystemId) -> Option<StateId> {
        StateId::from_value(system, *self.states.get(system.index())?)
    }

    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }
}

impl fmt::Debug for Situation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let facts = self.schema.facts().map(|(id, fact)| {
            (
                fact.name.as_str(),
                self.value(id).map(|value| self.schema.value_name(value)),
            )
        });
        let systems = self.schema.systems().map(|(id, system)| {
            (
                system.name.as_str(),
                self.state(id)
                    .map(|state| self.schema.state(state).name.as_str()),
            )
        });
        f.debug_map().entries(facts).entries(systems).finish()
    }
}
