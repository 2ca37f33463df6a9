//! In: hashes. Out: the numbers stored under them, from one array.
//! A stream looks up users in random order, so each lookup waits for memory. [`HashIndex::prefetch`] touches the
//! slots of many users before the first is needed, which library maps do not offer.

/// Maps hashes to numbers. The caller must compare the keys.
pub(super) struct HashIndex {
    /// The upper half is the tag of the hash, the lower half the number plus one; 0 is free. The
    /// length is a power of two.
    slots: Vec<u64>,
    count: usize,
}

/// The 32 bits of a hash that are stored.
fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32 ^ hash as u32
}

impl HashIndex {
    pub fn new() -> Self {
        Self {
            slots: vec![0; 16],
            count: 0,
        }
    }

    /// Reads the slot where the search for a hash starts.
    pub fn prefetch(&self, hash: u64) -> u64 {
        self.slots[tag(hash) as usize & (self.slots.len() - 1)]
    }

    /// The first number under this hash that satisfies `is`.
    pub fn find(&self, hash: u64, is: impl Fn(u32) -> bool) -> Option<u32> {
        let tag = tag(hash);
        let mask = self.slots.len() - 1;
        let mut at = tag as usize & mask;
        loop {
            let slot = self.slots[at];
            let number = (slot as u32).checked_sub(1)?;
            if (slot >> 32) as u32 == tag && is(number) {
                return Some(number);
            }
            at = (at + 1) & mask;
        }
    }

    /// Adds a number that is not in the index yet.
    pub fn insert(&mut self, hash: u64, number: u32) {
        if (self.count + 1) * 8 > self.slots.len() * 7 {
            let larger = vec![0; self.slots.len() * 2];
            for slot in std::mem::replace(&mut self.slots, larger)
                .into_iter()
                .filter(|slot| *slot != 0)
            {
                self.put(slot);
            }
        }
        self.count += 1;
        self.put(u64::from(tag(hash)) << 32 | u64::from(number + 1));
    }

    fn put(&mut self, slot: u64) {
        let mask = self.slots.len() - 1;
        let mut at = (slot >> 32) as usize & mask;
        while self.slots[at] != 0 {
            at = (at + 1) & mask;
        }
        self.slots[at] = slot;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_found_again() {
        let mut index = HashIndex::new();
        // Hashes that collide.
        let hash = |number: u32| u64::from(number % 300) * 0x1_0000_0001;
        for number in 0..1000 {
            assert_eq!(index.find(hash(number), |found| found == number), None);
            index.insert(hash(number), number);
        }
        for number in 0..1000 {
            assert_eq!(
                index.find(hash(number), |found| found == number),
                Some(number)
            );
        }
    }
}
