//! In: a program and one situation. Out: why a change is decided as it is, and why not otherwise: for every other rule
//! of that direction the nearest condition that kept it out, and the smallest change that would change the outcome.

use crate::diagram::Ref;
use crate::program::{RoleId, Rule, StateId, SystemId, WrittenId};
use crate::source::Location;
use crate::space::{Decided, Decision, Space};

/// Why a change is decided as it is, for one system.
#[derive(Debug)]
pub struct Explanation {
    pub to: SystemId,
    /// `Away append "in queue"`, `unchanged`, `unmapped`
    pub outcome: String,
    /// The rule that decides, with its profile.
    pub decider: Option<(String, Location)>,
    pub others: Vec<Other>,
    /// How many rules of this direction are for other states.
    pub elsewhere: usize,
    /// What would have to be otherwise, and the outcome then.
    pub nearest: Option<(String, String)>,
    /// The role is too entangled to look for the nearest change.
    pub entangled: bool,
}

/// A rule that does not decide.
#[derive(Debug)]
pub struct Other {
    pub profile: String,
    pub location: Location,
    pub why: String,
}

/// A situation: a value for each variable of the space, and the change.
pub struct Question<'a> {
    pub role: RoleId,
    pub from: SystemId,
    pub state: StateId,
    pub values: &'a [u32],
}

/// Explains a change for every other system.
pub fn explain(space: &mut Space<'_>, question: &Question<'_>) -> Vec<Explanation> {
    let systems: Vec<SystemId> = space
        .program
        .system_ids()
        .filter(|to| *to != question.from)
        .collect();
    systems
        .into_iter()
        .map(|to| direction(space, question, to))
        .collect()
}

fn direction(space: &mut Space<'_>, question: &Question<'_>, to: SystemId) -> Explanation {
    let program = space.program;
    let decided_as = space.decision(question.role, question.from, to, question.state);
    let parts = decided_as.parts.clone();
    let leaf = parts
        .iter()
        .map(|part| space.diagrams.evaluate(*part, question.values))
        .find(|leaf| *leaf != 0)
        .unwrap_or(0);
    let decision = space.decision_of(&decided_as, leaf);
    let mut others: Vec<Other> = Vec::new();
    let mut known: Vec<(WrittenId, String)> = Vec::new();
    let mut elsewhere = 0;
    let mut decided = false;
    for &profile in &program.role(question.role).profiles {
        let this = program.profile(profile);
        let decides = decision.filter(|decision| decision.profile == profile);
        for (at, rule) in this.rules.iter().enumerate() {
            let is_decider = decides.is_some_and(|decision| decision.rule as usize == at);
            if (rule.from, rule.to) != (question.from, to) || is_decider {
                continue;
            }
            if !rule.source.contains(&question.state) {
                elsewhere += 1;
                continue;
            }
            let why = why_not(space, question, rule, decides, decided);
            if !known.contains(&(rule.written, why.clone())) {
                known.push((rule.written, why.clone()));
                others.push(Other {
                    profile: this.name.clone(),
                    location: program.written(rule.written).location,
                    why,
                });
            }
        }
        decided |= decides.is_some();
    }
    let outcome = space.outcome_text(&decided_as, leaf, false);
    let nearest = match &*parts {
        [] => None,
        [one] => nearest(space, question, &decided_as, *one, &outcome),
        _ => None,
    };
    let decider = decision.map(|decision| {
        let profile = program.profile(decision.profile);
        (
            profile.name.clone(),
            program
                .written(profile.rules[decision.rule as usize].written)
                .location,
        )
    });
    Explanation {
        to,
        outcome,
        decider,
        others,
        elsewhere,
        nearest,
        entangled: parts.len() > 1,
    }
}

fn why_not(
    space: &mut Space<'_>,
    question: &Question<'_>,
    rule: &Rule,
    decides: Option<Decision>,
    decided: bool,
) -> String {
    let holds = space.condition_in(rule.condition, question.from, question.state);
    if space.diagrams.evaluate(holds, question.values) == 0 {
        return match space
            .diagrams
            .witness(holds, question.values, &|leaf| leaf != 0)
        {
            Some(wanted) => format!("needs {}", changes(space, question, &wanted).join(" and ")),
            None => "its condition cannot hold here".to_owned(),
        };
    }
    if decided {
        return "holds, but an earlier profile decides".to_owned();
    }
    match decides {
        Some(decision) => {
            let winner = &space.program.profile(decision.profile).rules[decision.rule as usize];
            if winner.level > rule.level {
                "holds, but a stronger rule of its profile decides".to_owned()
            } else {
                "holds, and says the same as the rule that decides".to_owned()
            }
        }
        None => "holds".to_owned(),
    }
}

/// What has to be otherwise for an assignment to hold.
fn changes(space: &Space<'_>, question: &Question<'_>, wanted: &[Option<u32>]) -> Vec<String> {
    let different = wanted.iter().enumerate().filter_map(|(at, value)| {
        let value = (*value)?;
        (value != question.values[at]).then_some((space.variables()[at], value))
    });
    different
        .map(|(variable, value)| space.literal(variable, &[value]))
        .collect()
}

fn nearest(
    space: &Space<'_>,
    question: &Question<'_>,
    decided: &Decided,
    decision: Ref,
    outcome_now: &str,
) -> Option<(String, String)> {
    let wanted = space.diagrams.witness(decision, question.values, &|leaf| {
        space.outcome_text(decided, leaf, false) != outcome_now
    })?;
    let values: Vec<u32> = wanted
        .iter()
        .zip(question.values)
        .map(|(value, now)| value.unwrap_or(*now))
        .collect();
    let then = space.outcome_text(decided, space.diagrams.evaluate(decision, &values), false);
    Some((changes(space, question, &wanted).join(" and "), then))
}
