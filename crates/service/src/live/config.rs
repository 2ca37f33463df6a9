//! `live.toml`: which program, which users, and how each system is reached.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;

use presync_connect::{ConnectorSettings, SecretSettings};
use presync_engine::nearest;
use schemars::JsonSchema;
use serde::Deserialize;

/// The settings of a service that is connected to systems. Paths are relative to the file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "live.toml")]
pub struct LiveConfig {
    /// A program, a directory with one, or a tables.json.
    pub program: PathBuf,
    /// CSV with the columns `user`, `role`, one of each system with the id of the user there, and facts. Read again when it
    /// changes.
    pub users: PathBuf,
    #[serde(default)]
    pub store: StoreConfig,
    /// Without it, commands are not written down.
    pub audit: Option<AuditConfig>,
    #[serde(default)]
    pub http: HttpConfig,
    /// By the name of the system in the program.
    #[schemars(with = "BTreeMap<String, SystemSchema>")]
    pub systems: BTreeMap<String, toml::Table>,
}

/// Where sessions and commands are kept.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreConfig {
    /// The file; `presync.store` if it is not named.
    pub path: Option<PathBuf>,
}

/// Where every command is written down.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditConfig {
    /// A folder: each day has a file, with a line of JSON for each command.
    pub path: PathBuf,
    /// How many days are kept.
    #[serde(default = "retention")]
    pub retention_days: NonZeroU16,
}

fn retention() -> NonZeroU16 {
    const { NonZeroU16::new(30).unwrap() }
}

/// What is offered over HTTP.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {
    /// The address to listen on; `127.0.0.1:7420` if it is not named.
    pub listen: Option<SocketAddr>,
    /// A file with a token in each line, a space, and its scopes: `decide`, `events`, `admin`.
    pub tokens_file: Option<PathBuf>,
    /// Without it, requests are not encrypted.
    pub tls: Option<TlsConfig>,
}

/// The certificate of the service. It is read again when a file changes.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// The certificate, and those that have signed it, in PEM.
    pub cert: PathBuf,
    /// Its key, in PEM.
    pub key: SecretSettings,
}

/// A system, and how it is reached.
#[derive(Debug, Clone)]
pub struct SystemConfig {
    pub connector: ConnectorSettings,
    pub limits: LimitConfig,
}

/// How a system is treated, whatever connects to it.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitConfig {
    /// The number of commands in a second.
    #[serde(default = "per_second")]
    pub per_second: u32,
}

fn per_second() -> u32 {
    10
}

/// A system, and how it is reached.
#[derive(JsonSchema)]
#[expect(dead_code)]
struct SystemSchema {
    #[serde(flatten)]
    connector: ConnectorSettings,
    #[serde(flatten)]
    limits: LimitConfig,
}

/// The settings are wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl LiveConfig {
    /// Reads the text of a `live.toml`.
    ///
    /// # Errors
    /// It is no TOML, a setting is missing, unknown or has another type.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Self =
            toml::from_str(text).map_err(|error| ConfigError(helped(error.to_string())))?;
        if config.systems.is_empty() {
            return Err(ConfigError(
                "no system is named: write `[systems.NAME]` for each".to_owned(),
            ));
        }
        for name in config.systems.keys() {
            config.system(name)?;
        }
        Ok(config)
    }

    /// A table of `systems`.
    ///
    /// # Errors
    /// It is not there, or a setting of it is wrong.
    pub fn system(&self, name: &str) -> Result<SystemConfig, ConfigError> {
        let wrong = |what: String| ConfigError(format!("`[systems.{name}]`: {}", helped(what)));
        let mut own = self.systems.get(name).cloned().unwrap_or_default();
        let mut limits = toml::Table::new();
        if let Some(value) = own.remove("per_second") {
            limits.insert("per_second".to_owned(), value);
        }
        let limits: LimitConfig = limits
            .try_into()
            .map_err(|error: toml::de::Error| wrong(error.message().to_owned()))?;
        if limits.per_second == 0 {
            return Err(wrong(
                "`per_second` is 0: then nothing is ever sent".to_owned(),
            ));
        }
        let connector: ConnectorSettings = own
            .try_into()
            .map_err(|error: toml::de::Error| wrong(error.message().to_owned()))?;
        Ok(SystemConfig { connector, limits })
    }
}

/// An error of serde, with the name that is most like the unknown one: `` unknown field `sever`, expected `server` or `listen` ``.
fn helped(message: String) -> String {
    let Some((_, rest)) = message.split_once("unknown ") else {
        return message;
    };
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let Some(unknown) = quoted.next() else {
        return message;
    };
    match nearest(unknown, quoted) {
        Some(known) => format!("{}: did you mean `{known}`?", message.trim_end()),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "tests read files")]
    fn the_committed_schema_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/live.schema.json");
        let schema = serde_json::Value::from(schemars::schema_for!(LiveConfig));
        let text = format!("{schema:#}\n");
        if std::env::var_os("PRESYNC_BLESS").is_some() {
            std::fs::write(path, &text).expect("the file is writable");
        }
        let committed = std::fs::read_to_string(path).expect("it is there");
        assert!(
            committed == text,
            "run with PRESYNC_BLESS=1 and review the difference"
        );
    }
}
