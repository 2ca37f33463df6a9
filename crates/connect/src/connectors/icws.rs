//! Genesys CIC (PureConnect) by ICWS: one session sees and sets the status of all users.
//!
//! Every time is that of arrival: the server sends messages once and in order, and nobody has to compare its clock with ours.
//! Source: help.genesys.com/developer/cic/docs/icws. No real server could be tried; the stand-in has its documented shapes.

mod completions;
mod messages;
mod session;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Method, StatusCode, Url};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::connector::{
    CommandSink, ConnectError, Connection, Connector, ReportSource, SetOutcome,
};
use crate::connectors::known::KnownStates;
use crate::connectors::{ConnectorPlace, MakeError, http};
use crate::report::{ReportKind, SystemCommand, SystemReport, SystemUser};
use crate::secret::{Secret, SecretSettings};
use completions::RequestCompletions;
use messages::{IcwsMessages, UserStatus};
use session::{IcwsLogin, IcwsSession};

/// The settings of the connector `icws`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IcwsSettings {
    /// The addresses of the server and its backup: `https://cic1.example.com:8019`.
    servers: Vec<String>,
    /// The user to log in as. It needs the license for ICWS, and the right to change the status of the users.
    user: String,
    /// The password of this user.
    password: SecretSettings,
    /// A flag of the users who are active in a workgroup.
    #[serde(default)]
    workgroups: Option<WorkgroupSettings>,
}

/// A flag that is true while a user is active in one of some workgroups.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkgroupSettings {
    /// The flag: `in_queue`.
    flag: String,
    /// The workgroups; all of the user if it is empty.
    #[serde(default)]
    names: Vec<String>,
}

/// How long the server may take to carry out what it has accepted.
const COMPLETION: Duration = Duration::from_secs(20);

pub struct IcwsConnector {
    login: IcwsLogin,
    workgroups: Option<WorkgroupSettings>,
}

impl IcwsConnector {
    pub fn new(settings: &IcwsSettings, place: &ConnectorPlace<'_>) -> Result<Self, MakeError> {
        let servers = settings.servers.iter();
        let servers = servers.map(|server| http::server_address("servers", server));
        let servers = servers.collect::<Result<Vec<Url>, MakeError>>()?;
        if servers.is_empty() {
            return Err(MakeError::Setting(
                "`servers` is empty: write `[\"https://cic1.example.com:8019\"]`".to_owned(),
            ));
        }
        let password: Secret = (place.secrets)(&settings.password)?;
        Ok(Self {
            login: IcwsLogin::new(servers, settings.user.clone(), password),
            workgroups: settings.workgroups.clone(),
        })
    }
}

#[async_trait]
impl Connector for IcwsConnector {
    async fn connect(&mut self, users: &[SystemUser]) -> Result<Connection, ConnectError> {
        let open = OpenSession(Arc::new(self.login.log_in().await?));
        let session = open.0.clone();
        let users = users.iter().map(|user| user.id.clone()).collect();
        let users = subscribe(&session, users).await?;
        let completions = RequestCompletions::default();
        let known = KnownStates::default();
        let (reports, receiver) = mpsc::channel(64);
        let messages = IcwsMessages::new(
            session.clone(),
            users,
            self.workgroups.clone(),
            (known.clone(), completions.clone()),
        );
        let mut reader = JoinSet::new();
        reader.spawn(messages.read(reports));
        let source = IcwsSource {
            reports: receiver,
            _session: open,
            _reader: reader,
        };
        let sink = IcwsSink {
            session,
            known,
            completions,
        };
        Ok(Connection {
            source: Box::new(source),
            sink: Box::new(sink),
        })
    }
}

/// A session that ends when this is dropped, also while it is still made: it holds a license.
struct OpenSession(Arc<IcwsSession>);

impl Drop for OpenSession {
    fn drop(&mut self) {
        let session = self.0.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { session.end().await });
        }
    }
}

/// Subscribes to the status of users. Returns those that the server knows: one that it does not know is an error for all, so
/// those are found by halves.
async fn subscribe(session: &IcwsSession, users: Vec<String>) -> Result<Vec<String>, ConnectError> {
    let mut known = Vec::new();
    let count = users.len();
    let mut left = vec![users];
    while let Some(mut part) = left.pop() {
        if part.is_empty() {
            continue;
        }
        if session.subscribe(&part).await? {
            known.append(&mut part);
        } else if let [user] = &part[..] {
            tracing::warn!(user, "the server does not show this user");
        } else {
            let half = part.split_off(part.len() / 2);
            left.extend([half, part]);
        }
    }
    // A subscription replaces the one before.
    if known.is_empty() || known.len() == count || session.subscribe(&known).await? {
        return Ok(known);
    }
    Err(ConnectError::lost("the server refuses to show users"))
}

/// The status of a user, or why the server does not show it.
async fn status(
    session: &IcwsSession,
    user: &str,
) -> Result<Result<UserStatus, String>, ConnectError> {
    let path = ["status", "user-statuses", user];
    let answer = session.send(Method::GET, &path, None).await?;
    match answer.status() {
        StatusCode::OK => Ok(Ok(answer.json().await.map_err(http::lost)?)),
        StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
            Ok(Err(http::error_text(answer, "message").await))
        }
        _ => Err(http::unexpected(answer, "message").await),
    }
}

struct IcwsSource {
    reports: mpsc::Receiver<Result<Vec<SystemReport>, ConnectError>>,
    _session: OpenSession,
    /// It ends with the connection.
    _reader: JoinSet<()>,
}

#[async_trait]
impl ReportSource for IcwsSource {
    async fn next(&mut self) -> Result<Vec<SystemReport>, ConnectError> {
        let next = self.reports.recv().await;
        next.unwrap_or_else(|| Err(ConnectError::lost("the session has ended")))
    }
}

struct IcwsSink {
    session: Arc<IcwsSession>,
    known: KnownStates,
    completions: RequestCompletions,
}

#[async_trait]
impl CommandSink for IcwsSink {
    async fn set(&self, command: &SystemCommand) -> Result<SetOutcome, ConnectError> {
        let path = ["status", "user-statuses", &command.user];
        // Without text, that of an earlier command would stay.
        let body = json!({ "statusId": command.state, "notes": command.append.join(" ") });
        let answer = self.session.send(Method::PUT, &path, Some(&body)).await?;
        let code = answer.status();
        if code == StatusCode::TOO_MANY_REQUESTS || code.is_server_error() {
            let after = http::retry_after(&answer);
            let why = http::error_text(answer, "message").await;
            return Ok(SetOutcome::Later { after, why });
        }
        if !code.is_success() {
            let why = http::error_text(answer, "message").await;
            return Ok(SetOutcome::Refused(why));
        }
        // Accepted, not done.
        let accepted: Value = answer.json().await.unwrap_or_default();
        let Some(request) = accepted["requestId"].as_str() else {
            return Ok(SetOutcome::Done);
        };
        let completed = self.completions.wait(request.to_owned());
        match timeout(COMPLETION, completed).await {
            Ok(Some(None)) => Ok(SetOutcome::Done),
            Ok(Some(Some(why))) => Ok(SetOutcome::Refused(why)),
            Ok(None) => Err(ConnectError::lost("the session has ended")),
            Err(_) => Ok(SetOutcome::Later {
                after: None,
                why: "the server has accepted the status, but not set it".to_owned(),
            }),
        }
    }

    async fn read(&self, user: &str) -> Result<Option<SystemReport>, ConnectError> {
        let Some(found) = status(&self.session, user).await?.ok() else {
            return Ok(None);
        };
        let state = found.status_id.map_or(ReportKind::Observed(None), |state| {
            let version = found.status_changed.as_deref();
            self.known.answer(user, &state, version)
        });
        Ok(Some(SystemReport::new(user, state)))
    }
}
