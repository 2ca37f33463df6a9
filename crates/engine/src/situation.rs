//! A situation: a value for each fact and a state for each system.

use std::fmt;
use std::sync::Arc;

use crate::ids::{FactId, StateId, SystemId, ValueId};
use crate::names::UnknownName;
use crate::schema::{Column, Schema};

/// The number of a choice without a value.
pub(crate) const UNSET: u32 = u32::MAX;

/// The value of a fact; the first value while the fact is not set.
#[derive(Clone, Copy)]
pub(crate) struct FactSlot {
    pub value: u32,
    size: u16,
    pub is_set: bool,
}

/// The facts and states that a change is decided in. At first, flags are false, choices have their
/// default or no value, and all states are unknown.
#[derive(Clone)]
pub struct Situation {
    pub(crate) schema: Arc<Schema>,
    pub(crate) facts: Box<[FactSlot]>,
    /// By system: the number of its state plus one; 0 if unknown.
    pub(crate) states: Box<[u32]>,
    /// By system: 1 if its state did not come from us.
    pub(crate) by_hand: Box<[u32]>,
    /// By system: the number of its own state plus one; 0 if unknown.
    own: Box<[u32]>,
}

/// The inputs of a decision, by index of a fact or system.
pub(crate) trait Inputs {
    fn fact(&self, at: usize) -> u32;
    /// The number of the state plus one; 0 if unknown.
    fn state(&self, at: usize) -> u32;
    /// 1 if the state is known and did not come from us.
    fn by_hand(&self, at: usize) -> u32;

    #[inline]
    fn value(&self, column: Column) -> u32 {
        match column {
            Column::Fact(fact) => self.fact(fact.index()),
            Column::State(system) => self.state(system.index()),
            Column::ByHand(system) => self.by_hand(system.index()),
        }
    }
}

/// A number of a system; 0 for one that the schema does not have.
#[inline]
fn number(of: &[u32], at: usize) -> u32 {
    of.get(at).copied().unwrap_or_default()
}

impl Inputs for Situation {
    #[inline]
    fn fact(&self, at: usize) -> u32 {
        self.facts.get(at).map_or(0, |fact| fact.value)
    }

    #[inline]
    fn state(&self, at: usize) -> u32 {
        number(&self.states, at)
    }

    #[inline]
    fn by_hand(&self, at: usize) -> u32 {
        number(&self.by_hand, at)
    }
}

/// Inputs as the session has them.
pub(crate) struct SessionInputs<'a> {
    /// The number of each fact's value, below its size or [`UNSET`].
    pub facts: &'a [u32],
    pub states: &'a [u32],
    pub by_hand: &'a [u32],
}

impl Inputs for SessionInputs<'_> {
    /// `UNSET` is out of range; the outcome does not depend on such a choice, so any value will do.
    #[inline]
    fn fact(&self, at: usize) -> u32 {
        let value = self.facts.get(at).copied();
        value.filter(|value| *value != UNSET).unwrap_or(0)
    }

    #[inline]
    fn state(&self, at: usize) -> u32 {
        number(self.states, at)
    }

    #[inline]
    fn by_hand(&self, at: usize) -> u32 {
        number(self.by_hand, at)
    }
}

/// A value for [`Situation::set`]: `true` or `false` for a flag, a name for a choice.
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
        let unknown: Box<[u32]> = vec![0; schema.systems().len()].into();
        Self {
            schema,
            facts,
            states: unknown.clone(),
            by_hand: unknown.clone(),
            own: unknown,
        }
    }

    /// Sets a fact, by names.
    ///
    /// # Errors
    /// The fact or its value is unknown.
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

    /// Sets the state of a system, by names as in events. It counts as set by us; see [`Situation::show_by_hand`].
    ///
    /// # Errors
    /// The system or its state is unknown.
    pub fn show(mut self, system: &str, state: &str) -> Result<Self, UnknownName> {
        let system = self.schema.system_named(system)?;
        let state = self.schema.state_named(system, state)?;
        self.set_state(state);
        Ok(self)
    }

    /// Sets a state that the user, or some other program, has chosen, by names as in events.
    ///
    /// # Errors
    /// The system or its state is unknown.
    pub fn show_by_hand(self, system: &str, state: &str) -> Result<Self, UnknownName> {
        let mut shown = self.show(system, state)?;
        let system = shown.schema.system_named(system)?;
        shown.set_by_hand(system);
        Ok(shown)
    }

    /// Sets a fact. Ignores values that the schema does not have.
    #[inline]
    pub fn set_value(&mut self, value: ValueId) {
        if let Some(fact) = self.facts.get_mut(value.fact().index())
            && value.index() < usize::from(fact.size)
        {
            (fact.value, fact.is_set) = (value.value(), true);
        }
    }

    /// Sets the state of a system, by us. Ignores states that the schema does not have.
    #[inline]
    pub fn set_state(&mut self, state: StateId) {
        let at = state.system().index();
        if self.schema.has_state(state)
            && let (Some(shown), Some(by_hand)) =
                (self.states.get_mut(at), self.by_hand.get_mut(at))
        {
            (*shown, *by_hand) = (state.value(), 0);
        }
    }

    /// Makes the state of a system one that did not come from us, if it is known.
    pub fn set_by_hand(&mut self, system: SystemId) {
        let known = self.state(system).is_some();
        if let Some(by_hand) = self.by_hand.get_mut(system.index()) {
            *by_hand = u32::from(known);
        }
    }

    /// Sets a system's own state, which `previous` brings back. Ignores states that the schema does not have.
    pub fn set_own(&mut self, state: StateId) {
        if self.schema.has_state(state)
            && let Some(own) = self.own.get_mut(state.system().index())
        {
            *own = state.value();
        }
    }

    /// A system's own state; `None` if unknown.
    pub fn own(&self, system: SystemId) -> Option<StateId> {
        StateId::from_value(system, *self.own.get(system.index())?)
    }

    /// Whether the state of a system is known and did not come from us.
    pub fn is_by_hand(&self, system: SystemId) -> bool {
        self.by_hand.get(system.index()) == Some(&1)
    }

    /// Makes the state of a system unknown.
    pub fn forget_state(&mut self, system: SystemId) {
        let at = system.index();
        if let (Some(shown), Some(by_hand)) = (self.states.get_mut(at), self.by_hand.get_mut(at)) {
            (*shown, *by_hand) = (0, 0);
        }
    }

    /// The values of all facts that have a value.
    pub fn values(&self) -> impl Iterator<Item = ValueId> + '_ {
        self.schema.facts().filter_map(|(fact, _)| self.value(fact))
    }

    /// The value of a fact; `None` for a choice without a value.
    pub fn value(&self, fact: FactId) -> Option<ValueId> {
        let slot = self.facts.get(fact.index())?;
        slot.is_set
            .then(|| ValueId::from_index(fact, slot.value as usize))
    }

    /// The state of a system; `None` if unknown.
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
