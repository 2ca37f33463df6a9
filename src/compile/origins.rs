//! In: the diagram of which rule decides, and a row. Out: which rule decides within the row, as parts; the first that
//! matches counts. The stronger of agreeing rules come first, so that the weaker need not exclude them: a part is
//! about as long as the condition of its rule.

use rustc_hash::FxHashMap;

use crate::diagram::{Diagram, DiagramStore, paths};
use presync_engine::Cells;

/// Limit of parts in one row.
const MAX_PARTS: usize = 200;

/// Node limit for one row.
const BUDGET: usize = 50_000;

/// Values of some variables, and the decision there.
type OriginCubes = (Vec<(u32, Vec<u32>)>, u32);

/// Caches parts: rows within which the function is the same share them.
#[derive(Default)]
pub(super) struct Origins {
    known: FxHashMap<Diagram, Option<Vec<OriginCubes>>>,
}

impl Origins {
    /// The parts of a row; `None` if finding them exceeds the limits.
    pub(super) fn of(
        &mut self,
        diagrams: &mut DiagramStore,
        root: Diagram,
        row: &Cells,
    ) -> Option<Vec<(Cells, u32)>> {
        let within = diagrams.with_budget(BUDGET, |diagrams| narrow(diagrams, root, row))?;
        let search = |diagrams: &mut DiagramStore| {
            diagrams
                .with_budget(BUDGET, |diagrams| parts(diagrams, within))
                .flatten()
        };
        let parts = self
            .known
            .entry(within)
            .or_insert_with(|| search(diagrams))
            .as_ref()?;
        Some(
            parts
                .iter()
                .map(|(cube, decision)| (within_row(cube, row), *decision))
                .collect(),
        )
    }
}

/// The function restricted to a row, with decision `d` as leaf `d + 1`; outside the row, any value.
fn narrow(diagrams: &mut DiagramStore, root: Diagram, row: &Cells) -> Diagram {
    let mut known: FxHashMap<Diagram, Diagram> = FxHashMap::default();
    let get = |known: &FxHashMap<Diagram, Diagram>, of: Diagram| match of.as_leaf() {
        Some(decision) => Diagram::leaf(decision + 1),
        None => known[&of],
    };
    for node in diagrams.below(&[root]).into_iter().rev() {
        let Some(variable) = diagrams.variable(node) else {
            continue;
        };
        let mut children: Vec<Diagram> = diagrams
            .children(node)
            .iter()
            .map(|child| get(&known, *child))
            .collect();
        if let Some(values) = &row[variable as usize] {
            let usual = children[values[0] as usize];
            for (value, child) in (0..).zip(&mut children) {
                if !values.contains(&value) {
                    *child = usual;
                }
            }
        }
        let narrowed = diagrams.node(variable, &children);
        known.insert(node, narrowed);
    }
    get(&known, root)
}

/// The decisions in order. The cubes of each cover where it decides and may overlap earlier parts.
fn parts(diagrams: &mut DiagramStore, within: Diagram) -> Option<Vec<OriginCubes>> {
    let leaves = diagrams.leaves(within);
    let inputs = diagrams.sizes().len();
    let mut parts: Vec<OriginCubes> = Vec::new();
    // If there are hardly more paths than decisions, use the paths.
    if paths::count_paths(diagrams, within) <= 2.0 * leaves.len() as f64 {
        paths::paths(
            diagrams,
            within,
            &mut vec![None; inputs],
            usize::MAX,
            &mut |cells, leaf| {
                let cube = (0..)
                    .zip(cells)
                    .filter_map(|(at, values)| Some((at, values.as_ref()?.to_vec())));
                parts.push((cube.collect(), leaf - 1));
            },
        );
        return Some(parts);
    }
    let usual = vec![0; inputs];
    let (last, leaves) = leaves.split_last()?;
    let mut done = Diagram::ZERO;
    for leaf in leaves {
        let mut left = diagrams.map(within, &mut |other| u32::from(other == *leaf));
        let allowed = diagrams.or_else(left, done);
        while left != Diagram::ZERO {
            if parts.len() == MAX_PARTS || diagrams.overflowed() {
                return None;
            }
            let path = diagrams.witness(left, &usual, &|leaf| leaf != 0)?;
            let literals = (0..)
                .zip(path)
                .filter_map(|(variable, value)| Some((variable, vec![value?])));
            let cube = diagrams.widen(literals.collect(), allowed);
            let covered = diagrams.product_of(&cube);
            left = diagrams.without(left, covered);
            parts.push((cube, leaf - 1));
        }
        done = allowed;
    }
    parts.push((Vec::new(), last - 1));
    Some(parts)
}

/// A cube relative to the row: `None` where it is the same as in the row.
fn within_row(cube: &[(u32, Vec<u32>)], row: &Cells) -> Cells {
    let mut cells: Cells = vec![None; row.len()];
    for (variable, values) in cube {
        let at = *variable as usize;
        let kept: Box<[u32]> = match &row[at] {
            Some(known) => values
                .iter()
                .copied()
                .filter(|value| known.contains(value))
                .collect(),
            None => values.as_slice().into(),
        };
        if row[at].as_ref() != Some(&kept) {
            cells[at] = Some(kept);
        }
    }
    cells
}
