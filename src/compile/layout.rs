//! Functions over the inputs of one table, in a store of their own. At first variable 0 is the state entered, and the inputs
//! follow.

use std::collections::{BTreeSet, HashMap};

use presync_engine::{Column, FlatDiagram, FlatNode, Next, Schema, SystemId};

use crate::compile::column_order;
use crate::diagram::paths::count_paths;
use crate::diagram::{Diagram, DiagramStore};
use crate::space::Precedence;

/// Node limit for the functions of one table.
const TABLE_NODES: usize = 16_000_000;

pub(super) struct Layout {
    /// The variable of the state entered.
    pub entered: usize,
    /// The other variables, in order.
    pub inputs: Vec<Column>,
    pub diagrams: DiagramStore,
    pub roots: Vec<Diagram>,
}

impl Layout {
    /// `functions`: for each function, its diagram for each state entered. Inputs are in the order of the space. `None` if
    /// the diagrams overflow.
    pub fn of_space(space: &Precedence<'_>, functions: &[Vec<Diagram>]) -> Option<Self> {
        let all: Vec<Diagram> = functions.iter().flatten().copied().collect();
        let variables = space.variables();
        let mut support = space.diagrams.support(&all);
        support.sort_unstable();
        let source = &space.diagrams;
        let mut sizes = vec![functions.first().map_or(0, Vec::len) as u32];
        let mut places = vec![0; source.sizes().len()];
        for (place, variable) in (1..).zip(&support) {
            sizes.push(source.sizes()[*variable as usize]);
            places[*variable as usize] = place;
        }
        let mut diagrams = DiagramStore::new(sizes, TABLE_NODES);
        let moved = source.transfer(&all, &mut diagrams, &places);
        let mut moved = moved.as_slice();
        let mut roots = Vec::with_capacity(functions.len());
        for function in functions {
            let (children, rest) = moved.split_at(function.len());
            roots.push(diagrams.node(0, children));
            moved = rest;
        }
        let inputs = support
            .into_iter()
            .map(|variable| variables[variable as usize]);
        let inputs = inputs.collect();
        (!diagrams.overflowed()).then_some(Self {
            entered: 0,
            inputs,
            diagrams,
            roots,
        })
    }

    /// The functions of flat diagrams, which test the inputs in this order. `leaf` translates their decisions; where they
    /// pass, the function is 0. `None` if the diagrams overflow.
    pub fn of_flat(
        schema: &Schema,
        from: SystemId,
        inputs: &[Column],
        functions: &[(&FlatDiagram, &dyn Fn(u32) -> u32)],
    ) -> Option<Self> {
        let states = schema.states(from).len() as u32;
        let inputs = inputs.to_vec();
        let sizes = inputs.iter().map(|column| schema.column_size(*column));
        let sizes = std::iter::once(states).chain(sizes).collect();
        let mut diagrams = DiagramStore::new(sizes, TABLE_NODES);
        let places: HashMap<Option<Column>, u32> = std::iter::once(None)
            .chain(inputs.iter().copied().map(Some))
            .zip(0..)
            .collect();
        let mut roots = Vec::with_capacity(functions.len());
        for (flat, leaf) in functions {
            let mut made: Vec<Diagram> = vec![Diagram::ZERO; flat.nodes.len()];
            let get = |made: &[Diagram], next: Next| match next {
                Next::Node(at) => made[at as usize],
                Next::Decision(decision) => Diagram::leaf(leaf(decision)),
                Next::Pass => Diagram::ZERO,
            };
            for (at, node) in flat.nodes.iter().enumerate().rev() {
                let children = node.next.iter().map(|next| get(&made, *next));
                let children: Vec<Diagram> = children.collect();
                made[at] = diagrams.node(places[&node.ask], &children);
            }
            roots.push(get(&made, flat.root));
        }
        (!diagrams.overflowed()).then_some(Self {
            entered: 0,
            inputs,
            diagrams,
            roots,
        })
    }

    /// The same functions with their inputs in another order. `None` if that takes too many nodes.
    pub fn reordered(&self, order: &[u32], limit: usize) -> Option<Self> {
        let sizes = self.diagrams.sizes();
        let mut places = vec![0; sizes.len()];
        for (place, at) in (0..).zip(order) {
            places[*at as usize] = place;
        }
        let sizes = order.iter().map(|at| sizes[*at as usize]).collect();
        let mut diagrams = DiagramStore::new(sizes, limit);
        let roots = self.diagrams.transfer(&self.roots, &mut diagrams, &places);
        let entered = order.iter().position(|at| *at as usize == self.entered)?;
        let inputs = order.iter().filter_map(|at| self.input(*at)).collect();
        (!diagrams.overflowed()).then_some(Self {
            entered,
            inputs,
            diagrams,
            roots,
        })
    }

    /// The input of a variable; `None` for the state entered.
    fn input(&self, variable: u32) -> Option<Column> {
        let variable = variable as usize;
        (variable != self.entered)
            .then(|| self.inputs[variable - usize::from(variable > self.entered)])
    }

    /// With the inputs in order of names, so that the same meaning gives the same rows. `None` if that takes too many
    /// nodes.
    fn by_name(&self) -> Option<Self> {
        let mut order: Vec<u32> = (0..self.diagrams.sizes().len() as u32).collect();
        order.sort_by_key(|at| self.input(*at));
        let limit = (self.diagrams.node_count() * 8).clamp(200_000, TABLE_NODES / 4);
        self.reordered(&order, limit)
    }

    /// With the inputs that the function `root` depends on first, in an order in which it has few paths. Also returns how
    /// many these are, with the state entered. The order of names will do if it has at most `enough` paths. `None` if that
    /// takes too many nodes.
    pub fn with_few_paths(&self, root: usize, enough: usize) -> Option<(Self, usize)> {
        let by_name = self.by_name();
        let layout = by_name.as_ref().unwrap_or(self);
        let of = layout.roots[root];
        let entered = layout.entered as u32;
        let mut order = layout.diagrams.support(&[of]);
        if !order.contains(&entered) {
            order.insert(0, entered);
        }
        let few = enough > 0 && count_paths(&layout.diagrams, of) <= enough as f64;
        if by_name.is_some() && !few {
            order = column_order::best(&layout.diagrams, of, &order);
        }
        let first = order.len();
        let others = 0..layout.diagrams.sizes().len() as u32;
        order.extend(
            others
                .filter(|variable| !order[..first].contains(variable))
                .collect::<Vec<_>>(),
        );
        let limit = (layout.diagrams.node_count() * 50).max(100_000);
        Some((layout.reordered(&order, limit)?, first))
    }

    /// The inputs that some functions depend on.
    pub fn columns_of(&self, roots: &[Diagram]) -> BTreeSet<Column> {
        let support = self.diagrams.support(roots).into_iter();
        support.filter_map(|at| self.input(at)).collect()
    }

    /// The nodes of a function, each before its children. It passes at leaf 0 and decides `n` at leaf `n + 1`.
    pub fn flatten(&self, root: Diagram) -> FlatDiagram {
        let order = self.diagrams.below(&[root]);
        let places: HashMap<Diagram, u32> = order.iter().copied().zip(0..).collect();
        let next = |of: Diagram| match of.as_leaf() {
            None => Next::Node(places[&of]),
            Some(leaf) => leaf.checked_sub(1).map_or(Next::Pass, Next::Decision),
        };
        let nodes = order.iter().map(|node| {
            let variable = self.diagrams.variable(*node);
            FlatNode {
                ask: variable.and_then(|variable| self.input(variable)),
                next: self
                    .diagrams
                    .children(*node)
                    .iter()
                    .map(|child| next(*child))
                    .collect(),
            }
        });
        FlatDiagram {
            nodes: nodes.collect(),
            root: next(root),
        }
    }
}
