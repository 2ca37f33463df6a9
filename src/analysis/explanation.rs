//! In: a program and one situation. Out: why a change is decided this way, and why not otherwise: for every other rule
//! of that direction the nearest condition that excluded it, and the smallest change that would change the outcome.

use crate::diagram::Diagram;
use presync_engine::Situation;

use crate::program::{Change, Program, RoleId, Rule, RuleSourceId, StateId, SystemId, Target};
use crate::source::Location;
use crate::space::{Decider, Precedence, RoleDecision};

/// Why a change is decided this way, for one system.
#[derive(Debug)]
pub struct DecisionExplanation {
    pub to: SystemId,
    /// `Away append "in queue"`, `unchanged`, `unmapped`
    pub outcome: String,
    /// The profiles of the role, in order.
    pub profiles: Vec<ExplainedProfile>,
    /// The number of rules of this direction that apply to other states.
    pub elsewhere: usize,
    /// The smallest change to the situation that leads to a command, or to another outcome if there is one already; and
    /// that outcome.
    pub nearest: Option<(String, String)>,
    /// The role is too complex to find the nearest change.
    pub entangled: bool,
}

/// What a profile has to say about the change.
#[derive(Debug)]
pub struct ExplainedProfile {
    pub name: String,
    /// The rule that decides.
    pub decider: Option<Location>,
    /// An earlier profile decides.
    pub too_late: bool,
    /// Its other rules for this state.
    pub others: Vec<Other>,
}

/// A rule that does not decide.
#[derive(Debug)]
pub struct Other {
    pub location: Location,
    pub why: String,
}

/// Why is this change decided this way in this situation?
pub struct Question<'a> {
    pub role: RoleId,
    pub entered: StateId,
    /// Choices without a value count as their first one.
    pub situation: &'a Situation,
}

/// The same with a value for each variable of the space.
struct Asked {
    role: RoleId,
    change: Change,
    values: Vec<u32>,
}

/// Explains a change for every other system.
pub fn explain(program: &Program, question: &Question<'_>) -> Vec<DecisionExplanation> {
    let space = &mut Precedence::new(program);
    let mut situation = question.situation.clone();
    situation.set_state(question.entered);
    situation.set_by_hand(question.entered.system());
    let systems = space.program.system_ids();
    let changes: Vec<Change> = systems
        .filter_map(|to| Change::new(question.entered, to))
        .collect();
    let values = space.values(&situation);
    let asked = |change| Asked {
        role: question.role,
        change,
        values: values.clone(),
    };
    changes
        .into_iter()
        .map(|change| explain_change(space, &asked(change)))
        .collect()
}

fn explain_change(space: &mut Precedence<'_>, asked: &Asked) -> DecisionExplanation {
    let program = space.program;
    let decided_as = space.decision(asked.role, asked.change);
    let parts = decided_as.parts.clone();
    let leaves = parts
        .iter()
        .map(|part| space.diagrams.evaluate(*part, &asked.values));
    let leaf = leaves.into_iter().find(|leaf| *leaf != 0).unwrap_or(0);
    let decision = space.decision_of(&decided_as, leaf);
    let mut profiles: Vec<ExplainedProfile> = Vec::new();
    let mut elsewhere = 0;
    let mut decided = false;
    for &profile in &program.role(asked.role).profiles {
        let this = program.profile(profile);
        let decides = decision.filter(|decision| decision.profile == profile);
        let mut others: Vec<Other> = Vec::new();
        let mut known: Vec<(RuleSourceId, String)> = Vec::new();
        for (at, rule) in this.rules.iter().enumerate() {
            let is_decider = decides.is_some_and(|decision| decision.rule as usize == at);
            if rule.direction != asked.change.direction() || is_decider {
                continue;
            }
            if !rule.states.contains(&asked.change.entered()) {
                elsewhere += 1;
                continue;
            }
            let why = why_not(space, asked, rule, decides, decided);
            if !known.contains(&(rule.source, why.clone())) {
                known.push((rule.source, why.clone()));
                let location = program.rule_source(rule.source).location;
                others.push(Other { location, why });
            }
        }
        let decider = decides.map(|decision| {
            let source = space.rule_of(decision).source;
            program.rule_source(source).location
        });
        profiles.push(ExplainedProfile {
            name: this.name.clone(),
            decider,
            too_late: decided,
            others,
        });
        decided |= decides.is_some();
    }
    let texts = space.texts_of(&decided_as, asked.change, leaf, &asked.values);
    let outcome = space.outcome_text(&decided_as, leaf, &texts, false);
    let nearest = match &*parts {
        [one] => nearest(space, asked, &decided_as, *one, (leaf, &texts)),
        _ => None,
    };
    DecisionExplanation {
        to: asked.change.to(),
        outcome,
        profiles,
        elsewhere,
        nearest,
        entangled: parts.len() > 1,
    }
}

fn why_not(
    space: &mut Precedence<'_>,
    asked: &Asked,
    rule: &Rule,
    decides: Option<Decider>,
    decided: bool,
) -> String {
    let holds = space.condition_in(rule.condition, asked.change.entered());
    if space.diagrams.evaluate(holds, &asked.values) == 0 {
        return match space
            .diagrams
            .witness(holds, &asked.values, &|leaf| leaf != 0)
        {
            Some(wanted) => format!("needs {}", changes(space, asked, &wanted).join(" and ")),
            None => "its condition is never true here".to_owned(),
        };
    }
    if decided {
        return "matches, but an earlier profile decides".to_owned();
    }
    match decides {
        Some(decision) => {
            let winner = space.rule_of(decision);
            if winner.rank > rule.rank {
                "matches, but a rule of higher rank in its profile decides".to_owned()
            } else {
                "matches, with the same outcome as the rule that decides".to_owned()
            }
        }
        None => "holds".to_owned(),
    }
}

/// The values that would have to change for an assignment to hold.
fn changes(space: &Precedence<'_>, asked: &Asked, wanted: &[Option<u32>]) -> Vec<String> {
    let different = wanted.iter().enumerate().filter_map(|(at, value)| {
        let value = (*value)?;
        (value != asked.values[at]).then_some((space.variables()[at], value))
    });
    different
        .map(|(variable, value)| space.value_text(variable, &[value]))
        .collect()
}

fn nearest(
    space: &mut Precedence<'_>,
    asked: &Asked,
    decided: &RoleDecision,
    decision: Diagram,
    (leaf, texts): (u32, &[&str]),
) -> Option<(String, String)> {
    let sets = |leaf: u32| {
        let decider = space.decision_of(decided, leaf);
        decider.is_some_and(|decider| space.rule_of(decider).target != Target::Unchanged)
    };
    let wanted = if sets(leaf) {
        let same = space.same_outcome(decided, asked.change, leaf, Some(texts));
        space
            .diagrams
            .witness(same, &asked.values, &|same| same == 0)?
    } else {
        space.diagrams.witness(decision, &asked.values, &sets)?
    };
    let values: Vec<u32> = wanted
        .iter()
        .zip(&asked.values)
        .map(|(value, now)| value.unwrap_or(*now))
        .collect();
    let leaf = space.diagrams.evaluate(decision, &values);
    let texts = space.texts_of(decided, asked.change, leaf, &values);
    let then = space.outcome_text(decided, leaf, &texts, false);
    Some((changes(space, asked, &wanted).join(" and "), then))
}
