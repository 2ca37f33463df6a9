//! In: the model. Out: the tables. Exact, and without enumerating situations.
//! Errors: a program whose conditions are too entangled for the diagrams; the checker has refused all others.

mod column_order;
mod origins;
mod rows;

use std::collections::HashMap;

use crate::diagram::{Diagrams, Ref};
use crate::program::{self, FactKind, Program, RoleId, SystemId, Target};
use crate::space::{Decided, Space, Variable};
use presync_engine::table::{
    self, Body, Column, Decision, Diagram, Lookup, Next, Node, Outcome, Table, Tables,
};

/// A table with more rows than this is handed on as a diagram.
pub const MAX_ROWS: u64 = 10_000;

/// Nodes of the diagram of one table.
const TABLE_NODES: usize = 4_000_000;

/// The leaf of a layer that leaves the decision to the next.
const PASS: u32 = 1 << 30;

#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    #[error("the conditions of role `{0}` are too entangled to be compiled")]
    TooComplex(String),
}

/// Compiles every role into one table for each ordered pair of systems.
pub fn compile(program: &Program) -> Result<Tables, CompileError> {
    let names = Order::new(program);
    let systems = names
        .systems
        .iter()
        .map(|id| names.system(program, *id))
        .collect();
    let facts: Vec<table::Fact> = names
        .facts
        .iter()
        .map(|id| fact(program.fact(*id)))
        .collect();
    let mut compiler = Compiler {
        space: Space::new(program),
        names,
        systems,
        facts,
    };
    let mut roles: Vec<RoleId> = program.role_ids().collect();
    roles.sort_by(|a, b| program.role(*a).name.cmp(&program.role(*b).name));
    let roles = roles
        .into_iter()
        .map(|role| compiler.role(role))
        .collect::<Result<_, _>>()?;
    Ok(Tables::new(compiler.systems, compiler.facts, roles))
}

/// The order of names in the tables, and where the model's ids stand in it.
struct Order {
    systems: Vec<SystemId>,
    facts: Vec<program::FactId>,
    /// By id of the model: the index in the tables.
    system_at: Vec<usize>,
    fact_at: Vec<usize>,
    /// For each system of the model, by state: its index in the tables.
    state_at: Vec<Vec<u32>>,
    /// For each fact of the model, by value.
    value_at: Vec<Vec<u32>>,
}

impl Order {
    fn new(program: &Program) -> Self {
        let (systems, system_at) =
            by_name(program.systems.iter().map(|system| system.name.as_str()));
        let (facts, fact_at) = by_name(program.facts.iter().map(|fact| fact.name.as_str()));
        let states = |system: &program::System| {
            narrow(by_name(system.states.iter().map(|state| state.name.as_str())).1)
        };
        let values = |fact: &program::Fact| match &fact.kind {
            FactKind::Flag => vec![0, 1],
            FactKind::Choice { values, .. } => narrow(by_name(values.iter().map(String::as_str)).1),
        };
        Self {
            systems: systems.into_iter().map(|at| SystemId(at as u32)).collect(),
            facts: facts
                .into_iter()
                .map(|at| program::FactId(at as u32))
                .collect(),
            system_at,
            fact_at,
            state_at: program.systems.iter().map(states).collect(),
            value_at: program.facts.iter().map(values).collect(),
        }
    }

    fn system(&self, program: &Program, id: SystemId) -> table::System {
        let system = program.system(id);
        let mut states: Vec<&program::State> = system.states.iter().collect();
        states.sort_by(|a, b| a.name.cmp(&b.name));
        let names = |attributes: &mut dyn Iterator<Item = &String>| {
            let mut names: Vec<String> = attributes.cloned().collect();
            names.sort();
            names
        };
        table::System {
            name: system.name.clone(),
            title: system.title.clone(),
            attributes: names(&mut system.attributes.iter()),
            online: system.online.map(|flag| program.fact(flag).name.clone()),
            text: system.text,
            states: states
                .into_iter()
                .map(|state| table::State {
                    name: state.name.clone(),
                    id: state.id.clone(),
                    attributes: names(
                        &mut state
                            .attributes
                            .iter()
                            .map(|at| &system.attributes[*at as usize]),
                    ),
                    read_only: state.read_only,
                })
                .collect(),
        }
    }

    fn column(&self, variable: Variable) -> Column {
        match variable {
            Variable::Fact(fact) => Column::Fact(self.fact_at[fact.index()]),
            Variable::State(system) => Column::State(self.system_at[system.index()]),
        }
    }

    /// The value in the tables of a value in the space.
    fn value(&self, variable: Variable, value: u32) -> u32 {
        match variable {
            Variable::Fact(fact) => self.value_at[fact.index()][value as usize],
            Variable::State(system) => match value.checked_sub(1) {
                Some(state) => self.state_at[system.index()][state as usize] + 1,
                None => 0,
            },
        }
    }
}

/// The indices in the order of names, and for each index its place there.
fn by_name<'a>(names: impl Iterator<Item = &'a str>) -> (Vec<usize>, Vec<usize>) {
    let names: Vec<&str> = names.collect();
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by_key(|at| names[*at]);
    let mut places = vec![0; names.len()];
    for (place, at) in order.iter().enumerate() {
        places[*at] = place;
    }
    (order, places)
}

fn narrow(places: Vec<usize>) -> Vec<u32> {
    places.into_iter().map(|place| place as u32).collect()
}

fn fact(fact: &program::Fact) -> table::Fact {
    let kind = match &fact.kind {
        FactKind::Flag => table::FactKind::Flag,
        FactKind::Choice { values, default } => {
            let (order, places) = by_name(values.iter().map(String::as_str));
            let values = order.into_iter().map(|at| values[at].clone()).collect();
            table::FactKind::Choice {
                values,
                default: default.map(|at| places[at as usize] as u32),
            }
        }
    };
    table::Fact {
        name: fact.name.clone(),
        kind,
    }
}

struct Compiler<'p> {
    space: Space<'p>,
    names: Order,
    systems: Vec<table::System>,
    facts: Vec<table::Fact>,
}

impl Compiler<'_> {
    fn role(&mut self, id: RoleId) -> Result<table::Role, CompileError> {
        let role = self.space.program.role(id);
        let mut tables = Vec::new();
        for from in self.names.systems.clone() {
            for to in self.names.systems.clone() {
                if from != to {
                    let table = self.table(id, from, to);
                    tables.push(table.ok_or_else(|| CompileError::TooComplex(role.name.clone()))?);
                }
            }
        }
        Ok(table::Role {
            name: role.name.clone(),
            implicit: role.location.is_none(),
            tables,
        })
    }

    /// `None` if there is no room for its diagrams.
    fn table(&mut self, role: RoleId, from: SystemId, to: SystemId) -> Option<Table> {
        let program = self.space.program;
        let decided: Vec<Decided> = program
            .system(from)
            .states()
            .map(|state| self.space.decision(role, from, to, state))
            .collect();
        if self.space.diagrams.overflowed() {
            return None;
        }
        if decided.is_empty() {
            return Some(self.without_states(from, to));
        }
        let mut decisions = Decisions::default();
        let count = decided
            .iter()
            .map(|decided| decided.parts.len())
            .max()
            .unwrap_or(0)
            .max(1);
        let layers: Vec<Vec<Ref>> = (0..count)
            .map(|layer| {
                let last = layer + 1 == count;
                decided
                    .iter()
                    .map(|decided| self.named(decided, layer, last, &mut decisions))
                    .collect()
            })
            .collect();
        if let [functions] = layers.as_slice() {
            let layout = self.layout(from, functions, &decisions)?;
            return Some(self.finish(from, to, layout, decisions));
        }
        let mut diagrams = Vec::with_capacity(count);
        for functions in &layers {
            diagrams.push(self.in_order_of_space(from, functions, &decisions)?);
        }
        let mut columns: Vec<Column> = diagrams.iter().flat_map(Layout::outcome_inputs).collect();
        columns.sort_unstable();
        columns.dedup();
        let mut origin_columns: Vec<Column> = diagrams
            .iter()
            .flat_map(|layout| layout.inputs.iter().copied())
            .filter(|input| !columns.contains(input))
            .collect();
        origin_columns.sort_unstable();
        origin_columns.dedup();
        let diagrams: Vec<Diagram> = diagrams.iter().map(flatten).collect();
        let (from, to) = (
            self.names.system_at[from.index()],
            self.names.system_at[to.index()],
        );
        let lookup = Lookup::Diagrams(diagrams.clone());
        Some(Table {
            from,
            to,
            columns,
            origin_columns,
            body: Body::Diagrams(diagrams),
            decisions: decisions.list,
            lookup,
        })
    }

    /// A function of the space with the decisions of this table as its leaves. What it leaves open is unmapped in the
    /// last layer, else for the next one to decide.
    fn named(
        &mut self,
        decided: &Decided,
        layer: usize,
        last: bool,
        decisions: &mut Decisions,
    ) -> Ref {
        let of = decided.parts.get(layer).copied().unwrap_or(Ref::ZERO);
        let mut numbers: HashMap<u32, u32> = HashMap::new();
        for leaf in self.space.diagrams.leaves(of) {
            let number = if leaf == 0 && !last {
                PASS
            } else {
                decisions.add(&self.space, &self.names, decided, leaf)
            };
            numbers.insert(leaf, number);
        }
        self.space.diagrams.map(of, &mut |leaf| numbers[&leaf])
    }

    /// The inputs of some functions in the order of names, those that outcomes depend on first.
    fn inputs(&mut self, functions: &[Ref], decisions: &Decisions) -> Vec<Variable> {
        let outcomes: Vec<Ref> = functions
            .iter()
            .map(|of| {
                self.space
                    .diagrams
                    .map(*of, &mut |leaf| decisions.outcome(leaf))
            })
            .collect();
        let matter = self.space.diagrams.support(&outcomes);
        let mut all = self.space.diagrams.support(functions);
        let variables = self.space.variables();
        all.sort_by_key(|variable| {
            (
                !matter.contains(variable),
                self.names.column(variables[*variable as usize]),
            )
        });
        all.into_iter()
            .map(|variable| variables[variable as usize])
            .collect()
    }

    /// Brings the functions over into diagrams of this table alone: in the order of names if there is room, else in
    /// the order of the space, which then decides the order of the columns.
    fn layout(
        &mut self,
        from: SystemId,
        functions: &[Ref],
        decisions: &Decisions,
    ) -> Option<Layout> {
        let inputs = self.inputs(functions, decisions);
        let nodes = self.space.diagrams.below(functions).len();
        match self.transfer(
            from,
            &inputs,
            functions,
            (nodes * 8).clamp(200_000, TABLE_NODES),
            decisions,
        ) {
            Some(layout) => Some(Layout {
                canonical: true,
                ..layout
            }),
            None => self.in_order_of_space(from, functions, decisions),
        }
    }

    fn in_order_of_space(
        &mut self,
        from: SystemId,
        functions: &[Ref],
        decisions: &Decisions,
    ) -> Option<Layout> {
        let mut inputs = self.inputs(functions, decisions);
        inputs.sort_by_key(|variable| {
            self.space
                .variables()
                .iter()
                .position(|other| other == variable)
        });
        self.transfer(from, &inputs, functions, TABLE_NODES * 4, decisions)
    }

    /// One diagram: the state entered first, then the inputs, with the values of the tables.
    fn transfer(
        &self,
        from: SystemId,
        inputs: &[Variable],
        functions: &[Ref],
        limit: usize,
        decisions: &Decisions,
    ) -> Option<Layout> {
        let entered = self.space.program.system(from).states.len() as u32;
        let source = &self.space.diagrams;
        let mut sizes = vec![entered];
        let mut places = vec![0; source.sizes().len()];
        for (at, variable) in inputs.iter().enumerate() {
            let index = match variable {
                Variable::Fact(fact) => self.space.of_fact(*fact),
                Variable::State(system) => self.space.of_system(*system),
            };
            sizes.push(source.sizes()[index as usize]);
            places[index as usize] = at as u32 + 1;
        }
        let mut target = Diagrams::new(sizes, limit);
        let value = |variable: u32, value: u32| {
            self.names
                .value(self.space.variables()[variable as usize], value)
        };
        let moved = source.transfer(functions, &mut target, &places, &value);
        let mut children = vec![Ref::ZERO; entered as usize];
        for (state, of) in moved.into_iter().enumerate() {
            children[self.names.state_at[from.index()][state] as usize] = of;
        }
        let root = target.node(0, &children);
        let outcome = target.map(root, &mut |leaf| decisions.outcome(leaf));
        let inputs = inputs
            .iter()
            .map(|variable| self.names.column(*variable))
            .collect();
        (!target.overflowed()).then_some(Layout {
            inputs,
            diagrams: target,
            root,
            outcome,
            canonical: false,
        })
    }

    /// The table of a system that shows nothing yet: there is nothing to decide.
    fn without_states(&self, from: SystemId, to: SystemId) -> Table {
        let (from, to) = (
            self.names.system_at[from.index()],
            self.names.system_at[to.index()],
        );
        Table::from_rows(
            &self.systems,
            &self.facts,
            from,
            to,
            Vec::new(),
            Vec::new(),
            Vec::new(),
        )
        .unwrap_or_else(|error| unreachable!("there is no situation to leave out, but: {error:?}"))
    }

    fn finish(&self, from: SystemId, to: SystemId, layout: Layout, decisions: Decisions) -> Table {
        let (from, to) = (
            self.names.system_at[from.index()],
            self.names.system_at[to.index()],
        );
        let matter = layout.outcome_inputs();
        if let Some((columns, rows)) = rows::rows(&layout, &decisions) {
            let origin_columns = layout
                .inputs
                .iter()
                .filter(|column| !columns.contains(column))
                .copied()
                .collect();
            return Table::from_rows(
                &self.systems,
                &self.facts,
                from,
                to,
                columns,
                origin_columns,
                rows,
            )
            .unwrap_or_else(|error| {
                unreachable!("a diagram covers every situation once, but: {error:?}")
            });
        }
        let diagram = flatten(&layout);
        let lookup =
            rows::dense(&layout).unwrap_or_else(|| Lookup::Diagrams(vec![diagram.clone()]));
        let (columns, origin_columns) = layout
            .inputs
            .iter()
            .partition(|column| matter.contains(column));
        Table {
            from,
            to,
            columns,
            origin_columns,
            body: Body::Diagrams(vec![diagram]),
            decisions: decisions.list,
            lookup,
        }
    }
}

/// A table's functions over its own inputs: variable 0 is the state entered, then the inputs.
struct Layout {
    inputs: Vec<Column>,
    diagrams: Diagrams,
    /// Leaves are decisions.
    root: Ref,
    /// Leaves are the first decisions with the same outcome.
    outcome: Ref,
    /// In the order of names, so that the same meaning gives the same rows.
    canonical: bool,
}

impl Layout {
    /// The inputs that the outcome depends on.
    fn outcome_inputs(&self) -> Vec<Column> {
        let support = self.diagrams.support(&[self.outcome]);
        support
            .into_iter()
            .filter(|at| *at > 0)
            .map(|at| self.inputs[at as usize - 1])
            .collect()
    }
}

/// The decisions of a table, and for each the first with the same outcome.
#[derive(Default)]
struct Decisions {
    list: Vec<Decision>,
    outcome_of: Vec<u32>,
    known: HashMap<Decision, u32>,
    outcomes: HashMap<Outcome, u32>,
}

impl Decisions {
    /// The first decision with the same outcome as this one.
    fn outcome(&self, leaf: u32) -> u32 {
        if leaf == PASS {
            PASS
        } else {
            self.outcome_of[leaf as usize]
        }
    }

    /// The number of the decision that a leaf of the space names.
    fn add(&mut self, space: &Space<'_>, names: &Order, decided: &Decided, leaf: u32) -> u32 {
        let decision = match space.decision_of(decided, leaf) {
            None => Decision {
                outcome: Outcome::Unmapped,
                profile: None,
                rule: None,
            },
            Some(decision) => {
                let profile = space.program.profile(decision.profile);
                let rule = &profile.rules[decision.rule as usize];
                let outcome = match rule.target {
                    Target::Unchanged => Outcome::Unchanged,
                    Target::Set(state) => Outcome::Set {
                        state: names.state_at[decided.to.index()][state.index()],
                        append: space.append_texts(decision.append).into(),
                    },
                };
                let written = space.program.written(rule.written);
                let rule = space.program.sources.file_line(written.location);
                Decision {
                    outcome,
                    profile: Some(profile.name.clone()),
                    rule: Some(rule),
                }
            }
        };
        if let Some(known) = self.known.get(&decision) {
            return *known;
        }
        let at = self.list.len() as u32;
        self.outcome_of
            .push(*self.outcomes.entry(decision.outcome.clone()).or_insert(at));
        self.known.insert(decision.clone(), at);
        self.list.push(decision);
        at
    }
}

/// The nodes of a layout's diagram, each before those it leads to.
fn flatten(layout: &Layout) -> Diagram {
    let order = layout.diagrams.below(&[layout.root]);
    let at: HashMap<Ref, u32> = order
        .iter()
        .enumerate()
        .map(|(at, node)| (*node, at as u32))
        .collect();
    let next = |of: Ref| match of.as_leaf() {
        None => Next::Node(at[&of]),
        Some(PASS) => Next::Pass,
        Some(decision) => Next::Decision(decision),
    };
    let nodes = order
        .iter()
        .map(|node| Node {
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
    Diagram {
        root: next(layout.root),
        nodes,
    }
}
