//! One decision table: how a change in one system affects another. Hit policy UNIQUE, complete over its inputs.

use std::sync::{Arc, LazyLock};

use crate::flat_diagram::FlatDiagram;
use crate::ids::{Direction, FactId, StateId};
use crate::lookup::{Cells, CoverError, DecisionId, Dense, Lookup, RowCube};
use crate::schema::{Column, Schema};
use crate::situation::{Situation, UNSET};

#[derive(Debug)]
pub struct Table {
    schema: Arc<Schema>,
    direction: Direction,
    decisions: Vec<Decision>,
    lookup: Lookup,
    /// The number of states of the system that changes.
    states: usize,
    /// The choices among the columns.
    choices: Vec<FactId>,
    /// The function as diagrams; `None` if the table was made from rows.
    diagrams: Option<Arc<[FlatDiagram]>>,
    /// Deciding does not need it.
    listing: LazyLock<Listing, Box<dyn FnOnce() -> Listing + Send>>,
}

/// What a table shows: its columns, and rows or diagrams.
#[derive(Debug)]
struct Listing {
    columns: Vec<Column>,
    origin_columns: Vec<Column>,
    body: TableBody,
}

/// The rows of a compiled table with their columns.
pub struct CompiledRows {
    pub columns: Vec<Column>,
    pub origin_columns: Vec<Column>,
    /// They cover every situation exactly once.
    pub rows: Vec<Row>,
}

/// A table in its exported form.
#[derive(Debug, Clone, PartialEq)]
pub enum TableBody {
    Rows(Vec<Row>),
    /// For tables that would need too many rows. The first diagram that does not pass decides.
    Diagrams(Arc<[FlatDiagram]>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// In the order of the columns.
    pub when: Cells,
    /// The states entered, ascending.
    pub from: Box<[StateId]>,
    pub outcome: Outcome,
    /// The rules that decide this row; the first that matches counts. Several if agreeing rules
    /// share the row, none if it is unmapped.
    pub origins: Vec<OriginPart>,
}

/// A part of a row that is decided by one rule.
#[derive(Debug, Clone, PartialEq)]
pub struct OriginPart {
    /// In the order of the columns, then the origin columns; `None`: as in the row.
    pub when: Cells,
    /// `None`: all states of the row.
    pub from: Option<Box<[StateId]>>,
    pub origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// No rule matches.
    Unmapped,
    /// A rule leaves the system unchanged.
    Unchanged,
    Set {
        state: StateId,
        append: Box<[String]>,
    },
}

/// The rule that decides.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    pub profile: String,
    /// File and line of the rule, such as `agents.presync:14`.
    pub rule: String,
}

/// An outcome and the rule that decided it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Decision {
    pub outcome: Outcome,
    /// `None` if unmapped, or if the table was imported without it.
    pub origin: Option<Origin>,
}

static UNMAPPED: Decision = Decision {
    outcome: Outcome::Unmapped,
    origin: None,
};

impl Table {
    /// Builds a table from rows, which must cover every situation exactly once.
    ///
    /// # Errors
    /// Two rows overlap, or a situation is not covered.
    pub fn from_rows(
        schema: &Arc<Schema>,
        direction: Direction,
        (columns, origin_columns): (Vec<Column>, Vec<Column>),
        rows: Vec<Row>,
    ) -> Result<Self, CoverError> {
        let inputs: Vec<Column> = columns.iter().chain(&origin_columns).copied().collect();
        let mut decisions: indexmap::IndexSet<Decision> = indexmap::IndexSet::new();
        let mut cubes = Vec::with_capacity(rows.len());
        for (at, row) in (0..).zip(&rows) {
            let mut when = row.when.clone();
            when.resize(inputs.len(), None);
            let mut add = |when: Cells, from: &[StateId], origin: Option<&Origin>| {
                let decision = Decision {
                    outcome: row.outcome.clone(),
                    origin: origin.cloned(),
                };
                let decision = decisions.insert_full(decision).0 as u32;
                let from = from.iter().map(|state| state.index() as u32).collect();
                cubes.push(RowCube {
                    row: at,
                    when,
                    from: Some(from),
                    decision,
                });
            };
            if row.origins.is_empty() {
                add(when, &row.from, None);
                continue;
            }
            for part in &row.origins {
                let cells = part.when.iter().zip(&when);
                let narrowed = cells.map(|(own, row)| own.clone().or_else(|| row.clone()));
                let from = part.from.as_deref().unwrap_or(&row.from);
                add(narrowed.collect(), from, Some(&part.origin));
            }
        }
        let lookup = Lookup::from_cubes(schema, direction, &inputs, &cubes)?;
        let choices = choices(schema, &columns);
        let listing = Listing {
            columns,
            origin_columns,
            body: TableBody::Rows(rows),
        };
        Ok(Self {
            schema: schema.clone(),
            direction,
            decisions: decisions.into_iter().collect(),
            lookup,
            states: schema.system(direction.from()).states.len(),
            choices,
            diagrams: None,
            listing: LazyLock::new(Box::new(|| listing)),
        })
    }

    /// Builds a table from diagrams; the first that does not pass decides.
    pub fn from_diagrams(
        schema: &Arc<Schema>,
        direction: Direction,
        inputs: (Vec<Column>, Vec<Column>),
        diagrams: Vec<FlatDiagram>,
        decisions: Vec<Decision>,
    ) -> Self {
        let diagrams: Arc<[FlatDiagram]> = diagrams.into();
        let lookup = Lookup::Diagrams(diagrams.clone());
        let function = Function {
            diagrams,
            decisions,
            lookup,
        };
        Self::compiled(schema, direction, inputs, function, || None)
    }

    /// Builds a table from one diagram that tests the state entered first, then the inputs in `order`. `rows` makes its rows
    /// when the table is read: `None` if there are too many.
    pub fn from_diagram(
        schema: &Arc<Schema>,
        direction: Direction,
        (inputs, order): ((Vec<Column>, Vec<Column>), &[Column]),
        diagram: FlatDiagram,
        decisions: Vec<Decision>,
        rows: impl FnOnce() -> Option<CompiledRows> + Send + 'static,
    ) -> Self {
        let dense = Dense::from_diagram(schema, direction, order, &diagram);
        let diagrams: Arc<[FlatDiagram]> = [diagram].into();
        let lookup = match dense {
            Some(dense) => Lookup::Dense(dense),
            None => Lookup::Diagrams(diagrams.clone()),
        };
        let function = Function {
            diagrams,
            decisions,
            lookup,
        };
        Self::compiled(schema, direction, inputs, function, rows)
    }

    fn compiled(
        schema: &Arc<Schema>,
        direction: Direction,
        (columns, origin_columns): (Vec<Column>, Vec<Column>),
        function: Function,
        rows: impl FnOnce() -> Option<CompiledRows> + Send + 'static,
    ) -> Self {
        let Function {
            diagrams,
            decisions,
            lookup,
        } = function;
        let choices = choices(schema, &columns);
        let body = TableBody::Diagrams(diagrams.clone());
        let listing = move || match rows() {
            Some(rows) => Listing {
                columns: rows.columns,
                origin_columns: rows.origin_columns,
                body: TableBody::Rows(rows.rows),
            },
            None => Listing {
                columns,
                origin_columns,
                body,
            },
        };
        Self {
            schema: schema.clone(),
            direction,
            decisions,
            lookup,
            states: schema.system(direction.from()).states.len(),
            choices,
            diagrams: Some(diagrams),
            listing: LazyLock::new(Box::new(listing)),
        }
    }

    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// The inputs that the outcome depends on, in addition to the state entered.
    pub fn columns(&self) -> &[Column] {
        &self.listing.columns
    }

    /// The inputs that only the origin depends on: which of several agreeing rules decides.
    pub fn origin_columns(&self) -> &[Column] {
        &self.listing.origin_columns
    }

    /// The rows or diagrams. Rows of a compiled table are made when this is first called.
    pub fn body(&self) -> &TableBody {
        &self.listing.body
    }

    /// The function as diagrams, without making rows; `None` if the table was made from rows.
    pub(crate) fn diagrams(&self) -> Option<&[FlatDiagram]> {
        self.diagrams.as_deref()
    }

    /// All decisions that the table can make.
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// Returns a decision by id. An id from another table gives any decision of this one, or unmapped.
    #[inline]
    pub fn decision(&self, id: DecisionId) -> &Decision {
        self.decisions.get(id.index()).unwrap_or(&UNMAPPED)
    }

    /// Decides a change to the state entered. Returns `None` if it is not a state of the system
    /// that changes, or the situation has another schema. A choice without a value counts as its
    /// first value, so check [`Table::unset`] before.
    #[inline]
    pub fn decide(&self, situation: &Situation, entered: StateId) -> Option<&Decision> {
        let here = entered.system() == self.direction.from() && entered.index() < self.states;
        if !here || !self.is_of(&situation.schema) {
            return None;
        }
        let fact = |at: usize| situation.facts.get(at).map_or(0, |fact| fact.value);
        let state = |at: usize| situation.states.get(at).copied().unwrap_or_default();
        let found = self.lookup.find(fact, state, entered.index() as u32);
        Some(self.decision(DecisionId(found)))
    }

    /// Whether this table uses the ids of `schema`.
    #[inline]
    fn is_of(&self, schema: &Arc<Schema>) -> bool {
        Arc::ptr_eq(&self.schema, schema) || self.schema.has_same_ids(schema)
    }

    /// `facts`: the number of each fact's value, below its size or `UNSET`; `states`: each system's
    /// state plus one.
    #[inline]
    pub(crate) fn find(&self, facts: &[u32], states: &[u32], entered: StateId) -> DecisionId {
        // `UNSET` is out of range. The outcome does not depend on such a choice, so any value will do.
        let fact = |at: usize| {
            facts
                .get(at)
                .copied()
                .filter(|value| *value != UNSET)
                .unwrap_or(0)
        };
        let state = |at: usize| states.get(at).copied().unwrap_or_default();
        DecisionId(self.lookup.find(fact, state, entered.index() as u32))
    }

    /// Returns a choice without a value that the outcome depends on.
    #[inline]
    pub fn unset(&self, situation: &Situation) -> Option<FactId> {
        let is_unset = |fact: &FactId| {
            situation
                .facts
                .get(fact.index())
                .is_some_and(|fact| !fact.is_set)
        };
        self.choices.iter().copied().find(is_unset)
    }

    /// The choices among the inputs.
    pub(crate) fn choices(&self) -> &[FactId] {
        &self.choices
    }

    /// The table as one cell per combination of inputs, to decide packed inputs; `None` if too large.
    pub fn dense(&self) -> Option<&Dense> {
        match &self.lookup {
            Lookup::Dense(dense) => Some(dense),
            Lookup::Diagrams(_) => None,
        }
    }
}

/// A function as diagrams, and how to find its decisions.
struct Function {
    diagrams: Arc<[FlatDiagram]>,
    decisions: Vec<Decision>,
    lookup: Lookup,
}

/// The choices among some columns.
fn choices(schema: &Schema, columns: &[Column]) -> Vec<FactId> {
    let choices = columns.iter().filter_map(|column| match column {
        Column::Fact(fact) => Some(*fact).filter(|fact| !schema.fact(*fact).is_flag()),
        Column::State(_) => None,
    });
    choices.collect()
}
