//! The compiled tables: what is exported and what is executed. Depends on nothing above it.
//! Everything is in the order of names, so that the same meaning gives the same tables.

mod diagram;
mod digest;
pub mod document;
mod json;
mod lookup;
pub mod words;

pub use diagram::{Diagram, Next, Node};
pub use document::{Cell, Document};
pub use json::{TableError, schema};
pub use lookup::{CoverError, Cube, DENSE_CELLS, Lookup, cell_count};

use rustc_hash::FxHashMap as HashMap;

/// The tables of a program, with everything that an event can name.
#[derive(Debug)]
pub struct Tables {
    /// `sha256:...` over the meaning alone.
    pub digest: String,
    pub systems: Vec<System>,
    pub facts: Vec<Fact>,
    pub roles: Vec<Role>,
    names: Names,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct System {
    pub name: String,
    pub title: Option<String>,
    pub states: Vec<State>,
    pub attributes: Vec<String>,
    /// The flag, by name, that says that the user is logged in to it.
    pub online: Option<String>,
    /// The longest text that it takes, in characters, appendices counted.
    pub text: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub name: String,
    /// The wire name, if it differs.
    pub id: Option<String>,
    pub attributes: Vec<String>,
    pub read_only: bool,
}

impl State {
    /// What commands carry.
    pub fn wire(&self) -> &str {
        self.id.as_deref().unwrap_or(&self.name)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    pub name: String,
    pub kind: FactKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactKind {
    Flag,
    Choice { values: Vec<String>, default: Option<u32> },
}

impl Fact {
    /// How many values it has: two for a flag, false first.
    pub fn size(&self) -> u32 {
        match &self.kind {
            FactKind::Flag => 2,
            FactKind::Choice { values, .. } => values.len() as u32,
        }
    }

    /// The value until told otherwise; [`UNSET`] for a choice without default.
    pub fn initial(&self) -> u32 {
        match &self.kind {
            FactKind::Flag => 0,
            FactKind::Choice { default, .. } => default.unwrap_or(UNSET),
        }
    }
}

/// The value of a choice that nobody has set.
pub const UNSET: u32 = u32::MAX;

#[derive(Debug)]
pub struct Role {
    pub name: String,
    /// The role of a program that declares none: everyone has it.
    pub implicit: bool,
    /// One for each ordered pair of systems, by names.
    pub tables: Vec<Table>,
}

/// What a change in one system means for another: hit policy UNIQUE, complete over its inputs.
#[derive(Debug)]
pub struct Table {
    /// Indices into [`Tables::systems`].
    pub from: usize,
    pub to: usize,
    /// What the outcome depends on beside the state entered.
    pub columns: Vec<Column>,
    /// What only the origin depends on: which of several agreeing rules decides.
    pub origin_columns: Vec<Column>,
    pub body: Body,
    /// What the lookup's cells name.
    pub decisions: Vec<Decision>,
    pub lookup: Lookup,
}

/// An input of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Column {
    /// An index into [`Tables::facts`].
    Fact(usize),
    /// The current state of a system, an index into [`Tables::systems`]; value 0 is "not known".
    State(usize),
}

/// A table as it is handed on.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    Rows(Vec<Row>),
    /// For tables that would take too many rows; the first that does not pass decides.
    Diagrams(Vec<Diagram>),
}

/// For each column the values that match, ascending; `None`: all of them.
pub type Cells = Vec<Option<Box<[u32]>>>;

#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// In the order of the columns.
    pub when: Cells,
    /// The states entered, ascending.
    pub from: Box<[u32]>,
    pub outcome: Outcome,
    /// Who decides in this row; several where agreeing rules share it. Empty for unmapped.
    pub origins: Vec<Origin>,
}

/// A part of a row that one rule decides.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// In the order of the columns, then of the origin columns; `None` where it is as in the row.
    pub when: Cells,
    /// `None`: all states of the row.
    pub from: Option<Box<[u32]>>,
    pub profile: String,
    /// `agents.presync:14`
    pub rule: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    Unmapped,
    Unchanged,
    Set { state: u32, append: Box<[String]> },
}

/// An outcome and who decided it; no origin for unmapped.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Decision {
    pub outcome: Outcome,
    pub profile: Option<String>,
    pub rule: Option<String>,
}

/// Indices by name, as events name things: states by id or name, exactly first, then with ASCII case ignored.
#[derive(Debug, Default)]
struct Names {
    systems: HashMap<String, usize>,
    facts: HashMap<String, usize>,
    roles: HashMap<String, usize>,
    states: Vec<HashMap<String, u32>>,
    folded: Vec<HashMap<String, u32>>,
    values: Vec<HashMap<String, u32>>,
}

impl Tables {
    /// Puts tables together and computes their digest.
    pub fn new(systems: Vec<System>, facts: Vec<Fact>, roles: Vec<Role>) -> Self {
        let names = Names::new(&systems, &facts, &roles);
        let mut tables = Self { digest: String::new(), systems, facts, roles, names };
        tables.digest = digest::digest(&tables);
        tables
    }

    pub fn system(&self, name: &str) -> Option<usize> {
        self.names.systems.get(name).copied()
    }

    pub fn fact(&self, name: &str) -> Option<usize> {
        self.names.facts.get(name).copied()
    }

    pub fn role(&self, name: &str) -> Option<usize> {
        self.names.roles.get(name).copied()
    }

    /// The role that everyone has in a program without roles.
    pub fn implicit_role(&self) -> Option<usize> {
        self.roles.iter().position(|role| role.implicit)
    }

    /// The value of a choice.
    pub fn value(&self, fact: usize, name: &str) -> Option<u32> {
        self.names.values[fact].get(name).copied()
    }

    /// A state by id or name, exactly first, then with ASCII case ignored.
    pub fn state(&self, system: usize, name: &str) -> Option<u32> {
        let exact = self.names.states[system].get(name);
        exact.or_else(|| self.names.folded[system].get(&name.to_ascii_lowercase())).copied()
    }

    /// The table of a role from one system to another.
    pub fn table(&self, role: usize, from: usize, to: usize) -> &Table {
        // Ordered pairs without the diagonal.
        let at = from * (self.systems.len() - 1) + to - usize::from(to > from);
        &self.roles[role].tables[at]
    }

    /// The tables of a role for changes in one system.
    pub fn from(&self, role: usize, from: usize) -> &[Table] {
        let others = self.systems.len() - 1;
        &self.roles[role].tables[from * others..(from + 1) * others]
    }

    /// The number of values of an input.
    pub fn size(&self, column: Column) -> u32 {
        column_size(&self.systems, &self.facts, column)
    }

    pub fn column_name(&self, column: Column) -> &str {
        match column {
            Column::Fact(fact) => &self.facts[fact].name,
            Column::State(system) => &self.systems[system].name,
        }
    }
}

pub(crate) fn column_size(systems: &[System], facts: &[Fact], column: Column) -> u32 {
    match column {
        Column::Fact(fact) => facts[fact].size(),
        Column::State(system) => systems[system].states.len() as u32 + 1,
    }
}

impl Table {
    /// The decision for `from` entering `state`. `facts`: a value for each fact; `states`: for each system its state
    /// plus one, 0 where it is not known. A column whose fact is [`UNSET`] is read as its first value: ask
    /// [`Table::unset`] before.
    pub fn decide(&self, facts: &[u32], states: &[u32], state: u32) -> &Decision {
        &self.decisions[self.lookup.find(facts, states, state) as usize]
    }

    /// The choices that the outcome depends on and that have no value.
    pub fn unset(&self, facts: &[u32]) -> impl Iterator<Item = usize> {
        self.columns.iter().filter_map(|column| match column {
            Column::Fact(fact) if facts[*fact] == UNSET => Some(*fact),
            _ => None,
        })
    }
}

impl Names {
    fn new(systems: &[System], facts: &[Fact], roles: &[Role]) -> Self {
        let mut names = Self {
            systems: systems.iter().enumerate().map(|(at, system)| (system.name.clone(), at)).collect(),
            facts: facts.iter().enumerate().map(|(at, fact)| (fact.name.clone(), at)).collect(),
            roles: roles.iter().enumerate().map(|(at, role)| (role.name.clone(), at)).collect(),
            ..Self::default()
        };
        for system in systems {
            let mut exact = HashMap::default();
            let mut folded = HashMap::default();
            for (at, state) in system.states.iter().enumerate() {
                for name in [Some(&state.name), state.id.as_ref()].into_iter().flatten() {
                    exact.insert(name.clone(), at as u32);
                    folded.insert(name.to_ascii_lowercase(), at as u32);
                }
            }
            names.states.push(exact);
            names.folded.push(folded);
        }
        for fact in facts {
            let values = match &fact.kind {
                FactKind::Flag => HashMap::default(),
                FactKind::Choice { values, .. } => {
                    values.iter().enumerate().map(|(at, value)| (value.clone(), at as u32)).collect()
                }
            };
            names.values.push(values);
        }
        names
    }
}
