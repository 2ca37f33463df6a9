//! Random numbers and situations from a seed.

use presync::{Situation, StateId, SystemId, Tables};

/// A random number generator (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// A situation before a change of a system: every fact has a value, other systems show a state or none, by hand or not.
pub fn situation(random: &mut Random, tables: &Tables, changing: SystemId) -> Situation {
    let schema = tables.schema();
    let mut situation = tables.situation();
    for (fact, _) in schema.facts() {
        let values: Vec<_> = schema.values(fact).collect();
        situation.set_value(*random.pick(&values));
    }
    for (system, _) in schema.systems().filter(|(system, _)| *system != changing) {
        let states: Vec<StateId> = schema.states(system).collect();
        // One more: unknown.
        if let Some(state) = states.get(random.below(states.len() + 1)) {
            situation.set_state(*state);
            if random.chance(50) {
                situation.set_by_hand(system);
            }
        }
    }
    situation
}
