//! In: functions one by one. Out: an equivalent shorter list in which the first non-zero function counts, at any time.
//! Joins functions of similar size, so that a thousand small ones are not each merged into one large one.

use crate::diagram::{Diagram, DiagramStore};

/// A list of functions by priority.
#[derive(Debug, Clone, Default)]
pub struct CascadeBuilder {
    parts: Vec<Diagram>,
    /// How often each part was joined.
    ranks: Vec<u32>,
}

impl CascadeBuilder {
    pub fn parts(&self) -> &[Diagram] {
        &self.parts
    }

    /// Adds a function after the others.
    pub fn push(&mut self, diagrams: &mut DiagramStore, next: Diagram) {
        if next == Diagram::ZERO {
            return;
        }
        self.parts.push(next);
        self.ranks.push(0);
        while let ([.., before, last], [.., rank, last_rank]) =
            (self.parts.as_slice(), self.ranks.as_slice())
            && rank == last_rank
        {
            let (before, last, rank) = (*before, *last, *rank);
            let mut joined = vec![before];
            diagrams.combine_with(&mut joined, last);
            if joined.len() > 1 {
                return;
            }
            self.parts.truncate(self.parts.len() - 2);
            self.ranks.truncate(self.ranks.len() - 2);
            self.parts.extend(joined);
            self.ranks.push(rank + 1);
        }
    }
}
