//! In: the outcome of a table as a diagram. Out: an order of its inputs with few paths, and so few rows.
//! Moves each input through all places by exchanging neighbors, which affects no other input, and leaves it where there
//! were the fewest paths (sifting, Rudell 1993, with paths instead of nodes). Inputs that do not improve stay in place.

use rustc_hash::FxHashMap;

use crate::diagram::{Diagram, DiagramStore};

/// Node visits before the search ends.
const BUDGET: usize = 4_000_000;

/// An input stops moving when the diagram has grown by this factor.
const GROWTH: usize = 3;

/// Rounds over all inputs.
const ROUNDS: usize = 4;

/// `matter`: the inputs that the outcome depends on. Returns them in the best order found, which
/// may be the same.
pub(super) fn best(diagrams: &DiagramStore, outcome: Diagram, matter: &[u32]) -> Vec<u32> {
    let mut levels = Levels::new(diagrams, outcome, matter);
    let most = levels.live * GROWTH + 1_000;
    for _ in 0..ROUNDS {
        let before = levels.paths;
        for variable in matter {
            if levels.visited > BUDGET {
                return levels.order;
            }
            levels.sift(*variable, most);
        }
        if levels.paths >= before {
            break;
        }
    }
    levels.order
}

/// A function of the table: a decision, or a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum At {
    Leaf(u32),
    OrderNode(u32),
}

struct OrderNode {
    variable: u32,
    /// For each value of the variable.
    children: Box<[At]>,
    /// The same, without duplicates.
    distinct: Box<[At]>,
}

/// One function, with its nodes grouped by the variable that they test.
struct Levels {
    sizes: Vec<u32>,
    order: Vec<u32>,
    nodes: Vec<OrderNode>,
    /// For each variable, its nodes that the root reaches.
    of: Vec<Vec<u32>>,
    root: At,
    live: usize,
    paths: f64,
    visited: usize,
    /// For each node, the number of paths to it, during counting; 0: not reached.
    counts: Vec<f64>,
}

impl Levels {
    fn new(diagrams: &DiagramStore, root: Diagram, order: &[u32]) -> Self {
        let below = diagrams.below(&[root]);
        let places: FxHashMap<Diagram, u32> =
            (0..).zip(&below).map(|(at, node)| (*node, at)).collect();
        let at = |of: &Diagram| {
            of.as_leaf()
                .map_or_else(|| At::OrderNode(places[of]), At::Leaf)
        };
        let mut levels = Self {
            sizes: diagrams.sizes().to_vec(),
            order: order.to_vec(),
            nodes: Vec::with_capacity(below.len()),
            of: vec![Vec::new(); diagrams.sizes().len()],
            root: at(&root),
            live: 0,
            paths: 0.0,
            visited: 0,
            counts: Vec::new(),
        };
        for node in &below {
            if let Some(variable) = diagrams.variable(*node) {
                levels.add(variable, diagrams.children(*node).iter().map(at).collect());
            }
        }
        levels.count();
        levels
    }

    fn add(&mut self, variable: u32, children: Box<[At]>) -> u32 {
        let at = self.nodes.len() as u32;
        self.of[variable as usize].push(at);
        self.nodes.push(OrderNode {
            variable,
            distinct: distinct(&children),
            children,
        });
        at
    }

    /// Moves a variable through all places and back to the best.
    fn sift(&mut self, variable: u32, most: usize) {
        let Some(start) = self.order.iter().position(|other| *other == variable) else {
            return;
        };
        let last = self.order.len() - 1;
        let (mut fewest, mut best, mut place) = (self.paths, start, start);
        // The nearer end first: that distance is traveled twice.
        let directions = if start * 2 <= last {
            [false, true]
        } else {
            [true, false]
        };
        for down in directions {
            loop {
                let end = if down { place == last } else { place == 0 };
                if end || self.live > most || self.visited > BUDGET {
                    break;
                }
                self.exchange(if down { place } else { place - 1 });
                place = if down { place + 1 } else { place - 1 };
                if self.paths < fewest {
                    (fewest, best) = (self.paths, place);
                }
            }
            // Growth on one side must not block the other side.
            while self.live > most && place != start {
                let back = place < start;
                self.exchange(if back { place } else { place - 1 });
                place = if back { place + 1 } else { place - 1 };
            }
        }
        while place != best {
            let down = place < best;
            self.exchange(if down { place } else { place - 1 });
            place = if down { place + 1 } else { place - 1 };
        }
    }

    /// Exchanges the variables of a level and the next. Every node keeps its number and its
    /// function.
    fn exchange(&mut self, level: usize) {
        let (upper, lower) = (self.order[level], self.order[level + 1]);
        self.order.swap(level, level + 1);
        let size = self.sizes[lower as usize] as usize;
        let asks = |nodes: &[OrderNode], at: At| matches!(at, At::OrderNode(node) if nodes[node as usize].variable == lower);
        let above = std::mem::take(&mut self.of[upper as usize]);
        let (changed, kept): (Vec<u32>, Vec<u32>) = above.into_iter().partition(|node| {
            self.nodes[*node as usize]
                .distinct
                .iter()
                .any(|child| asks(&self.nodes, *child))
        });
        let mut known: FxHashMap<Box<[At]>, u32> = kept
            .iter()
            .map(|node| (self.nodes[*node as usize].children.clone(), *node))
            .collect();
        self.of[upper as usize] = kept;
        for node in changed {
            let mut children = Vec::with_capacity(size);
            for value in 0..size {
                let below: Box<[At]> = self.nodes[node as usize]
                    .children
                    .iter()
                    .map(|child| match child {
                        At::OrderNode(at) if asks(&self.nodes, *child) => {
                            self.nodes[*at as usize].children[value]
                        }
                        other => *other,
                    })
                    .collect();
                if below.iter().all(|child| *child == below[0]) {
                    children.push(below[0]);
                } else if let Some(known) = known.get(&below) {
                    children.push(At::OrderNode(*known));
                } else {
                    let new = self.add(upper, below.clone());
                    known.insert(below, new);
                    children.push(At::OrderNode(new));
                }
            }
            let children: Box<[At]> = children.into();
            self.nodes[node as usize] = OrderNode {
                variable: lower,
                distinct: distinct(&children),
                children,
            };
            self.of[lower as usize].push(node);
        }
        self.count();
    }

    /// Counts the paths, and drops unreachable nodes.
    fn count(&mut self) {
        self.counts.clear();
        self.counts.resize(self.nodes.len(), 0.0);
        if let At::OrderNode(root) = self.root {
            self.counts[root as usize] = 1.0;
        }
        self.live = 0;
        for variable in &self.order {
            let level = &mut self.of[*variable as usize];
            level.retain(|node| self.counts[*node as usize] > 0.0);
            for node in level.iter() {
                for child in &self.nodes[*node as usize].distinct {
                    if let At::OrderNode(child) = child {
                        self.counts[*child as usize] += self.counts[*node as usize];
                    }
                }
            }
            self.live += level.len();
        }
        // All paths: the paths from the root to each node, times its edges to leaves, summed.
        let leaves = |node: &u32| {
            let node = &self.nodes[*node as usize];
            node.distinct
                .iter()
                .filter(|child| matches!(child, At::Leaf(_)))
                .count() as f64
        };
        let ways = |node: &u32| self.counts[*node as usize] * leaves(node);
        self.paths = self
            .order
            .iter()
            .flat_map(|variable| &self.of[*variable as usize])
            .map(ways)
            .sum();
        self.visited += self.live + 10;
    }
}

fn distinct(children: &[At]) -> Box<[At]> {
    let mut distinct = children.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    distinct.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagram::paths;

    /// Pairs of inputs that belong together but are far apart: (a and e) or (b and f) or (c and g)
    /// or (d and h).
    #[test]
    fn what_belongs_together_comes_together() {
        let mut diagrams = DiagramStore::new(vec![2; 8], 10_000);
        let mut any = Diagram::ZERO;
        for at in 0..4 {
            let (first, second) = (diagrams.literal(at, [1]), diagrams.literal(at + 4, [1]));
            let both = diagrams.and_then(first, second);
            any = diagrams.or_else(any, both);
        }
        let matter: Vec<u32> = (0..8).collect();
        let order = best(&diagrams, any, &matter);
        let mut places = vec![0; 8];
        order
            .iter()
            .zip(0..)
            .for_each(|(variable, place)| places[*variable as usize] = place);
        let mut moved = DiagramStore::new(vec![2; 8], 10_000);
        let reordered = diagrams.transfer(&[any], &mut moved, &places)[0];
        // A pair holds in one way and fails in two, after which the next is tested: 1 + 2 (1 + 2 (1
        // + 2 (1 + 2))) paths.
        assert_eq!(paths::count_paths(&moved, reordered), 31.0, "{order:?}");
        assert!(paths::count_paths(&diagrams, any) > 31.0);
    }
}
