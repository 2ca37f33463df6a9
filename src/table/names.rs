//! In: names and the numbers that they stand for. Out: the number of a name, from few slots that stay in the cache.
//! What an event or a request says is found here, so that one look-up must cost little more than comparing the text.

use rustc_hash::FxBuildHasher;
use std::hash::BuildHasher;

/// Names by their text, exactly.
#[derive(Debug, Default)]
pub struct Names {
    entries: Vec<(Box<str>, u32)>,
    /// Indices into the entries plus one; 0 is free. At least four times as many as there are entries.
    slots: Box<[u32]>,
}

impl Names {
    /// Of two equal names the later counts.
    pub fn new(names: impl IntoIterator<Item = (String, u32)>) -> Self {
        let entries: Vec<(Box<str>, u32)> = names.into_iter().map(|(name, number)| (name.into(), number)).collect();
        let mut slots = vec![0_u32; (entries.len() * 4).next_power_of_two().max(4)].into_boxed_slice();
        let mask = slots.len() - 1;
        for (at, (name, _)) in entries.iter().enumerate() {
            let mut slot = hash(name) as usize & mask;
            while slots[slot] != 0 && entries[slots[slot] as usize - 1].0 != *name {
                slot = (slot + 1) & mask;
            }
            slots[slot] = at as u32 + 1;
        }
        Self { entries, slots }
    }

    pub fn get(&self, name: &str) -> Option<u32> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut slot = hash(name) as usize & mask;
        loop {
            let (known, number) = self.entries.get(self.slots[slot].checked_sub(1)? as usize)?;
            if **known == *name {
                return Some(*number);
            }
            slot = (slot + 1) & mask;
        }
    }
}

/// Both ends and the length of a short name; a long one is read whole.
fn hash(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let (first, last) = match bytes.len() {
        0 => (0, 0),
        1..4 => (u64::from(bytes[0]), u64::from(bytes[bytes.len() - 1]) << 8 | u64::from(bytes[bytes.len() / 2])),
        4..8 => (u64::from(half(bytes, 0)), u64::from(half(bytes, bytes.len() - 4))),
        8..=16 => (whole(bytes, 0), whole(bytes, bytes.len() - 8)),
        _ => (FxBuildHasher.hash_one(name), 0),
    };
    let mixed = (first ^ (bytes.len() as u64) << 56).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ last.rotate_left(32);
    mixed.wrapping_mul(0xff51_afd7_ed55_8ccd) >> 32
}

fn half(bytes: &[u8], at: usize) -> u32 {
    bytes[at..].first_chunk().map_or(0, |chunk| u32::from_le_bytes(*chunk))
}

fn whole(bytes: &[u8], at: usize) -> u64 {
    bytes[at..].first_chunk().map_or(0, |chunk| u64::from_le_bytes(*chunk))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_and_no_other() {
        for count in [0, 1, 2, 17, 1000] {
            let name = |at: u32| "x".repeat(at as usize % 40) + &at.to_string();
            let names = Names::new((0..count).map(|at| (name(at), at)));
            for at in 0..count {
                assert_eq!(names.get(&name(at)), Some(at));
                assert_eq!(names.get(&format!("{}y", name(at))), None);
            }
            assert_eq!(names.get(""), None);
        }
        let twice = Names::new([("a".to_owned(), 1), ("a".to_owned(), 2)]);
        assert_eq!(twice.get("a"), Some(2));
    }
}
