//! In: two sets of tables. Out: exactly the situations that they decide differently, in few rows, with counts.
//! Compares what both have and lists what only one has. Enumerates nothing.

mod behaviors;
mod one_sided;
mod parts;
mod renaming;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use indexmap::IndexSet;

pub use crate::analysis::difference::behaviors::Behavior;
use crate::analysis::difference::one_sided::one_sided;
pub use crate::analysis::difference::parts::ChangedPart;
pub use crate::analysis::difference::renaming::{RenameError, RenamedKind, Renaming};
use crate::diagram::{Diagram, DiagramStore};
use crate::quote::{quote, quote_text};
use presync_engine::{
    Column, Decision, Direction, FactKind, FlatDiagram, Next, Outcome, Schema, Table, Tables,
    TooComplex,
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

/// What a change does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeEffect {
    /// By name.
    Outcome {
        old: NamedOutcome,
        new: NamedOutcome,
    },
    Added(String),
    Removed(String),
    /// The first text now follows the second.
    Reordered(String, String),
}

/// An outcome with the name of its state.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NamedOutcome {
    Previous,
    Set(String),
    Unchanged,
    Unmapped,
}

impl ChangeEffect {
    /// Before and after, as text of the language: `Away` and `"Be Right Back"`, `no "in queue"` and `append "in queue"`.
    fn sides(&self) -> [String; 2] {
        match self {
            Self::Outcome { old, new } => [old.quoted(), new.quoted()],
            Self::Added(text) => [format!("no {}", quote_text(text)), append(&[text])],
            Self::Removed(text) => [append(&[text]), format!("no {}", quote_text(text))],
            Self::Reordered(first, second) => [append(&[first, second]), append(&[second, first])],
        }
    }
}

fn append(texts: &[&str]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quote_text(text)).collect();
    format!("append {}", texts.join(", "))
}

impl NamedOutcome {
    fn of(side: ComparedProgram<'_>, decision: &Decision) -> Self {
        match decision.outcome {
            Outcome::Unmapped => Self::Unmapped,
            Outcome::Unchanged => Self::Unchanged,
            Outcome::Previous => Self::Previous,
            Outcome::Set(state) => Self::Set(side.schema.state(state).name.clone()),
        }
    }

    fn quoted(&self) -> String {
        match self {
            Self::Unmapped => "unmapped".to_owned(),
            Self::Unchanged => "unchanged".to_owned(),
            Self::Previous => "previous".to_owned(),
            Self::Set(state) => quote(state),
        }
    }
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

/// An input that both sides have, with the values that both know.
struct ComparedInput {
    name: String,
    kind: InputKind,
    /// The names of the values; the first of a state is "not known".
    values: Vec<String>,
    /// The initial value.
    usual: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum InputKind {
    Flag,
    Choice,
    State,
    ByHand,
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

    /// Adds where the texts differ, whatever the states are: by text, then by the order of two texts.
    fn text_changes(
        &mut self,
        (old, new): (&ComparedFunction<'_>, &ComparedFunction<'_>),
        regions: &mut Vec<(ChangeEffect, Diagram)>,
    ) {
        let texts: BTreeSet<&str> = old.joins.keys().chain(new.joins.keys()).copied().collect();
        let joins = |side: &ComparedFunction<'_>, text: &str| {
            side.joins.get(text).copied().unwrap_or(Diagram::ZERO)
        };
        for text in &texts {
            let (before, after) = (joins(old, text), joins(new, text));
            let lost = self.diagrams.without(before, after);
            if lost != Diagram::ZERO {
                regions.push((ChangeEffect::Removed((*text).to_owned()), lost));
            }
            let added = self.diagrams.without(after, before);
            if added != Diagram::ZERO {
                regions.push((ChangeEffect::Added((*text).to_owned()), added));
            }
        }
        let (old_places, new_places) = (old.places(), new.places());
        for first in &texts {
            for second in &texts {
                let reversed = first != second
                    && may_order(&old_places, first, second)
                    && may_order(&new_places, second, first);
                if !reversed {
                    continue;
                }
                let before = self.ordered(old, first, second);
                let after = self.ordered(new, second, first);
                let both = self.diagrams.and_then(before, after);
                if both != Diagram::ZERO {
                    let effect = ChangeEffect::Reordered((*first).to_owned(), (*second).to_owned());
                    regions.push((effect, both));
                }
            }
        }
    }

    /// Where two texts join in this order.
    fn ordered(&mut self, side: &ComparedFunction<'_>, first: &str, second: &str) -> Diagram {
        let mut found = Diagram::ZERO;
        for group in &side.groups {
            for (at, (text, joins)) in group.iter().enumerate() {
                for (other, later) in &group[at + 1..] {
                    if (*text, *other) == (first, second) {
                        let both = self.diagrams.and_then(*joins, *later);
                        found = self.diagrams.or_else(found, both);
                    }
                }
            }
        }
        found
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

impl<'a> ComparedFunction<'a> {
    /// For each group, the first and the last place of each text.
    fn places(&self) -> Vec<TextPlaces<'a>> {
        let of_group = |group: &Vec<(&'a str, Diagram)>| {
            let mut places = TextPlaces::new();
            for (at, (text, _)) in group.iter().enumerate() {
                places.entry(text).or_insert((at, at)).1 = at;
            }
            places
        };
        self.groups.iter().map(of_group).collect()
    }
}

type TextPlaces<'a> = HashMap<&'a str, (usize, usize)>;

/// Whether a text comes before another in some group.
fn may_order(places: &[TextPlaces<'_>], first: &str, second: &str) -> bool {
    places
        .iter()
        .any(|places| match (places.get(first), places.get(second)) {
            (Some((first, _)), Some((_, second))) => first < second,
            _ => false,
        })
}

/// An input by name, if both sides have it as the same kind.
fn input(old: &Schema, new: &Schema, name: String) -> Option<ComparedInput> {
    if let (Some(a), Some(b)) = (old.find_fact(&name), new.find_fact(&name)) {
        return match (&old.fact(a).kind, &new.fact(b).kind) {
            (FactKind::Flag, FactKind::Flag) => {
                let values = vec!["false".to_owned(), "true".to_owned()];
                Some(ComparedInput {
                    name,
                    kind: InputKind::Flag,
                    values,
                    usual: 0,
                })
            }
            (FactKind::Choice { values, default }, FactKind::Choice { values: others, .. }) => {
                let usual = default.and_then(|at| values.get(at as usize));
                let common = values.iter().filter(|value| others.contains(value));
                let common: Vec<String> = common.cloned().collect();
                let usual = usual.and_then(|usual| common.iter().position(|one| one == usual));
                let usual = usual.unwrap_or(0) as u32;
                let input = ComparedInput {
                    name,
                    kind: InputKind::Choice,
                    values: common,
                    usual,
                };
                (!input.values.is_empty()).then_some(input)
            }
            _ => None,
        };
    }
    let (a, b) = (old.find_system(&name)?, new.find_system(&name)?);
    let others: BTreeSet<&String> = new
        .system(b)
        .states
        .iter()
        .map(|state| &state.name)
        .collect();
    let states = old.system(a).states.iter().map(|state| &state.name);
    let states = states.filter(|name| others.contains(name)).cloned();
    let values = std::iter::once(UNKNOWN.to_owned()).chain(states).collect();
    Some(ComparedInput {
        name,
        kind: InputKind::State,
        values,
        usual: 0,
    })
}

impl ComparedInput {
    /// Whether the state of the system is by hand, instead of the state.
    fn by_hand(self) -> Self {
        Self {
            kind: InputKind::ByHand,
            values: vec!["false".to_owned(), "true".to_owned()],
            ..self
        }
    }
}

/// The name of "not known" among a state's values; no state can have it.
const UNKNOWN: &str = "\u{0}";

fn value_name(schema: &Schema, column: Column, value: u32) -> String {
    use presync_engine::Input;
    match schema.inputs(column, &[value]).next() {
        Some(Input::Flag(flag)) => flag.to_string(),
        Some(Input::Name(name)) => name.to_owned(),
        Some(Input::Unknown) | None => UNKNOWN.to_owned(),
    }
}

/// The assumed value of an input that only one side has.
fn initial(side: ComparedProgram<'_>, column: Column) -> u32 {
    match column {
        Column::Fact(fact) => side.schema.initial(fact).map_or(0, |value| value.value()),
        Column::State(_) | Column::ByHand(_) => 0,
    }
}

fn rule(decision: &Decision) -> Option<String> {
    let origin = decision.origin.as_ref()?;
    Some(format!("{} ({})", quote_text(&origin.profile), origin.rule))
}
