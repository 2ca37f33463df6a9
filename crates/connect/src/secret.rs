//! Passwords and tokens: from a file or the environment, and never shown.

use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SecretSettings {
    /// A file that holds nothing else.
    File(PathBuf),
    /// The name of an environment variable.
    Env(String),
}

/// Reads a secret from where it is.
pub type ReadSecret = dyn Fn(&SecretSettings) -> Result<Secret, SecretError> + Send + Sync;

/// A text that is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// A secret is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SecretError(pub String);

impl Secret {
    /// The text, for those who have to send it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    /// A line break at the end does not belong to a secret.
    fn from(text: &str) -> Self {
        Self(text.trim_end_matches(['\r', '\n']).to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}
