//! In: sessions, or the text of a state file. Out: the other form. Uses names, so that a changed program can read it.
//! Names that the program no longer has are skipped and reported. Errors: files that are not state files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use presync_engine::{LostName, Rejection, SavedSession};

use crate::stream::Stream;

const FORMAT: &str = "presync-state";
const VERSION: u32 = 2;

/// The version of presync 0.1. It did not know whose a state is, and has no times.
const OLD_VERSION: u32 = 1;

/// The contents of a state file: the sessions of all users.
#[derive(Debug, Serialize, Deserialize)]
pub struct StateFile {
    format: String,
    version: u32,
    /// How far the events file has been read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    users: BTreeMap<String, SavedSession>,
}

/// The prefix of an events file that has been processed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    pub bytes: u64,
    pub lines: u64,
    /// The SHA-256 of those bytes, in hexadecimal.
    pub sha256: String,
}

/// Why a state file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StateFileError {
    #[error("not a state file: {0}")]
    Malformed(serde_json::Error),
    #[error("not a state file: `\"format\":\"{FORMAT}\"` is missing")]
    Format,
    #[error("it has version {0}, but this presync reads versions {OLD_VERSION} and {VERSION}")]
    Version(u32),
}

impl StateFile {
    pub fn save(stream: &Stream, position: Option<Position>) -> Self {
        let sessions = stream.sessions().into_iter();
        let users = sessions.map(|(user, session)| (user, stream.engine().save(&session)));
        let (format, version) = (FORMAT.to_owned(), VERSION);
        Self {
            format,
            version,
            position,
            users: users.collect(),
        }
    }

    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string(self).expect("a state file is always JSON");
        text.push('\n');
        text
    }

    /// # Errors
    /// The text is not a state file, or has another version.
    pub fn parse(text: &str) -> Result<Self, StateFileError> {
        let stored: Self = serde_json::from_str(text).map_err(StateFileError::Malformed)?;
        if stored.format != FORMAT {
            return Err(StateFileError::Format);
        }
        if ![OLD_VERSION, VERSION].contains(&stored.version) {
            return Err(StateFileError::Version(stored.version));
        }
        Ok(stored)
    }

    /// Loads all sessions into a stream. Returns the names that the tables no longer have, with
    /// their counts.
    ///
    /// # Errors
    /// The stream does not have room for all users.
    pub fn load(self, stream: &mut Stream) -> Result<Vec<(LostName, usize)>, Rejection> {
        let mut lost: BTreeMap<LostName, usize> = BTreeMap::new();
        for (user, saved) in self.users {
            let mut count = |name| *lost.entry(name).or_default() += 1;
            let session = stream.engine().load(saved, &mut count);
            stream.put(&user, &session)?;
        }
        Ok(lost.into_iter().collect())
    }
}
