//! A system that takes commands and sends changes as signed HTTP requests (Standard Webhooks 1.0).
//!
//! It posts `{"data": {"user":"17","change":{"pbx":"Away"}}}` to our address (`listen`), with events as those of `presync run`, and
//! gets `{"type":"presync.set","timestamp":"...","data":{"number":41,"user":"17","state":"Away"}}` at `url`. A request that was
//! not answered with success is repeated, by both sides, with the same `webhook-id`.
//! Source: github.com/standard-webhooks/standard-webhooks.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use reqwest::{Client, Url};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use standardwebhooks::{
    HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook,
};

use crate::connector::{
    CommandSink, ConnectError, Connection, Connector, ReportSource, SetOutcome,
};
use crate::connectors::adapter_event::AdapterEvent;
use crate::connectors::http::{EventListener, ListenAddress};
use crate::connectors::inbox::{Inbox, InboxReader, inbox};
use crate::connectors::{ConnectorPlace, MakeError, http};
use crate::report::{SystemCommand, SystemReport, SystemUser};
use crate::secret::{Secret, SecretSettings};

/// The settings of the connector `webhook`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    /// Where commands are posted to.
    url: String,
    /// Where events are posted to us.
    listen: SocketAddr,
    /// The secrets that requests are signed with, one in each line: `whsec_...`. The first signs; all are accepted.
    secret: SecretSettings,
}

/// The smallest key, in bytes. Source: Standard Webhooks 1.0.
const LEAST_KEY: usize = 24;

/// The largest request.
const MOST_BYTES: usize = 1 << 20;

pub struct WebhookConnector {
    system: String,
    client: Client,
    url: Url,
    listen: ListenAddress,
    keys: Vec<Secret>,
}

impl WebhookConnector {
    pub fn new(settings: &WebhookSettings, place: &ConnectorPlace<'_>) -> Result<Self, MakeError> {
        let url = http::server_address("url", &settings.url)?;
        let secret = (place.secrets)(&settings.secret)?;
        let lines = secret.reveal().lines().map(str::trim);
        let keys: Vec<Secret> = lines
            .filter(|line| !line.is_empty())
            .map(Secret::from)
            .collect();
        let is_key = |key: &Secret| {
            let encoded = key
                .reveal()
                .trim_start_matches("whsec_")
                .trim_end_matches('=');
            Webhook::new(key.reveal()).is_ok() && encoded.len() * 3 / 4 >= LEAST_KEY
        };
        if keys.is_empty() || !keys.iter().all(is_key) {
            return Err(MakeError::Setting(format!(
                "`secret`: write `whsec_` and a key of at least {LEAST_KEY} bytes in Base64, one in each line"
            )));
        }
        Ok(Self {
            system: place.system.to_owned(),
            client: http::client()?,
            url,
            listen: ListenAddress::new(settings.listen),
            keys,
        })
    }
}

#[async_trait]
impl Connector for WebhookConnector {
    async fn connect(&mut self, _: &[SystemUser]) -> Result<Connection, ConnectError> {
        let (inbox, requests) = inbox();
        let inbox = Arc::new(WebhookInbox {
            system: self.system.clone(),
            keys: self.keys.clone(),
            inbox,
        });
        let router = Router::new()
            .route("/", post(receive))
            .layer(DefaultBodyLimit::max(MOST_BYTES))
            .with_state(inbox);
        let source = WebhookSource {
            requests,
            _listener: self.listen.listen(router)?,
        };
        let sink = WebhookSink {
            client: self.client.clone(),
            url: self.url.clone(),
            key: self.keys[0].clone(),
        };
        Ok(Connection {
            source: Box::new(source),
            sink: Box::new(sink),
        })
    }
}

struct WebhookInbox {
    system: String,
    keys: Vec<Secret>,
    inbox: Inbox<Vec<SystemReport>>,
}

/// `{"data": {...}}`. An array would be read as the members in their order.
fn reports(body: &[u8], system: &str) -> Result<Vec<SystemReport>, String> {
    let body: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let data = body.get("data").filter(|data| data.is_object());
    let data = data.ok_or_else(|| "`data` is missing, or is not an object".to_owned())?;
    let event = AdapterEvent::deserialize(data).map_err(|error| error.to_string())?;
    event.reports(system)
}

async fn receive(
    State(inbox): State<Arc<WebhookInbox>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let mut keys = inbox.keys.iter();
    let is_signed = keys.any(|key| {
        Webhook::new(key.reveal()).is_ok_and(|webhook| webhook.verify(&body, &headers).is_ok())
    });
    if !is_signed {
        let why = "the signature is wrong, or older than five minutes".to_owned();
        return (StatusCode::UNAUTHORIZED, why);
    }
    let reports = match reports(&body, &inbox.system) {
        Ok(reports) => reports,
        Err(why) => return (StatusCode::BAD_REQUEST, why),
    };
    let id = headers.get(HEADER_WEBHOOK_ID);
    let id = id.and_then(|id| id.to_str().ok()).unwrap_or_default();
    if inbox.inbox.take(id, reports).await {
        (StatusCode::NO_CONTENT, String::new())
    } else {
        let why = "not now: repeat the request".to_owned();
        (StatusCode::SERVICE_UNAVAILABLE, why)
    }
}

struct WebhookSource {
    requests: InboxReader<Vec<SystemReport>>,
    _listener: EventListener,
}

#[async_trait]
impl ReportSource for WebhookSource {
    async fn next(&mut self) -> Result<Vec<SystemReport>, ConnectError> {
        self.requests.next().await
    }

    async fn taken(&mut self) {
        // A sender that has given up repeats its request, which is not taken twice.
        let _ = self.requests.taken();
    }
}

struct WebhookSink {
    client: Client,
    url: Url,
    key: Secret,
}

#[async_trait]
impl CommandSink for WebhookSink {
    async fn set(&self, command: &SystemCommand) -> Result<SetOutcome, ConnectError> {
        let now = jiff::Timestamp::now();
        let body = json!({ "type": "presync.set", "timestamp": now.to_string(), "data": command });
        let body = body.to_string();
        // The same for a command that is sent again.
        let id = format!("presync-{}", command.number);
        let webhook = Webhook::new(self.key.reveal()).map_err(ConnectError::lost)?;
        let signature = webhook.sign(&id, now.as_second(), body.as_bytes());
        let request = self
            .client
            .post(self.url.clone())
            .header("content-type", "application/json")
            .header(HEADER_WEBHOOK_ID, id)
            .header(HEADER_WEBHOOK_TIMESTAMP, now.as_second().to_string())
            .header(
                HEADER_WEBHOOK_SIGNATURE,
                signature.map_err(ConnectError::lost)?,
            )
            .body(body);
        let answer = match request.send().await {
            Ok(answer) => answer,
            // Others can be reached by us all the same.
            Err(error) => {
                let why = http::lost(error).to_string();
                return Ok(SetOutcome::Later { after: None, why });
            }
        };
        let status = answer.status();
        if status.is_success() {
            return Ok(SetOutcome::Done);
        }
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            let after = http::retry_after(&answer);
            let why = status.to_string();
            return Ok(SetOutcome::Later { after, why });
        }
        Ok(SetOutcome::Refused(status.to_string()))
    }
}
