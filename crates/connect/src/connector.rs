//! What a connector is: it connects, and then there are a source of reports and a sink of commands.

use std::time::Duration;

use async_trait::async_trait;

use crate::report::{SystemCommand, SystemReport, SystemUser};

/// A kind of system with its settings.
#[async_trait]
pub trait Connector: Send {
    /// Connects, and watches these users.
    ///
    /// # Errors
    /// It cannot, now or ever.
    async fn connect(&mut self, users: &[SystemUser]) -> Result<Connection, ConnectError>;

    /// The states that it can set by id; `None`: it takes any.
    fn settable(&self) -> Option<&'static [&'static str]> {
        None
    }

    /// How many commands may be carried out at the same time, each for another user.
    fn concurrency(&self) -> usize {
        8
    }
}

/// What is there while a system is connected.
pub struct Connection {
    pub source: Box<dyn ReportSource>,
    pub sink: Box<dyn CommandSink>,
}

/// Gives the reports of a system.
#[async_trait]
pub trait ReportSource: Send {
    /// The next reports, in order. When the connection ends, it is dropped at any place.
    ///
    /// # Errors
    /// The connection is lost.
    async fn next(&mut self) -> Result<Vec<SystemReport>, ConnectError>;

    /// Reports were taken: a system that repeats them until then need not do so any more.
    async fn taken(&mut self) {}
}

/// Takes commands to a system.
#[async_trait]
pub trait CommandSink: Send + Sync {
    /// Sets a state.
    ///
    /// # Errors
    /// The connection is lost.
    async fn set(&self, command: &SystemCommand) -> Result<SetOutcome, ConnectError>;

    /// Asks for the state of a user, as a report; `None` if the system cannot be asked.
    ///
    /// # Errors
    /// The connection is lost.
    async fn read(&self, _user: &str) -> Result<Option<SystemReport>, ConnectError> {
        Ok(None)
    }
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq)]
pub enum SetOutcome {
    /// The system has taken it. The echo comes by itself.
    Done,
    /// It will never work: no such user, no right, no such state.
    Refused(String),
    /// It may work later; not before this time, if the system has named one.
    Later {
        after: Option<Duration>,
        why: String,
    },
}

/// Why a system is not connected.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConnectError {
    /// It may come back by itself.
    #[error("{0}")]
    Lost(String),
    /// A request was not answered in time. A command is tried again; the connection is not lost by it.
    #[error("{0}")]
    NoAnswer(String),
    /// The system said when to try again.
    #[error("{why}")]
    TryAfter { after: Duration, why: String },
    /// Somebody has to change the settings: a password, an address.
    #[error("{0}")]
    Settings(String),
}

impl ConnectError {
    /// A lost connection.
    pub fn lost(why: impl std::fmt::Display) -> Self {
        Self::Lost(why.to_string())
    }
}
