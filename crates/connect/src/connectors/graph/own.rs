//! What we have done for users: sessions and texts. It outlives connections and restarts.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::report::SystemUser;

/// What we have done for a user, as the host remembers it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OwnMemory {
    /// What we have set, while the user has a session of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The text that we have set, until we have removed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

#[derive(Debug)]
pub struct OwnUser {
    pub memory: OwnMemory,
    /// What the host remembers.
    pub remembered: OwnMemory,
    /// When the state was set.
    pub set: Instant,
    /// When our session is renewed.
    pub renew: Instant,
}

/// By user in lower case. The lock of a user is held from a request that changes something in Graph until that is noted.
#[derive(Clone, Default)]
pub struct OwnUsers(Arc<HashMap<String, Arc<Mutex<OwnUser>>>>);

impl OwnUsers {
    /// These users, with what is known of them from a connection before, or remembered.
    pub async fn with(&self, users: &[SystemUser]) -> Self {
        let now = Instant::now();
        let mut all = HashMap::new();
        for user in users {
            let remembered: OwnMemory = user
                .memory
                .as_deref()
                .and_then(|memory| serde_json::from_str(memory).ok())
                .unwrap_or_default();
            let own = if let Some(own) = self.of_user(&user.id) {
                own.lock().await.remembered = remembered;
                own.clone()
            } else {
                Arc::new(Mutex::new(OwnUser {
                    memory: remembered.clone(),
                    remembered,
                    set: now,
                    renew: now,
                }))
            };
            all.insert(user.id.to_lowercase(), own);
        }
        Self(Arc::new(all))
    }

    pub fn of_user(&self, user: &str) -> Option<&Arc<Mutex<OwnUser>>> {
        self.0.get(&user.to_lowercase())
    }
}
