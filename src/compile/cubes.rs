//! In: a function. Out: where it has which value, as few cubes.

use rustc_hash::FxHashMap;

use crate::diagram::paths::{self, PathCells};
use crate::diagram::{Diagram, DiagramStore};

/// Node limit for a cover.
const COVER_NODES: usize = 50_000;

/// The paths of a function, which are disjoint and cover everything, after joining neighbors that differ in only one of the
/// first `joined` variables. `keep`: the leaves that matter. Count the paths before.
pub(super) fn disjoint(
    diagrams: &DiagramStore,
    root: Diagram,
    joined: usize,
    keep: &dyn Fn(u32) -> bool,
) -> Vec<(PathCells, u32)> {
    let mut cubes: Vec<(PathCells, u32)> = Vec::new();
    let mut cells = vec![None; diagrams.sizes().len()];
    paths::paths(diagrams, root, &mut cells, usize::MAX, &mut |cube, leaf| {
        if keep(leaf) {
            cubes.push((cube.clone(), leaf));
        }
    });
    for at in 0..joined {
        let mut places: FxHashMap<(PathCells, u32), usize> = FxHashMap::default();
        let mut joined: Vec<(PathCells, u32)> = Vec::new();
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
                    let whole = all.len() == diagrams.sizes()[at] as usize;
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

/// Cubes that cover a region, and outside of it at most places that do not matter. Where it matters, they are disjoint.
/// `None` if there would be more than `most`.
pub(super) fn cover(
    diagrams: &mut DiagramStore,
    region: Diagram,
    matters: Diagram,
    most: usize,
) -> Option<Vec<PathCells>> {
    let found = diagrams.with_budget(COVER_NODES, |diagrams| {
        let elsewhere = diagrams.not(matters);
        let usual = vec![0; diagrams.sizes().len()];
        let mut cubes = Vec::new();
        let mut left = region;
        while left != Diagram::ZERO {
            if cubes.len() == most || diagrams.overflowed() {
                return None;
            }
            let path = diagrams.witness(left, &usual, &|leaf| leaf != 0)?;
            let literals = (0..).zip(path);
            let literals = literals.filter_map(|(variable, value)| Some((variable, vec![value?])));
            let allowed = diagrams.or_else(left, elsewhere);
            let cube = diagrams.widen(literals.collect(), allowed);
            let covered = diagrams.product_of(&cube);
            left = diagrams.without(left, covered);
            let mut cells: PathCells = vec![None; usual.len()];
            for (variable, values) in cube {
                cells[variable as usize] = Some(values.into());
            }
            cubes.push(cells);
        }
        Some(cubes)
    });
    found.flatten()
}
