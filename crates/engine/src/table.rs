//! The compiled tables: what is exported and what is executed. Depends on nothing above it.
//! Everything is in the order of names, so that the same meaning gives the same tables.

pub use crate::flat_diagram::{Diagram, Next, Node};
pub use crate::json::document::{Cell, Document};
pub use crate::json::{TableError, schema};
pub use crate::lookup::{CoverError, Cube, DENSE_CELLS, Dense, Lookup, cell_count};

use crate::digest;
use crate::name_index::Names;

/// The tables of a program, with everything that an event can name.
#[derive(Debug)]
pub struct Tables {
    /// `sha256:...` over the meaning alone.
    pub digest: String,
    pub systems: Vec<System>,
    pub facts: Vec<Fact>,
    pub roles: Vec<Role>,
    index: Index,
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
    /// Who decides in this row, the first that fits; several where agreeing rules share it. Empty for unmapped.
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
struct Index {
    systems: Names,
    facts: Names,
    roles: Names,
    /// By system.
    states: Vec<Names>,
    /// By system, in lower case.
    folded: Vec<Names>,
    /// By fact.
    values: Vec<Names>,
}

impl Tables {
    /// Puts tables together and computes their digest.
    pub fn new(systems: Vec<System>, facts: Vec<Fact>, roles: Vec<Role>) -> Self {
        let index = Index::new(&systems, &facts, &roles);
        let mut tables = Self {
            digest: String::new(),
            systems,
            facts,
            roles,
            index,
        };
        tables.digest = digest::digest(&tables);
        tables
    }

    #[inline]
    pub fn system(&self, name: &str) -> Option<usize> {
        self.index.systems.get(name).map(|at| at as usize)
    }

    #[inline]
    pub fn fact(&self, name: &str) -> Option<usize> {
        self.index.facts.get(name).map(|at| at as usize)
    }

    pub fn role(&self, name: &str) -> Option<usize> {
        self.index.roles.get(name).map(|at| at as usize)
    }

    /// The role that everyone has in a program without roles.
    pub fn implicit_role(&self) -> Option<usize> {
        self.roles.iter().position(|role| role.implicit)
    }

    /// The value of a choice.
    #[inline]
    pub fn value(&self, fact: usize, name: &str) -> Option<u32> {
        self.index.values[fact].get(name)
    }

    /// A state by id or name, exactly first, then with ASCII case ignored.
    #[inline]
    pub fn state(&self, system: usize, name: &str) -> Option<u32> {
        let exact = self.index.states[system].get(name);
        exact.or_else(|| self.index.folded[system].get(&name.to_ascii_lowercase()))
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

pub fn column_size(systems: &[System], facts: &[Fact], column: Column) -> u32 {
    match column {
        Column::Fact(fact) => facts[fact].size(),
        Column::State(system) => systems[system].states.len() as u32 + 1,
    }
}

impl Table {
    /// The decision for `from` entering `state`. `facts`: a value for each fact; `states`: for each system its state
    /// plus one, 0 where it is not known. A column whose fact is [`UNSET`] is read as its first value: ask
    /// [`Table::unset`] before.
    #[inline]
    pub fn decide(&self, facts: &[u32], states: &[u32], state: u32) -> &Decision {
        &self.decisions[self.lookup.find(facts, states, state) as usize]
    }

    /// The table as one cell for each combination of inputs, where it is small enough: to decide by packed inputs.
    pub fn dense(&self) -> Option<&Dense> {
        match &self.lookup {
            Lookup::Dense(dense) => Some(dense),
            Lookup::Diagrams(_) => None,
        }
    }

    /// The choices that the outcome depends on and that have no value.
    pub fn unset(&self, facts: &[u32]) -> impl Iterator<Item = usize> {
        self.columns.iter().filter_map(|column| match column {
            Column::Fact(fact) if facts[*fact] == UNSET => Some(*fact),
            _ => None,
        })
    }
}

impl Index {
    fn new(systems: &[System], facts: &[Fact], roles: &[Role]) -> Self {
        let numbered =
            |names: Vec<&String>| Names::new((0..).zip(names).map(|(at, name)| (name.clone(), at)));
        // By name or id; of two that are equal when case is ignored the last one counts.
        let wire = |system: &System, fold: fn(&str) -> String| {
            Names::new((0..).zip(&system.states).flat_map(|(at, state)| {
                let names = [Some(&state.name), state.id.as_ref()];
                names
                    .into_iter()
                    .flatten()
                    .map(move |name| (fold(name), at))
                    .collect::<Vec<_>>()
            }))
        };
        let values = |fact: &Fact| match &fact.kind {
            FactKind::Flag => Names::default(),
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
