//! A store as JSON Lines: what it is, and then each user. Another store, also of another kind, can begin with it.

use serde::{Deserialize, Serialize};

use crate::pause::Paused;
use crate::record::UserRecord;
use crate::store::{Changes, RecordStore, StoreError};

const FORMAT: &str = "presync-backup 1";

/// The number of users that are restored together.
const BATCH: usize = 1_000;

/// The first line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BackupStart {
    format: String,
    /// The number of the newest command.
    newest: u64,
    paused: Paused,
    /// The number of lines that follow.
    users: usize,
}

/// Each further line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BackupUser {
    user: String,
    record: UserRecord,
}

/// What a store holds, as of one moment. The commands that nobody waits for any more are not in it.
///
/// # Errors
/// It cannot be read.
pub fn backup(store: &impl RecordStore) -> Result<String, StoreError> {
    let records = store.records()?;
    let start = BackupStart {
        format: FORMAT.to_owned(),
        newest: store.last_number()?,
        paused: store.paused()?,
        users: records.len(),
    };
    let mut text = line(&start)?;
    for (user, record) in records {
        text.push_str(&line(&BackupUser { user, record })?);
    }
    Ok(text)
}

fn line(value: &impl Serialize) -> Result<String, StoreError> {
    let text = serde_json::to_string(value).map_err(StoreError::new)?;
    Ok(text + "\n")
}

/// Fills a new store. The stream of commands goes on behind the newest command.
///
/// # Errors
/// The text is not a whole backup, or the store cannot be written.
pub fn restore(store: &mut impl RecordStore, text: &str) -> Result<usize, StoreError> {
    let mut lines = text.lines().enumerate();
    let wrong = |at: usize, error: &dyn std::fmt::Display| {
        StoreError(format!(
            "the backup has an error in line {}: {error}",
            at + 1
        ))
    };
    let (_, first) = lines
        .next()
        .ok_or_else(|| StoreError("the backup is empty".to_owned()))?;
    let start: BackupStart = serde_json::from_str(first).map_err(|error| wrong(0, &error))?;
    if start.format != FORMAT {
        let other = &start.format;
        return Err(StoreError(format!(
            "the backup is `{other}`, and this version reads `{FORMAT}`"
        )));
    }
    let mut users = Vec::new();
    for (at, text) in lines {
        let user: BackupUser = serde_json::from_str(text).map_err(|error| wrong(at, &error))?;
        users.push(user);
    }
    if users.len() != start.users {
        return Err(StoreError(format!(
            "the backup has {} users instead of {}: it is not whole",
            users.len(),
            start.users
        )));
    }
    for some in users.chunks(BATCH) {
        let records = some.iter().map(|one| (&*one.user, Some(&one.record)));
        store.commit(&Changes {
            records: records.collect(),
            durable: true,
            ..Changes::default()
        })?;
    }
    store.set_paused(&start.paused)?;
    // Last: a store without it is not whole.
    store.set_last_number(start.newest)?;
    Ok(users.len())
}
