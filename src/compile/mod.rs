//! In: a program. Out: its tables, exact, without enumerating situations.
//! Errors: a role whose conditions are too complex for the diagrams; the checker rejects most of them earlier.

mod column_order;
mod decisions;
mod origins;
mod rows;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use presync_engine::{FlatDiagram, FlatNode, Next, Table, Tables, TooComplex};

use crate::compile::decisions::{Decisions, PASS};
use crate::diagram::{Diagram, DiagramStore};
use crate::program::{Change, Column, Direction, Program, RoleId};
use crate::space::{DetachedPrecedence, Precedence, RoleDecision};
use crate::stack::deep;

/// A table with more rows than this is written as a diagram.
pub const MAX_ROWS: u64 = 10_000;

/// Node limit for the diagram of one table.
const TABLE_NODES: usize = 4_000_000;

/// The tables of a program, one for each role and direction. A role is compiled when its tables are first used; what roles
/// have in common is computed once.
pub fn compile(program: &Program) -> Tables {
    let program = program.clone();
    let known: Mutex<Option<DetachedPrecedence>> = Mutex::default();
    Tables::new(program.schema.clone(), move |role| {
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        deep(|| {
            let space = match known.take() {
                Some(known) => known.attach(&program),
                None => Precedence::new(&program),
            };
            let mut compiler = Compiler { space };
            let tables = compiler.role(role);
            *known = Some(compiler.space.detach());
            tables
        })
    })
}

struct Compiler<'p> {
    space: Precedence<'p>,
}

impl Compiler<'_> {
    fn role(&mut self, role: RoleId) -> Result<Vec<Table>, TooComplex> {
        let program = self.space.program;
        let tables = program.directions().map(|direction| {
            let table = self.table(role, direction);
            table.ok_or_else(|| TooComplex {
                role: program.role_name(role).to_owned(),
            })
        });
        tables.collect()
    }

    /// `None` if its diagrams overflow.
    fn table(&mut self, role: RoleId, direction: Direction) -> Option<Table> {
        let schema = &self.space.program.schema;
        let changes: Vec<Change> = self.space.program.changes(direction).collect();
        let decided = changes
            .into_iter()
            .map(|change| self.space.decision(role, change));
        let decided: Vec<RoleDecision> = decided.collect();
        if self.space.diagrams.overflowed() {
            return None;
        }
        if decided.is_empty() {
            // A system without states: there is nothing to decide.
            let table = Table::from_rows(schema, direction, Default::default(), Vec::new());
            return Some(table.expect("without states there is no situation to leave open"));
        }
        let mut decisions = Decisions::default();
        let layers = decided
            .iter()
            .map(|decided| decided.parts.len())
            .max()
            .unwrap_or(0)
            .max(1);
        let layers: Vec<Vec<Diagram>> = (0..layers)
            .map(|layer| {
                let last = layer + 1 == layers;
                let of = decided.iter();
                of.map(|decided| self.layer(decided, layer, last, &mut decisions))
                    .collect()
            })
            .collect();
        if let [functions] = layers.as_slice() {
            let layout = self.layout(functions, &decisions)?;
            return Some(self.finish(direction, layout, decisions));
        }
        let mut layouts = Vec::with_capacity(layers.len());
        for functions in &layers {
            layouts.push(self.in_order_of_space(functions, &decisions)?);
        }
        let mut columns: Vec<Column> = layouts
            .iter()
            .flat_map(TableLayout::outcome_inputs)
            .collect();
        columns.sort_unstable();
        columns.dedup();
        let inputs = layouts
            .iter()
            .flat_map(|layout| layout.inputs.iter().copied());
        let mut origin_columns: Vec<Column> =
            inputs.filter(|input| !columns.contains(input)).collect();
        origin_columns.sort_unstable();
        origin_columns.dedup();
        let diagrams = layouts.iter().map(flatten).collect();
        let columns = (columns, origin_columns);
        let decisions = decisions.into_list();
        Some(Table::from_diagrams(
            schema, direction, columns, diagrams, decisions,
        ))
    }

    /// One layer of the decisions, with this table's decisions as its leaves. Where it decides
    /// nothing, the change is unmapped if this is the last layer; otherwise the next layer decides.
    fn layer(
        &mut self,
        decided: &RoleDecision,
        layer: usize,
        last: bool,
        decisions: &mut Decisions,
    ) -> Diagram {
        let of = decided.parts.get(layer).copied().unwrap_or(Diagram::ZERO);
        let mut numbers: HashMap<u32, u32> = HashMap::new();
        for leaf in self.space.diagrams.leaves(of) {
            let passes = leaf == 0 && !last;
            let number = if passes {
                PASS
            } else {
                decisions.add(&self.space, decided, leaf)
            };
            numbers.insert(leaf, number);
        }
        self.space.diagrams.map(of, &mut |leaf| numbers[&leaf])
    }

    /// The inputs of some functions in order of names, those that outcomes depend on first.
    fn inputs(&mut self, functions: &[Diagram], decisions: &Decisions) -> Vec<Column> {
        let diagrams = &mut self.space.diagrams;
        let outcome = |of: &Diagram| diagrams.map(*of, &mut |leaf| decisions.outcome(leaf));
        let outcomes: Vec<Diagram> = functions.iter().map(outcome).collect();
        let matter = self.space.diagrams.support(&outcomes);
        let mut all = self.space.diagrams.support(functions);
        let variables = self.space.variables();
        all.sort_by_key(|variable| (!matter.contains(variable), variables[*variable as usize]));
        all.into_iter()
            .map(|variable| variables[variable as usize])
            .collect()
    }

    /// Transfers the functions to diagrams of this table only: in order of names if they fit, else
    /// in the order of the space, which then determines the order of the columns.
    fn layout(&mut self, functions: &[Diagram], decisions: &Decisions) -> Option<TableLayout> {
        let inputs = self.inputs(functions, decisions);
        let nodes = self.space.diagrams.below(functions).len();
        let limit = (nodes * 8).clamp(200_000, TABLE_NODES);
        match self.transfer(&inputs, functions, limit, decisions) {
            Some(layout) => Some(TableLayout {
                canonical: true,
                ..layout
            }),
            None => self.in_order_of_space(functions, decisions),
        }
    }

    fn in_order_of_space(
        &mut self,
        functions: &[Diagram],
        decisions: &Decisions,
    ) -> Option<TableLayout> {
        let mut inputs = self.inputs(functions, decisions);
        let variables = self.space.variables();
        inputs.sort_by_key(|variable| variables.iter().position(|other| other == variable));
        self.transfer(&inputs, functions, TABLE_NODES * 4, decisions)
    }

    /// One diagram: the entered state first, then the inputs.
    fn transfer(
        &self,
        inputs: &[Column],
        functions: &[Diagram],
        limit: usize,
        decisions: &Decisions,
    ) -> Option<TableLayout> {
        let source = &self.space.diagrams;
        let mut sizes = vec![functions.len() as u32];
        let mut places = vec![0; source.sizes().len()];
        for (at, input) in inputs.iter().enumerate() {
            let index = match input {
                Column::Fact(fact) => self.space.of_fact(*fact),
                Column::State(system) => self.space.of_system(*system),
            };
            sizes.push(source.sizes()[index as usize]);
            places[index as usize] = at as u32 + 1;
        }
        let mut target = DiagramStore::new(sizes, limit);
        let children = source.transfer(functions, &mut target, &places);
        let root = target.node(0, &children);
        let outcome = target.map(root, &mut |leaf| decisions.outcome(leaf));
        let inputs = inputs.to_vec();
        let layout = TableLayout {
            inputs,
            diagrams: target,
            root,
            outcome,
            canonical: false,
        };
        (!layout.diagrams.overflowed()).then_some(layout)
    }

    fn finish(&self, direction: Direction, layout: TableLayout, decisions: Decisions) -> Table {
        let schema = &self.space.program.schema;
        let matter = layout.outcome_inputs();
        let inputs = layout.inputs.iter();
        let inputs = inputs.partition(|column| matter.contains(column));
        let order = layout.inputs.clone();
        let diagram = flatten(&layout);
        let list = decisions.list().to_vec();
        let rows = move || deep(|| rows::rows(&layout, &decisions, direction.from()));
        Table::from_diagram(schema, direction, (inputs, &order), diagram, list, rows)
    }
}

/// A table's functions over its own inputs: variable 0 is the entered state, then the inputs.
struct TableLayout {
    inputs: Vec<Column>,
    diagrams: DiagramStore,
    /// Leaves are decisions.
    root: Diagram,
    /// A leaf is the first decision with the same outcome.
    outcome: Diagram,
    /// In order of names, so that the same meaning gives the same rows.
    canonical: bool,
}

impl TableLayout {
    /// The inputs that the outcome depends on.
    fn outcome_inputs(&self) -> Vec<Column> {
        let support = self.diagrams.support(&[self.outcome]).into_iter();
        support
            .filter(|at| *at > 0)
            .map(|at| self.inputs[at as usize - 1])
            .collect()
    }
}

/// The nodes of a layout's diagram, each before its children.
fn flatten(layout: &TableLayout) -> FlatDiagram {
    let order = layout.diagrams.below(&[layout.root]);
    let at: HashMap<Diagram, u32> = order
        .iter()
        .enumerate()
        .map(|(at, node)| (*node, at as u32))
        .collect();
    let next = |of: Diagram| match of.as_leaf() {
        None => Next::Node(at[&of]),
        Some(PASS) => Next::Pass,
        Some(decision) => Next::Decision(decision),
    };
    let nodes = order
        .iter()
        .map(|node| FlatNode {
            ask: layout
                .diagrams
                .variable(*node)
                .and_then(|variable| variable.checked_sub(1))
                .map(|input| layout.inputs[input as usize]),
            next: layout
                .diagrams
                .children(*node)
                .iter()
                .map(|child| next(*child))
                .collect(),
        })
        .collect();
    FlatDiagram {
        root: next(layout.root),
        nodes,
    }
}
