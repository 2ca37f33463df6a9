//! The engine for applications: events in, commands out, sessions in a store that the application provides.

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

/// Stores sessions by user.
pub trait SessionStore {
    type Error;

    /// Loads the session of a user; `None` for a new user.
    ///
    /// # Errors
    /// Reading the store failed.
    fn load(&mut self, user: &str) -> Result<Option<SavedSession>, Self::Error>;

    /// Saves the session of a user, replacing the previous one.
    ///
    /// # Errors
    /// Writing the store failed.
    fn store(&mut self, user: &str, session: SavedSession) -> Result<(), Self::Error>;
}

/// Stores sessions in memory.
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

/// A command to set a state in another system: one line of the command stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Command {
    pub user: String,
    /// The system, and the id of the state to set, or else its name.
    pub set: BTreeMap<String, String>,
    /// Texts to append to the state.
    pub append: Vec<String>,
    /// The profile that decided.
    pub profile: Option<String>,
    /// File and line of the rule that decided.
    pub rule: Option<String>,
    /// The `id` of the event that caused the command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<serde_json::Value>,
    /// The `at` of that event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// Why an event could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum EngineError<E: std::error::Error + 'static> {
    #[error(transparent)]
    Rejected(#[from] Rejection),
    #[error("cannot save the session: {0}")]
    Store(E),
}

/// Applies events to stored sessions. It owns its data, so it can move to another thread, and its
/// tables can be swapped while it runs.
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
            sessions: SessionEngine::new(tables),
            store,
        }
    }

    pub fn tables(&self) -> &Tables {
        self.sessions.tables()
    }

    /// Switches to other tables. Sessions are stored by names and stay valid.
    pub fn swap(&mut self, tables: Tables) {
        self.sessions = SessionEngine::new(tables);
    }

    /// Applies an event and returns the commands to send. A rejected event changes nothing.
    ///
    /// # Errors
    /// The event is rejected, or the store fails to load or save the session.
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

    /// Applies an event that uses names, as in a line of the event stream.
    ///
    /// # Errors
    /// The same as [`Engine::apply`], or the event cannot be resolved, for example because a name
    /// is unknown.
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
            // Ignore names that the tables no longer have: there is nothing left to do for them.
            Some(saved) => self.sessions.load(saved, &mut |_| {}),
            None => self.sessions.session(),
        };
        let applied = self.sessions.apply(&mut session, event)?;
        let sent = applied
            .decisions
            .iter()
            .filter(|decided| decided.delivery == Delivery::Sent);
        let command = |decided| {
            self.sessions
                .command(user, decided, cause.clone(), at.clone())
        };
        let commands = sent.filter_map(command).collect();
        self.store
            .store(user, self.sessions.save(&session))
            .map_err(EngineError::Store)?;
        Ok(commands)
    }
}

impl SessionEngine {
    /// The command that carries out a decision; `None` if it sets no state. `cause` and `at` are of the event.
    pub fn command(
        &self,
        user: &str,
        decided: &SystemDecision<'_>,
        cause: Option<serde_json::Value>,
        at: Option<String>,
    ) -> Option<Command> {
        let schema = self.schema();
        let system = schema.system(decided.to).name.clone();
        let origin = decided.decision.origin.as_ref();
        Some(Command {
            user: user.to_owned(),
            set: BTreeMap::from([(system, schema.state(decided.state?).wire().to_owned())]),
            append: self.append_texts(decided.append),
            profile: origin.map(|origin| origin.profile.clone()),
            rule: origin.map(|origin| origin.rule.clone()),
            cause,
            at,
        })
    }
}
