//! A list that grows in pieces: growing a large vector takes three times its memory on the way, this takes twice.

/// Number of elements per piece.
const PIECE: usize = 1_000;

pub(super) struct ChunkedVec<T>(Vec<Vec<T>>);

impl<T> Default for ChunkedVec<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> ChunkedVec<T> {
    pub fn push(&mut self, one: T) {
        match self.0.last_mut() {
            // Short lists grow on demand.
            Some(piece) if piece.len() < PIECE => piece.push(one),
            Some(_) => {
                let mut piece = Vec::with_capacity(PIECE);
                piece.push(one);
                self.0.push(piece);
            }
            None => self.0.push(vec![one]),
        }
    }

    /// All elements, without spare capacity.
    pub fn finish(mut self) -> Vec<T> {
        let mut all = match self.0.len() {
            0 | 1 => self.0.pop().unwrap_or_default(),
            _ => {
                let mut all = Vec::with_capacity(self.0.iter().map(Vec::len).sum());
                self.0.into_iter().for_each(|piece| all.extend(piece));
                all
            }
        };
        all.shrink_to_fit();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::{ChunkedVec, PIECE};

    #[test]
    fn everything_is_there_in_order() {
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7] {
            let mut list = ChunkedVec::default();
            (0..length).for_each(|one| list.push(one));
            let all = list.finish();
            assert_eq!(all, (0..length).collect::<Vec<_>>());
            assert_eq!(all.capacity(), length);
        }
    }
}
