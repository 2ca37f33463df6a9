//! In: the rows or the diagram of a table. Out: the decision for a situation, in constant time where a dense table fits.
//! Errors: rows that overlap or leave a situation open, which only a file from outside can have.

use std::collections::HashMap;

use crate::table::{Cells, Column, Diagram, Next, Node};

/// A dense table has at most this many cells; beyond, the diagram itself is walked.
pub const DENSE_CELLS: u64 = 1 << 20;

/// Where the decisions of a table are found.
#[derive(Debug)]
pub enum Lookup {
    Dense(Dense),
    /// The first that does not pass decides.
    Diagrams(Vec<Diagram>),
}

/// One cell for each combination of inputs, the state entered last.
#[derive(Debug)]
pub struct Dense {
    /// The inputs with the distance between the cells of neighbouring values.
    inputs: Vec<(Column, u32, u32)>,
    /// Indices into the table's decisions.
    cells: CellVec,
}

#[derive(Debug)]
enum CellVec {
    Narrow(Vec<u16>),
    Wide(Vec<u32>),
}

/// A part of the input space with one decision.
#[derive(Debug, Clone)]
pub struct Cube {
    /// In the order of the inputs.
    pub when: Cells,
    pub from: Option<Box<[u32]>>,
    pub decision: u32,
}

#[derive(Debug, PartialEq, Eq)]
pub enum CoverError {
    Overlap,
    Gap,
}

impl Lookup {
    pub fn find(&self, facts: &[u32], states: &[u32], state: u32) -> u32 {
        match self {
            Self::Dense(dense) => dense.find(facts, states, state),
            Self::Diagrams(diagrams) => {
                diagrams.iter().find_map(|diagram| diagram.find(facts, states, state)).unwrap_or_default()
            }
        }
    }

    /// From parts that cover the whole space once. `sizes`: the number of values of each input; `states`: of the
    /// system entered.
    pub fn from_cubes(inputs: &[Column], sizes: &[u32], states: u32, cubes: &[Cube]) -> Result<Self, CoverError> {
        let cells = cell_count(sizes, states);
        if cells <= DENSE_CELLS {
            return Dense::fill(inputs, sizes, states, cells as usize, cubes).map(Self::Dense);
        }
        let mut partition = Partition { inputs, sizes, states, cubes, nodes: Vec::new(), known: HashMap::new() };
        let all: Vec<u32> = (0..cubes.len() as u32).collect();
        let root = partition.split(None, all)?;
        // Children were made first; turned round, each node comes before those it leads to.
        let last = partition.nodes.len() as u32;
        let turn = |next: Next| if let Next::Node(at) = next { Next::Node(last - 1 - at) } else { next };
        let mut nodes = partition.nodes;
        nodes.reverse();
        for node in &mut nodes {
            node.next.iter_mut().for_each(|next| *next = turn(*next));
        }
        Ok(Self::Diagrams(vec![Diagram { root: turn(root), nodes }]))
    }
}

/// How many cells a dense table takes; saturating.
pub fn cell_count(sizes: &[u32], states: u32) -> u64 {
    sizes.iter().fold(u64::from(states), |cells, size| cells.saturating_mul(u64::from(*size)))
}

impl Dense {
    fn find(&self, facts: &[u32], states: &[u32], state: u32) -> u32 {
        let mut at = state;
        for (column, size, stride) in &self.inputs {
            let value = match column {
                Column::Fact(fact) => facts[*fact],
                Column::State(system) => states[*system],
            };
            at += if value < *size { value * stride } else { 0 };
        }
        match &self.cells {
            CellVec::Narrow(cells) => u32::from(cells[at as usize]),
            CellVec::Wide(cells) => cells[at as usize],
        }
    }

    fn fill(inputs: &[Column], sizes: &[u32], states: u32, cells: usize, cubes: &[Cube]) -> Result<Self, CoverError> {
        const OPEN: u32 = u32::MAX;
        let mut stride = states;
        let mut strides = Vec::with_capacity(inputs.len());
        for (column, size) in inputs.iter().zip(sizes) {
            strides.push((*column, *size, stride));
            stride *= size;
        }
        let mut filled = vec![OPEN; cells];
        let mut at: Vec<u32> = Vec::new();
        for cube in cubes {
            at.clear();
            match &cube.from {
                Some(from) => at.extend_from_slice(from),
                None => at.extend(0..states),
            }
            for ((_, size, stride), values) in strides.iter().zip(&cube.when) {
                let base = at.len();
                let values: Box<[u32]> = values.clone().unwrap_or_else(|| (0..*size).collect());
                let old = std::mem::take(&mut at);
                at.reserve(base * values.len());
                for value in &values {
                    at.extend(old.iter().map(|cell| cell + value * stride));
                }
            }
            for cell in &at {
                let cell = &mut filled[*cell as usize];
                if *cell != OPEN {
                    return Err(CoverError::Overlap);
                }
                *cell = cube.decision;
            }
        }
        if filled.contains(&OPEN) {
            return Err(CoverError::Gap);
        }
        let narrow = filled.iter().all(|cell| *cell <= u32::from(u16::MAX));
        let cells = if narrow {
            CellVec::Narrow(filled.into_iter().map(|cell| cell as u16).collect())
        } else {
            CellVec::Wide(filled)
        };
        Ok(Self { inputs: strides, cells })
    }
}

/// Builds a diagram from cubes by asking the state entered, then one input after the other.
struct Partition<'a> {
    inputs: &'a [Column],
    sizes: &'a [u32],
    states: u32,
    cubes: &'a [Cube],
    nodes: Vec<Node>,
    known: HashMap<(usize, Vec<u32>), Next>,
}

impl Partition<'_> {
    /// `input`: `None` for the state entered.
    fn split(&mut self, input: Option<usize>, cubes: Vec<u32>) -> Result<Next, CoverError> {
        let depth = input.map_or(0, |input| input + 1);
        if depth > self.inputs.len() {
            return match cubes.as_slice() {
                [] => Err(CoverError::Gap),
                [one] => Ok(Next::Decision(self.cubes[*one as usize].decision)),
                _ => Err(CoverError::Overlap),
            };
        }
        let key = (depth, cubes);
        if let Some(known) = self.known.get(&key) {
            return Ok(*known);
        }
        let cubes = &key.1;
        let all = self.cubes;
        let values = |cube: u32| match input {
            None => all[cube as usize].from.as_deref(),
            Some(input) => all[cube as usize].when[input].as_deref(),
        };
        let following = Some(depth);
        let next = if cubes.iter().all(|cube| values(*cube).is_none()) {
            self.split(following, cubes.clone())?
        } else {
            let size = input.map_or(self.states, |input| self.sizes[input]);
            let mut parts: Vec<Vec<u32>> = vec![Vec::new(); size as usize];
            for cube in cubes {
                match values(*cube) {
                    None => parts.iter_mut().for_each(|part| part.push(*cube)),
                    Some(values) => values.iter().for_each(|value| parts[*value as usize].push(*cube)),
                }
            }
            let children: Box<[Next]> =
                parts.into_iter().map(|part| self.split(following, part)).collect::<Result<_, _>>()?;
            if children.iter().all(|child| *child == children[0]) {
                children[0]
            } else {
                self.nodes.push(Node { ask: input.map(|input| self.inputs[input]), next: children });
                Next::Node(self.nodes.len() as u32 - 1)
            }
        };
        self.known.insert(key, next);
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cube(when: &[Option<&[u32]>], from: Option<&[u32]>, decision: u32) -> Cube {
        Cube { when: when.iter().map(|cell| cell.map(Into::into)).collect(), from: from.map(Into::into), decision }
    }

    #[test]
    fn dense_and_diagram_find_the_same() {
        // Twenty flags make a dense table too large; both say whether an odd number of the first three hold.
        for flags in [3, 20] {
            let inputs: Vec<Column> = (0..flags).map(Column::Fact).collect();
            let cubes: Vec<Cube> = (0..8_u32)
                .map(|bits| {
                    let mut when: Cells = vec![None; flags];
                    (0..3).for_each(|at| when[at] = Some([bits >> at & 1].into()));
                    Cube { when, from: None, decision: bits.count_ones() % 2 }
                })
                .collect();
            let lookup = Lookup::from_cubes(&inputs, &vec![2; flags], 2, &cubes).expect("it covers once");
            assert_eq!(matches!(lookup, Lookup::Dense(_)), flags == 3);
            for bits in 0..8_u32 {
                let mut facts: Vec<u32> = (0..3).map(|at| bits >> at & 1).collect();
                facts.resize(flags, 0);
                assert_eq!(lookup.find(&facts, &[], 1), bits.count_ones() % 2);
            }
        }
    }

    #[test]
    fn overlap_and_gap_are_told() {
        let inputs = [Column::Fact(0)];
        let of = |cubes: &[Cube]| Lookup::from_cubes(&inputs, &[2], 2, cubes).err();
        assert_eq!(of(&[cube(&[None], Some(&[0]), 0)]), Some(CoverError::Gap));
        assert_eq!(of(&[cube(&[None], None, 0), cube(&[Some(&[1])], None, 0)]), Some(CoverError::Overlap));
    }
}
