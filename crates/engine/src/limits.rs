//! How much a schema may hold, so that each analysis ends and ids stay small. Far above what a site has.

pub const MAX_SYSTEMS: usize = 50;

/// Of one system.
pub const MAX_STATES: usize = 5_000;

/// Flags and choices together.
pub const MAX_FACTS: usize = 1_000;

/// Of one choice.
pub const MAX_VALUES: usize = 1_000;

pub const MAX_ROLES: usize = 20_000;
