//! The ids of a schema: small numbers of their own types, in the order of names.
//!
//! Ids come from a [`Schema`](crate::Schema), by name or by going through it. They are the same in a program, its diagrams,
//! its tables, events and sessions. An id of another schema is an error or names nothing; it never panics.

/// A system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SystemId(u16);

/// A state, which knows its system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StateId {
    system: SystemId,
    number: u16,
}

/// A flag or a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FactId(u16);

/// A value of a fact: false and true of a flag, else one of the choice's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId {
    fact: FactId,
    number: u16,
}

/// A role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoleId(u32);

/// From one system to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Direction {
    from: SystemId,
    to: SystemId,
}

impl Direction {
    /// `None` if both are the same system.
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

    /// The way back.
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

/// How ids are laid out in arrays: for crates that keep them packed.
mod raw {
    use super::{FactId, RoleId, StateId, SystemId, ValueId};

    impl SystemId {
        /// Its place among the systems of its schema.
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
        /// Its place among the states of its system.
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

        /// The value of a variable or column of its system: 0 is a state that is not known.
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
        /// Its place among the facts of its schema.
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
        /// Its place among the values of its fact.
        #[doc(hidden)]
        #[inline]
        pub fn index(self) -> usize {
            usize::from(self.number)
        }

        /// The value of a variable or column of its fact.
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
        /// Its place among the roles of its schema.
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
