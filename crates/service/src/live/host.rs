//! What connectors talk to: reports become events of users, and commands go to those whom a system knows.

mod events;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use presync_connect::{
    ConnectorHost, HostError, ReportKind, SystemCommand, SystemReport, SystemUser,
};
use presync_engine::{Schema, Tables};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use crate::core::{AgainRequest, EventAnswer};
use crate::handle::{CoreHandle, Now, WorkError};
use crate::live::comparison::{DryRunComparison, DryRunReport};
use crate::live::users::{SiteUser, Users};
use crate::live::{LiveError, check_states, system_name};
use crate::pause::{PauseTarget, Paused};
use crate::store::CommandPlace;
use events::ReportEvents;

/// The most commands of a system that are looked at together.
const MOST_COMMANDS: usize = 1_000;

/// How a connected system is.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct SystemHealth {
    pub connected: bool,
    /// Since when it is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub since: Option<jiff::Timestamp>,
    /// Why it is not connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Reports taken, commands carried out and refused, and reports of users that are not in the table.
    pub reports: u64,
    pub sent: u64,
    pub refused: u64,
    pub unknown_users: u64,
    /// What a dry run has found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<DryRunReport>,
}

/// Reads the table of users; the error is for people.
pub type LoadUsers = dyn Fn(&Schema) -> Result<Users, String> + Send + Sync;

#[derive(Default)]
struct SystemState {
    health: SystemHealth,
    /// The states that its connector can set; `None`: all.
    settable: Option<&'static [&'static str]>,
    /// The users that were observed since it was connected.
    observed: HashSet<String>,
    /// The number of the newest command when they were asked for last.
    answered: u64,
    /// What was paused then.
    paused: Paused,
    /// The ids that were warned of.
    warned: HashSet<String>,
    /// Of a dry run.
    comparison: DryRunComparison,
}

/// See the module.
pub struct LiveHost {
    core: CoreHandle,
    users: watch::Sender<Arc<Users>>,
    load_users: Box<LoadUsers>,
    now: Now,
    /// Nothing is sent.
    dry_run: bool,
    /// By name.
    systems: Mutex<BTreeMap<String, SystemState>>,
    /// The users whose systems are to be decided again, and since when.
    waiting: Mutex<HashMap<String, jiff::Timestamp>>,
    /// There may be something to decide again.
    again: Notify,
}

/// The states that a connector can set; `None`: all.
pub type SettableStates = Option<&'static [&'static str]>;

/// How long a decision waits for the echo of a command.
const LONGEST_WAIT: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);

/// How long a decision waits for a system that has not shown the user yet.
const LONGEST_ABSENCE: jiff::SignedDuration = jiff::SignedDuration::from_secs(30);

/// When something is tried again that the store did not take.
const STORE_AGAIN: Duration = Duration::from_secs(1);

impl LiveHost {
    /// `systems`: those that have a connector, with what it can set.
    ///
    /// # Errors
    /// The users cannot be read.
    pub fn new(
        core: CoreHandle,
        load_users: Box<LoadUsers>,
        now: Now,
        dry_run: bool,
        systems: impl IntoIterator<Item = (String, SettableStates)>,
    ) -> Result<Self, String> {
        let users = load_users(core.tables().schema())?;
        let state = |(name, settable)| {
            let state = SystemState {
                settable,
                ..SystemState::default()
            };
            (name, state)
        };
        Ok(Self {
            core,
            users: watch::Sender::new(Arc::new(users)),
            load_users,
            now,
            dry_run,
            systems: Mutex::new(systems.into_iter().map(state).collect()),
            waiting: Mutex::default(),
            again: Notify::new(),
        })
    }

    /// The users for another program.
    ///
    /// # Errors
    /// It does not have a connected system, sets a state that a connector cannot set, or the table of users does not fit.
    pub fn users_for(&self, tables: &Tables) -> Result<Users, String> {
        let error = |error: LiveError| error.to_string();
        for (name, state) in &*self.systems() {
            system_name(tables, name).map_err(error)?;
            check_states(tables, name, state.settable).map_err(error)?;
        }
        (self.load_users)(tables.schema())
    }

    /// Uses other users from now on. Their roles and facts are applied soon.
    pub fn set_users(&self, users: Users) {
        self.users.send_if_modified(|before| {
            let is_other = **before != users;
            if is_other {
                *before = Arc::new(users);
            }
            is_other
        });
    }

    /// Applies roles and facts of users whenever they have changed. Does not end by itself.
    pub async fn keep_users_applied(&self) {
        let mut users = self.users.subscribe();
        while users.changed().await.is_ok() {
            while let Err(error) = self.apply_users().await {
                tracing::error!(%error, "the new users could not be stored: this is tried again");
                sleep(STORE_AGAIN).await;
            }
        }
    }

    /// How each system is, by name.
    pub fn health(&self) -> BTreeMap<String, SystemHealth> {
        let now = (self.now)();
        let mut systems = self.systems();
        let health = systems.iter_mut().map(|(name, state)| {
            let dry_run = self.dry_run.then(|| state.comparison.report(now));
            let health = SystemHealth {
                dry_run,
                ..state.health.clone()
            };
            (name.clone(), health)
        });
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
                (user.name.clone(), Value::Object(event).to_string())
            })
        });
        let events: Vec<(String, String)> = about.collect();
        for some in events.chunks(1_000) {
            let lines = some.iter().map(|(_, event)| event.clone()).collect();
            let answers = self.core.events(lines).await?;
            for ((user, _), answer) in some.iter().zip(answers) {
                if let EventAnswer::Rejected { message, .. } = answer {
                    tracing::warn!(user, message, "a user of the table was not accepted");
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

    /// Decides again for the users who wait for that. Their systems have to be observed and the echoes of commands to be heard first,
    /// for a while: one that is away, or does not show the user, does not hold up the others.
    ///
    /// # Errors
    /// The decisions could not be stored: the users still wait.
    pub async fn decide_waiting(&self) -> Result<(), HostError> {
        let now = (self.now)();
        let users = self.users.borrow().clone();
        let mut waiting = std::mem::take(&mut *self.waiting());
        let is_early = |user: &String, since: jiff::Timestamp| {
            now.duration_since(since) < LONGEST_ABSENCE && !self.is_complete(&users, user)
        };
        let early: Vec<(String, jiff::Timestamp)> = waiting
            .extract_if(|user, since| is_early(user, *since))
            .collect();
        self.put_back(early);
        if waiting.is_empty() {
            return Ok(());
        }
        let requests = waiting.iter().map(|(user, since)| AgainRequest {
            user: user.clone(),
            waits_for_echo: now.duration_since(*since) < LONGEST_WAIT,
        });
        let decided = self.core.decide_again(requests.collect()).await;
        match decided {
            Ok(still) => {
                let still: HashSet<String> = still.into_iter().collect();
                waiting.retain(|user, _| still.contains(user));
                self.put_back(waiting);
                Ok(())
            }
            Err(error) => {
                self.put_back(waiting);
                Err(failed(error))
            }
        }
    }

    /// Lets users wait, those who wait already since they do.
    fn put_back(&self, users: impl IntoIterator<Item = (String, jiff::Timestamp)>) {
        let mut waiting = self.waiting();
        for (user, since) in users {
            let known = waiting.entry(user).or_insert(since);
            *known = since.min(*known);
        }
    }

    /// Decides again whenever somebody waits for that. Does not end by itself.
    pub async fn keep_deciding(&self) {
        loop {
            let _ = timeout(Duration::from_secs(1), self.again.notified()).await;
            if let Err(error) = self.decide_waiting().await {
                tracing::error!(%error, "decisions could not be stored: this is tried again");
                sleep(STORE_AGAIN).await;
            }
        }
    }

    fn wait_for_decision(&self, users: impl IntoIterator<Item = String>, since: jiff::Timestamp) {
        self.put_back(users.into_iter().map(|user| (user, since)));
        self.again.notify_one();
    }

    /// Decides again for the users of the table who were paused. What changed meanwhile is made up for.
    pub fn decide_again_for(&self, target: &PauseTarget) {
        let users = self.users.borrow().clone();
        // No command is on its way.
        let since = (self.now)() - LONGEST_WAIT;
        let is_of = |user: &&SiteUser| target.user.as_ref().is_none_or(|name| *name == user.name);
        let names = users.iter().filter(is_of).map(|user| user.name.clone());
        self.wait_for_decision(names, since);
    }

    fn with_system<T>(&self, system: &str, change: impl FnOnce(&mut SystemState) -> T) -> T {
        change(self.systems().entry(system.to_owned()).or_default())
    }

    /// Whether every system of a user has been observed since it was connected.
    fn is_complete(&self, users: &Users, name: &str) -> bool {
        let systems = self.systems();
        users.named(name).is_none_or(|user| {
            systems
                .iter()
                .all(|(system, state)| user.id(system).is_none() || state.observed.contains(name))
        })
    }

    async fn events(&self, events: Vec<String>) -> Result<Vec<EventAnswer>, HostError> {
        self.core.events(events).await.map_err(failed)
    }
}

#[expect(clippy::needless_pass_by_value)]
fn failed(error: WorkError) -> HostError {
    HostError(error.to_string())
}

#[async_trait]
impl ConnectorHost for LiveHost {
    async fn users(&self, system: &str) -> Result<Vec<SystemUser>, HostError> {
        let users = self.users.borrow().clone();
        let users = users.iter();
        let known = users.filter_map(|user| Some((user.name.clone(), user.id(system)?.to_owned())));
        let (names, ids): (Vec<String>, Vec<String>) = known.unzip();
        let memories = self.core.memories(system.to_owned(), names).await;
        let both = ids.into_iter().zip(memories.map_err(failed)?);
        Ok(both.map(|(id, memory)| SystemUser { id, memory }).collect())
    }

    async fn users_changed(&self, system: &str, connected: &[String]) {
        let mut users = self.users.subscribe();
        let is_other = |users: &Arc<Users>| {
            let ids = users.iter().filter_map(|user| user.id(system));
            !ids.eq(connected.iter().map(String::as_str))
        };
        // The sender lives as long as this.
        let _ = users.wait_for(is_other).await;
    }

    fn echo(&self, system: &str) -> Duration {
        let tables = self.core.tables();
        let schema = tables.schema();
        let system = schema.find_system(system);
        let seconds = system.map_or(60, |system| schema.system(system).echo_seconds());
        Duration::from_secs(u64::from(seconds))
    }

    async fn report(&self, system: &str, reports: Vec<SystemReport>) -> Result<(), HostError> {
        let users = self.users.borrow().clone();
        let now = (self.now)();
        let ReportEvents {
            events,
            observed,
            memories,
        } = self.events_of(system, &users, &reports, now);
        let lines = events.iter().map(|(event, _)| event.to_string()).collect();
        let answers = self.events(lines).await?;
        let mut again = Vec::new();
        for ((event, user), answer) in events.iter().zip(answers) {
            let EventAnswer::Rejected { error, message } = answer else {
                continue;
            };
            tracing::warn!(system, user, code = error, message, "a report was rejected");
            // What the system shows is not known any more.
            if error == "unknown-state" {
                let forgotten =
                    json!({ "user": user, "observe": { system: null }, "at": event["at"] });
                again.push(forgotten.to_string());
            }
        }
        if !again.is_empty() {
            self.events(again).await?;
        }
        if !memories.is_empty() {
            let kept = self.core.remember(system.to_owned(), memories);
            kept.await.map_err(failed)?;
        }
        self.with_system(system, |state| {
            let told = reports.iter();
            let told = told.filter(|report| !matches!(report.kind, ReportKind::Memory(_)));
            state.health.reports += told.count() as u64;
            state.observed.extend(observed.iter().cloned());
        });
        self.wait_for_decision(observed, now);
        Ok(())
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

    async fn commands(
        &self,
        system: &str,
        known: HashMap<String, u64>,
    ) -> Result<Vec<SystemCommand>, HostError> {
        let newest = self.core.newest();
        let paused = self.core.paused();
        self.with_system(system, |state| {
            state.answered = newest;
            state.paused = paused;
        });
        // Those to others stay, for programs that ask for them.
        let users = self.users.borrow().clone();
        let name = system.to_owned();
        let is_wanted = move |place: CommandPlace<'_>| {
            let user = users.named(place.user).filter(|_| place.system == name);
            let id = user.and_then(|user| user.id(&name));
            id.is_some_and(|id| known.get(id) != Some(&place.number))
        };
        let waiting = self.core.waiting(Box::new(is_wanted), MOST_COMMANDS);
        let waiting = waiting.await.map_err(failed)?;
        let users = self.users.borrow();
        let commands = waiting.into_iter().filter_map(|one| {
            let id = users.named(&one.command.user)?.id(system)?;
            Some(SystemCommand {
                number: one.number,
                user: id.to_owned(),
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
        let now = (self.now)();
        self.with_system(system, |found| {
            if self.dry_run {
                found.comparison.would_set(&user, state, now);
            }
            let health = &mut found.health;
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

    fn decide_again(&self, system: &str, user: &str) {
        self.wait_for_decision(self.name(system, user), (self.now)());
    }
}

impl LiveHost {
    /// Whom a system calls this.
    fn name(&self, system: &str, id: &str) -> Option<String> {
        let users = self.users.borrow();
        Some(users.of_id(system, id)?.name.clone())
    }

    /// Whether the table has a user of this name.
    pub fn has_user(&self, name: &str) -> bool {
        self.users.borrow().named(name).is_some()
    }
}
