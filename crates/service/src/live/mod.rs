//! The service connected to systems: who the users are, and a task for each system.

mod comparison;
mod config;
mod host;
mod users;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use presync_connect::{Connector, ConnectorHost, DriverSettings, DryRun, drive};
use presync_engine::{Tables, UnknownName};

pub use config::{AuditConfig, ConfigError, HttpConfig, LiveConfig, StoreConfig, SystemConfig};
pub use host::{LiveHost, LoadUsers, SettableStates, SystemHealth};
pub use users::{SiteUser, Users, UsersError};

use crate::handle::{CoreHandle, Now};

/// How long a connector stays away after a panic.
const AFTER_PANIC: Duration = Duration::from_secs(10);

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
    #[error("`[systems.{name}]`: {unknown}")]
    UnknownSystem {
        name: String,
        unknown: Box<UnknownName>,
    },
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
    match schema.system_named(name) {
        Ok(id) => Ok(schema.system(id).name.clone()),
        Err(unknown) => Err(LiveError::UnknownSystem {
            name: name.to_owned(),
            unknown: Box::new(unknown),
        }),
    }
}

/// Whether a connector can set all that a program may ask for: what is not `read_only`.
///
/// # Errors
/// It cannot: which states.
pub fn check_states(
    tables: &Tables,
    system: &str,
    settable: SettableStates,
) -> Result<(), LiveError> {
    let Some(settable) = settable else {
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
/// The users cannot be read or stored.
pub async fn connect(
    core: &CoreHandle,
    load_users: Box<LoadUsers>,
    now: Now,
    dry_run: bool,
    systems: Vec<ConnectedSystem>,
) -> Result<Arc<LiveHost>, String> {
    let settable = systems
        .iter()
        .map(|system| (system.name.clone(), system.connector.settable()));
    let host = LiveHost::new(core.clone(), load_users, now, dry_run, settable)?;
    let host = Arc::new(host);
    let applied = host.apply_users().await;
    applied.map_err(|error| error.to_string())?;
    for mut system in systems {
        if dry_run {
            system.connector = Box::new(DryRun(system.connector));
        }
        tokio::spawn(keep_connected(system, host.clone()));
    }
    let deciding = host.clone();
    tokio::spawn(async move { deciding.keep_deciding().await });
    let applying = host.clone();
    tokio::spawn(async move { applying.keep_users_applied().await });
    Ok(host)
}

/// A connector that panics is started again, so that one system does not stay away in silence.
async fn keep_connected(mut system: ConnectedSystem, host: Arc<LiveHost>) {
    let settings = DriverSettings {
        per_second: system.per_second,
        ..DriverSettings::default()
    };
    loop {
        let driving = drive(&system.name, &mut *system.connector, &*host, settings);
        let Err(_) = AssertUnwindSafe(driving).catch_unwind().await;
        host.lost(
            &system.name,
            "the connector failed, which is a fault of Presync: please report the panic in the log",
        );
        tokio::time::sleep(AFTER_PANIC).await;
    }
}

/// How each system is, by name.
pub type SystemsHealth = BTreeMap<String, SystemHealth>;
