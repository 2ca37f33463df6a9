//! In: a model. Out: its facts and states as variables, its conditions as diagrams, and situations by name.

use crate::diagnostic::{FactValue, Situation};
use crate::diagram::{Diagrams, Ref};
use crate::program::{Cond, CondId, FactId, FactKind, Program, StateId, SystemId};
use crate::space::precedence::Memory;
use crate::space::variable_order;

/// More nodes than this are refused: about a gigabyte.
const NODE_LIMIT: usize = 5_000_000;

/// What a variable of the diagrams stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Variable {
    /// Its value: 0 or 1 for a flag, else an index into the choice's values.
    Fact(FactId),
    /// Its state plus one; 0 where the state is not known.
    State(SystemId),
}

/// All situations of a program.
pub struct Space<'p> {
    pub program: &'p Program,
    pub diagrams: Diagrams,
    variables: Vec<Variable>,
    of_fact: Vec<u32>,
    of_system: Vec<u32>,
    /// For each variable the value that needs no mention.
    usual: Vec<u32>,
    /// Whether any condition asks for the state of a system.
    guarded: Vec<bool>,
    /// By id, once asked for.
    conditions: Vec<Option<Ref>>,
    pub(super) memory: Memory,
}

impl<'p> Space<'p> {
    pub fn new(program: &'p Program) -> Self {
        let facts = program.facts.len();
        let count = facts + program.systems.len();
        let variable = |at: usize| {
            if at < facts {
                Variable::Fact(FactId(at as u32))
            } else {
                Variable::State(SystemId((at - facts) as u32))
            }
        };
        let order = variable_order::arrange(count, &together(program, facts));
        let variables: Vec<Variable> = order.into_iter().map(variable).collect();
        let size = |variable: &Variable| match variable {
            Variable::Fact(fact) => program.fact(*fact).size(),
            Variable::State(system) => program.system(*system).states.len() as u32 + 1,
        };
        let usual = |variable: &Variable| match variable {
            Variable::Fact(fact) => match program.fact(*fact).kind {
                FactKind::Choice {
                    default: Some(value),
                    ..
                } => value,
                _ => 0,
            },
            Variable::State(_) => 0,
        };
        let mut of_fact = vec![0; facts];
        let mut of_system = vec![0; program.systems.len()];
        for (at, variable) in variables.iter().enumerate() {
            match variable {
                Variable::Fact(fact) => of_fact[fact.index()] = at as u32,
                Variable::State(system) => of_system[system.index()] = at as u32,
            }
        }
        let mut guarded = vec![false; program.systems.len()];
        for (_, cond) in program.conditions.iter() {
            if let Cond::State(system, _) = cond {
                guarded[system.index()] = true;
            }
        }
        Self {
            program,
            diagrams: Diagrams::new(variables.iter().map(size).collect(), NODE_LIMIT),
            usual: variables.iter().map(usual).collect(),
            variables,
            of_fact,
            of_system,
            guarded,
            conditions: vec![None; program.conditions.len()],
            memory: Memory::default(),
        }
    }

    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    pub fn of_fact(&self, fact: FactId) -> u32 {
        self.of_fact[fact.index()]
    }

    pub fn of_system(&self, system: SystemId) -> u32 {
        self.of_system[system.index()]
    }

    pub fn usual(&self) -> &[u32] {
        &self.usual
    }

    /// Where the condition holds.
    pub fn condition(&mut self, id: CondId) -> Ref {
        if let Some(known) = self.known(id) {
            return known;
        }
        // Conditions may name conditions in long chains: a stack of our own instead of recursion.
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
            self.conditions[next.0 as usize] = Some(value);
            pending.pop();
        }
        self.part(id)
    }

    /// Builds a condition if that takes no more than so many nodes; `false` if it would.
    pub fn affords(&mut self, id: CondId, nodes: usize) -> bool {
        let limit = self.diagrams.lower_limit(nodes);
        self.condition(id);
        let afforded = self.diagrams.restore_limit(limit);
        if !afforded {
            // What was built from a part that is missing is not what it says.
            self.conditions.fill(None);
        }
        afforded
    }

    fn known(&self, id: CondId) -> Option<Ref> {
        self.conditions[id.0 as usize]
    }

    /// A part of a condition that is being built.
    fn part(&self, id: CondId) -> Ref {
        self.known(id).expect("parts are built before wholes")
    }

    fn build(&mut self, cond: &Cond) -> Ref {
        match cond {
            Cond::True => Ref::ONE,
            Cond::Flag(fact) => self.diagrams.test(self.of_fact[fact.index()], [1]),
            Cond::Value(fact, values) => self
                .diagrams
                .test(self.of_fact[fact.index()], values.iter().copied()),
            Cond::State(system, states) => self.diagrams.test(
                self.of_system[system.index()],
                states.iter().map(|state| state.0 + 1),
            ),
            Cond::Not(part) => {
                let part = self.part(*part);
                self.diagrams.not(part)
            }
            Cond::And(parts) => {
                let parts: Vec<Ref> = parts.iter().map(|part| self.part(*part)).collect();
                parts
                    .into_iter()
                    .fold(Ref::ONE, |all, part| self.diagrams.mask(all, part))
            }
            Cond::Or(parts) => {
                let parts = parts.iter().map(|part| self.part(*part)).collect();
                self.diagrams.first_of(parts)
            }
        }
    }

    /// Where the condition holds once `system` has entered `state`.
    pub fn condition_in(&mut self, id: CondId, system: SystemId, state: StateId) -> Ref {
        let holds = self.condition(id);
        self.enter(holds, system, state)
    }

    /// Whether any condition asks for the state of a system.
    pub fn guarded(&self, system: SystemId) -> bool {
        self.guarded[system.index()]
    }

    /// A function once `system` has entered `state`.
    pub fn enter(&mut self, of: Ref, system: SystemId, state: StateId) -> Ref {
        if self.guarded(system) {
            self.diagrams
                .restrict(of, self.of_system[system.index()], state.0 + 1)
        } else {
            of
        }
    }

    /// The nearest situation to the usual one in which the function has a wanted leaf; `entered` is what has happened.
    pub fn witness(
        &self,
        of: Ref,
        entered: Option<(SystemId, StateId)>,
        wanted: &dyn Fn(u32) -> bool,
    ) -> Option<Situation> {
        let assignment = self.diagrams.witness(of, &self.usual, wanted)?;
        Some(self.situation(&assignment, entered, &self.diagrams.support(&[of])))
    }

    /// A situation by names; variables without a value get their usual one.
    pub fn situation(
        &self,
        assignment: &[Option<u32>],
        entered: Option<(SystemId, StateId)>,
        relevant: &[u32],
    ) -> Situation {
        let value =
            |variable: u32| assignment[variable as usize].unwrap_or(self.usual[variable as usize]);
        let facts = self
            .program
            .facts
            .iter()
            .zip(&self.of_fact)
            .map(|(fact, variable)| {
                let value = value(*variable);
                let value = match &fact.kind {
                    FactKind::Flag => FactValue::Flag(value == 1),
                    FactKind::Choice { values, .. } => {
                        FactValue::Choice(values[value as usize].clone())
                    }
                };
                (fact.name.clone(), value)
            });
        let states = self.program.system_ids().map(|system| {
            let this = self.program.system(system);
            let state = match entered {
                Some((entered, state)) if entered == system => Some(state),
                _ => value(self.of_system[system.index()])
                    .checked_sub(1)
                    .map(StateId),
            };
            (
                this.name.clone(),
                state.map(|state| this.state(state).name.clone()),
            )
        });
        let name = |variable: &u32| match self.variables[*variable as usize] {
            Variable::Fact(fact) => self.program.fact(fact).name.clone(),
            Variable::State(system) => self.program.system(system).name.clone(),
        };
        let mut names: Vec<String> = relevant.iter().map(name).collect();
        names.extend(entered.map(|(system, _)| self.program.system(system).name.clone()));
        Situation {
            facts: facts.collect(),
            states: states.collect(),
            relevant: names,
        }
    }
}

/// The variables that stand together, for the order: one group for each condition of a rule or an append.
fn together(program: &Program, facts: usize) -> Vec<Vec<usize>> {
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
        // A condition over very many variables says nothing about which are close.
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
