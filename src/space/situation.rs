//! In: a program. Out: its facts and states as variables, its conditions as diagrams, situations by name.

use crate::diagnostic::{Witness, WitnessValue};
use crate::diagram::{Diagram, DiagramStore};
use crate::program::{Column, Cond, CondId, FactId, FactKind, Program, StateId, SystemId, ValueId};
use crate::space::variable_order;

/// Node limit: about a gigabyte of memory.
const NODE_LIMIT: usize = 5_000_000;

/// All situations of a program: a variable for each fact and for the state of each system.
pub struct SituationSpace<'p> {
    pub program: &'p Program,
    pub diagrams: DiagramStore,
    known: Variables,
}

/// What is known about the variables and conditions of a program.
struct Variables {
    variables: Vec<Column>,
    of_fact: Vec<u32>,
    of_system: Vec<u32>,
    /// For each variable, the value that needs no mention.
    defaults: Vec<u32>,
    /// By system: whether any condition tests its state.
    tested: Vec<bool>,
    /// By id; built on first use.
    conditions: Vec<Option<Diagram>>,
}

/// A space without its program, to keep between uses.
pub struct DetachedSpace {
    diagrams: DiagramStore,
    known: Variables,
}

impl DetachedSpace {
    /// `program`: the program of the space.
    pub fn attach(self, program: &Program) -> SituationSpace<'_> {
        SituationSpace {
            program,
            diagrams: self.diagrams,
            known: self.known,
        }
    }
}

impl<'p> SituationSpace<'p> {
    pub fn detach(self) -> DetachedSpace {
        DetachedSpace {
            diagrams: self.diagrams,
            known: self.known,
        }
    }

    pub fn new(program: &'p Program) -> Self {
        let schema = &program.schema;
        let facts = schema.facts().map(|(fact, _)| Column::Fact(fact));
        let columns: Vec<Column> = facts
            .chain(schema.system_ids().map(Column::State))
            .collect();
        let order = variable_order::arrange(columns.len(), &together(program));
        let variables: Vec<Column> = order.into_iter().map(|at| columns[at]).collect();
        let default = |variable: &Column| match variable {
            Column::Fact(fact) => schema.initial(*fact).map_or(0, ValueId::value),
            Column::State(_) => 0,
        };
        let mut of_fact = vec![0; schema.facts().len()];
        let mut of_system = vec![0; schema.systems().len()];
        for (at, variable) in variables.iter().enumerate() {
            match variable {
                Column::Fact(fact) => of_fact[fact.index()] = at as u32,
                Column::State(system) => of_system[system.index()] = at as u32,
            }
        }
        let mut tested = vec![false; schema.systems().len()];
        for (_, cond) in program.conditions.iter() {
            if let Cond::State(system, _) = cond {
                tested[system.index()] = true;
            }
        }
        let sizes = variables
            .iter()
            .map(|variable| schema.column_size(*variable))
            .collect();
        Self {
            program,
            diagrams: DiagramStore::new(sizes, NODE_LIMIT),
            known: Variables {
                defaults: variables.iter().map(default).collect(),
                variables,
                of_fact,
                of_system,
                tested,
                conditions: vec![None; program.conditions.len()],
            },
        }
    }

    pub fn variables(&self) -> &[Column] {
        &self.known.variables
    }

    pub fn of_fact(&self, fact: FactId) -> u32 {
        self.known.of_fact[fact.index()]
    }

    pub fn of_system(&self, system: SystemId) -> u32 {
        self.known.of_system[system.index()]
    }

    pub fn defaults(&self) -> &[u32] {
        &self.known.defaults
    }

    /// A value for each variable; missing values get their default.
    pub fn values(&self, situation: &presync_engine::Situation) -> Vec<u32> {
        let known = |variable: &Column| match variable {
            Column::Fact(fact) => situation.value(*fact).map(ValueId::value),
            Column::State(system) => situation.state(*system).map(StateId::value),
        };
        let variables = self.known.variables.iter().zip(&self.known.defaults);
        variables
            .map(|(variable, default)| known(variable).unwrap_or(*default))
            .collect()
    }

    /// The region where the condition holds.
    pub fn condition(&mut self, id: CondId) -> Diagram {
        if let Some(known) = self.known(id) {
            return known;
        }
        // Conditions can form long chains of names, so use an explicit stack instead of recursion.
        let mut pending = vec![id];
        while let Some(next) = pending.last().copied() {
            let program = self.program;
            let cond = program.conditions.get(next);
            let missing = |part: &&CondId| self.known(**part).is_none();
            let parts: &[CondId] = match cond {
                Cond::And(parts) | Cond::Or(parts) => parts,
                Cond::Not(part) => std::slice::from_ref(part),
                _ => &[],
            };
            let before = pending.len();
            pending.extend(parts.iter().filter(missing));
            if pending.len() > before {
                continue;
            }
            let value = self.build(cond);
            self.known.conditions[next.0 as usize] = Some(value);
            pending.pop();
        }
        self.part(id)
    }

    /// Builds a condition if that takes at most `nodes` nodes; returns `false` otherwise.
    pub fn affords(&mut self, id: CondId, nodes: usize) -> bool {
        let limit = self.diagrams.lower_limit(nodes);
        self.condition(id);
        let afforded = self.diagrams.restore_limit(limit);
        if !afforded {
            // Conditions built from a missing part are wrong.
            self.known.conditions.fill(None);
        }
        afforded
    }

    fn known(&self, id: CondId) -> Option<Diagram> {
        self.known.conditions[id.0 as usize]
    }

    /// A part of a condition that is being built.
    fn part(&self, id: CondId) -> Diagram {
        self.known(id).expect("parts are built before wholes")
    }

    fn build(&mut self, cond: &Cond) -> Diagram {
        match cond {
            Cond::True => Diagram::ONE,
            Cond::Flag(fact) => self.diagrams.literal(self.known.of_fact[fact.index()], [1]),
            Cond::Value(fact, values) => self.diagrams.literal(
                self.known.of_fact[fact.index()],
                values.iter().map(|value| value.value()),
            ),
            Cond::State(system, states) => self.diagrams.literal(
                self.known.of_system[system.index()],
                states.iter().map(|state| state.value()),
            ),
            Cond::Not(part) => {
                let part = self.part(*part);
                self.diagrams.not(part)
            }
            Cond::And(parts) => {
                let parts: Vec<Diagram> = parts.iter().map(|part| self.part(*part)).collect();
                parts
                    .into_iter()
                    .fold(Diagram::ONE, |all, part| self.diagrams.and_then(all, part))
            }
            Cond::Or(parts) => {
                let parts = parts.iter().map(|part| self.part(*part)).collect();
                self.diagrams.union(parts)
            }
        }
    }

    /// The region where the condition holds after a state was entered.
    pub fn condition_in(&mut self, id: CondId, entered: StateId) -> Diagram {
        let holds = self.condition(id);
        self.after_entering(holds, entered)
    }

    /// Whether any condition tests the state of a system.
    pub fn is_tested(&self, system: SystemId) -> bool {
        self.known.tested[system.index()]
    }

    /// The function after a state was entered.
    pub fn after_entering(&mut self, of: Diagram, entered: StateId) -> Diagram {
        if self.is_tested(entered.system()) {
            let variable = self.of_system(entered.system());
            self.diagrams.restrict(of, variable, entered.value())
        } else {
            of
        }
    }

    /// The region where the system shows the state.
    pub fn showing(&mut self, state: StateId) -> Diagram {
        let variable = self.of_system(state.system());
        self.diagrams.literal(variable, [state.value()])
    }

    /// The situation closest to the usual one in which the function has a wanted leaf; `entered` is
    /// the state that was entered.
    pub fn witness(
        &self,
        of: Diagram,
        entered: Option<StateId>,
        wanted: &dyn Fn(u32) -> bool,
    ) -> Option<Witness> {
        let assignment = self.diagrams.witness(of, &self.known.defaults, wanted)?;
        Some(self.situation(&assignment, entered, &self.diagrams.support(&[of])))
    }

    /// A situation by names; variables without a value get their usual one.
    pub fn situation(
        &self,
        assignment: &[Option<u32>],
        entered: Option<StateId>,
        relevant: &[u32],
    ) -> Witness {
        let value = |variable: u32| {
            assignment[variable as usize].unwrap_or(self.known.defaults[variable as usize])
        };
        let schema = &self.program.schema;
        let facts = schema.facts().map(|(id, fact)| {
            let value = value(self.of_fact(id));
            let value = match &fact.kind {
                FactKind::Flag => WitnessValue::Flag(value == 1),
                FactKind::Choice { values, .. } => {
                    WitnessValue::Choice(values[value as usize].clone())
                }
            };
            (fact.name.clone(), value)
        });
        let states = schema.systems().map(|(id, system)| {
            let state = match entered.filter(|entered| entered.system() == id) {
                Some(entered) => Some(entered),
                None => StateId::from_value(id, value(self.of_system(id))),
            };
            (
                system.name.clone(),
                state.map(|state| schema.state(state).name.clone()),
            )
        });
        let name = |variable: &u32| {
            schema
                .column_name(self.known.variables[*variable as usize])
                .to_owned()
        };
        let mut names: Vec<String> = relevant.iter().map(name).collect();
        names.extend(entered.map(|entered| schema.system(entered.system()).name.clone()));
        Witness {
            facts: facts.collect(),
            states: states.collect(),
            relevant: names,
        }
    }
}

/// Variables that occur together, for the variable order: one group for each condition of a rule or
/// an append.
fn together(program: &Program) -> Vec<Vec<usize>> {
    let facts = program.schema.facts().len();
    let mut of: Vec<Vec<usize>> = Vec::with_capacity(program.conditions.len());
    for (_, cond) in program.conditions.iter() {
        let mut variables: Vec<usize> = match cond {
            Cond::True => Vec::new(),
            Cond::Flag(fact) | Cond::Value(fact, _) => vec![fact.index()],
            Cond::State(system, _) => vec![facts + system.index()],
            Cond::Not(part) => of[part.0 as usize].clone(),
            Cond::And(parts) | Cond::Or(parts) => parts
                .iter()
                .flat_map(|part| of[part.0 as usize].iter().copied())
                .collect(),
        };
        variables.sort_unstable();
        variables.dedup();
        // A condition over very many variables does not show which of them are close.
        variables.truncate(64);
        of.push(variables);
    }
    let rules = program
        .profiles
        .iter()
        .flat_map(|profile| profile.rules.iter().map(|rule| rule.condition));
    let appends = program
        .profiles
        .iter()
        .flat_map(|profile| profile.appends.iter().map(|append| append.condition));
    let mut used: Vec<CondId> = rules.chain(appends).collect();
    used.sort_unstable();
    used.dedup();
    used.into_iter()
        .map(|condition| std::mem::take(&mut of[condition.0 as usize]))
        .filter(|group| group.len() > 1)
        .collect()
}
