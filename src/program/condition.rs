//! Interned conditions: equal conditions have equal ids, and parts have smaller ids than the whole.

use std::collections::HashMap;

use crate::program::{FactId, StateId, SystemId, ValueId};

/// An index into [`Conditions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CondId(pub u32);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Cond {
    True,
    /// The flag is set.
    Flag(FactId),
    /// The choice has one of these values, ascending.
    Value(FactId, Box<[ValueId]>),
    /// The system's state is known and is one of these, ascending.
    State(SystemId, Box<[StateId]>),
    /// The system's state is known and did not come from us.
    ByHand(SystemId),
    Not(CondId),
    And(Box<[CondId]>),
    Or(Box<[CondId]>),
}

#[derive(Debug, Clone)]
pub struct Conditions {
    nodes: Vec<Cond>,
    ids: HashMap<Cond, CondId, rustc_hash::FxBuildHasher>,
}

impl Default for Conditions {
    fn default() -> Self {
        let mut conditions = Self {
            nodes: Vec::new(),
            ids: HashMap::default(),
        };
        conditions.intern(Cond::True);
        conditions
    }
}

impl Conditions {
    pub const TRUE: CondId = CondId(0);

    pub fn intern(&mut self, cond: Cond) -> CondId {
        if let Some(id) = self.ids.get(&cond) {
            return *id;
        }
        let id = CondId(self.nodes.len() as u32);
        self.nodes.push(cond.clone());
        self.ids.insert(cond, id);
        id
    }

    pub fn and(&mut self, left: CondId, right: CondId) -> CondId {
        match (left, right) {
            (Self::TRUE, other) | (other, Self::TRUE) => other,
            _ if left == right => left,
            _ => self.intern(Cond::And([left, right].into())),
        }
    }

    pub fn get(&self, id: CondId) -> &Cond {
        &self.nodes[id.0 as usize]
    }

    /// All conditions, parts before wholes.
    pub fn iter(&self) -> impl Iterator<Item = (CondId, &Cond)> {
        self.nodes
            .iter()
            .enumerate()
            .map(|(at, cond)| (CondId(at as u32), cond))
    }

    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}
