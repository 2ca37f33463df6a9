//! Reduced ordered decision diagrams with variables of any size and any number of leaves, each node stored once.
//! In: cubes and operations on them. Out: canonical references: equal functions have equal references.
//! After the node limit is reached, operations return [`Diagram::ZERO`] and [`DiagramStore::overflowed`] returns `true`.

mod cascade;
mod cover;
pub mod paths;
mod queries;
mod search;

pub use cascade::CascadeBuilder;
pub use cover::Cube;
pub use search::SearchResult;

use std::hash::{BuildHasher, Hash};

use hashbrown::HashTable;
use rustc_hash::{FxBuildHasher, FxHashMap};

/// A function of the situation: a leaf, or a node that tests a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Diagram(u32);

const LEAF: u32 = 1 << 31;

/// Limit of children over all nodes: if variables have very many values, fewer nodes fit.
const MAX_CHILDREN: usize = 100 << 20;

/// Functions of at most this many nodes may be combined at any rate of growth.
const SMALL: usize = 512;

impl Diagram {
    /// Nothing, false, undecided.
    pub const ZERO: Self = Self(LEAF);
    /// True.
    pub const ONE: Self = Self(LEAF | 1);

    pub fn leaf(value: u32) -> Self {
        debug_assert!(value < LEAF, "leaf values are below 2^31");
        Self(LEAF | value)
    }

    pub fn as_leaf(self) -> Option<u32> {
        (self.0 & LEAF != 0).then_some(self.0 & !LEAF)
    }
}

#[derive(Debug, Clone, Copy)]
struct Node {
    variable: u32,
    /// The start of its children in `children`.
    at: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Operation {
    OrElse,
    Mask,
    Restrict(u32),
}

/// A set of diagrams over the same variables in the same order.
pub struct DiagramStore {
    /// The number of values of each variable, in order.
    sizes: Vec<u32>,
    nodes: Vec<Node>,
    children: Vec<Diagram>,
    unique: HashTable<u32>,
    cache: FxHashMap<(Operation, Diagram, Diagram), Diagram>,
    negations: FxHashMap<Diagram, Diagram>,
    scratch: Vec<Diagram>,
    limit: usize,
    overflowed: bool,
}

impl DiagramStore {
    /// `sizes`: the number of values of each variable, in the order of testing.
    pub fn new(sizes: Vec<u32>, limit: usize) -> Self {
        Self {
            sizes,
            nodes: Vec::new(),
            children: Vec::new(),
            unique: HashTable::new(),
            cache: FxHashMap::default(),
            negations: FxHashMap::default(),
            scratch: Vec::new(),
            limit,
            overflowed: false,
        }
    }

    /// Frees the operation caches; the nodes stay.
    pub fn clear_cache(&mut self) {
        self.cache = FxHashMap::default();
        self.negations = FxHashMap::default();
    }

    pub fn overflowed(&self) -> bool {
        self.overflowed
    }

    pub fn sizes(&self) -> &[u32] {
        &self.sizes
    }

    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// The variable that a function tests first, or `None` for a leaf.
    pub fn variable(&self, of: Diagram) -> Option<u32> {
        of.as_leaf()
            .is_none()
            .then(|| self.nodes[of.0 as usize].variable)
    }

    /// The functions for each value of the first variable.
    pub fn children(&self, of: Diagram) -> &[Diagram] {
        if of.as_leaf().is_some() {
            return &[];
        }
        let node = self.nodes[of.0 as usize];
        let size = self.sizes[node.variable as usize] as usize;
        &self.children[node.at as usize..node.at as usize + size]
    }

    /// The function that tests `variable` and continues with one child for each of its values.
    pub fn node(&mut self, variable: u32, children: &[Diagram]) -> Diagram {
        if children.iter().all(|child| *child == children[0]) {
            return children[0];
        }
        let hash = FxBuildHasher.hash_one((variable, children));
        let (nodes, all, sizes) = (&self.nodes, &self.children, &self.sizes);
        let same = |index: &u32| {
            let node = nodes[*index as usize];
            node.variable == variable && {
                let at = node.at as usize;
                all[at..at + sizes[variable as usize] as usize] == *children
            }
        };
        if let Some(index) = self.unique.find(hash, same) {
            return Diagram(*index);
        }
        if self.nodes.len() >= self.limit || self.children.len() + children.len() > MAX_CHILDREN {
            self.overflowed = true;
            return Diagram::ZERO;
        }
        let index = self.nodes.len() as u32;
        self.nodes.push(Node {
            variable,
            at: self.children.len() as u32,
        });
        self.children.extend_from_slice(children);
        let (nodes, all, sizes) = (&self.nodes, &self.children, &self.sizes);
        self.unique.insert_unique(hash, index, |index| {
            let node = nodes[*index as usize];
            let at = node.at as usize;
            FxBuildHasher.hash_one((
                node.variable,
                &all[at..at + sizes[node.variable as usize] as usize],
            ))
        });
        Diagram(index)
    }

    /// True where the variable has one of the values.
    pub fn literal(&mut self, variable: u32, values: impl IntoIterator<Item = u32>) -> Diagram {
        let mut children = vec![Diagram::ZERO; self.sizes[variable as usize] as usize];
        for value in values {
            children[value as usize] = Diagram::ONE;
        }
        self.node(variable, &children)
    }

    /// The first function where it is not zero, else the second: `or`, and "the stronger rule
    /// decides first".
    pub fn or_else(&mut self, first: Diagram, second: Diagram) -> Diagram {
        if first == Diagram::ZERO || first == second {
            return second;
        }
        if second == Diagram::ZERO || first.as_leaf().is_some() {
            return first;
        }
        self.apply(Operation::OrElse, first, second)
    }

    /// The second function where the first is not zero, else zero: `and`, and "under this
    /// condition".
    pub fn and_then(&mut self, condition: Diagram, then: Diagram) -> Diagram {
        if condition == Diagram::ZERO || then == Diagram::ZERO {
            return Diagram::ZERO;
        }
        if condition.as_leaf().is_some() || condition == then {
            return then;
        }
        self.apply(Operation::Mask, condition, then)
    }

    fn apply(&mut self, operation: Operation, left: Diagram, right: Diagram) -> Diagram {
        let key = (operation, left, right);
        if let Some(known) = self.cache.get(&key) {
            return *known;
        }
        if self.overflowed {
            return Diagram::ZERO;
        }
        let variable = self.first(left, right);
        let start = self.scratch.len();
        for value in 0..self.sizes[variable as usize] {
            let (left, right) = (
                self.cofactor(left, variable, value),
                self.cofactor(right, variable, value),
            );
            let child = match operation {
                Operation::OrElse => self.or_else(left, right),
                _ => self.and_then(left, right),
            };
            self.scratch.push(child);
        }
        let result = self.finish(variable, start);
        self.keep(key, result)
    }

    /// Caches a result, unless the diagrams overflowed and it is not valid.
    fn keep(&mut self, key: (Operation, Diagram, Diagram), result: Diagram) -> Diagram {
        if !self.overflowed {
            self.cache.insert(key, result);
        }
        result
    }

    /// Runs `work`, which may create at most `budget` nodes; `None` if it needs more.
    pub fn with_budget<T>(
        &mut self,
        budget: usize,
        work: impl FnOnce(&mut Self) -> T,
    ) -> Option<T> {
        if self.overflowed {
            return None;
        }
        let limit = self.lower_limit(budget);
        let done = work(self);
        self.restore_limit(limit).then_some(done)
    }

    /// Limits the number of new nodes to `budget`; returns the previous limit.
    pub(super) fn lower_limit(&mut self, budget: usize) -> usize {
        let lower = self.limit.min(self.nodes.len() + budget);
        std::mem::replace(&mut self.limit, lower)
    }

    /// Restores a limit; returns whether the budget was enough.
    pub(super) fn restore_limit(&mut self, limit: usize) -> bool {
        let failed = self.overflowed;
        self.overflowed = failed && self.nodes.len() >= limit;
        self.limit = limit;
        !failed
    }

    /// The number of nodes of a function.
    pub fn size(&self, of: Diagram) -> usize {
        self.below(&[of]).len()
    }

    /// Merges functions of which the first non-zero one counts into as few as possible without a
    /// blow-up: where merging two neighbors would cost more than about linear growth, both stay.
    pub fn combine(&mut self, functions: &[Diagram]) -> Vec<Diagram> {
        match functions {
            [] => Vec::new(),
            [Diagram::ZERO] => Vec::new(),
            [one] => vec![*one],
            several => {
                let (first, second) = several.split_at(several.len() / 2);
                let mut first = self.combine(first);
                let second = self.combine(second);
                let mut second = second.into_iter();
                if let Some(next) = second.next() {
                    self.combine_with(&mut first, next);
                }
                first.extend(second);
                first
            }
        }
    }

    /// Adds a function after the others, merged into the last one if possible.
    pub fn combine_with(&mut self, functions: &mut Vec<Diagram>, next: Diagram) {
        let Some(last) = functions.last_mut().filter(|_| next != Diagram::ZERO) else {
            return functions.extend(Some(next).filter(|next| *next != Diagram::ZERO));
        };
        let most = (2 * (self.size(*last) + self.size(next))).max(SMALL);
        let joined = self.with_budget(4 * most, |diagrams| diagrams.or_else(*last, next));
        match joined.filter(|joined| self.size(*joined) <= most) {
            Some(joined) => *last = joined,
            None => functions.push(next),
        }
    }

    /// One where the function is zero, else zero.
    pub fn not(&mut self, of: Diagram) -> Diagram {
        if let Some(value) = of.as_leaf() {
            return Diagram::leaf(u32::from(value == 0));
        }
        if let Some(known) = self.negations.get(&of) {
            return *known;
        }
        let variable = self.nodes[of.0 as usize].variable;
        let start = self.scratch.len();
        for value in 0..self.sizes[variable as usize] {
            let child = self.cofactor(of, variable, value);
            let child = self.not(child);
            self.scratch.push(child);
        }
        let result = self.finish(variable, start);
        if !self.overflowed {
            self.negations.insert(of, result);
        }
        result
    }

    /// The function where the condition does not hold, else zero.
    pub fn without(&mut self, of: Diagram, condition: Diagram) -> Diagram {
        let outside = self.not(condition);
        self.and_then(outside, of)
    }

    /// The function with one variable fixed.
    pub fn restrict(&mut self, of: Diagram, variable: u32, value: u32) -> Diagram {
        match self.variable(of) {
            None => return of,
            Some(first) if first > variable => return of,
            Some(first) if first == variable => return self.cofactor(of, variable, value),
            Some(_) => {}
        }
        let key = (Operation::Restrict(variable), of, Diagram::leaf(value));
        if let Some(known) = self.cache.get(&key) {
            return *known;
        }
        let first = self.nodes[of.0 as usize].variable;
        let start = self.scratch.len();
        for branch in 0..self.sizes[first as usize] {
            let child = self.cofactor(of, first, branch);
            let child = self.restrict(child, variable, value);
            self.scratch.push(child);
        }
        let result = self.finish(first, start);
        self.keep(key, result)
    }

    /// Replaces the leaves.
    pub fn map(&mut self, of: Diagram, leaf: &mut dyn FnMut(u32) -> u32) -> Diagram {
        self.product(of, Diagram::ZERO, &mut |value, _| leaf(value))
    }

    /// Combines two functions leaf by leaf.
    pub fn product(
        &mut self,
        left: Diagram,
        right: Diagram,
        leaf: &mut dyn FnMut(u32, u32) -> u32,
    ) -> Diagram {
        let mut known = FxHashMap::default();
        self.product_with(left, right, leaf, &mut known)
    }

    fn product_with(
        &mut self,
        left: Diagram,
        right: Diagram,
        leaf: &mut dyn FnMut(u32, u32) -> u32,
        known: &mut FxHashMap<(Diagram, Diagram), Diagram>,
    ) -> Diagram {
        if let (Some(left), Some(right)) = (left.as_leaf(), right.as_leaf()) {
            return Diagram::leaf(leaf(left, right));
        }
        if let Some(known) = known.get(&(left, right)) {
            return *known;
        }
        if self.overflowed {
            return Diagram::ZERO;
        }
        let variable = self.first(left, right);
        let start = self.scratch.len();
        for value in 0..self.sizes[variable as usize] {
            let (left, right) = (
                self.cofactor(left, variable, value),
                self.cofactor(right, variable, value),
            );
            let child = self.product_with(left, right, leaf, known);
            self.scratch.push(child);
        }
        let result = self.finish(variable, start);
        known.insert((left, right), result);
        result
    }

    /// Folds functions pairwise, which keeps the intermediate results small.
    pub fn union(&mut self, mut functions: Vec<Diagram>) -> Diagram {
        while functions.len() > 1 {
            functions = functions
                .chunks(2)
                .map(|pair| {
                    if let [a, b] = pair {
                        self.or_else(*a, *b)
                    } else {
                        pair[0]
                    }
                })
                .collect();
        }
        functions.pop().unwrap_or(Diagram::ZERO)
    }

    fn first(&self, left: Diagram, right: Diagram) -> u32 {
        let of = |side: Diagram| self.variable(side).unwrap_or(u32::MAX);
        of(left).min(of(right))
    }

    fn cofactor(&self, of: Diagram, variable: u32, value: u32) -> Diagram {
        if of.as_leaf().is_some() {
            return of;
        }
        let node = self.nodes[of.0 as usize];
        if node.variable == variable {
            self.children[(node.at + value) as usize]
        } else {
            of
        }
    }

    /// Makes a node of the children on the scratch stack.
    fn finish(&mut self, variable: u32, start: usize) -> Diagram {
        let scratch = std::mem::take(&mut self.scratch);
        let result = self.node(variable, &scratch[start..]);
        self.scratch = scratch;
        self.scratch.truncate(start);
        result
    }

    /// The same functions over other variables: `places[v]` is the position of variable `v` in
    /// `target`. All zero if the target overflows.
    pub fn transfer(&self, roots: &[Diagram], target: &mut Self, places: &[u32]) -> Vec<Diagram> {
        let mut moved: FxHashMap<Diagram, Diagram> = FxHashMap::default();
        let get = |moved: &FxHashMap<Diagram, Diagram>, of: Diagram| {
            if of.as_leaf().is_some() {
                of
            } else {
                moved[&of]
            }
        };
        for node in self.below(roots).into_iter().rev() {
            let variable = places[self.nodes[node.0 as usize].variable as usize];
            let mut parts = Vec::new();
            // Group the values of the same child.
            let children = self.children(node);
            let mut distinct = children.to_vec();
            distinct.sort_unstable();
            distinct.dedup();
            for child in distinct {
                let same = (0..).zip(children).filter(|(_, other)| **other == child);
                let test = target.literal(variable, same.map(|(value, _)| value));
                parts.push(target.and_then(test, get(&moved, child)));
            }
            let result = target.union(parts);
            moved.insert(node, result);
            if target.overflowed {
                return vec![Diagram::ZERO; roots.len()];
            }
        }
        roots.iter().map(|root| get(&moved, *root)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fifteen pairs of thirty flags: where both flags hold.
    fn pairs(d: &mut DiagramStore) -> Vec<Diagram> {
        let tests: Vec<Diagram> = (0..30).map(|v| d.literal(v, [1])).collect();
        (0..15)
            .map(|v| d.and_then(tests[v], tests[v + 15]))
            .collect()
    }

    #[test]
    fn equal_functions_are_one_reference() {
        let mut d = DiagramStore::new(vec![2, 3, 2], 1000);
        let (a, b) = (d.literal(0, [1]), d.literal(1, [0, 2]));
        let both = d.and_then(a, b);
        let (na, nb) = (d.not(a), d.not(b));
        let either = d.or_else(na, nb);
        assert_eq!(d.not(either), both);
        assert_eq!(d.support(&[both]), [0, 1]);
        assert_eq!(d.restrict(both, 0, 1), b);
        assert_eq!(d.restrict(both, 1, 1), Diagram::ZERO);
        assert_eq!(
            d.witness(both, &[0, 0, 0], &|leaf| leaf == 1),
            Some(vec![Some(1), Some(0), None])
        );
    }

    #[test]
    fn the_limit_is_told_and_not_exceeded() {
        let mut d = DiagramStore::new(vec![2; 30], 40);
        let pairs = pairs(&mut d);
        d.union(pairs);
        assert!(d.overflowed());
        assert!(d.node_count() <= 40);
    }

    #[test]
    fn a_budget_is_room_for_so_many_more() {
        let mut d = DiagramStore::new(vec![2; 30], 1_000_000);
        let pairs = pairs(&mut d);
        let before = d.node_count();
        assert!(before > 40, "{before}");
        assert_eq!(d.with_budget(20, |d| d.union(pairs.clone())), None);
        assert!(!d.overflowed(), "there is still room");
        assert!(d.node_count() <= before + 20);
        let few = d
            .with_budget(20, |d| d.union(pairs[..2].to_vec()))
            .expect("that is enough");
        assert_eq!(few, d.or_else(pairs[0], pairs[1]));

        // Results that did not fit are not cached.
        let any = d
            .with_budget(1_000_000, |d| d.union(pairs.clone()))
            .expect("that is enough");
        assert_eq!(d.with_budget(1, |d| d.not(any)), None);
        let none = d.not(any);
        for bits in (0..1000_u32).map(|at| at.wrapping_mul(2_654_435_761)) {
            let values: Vec<u32> = (0..30).map(|v| bits >> v & 1).collect();
            let holds = u32::from((0..15).any(|v| values[v] == 1 && values[v + 15] == 1));
            assert_eq!(
                (d.evaluate(any, &values), d.evaluate(none, &values)),
                (holds, 1 - holds)
            );
        }
    }

    #[test]
    fn a_budget_larger_than_the_room_is_no_more_room() {
        let mut d = DiagramStore::new(vec![2; 30], 70);
        let pairs = pairs(&mut d);
        assert_eq!(d.with_budget(1_000_000, |d| d.union(pairs.clone())), None);
        assert!(d.overflowed() && d.node_count() <= 70);
        assert_eq!(
            d.with_budget(1_000_000, |_| ()),
            None,
            "nothing is right any more"
        );
    }

    #[test]
    fn transfer_keeps_the_function() {
        let mut d = DiagramStore::new(vec![2, 3], 1000);
        let (a, b) = (d.literal(0, [1]), d.literal(1, [2]));
        let masked = d.and_then(a, Diagram::leaf(7));
        let f = d.or_else(masked, b);
        let mut other = DiagramStore::new(vec![3, 2], 1000);
        let moved = d.transfer(&[f], &mut other, &[1, 0])[0];
        for x in 0..2 {
            for y in 0..3 {
                assert_eq!(d.evaluate(f, &[x, y]), other.evaluate(moved, &[y, x]));
            }
        }
    }
}
