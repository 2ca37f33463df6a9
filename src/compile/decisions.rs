//! The decisions of a table, numbered like the leaves of its diagrams.

use std::collections::HashMap;

use presync_engine::{Decision, Origin, Outcome};

use crate::program::{ProfileId, Target};
use crate::space::{Precedence, RoleDecision};

/// The decisions of a table. The first is unmapped.
pub(super) struct Decisions {
    pub list: Vec<Decision>,
    /// By decision: the profile, if it sets a state.
    pub setting: Vec<Option<ProfileId>>,
    known: HashMap<(Option<ProfileId>, Decision), u32>,
    /// By profile and index of the rule: most changes are decided by rules that decide other changes, too.
    of_rule: HashMap<(ProfileId, u32), u32>,
}

impl Decisions {
    pub fn new() -> Self {
        Self {
            list: vec![Decision {
                outcome: Outcome::Unmapped,
                origin: None,
            }],
            setting: vec![None],
            known: HashMap::new(),
            of_rule: HashMap::new(),
        }
    }

    /// The number of the decision for a leaf of the space.
    pub fn add(&mut self, space: &Precedence<'_>, decided: &RoleDecision, leaf: u32) -> u32 {
        let Some(decider) = space.decision_of(decided, leaf) else {
            return 0;
        };
        let key = (decider.profile, decider.rule);
        if let Some(known) = self.of_rule.get(&key) {
            return *known;
        }
        let rule = space.rule_of(decider);
        let (outcome, setting) = match rule.target {
            Target::Unchanged => (Outcome::Unchanged, None),
            Target::Set(state) => (Outcome::Set(state), Some(decider.profile)),
            Target::Previous => (Outcome::Previous, Some(decider.profile)),
        };
        let location = space.program.rule_source(rule.source).location;
        let origin = Origin {
            profile: space.program.profile(decider.profile).name.clone(),
            rule: space.program.sources.file_line(location),
        };
        let decision = Decision {
            outcome,
            origin: Some(origin),
        };
        let (list, all) = (&mut self.list, &mut self.setting);
        let known = self.known.entry((setting, decision));
        let number = *known.or_insert_with_key(|(_, decision)| {
            list.push(decision.clone());
            all.push(setting);
            list.len() as u32 - 1
        });
        self.of_rule.insert(key, number);
        number
    }
}
