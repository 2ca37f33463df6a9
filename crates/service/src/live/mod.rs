//! The service connected to systems: who the users are, and a task for each system.

mod config;
mod host;
mod users;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use presync_connect::{Connector, DriverSettings, DryRun, drive};
use presync_engine::Tables;
use tokio::sync::watch;

pub use config::{ConfigError, HttpConfig, LiveConfig, StoreConfig, SystemConfig};
pub use host::{LiveHost, SystemHealth};
pub use users::{SiteUser, Users, UsersError};

use crate::handle::{CoreHandle, Now, WorkError};

/// How often the table of users is looked at.
pub const USERS_EVERY: Duration = Duration::from_secs(2);

/// A system of the program with what connects to it.
pub struct ConnectedSystem {
    pub name: String,
    pub connector: Box<dyn Connector>,
    /// The number of commands in a second.
    pub per_second: u32,
}

/// Why a program cannot be used with the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LiveError {
    #[error("`[systems.{name}]`: unknown system; the program has {}", names(known))]
    UnknownSystem { name: String, known: Vec<String> },
    #[error(
        "`[systems.{system}]`: the program sets {}, which this connector cannot: mark such states `read_only`, or use another \
vocabulary",
        names(states)
    )]
    CannotSet { system: String, states: Vec<String> },
}

fn names(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// The name of a system as the program writes it.
///
/// # Errors
/// The program does not have it.
pub fn system_name(tables: &Tables, name: &str) -> Result<String, LiveError> {
    let schema = tables.schema();
    let found = schema.find_system(name);
    let found = found.map(|id| schema.system(id).name.clone());
    found.ok_or_else(|| LiveError::UnknownSystem {
        name: name.to_owned(),
        known: schema.systems().map(|(_, one)| one.name.clone()).collect(),
    })
}

/// Whether a connector can set all that a program may ask for: what is not `read_only`.
///
/// # Errors
/// It cannot: which states.
pub fn check_states(
    tables: &Tables,
    system: &str,
    connector: &dyn Connector,
) -> Result<(), LiveError> {
    let Some(settable) = connector.settable() else {
        return Ok(());
    };
    let schema = tables.schema();
    let id = schema.find_system(system);
    let states = id.into_iter().flat_map(|id| &schema.system(id).states);
    let states = states.filter(|state| !state.read_only && !settable.contains(&state.wire()));
    let states: Vec<String> = states.map(|state| state.name.clone()).collect();
    if states.is_empty() {
        Ok(())
    } else {
        let system = system.to_owned();
        Err(LiveError::CannotSet { system, states })
    }
}

/// Connects every system. The tasks go on until the runtime ends.
///
/// # Errors
/// The users could not be kept.
pub async fn connect(
    core: &CoreHandle,
    users: watch::Receiver<Arc<Users>>,
    now: Now,
    dry_run: bool,
    systems: Vec<ConnectedSystem>,
) -> Result<Arc<LiveHost>, WorkError> {
    let names = systems.iter().map(|system| system.name.clone());
    let host = Arc::new(LiveHost::new(
        core.clone(),
        users.clone(),
        now,
        dry_run,
        names,
    ));
    host.apply_users().await?;
    let tables = core.tables();
    for mut system in systems {
        let schema = tables.schema();
        let echo = schema
            .find_system(&system.name)
            .map(|id| schema.system(id).echo_seconds());
        let mut settings = DriverSettings {
            per_second: system.per_second,
            ..DriverSettings::default()
        };
        if let Some(seconds) = echo {
            settings.echo = Duration::from_secs(u64::from(seconds));
        }
        if dry_run {
            system.connector = Box::new(DryRun(system.connector));
        }
        let host = host.clone();
        tokio::spawn(
            async move { drive(&system.name, &mut *system.connector, &*host, settings).await },
        );
    }
    let waiting = host.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if let Err(error) = waiting.decide_waiting().await {
                tracing::error!(%error, "decisions wait");
            }
        }
    });
    let applied = host.clone();
    let mut users = users;
    tokio::spawn(async move {
        users.mark_unchanged();
        while users.changed().await.is_ok() {
            if let Err(error) = applied.apply_users().await {
                tracing::error!(%error, "the new users were not taken");
            }
        }
    });
    Ok(host)
}

/// How each system is, by name.
pub type SystemsHealth = BTreeMap<String, SystemHealth>;
