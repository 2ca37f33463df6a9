//! A store in a file of this machine (redb). A process that is killed leaves the last transaction, whole.

use std::path::{Path, PathBuf};

use redb::{Database, DatabaseError, Durability, ReadableDatabase, ReadableTable, TableDefinition};

use crate::pause::Paused;
use crate::record::{NumberedCommand, UserRecord};
use crate::store::{Changes, CommandPlace, RecordStore, StoreError};

/// By user: a record as JSON.
const RECORDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("records");
/// By number: a command as JSON.
const COMMANDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("commands");
/// By the number of its command: user and system.
const WAITING: TableDefinition<'_, u64, (&str, &str)> = TableDefinition::new("waiting");
/// The number of the newest command.
const NUMBERS: TableDefinition<'_, &str, u64> = TableDefinition::new("numbers");
const NEWEST: &str = "newest";
/// What the store is, and its version; and what is paused.
const ABOUT: TableDefinition<'_, &str, &str> = TableDefinition::new("about");
const FORMAT: (&str, &str) = ("format", "presync-service 1");

const PAUSED: &str = "paused";

/// The number of commands that are kept for those who read them late.
const KEPT_COMMANDS: u64 = 100_000;

/// See the module.
pub struct EmbeddedStore {
    path: PathBuf,
    /// `None` after a failed write, until it is open again: what was not written must not be seen.
    database: Option<Database>,
}

impl EmbeddedStore {
    /// Opens a store, or makes one.
    ///
    /// # Errors
    /// The file cannot be read or written, is something else, or another process has it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            path: path.to_path_buf(),
            database: Some(opened(path)?),
        })
    }

    fn database(&self) -> Result<&Database, StoreError> {
        let database = self.database.as_ref();
        database.ok_or_else(|| StoreError("the last write failed".to_owned()))
    }

    fn written(
        &mut self,
        write: impl FnOnce(&Database) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let database = match self.database.take() {
            Some(database) => database,
            None => opened(&self.path)?,
        };
        let written = write(&database);
        self.database = match &written {
            Ok(()) => Some(database),
            Err(_) => {
                // After an error of the disk, a database refuses everything until it is opened again.
                drop(database);
                opened(&self.path).ok()
            }
        };
        written
    }
}

fn opened(path: &Path) -> Result<Database, StoreError> {
    let database = Database::create(path).map_err(|error| match error {
        DatabaseError::DatabaseAlreadyOpen => StoreError(
            "another `presync serve` uses it: end that one, or name another with `--store`"
                .to_owned(),
        ),
        other => StoreError::new(other),
    })?;
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
        transaction.open_table(NUMBERS).map_err(StoreError::new)?;
    }
    transaction.commit().map_err(StoreError::new)?;
    Ok(database)
}

/// Writes as much as a large batch does, and deletes it: the room stays in the file for what comes.
fn claim_room(database: &Database) -> Result<(), StoreError> {
    const ROOM: &str = "room";
    let large = " ".repeat(256 * 1024);
    for text in [Some(&large), None] {
        let transaction = database.begin_write().map_err(StoreError::new)?;
        {
            let mut about = transaction.open_table(ABOUT).map_err(StoreError::new)?;
            match text {
                Some(text) => about.insert(ROOM, &**text),
                None => about.remove(ROOM),
            }
            .map_err(StoreError::new)?;
        }
        transaction.commit().map_err(StoreError::new)?;
    }
    Ok(())
}

fn write(database: &Database, changes: &Changes<'_>) -> Result<(), StoreError> {
    let mut transaction = database.begin_write().map_err(StoreError::new)?;
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
        let mut numbers = transaction.open_table(NUMBERS).map_err(StoreError::new)?;
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
                let is_of_others = |_, bytes: &[u8]| {
                    serde_json::from_slice::<NumberedCommand>(bytes)
                        .is_ok_and(|one| one.command.user != **user)
                };
                commands.retain(is_of_others).map_err(StoreError::new)?;
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
            numbers
                .insert(NEWEST, last.number)
                .map_err(StoreError::new)?;
            let kept = last.number.saturating_sub(KEPT_COMMANDS);
            commands
                .retain_in(..kept, |_, _| false)
                .map_err(StoreError::new)?;
        }
    }
    transaction.commit().map_err(StoreError::new)
}

impl RecordStore for EmbeddedStore {
    fn load(&self, user: &str) -> Result<Option<UserRecord>, StoreError> {
        let transaction = self.database()?.begin_read().map_err(StoreError::new)?;
        let records = transaction.open_table(RECORDS).map_err(StoreError::new)?;
        let found = records.get(user).map_err(StoreError::new)?;
        found
            .map(|found| serde_json::from_slice(found.value()).map_err(StoreError::new))
            .transpose()
    }

    fn commit(&mut self, changes: &Changes<'_>) -> Result<(), StoreError> {
        self.written(|database| write(database, changes))
    }

    fn probe(&mut self) -> Result<(), StoreError> {
        self.written(claim_room)
    }

    fn commands_after(&self, number: u64, most: usize) -> Result<Vec<NumberedCommand>, StoreError> {
        let transaction = self.database()?.begin_read().map_err(StoreError::new)?;
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
        let transaction = self.database()?.begin_read().map_err(StoreError::new)?;
        let numbers = transaction.open_table(NUMBERS).map_err(StoreError::new)?;
        let newest = numbers.get(NEWEST).map_err(StoreError::new)?;
        Ok(newest.map_or(0, |number| number.value()))
    }

    fn set_last_number(&mut self, number: u64) -> Result<(), StoreError> {
        self.written(|database| {
            let transaction = database.begin_write().map_err(StoreError::new)?;
            {
                let mut numbers = transaction.open_table(NUMBERS).map_err(StoreError::new)?;
                numbers.insert(NEWEST, number).map_err(StoreError::new)?;
            }
            transaction.commit().map_err(StoreError::new)
        })
    }

    fn records(&self) -> Result<Vec<(String, UserRecord)>, StoreError> {
        let transaction = self.database()?.begin_read().map_err(StoreError::new)?;
        let records = transaction.open_table(RECORDS).map_err(StoreError::new)?;
        let all = records.iter().map_err(StoreError::new)?;
        all.map(|entry| {
            let (user, bytes) = entry.map_err(StoreError::new)?;
            let record = serde_json::from_slice(bytes.value()).map_err(StoreError::new)?;
            Ok((user.value().to_owned(), record))
        })
        .collect()
    }

    fn waiting(
        &self,
        is_wanted: &dyn Fn(CommandPlace<'_>) -> bool,
        most: usize,
    ) -> Result<Vec<NumberedCommand>, StoreError> {
        let transaction = self.database()?.begin_read().map_err(StoreError::new)?;
        let waiting = transaction.open_table(WAITING).map_err(StoreError::new)?;
        let records = transaction.open_table(RECORDS).map_err(StoreError::new)?;
        let mut found = Vec::new();
        for entry in waiting.iter().map_err(StoreError::new)? {
            if found.len() >= most {
                break;
            }
            let (number, place) = entry.map_err(StoreError::new)?;
            let (user, system) = place.value();
            let place = CommandPlace {
                number: number.value(),
                user,
                system,
            };
            if !is_wanted(place) {
                continue;
            }
            let record = records.get(user).map_err(StoreError::new)?;
            let Some(record) = record else { continue };
            let record: UserRecord =
                serde_json::from_slice(record.value()).map_err(StoreError::new)?;
            found.extend(record.waiting.get(system).cloned());
        }
        Ok(found)
    }

    fn paused(&self) -> Result<Paused, StoreError> {
        let transaction = self.database()?.begin_read().map_err(StoreError::new)?;
        let about = transaction.open_table(ABOUT).map_err(StoreError::new)?;
        let paused = about.get(PAUSED).map_err(StoreError::new)?;
        let paused = paused.map(|text| serde_json::from_str(text.value()).map_err(StoreError::new));
        paused.unwrap_or_else(|| Ok(Paused::default()))
    }

    fn set_paused(&mut self, paused: &Paused) -> Result<(), StoreError> {
        let text = serde_json::to_string(paused).map_err(StoreError::new)?;
        self.written(|database| {
            let transaction = database.begin_write().map_err(StoreError::new)?;
            {
                let mut about = transaction.open_table(ABOUT).map_err(StoreError::new)?;
                about.insert(PAUSED, &*text).map_err(StoreError::new)?;
            }
            transaction.commit().map_err(StoreError::new)
        })
    }
}
