//! A host that remembers reports and commands.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use presync_connect::{
    ConnectorHost, HostError, ReportKind, SystemCommand, SystemReport, SystemUser,
};
use tokio::sync::Notify;

#[derive(Default)]
pub struct Told {
    pub is_connected: bool,
    pub lost: usize,
    /// Why it was lost last.
    pub why: String,
    /// Users with what is to be remembered of them.
    pub memories: Vec<(String, String)>,
    /// Users with facts.
    pub facts: Vec<(String, BTreeMap<String, serde_json::Value>)>,
    /// Users with states, in order.
    pub observed: Vec<(String, String)>,
    pub changed: Vec<(String, String)>,
    /// Commands that were carried out, or refused: why.
    pub done: Vec<(u64, Option<String>)>,
    /// How often something was decided again.
    pub again: usize,
    waiting: BTreeMap<String, SystemCommand>,
    unconfirmed: BTreeMap<String, String>,
    number: u64,
    /// How many of the next reports are not taken.
    failing: usize,
}

#[derive(Default)]
pub struct TestHost {
    users: Vec<SystemUser>,
    told: Mutex<Told>,
    more: Notify,
}

/// A user of whom nothing is remembered.
pub fn user(id: &str) -> SystemUser {
    SystemUser {
        id: id.to_owned(),
        memory: None,
    }
}

/// The reports of one user.
pub struct OfUser {
    pub observed: Vec<String>,
    pub changed: Vec<String>,
}

impl TestHost {
    /// Of `ann` and `bob`.
    pub fn new() -> Self {
        Self::of_users(["ann", "bob"].map(user).into())
    }

    pub fn of_users(users: Vec<SystemUser>) -> Self {
        Self {
            users,
            ..Self::default()
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn seen(&self, is_so: impl Fn(&Told) -> bool) -> bool {
        is_so(&self.told())
    }

    /// Waits until something is so.
    pub async fn until(&self, what: &str, is_so: impl Fn(&Told) -> bool) {
        for _ in 0..4_000 {
            if self.seen(&is_so) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let told = self.told();
        panic!(
            "{what}: not in twenty seconds; observed {:?}, changed {:?}, done {:?}",
            told.observed, told.changed, told.done
        );
    }

    pub fn of(&self, user: &str) -> OfUser {
        let told = self.told();
        let of = |all: &[(String, String)]| {
            let own = all.iter().filter(|(one, _)| one.contains(user));
            own.map(|(_, state)| state.clone()).collect()
        };
        OfUser {
            observed: of(&told.observed),
            changed: of(&told.changed),
        }
    }

    /// Gives a command, which replaces one that waits. Its number.
    pub fn command(&self, user: &str, state: &str) -> u64 {
        self.command_with(user, state, &[])
    }

    /// The same with texts.
    pub fn command_with(&self, user: &str, state: &str, append: &[&str]) -> u64 {
        let mut told = self.told();
        told.number += 1;
        let command = SystemCommand {
            number: told.number,
            user: user.to_owned(),
            state: state.to_owned(),
            append: append.iter().map(ToString::to_string).collect(),
        };
        told.waiting.insert(user.to_owned(), command);
        self.more.notify_waiters();
        told.number
    }

    /// Nobody has confirmed this yet.
    pub fn unconfirmed(&self, user: &str, state: &str) {
        let mut told = self.told();
        told.unconfirmed.insert(user.to_owned(), state.to_owned());
    }

    /// The next reports are not taken.
    pub fn fail(&self, times: usize) {
        self.told().failing = times;
    }
}

#[async_trait]
impl ConnectorHost for TestHost {
    async fn users(&self, _: &str) -> Result<Vec<SystemUser>, HostError> {
        Ok(self.users.clone())
    }

    async fn users_changed(&self, _: &str, _: &[String]) {
        std::future::pending::<()>().await;
    }

    fn echo(&self, _: &str) -> Duration {
        Duration::from_millis(400)
    }

    async fn report(&self, _: &str, reports: Vec<SystemReport>) -> Result<(), HostError> {
        let mut told = self.told();
        if told.failing > 0 {
            told.failing -= 1;
            return Err(HostError("not now".to_owned()));
        }
        for report in reports {
            match report.kind {
                ReportKind::Observed(Some(state)) => told.observed.push((report.user, state)),
                ReportKind::Changed(state) => told.changed.push((report.user, state)),
                ReportKind::Memory(memory) => told.memories.push((report.user, memory)),
                ReportKind::Facts(facts) => told.facts.push((report.user, facts)),
                _ => {}
            }
        }
        Ok(())
    }

    fn lost(&self, _: &str, why: &str) {
        let mut told = self.told();
        why.clone_into(&mut told.why);
        told.is_connected = false;
        told.lost += 1;
    }

    fn connected(&self, _: &str) {
        self.told().is_connected = true;
    }

    async fn commands(
        &self,
        _: &str,
        known: HashMap<String, u64>,
    ) -> Result<Vec<SystemCommand>, HostError> {
        let told = self.told();
        let is_new = |one: &&SystemCommand| known.get(&one.user) != Some(&one.number);
        Ok(told.waiting.values().filter(is_new).cloned().collect())
    }

    async fn is_newest(&self, _: &str, command: &SystemCommand) -> Result<bool, HostError> {
        let told = self.told();
        let waiting = told.waiting.get(&command.user);
        Ok(waiting.is_some_and(|waiting| waiting.number == command.number))
    }

    async fn more_commands(&self, _: &str) {
        // A command may come between asking and waiting.
        let _ = tokio::time::timeout(Duration::from_millis(20), self.more.notified()).await;
    }

    async fn done(
        &self,
        _: &str,
        command: &SystemCommand,
        refused: Option<&str>,
    ) -> Result<(), HostError> {
        let mut told = self.told();
        let is_it = told
            .waiting
            .get(&command.user)
            .is_some_and(|one| one.number == command.number);
        if is_it {
            told.waiting.remove(&command.user);
        }
        told.done
            .push((command.number, refused.map(ToOwned::to_owned)));
        Ok(())
    }

    async fn unconfirmed(&self, _: &str, user: &str) -> Result<Option<String>, HostError> {
        Ok(self.told().unconfirmed.get(user).cloned())
    }

    fn decide_again(&self, _: &str, _: &str) {
        self.told().again += 1;
    }
}
