//! In: functions that must be non-zero, and functions that must be zero. Out: one situation where both are so, without
//! building a diagram of all of them; for questions whose complete answer would be too large.

use std::collections::HashSet;

use rustc_hash::FxBuildHasher;

use crate::diagram::{Diagram, DiagramStore};

/// Limit of steps before the search gives up.
const MAX_STEPS: usize = 2_000;

/// The result of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchResult {
    /// A value for each variable.
    Here(Vec<u32>),
    Nowhere,
    /// The search gave up.
    Unknown,
}

impl DiagramStore {
    /// A full assignment near `usual` on which every function of `wanted` is non-zero and every one
    /// of `unwanted` is zero.
    pub fn find(&self, wanted: &[Diagram], unwanted: &[Diagram], usual: &[u32]) -> SearchResult {
        let mut search = Search {
            diagrams: self,
            usual,
            assignment: usual.to_vec(),
            dead_ends: HashSet::default(),
            steps: 0,
        };
        match search.go(wanted.to_vec(), unwanted.to_vec()) {
            Some(true) => SearchResult::Here(search.assignment),
            Some(false) => SearchResult::Nowhere,
            None => SearchResult::Unknown,
        }
    }

    /// Whether the assignment is a valid result of [`DiagramStore::find`].
    pub fn is_found(&self, wanted: &[Diagram], unwanted: &[Diagram], assignment: &[u32]) -> bool {
        wanted
            .iter()
            .all(|one| self.evaluate(*one, assignment) != 0)
            && unwanted
                .iter()
                .all(|one| self.evaluate(*one, assignment) == 0)
    }
}

struct Search<'d> {
    diagrams: &'d DiagramStore,
    usual: &'d [u32],
    assignment: Vec<u32>,
    dead_ends: HashSet<(Vec<Diagram>, Vec<Diagram>), FxBuildHasher>,
    steps: usize,
}

impl Search<'_> {
    /// Whether there is an assignment; if so, it is in `assignment`. `None`: gave up.
    fn go(&mut self, mut wanted: Vec<Diagram>, mut unwanted: Vec<Diagram>) -> Option<bool> {
        if wanted.contains(&Diagram::ZERO)
            || unwanted
                .iter()
                .any(|one| one.as_leaf().is_some_and(|leaf| leaf != 0))
        {
            return Some(false);
        }
        wanted.retain(|one| one.as_leaf().is_none());
        unwanted.retain(|one| *one != Diagram::ZERO);
        wanted.sort_unstable();
        wanted.dedup();
        unwanted.sort_unstable();
        unwanted.dedup();
        let all = || wanted.iter().chain(&unwanted);
        let Some(variable) = all().filter_map(|one| self.diagrams.variable(*one)).min() else {
            return Some(true);
        };
        if all().any(|one| wanted.contains(one) && unwanted.contains(one)) {
            return Some(false);
        }
        let key = (wanted, unwanted);
        if self.dead_ends.contains(&key) {
            return Some(false);
        }
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return None;
        }
        let usual = self.usual[variable as usize];
        let others = (0..self.diagrams.sizes()[variable as usize]).filter(|value| *value != usual);
        for value in std::iter::once(usual).chain(others) {
            let below = |of: &Vec<Diagram>| {
                of.iter()
                    .map(|one| self.below(*one, variable, value))
                    .collect()
            };
            let (wanted, unwanted) = (below(&key.0), below(&key.1));
            self.assignment[variable as usize] = value;
            if self.go(wanted, unwanted)? {
                return Some(true);
            }
        }
        self.assignment[variable as usize] = usual;
        self.dead_ends.insert(key);
        Some(false)
    }

    fn below(&self, of: Diagram, variable: u32, value: u32) -> Diagram {
        if self.diagrams.variable(of) == Some(variable) {
            self.diagrams.children(of)[value as usize]
        } else {
            of
        }
    }
}
