//! What a system reports of its users, as events.

use presync_connect::{ReportKind, SystemReport};
use presync_engine::Schema;
use serde_json::{Value, json};

use crate::live::host::LiveHost;
use crate::live::users::{SiteUser, Users};

/// The event of a report; `None` if the program has no use for it.
fn event(
    schema: &Schema,
    system: &str,
    user: &SiteUser,
    report: &SystemReport,
    now: jiff::Timestamp,
) -> Option<Value> {
    let mut event = json!({ "user": user.name, "at": report.at.unwrap_or(now).to_string() });
    match &report.kind {
        ReportKind::Observed(state) => event["observe"] = json!({ system: state }),
        ReportKind::Changed(state) => event["change"] = json!({ system: state }),
        ReportKind::Online(online) => {
            let flag = schema.system(schema.find_system(system)?).online?;
            event["set"] = json!({ &schema.fact(flag).name: online });
        }
        ReportKind::Facts(facts) => event["set"] = json!(facts),
        ReportKind::Memory(_) => return None,
    }
    Some(event)
}

/// The reports of a system as events of users.
#[derive(Default)]
pub struct ReportEvents {
    /// With the user of each.
    pub events: Vec<(Value, String)>,
    /// The users of whom a state was observed.
    pub observed: Vec<String>,
    /// By user.
    pub memories: Vec<(String, String)>,
}

impl LiveHost {
    /// Of users who are in the table; others are counted, and named once in the log.
    pub fn events_of(
        &self,
        system: &str,
        users: &Users,
        reports: &[SystemReport],
        now: jiff::Timestamp,
    ) -> ReportEvents {
        let tables = self.core.tables();
        let mut found = ReportEvents::default();
        for report in reports {
            let Some(user) = users.of_id(system, &report.user) else {
                self.with_system(system, |state| {
                    state.health.unknown_users += 1;
                    if state.warned.len() < 1_000 && state.warned.insert(report.user.clone()) {
                        tracing::warn!(system, id = report.user, "this user is not in the table");
                    }
                });
                continue;
            };
            let name = user.name.clone();
            if let Some(event) = event(tables.schema(), system, user, report, now) {
                found.events.push((event, name.clone()));
            }
            if let (true, ReportKind::Observed(Some(shown)) | ReportKind::Changed(shown)) =
                (self.dry_run, &report.kind)
            {
                self.with_system(system, |state| state.comparison.shows(&name, shown, now));
            }
            match &report.kind {
                ReportKind::Observed(_) => found.observed.push(name),
                ReportKind::Memory(memory) => found.memories.push((name, memory.clone())),
                ReportKind::Changed(_) | ReportKind::Online(_) | ReportKind::Facts(_) => {}
            }
        }
        found
    }
}
