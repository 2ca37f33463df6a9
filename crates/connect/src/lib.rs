//! Connectors to running systems: what they show, and commands to them.
//!
//! A connector has a file in `connectors/`: it turns the protocol of one kind of system into [`SystemReport`]s and carries out
//! [`SystemCommand`]s. [`drive`] does for all of them what is the same: it connects again, tells first contact from changes, sends
//! the newest command of a user and no older one, and tries again what did not work. A [`ConnectorHost`] decides what reports lead to.
//!
//! Users and states have the names that the system uses. No file is read here: secrets come from the function that a connector is made with.

#![forbid(unsafe_code)]

mod connector;
mod connectors;
mod driver;
mod dry_run;
mod host;
mod report;
mod secret;

pub use connector::{CommandSink, ConnectError, Connection, Connector, ReportSource, SetOutcome};
pub use connectors::{ConnectorPlace, ConnectorSettings, MakeError};
pub use driver::{DriverSettings, drive};
pub use dry_run::DryRun;
pub use host::{ConnectorHost, HostError};
pub use report::{ReportKind, SystemCommand, SystemReport, SystemUser};
pub use secret::{ReadSecret, Secret, SecretError, SecretSettings};
