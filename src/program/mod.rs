//! The resolved program: ids instead of names, conditions and groups expanded, mappings applied.
//! It cannot contain an unresolved name; source locations are kept for messages and origins.

mod condition;
mod expectation;

pub use condition::{Cond, CondId, Conditions};
pub use expectation::{Expectation, ExpectedCommand, Scenario, Step, StepKind, Test};
pub use presync_engine::{
    Column, Direction, Fact, FactId, FactKind, RoleId, Schema, State, StateId, System, SystemId,
    ValueId,
};

use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::source::{FileId, Location, Sources};

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
    /// An index into [`Program::profiles`].
    ProfileId
);
id!(
    /// An index into [`Program::rule_sources`].
    RuleSourceId
);
id!(
    /// An index into [`Program::condition_sites`].
    ConditionSiteId
);
id!(
    /// An index into [`Program::declared`].
    DeclaredId
);

/// A resolved program.
#[derive(Debug, Clone)]
pub struct Program {
    pub sources: Sources,
    pub schema: Arc<Schema>,
    /// By system.
    pub system_sources: Vec<SystemSource>,
    /// By fact.
    pub fact_locations: Vec<Location>,
    pub conditions: Conditions,
    pub rule_sources: Vec<RuleSource>,
    pub profiles: Vec<Profile>,
    /// By role.
    pub roles: Vec<RoleProfiles>,
    pub tests: Vec<Test>,
    pub scenarios: Vec<Scenario>,
    /// Used by lints, in addition to the meaning.
    pub declared: Vec<Declared>,
    pub references: FxHashSet<Reference>,
    pub allows: Vec<Allow>,
    /// Comments that look like a directive and are none, and why.
    pub wrong_directives: Vec<(Location, &'static str)>,
    pub condition_sites: Vec<ConditionSite>,
    pub case_mismatches: Vec<CaseMismatch>,
    /// For messages; rules contain the states.
    pub groups: Vec<StateGroup>,
}

/// What a program with errors lost to them. The program contains the rest.
#[derive(Debug, Clone, Default)]
pub struct LostParts {
    /// Whether the program has errors, even if no profile or role is affected.
    pub anything: bool,
    /// By profile: whether rules or appendices of it are missing or contradict each other.
    pub profiles: Vec<bool>,
    /// By role: whether that is so for one of its profiles, or whether a profile is missing.
    pub roles: Vec<bool>,
}

impl LostParts {
    pub fn of_profile(&self, profile: ProfileId) -> bool {
        self.profiles.get(profile.index()) == Some(&true)
    }

    pub fn of_any_profile(&self) -> bool {
        self.profiles.contains(&true)
    }

    pub fn of_role(&self, role: RoleId) -> bool {
        self.roles.get(role.index()) == Some(&true)
    }
}

/// A named set of states.
#[derive(Debug, Clone)]
pub struct StateGroup {
    pub name: String,
    pub system: SystemId,
    /// Ascending.
    pub states: Box<[StateId]>,
}

/// Where a system is declared.
#[derive(Debug, Clone)]
pub struct SystemSource {
    pub location: Location,
    /// By state.
    pub states: Vec<StateSource>,
    /// The files that `extend` it.
    pub extended_in: Vec<FileId>,
}

/// Where a state is declared.
#[derive(Debug, Clone)]
pub struct StateSource {
    pub doc: Option<String>,
    pub location: Location,
    /// Whether an `extend` declares it.
    pub extends: bool,
    /// Whether anything names it, or a group includes it by an attribute.
    pub named: bool,
}

/// A change of state, and the other system that it is decided for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Change {
    direction: Direction,
    entered: StateId,
}

impl Change {
    /// `None` if the state belongs to the system `to`.
    pub fn new(entered: StateId, to: SystemId) -> Option<Self> {
        Some(Self {
            direction: Direction::new(entered.system(), to)?,
            entered,
        })
    }

    /// `entered`: a state of the system that changes.
    pub fn of(direction: Direction, entered: StateId) -> Self {
        debug_assert_eq!(
            entered.system(),
            direction.from(),
            "a state of the system that changes"
        );
        Self { direction, entered }
    }

    pub fn direction(self) -> Direction {
        self.direction
    }

    pub fn entered(self) -> StateId {
        self.entered
    }

    pub fn from(self) -> SystemId {
        self.direction.from()
    }

    pub fn to(self) -> SystemId {
        self.direction.to()
    }

    /// The same change with another entered state.
    #[must_use]
    pub fn entering(self, entered: StateId) -> Self {
        Self::of(self.direction, entered)
    }
}

/// A rule as written in a file, however many profiles apply it.
#[derive(Debug, Clone)]
pub struct RuleSource {
    /// From its source system to its target.
    pub location: Location,
    /// Including its documentation and the `when`s that enclose only this rule.
    pub item: Location,
    pub doc: Option<Box<str>>,
}

#[derive(Debug, Clone)]
pub struct Profile {
    pub name: String,
    /// Its name in the source.
    pub location: Location,
    pub doc: Option<String>,
    pub rules: Box<[Rule]>,
    /// In written order.
    pub appends: Box<[Append]>,
}

impl Program {
    /// Where a rule of a bundled file comes in: the `apply` in the user's files that includes it, or the profile or role
    /// that uses it. There `@allow` works, and there is a file to open. `None` for other rules.
    pub(crate) fn brings_in(&self, rule: Location, role: Option<&str>) -> Option<Location> {
        if !self.sources.file(rule.file).bundled {
            return None;
        }
        let own = |location: &Location| !self.sources.file(location.file).bundled;
        let roles = || {
            let ids = self.role_ids();
            ids.filter(|id| role.is_none_or(|role| self.role_name(*id) == role))
        };
        let used: Vec<ProfileId> = roles()
            .flat_map(|id| self.role(id).profiles.clone())
            .collect();
        let has = |profile: &Profile| {
            let source = |rule: &Rule| &self.rule_source(rule.source).location;
            let of = profile.rules.iter().filter(|of| *source(of) == rule);
            of.map(|rule| rule.applied).next()
        };
        let profiles = used.iter().map(|id| (*id, self.profile(*id)));
        let with_rule = profiles.filter_map(|(id, profile)| Some((id, profile, has(profile)?)));
        let with_rule: Vec<(ProfileId, &Profile, Option<Location>)> = with_rule.collect();
        let applied = with_rule
            .iter()
            .find_map(|(_, _, applied)| applied.filter(own));
        let profile = || {
            with_rule
                .iter()
                .map(|(_, profile, _)| profile.location)
                .find(own)
        };
        let by_role = || {
            let using = |role: &RoleId| {
                let of = &self.role(*role).profiles;
                with_rule.iter().any(|(profile, ..)| of.contains(profile))
            };
            roles()
                .filter(using)
                .find_map(|role| self.role(role).location.filter(own))
        };
        applied.or_else(profile).or_else(by_role)
    }
}

/// The precedence of rules within a profile: later is stronger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    Otherwise,
    Plain,
    Override,
}

/// One direction of a written rule in one profile, with all conditions around it.
#[derive(Debug, Clone)]
pub struct Rule {
    pub source: RuleSourceId,
    pub direction: Direction,
    pub rank: Rank,
    pub condition: CondId,
    /// The conditions written around it, outermost first; `condition` joins all of them.
    pub enclosing: Arc<[ConditionSiteId]>,
    /// Ascending.
    pub states: Arc<[StateId]>,
    pub target: Target,
    /// The `apply` that included it, if any.
    pub applied: Option<Location>,
    /// Its mapping is applied `with` another system, so that it is not about the systems that are written.
    pub replaced: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    Set(StateId),
    /// The system's own state: the last settable state that was chosen by hand or decided by another system.
    Previous,
    Unchanged,
}

#[derive(Debug, Clone)]
pub struct Append {
    pub text: String,
    pub to: SystemId,
    pub condition: CondId,
    /// As in [`Rule::enclosing`].
    pub enclosing: Arc<[ConditionSiteId]>,
    pub location: Location,
    /// As in [`RuleSource::item`].
    pub item: Location,
}

#[derive(Debug, Clone)]
pub struct RoleProfiles {
    /// By priority.
    pub profiles: Vec<ProfileId>,
    /// `None`: the implicit role of a program that declares none.
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
#[derive(Debug, Clone)]
pub struct Declared {
    pub kind: DeclaredKind,
    pub name: String,
    /// Its name.
    pub location: Location,
    /// The whole declaration, including its documentation.
    pub whole: Location,
}

/// One declaration names another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reference {
    /// The declaration that contains the reference; `None` in tests and scenarios.
    pub owner: Option<DeclaredId>,
    pub target: DeclaredId,
    /// Where the name is written.
    pub file: FileId,
}

/// One code of `@allow(code, other, "reason")` or of `// presync: allow code "reason"`.
#[derive(Debug, Clone)]
pub struct Allow {
    pub code: String,
    pub reason: Option<String>,
    /// The whole annotation or comment.
    pub location: Location,
    /// Its source without this code; empty if it has no other.
    pub without: String,
    /// The source that it applies to.
    pub scope: Location,
}

/// A condition as written in one `when` or `condition`, without enclosing conditions.
#[derive(Debug, Clone, Copy)]
pub struct ConditionSite {
    /// Whether it is a named `condition`.
    pub named: bool,
    pub condition: CondId,
    pub location: Location,
}

/// A state name that matches only if case is ignored.
#[derive(Debug, Clone)]
pub struct CaseMismatch {
    pub location: Location,
    pub state: StateId,
}

impl Program {
    pub fn system(&self, id: SystemId) -> &System {
        self.schema.system(id)
    }

    pub fn state(&self, id: StateId) -> &State {
        self.schema.state(id)
    }

    pub fn fact(&self, id: FactId) -> &Fact {
        self.schema.fact(id)
    }

    pub fn role_name(&self, id: RoleId) -> &str {
        &self.schema.role(id).name
    }

    /// The names of groups, with their states.
    pub fn groups(&self) -> impl Iterator<Item = (&str, &[StateId])> {
        let groups = self.groups.iter();
        groups.map(|group| (group.name.as_str(), &*group.states))
    }

    pub fn system_source(&self, id: SystemId) -> &SystemSource {
        &self.system_sources[id.index()]
    }

    pub fn state_source(&self, id: StateId) -> &StateSource {
        &self.system_source(id.system()).states[id.index()]
    }

    pub fn profile(&self, id: ProfileId) -> &Profile {
        &self.profiles[id.index()]
    }

    pub fn role(&self, id: RoleId) -> &RoleProfiles {
        &self.roles[id.index()]
    }

    pub fn rule_source(&self, id: RuleSourceId) -> &RuleSource {
        &self.rule_sources[id.index()]
    }

    pub fn system_ids(&self) -> impl Iterator<Item = SystemId> + use<> {
        self.schema.system_ids()
    }

    pub fn role_ids(&self) -> impl Iterator<Item = RoleId> + use<> {
        self.schema.role_ids()
    }

    pub fn states(&self, system: SystemId) -> impl ExactSizeIterator<Item = StateId> + use<> {
        self.schema.states(system)
    }

    pub fn profile_ids(&self) -> impl Iterator<Item = ProfileId> + use<> {
        (0..self.profiles.len() as u32).map(ProfileId)
    }

    /// Every ordered pair of different systems.
    pub fn directions(&self) -> impl Iterator<Item = Direction> + use<> {
        self.schema.directions()
    }

    /// Every change in a direction.
    pub fn changes(&self, direction: Direction) -> impl Iterator<Item = Change> + use<> {
        self.states(direction.from())
            .map(move |entered| Change { direction, entered })
    }

    /// `true` if no role is declared, so that the implicit role applies to everyone.
    pub fn has_implicit_role(&self) -> bool {
        self.roles.iter().all(|role| role.location.is_none())
    }
}
