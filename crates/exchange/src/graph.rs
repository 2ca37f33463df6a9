//! The mapping graph: which state of one system maps to which state of another, for each role and pair of systems.
//! In: tables. Out: the graph, and its pictures. Tables that are diagrams are traversed, not expanded into rows.

mod dot;
mod mermaid;
mod svg;

pub use svg::drawing;

use std::collections::BTreeMap;

use presync_engine::{
    FlatDiagram, Next, Outcome, Schema, StateId, SystemId, Table, Tables, TooComplex,
};

/// A picture format for the graphs.
pub struct Picture {
    pub name: &'static str,
    pub description: &'static str,
    pub draw: fn(&Schema, &[Graph<'_>]) -> String,
}

/// All formats with their own file.
pub const PICTURES: [Picture; 3] = [svg::PICTURE, dot::PICTURE, mermaid::PICTURE];

/// The mappings of a role between two systems.
pub struct Graph<'t> {
    pub role: &'t str,
    pub left: SystemId,
    pub right: SystemId,
    /// Ordered by the states of the left system, then of the right one.
    pub edges: Vec<Edge>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    pub left: StateId,
    pub right: StateId,
    /// When the left state sets the right one.
    pub there: EdgeKind,
    /// When the right state sets the left one.
    pub back: EdgeKind,
}

/// When a state sets another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EdgeKind {
    Never,
    /// In some situations another rule decides otherwise.
    Sometimes,
    /// Whenever any rule decides.
    Always,
}

impl Edge {
    /// Whether each existing direction holds whenever any rule decides.
    pub fn is_sure(&self) -> bool {
        self.there != EdgeKind::Sometimes && self.back != EdgeKind::Sometimes
    }
}

/// The graphs of all roles, without empty ones.
///
/// # Errors
/// A role is too complex.
pub fn graphs(tables: &Tables) -> Result<Vec<Graph<'_>>, TooComplex> {
    let schema = tables.schema();
    let mut graphs = Vec::new();
    for role in tables.roles() {
        let ways = |direction| -> Result<_, TooComplex> {
            Ok(role
                .table(direction)?
                .map_or_else(Vec::new, |table| ways(schema, table)))
        };
        for there in schema
            .directions()
            .filter(|direction| direction.from() < direction.to())
        {
            let mut edges: BTreeMap<(StateId, StateId), (EdgeKind, EdgeKind)> = BTreeMap::new();
            let none = (EdgeKind::Never, EdgeKind::Never);
            for (from, to, way) in ways(there)? {
                edges.entry((from, to)).or_insert(none).0 = way;
            }
            for (from, to, way) in ways(there.reversed())? {
                edges.entry((to, from)).or_insert(none).1 = way;
            }
            let edges = edges
                .into_iter()
                .map(|((left, right), (there, back))| Edge {
                    left,
                    right,
                    there,
                    back,
                });
            let edges: Vec<Edge> = edges.collect();
            if !edges.is_empty() {
                let (left, right) = (there.from(), there.to());
                graphs.push(Graph {
                    role: role.name(),
                    left,
                    right,
                    edges,
                });
            }
        }
    }
    Ok(graphs)
}

/// For each entered state, the states that it sets, and when.
fn ways(schema: &Schema, table: &Table) -> Vec<(StateId, StateId, EdgeKind)> {
    let mut ways = Vec::new();
    for state in schema.states(table.direction().from()) {
        let outcomes = outcomes(table, state);
        let mut targets: Vec<StateId> = outcomes.iter().filter_map(|of| of.state()).collect();
        let unchanged = outcomes.contains(&Outcome::Unchanged);
        targets.sort_unstable();
        targets.dedup();
        let way = if targets.len() == 1 && !unchanged {
            EdgeKind::Always
        } else {
            EdgeKind::Sometimes
        };
        ways.extend(targets.into_iter().map(|target| (state, target, way)));
    }
    ways
}

/// The possible outcomes of entering a state.
fn outcomes(table: &Table, state: StateId) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for link in table.links() {
        let (decisions, passes) = reached(&link.diagram, state);
        let decisions = decisions.into_iter();
        outcomes
            .extend(decisions.map(|leaf| table.decisions()[(link.first + leaf) as usize].outcome));
        if !passes {
            break;
        }
    }
    outcomes
}

/// The decisions that a diagram can reach, and whether it can pass.
fn reached(diagram: &FlatDiagram, state: StateId) -> (Vec<u32>, bool) {
    let mut seen = vec![false; diagram.nodes.len()];
    let (mut decisions, mut passes) = (Vec::new(), false);
    let mut pending = vec![diagram.root];
    while let Some(next) = pending.pop() {
        match next {
            Next::Decision(decision) => decisions.push(decision),
            Next::Pass => passes = true,
            Next::Node(at) => {
                if !std::mem::replace(&mut seen[at as usize], true) {
                    let node = &diagram.nodes[at as usize];
                    match node.ask {
                        // Tests the entered state.
                        None => pending.push(node.next[state.index()]),
                        Some(_) => pending.extend(node.next.iter().copied()),
                    }
                }
            }
        }
    }
    (decisions, passes)
}

impl Graph<'_> {
    /// The states on each side that have an edge, ordered so that few edges cross.
    pub fn columns(&self) -> (Vec<StateId>, Vec<StateId>) {
        let distinct = |states: Vec<StateId>| {
            let mut states = states;
            states.sort_unstable();
            states.dedup();
            states
        };
        let mut left = distinct(self.edges.iter().map(|edge| edge.left).collect());
        let mut right = distinct(self.edges.iter().map(|edge| edge.right).collect());
        // Repeatedly move each state to the middle of its neighbors.
        for _ in 0..8 {
            right = self.arranged(&right, &left, |edge| (edge.right, edge.left));
            left = self.arranged(&left, &right, |edge| (edge.left, edge.right));
        }
        (left, right)
    }

    fn arranged(
        &self,
        states: &[StateId],
        others: &[StateId],
        ends: fn(&Edge) -> (StateId, StateId),
    ) -> Vec<StateId> {
        let place = |other: StateId| {
            others
                .iter()
                .position(|state| *state == other)
                .unwrap_or_default()
        };
        // In thousandths, as sortable integers.
        let middle = |state: StateId| {
            let places = self
                .edges
                .iter()
                .map(ends)
                .filter(|(own, _)| *own == state)
                .map(|(_, other)| place(other));
            let (sum, count) = places.fold((0, 0), |(sum, count), place| (sum + place, count + 1));
            sum * 1000 / count.max(1)
        };
        let mut arranged = states.to_vec();
        arranged.sort_by_key(|state| middle(*state));
        arranged
    }
}
