//! Where records are kept. One file for each kind of store.

mod backup;
mod embedded;

use std::fmt;

pub use backup::{backup, restore};
pub use embedded::EmbeddedStore;

use crate::pause::Paused;
use crate::record::{NumberedCommand, UserRecord};

/// A store of records and of the stream of commands.
pub trait RecordStore: Send + 'static {
    /// The record of a user; `None` for a new one.
    ///
    /// # Errors
    /// It cannot be read.
    fn load(&self, user: &str) -> Result<Option<UserRecord>, StoreError>;

    /// Makes changes durable: all of them, or none.
    ///
    /// # Errors
    /// They cannot be written. The store is as it was.
    fn commit(&mut self, changes: &Changes<'_>) -> Result<(), StoreError>;

    /// Whether a large batch can be written.
    ///
    /// # Errors
    /// It cannot.
    fn probe(&mut self) -> Result<(), StoreError>;

    /// The commands after a number, in order, up to a number of them.
    ///
    /// # Errors
    /// They cannot be read.
    fn commands_after(&self, number: u64, most: usize) -> Result<Vec<NumberedCommand>, StoreError>;

    /// The number of the newest command, also of one that is deleted; 0 if there was none.
    ///
    /// # Errors
    /// It cannot be read.
    fn last_number(&self) -> Result<u64, StoreError>;

    /// Sets the number of the newest command, of a store that has none.
    ///
    /// # Errors
    /// It cannot be written.
    fn set_last_number(&mut self, number: u64) -> Result<(), StoreError>;

    /// All records, by user, as of one moment.
    ///
    /// # Errors
    /// They cannot be read.
    fn records(&self) -> Result<Vec<(String, UserRecord)>, StoreError>;

    /// The newest command of each user and system that nobody has carried out, in order, up to a number of them: those that
    /// are wanted.
    ///
    /// # Errors
    /// They cannot be read.
    fn waiting(
        &self,
        is_wanted: &dyn Fn(CommandPlace<'_>) -> bool,
        most: usize,
    ) -> Result<Vec<NumberedCommand>, StoreError>;

    /// What is paused.
    ///
    /// # Errors
    /// It cannot be read.
    fn paused(&self) -> Result<Paused, StoreError>;

    /// Keeps what is paused.
    ///
    /// # Errors
    /// It cannot be written.
    fn set_paused(&mut self, paused: &Paused) -> Result<(), StoreError>;
}

/// A waiting command, before it is read.
#[derive(Debug, Clone, Copy)]
pub struct CommandPlace<'a> {
    pub number: u64,
    pub user: &'a str,
    pub system: &'a str,
}

/// What one transaction changes.
#[derive(Debug, Default)]
pub struct Changes<'a> {
    /// By user; `None` deletes it, and all that is kept of the commands to this user.
    pub records: Vec<(&'a str, Option<&'a UserRecord>)>,
    /// New commands, in order.
    pub commands: Vec<NumberedCommand>,
    /// Whether the disk must have it. What may be lost is repeated: that a command was carried out.
    pub durable: bool,
}

/// A store cannot be read or written.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the store fails: {0}")]
pub struct StoreError(pub String);

impl StoreError {
    pub(crate) fn new(error: impl fmt::Display) -> Self {
        Self(error.to_string())
    }
}
