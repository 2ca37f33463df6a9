//! The decisions of a table, numbered like the leaves of its diagrams.

use std::collections::HashMap;

use presync_engine::{Decision, Origin, Outcome};

use crate::program::Target;
use crate::space::{Precedence, RoleDecision};

/// The leaf of a layer that leaves the decision to the next layer.
pub(super) const PASS: u32 = 1 << 30;

/// The decisions of a table, and for each the first with the same outcome.
#[derive(Default)]
pub(super) struct Decisions {
    list: Vec<Decision>,
    outcome_of: Vec<u32>,
    known: HashMap<Decision, u32>,
    outcomes: HashMap<Outcome, u32>,
}

impl Decisions {
    /// The first decision with the same outcome as this one.
    pub fn outcome(&self, leaf: u32) -> u32 {
        if leaf == PASS {
            PASS
        } else {
            self.outcome_of[leaf as usize]
        }
    }

    /// The decision of a leaf.
    pub fn get(&self, leaf: u32) -> &Decision {
        &self.list[leaf as usize]
    }

    pub fn list(&self) -> &[Decision] {
        &self.list
    }

    pub fn into_list(self) -> Vec<Decision> {
        self.list
    }

    /// The number of the decision for a leaf of the space.
    pub fn add(&mut self, space: &Precedence<'_>, decided: &RoleDecision, leaf: u32) -> u32 {
        let decision = match space.decision_of(decided, leaf) {
            None => Decision {
                outcome: Outcome::Unmapped,
                origin: None,
            },
            Some(decision) => {
                let rule = space.rule_of(decision);
                let outcome = match rule.target {
                    Target::Unchanged => Outcome::Unchanged,
                    Target::Set(state) => {
                        let append = space.append_texts(decision.append).into();
                        Outcome::Set { state, append }
                    }
                };
                let location = space.program.rule_source(rule.source).location;
                let profile = space.program.profile(decision.profile).name.clone();
                let rule = space.program.sources.file_line(location);
                Decision {
                    outcome,
                    origin: Some(Origin { profile, rule }),
                }
            }
        };
        if let Some(known) = self.known.get(&decision) {
            return *known;
        }
        let at = self.list.len() as u32;
        let first = *self.outcomes.entry(decision.outcome.clone()).or_insert(at);
        self.outcome_of.push(first);
        self.known.insert(decision.clone(), at);
        self.list.push(decision);
        at
    }
}
