//! A Matrix server, as an application service: one token sees and sets the presence of every user of its namespace.
//!
//! The server sends presence to our address (`listen`, the `url` of the registration) and waits for the answer, so that nothing
//! is lost: we answer when the host has taken it. A server that could not reach us waits longer and longer before it tries again,
//! so we also ask, often until it sends something, and seldom afterwards. What it sends first may be old, and
//! nothing tells how old: until it has sent nothing old for a while, we believe what it answers. Source: spec.matrix.org, client-server API (presence) and application service
//! API; measured with Synapse.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::body::{self, Body};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::put;
use axum::{Json, Router};
use futures_util::StreamExt;
use futures_util::stream;
use reqwest::{Client, Url};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use subtle::ConstantTimeEq;
use tokio::time::{Instant, sleep_until, timeout};

use crate::connector::{
    CommandSink, ConnectError, Connection, Connector, ReportSource, SetOutcome,
};
use crate::connectors::http::{EventListener, ListenAddress};
use crate::connectors::inbox::{Inbox, InboxReader, inbox};
use crate::connectors::{ConnectorPlace, MakeError, http};
use crate::report::{ReportKind, SystemCommand, SystemReport, SystemUser};
use crate::secret::{Secret, SecretSettings};

/// The settings of the connector `matrix`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MatrixSettings {
    /// The address of the server: `https://matrix.example.com`.
    server: String,
    /// `as_token` of the registration.
    as_token: SecretSettings,
    /// `hs_token` of the registration.
    hs_token: SecretSettings,
    /// Where the server sends events to: the address and port of `url` in the registration.
    listen: SocketAddr,
}

/// The largest transaction, and how long it may take to arrive.
const MOST_BYTES: usize = 16 << 20;
const READ_PATIENCE: Duration = Duration::from_secs(30);

pub struct MatrixConnector {
    api: Arc<MatrixApi>,
    hs_token: Secret,
    listen: ListenAddress,
}

impl MatrixConnector {
    pub fn new(settings: &MatrixSettings, place: &ConnectorPlace<'_>) -> Result<Self, MakeError> {
        let server = http::server_address("server", &settings.server)?;
        Ok(Self {
            api: Arc::new(MatrixApi {
                client: http::client()?,
                server,
                token: (place.secrets)(&settings.as_token)?,
            }),
            hs_token: (place.secrets)(&settings.hs_token)?,
            listen: ListenAddress::new(settings.listen),
        })
    }
}

#[async_trait]
impl Connector for MatrixConnector {
    async fn connect(&mut self, users: &[SystemUser]) -> Result<Connection, ConnectError> {
        let users: Vec<String> = users.iter().map(|user| user.id.clone()).collect();
        let (inbox, transactions) = inbox();
        let inbox = Arc::new(MatrixInbox {
            token: self.hs_token.clone(),
            users: users.iter().map(|user| user.to_lowercase()).collect(),
            inbox,
        });
        let router = Router::new()
            .route("/_matrix/app/v1/transactions/{id}", put(transaction))
            .with_state(inbox);
        let listener = self.listen.listen(router)?;
        let api = self.api.clone();
        // What is the case. Changes that come meanwhile wait.
        let first = api.reports(&users).await?;
        let source = MatrixSource {
            api: api.clone(),
            users,
            shown: first.iter().filter_map(shown).collect(),
            behind_until: None,
            first,
            transactions,
            asked: Instant::now(),
            asks_every: OFTEN,
            _listener: listener,
        };
        Ok(Connection {
            source: Box::new(source),
            sink: Box::new(MatrixSink(api)),
        })
    }

    fn settable(&self) -> Option<&'static [&'static str]> {
        Some(&["online", "unavailable", "offline"])
    }
}

/// Users with the presence that they had when the server wrote it.
type Presences = Vec<(String, String)>;

struct MatrixInbox {
    token: Secret,
    /// In lower case.
    users: HashSet<String>,
    inbox: Inbox<Presences>,
}

#[derive(Deserialize)]
struct TokenQuery {
    access_token: Option<String>,
}

#[derive(Deserialize)]
struct EphemeralEvents {
    #[serde(default)]
    ephemeral: Vec<Value>,
    #[serde(default, rename = "de.sorunome.msc2409.ephemeral")]
    older: Vec<Value>,
}

async fn transaction(
    State(inbox): State<Arc<MatrixInbox>>,
    Path(id): Path<String>,
    Query(query): Query<TokenQuery>,
    headers: HeaderMap,
    content: Body,
) -> (StatusCode, Json<Value>) {
    let bearer = headers.get(header::AUTHORIZATION);
    let bearer = bearer
        .and_then(|header| header.to_str().ok())
        .and_then(|header| header.strip_prefix("Bearer "));
    let token = bearer.or(query.access_token.as_deref()).unwrap_or_default();
    let is_right: bool = token
        .as_bytes()
        .ct_eq(inbox.token.reveal().as_bytes())
        .into();
    if !is_right {
        return (
            StatusCode::FORBIDDEN,
            Json(json!({ "errcode": "M_FORBIDDEN" })),
        );
    }
    let read = timeout(READ_PATIENCE, body::to_bytes(content, MOST_BYTES)).await;
    let parsed = read.map(|content| content.map(|text| serde_json::from_slice(&text)));
    let Ok(Ok(Ok(events))) = parsed else {
        let problem = json!({ "errcode": "M_BAD_JSON" });
        return (StatusCode::BAD_REQUEST, Json(problem));
    };
    let EphemeralEvents { ephemeral, older } = events;
    let presences: Presences = ephemeral
        .iter()
        .chain(&older)
        .filter_map(presence)
        .filter(|(user, _)| inbox.users.contains(&user.to_lowercase()))
        .collect();
    if presences.is_empty() || inbox.inbox.take(&id, presences).await {
        (StatusCode::OK, Json(json!({})))
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, Json(json!({})))
    }
}

/// `{"type":"m.presence","sender":"@ann:example.com","content":{"presence":"online"}}`
fn presence(event: &Value) -> Option<(String, String)> {
    let state = event["content"]["presence"].as_str()?;
    let user = event["sender"].as_str()?;
    (event["type"] == "m.presence").then(|| (user.to_owned(), state.to_owned()))
}

/// How often the server is asked: until it sends something, and afterwards.
const OFTEN: Duration = Duration::from_secs(5);
const SELDOM: Duration = Duration::from_secs(60);

/// What was not sent while the server could not reach us comes at once, one after the other.
const BEHIND: Duration = Duration::from_secs(5);

struct MatrixSource {
    api: Arc<MatrixApi>,
    users: Vec<String>,
    /// The last state of each user, by id in lower case.
    shown: HashMap<String, String>,
    /// Until when the server may still send what is old; `None`: it has not sent anything yet.
    behind_until: Option<Instant>,
    /// When the server was asked last.
    asked: Instant,
    asks_every: Duration,
    first: Vec<SystemReport>,
    transactions: InboxReader<Presences>,
    _listener: EventListener,
}

#[async_trait]
impl ReportSource for MatrixSource {
    async fn next(&mut self) -> Result<Vec<SystemReport>, ConnectError> {
        if !self.first.is_empty() {
            return Ok(std::mem::take(&mut self.first));
        }
        loop {
            let changed = tokio::select! {
                sent = self.transactions.next() => {
                    self.asks_every = SELDOM;
                    self.sent(sent?).await?
                }
                () = sleep_until(self.asked + self.asks_every) => {
                    self.asked = Instant::now();
                    self.asked_all().await?
                }
            };
            if !changed.is_empty() {
                return Ok(changed);
            }
            self.taken().await;
        }
    }

    async fn taken(&mut self) {
        if !self.transactions.taken() {
            // The server has given up waiting, and may fall behind.
            self.behind_until = None;
            self.asks_every = OFTEN;
        }
    }
}

impl MatrixSource {
    /// What is new in a transaction. As long as the server is behind: what is the case.
    async fn sent(&mut self, sent: Presences) -> Result<Vec<SystemReport>, ConnectError> {
        let until = self
            .behind_until
            .get_or_insert_with(|| Instant::now() + BEHIND);
        if *until <= Instant::now() {
            return Ok(self.changes(sent));
        }
        let mut users: Vec<String> = sent.iter().map(|(user, _)| user.clone()).collect();
        users.sort();
        users.dedup();
        let now = self.api.reports(&users).await?;
        let now: HashMap<String, String> = now.iter().filter_map(shown).collect();
        let is_now =
            |(user, state): &(String, String)| now.get(&user.to_lowercase()) == Some(state);
        if !sent.iter().all(is_now) {
            *until = Instant::now() + BEHIND;
        }
        // An echo counts, although the state may be as before.
        let mut new: Vec<(String, String)> = sent.into_iter().filter(is_now).collect();
        for user in users {
            let key = user.to_lowercase();
            if let Some(state) = now.get(&key)
                && self.shown.get(&key) != Some(state)
                && !new.iter().any(|(one, _)| *one == user)
            {
                new.push((user, state.clone()));
            }
        }
        Ok(self.changes(new))
    }

    /// What is new although the server has not sent it.
    async fn asked_all(&mut self) -> Result<Vec<SystemReport>, ConnectError> {
        let mut new = Vec::new();
        for report in self.api.reports(&self.users).await? {
            if let Some((key, state)) = shown(&report)
                && self.shown.get(&key) != Some(&state)
            {
                new.push((report.user, state));
            }
        }
        if !new.is_empty() && self.behind_until.is_some() {
            self.behind_until = Some(Instant::now() + BEHIND);
        }
        Ok(self.changes(new))
    }

    fn changes(&mut self, new: Vec<(String, String)>) -> Vec<SystemReport> {
        let changes = new.into_iter().map(|(user, state)| {
            self.shown.insert(user.to_lowercase(), state.clone());
            SystemReport::new(user, ReportKind::Changed(state))
        });
        changes.collect()
    }
}

/// Who shows what.
fn shown(report: &SystemReport) -> Option<(String, String)> {
    let (ReportKind::Observed(Some(state)) | ReportKind::Changed(state)) = &report.kind else {
        return None;
    };
    Some((report.user.to_lowercase(), state.clone()))
}

/// The two calls about presence.
struct MatrixApi {
    client: Client,
    server: Url,
    token: Secret,
}

impl MatrixApi {
    fn url(&self, user: &str) -> Result<Url, ConnectError> {
        let mut url = self.server.clone();
        url.path_segments_mut()
            .map_err(|()| ConnectError::Settings("`server` is not an address".to_owned()))?
            .pop_if_empty()
            .extend(["_matrix", "client", "v3", "presence", user, "status"]);
        url.query_pairs_mut().append_pair("user_id", user);
        Ok(url)
    }

    /// What users show, without those that the server does not know.
    async fn reports(&self, users: &[String]) -> Result<Vec<SystemReport>, ConnectError> {
        let reports = stream::iter(users.to_vec())
            .map(|user| async move { self.report(&user).await })
            .buffered(8);
        let reports: Vec<Result<Option<SystemReport>, ConnectError>> = reports.collect().await;
        let reports: Result<Vec<Option<SystemReport>>, ConnectError> =
            reports.into_iter().collect();
        Ok(reports?.into_iter().flatten().collect())
    }

    /// What a user shows; `None` if the server does not know the user.
    async fn report(&self, user: &str) -> Result<Option<SystemReport>, ConnectError> {
        let request = self
            .client
            .get(self.url(user)?)
            .bearer_auth(self.token.reveal());
        let answer = request.send().await.map_err(http::lost)?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED => return Err(wrong_token()),
            StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
                let why = http::error_text(answer, "error").await;
                tracing::warn!(user, why, "a user cannot be watched");
                return Ok(None);
            }
            _ => return Err(http::unexpected(answer, "error").await),
        }
        let status: Value = answer.json().await.map_err(http::lost)?;
        let state = status["presence"].as_str().map(ToOwned::to_owned);
        Ok(Some(SystemReport::new(user, ReportKind::Observed(state))))
    }
}

fn wrong_token() -> ConnectError {
    ConnectError::Settings("the server does not know `as_token`".to_owned())
}

struct MatrixSink(Arc<MatrixApi>);

#[async_trait]
impl CommandSink for MatrixSink {
    async fn set(&self, command: &SystemCommand) -> Result<SetOutcome, ConnectError> {
        let mut body = json!({ "presence": command.state });
        if !command.append.is_empty() {
            body["status_msg"] = Value::String(command.append.join(" "));
        }
        let request = self
            .0
            .client
            .put(self.0.url(&command.user)?)
            .bearer_auth(self.0.token.reveal())
            .json(&body);
        let answer = request.send().await.map_err(http::lost)?;
        let status = answer.status();
        if status.is_success() {
            return Ok(SetOutcome::Done);
        }
        if status == StatusCode::UNAUTHORIZED {
            return Err(wrong_token());
        }
        let after = http::retry_after(&answer);
        let body: Value = answer.json().await.unwrap_or_default();
        let why = body["error"].as_str().unwrap_or("no reason given");
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            let asked = body["retry_after_ms"].as_u64().map(Duration::from_millis);
            return Ok(SetOutcome::Later {
                after: asked.or(after),
                why: format!("{status}: {why}"),
            });
        }
        Ok(SetOutcome::Refused(format!("{status}: {why}")))
    }

    async fn read(&self, user: &str) -> Result<Option<SystemReport>, ConnectError> {
        self.0.report(user).await
    }
}
