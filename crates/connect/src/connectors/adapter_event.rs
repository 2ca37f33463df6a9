//! Events as adapters of others write them, with the ids and states of their own system: those of `presync run`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::report::{ReportKind, SystemReport};

/// `{"user":"17","change":{"pbx":"Away"}}`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdapterEvent {
    user: String,
    at: Option<jiff::Timestamp>,
    #[serde(default)]
    set: BTreeMap<String, Value>,
    #[serde(default)]
    observe: BTreeMap<String, Option<String>>,
    #[serde(default)]
    change: BTreeMap<String, String>,
}

impl AdapterEvent {
    /// What it says about a system.
    ///
    /// # Errors
    /// It speaks of another system, or of nothing: why, for people.
    pub fn reports(self, system: &str) -> Result<Vec<SystemReport>, String> {
        let mut named = self.observe.keys().chain(self.change.keys());
        if let Some(other) = named.find(|name| !name.eq_ignore_ascii_case(system)) {
            return Err(format!("this adapter is of `{system}`, not of `{other}`"));
        }
        let facts = (!self.set.is_empty()).then_some(ReportKind::Facts(self.set));
        let observed = self.observe.into_values().map(ReportKind::Observed);
        let changed = self.change.into_values().map(ReportKind::Changed);
        let kinds: Vec<ReportKind> = facts.into_iter().chain(observed).chain(changed).collect();
        if kinds.is_empty() {
            return Err("the event has none of `set`, `observe` and `change`".to_owned());
        }
        let report = |kind| SystemReport {
            user: self.user.clone(),
            at: self.at,
            kind,
        };
        Ok(kinds.into_iter().map(report).collect())
    }
}
