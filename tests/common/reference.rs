//! A second evaluator, written from the "Meaning" section of the language and as naive as it: it walks the rules.
//! It shares the model with the compiler (and so the checks), nothing of `space`, `compile` or `table`.

use presync::program::{Cond, CondId, Fact, Program, RoleId, StateId, SystemId, Target};

/// Values of all facts, and for each system a state or unknown.
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

/// An outcome and who decides: profile and rule by index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    pub outcome: Outcome,
    pub origin: Option<(usize, usize)>,
}

pub fn holds(program: &Program, condition: CondId, situation: &Situation) -> bool {
    match program.conditions.get(condition) {
        Cond::True => true,
        Cond::Flag(fact) => situation.facts[fact.index()] == 1,
        Cond::Value(fact, values) => values.contains(&situation.facts[fact.index()]),
        Cond::State(system, states) => {
            situation.states[system.index()].is_some_and(|state| states.contains(&state))
        }
        Cond::Not(part) => !holds(program, *part, situation),
        Cond::And(parts) => parts.iter().all(|part| holds(program, *part, situation)),
        Cond::Or(parts) => parts.iter().any(|part| holds(program, *part, situation)),
    }
}

/// δ(σ, s, x, t): what the role decides for `to` when `from` enters `state`.
pub fn decide(
    program: &Program,
    role: RoleId,
    situation: &Situation,
    from: SystemId,
    state: StateId,
    to: SystemId,
) -> Decided {
    let mut situation = situation.clone();
    situation.states[from.index()] = Some(state);
    for profile_id in &program.role(role).profiles {
        let profile = program.profile(*profile_id);
        let candidates: Vec<usize> = (0..profile.rules.len())
            .filter(|at| {
                let rule = &profile.rules[*at];
                rule.from == from
                    && rule.to == to
                    && rule.source.contains(&state)
                    && holds(program, rule.condition, &situation)
            })
            .collect();
        let Some(level) = candidates.iter().map(|at| profile.rules[*at].level).max() else {
            continue;
        };
        let deciding = candidates
            .into_iter()
            .find(|at| profile.rules[*at].level == level)
            .expect("the level has a rule");
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

/// Goes through all situations.
pub fn each_situation(program: &Program, visit: &mut dyn FnMut(&Situation)) {
    let sizes: Vec<u32> = program
        .facts
        .iter()
        .map(Fact::size)
        .chain(
            program
                .systems
                .iter()
                .map(|system| system.states.len() as u32 + 1),
        )
        .collect();
    let mut values = vec![0; sizes.len()];
    loop {
        let (facts, states) = values.split_at(program.facts.len());
        visit(&Situation {
            facts: facts.to_vec(),
            states: states
                .iter()
                .map(|value: &u32| value.checked_sub(1).map(StateId))
                .collect(),
        });
        let Some(at) = (0..sizes.len()).find(|at| values[*at] + 1 < sizes[*at]) else {
            return;
        };
        values[at] += 1;
        values[..at].fill(0);
    }
}

/// How many situations there are.
pub fn count(program: &Program) -> f64 {
    let facts: f64 = program
        .facts
        .iter()
        .map(|fact| f64::from(fact.size()))
        .product();
    facts
        * program
            .systems
            .iter()
            .map(|system| system.states.len() as f64 + 1.0)
            .product::<f64>()
}
