//! One decision table: how a change in one system affects another, and the texts to append.

use std::sync::Arc;

use crate::dense::{Dense, DenseLink};
use crate::flat_diagram::FlatDiagram;
use crate::ids::{Direction, FactId, StateId};
use crate::schema::{Column, Schema};
use crate::situation::{Inputs, Situation};

/// Identifies a decision within one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DecisionId(pub(crate) u32);

impl DecisionId {
    #[doc(hidden)]
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// For each column, the numbers of the matching values, ascending; `None` if all match.
/// [`Schema::inputs`] translates them.
pub type Cells = Vec<Option<Box<[u32]>>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// No rule matches.
    Unmapped,
    /// A rule leaves the system unchanged.
    Unchanged,
    /// A rule brings the system's own state back.
    Previous,
    Set(StateId),
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

/// A text that is appended to the state that is set, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appendix {
    pub text: String,
    /// Decides where the text joins, and passes elsewhere.
    pub holds: FlatDiagram,
}

/// The appendices of one profile, in order. No text joins twice in any situation.
pub type Appendices = Arc<[Appendix]>;

/// A part of a table, which decides where the parts before it pass.
#[derive(Debug, Clone)]
pub struct Link {
    pub diagram: Arc<FlatDiagram>,
    /// The decision of the diagram's leaf 0; the next leaves are the next decisions.
    pub first: u32,
}

/// A decision table as the compiler makes it. Parts that do not fit together cause a panic.
#[doc(hidden)]
#[derive(Debug)]
pub struct TableParts {
    pub direction: Direction,
    /// The inputs that the outcome or an appendix depends on, ascending.
    pub columns: Vec<Column>,
    /// All inputs of the diagrams, in the order in which every diagram tests them, after the state entered.
    pub order: Vec<Column>,
    /// The first is unmapped: the decision where all links pass.
    pub decisions: Vec<Decision>,
    pub links: Vec<Link>,
    pub appendices: Vec<Appendices>,
    /// For each decision, an index into `appendices`.
    pub appends: Vec<Option<u32>>,
    /// Whether the outcome is `previous` in some situation.
    pub brings_back: bool,
}

impl TableParts {
    /// A table that decides nothing.
    pub fn unmapped(direction: Direction) -> Self {
        Self {
            direction,
            columns: Vec::new(),
            order: Vec::new(),
            decisions: vec![UNMAPPED.clone()],
            links: Vec::new(),
            appendices: Vec::new(),
            appends: vec![None],
            brings_back: false,
        }
    }
}

/// Decides changes of one system for another. Complete: exactly one decision in every situation.
#[derive(Debug)]
pub struct Table {
    schema: Arc<Schema>,
    parts: TableParts,
    /// `None` if there would be too many cells.
    dense: Option<Dense>,
    /// For the decisions after those of the parts: the texts that are appended.
    joined: Vec<Box<[u32]>>,
    /// The number of states of the system that changes.
    states: usize,
    /// The choices among the columns.
    choices: Vec<FactId>,
}

/// The texts of a decision.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Appended<'t> {
    /// Always the same.
    Known(&'t Appendices, &'t [u32]),
    /// They depend on the situation.
    Asked(&'t Appendices),
    Nothing,
}

impl Table {
    /// # Panics
    /// The parts do not fit together: for example, the first decision is not unmapped.
    #[doc(hidden)]
    pub fn new(schema: &Arc<Schema>, mut parts: TableParts) -> Self {
        assert_eq!(
            parts.decisions.first(),
            Some(&UNMAPPED),
            "the first decision is for situations that no link decides"
        );
        let choices = parts.columns.iter().filter_map(|column| match column {
            Column::Fact(fact) => Some(*fact).filter(|fact| !schema.fact(*fact).is_flag()),
            Column::State(_) | Column::ByHand(_) => None,
        });
        let choices = choices.collect();
        let mut joined = Vec::new();
        let dense = Self::dense_with_appendices(schema, &mut parts, &mut joined)
            .or_else(|| Self::dense_without_appendices(schema, &parts));
        Self {
            schema: schema.clone(),
            states: schema.system(parts.direction.from()).states.len(),
            dense,
            joined,
            choices,
            parts,
        }
    }

    /// Appendices as part of the cells, where there are few: a decision with its texts becomes a decision of its own.
    fn dense_with_appendices(
        schema: &Schema,
        parts: &mut TableParts,
        joined: &mut Vec<Box<[u32]>>,
    ) -> Option<Dense> {
        const MAX_JOINED: usize = 1_000;
        if parts.appendices.is_empty() {
            return None;
        }
        let mut links: Vec<DenseLink<'_>> = parts.links.iter().map(DenseLink::of).collect();
        let first = links.len();
        // By group of appendices, the place of its first among the links.
        let mut places = Vec::with_capacity(parts.appendices.len());
        for group in &parts.appendices {
            places.push(links.len());
            links.extend(
                group
                    .iter()
                    .map(|appendix| DenseLink::asking(&appendix.holds)),
            );
        }
        let mut known: indexmap::IndexSet<(u32, Box<[u32]>)> = indexmap::IndexSet::new();
        let plain = parts.decisions.len() as u32;
        let mut too_many = false;
        let dense = Dense::from_links(schema, parts.direction, &parts.order, &links, |found| {
            let decision = found[..first].iter().find_map(|found| *found).unwrap_or(0);
            let Some(group) = parts.appends.get(decision as usize).copied().flatten() else {
                return decision;
            };
            let start = places[group as usize];
            let texts = (0..).zip(&found[start..start + parts.appendices[group as usize].len()]);
            let texts = texts.filter_map(|(at, found)| found.map(|_| at));
            let place = known.insert_full((decision, texts.collect())).0;
            too_many |= place >= MAX_JOINED;
            plain + place.min(MAX_JOINED) as u32
        })?;
        if too_many {
            return None;
        }
        for (decision, texts) in known {
            let decision = decision as usize;
            parts.decisions.push(parts.decisions[decision].clone());
            parts.appends.push(parts.appends[decision]);
            joined.push(texts);
        }
        Some(dense)
    }

    fn dense_without_appendices(schema: &Schema, parts: &TableParts) -> Option<Dense> {
        let links: Vec<DenseLink<'_>> = parts.links.iter().map(DenseLink::of).collect();
        let asked = |column: &&Column| {
            let mut diagrams = parts.links.iter().map(|link| &link.diagram);
            diagrams.any(|diagram| diagram.nodes.iter().any(|node| node.ask == Some(**column)))
        };
        let order: Vec<Column> = parts.order.iter().filter(asked).copied().collect();
        Dense::from_links(schema, parts.direction, &order, &links, |found| {
            found.iter().find_map(|found| *found).unwrap_or(0)
        })
    }

    pub fn direction(&self) -> Direction {
        self.parts.direction
    }

    /// The inputs that the outcome or an appendix depends on, in addition to the state entered; ascending.
    pub fn columns(&self) -> &[Column] {
        &self.parts.columns
    }

    /// All inputs of the diagrams, in the order in which every diagram tests them, after the state entered.
    pub fn order(&self) -> &[Column] {
        &self.parts.order
    }

    /// The function as diagrams: the first that does not pass decides.
    pub fn links(&self) -> &[Link] {
        &self.parts.links
    }

    /// The appendices of each profile that has some, by priority.
    pub fn appendices(&self) -> &[Appendices] {
        &self.parts.appendices
    }

    /// The appendices that can join a decision: an index into [`Table::appendices`].
    pub fn appended_to(&self, decision: DecisionId) -> Option<usize> {
        let group = self.parts.appends.get(decision.index()).copied().flatten();
        group.map(|group| group as usize)
    }

    /// Whether the outcome is `previous` in some situation.
    pub fn brings_back(&self) -> bool {
        self.parts.brings_back
    }

    /// All decisions that the table can make, by id. Equal ones can occur several times, with different texts.
    pub fn decisions(&self) -> &[Decision] {
        &self.parts.decisions
    }

    /// The ids of the decisions that the links lead to.
    pub fn decision_ids(&self) -> impl ExactSizeIterator<Item = DecisionId> + use<> {
        let plain = self.parts.decisions.len() - self.joined.len();
        (0..plain).map(|at| DecisionId(at as u32))
    }

    /// Returns a decision by id. An id from another table gives any decision of this one, or unmapped.
    #[inline]
    pub fn decision(&self, id: DecisionId) -> &Decision {
        self.parts.decisions.get(id.index()).unwrap_or(&UNMAPPED)
    }

    /// Decides a change to the state entered. Returns `None` if it is not a state of the system
    /// that changes, or the situation has another schema. A choice without a value counts as its
    /// first value, so check [`Table::unset`] before.
    #[inline]
    pub fn decide(&self, situation: &Situation, entered: StateId) -> Option<&Decision> {
        self.id_of(situation, entered).map(|id| self.decision(id))
    }

    /// Like [`Table::decide`], with the texts to append.
    pub fn decide_with_texts(
        &self,
        situation: &Situation,
        entered: StateId,
    ) -> Option<(&Decision, Vec<&str>)> {
        let id = self.id_of(situation, entered)?;
        Some((self.decision(id), self.texts(id, situation, entered)))
    }

    #[inline]
    fn id_of(&self, situation: &Situation, entered: StateId) -> Option<DecisionId> {
        let here = entered.system() == self.parts.direction.from() && entered.index() < self.states;
        if !here || !self.is_of(&situation.schema) {
            return None;
        }
        Some(self.find(situation, entered))
    }

    /// Whether this table uses the ids of `schema`.
    #[inline]
    fn is_of(&self, schema: &Arc<Schema>) -> bool {
        Arc::ptr_eq(&self.schema, schema) || self.schema.has_same_ids(schema)
    }

    #[inline]
    pub(crate) fn find(&self, inputs: &impl Inputs, entered: StateId) -> DecisionId {
        let entered = entered.index() as u32;
        DecisionId(match &self.dense {
            Some(dense) => dense.find(inputs, entered),
            None => self.walk(inputs, entered),
        })
    }

    /// Out of line to keep the path for dense tables short.
    #[inline(never)]
    fn walk(&self, inputs: &impl Inputs, entered: u32) -> u32 {
        let decided = self.parts.links.iter().find_map(|link| {
            let leaf = link.diagram.find(inputs, entered)?;
            Some(link.first + leaf)
        });
        decided.unwrap_or_default()
    }

    /// What a decision appends.
    pub(crate) fn appended(&self, id: DecisionId) -> Appended<'_> {
        let Some(group) = self.parts.appends.get(id.index()).copied().flatten() else {
            return Appended::Nothing;
        };
        let group = &self.parts.appendices[group as usize];
        let plain = self.parts.decisions.len() - self.joined.len();
        match id.index().checked_sub(plain) {
            Some(at) => Appended::Known(group, &self.joined[at]),
            None => Appended::Asked(group),
        }
    }

    /// The texts that a decision appends in every situation; `None` if they depend on it.
    pub fn texts_always(&self, id: DecisionId) -> Option<Vec<&str>> {
        match self.appended(id) {
            Appended::Nothing => Some(Vec::new()),
            Appended::Known(group, texts) => {
                let texts = texts.iter().map(|at| group[*at as usize].text.as_str());
                Some(texts.collect())
            }
            Appended::Asked(_) => None,
        }
    }

    /// The texts that a decision appends in a situation.
    pub(crate) fn texts(
        &self,
        id: DecisionId,
        inputs: &impl Inputs,
        entered: StateId,
    ) -> Vec<&str> {
        let Appended::Asked(group) = self.appended(id) else {
            return self.texts_always(id).unwrap_or_default();
        };
        let entered = entered.index() as u32;
        let joins = |appendix: &&Appendix| appendix.holds.find(inputs, entered).is_some();
        let joining = group.iter().filter(joins);
        joining.map(|appendix| appendix.text.as_str()).collect()
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

    /// The table as one cell per combination of inputs, to decide packed inputs; `None` if there would be more than
    /// [`DENSE_CELLS`](crate::DENSE_CELLS).
    pub fn dense(&self) -> Option<&Dense> {
        self.dense.as_ref()
    }
}
