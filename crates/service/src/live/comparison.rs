//! What a dry run would have set, compared with what the systems have shown since: beside another integration, both should be the same.

use std::collections::{HashMap, VecDeque};

use schemars::JsonSchema;
use serde::Serialize;

/// How long a system may take to show what another integration has set.
const WAIT: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);

/// How many differences are kept.
const KEPT: usize = 100;

/// What a dry run has found of a system.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct DryRunReport {
    /// Commands that would have been sent.
    pub would_set: u64,
    /// Those whose state the system has shown within a minute.
    pub shown: u64,
    /// Those whose state it has not.
    pub not_shown: u64,
    /// The last of these.
    pub differences: VecDeque<DryRunDifference>,
}

/// A command of a dry run whose state the system has not shown.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DryRunDifference {
    pub user: String,
    /// When it would have been sent.
    #[schemars(with = "String")]
    pub at: jiff::Timestamp,
    pub would_set: String,
    /// What the system has shown instead.
    pub shows: Option<String>,
}

#[derive(Default)]
pub struct DryRunComparison {
    report: DryRunReport,
    /// By user: the commands that are compared, each the newest.
    waiting: HashMap<String, (String, jiff::Timestamp)>,
    /// By user.
    shows: HashMap<String, String>,
}

impl DryRunComparison {
    /// A command would have been sent.
    pub fn would_set(&mut self, user: &str, state: &str, now: jiff::Timestamp) {
        self.report.would_set += 1;
        let new = (state.to_owned(), now);
        if let Some(before) = self.waiting.insert(user.to_owned(), new) {
            self.differs(user, before);
        }
    }

    /// A system shows something.
    pub fn shows(&mut self, user: &str, state: &str, now: jiff::Timestamp) {
        self.settle(now);
        self.shows.insert(user.to_owned(), state.to_owned());
        let is_it = |(wanted, _): &(String, jiff::Timestamp)| wanted.eq_ignore_ascii_case(state);
        if self.waiting.get(user).is_some_and(is_it) {
            self.waiting.remove(user);
            self.report.shown += 1;
        }
    }

    /// What was found until now.
    pub fn report(&mut self, now: jiff::Timestamp) -> DryRunReport {
        self.settle(now);
        self.report.clone()
    }

    /// Whatever was not shown in time is different.
    fn settle(&mut self, now: jiff::Timestamp) {
        let is_late =
            |_: &String, (_, at): &mut (String, jiff::Timestamp)| now.duration_since(*at) >= WAIT;
        let mut late: Vec<_> = self.waiting.extract_if(is_late).collect();
        late.sort_by(|(one, (_, at)), (other, (_, than))| (at, one).cmp(&(than, other)));
        for (user, command) in late {
            self.differs(&user, command);
        }
    }

    fn differs(&mut self, user: &str, (would_set, at): (String, jiff::Timestamp)) {
        self.report.not_shown += 1;
        self.report.differences.push_back(DryRunDifference {
            user: user.to_owned(),
            at,
            would_set,
            shows: self.shows.get(user).cloned(),
        });
        if self.report.differences.len() > KEPT {
            self.report.differences.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_shown_in_time_is_different() {
        let start = jiff::Timestamp::UNIX_EPOCH;
        let at = |seconds| start + jiff::SignedDuration::from_secs(seconds);
        let mut both = DryRunComparison::default();
        both.shows("ann", "Free", at(0));
        // The other integration does the same, and something else.
        both.would_set("ann", "Away", at(1));
        both.shows("ann", "away", at(3));
        both.would_set("ann", "Busy", at(10));
        both.shows("ann", "Free", at(12));
        // Nothing, for another.
        both.would_set("bob", "Away", at(12));
        let report = both.report(at(69));
        assert_eq!(
            (report.would_set, report.shown, report.not_shown),
            (3, 1, 0)
        );
        let report = both.report(at(72));
        let difference =
            |user: &str, seconds, would_set: &str, shows: Option<&str>| DryRunDifference {
                user: user.to_owned(),
                at: at(seconds),
                would_set: would_set.to_owned(),
                shows: shows.map(ToOwned::to_owned),
            };
        let differences = [
            difference("ann", 10, "Busy", Some("Free")),
            difference("bob", 12, "Away", None),
        ];
        assert_eq!((report.shown, report.not_shown), (1, 2));
        assert_eq!(report.differences, differences);
        // Too late.
        both.shows("bob", "Away", at(80));
        assert_eq!(both.report(at(80)).shown, 1);
    }

    #[test]
    fn a_command_that_is_replaced_was_not_shown() {
        let now = jiff::Timestamp::UNIX_EPOCH;
        let mut both = DryRunComparison::default();
        for number in 0..300 {
            both.would_set("ann", &format!("State {number}"), now);
        }
        let report = both.report(now);
        assert_eq!((report.would_set, report.not_shown), (300, 299));
        assert_eq!(report.differences.len(), KEPT);
        assert_eq!(report.differences[0].would_set, "State 199");
    }
}
