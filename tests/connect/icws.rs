//! A stand-in for CIC's web service: sessions with a token and a cookie, accepted requests that end later, subscriptions, messages as
//! a stream or asked for, and a backup that names the server. Written from the documented shapes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use axum::{Json, Router};
use futures_util::stream;
use presync_connect::{
    Connector, ConnectorPlace, ConnectorSettings, DriverSettings, ReportKind, Secret, SetOutcome,
    drive,
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::host::{TestHost, user};
use crate::scripted::Played;
use crate::systems::PlayedSystem;

const STATES: [&str; 2] = ["Available", "At Lunch"];

/// The token and the cookie of a session.
const CSRF: &str = "csrf-secret";
const COOKIE: &str = "icws_1=cookie-secret";

#[derive(Default)]
struct Cic {
    played: Played,
    /// When each user changed last.
    changed: BTreeMap<String, u64>,
    clock: u64,
    /// The number of the session that is logged in; 0: none.
    session: u64,
    sessions: u64,
    subscribed: BTreeSet<String>,
    waiting: Vec<Value>,
    stream: Option<mpsc::UnboundedSender<Value>>,
    streams: bool,
    /// Accepted requests do not end.
    hangs: bool,
    requests: u64,
    logged_out: usize,
    /// No subscription works.
    fails: bool,
    /// How often one user was asked for.
    questions: usize,
    /// Another server of theirs answers questions.
    is_behind: bool,
}

type Shared = Arc<Mutex<Cic>>;

fn lock(cic: &Shared) -> MutexGuard<'_, Cic> {
    cic.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Cic {
    fn say(&mut self, message: Value) {
        let stream = self.stream.as_ref();
        if stream.is_none_or(|stream| stream.send(message.clone()).is_err()) {
            self.waiting.push(message);
        }
    }

    fn status(&self, user: &str) -> Value {
        let second = self.changed.get(user).copied().unwrap_or_default();
        json!({
            "userId": user,
            "statusId": self.played.shown.get(user),
            "loggedIn": true,
            "onPhone": false,
            // The clock of the server is years ahead.
            "statusChanged": format!("20361127T12{:02}{:02}Z", second / 60, second % 60),
        })
    }

    /// A user's status has changed: a message, the same again, one about something else, and an older one.
    fn told(&mut self, user: &str) {
        if !self.subscribed.contains(user) {
            return;
        }
        let mut older = self.status(user);
        older["statusChanged"] = json!("20361127T115959Z");
        older["statusId"] = json!("Gone Home");
        let mut status = self.status(user);
        for _ in 0..2 {
            self.say(message(true, vec![status.clone()]));
        }
        status["onPhone"] = json!(true);
        self.say(message(true, vec![status]));
        self.say(message(true, vec![older]));
    }

    fn change(&mut self, user: &str, state: &str) {
        if let Some(shown) = self.played.shown.get_mut(user) {
            state.clone_into(shown);
            self.clock += 1;
            self.changed.insert(user.to_owned(), self.clock);
        }
        self.told(user);
    }
}

fn message(is_delta: bool, users: Vec<Value>) -> Value {
    json!({ "__type": "urn:inin.com:status:userStatusMessage", "isDelta": is_delta, "userStatusList": users })
}

fn error(code: u16, id: &str, message: &str) -> Response {
    let code = StatusCode::from_u16(code).expect("it is one");
    (code, Json(json!({ "errorId": id, "message": message }))).into_response()
}

async fn log_in(
    State(cic): State<Shared>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let mut cic = lock(&cic);
    assert!(headers.contains_key("accept-language"));
    if cic.played.is_cut {
        return error(503, "error.server.notAcceptingConnections", "not now");
    }
    if body["password"] != "cic-secret" || body["userID"] != "presync" {
        let id = "error.request.connection.authenticationFailure";
        return error(400, id, "The authentication process failed.");
    }
    cic.sessions += 1;
    cic.session = cic.sessions;
    cic.subscribed.clear();
    cic.waiting.clear();
    cic.stream = None;
    let version = 1 + u32::from(cic.streams);
    let cookie = format!("{COOKIE}; path=/icws/{}; HttpOnly", cic.session);
    let answer = json!({
        "csrfToken": CSRF, "sessionId": cic.session.to_string(), "alternateHostList": ["127.0.0.1", "127.0.0.2"],
        "userID": "presync", "userDisplayName": "Presync", "icServer": "CIC1",
        "features": [{ "featureId": "status", "version": 2 }, { "featureId": "messaging", "version": version }],
    });
    (StatusCode::CREATED, [("set-cookie", cookie)], Json(answer)).into_response()
}

async fn backup() -> Response {
    let body = json!({
        "errorId": "error.server.notAcceptingConnections", "message": "backup", "alternateHostList": ["127.0.0.2"],
    });
    (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
}

async fn request(
    State(shared): State<Shared>,
    Path((session, path)): Path<(u64, String)>,
    method: Method,
    headers: HeaderMap,
    body: String,
) -> Response {
    let mut cic = lock(&shared);
    let is = |name: &str, value: &str| headers.get(name).is_some_and(|header| header == value);
    if session != cic.session || !is("cookie", COOKIE) || !is("ININ-ICWS-CSRF-Token", CSRF) {
        return error(401, "error.request.invalidSession", "no session");
    }
    let body: Value = serde_json::from_str(&body).unwrap_or_default();
    let (kind, last) = path.rsplit_once('/').unwrap_or(("", &path));
    match (method.as_str(), kind, last) {
        ("DELETE", "", "connection") => {
            cic.session = 0;
            cic.logged_out += 1;
            StatusCode::NO_CONTENT.into_response()
        }
        ("GET", "status/user-statuses", user) if cic.played.shown.contains_key(user) => {
            cic.questions += 1;
            let mut status = cic.status(user);
            if cic.is_behind {
                status["statusChanged"] = json!("20361127T115959Z");
                status["statusId"] = json!("Gone Home");
            }
            Json(status).into_response()
        }
        ("PUT", "status/user-statuses", user) => {
            let state = body["statusId"].as_str().unwrap_or_default();
            match cic.played.set(user, state) {
                (SetOutcome::Later { why, .. }, _) => error(503, "error.busy", &why),
                (SetOutcome::Refused(_), _) if !cic.played.shown.contains_key(user) => {
                    error(404, "error.user.notFound", user)
                }
                (outcome, is_set) => {
                    cic.requests += 1;
                    let id = cic.requests.to_string();
                    let failure = match outcome {
                        SetOutcome::Refused(why) => {
                            json!({ "errorId": "error.right", "message": why })
                        }
                        _ => Value::Null,
                    };
                    if is_set {
                        cic.change(user, state);
                    }
                    if !cic.hangs {
                        cic.say(json!({
                            "__type": "urn:inin.com:messaging:asyncOperationCompletedMessage",
                            "isDelta": false, "requestId": id, "error": failure,
                        }));
                    }
                    (StatusCode::ACCEPTED, Json(json!({ "requestId": id }))).into_response()
                }
            }
        }
        (_, "status/user-statuses", user) => error(404, "error.user.notFound", user),
        ("PUT", "messaging/subscriptions/status", _) if cic.fails => {
            error(500, "error.server", "not now")
        }
        ("PUT", "messaging/subscriptions/status", "user-statuses") => {
            let users = body["userIds"].as_array().cloned().unwrap_or_default();
            let users: Vec<&str> = users.iter().filter_map(Value::as_str).collect();
            if let Some(unknown) = users
                .iter()
                .find(|user| !cic.played.shown.contains_key(**user))
            {
                return error(404, "error.user.notFound", unknown);
            }
            cic.subscribed = users.iter().map(ToString::to_string).collect();
            let all = users.iter().map(|user| cic.status(user)).collect();
            cic.say(message(false, all));
            StatusCode::OK.into_response()
        }
        ("PUT", "messaging/subscriptions/activations/users", user) => {
            cic.say(json!({
                "__type": "urn:inin.com:activations:userActivationMessage", "isDelta": false,
                "subscriptionId": user, "userId": user, "activationsChanged": { "Support": true, "Sales": false },
            }));
            StatusCode::OK.into_response()
        }
        ("GET", "messaging", "messages") if is("accept", "text/event-stream") => {
            let (sender, messages) = mpsc::unbounded_channel();
            for message in std::mem::take(&mut cic.waiting) {
                let _ = sender.send(message);
            }
            cic.stream = Some(sender);
            let stream = stream::unfold(messages, |mut messages| async move {
                let message: Value = messages.recv().await?;
                // Comments keep a stream alive.
                let text = format!(":ping\n\nid: 1\nevent: message\ndata: {message}\n\n");
                Some((Ok::<_, std::io::Error>(text), messages))
            });
            let body = Body::from_stream(stream);
            ([("content-type", "text/event-stream")], body).into_response()
        }
        ("GET", "messaging", "messages") => Json(std::mem::take(&mut cic.waiting)).into_response(),
        other => panic!("{other:?}"),
    }
}

pub struct PlayedIcws {
    cic: Shared,
    backup: SocketAddr,
}

impl PlayedIcws {
    /// A server and its backup, which have the same port.
    pub async fn start(streams: bool) -> Self {
        let cic = Shared::default();
        {
            let mut cic = lock(&cic);
            cic.played = Played::with(STATES[0]);
            cic.streams = streams;
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port is free");
        let backup_address = listener.local_addr().expect("it has one");
        let router = Router::new().route("/icws/connection", post(backup));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let address = SocketAddr::from(([127, 0, 0, 2], backup_address.port()));
        let listener = tokio::net::TcpListener::bind(address).await;
        let listener = listener.expect("the port is free there, too");
        let router = Router::new()
            .route("/icws/connection", post(log_in))
            .route("/icws/{session}/{*path}", any(request))
            .with_state(cic.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            cic,
            backup: backup_address,
        }
    }

    fn connector_with(&self, password: &'static str) -> Box<dyn Connector> {
        let settings = json!({
            "connector": "icws",
            "servers": [format!("http://{}", self.backup)],
            "user": "presync",
            "password": { "file": "password" },
            "workgroups": { "flag": "in_queue", "names": ["support"] },
        });
        let settings: ConnectorSettings = serde_json::from_value(settings).expect("they are right");
        let place = ConnectorPlace {
            system: "pbx",
            folder: std::path::Path::new("."),
            secrets: &move |_| Ok(Secret::from(password)),
            has_program: &|_| true,
        };
        settings.make(&place).expect("it can be made")
    }
}

#[async_trait]
impl PlayedSystem for PlayedIcws {
    fn name(&self) -> &'static str {
        "icws"
    }

    fn connector(&self) -> Box<dyn Connector> {
        self.connector_with("cic-secret\n")
    }

    fn states(&self) -> [&'static str; 2] {
        STATES
    }

    async fn choose(&self, user: &str, state: &str) {
        lock(&self.cic).change(user, state);
    }

    fn shown(&self, user: &str) -> String {
        let cic = lock(&self.cic);
        cic.played.shown.get(user).cloned().unwrap_or_default()
    }

    fn times_set(&self, user: &str) -> usize {
        let cic = lock(&self.cic);
        cic.played.times.get(user).copied().unwrap_or_default()
    }

    fn refuse(&self, refuse: bool) {
        lock(&self.cic).played.refuses = refuse;
    }

    fn busy(&self, busy: bool) {
        lock(&self.cic).played.is_busy = busy;
    }

    fn lose(&self, lose: bool) {
        lock(&self.cic).played.loses = lose;
    }

    /// The session is gone, and the server takes no connections.
    async fn cut(&self) {
        let mut cic = lock(&self.cic);
        cic.played.is_cut = true;
        cic.session = 0;
        cic.stream = None;
    }

    fn mend(&self) {
        lock(&self.cic).played.is_cut = false;
    }
}

/// Runs a test with a server, connected to a host. `patience`: in milliseconds.
async fn with(
    cic: &PlayedIcws,
    password: &'static str,
    patience: u64,
    test: impl AsyncFn(&TestHost),
) {
    let host = TestHost::new();
    let mut connector = cic.connector_with(password);
    let settings = DriverSettings {
        patience: Duration::from_millis(patience),
        ..crate::settings()
    };
    tokio::select! {
        never = drive("pbx", &mut *connector, &host, settings) => never,
        () = test(&host) => {}
    }
}

/// A server without streams is asked each second.
#[tokio::test]
async fn messages_are_asked_for() {
    let cic = PlayedIcws::start(false).await;
    with(&cic, "cic-secret", 5_000, async |host| {
        host.until("both are observed", |host| host.observed.len() == 2)
            .await;
        let number = host.command("ann", STATES[1]);
        // Its end comes with the next messages.
        host.until("it is done", |host| host.done.contains(&(number, None)))
            .await;
        host.until("the echo", |host| host.changed.len() == 1).await;
        assert_eq!(host.of("ann").changed, [STATES[1]]);
    })
    .await;
}

/// A request that is accepted and never ends is tried again, and the newest one counts.
#[tokio::test]
async fn an_accepted_request_may_not_end() {
    let cic = PlayedIcws::start(true).await;
    with(&cic, "cic-secret", 400, async |host| {
        host.until("both are observed", |host| host.observed.len() == 2)
            .await;
        lock(&cic.cic).hangs = true;
        let number = host.command("ann", STATES[1]);
        while cic.times_set("ann") < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(host.seen(|host| host.done.is_empty()));
        lock(&cic.cic).hangs = false;
        host.until("it is done", |host| host.done.contains(&(number, None)))
            .await;
    })
    .await;
}

/// The facts that the server knows, and what it says when it goes away.
#[tokio::test]
async fn a_server_that_goes_away_is_left() {
    let cic = PlayedIcws::start(true).await;
    with(&cic, "cic-secret", 5_000, async |host| {
        host.until("both are observed", |host| host.observed.len() == 2)
            .await;
        host.until("the workgroups", |host| host.facts.len() == 2)
            .await;
        let in_queue = BTreeMap::from([("in_queue".to_owned(), json!(true))]);
        assert!(host.seen(|host| host.facts.iter().all(|(_, facts)| *facts == in_queue)));
        for down in [json!(2), json!("down")] {
            let before = lock(&cic.cic).sessions;
            let message = json!({
                "__type": "urn:inin.com:connection:connectionStateChangeMessage", "isDelta": false,
                "previousConnectionState": 1, "newConnectionState": down, "reason": "switchover", "shouldReconnect": true,
            });
            lock(&cic.cic).say(message);
            while lock(&cic.cic).sessions == before {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    })
    .await;
    // Each session that was left has given its license back.
    for _ in 0..400 {
        if lock(&cic.cic).logged_out >= 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("no session was ended");
}

/// A session holds a license, also if what comes after the log-in fails.
#[tokio::test]
async fn a_session_without_subscriptions_is_ended() {
    let cic = PlayedIcws::start(true).await;
    lock(&cic.cic).fails = true;
    with(&cic, "cic-secret", 5_000, async |host| {
        host.until("both tries are ended", |host| {
            host.lost >= 2 && lock(&cic.cic).logged_out >= 2
        })
        .await;
    })
    .await;
}

/// Users that the server does not know are found without a question for each.
#[tokio::test]
async fn unknown_users_are_found_by_halves() {
    let cic = PlayedIcws::start(true).await;
    let names: Vec<String> = (0..100).map(|number| format!("user{number}")).collect();
    {
        let mut cic = lock(&cic.cic);
        for name in names.iter().filter(|name| !name.ends_with("33")) {
            cic.played.shown.insert(name.clone(), STATES[0].to_owned());
        }
    }
    let host = TestHost::of_users(names.iter().map(|name| user(name)).collect());
    let mut connector = cic.connector();
    let tested = async {
        host.until("the others are observed", |host| host.observed.len() == 99)
            .await;
        cic.choose("user99", STATES[1]).await;
        host.until("a change", |host| host.changed.len() == 1).await;
    };
    tokio::select! {
        never = drive("pbx", &mut *connector, &host, crate::settings()) => never,
        () = tested => {}
    }
    assert_eq!(lock(&cic.cic).questions, 0);
}

/// The answer to a question about one user may be older than what is known.
#[tokio::test]
async fn an_older_answer_says_what_is_known() {
    let cic = PlayedIcws::start(true).await;
    let mut connector = cic.connector();
    let connection = connector.connect(&[user("ann")]).await;
    let mut connection = connection.expect("it connects");
    let first = connection.source.next().await.expect("there is one");
    assert_eq!(first.len(), 2);
    lock(&cic.cic).is_behind = true;
    let read = connection.sink.read("ann").await.expect("it is answered");
    let read = read.expect("the user is known");
    // Not what the server says now.
    assert_eq!(read.kind, ReportKind::Observed(Some(STATES[0].to_owned())));
}

/// The log says what to do, and never the password.
#[tokio::test]
async fn a_wrong_password_is_said() {
    let cic = PlayedIcws::start(true).await;
    with(&cic, "wrong-secret", 5_000, async |host| {
        host.until("it is lost", |host| host.lost > 0).await;
        let why =
            "the server refuses the log-in: 400 Bad Request: The authentication process failed.";
        assert!(host.seen(|host| host.why == why), "another reason");
    })
    .await;
}
