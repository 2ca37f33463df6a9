//! The engine as an application embeds it: events in, commands out, sessions in a store of its choice.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::convert::Infallible;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::{Event, EventMessage};
use crate::rejection::Rejection;
use crate::saved::SavedSession;
use crate::session::{Delivery, SessionEngine, SystemDecision};
use crate::tables::Tables;

/// How long a command waits for its echo, in seconds of event time.
pub const ECHO_SECONDS: u32 = 60;

/// Keeps sessions, by user.
pub trait SessionStore {
    type Error;

    /// The session of a user, if there is one.
    ///
    /// # Errors
    /// The store cannot be read.
    fn load(&mut self, user: &str) -> Result<Option<SavedSession>, Self::Error>;

    /// Keeps a session in place of the one there was.
    ///
    /// # Errors
    /// The store cannot be written.
    fn store(&mut self, user: &str, session: SavedSession) -> Result<(), Self::Error>;
}

/// Sessions in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore(HashMap<String, SavedSession>);

impl SessionStore for MemoryStore {
    type Error = Infallible;

    fn load(&mut self, user: &str) -> Result<Option<SavedSession>, Infallible> {
        Ok(self.0.get(user).cloned())
    }

    fn store(&mut self, user: &str, session: SavedSession) -> Result<(), Infallible> {
        self.0.insert(user.to_owned(), session);
        Ok(())
    }
}

/// What is to be done in another system: a line of the command stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Command {
    pub user: String,
    /// The system, and the wire name of the state to set.
    pub set: BTreeMap<String, String>,
    /// Texts to append to the state.
    pub append: Vec<String>,
    /// The profile that decided.
    pub profile: Option<String>,
    /// File and line of the rule that decided.
    pub rule: Option<String>,
    /// The `id` of the event that it follows from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<serde_json::Value>,
    /// The `at` of that event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// Why an event has led to nothing.
#[derive(Debug, thiserror::Error)]
pub enum EngineError<E: std::error::Error + 'static> {
    #[error(transparent)]
    Rejected(#[from] Rejection),
    #[error("cannot save the session: {0}")]
    Store(E),
}

/// Tables at work. Owned: it can be moved into a thread, and its tables can be swapped while it runs.
#[derive(Debug)]
pub struct Engine<S> {
    sessions: SessionEngine,
    store: S,
}

impl<S: SessionStore> Engine<S>
where
    S::Error: std::error::Error + 'static,
{
    pub fn new(tables: Tables, store: S) -> Self {
        Self {
            sessions: SessionEngine::new(tables, ECHO_SECONDS),
            store,
        }
    }

    pub fn tables(&self) -> &Tables {
        self.sessions.tables()
    }

    /// Goes on with other tables; sessions survive by names.
    pub fn swap(&mut self, tables: Tables) {
        self.sessions = SessionEngine::new(tables, ECHO_SECONDS);
    }

    /// Carries an event out; a rejected one changes nothing.
    ///
    /// # Errors
    /// The event is rejected, or the session cannot be loaded or kept.
    pub fn apply(
        &mut self,
        user: &str,
        event: Event,
    ) -> Result<Vec<Command>, EngineError<S::Error>> {
        let at = event
            .at
            .and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
        self.carry_out(user, &event, None, at.map(|at| at.to_string()))
    }

    /// Carries out an event by names, as a line of the event stream has it.
    ///
    /// # Errors
    /// As [`Engine::apply`], or the tables do not have a name.
    pub fn receive(
        &mut self,
        message: &EventMessage<'_>,
    ) -> Result<Vec<Command>, EngineError<S::Error>> {
        let event = message.resolve(self.sessions.schema())?;
        let cause = message.id.and_then(|id| serde_json::from_str(id).ok());
        self.carry_out(&message.user, &event, cause, message.at.clone())
    }

    fn carry_out(
        &mut self,
        user: &str,
        event: &Event,
        cause: Option<serde_json::Value>,
        at: Option<String>,
    ) -> Result<Vec<Command>, EngineError<S::Error>> {
        let known = self.store.load(user).map_err(EngineError::Store)?;
        let mut session = match known {
            // What the tables no longer know has nothing left to be done about.
            Some(saved) => self.sessions.load(saved, &mut |_| {}),
            None => self.sessions.session(),
        };
        let (_, decided) = self.sessions.apply(&mut session, event)?;
        let sent = decided
            .iter()
            .filter(|decided| decided.delivery == Delivery::Sent);
        let command = |decided| self.command(user, decided, cause.clone(), at.clone());
        let commands = sent.filter_map(command).collect();
        self.store
            .store(user, self.sessions.save(&session))
            .map_err(EngineError::Store)?;
        Ok(commands)
    }

    fn command(
        &self,
        user: &str,
        decided: &SystemDecision<'_>,
        cause: Option<serde_json::Value>,
        at: Option<String>,
    ) -> Option<Command> {
        let schema = self.sessions.schema();
        let outcome = &decided.decision.outcome;
        let system = schema.system(decided.to).name.clone();
        let origin = decided.decision.origin.as_ref();
        Some(Command {
            user: user.to_owned(),
            set: BTreeMap::from([(system, schema.state(outcome.state()?).wire().to_owned())]),
            append: outcome.append().to_vec(),
            profile: origin.map(|origin| origin.profile.clone()),
            rule: origin.map(|origin| origin.rule.clone()),
            cause,
            at,
        })
    }
}
