//! The mapping graph: which state of one system becomes which state of another, for each role and pair of systems.
//! In: tables. Out: the graph, and its pictures. A table of diagrams is walked, not drawn row by row.

mod dot;
mod mermaid;
mod svg;
mod text;

pub use svg::drawing;
pub use text::text;

use std::collections::BTreeMap;

use presync_engine::table::{Body, Diagram, Next, Outcome, Table, Tables};

/// A way to draw the graphs.
pub struct Picture {
    pub name: &'static str,
    pub description: &'static str,
    pub draw: fn(&Tables, &[Graph<'_>]) -> String,
}

/// Every way that gives a file of its own.
pub const PICTURES: [Picture; 3] = [svg::PICTURE, dot::PICTURE, mermaid::PICTURE];

/// What a role maps between two systems.
pub struct Graph<'t> {
    pub role: &'t str,
    /// Indices into [`Tables::systems`].
    pub left: usize,
    pub right: usize,
    /// By the states of the left system, then of the right one.
    pub edges: Vec<Edge>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    pub left: u32,
    pub right: u32,
    /// Whether the left state sets the right one.
    pub there: Way,
    /// Whether the right state sets the left one.
    pub back: Way,
}

/// When a state sets another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    Never,
    /// In some situations something else is decided.
    Sometimes,
    /// Whenever anything is decided.
    Always,
}

impl Edge {
    /// Whether each direction that there is holds whenever anything is decided.
    pub fn is_sure(&self) -> bool {
        self.there != Way::Sometimes && self.back != Way::Sometimes
    }
}

/// The graphs of all roles, without empty ones.
pub fn graphs(tables: &Tables) -> Vec<Graph<'_>> {
    let mut graphs = Vec::new();
    for (at, role) in tables.roles.iter().enumerate() {
        for left in 0..tables.systems.len() {
            for right in left + 1..tables.systems.len() {
                let mut edges: BTreeMap<(u32, u32), (Way, Way)> = BTreeMap::new();
                let none = (Way::Never, Way::Never);
                for (from, to, way) in ways(tables, tables.table(at, left, right)) {
                    edges.entry((from, to)).or_insert(none).0 = way;
                }
                for (from, to, way) in ways(tables, tables.table(at, right, left)) {
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
                    graphs.push(Graph {
                        role: &role.name,
                        left,
                        right,
                        edges,
                    });
                }
            }
        }
    }
    graphs
}

/// For each state entered the states that are set, and when.
fn ways(tables: &Tables, table: &Table) -> Vec<(u32, u32, Way)> {
    let mut ways = Vec::new();
    for state in 0..tables.systems[table.from].states.len() as u32 {
        let outcomes = outcomes(table, state);
        let mut targets: Vec<u32> = Vec::new();
        let mut unchanged = false;
        for outcome in outcomes {
            match outcome {
                Outcome::Set { state, .. } => targets.push(*state),
                Outcome::Unchanged => unchanged = true,
                Outcome::Unmapped => {}
            }
        }
        targets.sort_unstable();
        targets.dedup();
        let way = if targets.len() == 1 && !unchanged {
            Way::Always
        } else {
            Way::Sometimes
        };
        ways.extend(targets.into_iter().map(|target| (state, target, way)));
    }
    ways
}

/// What can come of entering a state.
fn outcomes(table: &Table, state: u32) -> Vec<&Outcome> {
    match &table.body {
        Body::Rows(rows) => rows
            .iter()
            .filter(|row| row.from.contains(&state))
            .map(|row| &row.outcome)
            .collect(),
        Body::Diagrams(diagrams) => {
            let reached = diagrams.iter().flat_map(|diagram| reached(diagram, state));
            reached
                .map(|decision| &table.decisions[decision as usize].outcome)
                .collect()
        }
    }
}

/// The decisions that a diagram can end at.
fn reached(diagram: &Diagram, state: u32) -> Vec<u32> {
    let mut seen = vec![false; diagram.nodes.len()];
    let mut decisions = Vec::new();
    let mut pending = vec![diagram.root];
    while let Some(next) = pending.pop() {
        match next {
            Next::Decision(decision) => decisions.push(decision),
            Next::Pass => {}
            Next::Node(at) => {
                if !std::mem::replace(&mut seen[at as usize], true) {
                    let node = &diagram.nodes[at as usize];
                    match node.ask {
                        // The state entered.
                        None => pending.push(node.next[state as usize]),
                        Some(_) => pending.extend(node.next.iter().copied()),
                    }
                }
            }
        }
    }
    decisions
}

impl Graph<'_> {
    /// The states on each side that have an edge, arranged so that few edges cross.
    pub fn columns(&self) -> (Vec<u32>, Vec<u32>) {
        let distinct = |states: Vec<u32>| {
            let mut states = states;
            states.sort_unstable();
            states.dedup();
            states
        };
        let mut left = distinct(self.edges.iter().map(|edge| edge.left).collect());
        let mut right = distinct(self.edges.iter().map(|edge| edge.right).collect());
        // Each state goes to the middle of those that it is connected with, a few times over.
        for _ in 0..8 {
            right = self.arranged(&right, &left, |edge| (edge.right, edge.left));
            left = self.arranged(&left, &right, |edge| (edge.left, edge.right));
        }
        (left, right)
    }

    fn arranged(&self, states: &[u32], others: &[u32], ends: fn(&Edge) -> (u32, u32)) -> Vec<u32> {
        let place = |other: u32| {
            others
                .iter()
                .position(|state| *state == other)
                .unwrap_or_default()
        };
        // In thousandths, which sort.
        let middle = |state: u32| {
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
