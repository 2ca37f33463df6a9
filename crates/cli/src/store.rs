//! In: a state file. Out: the sessions, the position in the events file and the commands that may not have been written.
//! Each commit is one durable transaction, so that a run that is killed at any moment can go on. One process at a time.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use presync_engine::SavedSession;
use presync_stream::{Position, StateFile, Stream};
use redb::{
    Database, DatabaseError, ReadableDatabase, ReadableTable, StorageError, TableDefinition,
};

use crate::error::CommandError;
use crate::files;

/// By user: a session as JSON, with names.
const SESSIONS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("sessions");

/// [`FORMAT`], [`POSITION`] as JSON, and [`UNWRITTEN`] as JSON Lines.
const RUN: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("run");

/// What the store is, and its version. Versions 1 and 2 were JSON files, which are still read.
const FORMAT: (&str, &[u8]) = ("format", b"presync-state 3");
const POSITION: &str = "position";
const UNWRITTEN: &str = "unwritten";

/// The sessions of a run, kept in a file.
pub struct Store {
    path: PathBuf,
    database: Database,
    /// Locked as long as this lives.
    _lock: File,
}

/// What a store holds when it is opened.
#[derive(Default)]
pub struct Stored {
    pub position: Option<Position>,
    /// Commands that an earlier run recorded and may not have written.
    pub unwritten: Vec<u8>,
    /// Names that the program no longer has, and in how many sessions.
    pub lost: Vec<(String, usize)>,
}

impl Store {
    /// Opens or creates a store and loads its sessions into a stream.
    ///
    /// # Errors
    /// The file cannot be read or written, is not a store, or another process uses it.
    pub fn open(path: &Path, stream: &mut Stream) -> Result<(Self, Stored), CommandError> {
        if path.as_os_str() == "-" || files::is_special(path) {
            return Err(CommandError::Usage(format!(
                "cannot save the state to `{}`: not a regular file",
                path.display()
            )));
        }
        let lock = lock(path)?;
        if path.exists() && files::start(path)?.starts_with(b"{") {
            let old = std::fs::read(path).map_err(|error| files::cannot_read(path, &error))?;
            return Self::convert(path, lock, &old, stream);
        }
        let database = Database::create(path).map_err(|error| unusable(path, &error))?;
        let store = Self {
            path: path.to_path_buf(),
            database,
            _lock: lock,
        };
        let stored = store.load(stream).map_err(|error| match error {
            LoadError::Storage(error) => wrong(path, &error),
            LoadError::Other(message) => wrong(path, &message),
        })?;
        // A file that cannot be written is found now, not after the first events.
        store.commit(Vec::new(), stored.position.as_ref(), &stored.unwritten)?;
        Ok((store, stored))
    }

    /// Replaces a JSON file of an earlier version.
    fn convert(
        path: &Path,
        lock: File,
        old: &[u8],
        stream: &mut Stream,
    ) -> Result<(Self, Stored), CommandError> {
        let old =
            StateFile::parse(&String::from_utf8_lossy(old)).map_err(|error| wrong(path, &error))?;
        let position = old.position.clone();
        let lost = old.load(stream).map_err(|error| wrong(path, &error))?;
        let folder = presync_ide::folder_of(path);
        let new = tempfile::Builder::new()
            .prefix(".presync")
            .tempfile_in(folder)
            .map_err(|error| wrong(path, &error))?
            .into_temp_path();
        let database = Database::create(&new).map_err(|error| wrong(path, &error))?;
        let store = Self {
            path: path.to_path_buf(),
            database,
            _lock: lock,
        };
        let sessions = stream.sessions().into_iter();
        let sessions = sessions.map(|(user, session)| (user, stream.engine().save(&session)));
        store.commit(sessions.collect(), position.as_ref(), b"")?;
        new.persist(path)
            .map_err(|error| wrong(path, &error.error))?;
        let stored = Stored {
            position,
            unwritten: Vec::new(),
            lost: lost
                .into_iter()
                .map(|(name, count)| (name.to_string(), count))
                .collect(),
        };
        Ok((store, stored))
    }

    fn load(&self, stream: &mut Stream) -> Result<Stored, LoadError> {
        let mut stored = Stored::default();
        let reading = self.database.begin_read()?;
        let run = match reading.open_table(RUN) {
            Ok(run) => run,
            // A new store.
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(stored),
            Err(error) => return Err(error.into()),
        };
        let (key, format) = FORMAT;
        let found = run.get(key)?.map(|value| value.value().to_vec());
        if found.as_deref() != Some(format) {
            let found = String::from_utf8_lossy(&found.unwrap_or_default()).into_owned();
            let wanted = String::from_utf8_lossy(format).into_owned();
            return Err(LoadError::Other(format!(
                "it has the format `{found}`, but this presync reads `{wanted}`"
            )));
        }
        if let Some(position) = run.get(POSITION)? {
            stored.position = Some(serde_json::from_slice(position.value()).map_err(malformed)?);
        }
        if let Some(unwritten) = run.get(UNWRITTEN)? {
            stored.unwritten = unwritten.value().to_vec();
        }
        let mut lost = std::collections::BTreeMap::new();
        for entry in reading.open_table(SESSIONS)?.iter()? {
            let (user, saved) = entry?;
            let saved: SavedSession = serde_json::from_slice(saved.value()).map_err(malformed)?;
            let mut count = |name| *lost.entry(name).or_insert(0) += 1;
            let session = stream.engine().load(saved, &mut count);
            stream
                .put(user.value(), &session)
                .map_err(|full| LoadError::Other(full.to_string()))?;
        }
        stored.lost = lost
            .into_iter()
            .map(|(name, count): (presync_engine::LostName, usize)| (name.to_string(), count))
            .collect();
        Ok(stored)
    }

    /// Records changed sessions, how far the events file was read, and commands that are about to be written, durably.
    ///
    /// # Errors
    /// The file cannot be written; then it still has what it had.
    pub fn commit(
        &self,
        changed: Vec<(String, SavedSession)>,
        position: Option<&Position>,
        unwritten: &[u8],
    ) -> Result<(), CommandError> {
        self.write(changed, position, unwritten)
            .map_err(|error| match error {
                LoadError::Storage(error) => {
                    CommandError::Usage(format!("cannot write `{}`: {error}", self.path.display()))
                }
                LoadError::Other(message) => wrong(&self.path, &message),
            })
    }

    fn write(
        &self,
        changed: Vec<(String, SavedSession)>,
        position: Option<&Position>,
        unwritten: &[u8],
    ) -> Result<(), LoadError> {
        let writing = self.database.begin_write()?;
        {
            let mut sessions = writing.open_table(SESSIONS)?;
            for (user, session) in changed {
                sessions.insert(
                    user.as_str(),
                    serde_json::to_vec(&session).map_err(malformed)?.as_slice(),
                )?;
            }
            let mut run = writing.open_table(RUN)?;
            run.insert(FORMAT.0, FORMAT.1)?;
            if let Some(position) = position {
                run.insert(
                    POSITION,
                    serde_json::to_vec(position).map_err(malformed)?.as_slice(),
                )?;
            }
            run.insert(UNWRITTEN, unwritten)?;
        }
        writing.commit()?;
        Ok(())
    }
}

enum LoadError {
    Storage(redb::Error),
    Other(String),
}

impl<E: Into<redb::Error>> From<E> for LoadError {
    fn from(error: E) -> Self {
        Self::Storage(error.into())
    }
}

/// The session or position of a damaged or foreign store.
fn malformed(error: serde_json::Error) -> LoadError {
    LoadError::Other(error.to_string())
}

/// Why a state file cannot be opened.
fn unusable(path: &Path, error: &DatabaseError) -> CommandError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => in_use(path, "another process"),
        DatabaseError::Storage(StorageError::Io(error))
            if error.kind() == std::io::ErrorKind::InvalidData =>
        {
            wrong(path, &"not a state file of presync")
        }
        error => wrong(path, error),
    }
}

fn in_use(path: &Path, holder: &str) -> CommandError {
    CommandError::Usage(format!(
        "`{}` is in use by {holder}: stop it first, or use another state",
        path.display()
    ))
}

fn wrong(path: &Path, why: &dyn std::fmt::Display) -> CommandError {
    CommandError::Usage(format!("`{}`: {why}", path.display()))
}

/// Locks the file `PATH.lock`, which names the process that holds it.
fn lock(path: &Path) -> Result<File, CommandError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let cannot = |error: std::io::Error| {
        CommandError::Usage(format!("cannot write `{}`: {error}", name.display()))
    };
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&name)
        .map_err(cannot)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // On Windows, a locked file cannot be read.
            let _ = file.read_to_string(&mut holder);
            let holder = match holder.trim() {
                "" => "another process".to_owned(),
                holder => format!("process {holder}"),
            };
            return Err(in_use(path, &holder));
        }
        Err(TryLockError::Error(error)) => return Err(cannot(error)),
    }
    file.set_len(0).map_err(cannot)?;
    file.rewind().map_err(cannot)?;
    writeln!(file, "{}", std::process::id()).map_err(cannot)?;
    Ok(file)
}
