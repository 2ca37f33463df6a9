//! A system that speaks Standard Webhooks, signed by hand as the specification says.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use presync_connect::{Connector, ConnectorPlace, ConnectorSettings, Secret, SetOutcome};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::scripted::{Played, STATES};
use crate::systems::PlayedSystem;

const KEY: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3";
/// The one that others still use.
const OLD_KEY: &str = "whsec_YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjAx";

struct Sender {
    played: Mutex<Played>,
    listen: SocketAddr,
    client: reqwest::Client,
}

pub struct PlayedWebhook {
    sender: Arc<Sender>,
    address: SocketAddr,
}

impl Sender {
    fn played(&self) -> MutexGuard<'_, Played> {
        self.played.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Posts an event until it is taken.
    async fn tell(&self, event: Value) {
        let id = format!("event-{}", jiff::Timestamp::now().as_nanosecond());
        while self.post(&id, &event, OLD_KEY, 0).await != StatusCode::NO_CONTENT {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // The answer may have been lost.
        assert_eq!(self.post(&id, &event, KEY, 0).await, StatusCode::NO_CONTENT);
    }

    /// The answer to an event that was signed some seconds ago.
    async fn post(&self, id: &str, event: &Value, key: &str, ago: i64) -> StatusCode {
        let body = json!({ "type": "presence.changed", "data": event }).to_string();
        let time = jiff::Timestamp::now().as_second() - ago;
        let webhook = Webhook::new(key).expect("it is a key");
        let signature = webhook.sign(id, time, body.as_bytes()).expect("it is text");
        let sent = self
            .client
            .post(format!("http://{}/", self.listen))
            .header("webhook-id", id)
            .header("webhook-timestamp", time)
            .header("webhook-signature", format!("v1,AAAA {signature}"))
            .body(body)
            .send()
            .await;
        sent.map_or(StatusCode::BAD_GATEWAY, |answer| answer.status())
    }
}

async fn set(
    State(sender): State<Arc<Sender>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, [(&'static str, &'static str); 1]) {
    let webhook = Webhook::new(KEY).expect("it is a key");
    webhook.verify(&body, &headers).expect("it is signed");
    let body: Value = serde_json::from_slice(&body).expect("it is JSON");
    assert_eq!(body["type"], "presync.set");
    let [user, state] =
        ["user", "state"].map(|name| body["data"][name].as_str().expect("it is there"));
    let (outcome, changed) = sender.played().set(user, state);
    if changed {
        let event = json!({ "user": user, "change": { "pbx": state } });
        let sender = sender.clone();
        tokio::spawn(async move { sender.tell(event).await });
    }
    let status = match outcome {
        SetOutcome::Done => StatusCode::ACCEPTED,
        SetOutcome::Refused(_) => StatusCode::GONE,
        SetOutcome::Later { .. } => StatusCode::TOO_MANY_REQUESTS,
    };
    (status, [("retry-after", "0")])
}

impl PlayedWebhook {
    pub async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let sender = Arc::new(Sender {
            played: Mutex::new(Played::with(STATES[0])),
            listen: crate::matrix::free(),
            client: reqwest::Client::new(),
        });
        let router = Router::new()
            .route("/presync", post(set))
            .with_state(sender.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port is free");
        let address = listener.local_addr().expect("it has one");
        tokio::spawn(async move { axum::serve(listener, router).await });
        for user in ["ann", "bob"] {
            let sender = sender.clone();
            let event = json!({ "user": user, "observe": { "PBX": STATES[0] } });
            tokio::spawn(async move { sender.tell(event).await });
        }
        Self { sender, address }
    }
}

#[async_trait]
impl PlayedSystem for PlayedWebhook {
    fn name(&self) -> &'static str {
        "webhook"
    }

    fn connector(&self) -> Box<dyn Connector> {
        let settings = json!({
            "connector": "webhook",
            "url": format!("http://{}/presync", self.address),
            "listen": self.sender.listen,
            "secret": { "file": "secret" },
        });
        let settings: ConnectorSettings = serde_json::from_value(settings).expect("they are right");
        let place = ConnectorPlace {
            system: "pbx",
            folder: std::path::Path::new("."),
            secrets: &|_| Ok(Secret::from(&*format!("{KEY}\n{OLD_KEY}\n"))),
            has_program: &|_| true,
        };
        settings.make(&place).expect("it can be made")
    }

    fn states(&self) -> [&'static str; 2] {
        STATES
    }

    async fn choose(&self, user: &str, state: &str) {
        if let Some(shown) = self.sender.played().shown.get_mut(user) {
            state.clone_into(shown);
        }
        let event = json!({ "user": user, "change": { "pbx": state } });
        self.sender.tell(event).await;
    }

    fn shown(&self, user: &str) -> String {
        let shown = self.sender.played().shown.get(user).cloned();
        shown.unwrap_or_default()
    }

    fn times_set(&self, user: &str) -> usize {
        let times = self.sender.played().times.get(user).copied();
        times.unwrap_or_default()
    }

    fn refuse(&self, refuse: bool) {
        self.sender.played().refuses = refuse;
    }

    fn busy(&self, busy: bool) {
        self.sender.played().is_busy = busy;
    }

    fn lose(&self, lose: bool) {
        self.sender.played().loses = lose;
    }

    async fn cut(&self) {}

    fn mend(&self) {}

    fn can_be_read(&self) -> bool {
        false
    }

    fn can_be_cut(&self) -> bool {
        false
    }
}

/// Nothing that is not signed, or not in time, is taken; what cannot be read is refused with a reason.
#[tokio::test]
async fn only_signed_requests_are_taken() {
    let system = PlayedWebhook::start().await;
    let host = crate::host::TestHost::new();
    let mut connector = system.connector();
    let driven = presync_connect::drive("pbx", &mut *connector, &host, crate::settings());
    let tested = async {
        host.until("both are observed", |host| host.observed.len() == 2)
            .await;
        let change = json!({ "user": "ann", "change": { "pbx": STATES[1] } });
        let other = "whsec_AAAAMzQ1Njc4OWFiY2RlZjAxMjM0NTY3";
        let sender = &system.sender;
        assert_eq!(
            sender.post("1", &change, other, 0).await,
            StatusCode::UNAUTHORIZED
        );
        assert_eq!(
            sender.post("2", &change, KEY, 600).await,
            StatusCode::UNAUTHORIZED
        );
        assert_eq!(
            sender.post("3", &change, KEY, -600).await,
            StatusCode::UNAUTHORIZED
        );
        for wrong in [
            json!({ "user": "ann" }),
            json!({ "user": "ann", "change": { "cic": "Available" } }),
            json!({ "change": { "pbx": "Away" } }),
            json!([1, 2]),
            json!(["ann"]),
        ] {
            assert_eq!(
                sender.post("4", &wrong, KEY, 0).await,
                StatusCode::BAD_REQUEST,
                "{wrong}"
            );
        }
        assert!(host.seen(|host| host.changed.is_empty()));
        // The id of a refused request may come again with something better.
        assert_eq!(
            sender.post("4", &change, KEY, 0).await,
            StatusCode::NO_CONTENT
        );
        assert!(host.seen(|host| host.changed.len() == 1));
    };
    tokio::select! {
        never = driven => never,
        () = tested => {}
    }
}
