//! What is paused: changes of it are observed, and nothing is sent to it.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is paused. It is kept in the store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Paused {
    pub all: bool,
    pub systems: BTreeSet<String>,
    pub users: BTreeSet<String>,
}

/// What to pause, or to go on with; neither: all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PauseTarget {
    #[serde(default)]
    pub system: Option<String>,
    #[serde(default)]
    pub user: Option<String>,
}

impl Paused {
    /// Whether a change of a user in a system leads to nothing, and no command to it goes out.
    pub fn holds(&self, user: &str, system: &str) -> bool {
        self.all || self.users.contains(user) || self.systems.contains(system)
    }

    /// The same after something is paused or resumed.
    pub fn with(&self, target: &PauseTarget, pause: bool) -> Self {
        let mut after = self.clone();
        let change = |set: &mut BTreeSet<String>, name: &str| {
            if pause {
                set.insert(name.to_owned());
            } else {
                set.remove(name);
            }
        };
        if let Some(system) = &target.system {
            change(&mut after.systems, system);
        }
        if let Some(user) = &target.user {
            change(&mut after.users, user);
        }
        if target.system.is_none() && target.user.is_none() {
            after.all = pause;
        }
        after
    }
}
