//! In: a program. Out: its facts and states as variables, its conditions as diagrams, situations by name.

use crate::diagnostic::{Witness, WitnessValue};
use crate::diagram::{Diagram, DiagramStore};
use crate::program::{Column, Cond, CondId, FactId, FactKind, Program, StateId, SystemId, ValueId};
use crate::space::variable_order;

/// Node limit: about a gigabyte of memory.
const NODE_LIMIT: usize = 5_000_000;

/// All situations of a program: a variable for each fact, for the state of each system, and for whether it is by hand
/// where a condition asks. A state that is unknown and by hand does not exist: every function has the same value there as
/// for an unknown state that is not.
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
    /// Only of the systems that a condition asks.
    of_hand: Vec<Option<u32>>,
    /// The own states of the systems that a rule may bring back: variables after the others, which no condition asks.
    of_own: Vec<Option<u32>>,
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
        let mut by_hand = vec![false; schema.systems().len()];
        for (_, cond) in program.conditions.iter() {
            if let Cond::ByHand(system) = cond {
                by_hand[system.index()] = true;
            }
        }
        let asked = schema.system_ids().filter(|system| by_hand[system.index()]);
        let columns: Vec<Column> = facts
            .chain(schema.system_ids().map(Column::State))
            .chain(asked.map(Column::ByHand))
            .collect();
        let order = variable_order::arrange(columns.len(), &together(program, &columns));
        let variables: Vec<Column> = order.into_iter().map(|at| columns[at]).collect();
        let default = |variable: &Column| match variable {
            Column::Fact(fact) => schema.initial(*fact).map_or(0, ValueId::value),
            Column::State(_) | Column::ByHand(_) => 0,
        };
        let mut of_hand = vec![None; schema.systems().len()];
        let mut of_fact = vec![0; schema.facts().len()];
        let mut of_system = vec![0; schema.systems().len()];
        for (at, variable) in variables.iter().enumerate() {
            match variable {
                Column::Fact(fact) => of_fact[fact.index()] = at as u32,
                Column::State(system) => of_system[system.index()] = at as u32,
                Column::ByHand(system) => of_hand[system.index()] = Some(at as u32),
            }
        }
        let mut tested = vec![false; schema.systems().len()];
        for (_, cond) in program.conditions.iter() {
            if let Cond::State(system, _) | Cond::ByHand(system) = cond {
                tested[system.index()] = true;
            }
        }
        let mut sizes: Vec<u32> = variables
            .iter()
            .map(|variable| schema.column_size(*variable))
            .collect();
        let mut defaults: Vec<u32> = variables.iter().map(default).collect();
        let mut of_own = vec![None; schema.systems().len()];
        for system in schema.previous() {
            of_own[system.index()] = Some(sizes.len() as u32);
            sizes.push(schema.column_size(Column::State(*system)));
            defaults.push(0);
        }
        Self {
            program,
            diagrams: DiagramStore::new(sizes, NODE_LIMIT),
            known: Variables {
                defaults,
                variables,
                of_fact,
                of_system,
                of_hand,
                of_own,
                tested,
                conditions: vec![None; program.conditions.len()],
            },
        }
    }

    /// What the variables stand for, without own states, which follow.
    pub fn variables(&self) -> &[Column] {
        &self.known.variables
    }

    pub fn of_fact(&self, fact: FactId) -> u32 {
        self.known.of_fact[fact.index()]
    }

    pub fn of_system(&self, system: SystemId) -> u32 {
        self.known.of_system[system.index()]
    }

    /// The variable that says whether the state of a system is by hand, if any condition asks.
    pub fn of_hand(&self, system: SystemId) -> Option<u32> {
        self.known.of_hand[system.index()]
    }

    /// The variable of a system's own state, if a rule may bring it back.
    pub fn of_own(&self, system: SystemId) -> Option<u32> {
        self.known.of_own[system.index()]
    }

    pub fn defaults(&self) -> &[u32] {
        &self.known.defaults
    }

    /// A value for each variable; missing values get their default.
    pub fn values(&self, situation: &presync_engine::Situation) -> Vec<u32> {
        let known = |variable: &Column| match variable {
            Column::Fact(fact) => situation.value(*fact).map(ValueId::value),
            Column::State(system) => situation.state(*system).map(StateId::value),
            Column::ByHand(system) => Some(u32::from(situation.is_by_hand(*system))),
        };
        let variables = self.known.variables.iter().map(known);
        let own = self.program.schema.previous().iter();
        let own = own.map(|system| situation.own(*system).map(StateId::value));
        let all = variables.chain(own).zip(&self.known.defaults);
        all.map(|(value, default)| value.unwrap_or(*default))
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
            Cond::ByHand(system) => {
                let states = self.program.schema.column_size(Column::State(*system));
                let known = self
                    .diagrams
                    .literal(self.known.of_system[system.index()], 1..states);
                match self.known.of_hand[system.index()] {
                    Some(variable) => {
                        let by_hand = self.diagrams.literal(variable, [1]);
                        self.diagrams.and_then(known, by_hand)
                    }
                    None => known,
                }
            }
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

    /// Whether any condition tests the state of a system, or whether it is by hand.
    pub fn is_tested(&self, system: SystemId) -> bool {
        self.known.tested[system.index()]
    }

    /// The function after a state was entered.
    pub fn after_entering(&mut self, of: Diagram, entered: StateId) -> Diagram {
        if self.is_tested(entered.system()) {
            self.after_entering_all(of, entered)
        } else {
            of
        }
    }

    /// The function after a state was entered, which counts as by hand; also for functions that are no conditions.
    pub fn after_entering_all(&mut self, of: Diagram, entered: StateId) -> Diagram {
        let variable = self.of_system(entered.system());
        let entering = self.diagrams.restrict(of, variable, entered.value());
        match self.of_hand(entered.system()) {
            Some(variable) => self.diagrams.restrict(entering, variable, 1),
            None => entering,
        }
    }

    /// The function after a command made a system show a state.
    pub fn after_command(&mut self, of: Diagram, state: StateId) -> Diagram {
        let variable = self.of_system(state.system());
        let shown = self.diagrams.restrict(of, variable, state.value());
        match self.of_hand(state.system()) {
            Some(variable) => self.diagrams.restrict(shown, variable, 0),
            None => shown,
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
        let by_hand = schema.systems().filter_map(|(id, system)| {
            let entered = entered.is_some_and(|entered| entered.system() == id);
            let known = entered || value(self.of_system(id)) != 0;
            let by_hand = entered || value(self.of_hand(id)?) == 1;
            Some((system.name.clone(), known && by_hand))
        });
        let own = schema.previous().iter().filter_map(|id| {
            let variable = self.of_own(*id).filter(|own| relevant.contains(own))?;
            let own = StateId::from_value(*id, value(variable));
            let own = own.map(|own| schema.state(own).name.clone());
            Some((schema.system(*id).name.clone(), own))
        });
        let name = |variable: &u32| {
            let column = self.known.variables.get(*variable as usize)?;
            Some(schema.column_name(*column).to_owned())
        };
        let mut names: Vec<String> = relevant.iter().filter_map(name).collect();
        names.extend(entered.map(|entered| schema.system(entered.system()).name.clone()));
        Witness {
            facts: facts.collect(),
            states: states.collect(),
            by_hand: by_hand.collect(),
            own: own.collect(),
            relevant: names,
        }
    }
}

/// Variables that occur together, for the variable order: one group for each condition of a rule or
/// an append.
fn together(program: &Program, columns: &[Column]) -> Vec<Vec<usize>> {
    let facts = program.schema.facts().len();
    let place = |column| columns.iter().position(|known| *known == column);
    let mut of: Vec<Vec<usize>> = Vec::with_capacity(program.conditions.len());
    for (_, cond) in program.conditions.iter() {
        let mut variables: Vec<usize> = match cond {
            Cond::True => Vec::new(),
            Cond::Flag(fact) | Cond::Value(fact, _) => vec![fact.index()],
            Cond::State(system, _) => vec![facts + system.index()],
            Cond::ByHand(system) => {
                let by_hand = place(Column::ByHand(*system));
                [facts + system.index()]
                    .into_iter()
                    .chain(by_hand)
                    .collect()
            }
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
