//! In: two sets of tables. Out: exactly the situations that they decide differently, in few rows, with counts.
//! Compares what both have and lists what only one has. Enumerates nothing.

mod behaviors;
mod effects;
mod inputs;
mod one_sided;
mod parts;
mod renaming;
mod texts;

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexSet;

pub use crate::analysis::difference::behaviors::Behavior;
pub use crate::analysis::difference::effects::{ChangeEffect, NamedOutcome};
use crate::analysis::difference::inputs::{ComparedInput, InputKind, initial, input, value_name};
use crate::analysis::difference::one_sided::one_sided;
pub use crate::analysis::difference::parts::ChangedPart;
pub use crate::analysis::difference::renaming::{RenameError, RenamedKind, Renaming};
use crate::diagram::{Diagram, DiagramStore};
use crate::quote::quote_text;
use presync_engine::{
    Column, Decision, Direction, FlatDiagram, Next, Schema, Table, Tables, TooComplex,
};

/// Node limit for one direction.
const NODE_LIMIT: usize = 5_000_000;

/// Limit of printed rows.
const MAX_ROWS: usize = 20;

/// The differences between two sets of tables.
#[derive(Debug, Default)]
pub struct Differences {
    /// Declarations of only one side, as sentences.
    pub one_sided: Vec<String>,
    /// By role, direction and outcomes.
    pub changes: Vec<DecisionChange>,
    /// Directions of roles that are too complex to compare.
    pub skipped: Vec<String>,
    /// Neither side declares a role: all changes are of the implicit one.
    pub without_roles: bool,
}

impl Differences {
    pub fn is_empty(&self) -> bool {
        self.one_sided.is_empty() && self.changes.is_empty() && self.skipped.is_empty()
    }
}

/// Situations of one role and direction in which one outcome has become another.
#[derive(Debug)]
pub struct DecisionChange {
    pub role: String,
    pub from: String,
    pub to: String,
    /// An outcome without its texts: `Away`, `unchanged` or `unmapped`; or, for a text, `append "in queue"` and
    /// `no "in queue"`.
    pub old: String,
    pub new: String,
    pub effect: ChangeEffect,
    /// The entered states concerned, in order; `None`: all.
    pub states: Option<Vec<String>>,
    /// The number of these situations, out of `total` that the two tables distinguish.
    pub count: u128,
    pub total: u128,
    /// Where the change is; `None` if there are too many parts.
    pub parts: Option<Vec<ChangedPart>>,
    /// One of the situations.
    pub witness: ChangedPart,
    /// The rules that decide there: profile and place.
    pub old_rules: Vec<String>,
    pub new_rules: Vec<String>,
}

/// Two sets of tables cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiffError {
    #[error(transparent)]
    Rename(#[from] RenameError),
    #[error(transparent)]
    TooComplex(#[from] TooComplex),
}

/// Compares two sets of tables.
///
/// # Errors
/// A role is too complex to compile.
pub fn diff(old: &Tables, new: &Tables) -> Result<Differences, TooComplex> {
    compare(old, old.schema(), new)
}

/// Compares two sets of tables, where the new one has other names for some things of the old one.
///
/// # Errors
/// A renaming does not fit the programs, or a role is too complex to compile.
pub fn diff_renamed(
    old: &Tables,
    new: &Tables,
    renamings: &[Renaming],
) -> Result<Differences, DiffError> {
    let schema = renaming::renamed(old.schema(), new.schema(), renamings)?;
    Ok(compare(old, &schema, new)?)
}

/// `old_schema` has the names that are compared.
fn compare(old: &Tables, old_schema: &Schema, new: &Tables) -> Result<Differences, TooComplex> {
    let new_schema = new.schema();
    let one_sided = one_sided(old_schema, new_schema);
    let is_implicit = |tables: &Tables| tables.roles().all(|role| role.is_implicit());
    let mut found = Differences {
        one_sided,
        without_roles: is_implicit(old) && is_implicit(new),
        ..Differences::default()
    };
    for (role, (_, named)) in old.roles().zip(old_schema.roles()) {
        let Ok(other_role) = new.role(&named.name) else {
            continue;
        };
        for table in role.tables()? {
            let end = |system| new_schema.find_system(&old_schema.system(system).name);
            let (from, to) = (end(table.direction().from()), end(table.direction().to()));
            let Some(direction) = from.zip(to).and_then(|(from, to)| Direction::new(from, to))
            else {
                continue;
            };
            let Some(other) = other_role.table(direction)? else {
                continue;
            };
            let (old, new) = (
                ComparedProgram {
                    schema: old_schema,
                    table,
                },
                ComparedProgram {
                    schema: new_schema,
                    table: other,
                },
            );
            match Comparison::new(old, new).changes(&named.name) {
                Some(changes) => found.changes.extend(changes),
                None => found.skipped.push(format!(
                    "role `{}`, {} → {}: too complex to compare",
                    named.name,
                    old_schema.system(table.direction().from()).name,
                    old_schema.system(table.direction().to()).name
                )),
            }
        }
    }
    Ok(found)
}

/// One side of a comparison.
#[derive(Clone, Copy)]
struct ComparedProgram<'a> {
    schema: &'a Schema,
    table: &'a Table,
}

/// Both tables over their common inputs: variable 0 is the entered state, then the inputs.
struct Comparison<'a> {
    old: ComparedProgram<'a>,
    new: ComparedProgram<'a>,
    entered: Vec<String>,
    inputs: Vec<ComparedInput>,
    diagrams: DiagramStore,
}

impl<'a> Comparison<'a> {
    fn new(old: ComparedProgram<'a>, new: ComparedProgram<'a>) -> Self {
        let names = |side: ComparedProgram<'_>| {
            let columns = side.table.order().iter();
            let named = columns.map(|column| {
                let by_hand = matches!(column, Column::ByHand(_));
                (side.schema.column_name(*column).to_owned(), by_hand)
            });
            named.collect::<BTreeSet<(String, bool)>>()
        };
        let all: BTreeSet<(String, bool)> = names(old).union(&names(new)).cloned().collect();
        let inputs = all.into_iter().filter_map(|(name, by_hand)| {
            let state = input(old.schema, new.schema, name)?;
            Some(if by_hand { state.by_hand() } else { state })
        });
        let inputs: Vec<ComparedInput> = inputs.collect();
        let states = |side: ComparedProgram<'_>| {
            let system = side.schema.system(side.table.direction().from());
            system
                .states
                .iter()
                .map(|state| state.name.clone())
                .collect::<Vec<_>>()
        };
        let others = states(new);
        let entered: Vec<String> = states(old)
            .into_iter()
            .filter(|name| others.contains(name))
            .collect();
        let sizes = std::iter::once(entered.len())
            .chain(inputs.iter().map(|input| input.values.len()))
            .map(|size| size as u32)
            .collect();
        Self {
            old,
            new,
            entered,
            inputs,
            diagrams: DiagramStore::new(sizes, NODE_LIMIT),
        }
    }

    /// `None` if the diagrams overflow.
    fn changes(mut self, role: &str) -> Option<Vec<DecisionChange>> {
        // No common states: `one_sided` already reports the different states of the systems.
        if self.entered.is_empty() {
            return Some(Vec::new());
        }
        let (old, new) = (self.function(self.old), self.function(self.new));
        let outcomes = |side: ComparedProgram<'_>| -> Vec<NamedOutcome> {
            let decisions = side.table.decisions().iter();
            decisions
                .map(|decision| NamedOutcome::of(side, decision))
                .collect()
        };
        let (old_outcomes, new_outcomes) = (outcomes(self.old), outcomes(self.new));
        let mut pairs: IndexSet<(&NamedOutcome, &NamedOutcome)> = IndexSet::new();
        let different = self
            .diagrams
            .product(old.decision, new.decision, &mut |old, new| {
                let pair = (&old_outcomes[old as usize], &new_outcomes[new as usize]);
                if pair.0 == pair.1 {
                    return 0;
                }
                pairs.insert_full(pair).0 as u32 + 1
            });
        let mut regions: Vec<(ChangeEffect, Diagram)> = Vec::new();
        for (at, (before, after)) in pairs.iter().enumerate() {
            let leaf = at as u32 + 1;
            let region = self
                .diagrams
                .map(different, &mut |other| u32::from(other == leaf));
            let (old, new) = ((*before).clone(), (*after).clone());
            regions.push((ChangeEffect::Outcome { old, new }, region));
        }
        regions.sort_by_cached_key(|(effect, _)| effect.sides());
        self.text_changes((&old, &new), &mut regions);
        if self.diagrams.overflowed() {
            return None;
        }
        let usual: Vec<u32> = std::iter::once(0)
            .chain(self.inputs.iter().map(|input| input.usual))
            .collect();
        let possible = self.possible();
        let total = self.diagrams.count(possible, &|leaf| leaf == 1);
        let direction = self.old.table.direction();
        let name = |system| self.old.schema.system(system).name.clone();
        let (from, to) = (name(direction.from()), name(direction.to()));
        let mut changes = Vec::new();
        for (effect, region) in regions {
            let witness = self.diagrams.witness(region, &usual, &|leaf| leaf == 1)?;
            let cube: Vec<(u32, Vec<u32>)> = witness
                .iter()
                .enumerate()
                .filter_map(|(at, value)| Some((at as u32, vec![(*value)?])))
                .collect();
            let region = self.diagrams.and_then(region, possible);
            let impossible = self.diagrams.not(possible);
            let allowed = self.diagrams.or_else(region, impossible);
            let rows = self
                .diagrams
                .cover_within(region, allowed, &usual, MAX_ROWS);
            let states = (0..self.entered.len() as u32)
                .filter(|state| self.diagrams.restrict(region, 0, *state) != Diagram::ZERO);
            let states: Vec<u32> = states.collect();
            let states = (states.len() < self.entered.len()).then(|| {
                let name = |state: &u32| self.entered[*state as usize].clone();
                states.iter().map(name).collect()
            });
            let [old_text, new_text] = effect.sides();
            changes.push(DecisionChange {
                role: role.to_owned(),
                from: from.clone(),
                to: to.clone(),
                effect,
                states,
                count: self.diagrams.count(region, &|leaf| leaf == 1),
                total,
                parts: rows.map(|rows| rows.iter().map(|cube| self.part(&cube.0)).collect()),
                witness: self.part(&cube),
                old: old_text,
                new: new_text,
                old_rules: self.rules(self.old.table, old.decision, region),
                new_rules: self.rules(self.new.table, new.decision, region),
            });
        }
        (!self.diagrams.overflowed()).then_some(changes)
    }

    /// Where no unknown state is by hand.
    fn possible(&mut self) -> Diagram {
        let mut possible = Diagram::ONE;
        for (at, input) in self.inputs.iter().enumerate() {
            let of = |kind| {
                move |other: &ComparedInput| (other.kind, &other.name) == (kind, &input.name)
            };
            let state = self.inputs.iter().position(of(InputKind::State));
            if let (InputKind::ByHand, Some(state)) = (input.kind, state) {
                let by_hand = self.diagrams.literal(at as u32 + 1, [1]);
                let unknown = self.diagrams.literal(state as u32 + 1, [0]);
                let neither = self.diagrams.and_then(by_hand, unknown);
                possible = self.diagrams.without(possible, neither);
            }
        }
        possible
    }

    /// The rules that decide in a region.
    fn rules(&mut self, table: &Table, decision: Diagram, region: Diagram) -> Vec<String> {
        let shifted = self.diagrams.map(decision, &mut |leaf| leaf + 1);
        let within = self.diagrams.and_then(region, shifted);
        let leaves = self.diagrams.leaves(within).into_iter();
        let decisions = leaves.filter_map(|leaf| leaf.checked_sub(1));
        let rules = decisions.filter_map(|decision| rule(&table.decisions()[decision as usize]));
        let rules: BTreeSet<String> = rules.collect();
        rules.into_iter().collect()
    }

    /// A side's function over the common inputs.
    fn function(&mut self, side: ComparedProgram<'a>) -> ComparedFunction<'a> {
        let mut decision = Diagram::ZERO;
        for link in side.table.links() {
            let next = self.walk(side, &link.diagram, &|leaf| link.first + leaf);
            decision = self.diagrams.or_else(decision, next);
        }
        let mut function = ComparedFunction {
            decision,
            joins: BTreeMap::new(),
            groups: Vec::new(),
        };
        for (number, appendices) in side.table.appendices().iter().enumerate() {
            let ids = side.table.decision_ids();
            let ids = ids.filter(|id| side.table.appended_to(*id) == Some(number));
            let decisions: BTreeSet<u32> = ids.map(|id| id.index() as u32).collect();
            let decides = self
                .diagrams
                .map(decision, &mut |leaf| u32::from(decisions.contains(&leaf)));
            let mut group = Vec::with_capacity(appendices.len());
            for appendix in appendices.iter() {
                let holds = self.walk(side, &appendix.holds, &|_| 1);
                let joins = self.diagrams.and_then(decides, holds);
                let all = function
                    .joins
                    .entry(&*appendix.text)
                    .or_insert(Diagram::ZERO);
                *all = self.diagrams.or_else(*all, joins);
                group.push((&*appendix.text, joins));
            }
            function.groups.push(group);
        }
        function
    }

    /// A diagram over the common inputs; 0 where it passes.
    fn walk(
        &mut self,
        side: ComparedProgram<'_>,
        diagram: &FlatDiagram,
        leaf: &dyn Fn(u32) -> u32,
    ) -> Diagram {
        let mut made: Vec<Diagram> = vec![Diagram::ZERO; diagram.nodes.len()];
        let get = |made: &[Diagram], next: Next| match next {
            Next::Node(at) => made[at as usize],
            Next::Decision(decision) => Diagram::leaf(leaf(decision)),
            Next::Pass => Diagram::ZERO,
        };
        for (at, node) in diagram.nodes.iter().enumerate().rev() {
            let mut parts = Vec::with_capacity(node.next.len());
            for (value, next) in node.next.iter().enumerate() {
                let child = get(&made, *next);
                let place = match node.ask {
                    None => {
                        let name =
                            &side.schema.system(side.table.direction().from()).states[value].name;
                        self.entered
                            .iter()
                            .position(|known| *known == *name)
                            .map(|value| (0, value as u32))
                    }
                    Some(column) => match self.variable(side, column) {
                        Some(input) => self
                            .value(side, column, input, value as u32)
                            .map(|value| (input as u32 + 1, value)),
                        None if value as u32 == initial(side, column) => {
                            parts.push(child);
                            None
                        }
                        None => None,
                    },
                };
                if let Some((variable, value)) = place {
                    let test = self.diagrams.literal(variable, [value]);
                    parts.push(self.diagrams.and_then(test, child));
                }
            }
            made[at] = self.diagrams.union(parts);
        }
        get(&made, diagram.root)
    }

    /// The place of a column among the common inputs.
    fn variable(&self, side: ComparedProgram<'_>, column: Column) -> Option<usize> {
        let name = side.schema.column_name(column);
        let by_hand = matches!(column, Column::ByHand(_));
        let same = |input: &ComparedInput| {
            input.name == *name && (input.kind == InputKind::ByHand) == by_hand
        };
        self.inputs.iter().position(same)
    }

    /// A side's value as the common value.
    fn value(
        &self,
        side: ComparedProgram<'_>,
        column: Column,
        input: usize,
        value: u32,
    ) -> Option<u32> {
        let name = value_name(side.schema, column, value);
        self.inputs[input]
            .values
            .iter()
            .position(|known| *known == name)
            .map(|at| at as u32)
    }
}

/// What a side decides over the common inputs.
struct ComparedFunction<'a> {
    /// A leaf is a decision of the side's table.
    decision: Diagram,
    /// Where each text joins.
    joins: BTreeMap<&'a str, Diagram>,
    /// The texts that can join together, in order.
    groups: Vec<Vec<(&'a str, Diagram)>>,
}

fn rule(decision: &Decision) -> Option<String> {
    let origin = decision.origin.as_ref()?;
    Some(format!("{} ({})", quote_text(&origin.profile), origin.rule))
}
