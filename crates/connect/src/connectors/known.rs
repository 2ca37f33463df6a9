//! The newest known state of each user. Answers of a system may come late: what is older than that says nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::report::ReportKind;

/// By user in lower case. The messages of a system and the answers to questions share it.
#[derive(Clone, Default)]
pub struct KnownStates(Arc<Mutex<HashMap<String, KnownState>>>);

struct KnownState {
    state: String,
    /// A later one sorts behind.
    version: Option<String>,
}

impl KnownStates {
    /// What a state is to the host, if it is news. `is_message`: the system says by itself that something has changed, so the same state
    /// with another version was chosen again.
    pub fn news(
        &self,
        user: &str,
        state: &str,
        version: Option<&str>,
        is_message: bool,
    ) -> Option<ReportKind> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = KnownState {
            state: state.to_owned(),
            version: version.map(ToOwned::to_owned),
        };
        let Some(known) = all.get_mut(&user.to_lowercase()) else {
            all.insert(user.to_lowercase(), new);
            return Some(ReportKind::Observed(Some(state.to_owned())));
        };
        let versions = known.version.as_ref().zip(new.version.as_ref());
        let is_older = versions.is_some_and(|(known, new)| new < known);
        let is_same = known.state.eq_ignore_ascii_case(state);
        let is_again = is_message && new.version.is_some() && known.version != new.version;
        if is_older || (is_same && !is_again) {
            return None;
        }
        known.state = new.state;
        known.version = new.version.or(known.version.take());
        Some(ReportKind::Changed(state.to_owned()))
    }

    /// The known state of a user.
    pub fn state(&self, user: &str) -> Option<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&user.to_lowercase())
            .map(|known| known.state.clone())
    }

    /// What the answer to a question is to the host: a change that no message has brought yet, or the known state.
    pub fn answer(&self, user: &str, state: &str, version: Option<&str>) -> ReportKind {
        if let Some(news) = self.news(user, state, version, false) {
            return news;
        }
        ReportKind::Observed(self.state(user))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(state: &str) -> ReportKind {
        ReportKind::Observed(Some(state.to_owned()))
    }

    fn changed(state: &str) -> ReportKind {
        ReportKind::Changed(state.to_owned())
    }

    #[test]
    fn what_is_older_says_nothing() {
        let known = KnownStates::default();
        assert_eq!(
            known.news("ann", "Busy", Some("2"), true),
            Some(observed("Busy"))
        );
        assert_eq!(known.news("Ann", "Away", Some("1"), true), None);
        assert_eq!(known.answer("ann", "Away", Some("1")), observed("Busy"));
        assert_eq!(known.answer("ann", "Busy", Some("2")), observed("Busy"));
        // The same message again, and another choice of the same state.
        assert_eq!(known.news("ann", "Busy", Some("2"), true), None);
        assert_eq!(
            known.news("ann", "busy", Some("3"), true),
            Some(changed("busy"))
        );
    }

    #[test]
    fn an_answer_may_be_the_first_to_know() {
        let known = KnownStates::default();
        assert_eq!(known.answer("ann", "Busy", Some("1")), observed("Busy"));
        assert_eq!(known.answer("ann", "Away", Some("2")), changed("Away"));
        // Its message comes later.
        assert_eq!(known.news("ann", "Away", Some("2"), true), None);
        // A system without versions.
        assert_eq!(
            known.news("bob", "Busy", None, false),
            Some(observed("Busy"))
        );
        assert_eq!(known.news("bob", "Busy", None, true), None);
        assert_eq!(known.news("bob", "Away", None, true), Some(changed("Away")));
    }
}
