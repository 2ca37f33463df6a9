//! In: a function. Out: its paths, which are disjoint and cover everything.

use rustc_hash::FxHashMap;

use crate::diagram::{Diagram, DiagramStore};

/// For each variable, the values on a path, ascending; `None`: all of them.
pub type PathCells = Vec<Option<Box<[u32]>>>;

/// The number of paths of a function, with values of the same child grouped.
pub(crate) fn count_paths(diagrams: &DiagramStore, of: Diagram) -> f64 {
    let mut counts: FxHashMap<Diagram, f64> = FxHashMap::default();
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

/// Visits all paths of a function within a cube, with values of the same child grouped. `false` if
/// there were more than `most`.
pub(crate) fn paths(
    diagrams: &DiagramStore,
    of: Diagram,
    cube: &mut PathCells,
    most: usize,
    found: &mut dyn FnMut(&PathCells, u32),
) -> bool {
    fn walk(
        diagrams: &DiagramStore,
        of: Diagram,
        cube: &mut PathCells,
        left: &mut usize,
        found: &mut dyn FnMut(&PathCells, u32),
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

/// The distinct children with their values, in the order of each child's first value.
fn distinct(children: &[Diagram], within: Option<&[u32]>) -> Vec<(Diagram, Vec<u32>)> {
    let mut groups: Vec<(Diagram, Vec<u32>)> = Vec::new();
    let mut places: FxHashMap<Diagram, usize> = FxHashMap::default();
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
