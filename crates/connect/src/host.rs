//! Who decides what reports lead to, and keeps commands.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;

use crate::report::{SystemCommand, SystemReport, SystemUser};

/// The host cannot take something now: try again.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct HostError(pub String);

/// What connectors talk to. `system` is its name in the program.
#[async_trait]
pub trait ConnectorHost: Send + Sync {
    /// The users of a system.
    ///
    /// # Errors
    /// They cannot be read.
    async fn users(&self, system: &str) -> Result<Vec<SystemUser>, HostError>;

    /// Waits until the users of a system are others than these, as it calls them.
    async fn users_changed(&self, system: &str, connected: &[String]);

    /// How long a system may take to confirm a command.
    fn echo(&self, system: &str) -> Duration;

    /// Takes reports, in order. When it answers, they are not lost any more.
    ///
    /// # Errors
    /// None of them was taken.
    async fn report(&self, system: &str, reports: Vec<SystemReport>) -> Result<(), HostError>;

    /// The system was lost: what it shows is not known until it is observed again.
    fn lost(&self, system: &str, why: &str);

    /// The system is connected.
    fn connected(&self, system: &str);

    /// The newest command of each user that is not carried out yet, in order, without those that are known: by user, the number.
    ///
    /// # Errors
    /// They cannot be read.
    async fn commands(
        &self,
        system: &str,
        known: HashMap<String, u64>,
    ) -> Result<Vec<SystemCommand>, HostError>;

    /// Whether a command is still the newest of its user, and not carried out.
    ///
    /// # Errors
    /// Nobody can say.
    async fn is_newest(&self, system: &str, command: &SystemCommand) -> Result<bool, HostError>;

    /// Waits until there may be commands that the last [`Self::commands`] has not answered.
    async fn more_commands(&self, system: &str);

    /// A command was carried out, or refused for this reason: it is not answered any more.
    ///
    /// # Errors
    /// It stays.
    async fn done(
        &self,
        system: &str,
        command: &SystemCommand,
        refused: Option<&str>,
    ) -> Result<(), HostError>;

    /// The state that a user should have by a command that the system has not confirmed; `None` if none is left.
    ///
    /// # Errors
    /// Nobody can say.
    async fn unconfirmed(&self, system: &str, user: &str) -> Result<Option<String>, HostError>;

    /// Decides again, soon, what a user's systems should show, after an unconfirmed command was found not to have worked.
    fn decide_again(&self, system: &str, user: &str);
}
