//! In: the rows or diagrams of a table. Out: the decision for a situation, in constant time if a dense table fits.
//! Errors: rows that overlap or leave a gap, which occur only in files from elsewhere.

use std::collections::HashMap;
use std::sync::Arc;

use crate::flat_diagram::{FlatDiagram, FlatNode, Next};
use crate::ids::{Direction, FactId, StateId, SystemId, ValueId};
use crate::schema::{Column, Schema};

/// The maximum number of cells of a dense table. Larger tables use diagrams.
pub const DENSE_CELLS: u64 = 1 << 20;

/// Identifies a decision within one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DecisionId(pub(crate) u32);

impl DecisionId {
    #[doc(hidden)]
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// For each column, the numbers of the matching values, ascending; `None` if all match.
/// [`Schema::inputs`] translates them.
pub type Cells = Vec<Option<Box<[u32]>>>;

/// How a table finds its decisions.
#[derive(Debug)]
pub(crate) enum Lookup {
    Dense(Dense),
    /// The first diagram that does not pass decides.
    Diagrams(Arc<[FlatDiagram]>),
}

/// One cell for each combination of inputs. The state entered varies fastest.
#[derive(Debug)]
pub struct Dense {
    /// The facts among the inputs.
    facts: Vec<DenseInput>,
    /// The systems whose states are inputs.
    states: Vec<DenseInput>,
    cells: CellVec,
}

#[derive(Debug)]
struct DenseInput {
    /// The index of the fact or system.
    index: usize,
    /// The number of values.
    size: u32,
    /// The distance between the cells of adjacent values.
    stride: u32,
}

impl DenseInput {
    #[inline]
    fn part(&self, value: u32) -> u32 {
        if value < self.size {
            value * self.stride
        } else {
            0
        }
    }
}

/// Indices into a table's decisions, in the narrowest type that fits.
#[derive(Debug)]
enum CellVec {
    Byte(Vec<u8>),
    Short(Vec<u16>),
    Wide(Vec<u32>),
}

/// All inputs of a dense table as one number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Packed(u32);

/// A column of inputs with one value for each row.
#[derive(Debug, Clone, Copy)]
pub enum Values<'c> {
    Facts(&'c [ValueId]),
    /// `None` for an unknown state.
    States(&'c [Option<StateId>]),
}

/// An integer type for decision numbers.
pub trait Number: Copy {
    fn of(wide: u32) -> Self;
}

impl Number for u16 {
    fn of(wide: u32) -> Self {
        wide as Self
    }
}

impl Number for u32 {
    fn of(wide: u32) -> Self {
        wide
    }
}

/// A part of the input space with one decision.
#[derive(Debug, Clone)]
pub struct RowCube {
    /// Within a row, the first matching cube decides. Cubes of different rows must not overlap.
    pub row: u32,
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
    /// `facts`: the number of a fact's value, below its size; `states`: a system's state plus one,
    /// 0 if unknown. Both by index.
    #[inline]
    pub(crate) fn find(
        &self,
        facts: impl Fn(usize) -> u32,
        states: impl Fn(usize) -> u32,
        entered: u32,
    ) -> u32 {
        match self {
            Self::Dense(dense) => dense.find(facts, states, entered),
            Self::Diagrams(diagrams) => walk(diagrams, facts, states, entered),
        }
    }

    /// Builds a lookup from cubes, which must cover every situation exactly once.
    pub(crate) fn from_cubes(
        schema: &Schema,
        direction: Direction,
        inputs: &[Column],
        cubes: &[RowCube],
    ) -> Result<Self, CoverError> {
        let states = schema.system(direction.from()).states.len() as u32;
        let sizes: Vec<u32> = inputs
            .iter()
            .map(|column| schema.column_size(*column))
            .collect();
        Self::over(inputs, &sizes, states, cubes)
    }

    fn over(
        inputs: &[Column],
        sizes: &[u32],
        states: u32,
        cubes: &[RowCube],
    ) -> Result<Self, CoverError> {
        let cells = cell_count(sizes, states);
        if cells <= DENSE_CELLS {
            return Dense::fill(inputs, sizes, states, cells as usize, cubes).map(Self::Dense);
        }
        let asks = |cube: &RowCube| {
            let last = cube.when.iter().rposition(Option::is_some);
            last.map_or(usize::from(cube.from.is_some()), |last| last + 2)
        };
        let ends = cubes.iter().map(asks).collect();
        let mut partition = Partition {
            inputs,
            sizes,
            states,
            cubes,
            ends,
            nodes: Vec::new(),
            known: HashMap::new(),
        };
        let all: Vec<u32> = (0..cubes.len() as u32).collect();
        let root = partition.split(None, all)?;
        // Children were created first. Reversed, each node precedes the nodes that it leads to.
        let last = partition.nodes.len() as u32;
        let turn = |next: Next| {
            if let Next::Node(at) = next {
                Next::Node(last - 1 - at)
            } else {
                next
            }
        };
        let mut nodes = partition.nodes;
        nodes.reverse();
        for node in &mut nodes {
            node.next.iter_mut().for_each(|next| *next = turn(*next));
        }
        Ok(Self::Diagrams(
            [FlatDiagram {
                root: turn(root),
                nodes,
            }]
            .into(),
        ))
    }
}

/// Out of line to keep the path for dense tables short.
#[inline(never)]
fn walk(
    diagrams: &[FlatDiagram],
    facts: impl Fn(usize) -> u32,
    states: impl Fn(usize) -> u32,
    entered: u32,
) -> u32 {
    diagrams
        .iter()
        .find_map(|diagram| diagram.find(&facts, &states, entered))
        .unwrap_or_default()
}

/// The number of cells that a dense table needs; saturates.
pub fn cell_count(sizes: &[u32], states: u32) -> u64 {
    sizes.iter().fold(u64::from(states), |cells, size| {
        cells.saturating_mul(u64::from(*size))
    })
}

impl Dense {
    #[inline]
    fn find(
        &self,
        facts: impl Fn(usize) -> u32,
        states: impl Fn(usize) -> u32,
        entered: u32,
    ) -> u32 {
        let mut at = entered;
        for input in &self.facts {
            at = at.wrapping_add(facts(input.index).wrapping_mul(input.stride));
        }
        for input in &self.states {
            at = at.wrapping_add(states(input.index).wrapping_mul(input.stride));
        }
        self.cell(at)
    }

    /// The number of cells. Packed inputs are below it.
    pub fn len(&self) -> usize {
        match &self.cells {
            CellVec::Byte(cells) => cells.len(),
            CellVec::Short(cells) => cells.len(),
            CellVec::Wide(cells) => cells.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The decision in a cell; the first decision if out of range.
    #[inline]
    fn cell(&self, at: u32) -> u32 {
        match &self.cells {
            CellVec::Byte(cells) => cells.get(at as usize).copied().unwrap_or_default().into(),
            CellVec::Short(cells) => cells.get(at as usize).copied().unwrap_or_default().into(),
            CellVec::Wide(cells) => cells.get(at as usize).copied().unwrap_or_default(),
        }
    }

    /// The decision for a packed input. An input from another table gives any decision of this one.
    #[inline]
    pub fn decision(&self, packed: Packed) -> DecisionId {
        DecisionId(self.cell(packed.0))
    }

    /// Writes the decisions for many packed inputs to `into`, as far as there is room. They are
    /// numbers of [`DecisionId`]; `u16` is wide enough for tables with fewer than 65,536 decisions.
    pub fn decisions<D: Number>(&self, packed: &[Packed], into: &mut [D]) {
        fn look_up<C: Copy + Into<u32>, D: Number>(cells: &[C], packed: &[Packed], into: &mut [D]) {
            for (packed, into) in packed.iter().zip(into) {
                *into = D::of(
                    cells
                        .get(packed.0 as usize)
                        .map_or(0, |cell| (*cell).into()),
                );
            }
        }
        match &self.cells {
            CellVec::Byte(cells) => look_up(cells, packed, into),
            CellVec::Short(cells) => look_up(cells, packed, into),
            CellVec::Wide(cells) => look_up(cells, packed, into),
        }
    }

    /// All combinations of inputs, packed, in ascending order.
    pub fn all(&self) -> impl ExactSizeIterator<Item = Packed> + Clone + use<> {
        (0..self.len()).map(|at| Packed(at as u32))
    }

    /// Packs whole columns into `into`, as far as there is room. `entered` has the state entered in
    /// each row; `column` returns the values of an input. Values of an input that are out of range
    /// count as the first.
    pub fn pack<'c>(
        &self,
        entered: &[StateId],
        column: impl Fn(Column) -> Values<'c>,
        into: &mut [Packed],
    ) {
        for (packed, state) in into.iter_mut().zip(entered) {
            *packed = Packed(state.index() as u32);
        }
        for input in &self.facts {
            let fact = FactId::from_index(input.index);
            if let Values::Facts(values) = column(Column::Fact(fact)) {
                for (packed, value) in into.iter_mut().zip(values) {
                    packed.0 += input.part(value.value());
                }
            }
        }
        for input in &self.states {
            let system = SystemId::from_index(input.index);
            if let Values::States(values) = column(Column::State(system)) {
                for (packed, state) in into.iter_mut().zip(values) {
                    packed.0 += input.part(state.map_or(0, StateId::value));
                }
            }
        }
    }

    /// The decisions of a diagram that tests the state entered first, then these inputs in this order; `None` if there are
    /// too many cells.
    pub(crate) fn from_diagram(
        schema: &Schema,
        direction: Direction,
        inputs: &[Column],
        diagram: &FlatDiagram,
    ) -> Option<Self> {
        let states = schema.system(direction.from()).states.len() as u32;
        let sizes: Vec<u32> = inputs
            .iter()
            .map(|column| schema.column_size(*column))
            .collect();
        let cells = cell_count(&sizes, states);
        if cells > DENSE_CELLS {
            return None;
        }
        let strides = strides(inputs, &sizes, states);
        let levels = strides
            .iter()
            .map(|(column, size, stride)| (Some(*column), *size, *stride));
        let mut filler = Filler {
            diagram,
            levels: [(None, states, 1)].into_iter().chain(levels).collect(),
            filled: vec![0; cells as usize],
        };
        filler.fill(diagram.root, 0, 0);
        Some(Self::new(filler.filled, strides))
    }

    fn fill(
        inputs: &[Column],
        sizes: &[u32],
        states: u32,
        cells: usize,
        cubes: &[RowCube],
    ) -> Result<Self, CoverError> {
        const OPEN: u32 = u32::MAX;
        let strides = strides(inputs, sizes, states);
        let mut filled = vec![OPEN; cells];
        let mut row_of = vec![OPEN; cells];
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
                let (decision, row) = (&mut filled[*cell as usize], &mut row_of[*cell as usize]);
                if *decision == OPEN {
                    (*decision, *row) = (cube.decision, cube.row);
                } else if *row != cube.row {
                    return Err(CoverError::Overlap);
                }
            }
        }
        if filled.contains(&OPEN) {
            return Err(CoverError::Gap);
        }
        Ok(Self::new(filled, strides))
    }

    fn new(filled: Vec<u32>, strides: Vec<(Column, u32, u32)>) -> Self {
        let cells = match filled.iter().max() {
            Some(most) if *most > u32::from(u16::MAX) => CellVec::Wide(filled),
            Some(most) if *most > u32::from(u8::MAX) => {
                CellVec::Short(filled.into_iter().map(|cell| cell as u16).collect())
            }
            _ => CellVec::Byte(filled.into_iter().map(|cell| cell as u8).collect()),
        };
        let (mut facts, mut systems) = (Vec::new(), Vec::new());
        for (column, size, stride) in strides {
            match column {
                Column::Fact(fact) => facts.push(DenseInput {
                    index: fact.index(),
                    size,
                    stride,
                }),
                Column::State(system) => systems.push(DenseInput {
                    index: system.index(),
                    size,
                    stride,
                }),
            }
        }
        Self {
            facts,
            states: systems,
            cells,
        }
    }
}

/// Each input with its number of values and the distance between the cells of adjacent values.
fn strides(inputs: &[Column], sizes: &[u32], states: u32) -> Vec<(Column, u32, u32)> {
    let mut stride = states;
    let mut strides = Vec::with_capacity(inputs.len());
    for (column, size) in inputs.iter().zip(sizes) {
        strides.push((*column, *size, stride));
        stride *= size;
    }
    strides
}

struct Filler<'a> {
    diagram: &'a FlatDiagram,
    /// The inputs in the order of the diagram, with size and stride; `None` for the state entered.
    levels: Vec<(Option<Column>, u32, u32)>,
    filled: Vec<u32>,
}

impl Filler<'_> {
    /// Fills the cells from `offset` for all values of the inputs from `level` on.
    fn fill(&mut self, next: Next, level: usize, offset: u32) {
        let Some((input, size, stride)) = self.levels.get(level).copied() else {
            if let Next::Decision(decision) = next {
                self.filled[offset as usize] = decision;
            }
            return;
        };
        let node = match next {
            Next::Node(at) => self.diagram.nodes.get(at as usize),
            Next::Decision(_) | Next::Pass => None,
        };
        let tested = node.filter(|node| node.ask == input);
        for value in 0..size {
            let child = tested.and_then(|node| node.next.get(value as usize));
            let child = child.copied().unwrap_or(next);
            self.fill(child, level + 1, offset + value * stride);
        }
    }
}

/// Builds a diagram from cubes by testing the state entered, then each input in order.
struct Partition<'a> {
    inputs: &'a [Column],
    sizes: &'a [u32],
    states: u32,
    cubes: &'a [RowCube],
    /// For each cube, the depth from which it tests no further inputs.
    ends: Vec<usize>,
    nodes: Vec<FlatNode>,
    known: HashMap<(usize, Vec<u32>), Next>,
}

impl Partition<'_> {
    /// `input`: the input to test, `None` for the state entered.
    fn split(&mut self, input: Option<usize>, mut cubes: Vec<u32>) -> Result<Next, CoverError> {
        let depth = input.map_or(0, |input| input + 1);
        // Within a row, cubes after a matching one are never tested.
        let mut decided = None;
        cubes.retain(|cube| {
            let row = self.cubes[*cube as usize].row;
            let asked = decided != Some(row);
            if asked && self.ends[*cube as usize] <= depth {
                decided = Some(row);
            }
            asked
        });
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
                    Some(values) => values
                        .iter()
                        .for_each(|value| parts[*value as usize].push(*cube)),
                }
            }
            let children: Box<[Next]> = parts
                .into_iter()
                .map(|part| self.split(following, part))
                .collect::<Result<_, _>>()?;
            if children.iter().all(|child| *child == children[0]) {
                children[0]
            } else {
                self.nodes.push(FlatNode {
                    ask: input.map(|input| self.inputs[input]),
                    next: children,
                });
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

    fn find(lookup: &Lookup, facts: &[u32], states: &[u32], entered: u32) -> u32 {
        lookup.find(|at| facts[at], |at| states[at], entered)
    }

    fn fact(at: usize) -> Column {
        Column::Fact(FactId::from_index(at))
    }

    #[test]
    fn dense_and_diagram_find_the_same() {
        // Twenty flags are too many for a dense table. Both compute the parity of three of the flags.
        for flags in [3, 20] {
            let inputs: Vec<Column> = (0..flags).map(fact).collect();
            let asked = [0, 1, flags - 1];
            let cubes: Vec<RowCube> = (0..8_u32)
                .map(|bits| {
                    let mut when: Cells = vec![None; flags];
                    (0..3).for_each(|at| when[asked[at]] = Some([bits >> at & 1].into()));
                    RowCube {
                        row: bits,
                        when,
                        from: None,
                        decision: bits.count_ones() % 2,
                    }
                })
                .collect();
            let lookup = Lookup::over(&inputs, &vec![2; flags], 2, &cubes).expect("it covers once");
            assert_eq!(matches!(lookup, Lookup::Dense(_)), flags == 3);
            for bits in 0..8_u32 {
                let mut facts = vec![0; flags];
                (0..3).for_each(|at| facts[asked[at]] = bits >> at & 1);
                assert_eq!(find(&lookup, &facts, &[], 1), bits.count_ones() % 2);
            }
        }
    }

    #[test]
    fn many_are_decided_as_one_by_one() {
        // Numbers of decisions that need one, two and four bytes.
        for (states, width, bytes) in [
            (3, 2, 1),
            (64, 1, 1),
            (100, 3, 2),
            (64, 256, 2),
            (300, 300, 4),
        ] {
            let inputs = [fact(1), Column::State(SystemId::from_index(0))];
            let cubes: Vec<RowCube> = (0..width * 4 * states)
                .map(|at| {
                    let (first, second) = (at / states % width, at / states / width);
                    RowCube {
                        row: at,
                        when: vec![Some([first].into()), Some([second].into())],
                        from: Some([at % states].into()),
                        decision: at,
                    }
                })
                .collect();
            let lookup =
                Lookup::over(&inputs, &[width, 4], states, &cubes).expect("it covers once");
            let Lookup::Dense(dense) = &lookup else {
                panic!("it is small")
            };
            assert_eq!(dense.len(), cubes.len());
            let each = match dense.cells {
                CellVec::Byte(_) => 1,
                CellVec::Short(_) => 2,
                CellVec::Wide(_) => 4,
            };
            assert_eq!(each, bytes, "{} decisions", cubes.len());
            let rows: Vec<(usize, usize, usize)> = (0..1000)
                .map(|at| {
                    (
                        at * 7 % states as usize,
                        at * 5 % (width as usize + 1),
                        at * 3 % 5,
                    )
                })
                .collect();
            let (from, of) = (SystemId::from_index(1), SystemId::from_index(0));
            let entered: Vec<StateId> = rows
                .iter()
                .map(|row| StateId::from_index(from, row.0))
                .collect();
            let values: Vec<ValueId> = rows
                .iter()
                .map(|row| ValueId::from_index(FactId::from_index(1), row.1))
                .collect();
            let shown: Vec<Option<StateId>> = rows
                .iter()
                .map(|row| StateId::from_value(of, row.2 as u32))
                .collect();
            let mut packed = vec![Packed::default(); rows.len()];
            let column = |column| match column {
                Column::Fact(_) => Values::Facts(&values),
                Column::State(_) => Values::States(&shown),
            };
            dense.pack(&entered, column, &mut packed);
            let (mut wide, mut narrow) = (vec![0_u32; rows.len()], vec![0_u16; rows.len()]);
            dense.decisions(&packed, &mut wide);
            dense.decisions(&packed, &mut narrow);
            for (at, (state, fact, system)) in rows.iter().enumerate() {
                let (state, fact, system) = (*state as u32, *fact as u32, *system as u32);
                // Packing treats values out of range as the first.
                let known = |value: u32, size: u32| if value < size { value } else { 0 };
                let one = find(
                    &lookup,
                    &[9, known(fact, width)],
                    &[known(system, 4)],
                    state,
                );
                assert_eq!(one, wide[at]);
                assert_eq!(one as u16, narrow[at]);
                assert_eq!(one, dense.decision(packed[at]).0);
            }
        }
    }

    #[test]
    fn overlap_and_gap_are_told() {
        // Few inputs give a dense table, many a diagram.
        for flags in [1, 21] {
            let inputs: Vec<Column> = (0..flags).map(fact).collect();
            let cube = |first: Option<&[u32]>, from: Option<&[u32]>, row| {
                let mut when: Cells = vec![None; flags];
                when[0] = first.map(Into::into);
                RowCube {
                    row,
                    when,
                    from: from.map(Into::into),
                    decision: row,
                }
            };
            let of = |cubes: &[RowCube]| Lookup::over(&inputs, &vec![2; flags], 2, cubes);
            assert_eq!(
                of(&[cube(None, Some(&[0]), 0)]).err(),
                Some(CoverError::Gap)
            );
            assert_eq!(
                of(&[cube(None, None, 0), cube(Some(&[1]), None, 1)]).err(),
                Some(CoverError::Overlap)
            );
            assert_eq!(
                of(&[cube(Some(&[1]), None, 0), cube(None, None, 1)]).err(),
                Some(CoverError::Overlap)
            );
            // Within a row, the first matching cube decides, and one must match.
            let mut both = [cube(Some(&[1]), None, 7), cube(None, None, 7)];
            both[1].decision = 8;
            let lookup = of(&both).expect("it covers once");
            let facts = |value| (0..flags).map(|_| value).collect::<Vec<u32>>();
            assert_eq!(
                (
                    find(&lookup, &facts(1), &[], 0),
                    find(&lookup, &facts(0), &[], 1)
                ),
                (7, 8)
            );
            assert_eq!(
                of(&[cube(Some(&[1]), None, 7), cube(Some(&[1]), None, 7)]).err(),
                Some(CoverError::Gap)
            );
        }
    }
}
