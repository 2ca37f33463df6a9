//! A second evaluator, which follows the "Meaning" section of the language reference literally: it walks the rules. It
//! shares the model (and so the checks) with the compiler, but nothing of `space`, `compile` or the engine's lookup.

use presync::internal::{Cond, CondId, Target};
use presync::{Program, RoleId, StateId, SystemId, ValueId};

/// The values of all facts, the state of each system if known, and whether it is by hand where a condition asks.
#[derive(Debug, Clone)]
pub struct Situation {
    pub facts: Vec<u32>,
    pub states: Vec<Option<StateId>>,
    pub by_hand: Vec<bool>,
    /// The own state of each system that a rule may bring back.
    pub own: Vec<Option<StateId>>,
}

impl Situation {
    /// The situation after a system entered a state, which counts as by hand.
    pub fn entering(&self, state: StateId) -> Self {
        let mut after = self.clone();
        after.states[state.system().index()] = Some(state);
        after.by_hand[state.system().index()] = true;
        after
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Unmapped,
    Unchanged,
    Previous(Vec<String>),
    Set(StateId, Vec<String>),
}

/// An outcome, and the deciding profile and rule by index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    pub outcome: Outcome,
    pub origin: Option<(usize, usize)>,
}

pub fn holds(program: &Program, condition: CondId, situation: &Situation) -> bool {
    match program.conditions.get(condition) {
        Cond::True => true,
        Cond::Flag(fact) => situation.facts[fact.index()] == 1,
        Cond::Value(fact, values) => values
            .iter()
            .any(|value| value.value() == situation.facts[fact.index()]),
        Cond::State(system, states) => {
            situation.states[system.index()].is_some_and(|state| states.contains(&state))
        }
        Cond::ByHand(system) => {
            situation.by_hand[system.index()] && situation.states[system.index()].is_some()
        }
        Cond::Not(part) => !holds(program, *part, situation),
        Cond::And(parts) => parts.iter().all(|part| holds(program, *part, situation)),
        Cond::Or(parts) => parts.iter().any(|part| holds(program, *part, situation)),
    }
}

/// δ(σ, s, x, t): what the role decides for `to` when a system enters `state`.
pub fn decide(
    program: &Program,
    role: RoleId,
    situation: &Situation,
    state: StateId,
    to: SystemId,
) -> Decided {
    let situation = situation.entering(state);
    for profile_id in &program.role(role).profiles {
        let profile = program.profile(*profile_id);
        let candidates: Vec<usize> = (0..profile.rules.len())
            .filter(|at| {
                let rule = &profile.rules[*at];
                rule.direction.to() == to
                    && rule.states.contains(&state)
                    && holds(program, rule.condition, &situation)
            })
            .collect();
        let Some(rank) = candidates.iter().map(|at| profile.rules[*at].rank).max() else {
            continue;
        };
        let deciding = candidates
            .into_iter()
            .find(|at| profile.rules[*at].rank == rank)
            .expect("the rank has a rule");
        let outcome = match profile.rules[deciding].target {
            Target::Unchanged => Outcome::Unchanged,
            target @ (Target::Set(_) | Target::Previous) => {
                let mut texts: Vec<String> = Vec::new();
                for append in &profile.appends {
                    if append.to == to
                        && holds(program, append.condition, &situation)
                        && !texts.contains(&append.text)
                    {
                        texts.push(append.text.clone());
                    }
                }
                match target {
                    Target::Set(target) => Outcome::Set(target, texts),
                    _ => Outcome::Previous(texts),
                }
            }
        };
        return Decided {
            outcome,
            origin: Some((profile_id.index(), deciding)),
        };
    }
    Decided {
        outcome: Outcome::Unmapped,
        origin: None,
    }
}

/// Whether any condition asks if the state of a system is by hand.
pub fn asks(program: &Program, system: SystemId) -> bool {
    let mut conditions = program.conditions.iter();
    conditions.any(|(_, condition)| *condition == Cond::ByHand(system))
}

/// The number of values of each fact, then of each system: its states and unknown; then, for each system, whether it is
/// by hand.
fn sizes(program: &Program) -> impl Iterator<Item = u32> + '_ {
    let facts = program.schema.facts().map(|(_, fact)| fact.size());
    let states = program.schema.systems();
    let states = states.map(|(_, system)| system.states.len() as u32 + 1);
    let by_hand = program.system_ids();
    let by_hand = by_hand.map(|system| 1 + u32::from(asks(program, system)));
    let own = program.system_ids();
    let own = own.map(|system| 1 + owned(program, system).len() as u32);
    facts.chain(states).chain(by_hand).chain(own)
}

/// The states that `previous` may bring back.
pub fn owned(program: &Program, system: SystemId) -> Vec<StateId> {
    let states = program.states(system);
    let states = states.filter(|state| !program.state(*state).read_only);
    states
        .filter(|_| program.schema.has_previous(system))
        .collect()
}

/// Visits all situations.
pub fn each_situation(program: &Program, visit: &mut dyn FnMut(&Situation)) {
    let sizes: Vec<u32> = sizes(program).collect();
    let mut values = vec![0; sizes.len()];
    loop {
        let (facts, rest) = values.split_at(program.schema.facts().len());
        let systems = program.schema.systems().len();
        let (states, rest) = rest.split_at(systems);
        let (by_hand, own) = rest.split_at(systems);
        let own = program.system_ids().zip(own).map(|(system, value)| {
            let at = u32::checked_sub(*value, 1)?;
            Some(owned(program, system)[at as usize])
        });
        let possible = states
            .iter()
            .zip(by_hand)
            .all(|(state, by_hand)| *state > 0 || *by_hand == 0);
        let states = program.system_ids().zip(states);
        let situation = Situation {
            facts: facts.to_vec(),
            states: states
                .map(|(system, value)| StateId::from_value(system, *value))
                .collect(),
            by_hand: by_hand.iter().map(|value| *value == 1).collect(),
            own: own.collect(),
        };
        if possible {
            visit(&situation);
        }
        let Some(at) = (0..sizes.len()).find(|at| values[*at] + 1 < sizes[*at]) else {
            return;
        };
        values[at] += 1;
        values[..at].fill(0);
    }
}

/// The number of situations.
pub fn count(program: &Program) -> f64 {
    let facts = program.schema.facts().map(|(_, fact)| fact.size());
    let systems = program.schema.systems().map(|(id, system)| {
        // A state that is known may be by hand.
        let states = 1 + system.states.len() as u32 * (1 + u32::from(asks(program, id)));
        states * (1 + owned(program, id).len() as u32)
    });
    facts.chain(systems).map(f64::from).product()
}

/// Converts a situation for the engine.
pub fn engine(program: &Program, situation: &Situation) -> presync::Situation {
    let mut given = presync::Situation::new(program.schema.clone());
    for ((fact, _), value) in program.schema.facts().zip(&situation.facts) {
        given.set_value(ValueId::from_index(fact, *value as usize));
    }
    situation
        .states
        .iter()
        .flatten()
        .for_each(|state| given.set_state(*state));
    for (system, by_hand) in program.system_ids().zip(&situation.by_hand) {
        if *by_hand {
            given.set_by_hand(system);
        }
    }
    let own = situation.own.iter().flatten();
    own.for_each(|state| given.set_own(*state));
    given
}
