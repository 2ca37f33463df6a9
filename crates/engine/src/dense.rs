//! In: a function as diagrams. Out: one cell for each combination of inputs, decided in constant time.

use crate::flat_diagram::{FlatDiagram, Next};
use crate::ids::{Direction, FactId, StateId, SystemId, ValueId};
use crate::schema::{Column, Schema};
use crate::situation::Inputs;
use crate::table::{DecisionId, Link};

/// The maximum number of cells of a dense table. Larger tables use diagrams.
pub const DENSE_CELLS: u64 = 1 << 20;

/// The maximum number of cells times diagrams that are filled.
const DENSE_WORK: u64 = DENSE_CELLS * 2;

/// One cell for each combination of inputs. The state entered varies fastest.
#[derive(Debug)]
pub struct Dense {
    /// The facts among the inputs.
    facts: Vec<DenseInput>,
    /// The systems whose states are inputs.
    states: Vec<DenseInput>,
    /// The systems for which it matters whether their state is by hand.
    by_hand: Vec<DenseInput>,
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
    /// Whether the state of a system is by hand.
    ByHand(&'c [bool]),
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

/// The number of cells that a dense table needs; saturates.
pub fn cell_count(sizes: &[u32], states: u32) -> u64 {
    sizes.iter().fold(u64::from(states), |cells, size| {
        cells.saturating_mul(u64::from(*size))
    })
}

impl Dense {
    #[inline]
    pub(crate) fn find(&self, inputs: &impl Inputs, entered: u32) -> u32 {
        let mut at = entered;
        for input in &self.facts {
            at = at.wrapping_add(inputs.fact(input.index).wrapping_mul(input.stride));
        }
        for input in &self.states {
            at = at.wrapping_add(inputs.state(input.index).wrapping_mul(input.stride));
        }
        for input in &self.by_hand {
            at = at.wrapping_add(inputs.by_hand(input.index).wrapping_mul(input.stride));
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
        for input in &self.by_hand {
            let system = SystemId::from_index(input.index);
            if let Values::ByHand(values) = column(Column::ByHand(system)) {
                for (packed, by_hand) in into.iter_mut().zip(values) {
                    packed.0 += input.part(u32::from(*by_hand));
                }
            }
        }
    }

    /// `order`: all inputs of the links, in the order in which each tests them after the state entered. `cell` makes the
    /// content of a cell from what each link decides there. `None` if there are too many cells.
    pub(crate) fn from_links(
        schema: &Schema,
        direction: Direction,
        order: &[Column],
        links: &[DenseLink<'_>],
        cell: impl FnMut(&[Option<u32>]) -> u32,
    ) -> Option<Self> {
        let states = schema.system(direction.from()).states.len() as u32;
        let sizes: Vec<u32> = order
            .iter()
            .map(|column| schema.column_size(*column))
            .collect();
        let cells = cell_count(&sizes, states);
        if cells > DENSE_CELLS || cells.saturating_mul(links.len() as u64) > DENSE_WORK {
            return None;
        }
        let strides = strides(order, &sizes, states);
        let levels = strides
            .iter()
            .map(|(column, size, stride)| (Some(*column), *size, *stride));
        let mut filler = Filler {
            links,
            levels: [(None, states, 1)].into_iter().chain(levels).collect(),
            filled: vec![0; cells as usize],
            cell,
        };
        let roots: Vec<Next> = links.iter().map(|link| link.diagram.root).collect();
        filler.fill(&roots, 0, 0);
        Some(Self::new(filler.filled, strides))
    }

    fn new(filled: Vec<u32>, strides: Vec<(Column, u32, u32)>) -> Self {
        let cells = match filled.iter().max() {
            Some(most) if *most > u32::from(u16::MAX) => CellVec::Wide(filled),
            Some(most) if *most > u32::from(u8::MAX) => {
                CellVec::Short(filled.into_iter().map(|cell| cell as u16).collect())
            }
            _ => CellVec::Byte(filled.into_iter().map(|cell| cell as u8).collect()),
        };
        let (mut facts, mut states, mut by_hand) = (Vec::new(), Vec::new(), Vec::new());
        for (column, size, stride) in strides {
            let (inputs, index) = match column {
                Column::Fact(fact) => (&mut facts, fact.index()),
                Column::State(system) => (&mut states, system.index()),
                Column::ByHand(system) => (&mut by_hand, system.index()),
            };
            inputs.push(DenseInput {
                index,
                size,
                stride,
            });
        }
        Self {
            facts,
            states,
            by_hand,
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

/// A diagram that fills a dense table.
pub(crate) struct DenseLink<'a> {
    diagram: &'a FlatDiagram,
    /// The decision of its leaf 0.
    first: u32,
}

impl<'a> DenseLink<'a> {
    pub fn of(link: &'a Link) -> Self {
        Self {
            diagram: &link.diagram,
            first: link.first,
        }
    }

    pub fn asking(diagram: &'a FlatDiagram) -> Self {
        Self { diagram, first: 0 }
    }
}

struct Filler<'a, F> {
    links: &'a [DenseLink<'a>],
    /// The inputs in the order of the diagrams, with size and stride; `None` for the state entered.
    levels: Vec<(Option<Column>, u32, u32)>,
    filled: Vec<u32>,
    cell: F,
}

impl<F: FnMut(&[Option<u32>]) -> u32> Filler<'_, F> {
    /// Fills the cells from `offset` for all values of the inputs from `level` on.
    fn fill(&mut self, nexts: &[Next], level: usize, offset: u32) {
        let tested = nexts.iter().any(|next| matches!(next, Next::Node(_)));
        let level_of = self.levels.get(level).copied();
        if let Some((input, size, stride)) = level_of
            && tested
        {
            let mut children = nexts.to_vec();
            for value in 0..size {
                for ((child, next), link) in children.iter_mut().zip(nexts).zip(self.links) {
                    *child = child_of(link.diagram, *next, input, value);
                }
                self.fill(&children, level + 1, offset + value * stride);
            }
            return;
        }
        // The inputs from here on do not matter.
        let found = nexts.iter().zip(self.links).map(|(next, link)| match next {
            Next::Decision(leaf) => Some(link.first + leaf),
            Next::Node(_) | Next::Pass => None,
        });
        let found: Vec<Option<u32>> = found.collect();
        let content = (self.cell)(&found);
        let stride = level_of.map_or(self.filled.len(), |(_, _, stride)| stride as usize);
        let cells = self.filled.iter_mut().skip(offset as usize);
        for cell in cells.step_by(stride.max(1)) {
            *cell = content;
        }
    }
}

/// Where a value of an input leads; the same place if the input is not tested here.
fn child_of(diagram: &FlatDiagram, next: Next, input: Option<Column>, value: u32) -> Next {
    let Next::Node(at) = next else { return next };
    match diagram.nodes.get(at as usize) {
        Some(node) if node.ask == input => node.next.get(value as usize).copied().unwrap_or(next),
        _ => next,
    }
}
