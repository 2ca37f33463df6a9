//! A stand-in for a Matrix server: presence of users, set by an application service that hears of changes. Written from the
//! specification and what Synapse does; `tests/live/end_to_end.py` has the real one.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use presync_connect::{
    Connector, ConnectorPlace, ConnectorSettings, Secret, SecretSettings, SetOutcome,
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::scripted::Played;
use crate::systems::PlayedSystem;

const STATES: [&str; 2] = ["online", "unavailable"];

struct Synapse {
    played: Mutex<Played>,
    events: mpsc::UnboundedSender<(String, String)>,
}

pub struct PlayedMatrix {
    server: Arc<Synapse>,
    address: SocketAddr,
    listen: SocketAddr,
}

/// A port that is free.
pub fn free() -> SocketAddr {
    let bound = std::net::TcpListener::bind("127.0.0.1:0").expect("there is one");
    bound.local_addr().expect("it has one")
}

impl Synapse {
    fn played(&self) -> MutexGuard<'_, Played> {
        self.played.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_cut(&self) -> bool {
        self.played().is_cut
    }
}

type Answer = (StatusCode, Json<Value>);

fn is_ours(headers: &HeaderMap) -> bool {
    headers
        .get("authorization")
        .is_some_and(|header| header == "Bearer as-secret")
}

async fn read(
    State(server): State<Arc<Synapse>>,
    Path(user): Path<String>,
    headers: HeaderMap,
) -> Answer {
    if server.is_cut() {
        return (StatusCode::BAD_GATEWAY, Json(json!({})));
    }
    assert!(is_ours(&headers));
    match server.played().shown.get(&user) {
        Some(state) => (StatusCode::OK, Json(json!({ "presence": state }))),
        None => (
            StatusCode::NOT_FOUND,
            Json(json!({ "errcode": "M_NOT_FOUND", "error": "no such user" })),
        ),
    }
}

async fn set(
    State(server): State<Arc<Synapse>>,
    Path(user): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Answer {
    assert!(is_ours(&headers));
    let state = body["presence"].as_str().unwrap_or_default();
    let (outcome, changed) = server.played().set(&user, state);
    match outcome {
        SetOutcome::Done => {
            if changed {
                let _ = server.events.send((user, state.to_owned()));
            }
            (StatusCode::OK, Json(json!({})))
        }
        SetOutcome::Refused(why) => (
            StatusCode::FORBIDDEN,
            Json(json!({ "errcode": "M_FORBIDDEN", "error": why })),
        ),
        SetOutcome::Later { why, .. } => (
            StatusCode::TOO_MANY_REQUESTS,
            Json(json!({ "errcode": "M_LIMIT_EXCEEDED", "error": why, "retry_after_ms": 25 })),
        ),
    }
}

/// Sends each change until it is answered, and every tenth one twice.
async fn push(
    server: Arc<Synapse>,
    mut events: mpsc::UnboundedReceiver<(String, String)>,
    to: SocketAddr,
) {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    let client = reqwest::Client::new();
    while let Some((user, state)) = events.recv().await {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let body = json!({ "events": [], "ephemeral": [
            { "type": "m.presence", "sender": user, "content": { "presence": state } },
            { "type": "m.typing", "room_id": "!a", "content": { "user_ids": [] } },
        ] });
        let mut times = 0;
        while times < 1 + usize::from(number.is_multiple_of(3)) {
            let sent = client
                .put(format!("http://{to}/_matrix/app/v1/transactions/{number}"))
                .bearer_auth("hs-secret")
                .json(&body)
                .send()
                .await;
            if !server.is_cut() && sent.is_ok_and(|answer| answer.status() == 200) {
                times += 1;
            } else {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

impl PlayedMatrix {
    pub async fn start() -> Self {
        // The server has a client, too.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (events, receiver) = mpsc::unbounded_channel();
        let server = Arc::new(Synapse {
            played: Mutex::new(Played::with(STATES[0])),
            events,
        });
        let listen = free();
        let router = Router::new()
            .route(
                "/_matrix/client/v3/presence/{user}/status",
                get(read).put(set),
            )
            .with_state(server.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let address = listener.local_addr().expect("it has one");
        tokio::spawn(async move { axum::serve(listener, router).await });
        tokio::spawn(push(server.clone(), receiver, listen));
        Self {
            server,
            address,
            listen,
        }
    }
}

#[async_trait]
impl PlayedSystem for PlayedMatrix {
    fn name(&self) -> &'static str {
        "matrix"
    }

    fn connector(&self) -> Box<dyn Connector> {
        let settings = json!({
            "connector": "matrix",
            "server": format!("http://{}", self.address),
            "as_token": { "env": "AS" },
            "hs_token": { "env": "HS" },
            "listen": self.listen,
        });
        let settings: ConnectorSettings = serde_json::from_value(settings).expect("they are right");
        let place = ConnectorPlace {
            system: "pbx",
            folder: std::path::Path::new("."),
            secrets: &|place| {
                let is_ours = *place == SecretSettings::Env("AS".to_owned());
                Ok(Secret::from(if is_ours {
                    "as-secret\n"
                } else {
                    "hs-secret"
                }))
            },
            has_program: &|_| true,
        };
        settings.make(&place).expect("it can be made")
    }

    fn states(&self) -> [&'static str; 2] {
        STATES
    }

    async fn choose(&self, user: &str, state: &str) {
        if let Some(shown) = self.server.played().shown.get_mut(user) {
            state.clone_into(shown);
        }
        let _ = self.server.events.send((user.to_owned(), state.to_owned()));
    }

    fn shown(&self, user: &str) -> String {
        self.server
            .played()
            .shown
            .get(user)
            .cloned()
            .unwrap_or_default()
    }

    fn times_set(&self, user: &str) -> usize {
        self.server
            .played()
            .times
            .get(user)
            .copied()
            .unwrap_or_default()
    }

    fn refuse(&self, refuse: bool) {
        self.server.played().refuses = refuse;
    }

    fn busy(&self, busy: bool) {
        self.server.played().is_busy = busy;
    }

    fn lose(&self, lose: bool) {
        self.server.played().loses = lose;
    }

    /// An error in an answer ends the connection.
    async fn cut(&self) {
        self.server.played().is_cut = true;
        // The server tells of something, and cannot be asked about it.
        let _ = self
            .server
            .events
            .send(("bob".to_owned(), STATES[0].to_owned()));
    }

    fn mend(&self) {
        self.server.played().is_cut = false;
    }
}
