//! In: names with their numbers. Out: the number of a name, from a table small enough to stay in the cache.
//! Names in events and requests are looked up here, so a lookup must cost little more than a text comparison.

use std::hash::BuildHasher;

use rustc_hash::FxBuildHasher;

/// Maps exact names to numbers.
#[derive(Debug, Default)]
pub struct NameIndex {
    /// The length is a power of two and at least twice the number of names.
    slots: Box<[Slot]>,
    /// Names too long for their keys to identify them.
    long: Vec<Box<str>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    key: Key,
    number: u32,
    /// The index of a long name plus one; 0 for a short name.
    long: u32,
}

/// Both ends of a name, and its length plus one (0 for a free slot). This identifies a name of up
/// to 16 bytes. For a longer name, `first` is a hash and the text must be compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Key {
    first: u64,
    last: u64,
    length: u32,
}

impl NameIndex {
    /// If a name occurs twice, the later number wins.
    pub fn new(names: impl IntoIterator<Item = (String, u32)>) -> Self {
        let names: Vec<(String, u32)> = names.into_iter().collect();
        let slots = vec![Slot::default(); (names.len() * 2).next_power_of_two().max(4)].into();
        let mut index = Self {
            slots,
            long: Vec::new(),
        };
        for (name, number) in names {
            let key = Key::of(&name);
            let at = index.place(&key, &name);
            let mut long = index.slots[at].long;
            if name.len() > SHORT && long == 0 {
                index.long.push(name.into());
                long = index.long.len() as u32;
            }
            index.slots[at] = Slot { key, number, long };
        }
        index
    }

    #[inline]
    pub fn get(&self, name: &str) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let key = Key::of(name);
        let slot = &self.slots[self.place(&key, name)];
        (slot.key.length != 0).then_some(slot.number)
    }

    /// The slot of a name, or a free slot for it.
    #[inline]
    fn place(&self, key: &Key, name: &str) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = key.hash() & mask;
        loop {
            let slot = &self.slots[at];
            let same = slot.key == *key
                && (name.len() <= SHORT || *self.long[slot.long as usize - 1] == *name);
            if same || slot.key.length == 0 {
                return at;
            }
            at = (at + 1) & mask;
        }
    }
}

/// The maximum length in bytes of a name that its key identifies.
const SHORT: usize = 16;

impl Key {
    #[inline]
    fn of(name: &str) -> Self {
        let bytes = name.as_bytes();
        // Most names have eight bytes or more, so check for these first.
        let (first, last) = match (bytes.first_chunk(), bytes.last_chunk()) {
            (Some(first), Some(last)) if bytes.len() <= SHORT => {
                (u64::from_le_bytes(*first), u64::from_le_bytes(*last))
            }
            (Some(_), Some(_)) => (FxBuildHasher.hash_one(name), 0),
            _ => match bytes {
                [a] => (u64::from(*a), 0),
                [a, b] => (u64::from(*a), u64::from(*b)),
                [a, b, c] => (u64::from(*a) | u64::from(*b) << 8, u64::from(*c)),
                _ => (half(bytes.first_chunk()), half(bytes.last_chunk())),
            },
        };
        Self {
            first,
            last,
            length: bytes.len() as u32 + 1,
        }
    }

    #[inline]
    fn hash(&self) -> usize {
        let ends = self.first ^ self.last.rotate_left(29) ^ u64::from(self.length) << 56;
        (ends.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize
    }
}

fn half(four: Option<&[u8; 4]>) -> u64 {
    four.map_or(0, |four| u64::from(u32::from_le_bytes(*four)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_and_no_other() {
        for count in [0, 1, 2, 17, 1000] {
            let name = |at: u32| "x".repeat(at as usize % 40) + &at.to_string();
            let names = NameIndex::new((0..count).map(|at| (name(at), at)));
            for at in 0..count {
                assert_eq!(names.get(&name(at)), Some(at));
                assert_eq!(names.get(&format!("{}y", name(at))), None);
            }
            assert_eq!(names.get(""), None);
        }
        let twice = NameIndex::new([("a".to_owned(), 1), ("a".to_owned(), 2)]);
        assert_eq!(twice.get("a"), Some(2));
    }
}
