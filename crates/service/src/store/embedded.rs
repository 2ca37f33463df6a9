//! A store in a file of this machine (redb). A process that is killed leaves the last transaction, whole.

use std::path::Path;

use redb::{Database, Durability, ReadableDatabase, ReadableTable, TableDefinition};

use crate::record::{NumberedCommand, UserRecord};
use crate::store::{Changes, RecordStore, StoreError};

/// By user: a record as JSON.
const RECORDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("records");
/// By number: a command as JSON.
const COMMANDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("commands");
/// By the number of its command: user and system.
const WAITING: TableDefinition<'_, u64, (&str, &str)> = TableDefinition::new("waiting");
/// What the store is, and its version.
const ABOUT: TableDefinition<'_, &str, &str> = TableDefinition::new("about");
const FORMAT: (&str, &str) = ("format", "presync-service 1");

/// The number of commands that are kept for those who read them late.
const KEPT_COMMANDS: u64 = 100_000;

/// See the module.
pub struct EmbeddedStore {
    database: Database,
}

impl EmbeddedStore {
    /// Opens a store, or makes one.
    ///
    /// # Errors
    /// The file cannot be read or written, is something else, or another process has it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let database = Database::create(path).map_err(StoreError::new)?;
        let transaction = database.begin_write().map_err(StoreError::new)?;
        {
            let mut about = transaction.open_table(ABOUT).map_err(StoreError::new)?;
            let known = about.get(FORMAT.0).map_err(StoreError::new)?;
            let known = known.map(|known| known.value().to_owned());
            match known.as_deref() {
                None => {
                    about.insert(FORMAT.0, FORMAT.1).map_err(StoreError::new)?;
                }
                Some(format) if format == FORMAT.1 => {}
                Some(other) => {
                    return Err(StoreError(format!(
                        "{} is `{other}`, and this version reads `{}`",
                        path.display(),
                        FORMAT.1
                    )));
                }
            }
            transaction.open_table(RECORDS).map_err(StoreError::new)?;
            transaction.open_table(COMMANDS).map_err(StoreError::new)?;
            transaction.open_table(WAITING).map_err(StoreError::new)?;
        }
        transaction.commit().map_err(StoreError::new)?;
        Ok(Self { database })
    }
}

impl RecordStore for EmbeddedStore {
    fn load(&self, user: &str) -> Result<Option<UserRecord>, StoreError> {
        let transaction = self.database.begin_read().map_err(StoreError::new)?;
        let records = transaction.open_table(RECORDS).map_err(StoreError::new)?;
        let found = records.get(user).map_err(StoreError::new)?;
        found
            .map(|found| serde_json::from_slice(found.value()).map_err(StoreError::new))
            .transpose()
    }

    fn commit(&mut self, changes: &Changes<'_>) -> Result<(), StoreError> {
        let mut transaction = self.database.begin_write().map_err(StoreError::new)?;
        let durability = if changes.durable {
            Durability::Immediate
        } else {
            Durability::None
        };
        transaction
            .set_durability(durability)
            .map_err(StoreError::new)?;
        {
            let mut records = transaction.open_table(RECORDS).map_err(StoreError::new)?;
            let mut commands = transaction.open_table(COMMANDS).map_err(StoreError::new)?;
            let mut waiting = transaction.open_table(WAITING).map_err(StoreError::new)?;
            for (user, record) in &changes.records {
                let before = records.get(user).map_err(StoreError::new)?;
                let before: Option<UserRecord> = before
                    .map(|found| serde_json::from_slice(found.value()))
                    .transpose()
                    .map_err(StoreError::new)?;
                for old in before.iter().flat_map(|record| record.waiting.values()) {
                    waiting.remove(old.number).map_err(StoreError::new)?;
                }
                let Some(record) = record else {
                    records.remove(user).map_err(StoreError::new)?;
                    continue;
                };
                for (system, new) in &record.waiting {
                    let place = (*user, system.as_str());
                    waiting.insert(new.number, place).map_err(StoreError::new)?;
                }
                let bytes = serde_json::to_vec(record).map_err(StoreError::new)?;
                records.insert(user, &*bytes).map_err(StoreError::new)?;
            }
            for command in &changes.commands {
                let bytes = serde_json::to_vec(command).map_err(StoreError::new)?;
                commands
                    .insert(command.number, &*bytes)
                    .map_err(StoreError::new)?;
            }
            if let Some(last) = changes.commands.last() {
                let kept = last.number.saturating_sub(KEPT_COMMANDS);
                commands
                    .retain_in(..kept, |_, _| false)
                    .map_err(StoreError::new)?;
            }
        }
        transaction.commit().map_err(StoreError::new)
    }

    fn commands_after(&self, number: u64, most: usize) -> Result<Vec<NumberedCommand>, StoreError> {
        let transaction = self.database.begin_read().map_err(StoreError::new)?;
        let commands = transaction.open_table(COMMANDS).map_err(StoreError::new)?;
        let range = commands
            .range(number.saturating_add(1)..)
            .map_err(StoreError::new)?;
        range
            .take(most)
            .map(|entry| {
                let (_, bytes) = entry.map_err(StoreError::new)?;
                serde_json::from_slice(bytes.value()).map_err(StoreError::new)
            })
            .collect()
    }

    fn last_number(&self) -> Result<u64, StoreError> {
        let transaction = self.database.begin_read().map_err(StoreError::new)?;
        let commands = transaction.open_table(COMMANDS).map_err(StoreError::new)?;
        let last = commands.last().map_err(StoreError::new)?;
        Ok(last.map_or(0, |(number, _)| number.value()))
    }

    fn waiting(&self, most: usize) -> Result<Vec<NumberedCommand>, StoreError> {
        let transaction = self.database.begin_read().map_err(StoreError::new)?;
        let waiting = transaction.open_table(WAITING).map_err(StoreError::new)?;
        let records = transaction.open_table(RECORDS).map_err(StoreError::new)?;
        let mut found = Vec::new();
        for entry in waiting.iter().map_err(StoreError::new)?.take(most) {
            let (_, place) = entry.map_err(StoreError::new)?;
            let (user, system) = place.value();
            let record = records.get(user).map_err(StoreError::new)?;
            let Some(record) = record else { continue };
            let record: UserRecord =
                serde_json::from_slice(record.value()).map_err(StoreError::new)?;
            found.extend(record.waiting.get(system).cloned());
        }
        Ok(found)
    }
}
