//! In: a table's function as a diagram. Out: its rows: few, disjoint, and the same for the same meaning.
//! The paths of a diagram are disjoint and cover everything; searches for the input order with the fewest paths.

use rustc_hash::FxHashMap;

use presync_engine::{Cells, CompiledRows, Decision, OriginPart, Outcome, Row};

use crate::compile::decisions::Decisions;
use crate::compile::origins::Origins;
use crate::compile::{MAX_ROWS, TableLayout, column_order};
use crate::diagram::{Diagram, DiagramStore, paths};
use crate::program::{Column, StateId, SystemId};

/// Limit of parts with different origins in one row; beyond it, the table is written as a diagram.
const MAX_ORIGINS: usize = 1_000;

/// The columns and rows of a table; `None` if there would be too many.
pub(super) fn rows(
    layout: &TableLayout,
    decisions: &Decisions,
    from: SystemId,
) -> Option<CompiledRows> {
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
    if paths::count_paths(&reordered.diagrams, reordered.outcome) > MAX_ROWS as f64 {
        return None;
    }
    let columns: Vec<Column> = order
        .iter()
        .filter(|at| **at > 0)
        .map(|at| layout.inputs[*at as usize - 1])
        .collect();
    let rows = reordered.rows(decisions, from)?;
    let others = layout.inputs.iter();
    let others = others.filter(|column| !columns.contains(column));
    Some(CompiledRows {
        origin_columns: others.copied().collect(),
        columns,
        rows,
    })
}

/// A layout's functions with their inputs in another order; inputs that only origins need come
/// last.
struct Reordered {
    diagrams: DiagramStore,
    outcome: Diagram,
    root: Diagram,
    /// For the entered state and each input of the layout, its variable here.
    places: Vec<u32>,
    /// The number of variables that the outcome depends on.
    matter: usize,
}

impl Reordered {
    fn new(layout: &TableLayout, order: &[u32]) -> Option<Self> {
        let sizes = layout.diagrams.sizes();
        let rest = (0..sizes.len() as u32).filter(|at| !order.contains(at));
        let all: Vec<u32> = order.iter().copied().chain(rest).collect();
        let mut places = vec![0; sizes.len()];
        for (place, at) in all.iter().enumerate() {
            places[*at as usize] = place as u32;
        }
        let limit = (layout.diagrams.node_count() * 50).max(100_000);
        let mut diagrams =
            DiagramStore::new(all.iter().map(|at| sizes[*at as usize]).collect(), limit);
        let moved =
            layout
                .diagrams
                .transfer(&[layout.outcome, layout.root], &mut diagrams, &places);
        (!diagrams.overflowed()).then(|| Self {
            diagrams,
            outcome: moved[0],
            root: moved[1],
            places,
            matter: order.len(),
        })
    }

    fn rows(&mut self, decisions: &Decisions, from: SystemId) -> Option<Vec<Row>> {
        let entered = self.places[0] as usize;
        let all_states: Box<[u32]> = (0..self.diagrams.sizes()[entered]).collect();
        let mut rows = Vec::new();
        let mut known = Origins::default();
        let mut complete = true;
        for (cube, leaf) in &self.cubes() {
            let outcome = decisions.get(*leaf).outcome.clone();
            let origins = if outcome == Outcome::Unmapped {
                Some(Vec::new())
            } else {
                self.origins(cube, (entered, from), decisions, &mut known)
            };
            complete &= origins.is_some();
            let mut when: Cells = cube[..self.matter].to_vec();
            let states = when.remove(entered).unwrap_or_else(|| all_states.clone());
            let from = self::states(from, &states);
            rows.push(Row {
                when,
                from,
                outcome,
                origins: origins.unwrap_or_default(),
            });
        }
        complete.then_some(rows)
    }

    /// The cubes of the outcome, after joining neighbors that differ in only one input.
    fn cubes(&self) -> Vec<(Cells, u32)> {
        let mut cubes: Vec<(Cells, u32)> = Vec::new();
        paths::paths(
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

    /// The rules that decide within a row; the first matching part counts.
    fn origins(
        &mut self,
        row: &Cells,
        (entered, from): (usize, SystemId),
        decisions: &Decisions,
        known: &mut Origins,
    ) -> Option<Vec<OriginPart>> {
        let root = self.root;
        let mut origins = Vec::new();
        let mut add = |mut when: Cells, leaf: u32| {
            let from = when.remove(entered).map(|numbers| states(from, &numbers));
            if let Decision {
                origin: Some(origin),
                ..
            } = decisions.get(leaf)
            {
                origins.push(OriginPart {
                    when,
                    from,
                    origin: origin.clone(),
                });
            }
        };
        if let Some(parts) = known.of(&mut self.diagrams, root, row) {
            parts.into_iter().for_each(|(when, leaf)| add(when, leaf));
            return Some(origins);
        }
        // Paths do not overlap, so their order does not matter.
        let mut within = row.clone();
        let complete = paths::paths(
            &self.diagrams,
            root,
            &mut within,
            MAX_ORIGINS,
            &mut |cube, leaf| {
                let narrowed = cube.iter().zip(row);
                add(
                    narrowed
                        .map(|(own, row)| own.clone().filter(|_| own != row))
                        .collect(),
                    leaf,
                );
            },
        );
        complete.then_some(origins)
    }
}

fn states(system: SystemId, numbers: &[u32]) -> Box<[StateId]> {
    numbers
        .iter()
        .map(|number| StateId::from_index(system, *number as usize))
        .collect()
}
