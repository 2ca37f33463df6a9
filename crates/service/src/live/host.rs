//! What connectors talk to: reports become events of users, and commands go to those whom a system knows.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use presync_connect::{ConnectorHost, HostError, ReportKind, SystemCommand, SystemReport};
use presync_engine::{Schema, SystemId};
use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use crate::core::EventAnswer;
use crate::handle::{CoreHandle, Now, WorkError};
use crate::live::users::{SiteUser, Users};
use crate::pause::{PauseTarget, Paused};

/// The most commands of a system that are looked at together.
const MOST_COMMANDS: usize = 1_000;

/// How a connected system is.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SystemHealth {
    pub connected: bool,
    /// Since when it is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<jiff::Timestamp>,
    /// Why it is not connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Reports taken, commands carried out and refused, and reports of users that are not in the table.
    pub reports: u64,
    pub sent: u64,
    pub refused: u64,
    pub unknown_users: u64,
}

#[derive(Default)]
struct SystemState {
    health: SystemHealth,
    /// The users that were observed since it was connected.
    observed: HashSet<String>,
    /// The number of the newest command when they were asked for last.
    answered: u64,
    /// What was paused then.
    paused: Paused,
    /// The ids that were warned of.
    warned: HashSet<String>,
}

/// See the module.
pub struct LiveHost {
    core: CoreHandle,
    users: watch::Receiver<Arc<Users>>,
    now: Now,
    /// Nothing is sent.
    dry_run: bool,
    /// By name.
    systems: Mutex<BTreeMap<String, SystemState>>,
    /// The users whose systems are to be decided again, and since when.
    waiting: Mutex<HashMap<String, jiff::Timestamp>>,
}

/// How long a decision waits for the echo of a command.
const LONGEST_WAIT: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);

impl LiveHost {
    /// `systems`: the names of those that have a connector.
    pub fn new(
        core: CoreHandle,
        users: watch::Receiver<Arc<Users>>,
        now: Now,
        dry_run: bool,
        systems: impl IntoIterator<Item = String>,
    ) -> Self {
        let state = |name| (name, SystemState::default());
        Self {
            core,
            users,
            now,
            dry_run,
            systems: Mutex::new(systems.into_iter().map(state).collect()),
            waiting: Mutex::default(),
        }
    }

    /// How each system is, by name.
    pub fn health(&self) -> BTreeMap<String, SystemHealth> {
        let systems = self.systems();
        let health = systems
            .iter()
            .map(|(name, state)| (name.clone(), state.health.clone()));
        health.collect()
    }

    /// Gives the sessions the roles and facts of the table.
    ///
    /// # Errors
    /// They could not be kept.
    pub async fn apply_users(&self) -> Result<(), WorkError> {
        let users = self.users.borrow().clone();
        let at = (self.now)().to_string();
        let about = users.iter().filter_map(|user| {
            let mut event = Map::new();
            if let Some(role) = &user.role {
                event.insert("role".to_owned(), json!(role));
            }
            if !user.facts.is_empty() {
                event.insert("set".to_owned(), json!(user.facts));
            }
            (!event.is_empty()).then(|| {
                event.insert("user".to_owned(), json!(user.name));
                event.insert("at".to_owned(), json!(at));
                Value::Object(event).to_string()
            })
        });
        let events: Vec<String> = about.collect();
        for some in events.chunks(1_000) {
            for answer in self.core.events(some.to_vec()).await? {
                if let EventAnswer::Rejected { message, .. } = answer {
                    tracing::warn!(message, "a user of the table was not accepted");
                }
            }
        }
        Ok(())
    }

    fn systems(&self) -> MutexGuard<'_, BTreeMap<String, SystemState>> {
        self.systems.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<String, jiff::Timestamp>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides again for the users who wait for that. It compares with what the systems have reported last, so the echo of a
    /// command on its way has to come first.
    ///
    /// # Errors
    /// The decisions could not be kept.
    pub async fn decide_waiting(&self) -> Result<(), HostError> {
        let now = (self.now)();
        let waiting: Vec<(String, jiff::Timestamp)> = self
            .waiting()
            .iter()
            .map(|(user, since)| (user.clone(), *since))
            .collect();
        let systems: Vec<String> = self.systems().keys().cloned().collect();
        for (user, since) in waiting {
            let mut is_on_its_way = false;
            for system in &systems {
                let unconfirmed = self.core.unconfirmed(user.clone(), system.clone());
                is_on_its_way |= unconfirmed.await.map_err(failed)?.is_some();
            }
            if is_on_its_way && now.duration_since(since) < LONGEST_WAIT {
                continue;
            }
            let event = json!({ "user": user, "resync": true, "at": now.to_string() });
            self.events(vec![event.to_string()]).await?;
            self.waiting().remove(&user);
        }
        Ok(())
    }

    /// Decides again for the users of the table who were paused. What changed meanwhile is made up for.
    pub fn decide_again_for(&self, target: &PauseTarget) {
        let users = self.users.borrow().clone();
        // No command is on its way.
        let since = (self.now)() - LONGEST_WAIT;
        let is_of = |user: &&SiteUser| target.user.as_ref().is_none_or(|name| *name == user.name);
        let names = users
            .iter()
            .filter(is_of)
            .map(|user| (user.name.clone(), since));
        self.waiting().extend(names);
    }

    fn with_system<T>(&self, system: &str, change: impl FnOnce(&mut SystemState) -> T) -> T {
        change(self.systems().entry(system.to_owned()).or_default())
    }

    /// The users whom every connected system of theirs has been observed for, of those that one has just been.
    fn complete(&self, schema: &Schema, users: &Users, observed: Vec<String>) -> Vec<String> {
        let systems = self.systems();
        let is_known = |name: &String| {
            let user = users.named(name);
            user.is_some_and(|user| {
                systems.iter().all(|(system, state)| {
                    let id = schema.find_system(system);
                    let is_there = id.is_some_and(|id| user.id(id).is_some());
                    !is_there || state.observed.contains(name)
                })
            })
        };
        observed.into_iter().filter(is_known).collect()
    }

    async fn events(&self, events: Vec<String>) -> Result<Vec<EventAnswer>, HostError> {
        self.core.events(events).await.map_err(failed)
    }
}

#[expect(clippy::needless_pass_by_value)]
fn failed(error: WorkError) -> HostError {
    HostError(error.to_string())
}

/// The event of a report.
fn event(
    schema: &Schema,
    (system, id): (&str, SystemId),
    user: &SiteUser,
    report: &SystemReport,
    now: jiff::Timestamp,
) -> Option<Value> {
    let mut event = json!({ "user": user.name, "at": report.at.unwrap_or(now).to_string() });
    match &report.kind {
        ReportKind::Observed(state) => event["observe"] = json!({ system: state }),
        ReportKind::Changed(state) => event["change"] = json!({ system: state }),
        ReportKind::Online(online) => {
            let flag = schema.system(id).online?;
            event["set"] = json!({ &schema.fact(flag).name: online });
        }
        ReportKind::Facts(facts) => event["set"] = json!(facts),
    }
    Some(event)
}

#[async_trait]
impl ConnectorHost for LiveHost {
    fn users(&self, system: &str) -> Vec<String> {
        let tables = self.core.tables();
        let Some(id) = tables.schema().find_system(system) else {
            return Vec::new();
        };
        let users = self.users.borrow();
        let ids = users.iter().filter_map(|user| user.id(id));
        ids.map(ToOwned::to_owned).collect()
    }

    async fn users_changed(&self, system: &str) {
        let before = self.users(system);
        let mut users = self.users.clone();
        while users.changed().await.is_ok() {
            if self.users(system) != before {
                return;
            }
        }
        // The table does not change any more.
        std::future::pending::<()>().await;
    }

    async fn report(&self, system: &str, reports: Vec<SystemReport>) -> Result<(), HostError> {
        let tables = self.core.tables();
        let schema = tables.schema();
        let Some(id) = schema.find_system(system) else {
            return Ok(());
        };
        let users = self.users.borrow().clone();
        let now = (self.now)();
        let mut events = Vec::new();
        let mut observed = Vec::new();
        for report in &reports {
            let Some(user) = users.of_id(id, &report.user) else {
                self.with_system(system, |state| {
                    state.health.unknown_users += 1;
                    if state.warned.len() < 1_000 && state.warned.insert(report.user.clone()) {
                        tracing::warn!(system, id = report.user, "this user is not in the table");
                    }
                });
                continue;
            };
            if let Some(event) = event(schema, (system, id), user, report, now) {
                events.push((event, user.name.clone()));
            }
            if matches!(report.kind, ReportKind::Observed(_)) {
                observed.push(user.name.clone());
            }
        }
        let lines = events.iter().map(|(event, _)| event.to_string()).collect();
        let answers = self.events(lines).await?;
        let mut again = Vec::new();
        for ((event, user), answer) in events.iter().zip(answers) {
            let EventAnswer::Rejected { error, message } = answer else {
                continue;
            };
            tracing::warn!(system, user, code = error, message, "a report was rejected");
            // A state that the program does not know: what the system shows is not known any more.
            if event.get("set").is_none() {
                let forgotten =
                    json!({ "user": user, "observe": { system: null }, "at": event["at"] });
                again.push(forgotten.to_string());
            }
        }
        self.with_system(system, |state| {
            state.health.reports += reports.len() as u64;
            state.observed.extend(observed.iter().cloned());
        });
        if !again.is_empty() {
            self.events(again).await?;
        }
        let complete = self.complete(schema, &users, observed);
        self.waiting()
            .extend(complete.into_iter().map(|user| (user, now)));
        self.decide_waiting().await
    }

    fn lost(&self, system: &str, why: &str) {
        tracing::warn!(system, why, "not connected");
        let since = Some((self.now)());
        self.with_system(system, |state| {
            state.observed.clear();
            let health = &mut state.health;
            if health.connected || health.since.is_none() {
                health.since = since;
            }
            health.connected = false;
            health.why = Some(why.to_owned());
        });
    }

    fn connected(&self, system: &str) {
        tracing::info!(system, "connected");
        let since = Some((self.now)());
        self.with_system(system, |state| {
            state.observed.clear();
            state.health.connected = true;
            state.health.since = since;
            state.health.why = None;
        });
    }

    async fn commands(&self, system: &str) -> Result<Vec<SystemCommand>, HostError> {
        let newest = self.core.newest();
        let paused = self.core.paused();
        self.with_system(system, |state| {
            state.answered = newest;
            state.paused = paused;
        });
        let tables = self.core.tables();
        let Some(id) = tables.schema().find_system(system) else {
            return Ok(Vec::new());
        };
        // Those to others stay, for programs that ask for them.
        let users = self.users.borrow().clone();
        let name = system.to_owned();
        let is_wanted = move |user: &str, of: &str| {
            of == name && users.named(user).is_some_and(|user| user.id(id).is_some())
        };
        let waiting = self.core.waiting(Box::new(is_wanted), MOST_COMMANDS);
        let waiting = waiting.await.map_err(failed)?;
        let users = self.users.borrow();
        let commands = waiting.into_iter().filter_map(|one| {
            let known = users.named(&one.command.user)?.id(id)?;
            Some(SystemCommand {
                number: one.number,
                user: known.to_owned(),
                state: one.command.set.into_values().next()?,
                append: one.command.append,
            })
        });
        Ok(commands.collect())
    }

    async fn is_newest(&self, system: &str, command: &SystemCommand) -> Result<bool, HostError> {
        let Some(user) = self.name(system, &command.user) else {
            return Ok(false);
        };
        if self.core.paused().holds(&user, system) {
            return Ok(false);
        }
        let record = self.core.user(user).await.map_err(failed)?;
        let waiting = record
            .as_ref()
            .and_then(|record| record.waiting.get(system));
        Ok(waiting.is_some_and(|waiting| waiting.number == command.number))
    }

    async fn more_commands(&self, system: &str) {
        let (answered, paused) =
            self.with_system(system, |state| (state.answered, state.paused.clone()));
        let more = tokio::select! {
            newer = self.core.newer_than(answered) => newer,
            other = self.core.paused_differently(&paused) => other,
        };
        if more.is_err() {
            // The service is ending.
            std::future::pending::<()>().await;
        }
    }

    async fn done(
        &self,
        system: &str,
        command: &SystemCommand,
        refused: Option<&str>,
    ) -> Result<(), HostError> {
        let Some(user) = self.name(system, &command.user) else {
            return Ok(());
        };
        self.core
            .acknowledge(user.clone(), command.number)
            .await
            .map_err(failed)?;
        let SystemCommand { number, state, .. } = command;
        match refused {
            None if self.dry_run => tracing::info!(system, user, number, state, "would set"),
            None => tracing::info!(system, user, number, state, "set"),
            Some(why) => tracing::warn!(system, user, number, state, why, "refused"),
        }
        self.with_system(system, |state| {
            let health = &mut state.health;
            *if refused.is_some() {
                &mut health.refused
            } else {
                &mut health.sent
            } += 1;
        });
        Ok(())
    }

    async fn unconfirmed(&self, system: &str, user: &str) -> Result<Option<String>, HostError> {
        let Some(user) = self.name(system, user) else {
            return Ok(None);
        };
        let unconfirmed = self.core.unconfirmed(user, system.to_owned());
        unconfirmed.await.map_err(failed)
    }

    async fn decide_again(&self, system: &str, user: &str) -> Result<(), HostError> {
        let Some(user) = self.name(system, user) else {
            return Ok(());
        };
        self.waiting().insert(user, (self.now)());
        self.decide_waiting().await
    }
}

impl LiveHost {
    /// Whom a system calls this.
    fn name(&self, system: &str, id: &str) -> Option<String> {
        let tables = self.core.tables();
        let system = tables.schema().find_system(system)?;
        let users = self.users.borrow();
        Some(users.of_id(system, id)?.name.clone())
    }
}
