//! In: a table's function as a diagram. Out: its rows: few, disjoint, and the same for the same meaning.
//! The paths of a diagram are disjoint and cover everything; which order of inputs has the fewest paths is searched.

use rustc_hash::FxHashMap;

use crate::compile::origins::Origins;
use crate::compile::{Decisions, Layout, MAX_ROWS, column_order};
use crate::diagram::{Diagrams, Ref};
use presync_engine::table::{Cells, Column, DENSE_CELLS, Lookup, Origin, Outcome, Row};
use presync_engine::table::{Cube, cell_count};

/// More parts than this with different origins in one row are not worth a row.
const MAX_ORIGINS: usize = 1_000;

/// The columns and rows of a table; `None` if they would be too many.
pub(super) fn rows(layout: &Layout, decisions: &Decisions) -> Option<(Vec<Column>, Vec<Row>)> {
    let mut matter: Vec<u32> = layout.diagrams.support(&[layout.outcome]);
    if matter.first() != Some(&0) {
        matter.insert(0, 0);
    }
    let order = if layout.canonical {
        column_order::best(&layout.diagrams, layout.outcome, &matter)
    } else {
        matter
    };
    let mut reordered = Reordered::new(layout, &order)?;
    if count_paths(&reordered.diagrams, reordered.outcome) > MAX_ROWS as f64 {
        return None;
    }
    let columns = order
        .iter()
        .filter(|at| **at > 0)
        .map(|at| layout.inputs[*at as usize - 1])
        .collect();
    let rows = reordered.rows(decisions)?;
    Some((columns, rows))
}

/// The dense lookup of a table without rows, if it fits.
pub(super) fn dense(layout: &Layout) -> Option<Lookup> {
    let (states, sizes) = layout.diagrams.sizes().split_first()?;
    if cell_count(sizes, *states) > DENSE_CELLS {
        return None;
    }
    let mut cubes = Vec::new();
    paths(
        &layout.diagrams,
        layout.root,
        &mut vec![None; sizes.len() + 1],
        usize::MAX,
        &mut |cube, leaf| {
            let row = cubes.len() as u32;
            cubes.push(Cube {
                row,
                when: cube[1..].to_vec(),
                from: cube[0].clone(),
                decision: leaf,
            });
        },
    );
    Lookup::from_cubes(&layout.inputs, sizes, *states, &cubes).ok()
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
        let moved = layout.diagrams.transfer(
            &[layout.outcome, layout.root],
            &mut diagrams,
            &places,
            &|_, value| value,
        );
        (!diagrams.overflowed()).then(|| Self {
            diagrams,
            outcome: moved[0],
            root: moved[1],
            places,
            matter: order.len(),
        })
    }

    fn rows(&mut self, decisions: &Decisions) -> Option<Vec<Row>> {
        let entered = self.places[0] as usize;
        let all_states: Box<[u32]> = (0..self.diagrams.sizes()[entered]).collect();
        let mut rows = Vec::new();
        let mut known = Origins::default();
        let mut complete = true;
        for (cube, leaf) in &self.cubes() {
            let leaf = *leaf;
            let outcome = decisions.list[leaf as usize].outcome.clone();
            let origins = if outcome == Outcome::Unmapped {
                Some(Vec::new())
            } else {
                self.origins(cube, entered, decisions, &mut known)
            };
            complete &= origins.is_some();
            let mut when: Cells = cube[..self.matter].to_vec();
            let from = when.remove(entered).unwrap_or_else(|| all_states.clone());
            rows.push(Row {
                when,
                from,
                outcome,
                origins: origins.unwrap_or_default(),
            });
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
                        let mut all: Vec<u32> = known
                            .iter()
                            .chain(&values)
                            .flat_map(|values| values.iter().copied())
                            .collect();
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

    /// Who decides within a row, the first that fits.
    fn origins(
        &mut self,
        row: &Cells,
        entered: usize,
        decisions: &Decisions,
        known: &mut Origins,
    ) -> Option<Vec<Origin>> {
        let root = self.root;
        let mut origins = Vec::new();
        let mut add = |mut when: Cells, leaf: u32| {
            let from = when.remove(entered);
            let decision = &decisions.list[leaf as usize];
            let (profile, rule) = (
                decision.profile.clone().unwrap_or_default(),
                decision.rule.clone().unwrap_or_default(),
            );
            origins.push(Origin {
                when,
                from,
                profile,
                rule,
            });
        };
        if let Some(parts) = known.of(&mut self.diagrams, root, row) {
            parts.into_iter().for_each(|(when, leaf)| add(when, leaf));
            return Some(origins);
        }
        // The paths do not overlap: none comes before another.
        let complete = paths(
            &self.diagrams,
            root,
            &mut row.clone(),
            MAX_ORIGINS,
            &mut |cube, leaf| {
                add(
                    cube.iter()
                        .zip(row)
                        .map(|(own, rows)| if own == rows { None } else { own.clone() })
                        .collect(),
                    leaf,
                );
            },
        );
        complete.then_some(origins)
    }
}

/// How many paths a function has, values with the same child together.
pub(super) fn count_paths(diagrams: &Diagrams, of: Ref) -> f64 {
    let mut counts: FxHashMap<Ref, f64> = FxHashMap::default();
    for node in diagrams.below(&[of]).into_iter().rev() {
        let children = distinct(diagrams.children(node), None);
        let count = children
            .iter()
            .map(|(child, _)| counts.get(child).copied().unwrap_or(1.0))
            .sum();
        counts.insert(node, count);
    }
    counts.get(&of).copied().unwrap_or(1.0)
}

/// Goes through all paths of a function within a cube, values with the same child together. `false` if there were
/// more than `most`.
pub(super) fn paths(
    diagrams: &Diagrams,
    of: Ref,
    cube: &mut Cells,
    most: usize,
    found: &mut dyn FnMut(&Cells, u32),
) -> bool {
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
            cube[at] = if only {
                before.clone()
            } else {
                Some(values.into())
            };
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
