//! In: functions one after the other. Out: fewer of which the first that is not zero counts, at every moment.
//! Like is joined with like, so that a thousand small functions do not each go through one large one.

use crate::diagram::{Diagrams, Ref};

/// Functions that came one after the other.
#[derive(Debug, Clone, Default)]
pub struct Cascade {
    parts: Vec<Ref>,
    /// How often each part was joined.
    ranks: Vec<u32>,
}

impl Cascade {
    pub fn parts(&self) -> &[Ref] {
        &self.parts
    }

    /// Adds a function behind those that are there.
    pub fn push(&mut self, diagrams: &mut Diagrams, next: Ref) {
        if next == Ref::ZERO {
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
