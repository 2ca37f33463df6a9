//! Tests and scenarios with their names resolved.

use crate::program::{CondId, Direction, RoleId, StateId, SystemId, ValueId};
use crate::source::Location;

#[derive(Debug, Clone)]
pub struct Test {
    pub name: String,
    pub location: Location,
    /// One, or all of the program.
    pub roles: Vec<RoleId>,
    /// All `given` conditions joined with `and`.
    pub given: CondId,
    /// The `given` list, or the test's name if it has none.
    pub given_location: Location,
    pub expectations: Vec<Expectation>,
}

#[derive(Debug, Clone)]
pub struct Expectation {
    pub direction: Direction,
    pub states: Vec<StateId>,
    pub negated: bool,
    /// Any of these states.
    pub set: Vec<StateId>,
    pub unchanged: bool,
    pub unmapped: bool,
    pub previous: bool,
    /// `None`: any appendix.
    pub append: Option<Vec<String>>,
    pub location: Location,
}

#[derive(Debug, Clone)]
pub struct Scenario {
    pub name: String,
    pub location: Location,
    /// The initial role, if the first step names one or the program has only one.
    pub role: Option<RoleId>,
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone)]
pub struct Step {
    pub kind: StepKind,
    /// `None`: any commands.
    pub commands: Option<Vec<ExpectedCommand>>,
    pub location: Location,
}

#[derive(Debug, Clone)]
pub enum StepKind {
    Role(RoleId),
    Set(Vec<ValueId>),
    Observe(Vec<(SystemId, Option<StateId>)>),
    /// `None`: the system that changed by hand last.
    Resync(Option<SystemId>),
    /// Seconds that pass.
    Wait(u32),
    Change(StateId),
}

#[derive(Debug, Clone)]
pub struct ExpectedCommand {
    pub state: StateId,
    /// `None`: any appendix.
    pub append: Option<Vec<String>>,
    pub location: Location,
}
