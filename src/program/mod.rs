//! The resolved program: ids in place of names, conditions and groups expanded, mappings applied.
//! An unresolved name cannot be expressed here; places in the source are kept for messages and origins.

mod condition;
mod expectation;

pub use condition::{Cond, CondId, Conditions};
pub use expectation::{Assignment, Command, Expectation, Scenario, Step, StepKind, Test};

use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::source::{Location, Sources};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl $name {
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

id!(
    /// An index into [`Program::systems`].
    SystemId
);
id!(
    /// An index into the states of one system.
    StateId
);
id!(
    /// An index into [`Program::facts`].
    FactId
);
id!(
    /// An index into [`Program::profiles`].
    ProfileId
);
id!(
    /// An index into [`Program::roles`].
    RoleId
);
id!(
    /// An index into [`Program::written`].
    WrittenId
);
id!(
    /// An index into [`Program::written_conditions`].
    WhenId
);
id!(
    /// An index into [`Program::declared`].
    DeclaredId
);

/// A program without errors, except conflicts where the checker says so.
#[derive(Debug, Default)]
pub struct Program {
    pub sources: Sources,
    pub systems: Vec<System>,
    pub facts: Vec<Fact>,
    pub conditions: Conditions,
    pub written: Vec<Written>,
    pub profiles: Vec<Profile>,
    pub roles: Vec<Role>,
    pub tests: Vec<Test>,
    pub scenarios: Vec<Scenario>,
    /// What the lints look at beside the meaning.
    pub declared: Vec<Declared>,
    pub references: FxHashSet<Reference>,
    pub allows: Vec<Allow>,
    pub written_conditions: Vec<WrittenCondition>,
    pub case_mismatches: Vec<CaseMismatch>,
}

#[derive(Debug)]
pub struct System {
    pub name: String,
    pub title: Option<String>,
    pub states: Vec<State>,
    pub attributes: Vec<String>,
    /// The flag that says that the user is logged in to it.
    pub online: Option<FactId>,
    /// The longest text that it takes, in characters, appendices counted.
    pub text: Option<u32>,
    pub location: Location,
}

impl System {
    pub fn states(&self) -> impl Iterator<Item = StateId> + use<> {
        (0..self.states.len() as u32).map(StateId)
    }

    pub fn state(&self, id: StateId) -> &State {
        &self.states[id.index()]
    }
}

#[derive(Debug)]
pub struct State {
    pub name: String,
    /// The wire name, if it differs.
    pub id: Option<String>,
    /// Indices into the system's attributes, ascending.
    pub attributes: Vec<u32>,
    pub read_only: bool,
    pub doc: Option<String>,
    pub location: Location,
}

#[derive(Debug)]
pub struct Fact {
    pub name: String,
    pub kind: FactKind,
    pub location: Location,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactKind {
    /// False until told otherwise.
    Flag,
    Choice {
        values: Vec<String>,
        default: Option<u32>,
    },
}

impl Fact {
    /// How many values it has: two for a flag, false first.
    pub fn size(&self) -> u32 {
        match &self.kind {
            FactKind::Flag => 2,
            FactKind::Choice { values, .. } => values.len() as u32,
        }
    }
}

/// A rule as it stands in a file, however many profiles apply it.
#[derive(Debug)]
pub struct Written {
    /// From the system of its source to its target.
    pub location: Location,
    /// With its documentation and the `when`s that hold for it alone.
    pub item: Location,
    pub doc: Option<Box<str>>,
}

#[derive(Debug)]
pub struct Profile {
    pub name: String,
    /// Its name in the source.
    pub location: Location,
    pub doc: Option<String>,
    pub rules: Box<[Rule]>,
    /// In written order.
    pub appends: Box<[Append]>,
    /// Rules of it that are missing because of errors.
    pub lost: Lost,
}

/// What errors have taken out of a profile, so that nothing false is said about the rest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lost {
    /// Perhaps a plain rule or an `otherwise`.
    pub plain: bool,
    /// Perhaps an `override`.
    pub overriding: bool,
}

impl Lost {
    pub const ANYTHING: Self = Self {
        plain: true,
        overriding: true,
    };
}

impl std::ops::BitOrAssign for Lost {
    fn bitor_assign(&mut self, other: Self) {
        self.plain |= other.plain;
        self.overriding |= other.overriding;
    }
}

/// What beats what within a profile: later is stronger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    Otherwise,
    Plain,
    Override,
}

/// One direction of a written rule in one profile, with all conditions around it.
#[derive(Debug, Clone)]
pub struct Rule {
    pub written: WrittenId,
    pub from: SystemId,
    pub to: SystemId,
    pub level: Level,
    pub condition: CondId,
    /// The conditions written around it, outermost first; `condition` is all of them.
    pub under: Arc<[WhenId]>,
    /// Ascending.
    pub source: Arc<[StateId]>,
    pub target: Target,
    /// Where the `apply` that took it in stands.
    pub applied: Option<Location>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    Set(StateId),
    Unchanged,
}

#[derive(Debug)]
pub struct Append {
    pub text: String,
    pub to: SystemId,
    pub condition: CondId,
    /// As in [`Rule::under`].
    pub under: Arc<[WhenId]>,
    pub location: Location,
}

#[derive(Debug)]
pub struct Role {
    pub name: String,
    /// By priority.
    pub profiles: Vec<ProfileId>,
    /// `None`: the role of a program that declares none.
    pub location: Option<Location>,
    pub doc: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeclaredKind {
    System,
    Group,
    Flag,
    Choice,
    Condition,
    Mapping,
    Profile,
    Role,
}

impl DeclaredKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Group => "group",
            Self::Flag => "flag",
            Self::Choice => "choice",
            Self::Condition => "condition",
            Self::Mapping => "mapping",
            Self::Profile => "profile",
            Self::Role => "role",
        }
    }
}

/// A declaration that others can name.
#[derive(Debug)]
pub struct Declared {
    pub kind: DeclaredKind,
    pub name: String,
    /// Its name.
    pub location: Location,
    /// The whole declaration with its documentation.
    pub whole: Location,
}

/// That a declaration names another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reference {
    /// The declaration it stands in; `None` in tests and scenarios.
    pub owner: Option<DeclaredId>,
    pub target: DeclaredId,
}

/// `@allow(code, "reason")`
#[derive(Debug)]
pub struct Allow {
    pub code: String,
    pub reason: Option<String>,
    pub location: Location,
    /// What it stands before.
    pub scope: Location,
}

/// A condition as one `when` or `condition` writes it, without those around it.
#[derive(Debug, Clone, Copy)]
pub struct WrittenCondition {
    /// Whether it is a `condition` with a name.
    pub named: bool,
    pub condition: CondId,
    pub location: Location,
}

/// A state's name that matches only when case is ignored.
#[derive(Debug)]
pub struct CaseMismatch {
    pub location: Location,
    pub system: SystemId,
    pub state: StateId,
}

impl Program {
    pub fn system(&self, id: SystemId) -> &System {
        &self.systems[id.index()]
    }

    pub fn fact(&self, id: FactId) -> &Fact {
        &self.facts[id.index()]
    }

    pub fn profile(&self, id: ProfileId) -> &Profile {
        &self.profiles[id.index()]
    }

    pub fn role(&self, id: RoleId) -> &Role {
        &self.roles[id.index()]
    }

    pub fn written(&self, id: WrittenId) -> &Written {
        &self.written[id.index()]
    }

    pub fn system_ids(&self) -> impl Iterator<Item = SystemId> + use<> {
        (0..self.systems.len() as u32).map(SystemId)
    }

    pub fn role_ids(&self) -> impl Iterator<Item = RoleId> + use<> {
        (0..self.roles.len() as u32).map(RoleId)
    }

    pub fn profile_ids(&self) -> impl Iterator<Item = ProfileId> + use<> {
        (0..self.profiles.len() as u32).map(ProfileId)
    }

    /// Ordered pairs of different systems.
    pub fn directions(&self) -> impl Iterator<Item = (SystemId, SystemId)> + use<> {
        let count = self.systems.len() as u32;
        (0..count).flat_map(move |from| {
            (0..count)
                .filter(move |to| *to != from)
                .map(move |to| (SystemId(from), SystemId(to)))
        })
    }

    /// `true` if no role was declared and the one there is holds for everyone.
    pub fn has_implicit_role(&self) -> bool {
        self.roles.iter().all(|role| role.location.is_none())
    }
}
