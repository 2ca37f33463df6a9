//! Size limits of a schema, far above what any site needs. They keep analyses bounded and ids small.

pub const MAX_SYSTEMS: usize = 50;

/// Per system.
pub const MAX_STATES: usize = 5_000;

/// Flags and choices combined.
pub const MAX_FACTS: usize = 1_000;

/// Per choice.
pub const MAX_VALUES: usize = 1_000;

pub const MAX_ROLES: usize = 20_000;
