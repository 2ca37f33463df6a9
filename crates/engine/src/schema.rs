//! The schema of a program: systems with their states, facts with their values, and roles.
//! Declared once, and shared by the program, its tables, events and sessions.

use std::sync::OnceLock;

use crate::ids::{Direction, FactId, RoleId, StateId, SystemId, ValueId};
use crate::limits::{MAX_FACTS, MAX_ROLES, MAX_STATES, MAX_SYSTEMS, MAX_VALUES};
use crate::name_index::NameIndex;
use crate::names::{NameKind, UnknownName};

/// Systems, facts and roles, with their names.
#[derive(Debug)]
pub struct Schema {
    systems: Vec<System>,
    facts: Vec<Fact>,
    roles: Vec<Role>,
    /// The systems whose own state a rule may bring back, ascending.
    previous: Vec<SystemId>,
    /// The number of values of each fact, cached because it is read most often.
    sizes: Box<[u32]>,
    /// Built on the first lookup by name.
    index: OnceLock<SchemaIndex>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct System {
    pub name: String,
    pub title: Option<String>,
    pub states: Vec<State>,
    /// The attributes that its states can have.
    pub attributes: Vec<String>,
    /// The flag that is true while the user is logged in to the system.
    pub online: Option<FactId>,
    /// The longest text that the system accepts, in characters, including appendices.
    pub text: Option<u32>,
    /// How long a command may take to be reported back, in seconds; `None`: [`ECHO_SECONDS`].
    pub echo: Option<u32>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    pub name: String,
    /// The name used in events and commands, if it differs from `name`.
    pub id: Option<String>,
    /// Indices into the attributes of the system, ascending.
    pub attributes: Vec<u32>,
    /// The state can be observed but never set.
    pub read_only: bool,
    /// The state of the same system that is reported once this one is set, as an index; `None`: this one.
    pub reads: Option<u32>,
    /// Stands for every name on the wire that no state has. At most one of a system.
    pub other: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    pub name: String,
    pub kind: FactKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactKind {
    /// False until an event sets it.
    Flag,
    Choice {
        values: Vec<String>,
        /// An index into `values`.
        default: Option<u32>,
    },
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Role {
    pub name: String,
    /// True for the role of a program that declares none; every user has it.
    pub implicit: bool,
    /// Declared as the role of every user to whom no event has given one.
    pub default: bool,
}

/// An input of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Column {
    Fact(FactId),
    /// The current state of a system.
    State(SystemId),
    /// Whether that state is known and did not come from us: 0 or 1. Where it is unknown, 1 decides like 0.
    ByHand(SystemId),
}

/// A value of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input<'s> {
    Flag(bool),
    /// The value of a choice or a state, by name.
    Name(&'s str),
    /// An unknown state.
    Unknown,
}

/// Why a schema cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    #[error("more than {most} {what}")]
    TooMany { what: String, most: usize },
    #[error("two {kind}s are named `{name}`")]
    Duplicate { kind: NameKind, name: String },
}

static NO_SYSTEM: System = System {
    name: String::new(),
    title: None,
    states: Vec::new(),
    attributes: Vec::new(),
    online: None,
    text: None,
    echo: None,
};
static NO_STATE: State = State {
    name: String::new(),
    id: None,
    attributes: Vec::new(),
    read_only: true,
    reads: None,
    other: false,
};
static NO_FACT: Fact = Fact {
    name: String::new(),
    kind: FactKind::Flag,
};
static NO_ROLE: Role = Role {
    name: String::new(),
    implicit: false,
    default: false,
};

/// How long a command may take to be reported back where the system does not say, in seconds.
pub const ECHO_SECONDS: u32 = 60;

impl State {
    /// The name used in events and commands: the id, or else the name.
    pub fn wire(&self) -> &str {
        self.id.as_deref().unwrap_or(&self.name)
    }
}

impl System {
    /// How long a command may take to be reported back, in seconds.
    pub fn echo_seconds(&self) -> u32 {
        self.echo.unwrap_or(ECHO_SECONDS)
    }

    /// The names of a state's attributes.
    pub fn attributes_of<'s>(&'s self, state: &'s State) -> impl Iterator<Item = &'s str> {
        state
            .attributes
            .iter()
            .filter_map(|at| Some(self.attributes.get(*at as usize)?.as_str()))
    }
}

impl Fact {
    /// The number of values; two for a flag.
    pub fn size(&self) -> u32 {
        match &self.kind {
            FactKind::Flag => 2,
            FactKind::Choice { values, .. } => values.len() as u32,
        }
    }

    pub fn is_flag(&self) -> bool {
        self.kind == FactKind::Flag
    }
}

impl Schema {
    /// Ids follow the order of these lists.
    ///
    /// # Errors
    /// A list exceeds its limit, or two items of a kind have the same name.
    pub fn new(
        systems: Vec<System>,
        facts: Vec<Fact>,
        roles: Vec<Role>,
    ) -> Result<Self, SchemaError> {
        let at_most = |what: &str, count: usize, most: usize| {
            if count <= most {
                return Ok(());
            }
            Err(SchemaError::TooMany {
                what: what.to_owned(),
                most,
            })
        };
        at_most("systems", systems.len(), MAX_SYSTEMS)?;
        at_most("facts", facts.len(), MAX_FACTS)?;
        at_most("roles", roles.len(), MAX_ROLES)?;
        unique(NameKind::System, systems.iter().map(|system| &system.name))?;
        unique(NameKind::Fact, facts.iter().map(|fact| &fact.name))?;
        unique(NameKind::Role, roles.iter().map(|role| &role.name))?;
        for system in &systems {
            at_most(
                &format!("states of {}", system.name),
                system.states.len(),
                MAX_STATES,
            )?;
            let kind = NameKind::State(system.name.clone());
            unique(kind, system.states.iter().map(|state| &state.name))?;
        }
        for fact in &facts {
            if let FactKind::Choice { values, .. } = &fact.kind {
                at_most(
                    &format!("values of `{}`", fact.name),
                    values.len(),
                    MAX_VALUES,
                )?;
                unique(NameKind::Value(fact.name.clone()), values.iter())?;
            }
        }
        let sizes = facts.iter().map(Fact::size).collect();
        Ok(Self {
            systems,
            facts,
            roles,
            previous: Vec::new(),
            sizes,
            index: OnceLock::new(),
        })
    }

    /// Sets the systems whose own state a rule may bring back, so that sessions remember it.
    #[must_use]
    pub fn with_previous(mut self, systems: impl IntoIterator<Item = SystemId>) -> Self {
        self.previous = systems.into_iter().collect();
        self.previous.sort_unstable();
        self.previous.dedup();
        self
    }

    /// The systems whose own state a rule may bring back, ascending.
    pub fn previous(&self) -> &[SystemId] {
        &self.previous
    }

    #[inline]
    pub fn has_previous(&self, system: SystemId) -> bool {
        self.previous.binary_search(&system).is_ok()
    }

    /// Replaces the roles and keeps the systems and facts.
    ///
    /// # Errors
    /// The same as [`Schema::new`].
    pub fn with_roles(self, roles: Vec<Role>) -> Result<Self, SchemaError> {
        let previous = self.previous;
        Ok(Self::new(self.systems, self.facts, roles)?.with_previous(previous))
    }

    pub fn systems(&self) -> impl ExactSizeIterator<Item = (SystemId, &System)> + Clone {
        self.systems
            .iter()
            .enumerate()
            .map(|(at, system)| (SystemId::from_index(at), system))
    }

    pub fn system_ids(&self) -> impl ExactSizeIterator<Item = SystemId> + Clone + use<> {
        (0..self.systems.len()).map(SystemId::from_index)
    }

    pub fn facts(&self) -> impl ExactSizeIterator<Item = (FactId, &Fact)> + Clone {
        self.facts
            .iter()
            .enumerate()
            .map(|(at, fact)| (FactId::from_index(at), fact))
    }

    pub fn roles(&self) -> impl ExactSizeIterator<Item = (RoleId, &Role)> + Clone {
        self.roles
            .iter()
            .enumerate()
            .map(|(at, role)| (RoleId::from_index(at), role))
    }

    pub fn role_ids(&self) -> impl ExactSizeIterator<Item = RoleId> + Clone + use<> {
        (0..self.roles.len()).map(RoleId::from_index)
    }

    /// The states of a system.
    pub fn states(
        &self,
        system: SystemId,
    ) -> impl ExactSizeIterator<Item = StateId> + Clone + use<> {
        (0..self.system(system).states.len()).map(move |at| StateId::from_index(system, at))
    }

    /// The values of a fact; false and true for a flag.
    pub fn values(&self, fact: FactId) -> impl ExactSizeIterator<Item = ValueId> + Clone + use<> {
        (0..self.fact(fact).size() as usize).map(move |at| ValueId::from_index(fact, at))
    }

    /// All ordered pairs of different systems.
    pub fn directions(&self) -> impl Iterator<Item = Direction> + Clone + use<> {
        let systems = self.system_ids();
        systems.clone().flat_map(move |from| {
            systems
                .clone()
                .filter_map(move |to| Direction::new(from, to))
        })
    }

    /// Returns a system; one without name and states for an id from another schema.
    #[inline]
    pub fn system(&self, id: SystemId) -> &System {
        self.systems.get(id.index()).unwrap_or(&NO_SYSTEM)
    }

    /// Returns a state; one without a name for an id from another schema.
    #[inline]
    pub fn state(&self, id: StateId) -> &State {
        self.system(id.system())
            .states
            .get(id.index())
            .unwrap_or(&NO_STATE)
    }

    /// Returns a flag or choice; a flag without a name for an id from another schema.
    #[inline]
    pub fn fact(&self, id: FactId) -> &Fact {
        self.facts.get(id.index()).unwrap_or(&NO_FACT)
    }

    /// Returns a role; one without a name for an id from another schema.
    #[inline]
    pub fn role(&self, id: RoleId) -> &Role {
        self.roles.get(id.index()).unwrap_or(&NO_ROLE)
    }

    #[inline]
    pub fn has_state(&self, id: StateId) -> bool {
        id.index() < self.system(id.system()).states.len()
    }

    #[inline]
    pub fn has_value(&self, id: ValueId) -> bool {
        self.sizes
            .get(id.fact().index())
            .is_some_and(|size| id.value() < *size)
    }

    pub fn has_role(&self, id: RoleId) -> bool {
        id.index() < self.roles.len()
    }

    pub fn has_system(&self, id: SystemId) -> bool {
        id.index() < self.systems.len()
    }

    /// The name of a value: `true` or `false` for a flag; empty for an id from another schema.
    pub fn value_name(&self, id: ValueId) -> &str {
        match &self.fact(id.fact()).kind {
            FactKind::Flag => ["false", "true"]
                .get(id.index())
                .copied()
                .unwrap_or_default(),
            FactKind::Choice { values, .. } => values
                .get(id.index())
                .map(String::as_str)
                .unwrap_or_default(),
        }
    }

    /// The value until an event sets the fact; `None` for a choice without a default.
    pub fn initial(&self, fact: FactId) -> Option<ValueId> {
        match &self.fact(fact).kind {
            FactKind::Flag => Some(ValueId::from_index(fact, 0)),
            FactKind::Choice { default, .. } => {
                default.map(|at| ValueId::from_index(fact, at as usize))
            }
        }
    }

    /// The role of every user to whom no event has given one: the one declared as default, or the only one.
    pub fn default_role(&self) -> Option<RoleId> {
        let declared = self.roles().find(|(_, role)| role.default);
        let only = || self.roles().next().filter(|_| self.roles.len() == 1);
        declared.or_else(only).map(|(id, _)| id)
    }

    /// The state that is reported once `state` is set: usually the same.
    #[inline]
    pub fn reads(&self, state: StateId) -> StateId {
        let reads = self.state(state).reads;
        reads.map_or(state, |at| StateId::from_index(state.system(), at as usize))
    }

    #[inline]
    fn index(&self) -> &SchemaIndex {
        self.index
            .get_or_init(|| SchemaIndex::new(&self.systems, &self.facts, &self.roles))
    }

    #[inline]
    pub fn find_system(&self, name: &str) -> Option<SystemId> {
        self.index()
            .systems
            .get(name)
            .map(|at| SystemId::from_index(at as usize))
    }

    #[inline]
    pub fn find_fact(&self, name: &str) -> Option<FactId> {
        self.index()
            .facts
            .get(name)
            .map(|at| FactId::from_index(at as usize))
    }

    pub fn find_role(&self, name: &str) -> Option<RoleId> {
        self.index()
            .roles
            .get(name)
            .map(|at| RoleId::from_index(at as usize))
    }

    /// Finds a state by a name on the wire: the id or name first, then without regard to ASCII case, then the state marked
    /// `other`.
    #[inline]
    pub fn find_state(&self, system: SystemId, name: &str) -> Option<StateId> {
        let other = || {
            let states = &self.system(system).states;
            let at = states.iter().position(|state| state.other)?;
            Some(StateId::from_index(system, at))
        };
        self.find_declared_state(system, name).or_else(other)
    }

    /// Finds a state by its own id or name: first an exact match, then one that differs only in ASCII case.
    #[inline]
    pub fn find_declared_state(&self, system: SystemId, name: &str) -> Option<StateId> {
        let exact = self.index().states.get(system.index())?.get(name);
        let found = exact.or_else(|| {
            self.index()
                .folded
                .get(system.index())?
                .get(&name.to_ascii_lowercase())
        });
        found.map(|at| StateId::from_index(system, at as usize))
    }

    /// Finds a value of a choice by name.
    #[inline]
    pub fn find_value(&self, fact: FactId, name: &str) -> Option<ValueId> {
        let at = self.index().values.get(fact.index())?.get(name)?;
        Some(ValueId::from_index(fact, at as usize))
    }

    /// Looks up a system by name.
    ///
    /// # Errors
    /// The name is unknown. The error suggests a similar known name, if any.
    pub fn system_named(&self, name: &str) -> Result<SystemId, UnknownName> {
        self.find_system(name).ok_or_else(|| {
            let known = self.systems.iter().map(|system| system.name.as_str());
            UnknownName::new(NameKind::System, name, known)
        })
    }

    /// Looks up a state by id or name, as events do.
    ///
    /// # Errors
    /// The name is unknown. The error suggests a similar known name, if any.
    pub fn state_named(&self, system: SystemId, name: &str) -> Result<StateId, UnknownName> {
        self.find_state(system, name).ok_or_else(|| {
            let system = self.system(system);
            let known = system.states.iter().map(|state| state.name.as_str());
            UnknownName::new(NameKind::State(system.name.clone()), name, known)
        })
    }

    /// Looks up a flag or choice by name.
    ///
    /// # Errors
    /// The name is unknown. The error suggests a similar known name, if any.
    pub fn fact_named(&self, name: &str) -> Result<FactId, UnknownName> {
        self.find_fact(name).ok_or_else(|| {
            let known = self.facts.iter().map(|fact| fact.name.as_str());
            UnknownName::new(NameKind::Fact, name, known)
        })
    }

    /// Looks up a value by name: `true` or `false` for a flag.
    ///
    /// # Errors
    /// The name is unknown. The error suggests a similar known name, if any.
    pub fn value_named(&self, fact: FactId, name: &str) -> Result<ValueId, UnknownName> {
        let found = match (&self.fact(fact).kind, name) {
            (FactKind::Flag, "false") => Some(ValueId::from_index(fact, 0)),
            (FactKind::Flag, "true") => Some(ValueId::from_index(fact, 1)),
            _ => self.find_value(fact, name),
        };
        found.ok_or_else(|| {
            let known = self.values(fact).map(|value| self.value_name(value));
            UnknownName::new(NameKind::Value(self.fact(fact).name.clone()), name, known)
        })
    }

    /// Looks up a role by name.
    ///
    /// # Errors
    /// The name is unknown. The error suggests a similar known name, if any.
    pub fn role_named(&self, name: &str) -> Result<RoleId, UnknownName> {
        self.find_role(name).ok_or_else(|| {
            let known = self.roles.iter().map(|role| role.name.as_str());
            UnknownName::new(NameKind::Role, name, known)
        })
    }

    /// Whether both schemas give the same ids to the same names.
    pub fn has_same_ids(&self, other: &Self) -> bool {
        self.systems == other.systems && self.facts == other.facts && self.roles == other.roles
    }

    /// The number of values of an input. For a system, this includes the unknown state.
    pub fn column_size(&self, column: Column) -> u32 {
        match column {
            Column::Fact(fact) => self.fact(fact).size(),
            Column::State(system) => self.system(system).states.len() as u32 + 1,
            Column::ByHand(_) => 2,
        }
    }

    /// The name of the fact, or of the system.
    pub fn column_name(&self, column: Column) -> &str {
        match column {
            Column::Fact(fact) => &self.fact(fact).name,
            Column::State(system) | Column::ByHand(system) => &self.system(system).name,
        }
    }

    /// Translates the numbers in a cell of a column. Skips numbers that the column does not have.
    pub fn inputs<'s>(
        &'s self,
        column: Column,
        numbers: &'s [u32],
    ) -> impl Iterator<Item = Input<'s>> + Clone {
        numbers.iter().filter_map(move |number| match column {
            Column::ByHand(_) => (*number < 2).then_some(Input::Flag(*number == 1)),
            Column::State(_) if *number == 0 => Some(Input::Unknown),
            Column::State(system) => {
                let state = self.system(system).states.get(*number as usize - 1)?;
                Some(Input::Name(&state.name))
            }
            Column::Fact(fact) => match &self.fact(fact).kind {
                FactKind::Flag if *number < 2 => Some(Input::Flag(*number == 1)),
                FactKind::Flag => None,
                FactKind::Choice { values, .. } => {
                    values.get(*number as usize).map(|name| Input::Name(name))
                }
            },
        })
    }
}

fn unique<'a>(kind: NameKind, names: impl Iterator<Item = &'a String>) -> Result<(), SchemaError> {
    let mut known = rustc_hash::FxHashSet::default();
    for name in names {
        if !known.insert(name.as_str()) {
            return Err(SchemaError::Duplicate {
                kind,
                name: name.clone(),
            });
        }
    }
    Ok(())
}

/// Numbers by the names that events use.
#[derive(Debug, Default)]
struct SchemaIndex {
    systems: NameIndex,
    facts: NameIndex,
    roles: NameIndex,
    /// By system.
    states: Vec<NameIndex>,
    /// By system, with names in lower case.
    folded: Vec<NameIndex>,
    /// By fact.
    values: Vec<NameIndex>,
}

impl SchemaIndex {
    fn new(systems: &[System], facts: &[Fact], roles: &[Role]) -> Self {
        let numbered = |names: Vec<&String>| {
            NameIndex::new((0..).zip(names).map(|(at, name)| (name.clone(), at)))
        };
        // By name or id. If two states have the same key (after folding), the last one wins.
        let wire = |system: &System, fold: fn(&str) -> String| {
            NameIndex::new((0..).zip(&system.states).flat_map(|(at, state)| {
                let names = [Some(&state.name), state.id.as_ref()];
                let named = names
                    .into_iter()
                    .flatten()
                    .map(move |name| (fold(name), at));
                named.collect::<Vec<_>>()
            }))
        };
        let values = |fact: &Fact| match &fact.kind {
            FactKind::Flag => NameIndex::default(),
            FactKind::Choice { values, .. } => numbered(values.iter().collect()),
        };
        Self {
            systems: numbered(systems.iter().map(|system| &system.name).collect()),
            facts: numbered(facts.iter().map(|fact| &fact.name).collect()),
            roles: numbered(roles.iter().map(|role| &role.name).collect()),
            states: systems
                .iter()
                .map(|system| wire(system, str::to_owned))
                .collect(),
            folded: systems
                .iter()
                .map(|system| wire(system, str::to_ascii_lowercase))
                .collect(),
            values: facts.iter().map(values).collect(),
        }
    }
}
