//! In: a table's function as a diagram. Out: its rows: few, disjoint, and the same for the same meaning.
//! The paths of a diagram are disjoint and cover everything; which order of inputs has the fewest paths is searched.

use rustc_hash::FxHashMap;

use crate::compile::{Decisions, Layout, MAX_ROWS};
use crate::space::diagram::{Diagrams, Ref};
use crate::table::{Cells, Column, DENSE_CELLS, Lookup, Origin, Outcome, Row};
use crate::table::{Cube, cell_count};

/// The search for an order stops when it would have cost about this many node visits.
const SEARCH_BUDGET: usize = 2_000_000;

/// More parts than this with different origins in one row are not worth a row.
const MAX_ORIGINS: usize = 1_000;

/// The columns and rows of a table; `None` if they would be too many.
pub(super) fn rows(layout: &Layout, decisions: &Decisions) -> Option<(Vec<Column>, Vec<Row>)> {
    let mut matter: Vec<u32> = layout.diagrams.support(&[layout.outcome]);
    if matter.first() != Some(&0) {
        matter.insert(0, 0);
    }
    let order = best_order(layout, &matter);
    let count = Reordered::new(layout, &order)?;
    if count.paths() > MAX_ROWS as f64 {
        return None;
    }
    let columns = order.iter().filter(|at| **at > 0).map(|at| layout.inputs[*at as usize - 1]).collect();
    let rows = count.rows(decisions)?;
    Some((columns, rows))
}

/// The dense lookup of a table without rows, if it fits.
pub(super) fn dense(layout: &Layout) -> Option<Lookup> {
    let (states, sizes) = layout.diagrams.sizes().split_first()?;
    if cell_count(sizes, *states) > DENSE_CELLS {
        return None;
    }
    let mut cubes = Vec::new();
    paths(&layout.diagrams, layout.root, &mut vec![None; sizes.len() + 1], usize::MAX, &mut |cube, leaf| {
        cubes.push(Cube { when: cube[1..].to_vec(), from: cube[0].clone(), decision: leaf });
    });
    Lookup::from_cubes(&layout.inputs, sizes, *states, &cubes).ok()
}

/// The inputs that matter, in the order that gives the fewest rows as far as a hill can be climbed.
fn best_order(layout: &Layout, matter: &[u32]) -> Vec<u32> {
    let mut order = matter.to_vec();
    let Some(start) = Reordered::new(layout, &order) else { return order };
    let mut fewest = start.paths();
    let cost = order.len() * order.len() * (start.diagrams.node_count() + 10);
    if !layout.canonical || cost > SEARCH_BUDGET {
        return order;
    }
    for _ in 0..(SEARCH_BUDGET / cost).min(4) {
        let before = fewest;
        for variable in matter {
            for place in 0..order.len() {
                let mut other: Vec<u32> = order.iter().copied().filter(|at| at != variable).collect();
                other.insert(place, *variable);
                let Some(candidate) = Reordered::new(layout, &other) else { continue };
                if candidate.paths() < fewest {
                    fewest = candidate.paths();
                    order = other;
                }
            }
        }
        if fewest >= before {
            break;
        }
    }
    order
}

/// A layout's functions with their inputs in another order; inputs that only origins need come last.
struct Reordered {
    diagrams: Diagrams,
    outcome: Ref,
    root: Ref,
    /// For the state entered, then each input of the layout: its variable here.
    places: Vec<u32>,
    /// How many variables the outcome depends on.
    matter: usize,
}

impl Reordered {
    fn new(layout: &Layout, order: &[u32]) -> Option<Self> {
        let sizes = layout.diagrams.sizes();
        let rest = (0..sizes.len() as u32).filter(|at| !order.contains(at));
        let all: Vec<u32> = order.iter().copied().chain(rest).collect();
        let mut places = vec![0; sizes.len()];
        for (place, at) in all.iter().enumerate() {
            places[*at as usize] = place as u32;
        }
        let limit = (layout.diagrams.node_count() * 50).max(100_000);
        let mut diagrams = Diagrams::new(all.iter().map(|at| sizes[*at as usize]).collect(), limit);
        let moved = layout.diagrams.transfer(&[layout.outcome, layout.root], &mut diagrams, &places, &|_, value| value);
        (!diagrams.overflowed()).then(|| Self {
            diagrams,
            outcome: moved[0],
            root: moved[1],
            places,
            matter: order.len(),
        })
    }

    /// The number of rows.
    fn paths(&self) -> f64 {
        let mut counts: FxHashMap<Ref, f64> = FxHashMap::default();
        for node in self.diagrams.below(&[self.outcome]).into_iter().rev() {
            let children = distinct(self.diagrams.children(node), None);
            let count = children.iter().map(|(child, _)| counts.get(child).copied().unwrap_or(1.0)).sum();
            counts.insert(node, count);
        }
        counts.get(&self.outcome).copied().unwrap_or(1.0)
    }

    fn rows(&self, decisions: &Decisions) -> Option<Vec<Row>> {
        let entered = self.places[0] as usize;
        let all_states: Box<[u32]> = (0..self.diagrams.sizes()[entered]).collect();
        let mut rows = Vec::new();
        let mut complete = true;
        for (cube, leaf) in &self.cubes() {
            let leaf = *leaf;
            let outcome = decisions.list[leaf as usize].outcome.clone();
            let origins =
                if outcome == Outcome::Unmapped { Some(Vec::new()) } else { self.origins(cube, entered, decisions) };
            complete &= origins.is_some();
            let mut when: Cells = cube[..self.matter].to_vec();
            let from = when.remove(entered).unwrap_or_else(|| all_states.clone());
            rows.push(Row { when, from, outcome, origins: origins.unwrap_or_default() });
        }
        complete.then_some(rows)
    }

    /// The cubes of the outcome, neighbours that differ in one input only joined.
    fn cubes(&self) -> Vec<(Cells, u32)> {
        let mut cubes: Vec<(Cells, u32)> = Vec::new();
        paths(
            &self.diagrams,
            self.outcome,
            &mut vec![None; self.diagrams.sizes().len()],
            usize::MAX,
            &mut |cube, leaf| {
                cubes.push((cube.clone(), leaf));
            },
        );
        for at in 0..self.matter {
            let mut places: FxHashMap<(Cells, u32), usize> = FxHashMap::default();
            let mut joined: Vec<(Cells, u32)> = Vec::new();
            for (mut cube, leaf) in cubes {
                let values = cube[at].take();
                match places.get(&(cube.clone(), leaf)) {
                    Some(place) => {
                        let known = joined[*place].0[at].take();
                        // Cubes are disjoint: neither has all values.
                        let mut all: Vec<u32> =
                            known.iter().chain(&values).flat_map(|values| values.iter().copied()).collect();
                        all.sort_unstable();
                        let whole = all.len() == self.diagrams.sizes()[at] as usize;
                        joined[*place].0[at] = (!whole).then(|| all.into());
                    }
                    None => {
                        places.insert((cube.clone(), leaf), joined.len());
                        cube[at] = values;
                        joined.push((cube, leaf));
                    }
                }
            }
            cubes = joined;
        }
        cubes
    }

    /// Who decides within a row.
    fn origins(&self, row: &Cells, entered: usize, decisions: &Decisions) -> Option<Vec<Origin>> {
        let name = |leaf: u32| {
            let decision = &decisions.list[leaf as usize];
            (decision.profile.clone().unwrap_or_default(), decision.rule.clone().unwrap_or_default())
        };
        let leaves = self.leaves_within(row);
        if let [leaf] = leaves.as_slice() {
            let (profile, rule) = name(*leaf);
            return Some(vec![Origin { when: vec![None; row.len() - 1], from: None, profile, rule }]);
        }
        let mut origins = Vec::new();
        let complete = paths(&self.diagrams, self.root, &mut row.clone(), MAX_ORIGINS, &mut |cube, leaf| {
            let mut when: Cells =
                cube.iter().zip(row).map(|(own, rows)| if own == rows { None } else { own.clone() }).collect();
            let from = when.remove(entered);
            let (profile, rule) = name(leaf);
            origins.push(Origin { when, from, profile, rule });
        });
        complete.then_some(origins)
    }

    /// The decisions reached within a row. What a row allows for one input does not depend on the others, so that
    /// every node needs one visit.
    fn leaves_within(&self, row: &Cells) -> Vec<u32> {
        let mut seen = rustc_hash::FxHashSet::default();
        let mut stack = vec![self.root];
        let mut leaves = Vec::new();
        while let Some(next) = stack.pop() {
            if !seen.insert(next) {
                continue;
            }
            match self.diagrams.variable(next) {
                None => leaves.extend(next.as_leaf()),
                Some(variable) => {
                    let children = self.diagrams.children(next);
                    match &row[variable as usize] {
                        None => stack.extend_from_slice(children),
                        Some(values) => stack.extend(values.iter().map(|value| children[*value as usize])),
                    }
                }
            }
        }
        leaves.sort_unstable();
        leaves
    }
}

/// Goes through all paths of a function within a cube, values with the same child together. `false` if there were
/// more than `most`.
fn paths(diagrams: &Diagrams, of: Ref, cube: &mut Cells, most: usize, found: &mut dyn FnMut(&Cells, u32)) -> bool {
    fn walk(
        diagrams: &Diagrams,
        of: Ref,
        cube: &mut Cells,
        left: &mut usize,
        found: &mut dyn FnMut(&Cells, u32),
    ) -> bool {
        let Some(variable) = diagrams.variable(of) else {
            if *left == 0 {
                return false;
            }
            *left -= 1;
            found(cube, of.as_leaf().unwrap_or_default());
            return true;
        };
        let at = variable as usize;
        let before = cube[at].clone();
        let groups = distinct(diagrams.children(of), before.as_deref());
        let only = groups.len() == 1;
        for (child, values) in groups {
            cube[at] = if only { before.clone() } else { Some(values.into()) };
            if !walk(diagrams, child, cube, left, found) {
                return false;
            }
        }
        cube[at] = before;
        true
    }
    let mut left = most;
    walk(diagrams, of, cube, &mut left, found)
}

/// The different children with their values, in the order of the first value of each.
fn distinct(children: &[Ref], within: Option<&[u32]>) -> Vec<(Ref, Vec<u32>)> {
    let mut groups: Vec<(Ref, Vec<u32>)> = Vec::new();
    let mut places: FxHashMap<Ref, usize> = FxHashMap::default();
    let mut add = |value: u32| {
        let child = children[value as usize];
        let at = *places.entry(child).or_insert_with(|| {
            groups.push((child, Vec::new()));
            groups.len() - 1
        });
        groups[at].1.push(value);
    };
    match within {
        Some(values) => values.iter().for_each(|value| add(*value)),
        None => (0..children.len() as u32).for_each(add),
    }
    groups
}
