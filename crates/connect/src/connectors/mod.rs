//! One file for each kind of system, and [`ConnectorSettings`], which names them.

mod adapter_event;
mod exec;
mod graph;
mod http;
mod icws;
mod inbox;
mod known;
mod matrix;
mod webhook;
mod xmpp;

use std::net::IpAddr;
use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::connector::Connector;
use crate::secret::{ReadSecret, SecretError};

/// The settings of a system, by its kind: `connector = "matrix"`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(tag = "connector", rename_all = "lowercase")]
pub enum ConnectorSettings {
    /// A program of yours that is started and talked to with JSON Lines.
    Exec(exec::ExecSettings),
    /// Microsoft Teams, by Microsoft Graph.
    Graph(graph::GraphSettings),
    /// Genesys CIC (PureConnect), by ICWS.
    Icws(icws::IcwsSettings),
    /// A Matrix server, as an application service.
    Matrix(matrix::MatrixSettings),
    /// A system that sends and takes signed HTTP requests (Standard Webhooks).
    Webhook(webhook::WebhookSettings),
    /// An XMPP server, logged in as each user.
    Xmpp(xmpp::XmppSettings),
}

/// What a connector is made with.
pub struct ConnectorPlace<'a> {
    /// The name of the system in the program.
    pub system: &'a str,
    /// The folder that paths in the settings are relative to.
    pub folder: &'a Path,
    pub secrets: &'a ReadSecret,
    /// Whether a program can be started: a path relative to the folder, or a name.
    pub has_program: &'a (dyn Fn(&str) -> bool + Sync),
}

/// A connector cannot be made from its settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MakeError {
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("{0}")]
    Setting(String),
}

/// Whether what is sent to a host stays on this machine.
fn is_this_machine(host: &str) -> bool {
    let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}

impl ConnectorSettings {
    /// The connector. Nothing is sent yet.
    ///
    /// # Errors
    /// A secret is missing, or a setting cannot be used.
    pub fn make(&self, place: &ConnectorPlace<'_>) -> Result<Box<dyn Connector>, MakeError> {
        Ok(match self {
            Self::Exec(settings) => Box::new(exec::ExecConnector::new(settings, place)?),
            Self::Graph(settings) => Box::new(graph::GraphConnector::new(settings, place)?),
            Self::Icws(settings) => Box::new(icws::IcwsConnector::new(settings, place)?),
            Self::Matrix(settings) => Box::new(matrix::MatrixConnector::new(settings, place)?),
            Self::Webhook(settings) => Box::new(webhook::WebhookConnector::new(settings, place)?),
            Self::Xmpp(settings) => Box::new(xmpp::XmppConnector::new(settings, place)?),
        })
    }
}
