//! In: the changes of each role and direction. Out: what changes for people: the same effect on the same states once, with
//! the roles and systems where it occurs.

use crate::analysis::difference::{ChangeEffect, DecisionChange, Differences, NamedOutcome};
use crate::quote::in_list;

/// Names of states in a headline; more are counted.
const MAX_STATES: usize = 4;

/// Changes with the same effects on the same states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behavior {
    pub from: String,
    pub to: Vec<String>,
    /// The entered states concerned, in order; `None`: all.
    pub states: Option<Vec<String>>,
    pub effects: Vec<ChangeEffect>,
    pub roles: Vec<String>,
    /// Summed over roles and systems.
    pub count: u128,
    pub total: u128,
    /// The places of its changes.
    pub changes: Vec<usize>,
}

impl Differences {
    /// The changes, merged.
    pub fn behaviors(&self) -> Vec<Behavior> {
        let mut behaviors: Vec<Behavior> = Vec::new();
        for together in self.together() {
            let first = &self.changes[together[0]];
            let effects = together.iter().map(|at| self.changes[*at].effect.clone());
            let effects: Vec<ChangeEffect> = effects.collect();
            let known = behaviors.iter_mut().find(|known| {
                known.from == first.from && known.states == first.states && known.effects == effects
            });
            let behavior = match known {
                Some(known) => known,
                None => {
                    behaviors.push(Behavior {
                        from: first.from.clone(),
                        to: Vec::new(),
                        states: first.states.clone(),
                        effects,
                        roles: Vec::new(),
                        count: 0,
                        total: 0,
                        changes: Vec::new(),
                    });
                    behaviors.last_mut().expect("it was just added")
                }
            };
            for (names, name) in [
                (&mut behavior.to, &first.to),
                (&mut behavior.roles, &first.role),
            ] {
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
            behavior.count += first.count;
            behavior.total += first.total;
            behavior.changes.extend(together);
        }
        behaviors
    }

    /// The changes of one role and direction that are at the same places.
    fn together(&self) -> Vec<Vec<usize>> {
        let mut all: Vec<Vec<usize>> = Vec::new();
        for (at, change) in self.changes.iter().enumerate() {
            let same = |known: &&mut Vec<usize>| {
                let known: &DecisionChange = &self.changes[known[0]];
                let place = [&known.role, &known.from, &known.to];
                place == [&change.role, &change.from, &change.to]
                    && known.parts.is_some()
                    && known.parts == change.parts
            };
            match all.iter_mut().find(same) {
                Some(known) => known.push(at),
                None => all.push(vec![at]),
            }
        }
        all
    }
}

impl Behavior {
    /// `cic At Lunch now sets lync to Be Right Back, was Away`
    pub fn headline(&self) -> String {
        let states = match &self.states {
            None => format!("any {} state", self.from),
            Some(states) => {
                let shown = if states.len() > MAX_STATES {
                    MAX_STATES - 1
                } else {
                    states.len()
                };
                let names = states[..shown].iter().map(|state| in_list(state));
                let names = names.collect::<Vec<_>>().join(", ");
                match states.len() - shown {
                    0 => format!("{} {names}", self.from),
                    more => format!("{} {names} and {more} more", self.from),
                }
            }
        };
        let is_one = self.states.as_ref().is_none_or(|states| states.len() == 1);
        let [sets, leaves, has, shows, adds] = if is_one {
            ["sets", "leaves", "has", "shows", "adds"]
        } else {
            ["set", "leave", "have", "show", "add"]
        };
        let to = self.to.join(" and ");
        let text_of = |wanted: fn(&ChangeEffect) -> Option<&String>| {
            let texts = self.effects.iter().filter_map(wanted);
            let texts = texts.map(|text| format!("\"{text}\""));
            texts.collect::<Vec<_>>().join(", ")
        };
        let added = text_of(|effect| match effect {
            ChangeEffect::Added(text) => Some(text),
            _ => None,
        });
        let removed = text_of(|effect| match effect {
            ChangeEffect::Removed(text) => Some(text),
            _ => None,
        });
        let mut phrases = Vec::new();
        for effect in &self.effects {
            match effect {
                ChangeEffect::Outcome { old, new } => {
                    let now = match new {
                        NamedOutcome::Set(state) => format!("{sets} {to} to {state}"),
                        NamedOutcome::Unchanged => format!("{leaves} {to} unchanged"),
                        NamedOutcome::Previous => format!("{sets} {to} to its previous state"),
                        NamedOutcome::Unmapped => format!("{has} no rule for {to}"),
                    };
                    let was = match old {
                        NamedOutcome::Set(state) => state.as_str(),
                        NamedOutcome::Unchanged => "unchanged",
                        NamedOutcome::Previous => "its previous state",
                        NamedOutcome::Unmapped => "without a rule",
                    };
                    phrases.push(format!("{now}, was {was}"));
                }
                ChangeEffect::Reordered(first, second) => {
                    phrases.push(format!("{shows} \"{second}\" before \"{first}\" in {to}"));
                }
                ChangeEffect::Added(_) | ChangeEffect::Removed(_) => {}
            }
        }
        match (added.is_empty(), removed.is_empty()) {
            (false, false) => phrases.push(format!("{adds} {added} to {to} instead of {removed}")),
            (false, true) => phrases.push(format!("{adds} {added} to {to}")),
            (true, false) => phrases.push(format!("no longer {adds} {removed} to {to}")),
            (true, true) => {}
        }
        format!("{states} now {}", phrases.join("; "))
    }
}
