//! The mapping graph: which state of one system maps to which state of another, for each role and pair of systems.
//! In: tables. Out: the graph, and its pictures. Tables with too many exceptions for a grid are traversed: then the graph
//! has no conditions.

mod dot;
mod mermaid;
mod svg;

pub use svg::{drawing, legend};

use std::collections::BTreeMap;

use presync::Program;
use presync_engine::{
    Direction, FlatDiagram, Next, Outcome, Schema, StateId, SystemId, Table, Tables, TooComplex,
};

use crate::text::crosstab::{self, GridWay, GridWays, title};

/// Longer names and labels are cut; a tooltip shows them whole.
const MAX_NAME: usize = 36;

/// Longer conditions are not shown, in characters.
const LONGEST_LABEL: usize = 200;

/// A picture format for the graphs.
pub struct Picture {
    pub name: &'static str,
    pub description: &'static str,
    pub draw: fn(&Schema, &[Graph<'_>]) -> String,
}

/// All formats with their own file.
pub const PICTURES: [Picture; 3] = [svg::PICTURE, dot::PICTURE, mermaid::PICTURE];

/// The mappings of some roles between two systems.
pub struct Graph<'t> {
    /// The roles that share it; empty in a program without roles.
    pub roles: Vec<&'t str>,
    pub left: SystemId,
    pub right: SystemId,
    /// Ordered by the states of the left system, then of the right one.
    pub edges: Vec<Edge>,
    /// What arrows do not say: `cic → lync unchanged: meeting (3), Coaching`.
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    pub left: StateId,
    pub right: StateId,
    /// When the left state sets the right one.
    pub there: EdgeKind,
    /// When the right state sets the left one.
    pub back: EdgeKind,
}

/// When a state sets another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EdgeKind {
    Never,
    /// In some situations; `when in_queue unless lync is Busy by hand`, or nothing if that would be too long.
    Sometimes(String),
    /// Whenever a profile is active, but for what the notes say of all states.
    Always,
}

impl EdgeKind {
    /// The conditions, if there are any.
    pub fn when(&self) -> Option<&str> {
        match self {
            Self::Sometimes(when) if !when.is_empty() => Some(when),
            Self::Never | Self::Sometimes(_) | Self::Always => None,
        }
    }
}

/// An arrow of a picture: one direction of an edge, or both if they are alike.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Arrow {
    left: StateId,
    right: StateId,
    there: bool,
    back: bool,
    /// Whenever a profile is active.
    is_sure: bool,
    /// The conditions in a few words.
    label: String,
}

impl Edge {
    /// Two arrows where the directions have different conditions.
    fn arrows(&self) -> Vec<Arrow> {
        let arrow = |there: bool, back: bool, kind: &EdgeKind| Arrow {
            left: self.left,
            right: self.right,
            there,
            back,
            is_sure: *kind == EdgeKind::Always,
            label: kind.when().unwrap_or_default().to_owned(),
        };
        match (&self.there, &self.back) {
            (there, back) if there == back => vec![arrow(true, true, there)],
            (there, EdgeKind::Never) => vec![arrow(true, false, there)],
            (EdgeKind::Never, back) => vec![arrow(false, true, back)],
            (there, back) => vec![arrow(true, false, there), arrow(false, true, back)],
        }
    }
}

impl Graph<'_> {
    /// `Agents, Supervisors: cic and lync`
    pub fn title(&self, schema: &Schema) -> String {
        let (left, right) = (schema.system(self.left), schema.system(self.right));
        title(&self.roles, &format!("{} and {}", left.name, right.name))
    }
}

/// The graphs of all roles, the same ones once, without empty ones. `program`: where the tables are from, for the names of
/// groups.
///
/// # Errors
/// A role is too complex.
pub fn graphs<'t>(
    tables: &'t Tables,
    program: Option<&Program>,
    is_shown: &dyn Fn(&str, Direction) -> bool,
) -> Result<Vec<Graph<'t>>, TooComplex> {
    let schema: &Schema = tables.schema();
    let mut graphs: Vec<Graph<'t>> = Vec::new();
    for role in tables.roles() {
        let ways = |direction: Direction| -> Result<_, TooComplex> {
            let table = role.table(direction)?;
            let table = table.filter(|_| is_shown(role.name(), direction));
            Ok(table.map(|table| {
                crosstab::ways(schema, program, table).unwrap_or_else(|| reachable(schema, table))
            }))
        };
        for there in schema
            .directions()
            .filter(|direction| direction.from() < direction.to())
        {
            let mut edges = Edges::new();
            let mut notes = Vec::new();
            if let Some(found) = ways(there)? {
                for way in found.ways {
                    edge(&mut edges, way.from, way.to).there = kind(way.when);
                }
                notes.extend(found.notes);
            }
            if let Some(found) = ways(there.reversed())? {
                for way in found.ways {
                    edge(&mut edges, way.to, way.from).back = kind(way.when);
                }
                notes.extend(found.notes);
            }
            let edges: Vec<Edge> = edges.into_values().collect();
            let (left, right) = (there.from(), there.to());
            let known = graphs.iter_mut().find(|known| {
                (known.left, known.right) == (left, right)
                    && (&known.edges, &known.notes) == (&edges, &notes)
            });
            match known {
                Some(known) => known.roles.push(role.name()),
                None if edges.is_empty() => {}
                None => graphs.push(Graph {
                    roles: (!role.is_implicit())
                        .then(|| role.name())
                        .into_iter()
                        .collect(),
                    left,
                    right,
                    edges,
                    notes,
                }),
            }
        }
    }
    Ok(graphs)
}

/// A name of at most [`MAX_NAME`] characters.
fn shortened(name: &str) -> String {
    crate::text::svg::shortened(name, MAX_NAME)
}

type Edges = BTreeMap<(StateId, StateId), Edge>;

fn edge(edges: &mut Edges, left: StateId, right: StateId) -> &mut Edge {
    edges.entry((left, right)).or_insert(Edge {
        left,
        right,
        there: EdgeKind::Never,
        back: EdgeKind::Never,
    })
}

fn kind(when: Option<String>) -> EdgeKind {
    when.map_or(EdgeKind::Always, |when| {
        let fits = when.chars().count() <= LONGEST_LABEL;
        EdgeKind::Sometimes(if fits { when } else { String::new() })
    })
}

/// For each entered state, the states that it can set, of a table that has too many exceptions for a grid.
fn reachable(schema: &Schema, table: &Table) -> GridWays {
    let mut ways = Vec::new();
    for from in schema.states(table.direction().from()) {
        let outcomes = outcomes(table, from);
        let mut targets: Vec<StateId> = outcomes.iter().filter_map(|of| of.state()).collect();
        let unchanged = outcomes.contains(&Outcome::Unchanged);
        targets.sort_unstable();
        targets.dedup();
        let when = (targets.len() > 1 || unchanged).then(String::new);
        ways.extend(targets.into_iter().map(|to| GridWay {
            from,
            to,
            when: when.clone(),
        }));
    }
    GridWays {
        ways,
        notes: Vec::new(),
    }
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
