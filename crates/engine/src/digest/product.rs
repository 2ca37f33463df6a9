//! In: several diagrams of a table. Out: the value of a function of what they decide, without building a diagram of it.

use std::collections::HashMap;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::digest::{WeightInput, Weights, add, multiply};
use crate::flat_diagram::{FlatDiagram, Next};
use crate::ids::SystemId;
use crate::schema::Column;
use crate::table::Table;

/// Limit of the nodes in all combinations that are visited.
const MAX_VISITED: usize = 1_000_000;

/// Several diagrams of a table, followed together.
pub(super) struct Product<'a, 'w, 's> {
    weights: &'w mut Weights<'s>,
    from: SystemId,
    /// The place of each input in the order in which the diagrams test.
    places: HashMap<Column, usize>,
    diagrams: &'a [&'a FlatDiagram],
    /// How many of them are links. The others are appendices, which must all hold.
    links: usize,
    known: FxHashMap<Nexts, [u64; 2]>,
}

/// Where each diagram is.
type Nexts = SmallVec<[Next; 4]>;

impl<'a, 'w, 's> Product<'a, 'w, 's> {
    pub fn new(
        weights: &'w mut Weights<'s>,
        table: &Table,
        diagrams: &'a [&'a FlatDiagram],
    ) -> Self {
        let places = table
            .order()
            .iter()
            .enumerate()
            .map(|(at, column)| (*column, at + 1));
        Self {
            weights,
            from: table.direction().from(),
            places: places.collect(),
            diagrams,
            links: table.links().len(),
            known: FxHashMap::default(),
        }
    }

    fn is_full(&self) -> bool {
        self.known.len() * self.diagrams.len() >= MAX_VISITED
    }

    fn roots(&self) -> Nexts {
        self.diagrams.iter().map(|diagram| diagram.root).collect()
    }

    /// The value of a function of what each diagram decides; `None` if that is too complex.
    pub fn value(&mut self, leaf: &dyn Fn(&[Option<u32>]) -> [u64; 2]) -> Option<[u64; 2]> {
        let roots = self.roots();
        self.value_at(&roots, leaf)
    }

    fn value_at(
        &mut self,
        at: &Nexts,
        leaf: &dyn Fn(&[Option<u32>]) -> [u64; 2],
    ) -> Option<[u64; 2]> {
        if at[self.links..].contains(&Next::Pass) {
            return Some([0, 0]);
        }
        if let Some(known) = self.known.get(at) {
            return Some(*known);
        }
        if self.is_full() {
            return None;
        }
        let value = match self.branches(at) {
            Err(found) => leaf(&found),
            Ok((input, children)) => {
                let mut sum = [0, 0];
                for (value, child) in children.iter().enumerate() {
                    let child = self.value_at(child, leaf)?;
                    let weight = self.weights.weights(input)[value];
                    sum = [0, 1].map(|f| add(sum[f], multiply(weight[f], child[f])));
                }
                sum
            }
        };
        self.known.insert(at.clone(), value);
        Some(value)
    }

    /// Whether the function holds anywhere; `true` if that is too complex.
    pub fn reaches(&mut self, holds: &dyn Fn(&[Option<u32>]) -> bool) -> bool {
        let mut open = vec![self.roots()];
        while let Some(at) = open.pop() {
            if at[self.links..].contains(&Next::Pass) {
                continue;
            }
            if self.is_full() {
                return true;
            }
            if self.known.insert(at.clone(), [0, 0]).is_some() {
                continue;
            }
            match self.branches(&at) {
                Err(found) if holds(&found) => return true,
                Err(_) => {}
                Ok((_, children)) => open.extend(children),
            }
        }
        false
    }

    /// The input that is tested next and where each of its values leads, or what the diagrams decide.
    fn branches(&self, at: &Nexts) -> Result<(WeightInput, Vec<Nexts>), Vec<Option<u32>>> {
        let node = |(next, diagram): (&Next, &&'a FlatDiagram)| match next {
            Next::Node(at) => diagram.nodes.get(*at as usize),
            Next::Decision(_) | Next::Pass => None,
        };
        let nodes: SmallVec<[_; 4]> = at.iter().zip(self.diagrams).map(node).collect();
        let place = |ask: Option<Column>| ask.map_or(0, |column| self.places[&column]);
        let first = nodes.iter().flatten().min_by_key(|node| place(node.ask));
        let Some(first) = first else {
            let decided = at.iter().map(|next| match next {
                Next::Decision(decision) => Some(*decision),
                Next::Node(_) | Next::Pass => None,
            });
            return Err(decided.collect());
        };
        let input = first
            .ask
            .map_or(WeightInput::From(self.from), WeightInput::Column);
        let children = (0..first.next.len()).map(|value| {
            let child = nodes.iter().zip(at).map(|(node, next)| match node {
                Some(node) if node.ask == first.ask => node.next[value],
                _ => *next,
            });
            child.collect()
        });
        Ok((input, children.collect()))
    }
}
