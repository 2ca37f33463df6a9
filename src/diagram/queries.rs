//! In: functions. Out: their leaves and variables, witnesses, counts and values. Builds no nodes.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::diagram::{Diagram, DiagramStore};

impl DiagramStore {
    /// All nodes reachable from the roots, parents before children.
    pub fn below(&self, roots: &[Diagram]) -> Vec<Diagram> {
        let mut seen: FxHashSet<Diagram> = FxHashSet::default();
        let mut stack: Vec<Diagram> = roots.to_vec();
        let mut found = Vec::new();
        while let Some(next) = stack.pop() {
            if next.as_leaf().is_none() && seen.insert(next) {
                found.push(next);
                stack.extend_from_slice(self.children(next));
            }
        }
        found.sort_unstable_by_key(|node| (self.variable(*node), *node));
        found
    }

    /// The variables that the functions depend on, ascending.
    pub fn support(&self, roots: &[Diagram]) -> Vec<u32> {
        let mut variables: Vec<u32> = self
            .below(roots)
            .into_iter()
            .filter_map(|node| self.variable(node))
            .collect();
        variables.sort_unstable();
        variables.dedup();
        variables
    }

    /// The leaves that a function reaches, ascending.
    pub fn leaves(&self, of: Diagram) -> Vec<u32> {
        let mut leaves: Vec<u32> = of.as_leaf().into_iter().collect();
        for node in self.below(&[of]) {
            leaves.extend(
                self.children(node)
                    .iter()
                    .filter_map(|child| child.as_leaf()),
            );
        }
        leaves.sort_unstable();
        leaves.dedup();
        leaves
    }

    /// The assignment closest to `usual` on which the function has a wanted leaf, with `None` for
    /// variables that do not matter there. Returns `None` if no leaf is wanted.
    pub fn witness(
        &self,
        of: Diagram,
        usual: &[u32],
        wanted: &dyn Fn(u32) -> bool,
    ) -> Option<Vec<Option<u32>>> {
        const NEVER: u32 = u32::MAX;
        let mut costs: FxHashMap<Diagram, u32> = FxHashMap::default();
        let cost = |costs: &FxHashMap<Diagram, u32>, of: Diagram| match of.as_leaf() {
            Some(value) => {
                if wanted(value) {
                    0
                } else {
                    NEVER
                }
            }
            None => costs[&of],
        };
        let step =
            |variable: u32, value: usize| u32::from(usual[variable as usize] != value as u32);
        for node in self.below(&[of]).into_iter().rev() {
            let Some(variable) = self.variable(node) else {
                continue;
            };
            let children = self.children(node).iter().enumerate();
            let best = children
                .map(|(value, child)| cost(&costs, *child).saturating_add(step(variable, value)))
                .min();
            costs.insert(node, best.unwrap_or(NEVER));
        }
        if cost(&costs, of) == NEVER {
            return None;
        }
        let mut assignment = vec![None; self.sizes().len()];
        let mut at = of;
        while let Some(variable) = self.variable(at) {
            let children = self.children(at).iter().enumerate();
            let best = children.min_by_key(|(value, child)| {
                (
                    cost(&costs, **child).saturating_add(step(variable, *value)),
                    *value,
                )
            });
            let (value, child) = best?;
            assignment[variable as usize] = Some(value as u32);
            at = *child;
        }
        Some(assignment)
    }

    /// The number of full assignments on which the function has a wanted leaf; at most `u128::MAX`.
    pub fn count(&self, of: Diagram, wanted: &dyn Fn(u32) -> bool) -> u128 {
        let size = |from: u32, to: u32| {
            self.sizes()[from as usize..to as usize]
                .iter()
                .fold(1_u128, |all, size| all.saturating_mul(u128::from(*size)))
        };
        let end = self.sizes().len() as u32;
        let level = |of: Diagram| self.variable(of).unwrap_or(end);
        let mut counts: FxHashMap<Diagram, u128> = FxHashMap::default();
        let get = |counts: &FxHashMap<Diagram, u128>, of: Diagram| match of.as_leaf() {
            Some(value) => u128::from(wanted(value)),
            None => counts[&of],
        };
        for node in self.below(&[of]).into_iter().rev() {
            let below = level(node) + 1;
            let children = self.children(node).iter();
            let parts = children
                .map(|child| get(&counts, *child).saturating_mul(size(below, level(*child))));
            let count = parts.fold(0, u128::saturating_add);
            counts.insert(node, count);
        }
        get(&counts, of).saturating_mul(size(0, level(of)))
    }

    /// The leaf under a full assignment, one value for each variable.
    pub fn evaluate(&self, of: Diagram, assignment: &[u32]) -> u32 {
        let mut at = of;
        while let Some(variable) = self.variable(at) {
            at = self.children(at)[assignment[variable as usize] as usize];
        }
        at.as_leaf().expect("what asks for nothing is a leaf")
    }
}
