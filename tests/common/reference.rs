//! A second evaluator, which follows the "Meaning" section of the language reference literally: it walks the rules. It
//! shares the model (and so the checks) with the compiler, but nothing of `space`, `compile` or the engine's lookup.

use presync::internal::{Cond, CondId, Target};
use presync::{Program, RoleId, StateId, SystemId, ValueId};

/// The values of all facts, and the state of each system if known.
#[derive(Debug, Clone)]
pub struct Situation {
    pub facts: Vec<u32>,
    pub states: Vec<Option<StateId>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Unmapped,
    Unchanged,
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
    let mut situation = situation.clone();
    situation.states[state.system().index()] = Some(state);
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
            Target::Set(target) => {
                let mut texts: Vec<String> = Vec::new();
                for append in &profile.appends {
                    if append.to == to
                        && holds(program, append.condition, &situation)
                        && !texts.contains(&append.text)
                    {
                        texts.push(append.text.clone());
                    }
                }
                Outcome::Set(target, texts)
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

/// The number of values of each fact, then of each system: its states and unknown.
fn sizes(program: &Program) -> impl Iterator<Item = u32> + '_ {
    let facts = program.schema.facts().map(|(_, fact)| fact.size());
    facts.chain(
        program
            .schema
            .systems()
            .map(|(_, system)| system.states.len() as u32 + 1),
    )
}

/// Visits all situations.
pub fn each_situation(program: &Program, visit: &mut dyn FnMut(&Situation)) {
    let sizes: Vec<u32> = sizes(program).collect();
    let mut values = vec![0; sizes.len()];
    loop {
        let (facts, states) = values.split_at(program.schema.facts().len());
        let states = program.system_ids().zip(states);
        visit(&Situation {
            facts: facts.to_vec(),
            states: states
                .map(|(system, value)| StateId::from_value(system, *value))
                .collect(),
        });
        let Some(at) = (0..sizes.len()).find(|at| values[*at] + 1 < sizes[*at]) else {
            return;
        };
        values[at] += 1;
        values[..at].fill(0);
    }
}

/// The number of situations.
pub fn count(program: &Program) -> f64 {
    sizes(program).map(f64::from).product()
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
    given
}
