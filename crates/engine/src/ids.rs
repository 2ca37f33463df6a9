//! The ids of a schema: small numbers with a type for each kind, in name order.
//!
//! Get ids from a [`Schema`](crate::Schema), by name or by iteration. A program, its diagrams,
//! tables, events and sessions share them. An id from another schema is an error or refers to
//! nothing; it never causes a panic.

/// Identifies a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SystemId(u16);

/// Identifies a state and its system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StateId {
    system: SystemId,
    number: u16,
}

/// Identifies a fact: a flag or a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FactId(u16);

/// Identifies a value of a fact: false or true for a flag, one of the declared values for a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId {
    fact: FactId,
    number: u16,
}

/// Identifies a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoleId(u32);

/// An ordered pair of different systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Direction {
    from: SystemId,
    to: SystemId,
}

impl Direction {
    /// Returns `None` if both systems are the same.
    pub fn new(from: SystemId, to: SystemId) -> Option<Self> {
        (from != to).then_some(Self { from, to })
    }

    /// The system that changes.
    #[inline]
    pub fn from(self) -> SystemId {
        self.from
    }

    /// The system that follows.
    #[inline]
    pub fn to(self) -> SystemId {
        self.to
    }

    /// The opposite direction.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self {
            from: self.to,
            to: self.from,
        }
    }
}

impl StateId {
    #[inline]
    pub fn system(self) -> SystemId {
        self.system
    }
}

impl ValueId {
    #[inline]
    pub fn fact(self) -> FactId {
        self.fact
    }
}

/// Conversions between ids and array indices, for crates that store ids packed.
mod raw {
    use super::{FactId, RoleId, StateId, SystemId, ValueId};

    impl SystemId {
        /// The index among the systems of its schema.
        #[doc(hidden)]
        #[inline]
        pub fn index(self) -> usize {
            usize::from(self.0)
        }

        #[doc(hidden)]
        #[inline]
        pub fn from_index(index: usize) -> Self {
            debug_assert!(u16::try_from(index).is_ok(), "there are fewer systems");
            Self(index as u16)
        }
    }

    impl StateId {
        /// The index among the states of its system.
        #[doc(hidden)]
        #[inline]
        pub fn index(self) -> usize {
            usize::from(self.number)
        }

        #[doc(hidden)]
        #[inline]
        pub fn from_index(system: SystemId, index: usize) -> Self {
            debug_assert!(u16::try_from(index).is_ok(), "there are fewer states");
            Self {
                system,
                number: index as u16,
            }
        }

        /// The value in a variable or column of its system, where 0 is an unknown state.
        #[doc(hidden)]
        #[inline]
        pub fn value(self) -> u32 {
            u32::from(self.number) + 1
        }

        #[doc(hidden)]
        #[inline]
        pub fn from_value(system: SystemId, value: u32) -> Option<Self> {
            Some(Self::from_index(system, value.checked_sub(1)? as usize))
        }
    }

    impl FactId {
        /// The index among the facts of its schema.
        #[doc(hidden)]
        #[inline]
        pub fn index(self) -> usize {
            usize::from(self.0)
        }

        #[doc(hidden)]
        #[inline]
        pub fn from_index(index: usize) -> Self {
            debug_assert!(u16::try_from(index).is_ok(), "there are fewer facts");
            Self(index as u16)
        }
    }

    impl ValueId {
        /// The index among the values of its fact.
        #[doc(hidden)]
        #[inline]
        pub fn index(self) -> usize {
            usize::from(self.number)
        }

        /// The value in a variable or column of its fact.
        #[doc(hidden)]
        #[inline]
        pub fn value(self) -> u32 {
            u32::from(self.number)
        }

        #[doc(hidden)]
        #[inline]
        pub fn from_index(fact: FactId, index: usize) -> Self {
            debug_assert!(u16::try_from(index).is_ok(), "there are fewer values");
            Self {
                fact,
                number: index as u16,
            }
        }
    }

    impl RoleId {
        /// The index among the roles of its schema.
        #[doc(hidden)]
        #[inline]
        pub fn index(self) -> usize {
            self.0 as usize
        }

        #[doc(hidden)]
        #[inline]
        pub fn from_index(index: usize) -> Self {
            Self(index as u32)
        }
    }
}
