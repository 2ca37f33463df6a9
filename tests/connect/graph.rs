//! A stand-in for Microsoft Graph: tokens, presences with versions, preferred presences that count only with a session, limits.
//! Written from the documentation.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use presync_connect::{
    Connector, ConnectorPlace, ConnectorSettings, ReportKind, Secret, SetOutcome, SystemReport,
    SystemUser, drive,
};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::host::{TestHost, user};
use crate::scripted::Played;
use crate::systems::PlayedSystem;

const STATES: [&str; 2] = ["Available", "Busy"];

#[derive(Default)]
struct Graph {
    /// What users have chosen, or we for them.
    played: Played,
    /// The users without a client of Teams.
    away: BTreeSet<String>,
    /// The users with a session of ours.
    kept: BTreeSet<String>,
    texts: BTreeMap<String, String>,
    /// How often something was answered.
    answers: u64,
    /// The version of each user's presence, and the presence before.
    versions: BTreeMap<String, (u64, String)>,
    tokens: u64,
    /// Of each of the next requests: whether it is one too many.
    limits: VecDeque<bool>,
    /// The requests that are refused: `setPresence`.
    refused: BTreeSet<&'static str>,
    /// Another server of theirs answers questions about one user.
    is_behind: bool,
}

type Shared = Arc<Mutex<Graph>>;

fn lock(graph: &Shared) -> MutexGuard<'_, Graph> {
    graph.lock().unwrap_or_else(PoisonError::into_inner)
}

fn refusal(code: u16, name: &str, message: &str) -> Response {
    let code = StatusCode::from_u16(code).expect("it is one");
    let body = json!({ "error": { "code": name, "message": message, "innerError": {} } });
    (code, Json(body)).into_response()
}

impl Graph {
    fn change(&mut self, user: &str, state: &str) {
        if let Some(shown) = self.played.shown.get_mut(user) {
            let before = std::mem::replace(shown, state.to_owned());
            let version = self.versions.entry(user.to_owned()).or_default();
            *version = (version.0 + 1, before);
        }
    }

    fn presence(&self, user: &str) -> Option<Value> {
        let shown = self.played.shown.get(user)?;
        let has_session = !self.away.contains(user) || self.kept.contains(user);
        let shown = if has_session { shown } else { "Offline" };
        let version = self.versions.get(user).map_or(0, |(version, _)| *version);
        let mut found = presence(user, shown, version);
        if let Some(text) = self.texts.get(user) {
            let message = json!({ "content": text, "contentType": "text" });
            found["statusMessage"] = json!({ "message": message });
        }
        Some(found)
    }

    /// Why a request is not answered.
    fn refuses(&mut self, headers: &HeaderMap) -> Option<Response> {
        let token = headers.get("authorization");
        let token = token.and_then(|token| token.to_str().ok());
        if token != Some(&format!("Bearer token-{}", self.tokens)) {
            let message = "Access token has expired or is not yet valid.";
            return Some(refusal(401, "InvalidAuthenticationToken", message));
        }
        if self.played.is_cut {
            return Some(refusal(503, "serviceNotAvailable", "not now"));
        }
        if self.limits.pop_front() == Some(true) {
            let body = refusal(429, "TooManyRequests", "Too many requests");
            return Some(([("retry-after", "1")], body).into_response());
        }
        None
    }
}

fn presence(user: &str, shown: &str, version: u64) -> Value {
    // What is more than an availability is an activity.
    let (availability, activity) = match shown {
        "InACall" => ("Busy", "InACall"),
        "OffWork" => ("Offline", "OffWork"),
        other => (other, other),
    };
    json!({
        "id": user, "availability": availability, "activity": activity, "statusMessage": null,
        "sequenceNumber": format!("A{version:012}"),
    })
}

async fn token(
    State(graph): State<Shared>,
    Form(form): Form<BTreeMap<String, String>>,
) -> Response {
    assert_eq!(form["grant_type"], "client_credentials");
    assert!(form["scope"].ends_with("/.default"));
    if form["client_secret"] != "graph-secret" {
        let body = json!({
            "error": "invalid_client",
            "error_description": "AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 1",
        });
        return (StatusCode::UNAUTHORIZED, Json(body)).into_response();
    }
    let mut graph = lock(&graph);
    graph.tokens += 1;
    let token = format!("token-{}", graph.tokens);
    Json(json!({ "token_type": "Bearer", "expires_in": 3599, "access_token": token }))
        .into_response()
}

async fn presences(
    State(graph): State<Shared>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let mut graph = lock(&graph);
    if let Some(refusal) = graph.refuses(&headers) {
        return refusal;
    }
    let ids = body["ids"].as_array().cloned().unwrap_or_default();
    assert!(ids.len() <= 650);
    graph.answers += 1;
    let ids = ids.iter().filter_map(Value::as_str);
    let is_old = graph.answers.is_multiple_of(3);
    let found = ids.filter_map(|id| match graph.versions.get(id) {
        // Another server of theirs may know less.
        Some((version, before)) if is_old => Some(presence(id, before, version - 1)),
        _ => graph.presence(id),
    });
    let found: Vec<Value> = found.collect();
    Json(json!({ "value": found })).into_response()
}

async fn one(
    State(graph): State<Shared>,
    Path(user): Path<String>,
    headers: HeaderMap,
) -> Response {
    let mut graph = lock(&graph);
    if let Some(refusal) = graph.refuses(&headers) {
        return refusal;
    }
    if let (true, Some((version, before))) = (graph.is_behind, graph.versions.get(&user)) {
        return Json(presence(&user, before, version - 1)).into_response();
    }
    match graph.presence(&user) {
        Some(presence) => Json(presence).into_response(),
        None => refusal(404, "NotFound", "no such user"),
    }
}

async fn set(
    State(graph): State<Shared>,
    Path((user, what)): Path<(String, String)>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let mut graph = lock(&graph);
    if let Some(refusal) = graph.refuses(&headers) {
        return refusal;
    }
    if graph.refused.contains(&*what) {
        return refusal(403, "Authorization_RequestDenied", "no right");
    }
    match &*what {
        "setPresence" | "clearPresence" if body["sessionId"] != "app" => {
            return refusal(400, "InvalidArgument", "sessionId");
        }
        "setPresence" => drop(graph.kept.insert(user)),
        "clearPresence" => drop(graph.kept.remove(&user)),
        "setStatusMessage" => {
            let text = &body["statusMessage"]["message"]["content"];
            let text = text.as_str().unwrap_or_default().to_owned();
            graph.texts.insert(user, text);
        }
        "setUserPreferredPresence" => {
            let pair = (body["availability"].as_str(), body["activity"].as_str());
            let state = match pair {
                (Some("Offline"), Some("OffWork")) => "OffWork",
                (Some(one), Some(other)) if one == other => one,
                _ => return refusal(400, "InvalidArgument", "not supported"),
            };
            let is_known = graph.played.shown.contains_key(&user);
            let before = graph.played.shown.clone();
            match graph.played.set(&user, state) {
                (SetOutcome::Later { why, .. }, _) => return refusal(503, "busy", &why),
                (SetOutcome::Refused(_), _) if !is_known => {
                    return refusal(404, "NotFound", "no such user");
                }
                (SetOutcome::Refused(why), _) => {
                    return refusal(403, "Authorization_RequestDenied", &why);
                }
                (SetOutcome::Done, true) => {
                    let state = state.to_owned();
                    graph.played.shown = before;
                    graph.change(&user, &state);
                }
                (SetOutcome::Done, false) => {}
            }
        }
        other => panic!("{other}"),
    }
    // Without a body, and without its type.
    StatusCode::OK.into_response()
}

pub struct PlayedGraph {
    graph: Shared,
    address: SocketAddr,
}

impl PlayedGraph {
    pub async fn start() -> Self {
        let graph = Shared::default();
        lock(&graph).played = Played::with(STATES[0]);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port is free");
        let address = listener.local_addr().expect("it has one");
        let router = Router::new()
            .route("/tenant/oauth2/v2.0/token", post(token))
            .route("/v1.0/communications/getPresencesByUserId", post(presences))
            .route("/v1.0/users/{user}/presence", get(one))
            .route("/v1.0/users/{user}/presence/{what}", post(set))
            .with_state(graph.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { graph, address }
    }

    fn connector_with(&self, secret: &'static str) -> Box<dyn Connector> {
        let server = format!("http://{}", self.address);
        let settings = json!({
            "connector": "graph", "tenant": "tenant", "client_id": "app", "secret": { "file": "secret" },
            "poll": "20ms", "server": server, "authority": server,
        });
        let settings: ConnectorSettings = serde_json::from_value(settings).expect("they are right");
        let place = ConnectorPlace {
            system: "pbx",
            folder: std::path::Path::new("."),
            secrets: &move |_| Ok(Secret::from(secret)),
            has_program: &|_| true,
        };
        settings.make(&place).expect("it can be made")
    }
}

#[async_trait]
impl PlayedSystem for PlayedGraph {
    fn name(&self) -> &'static str {
        "graph"
    }

    fn connector(&self) -> Box<dyn Connector> {
        self.connector_with("graph-secret")
    }

    fn states(&self) -> [&'static str; 2] {
        STATES
    }

    async fn choose(&self, user: &str, state: &str) {
        lock(&self.graph).change(user, state);
    }

    fn shown(&self, user: &str) -> String {
        let graph = lock(&self.graph);
        graph.played.shown.get(user).cloned().unwrap_or_default()
    }

    fn times_set(&self, user: &str) -> usize {
        let graph = lock(&self.graph);
        graph.played.times.get(user).copied().unwrap_or_default()
    }

    fn refuse(&self, refuse: bool) {
        lock(&self.graph).played.refuses = refuse;
    }

    fn busy(&self, busy: bool) {
        lock(&self.graph).played.is_busy = busy;
    }

    fn lose(&self, lose: bool) {
        lock(&self.graph).played.loses = lose;
    }

    async fn cut(&self) {
        lock(&self.graph).played.is_cut = true;
    }

    fn mend(&self) {
        lock(&self.graph).played.is_cut = false;
    }
}

/// Runs a test with Graph, connected to a host.
async fn with(graph: &PlayedGraph, secret: &'static str, test: impl AsyncFn(&TestHost)) {
    with_host(graph, secret, TestHost::new(), test).await;
}

async fn with_host(
    graph: &PlayedGraph,
    secret: &'static str,
    host: TestHost,
    test: impl AsyncFn(&TestHost),
) {
    let mut connector = graph.connector_with(secret);
    tokio::select! {
        never = drive("pbx", &mut *connector, &host, crate::settings()) => never,
        () = test(&host) => {}
    }
}

/// A token that is taken back and a limit end no connection; older answers and new activities do no harm.
#[tokio::test]
async fn limits_and_tokens_end_no_connection() {
    let graph = PlayedGraph::start().await;
    with(&graph, "graph-secret", async |host| {
        host.until("both are observed", |host| host.observed.len() == 2)
            .await;
        for state in ["InACall", "focusing", "Busy"] {
            match state {
                "InACall" => lock(&graph.graph).tokens += 1,
                _ => lock(&graph.graph).limits = [true].into(),
            }
            graph.choose("ann", state).await;
            host.until("a change", |host| {
                host.changed.last().is_some_and(|(_, last)| last == state)
            })
            .await;
        }
        assert_eq!(host.of("ann").changed, ["InACall", "focusing", "Busy"]);
        assert!(host.seen(|host| host.lost == 0));
    })
    .await;
}

/// A preferred presence counts without a client, because of our session; the text of a rule is shown and removed.
#[tokio::test]
async fn a_user_without_a_client_has_our_session() {
    let graph = PlayedGraph::start().await;
    lock(&graph.graph).away.insert("ann".to_owned());
    with(&graph, "graph-secret", async |host| {
        host.until("both are observed", |host| host.observed.len() == 2)
            .await;
        assert_eq!(host.of("ann").observed, ["Offline"]);
        host.command_with("ann", "Busy", &["in queue"]);
        host.until("the echo", |host| !host.changed.is_empty())
            .await;
        assert_eq!(host.of("ann").changed, ["Busy"]);
        host.until("the text", |_| {
            lock(&graph.graph).texts.get("ann").map(String::as_str) == Some("in queue")
        })
        .await;
        host.until("our session is remembered", |host| {
            let memory = r#"{"state":"Busy","text":"in queue"}"#;
            host.memories == [("ann".to_owned(), memory.to_owned())]
        })
        .await;
        host.command("ann", "OffWork");
        host.until("our session is over", |_| {
            lock(&graph.graph).kept.is_empty()
        })
        .await;
        host.until("it is forgotten", |host| host.memories.len() == 2)
            .await;
        assert_eq!(lock(&graph.graph).texts["ann"], "");
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(
            host.of("ann").changed.last().map(String::as_str),
            Some("Offline")
        );
    })
    .await;
}

/// More users than fit into one question: a limit on the second question loses nothing of the first.
#[tokio::test]
async fn a_limit_on_a_later_question_loses_nothing() {
    let graph = PlayedGraph::start().await;
    let names: Vec<String> = (0..699).map(|number| format!("user{number}")).collect();
    {
        let mut graph = lock(&graph.graph);
        for name in &names {
            graph
                .played
                .shown
                .insert(name.clone(), STATES[0].to_owned());
        }
    }
    let names = ["ann"].into_iter().chain(names.iter().map(String::as_str));
    let users: Vec<SystemUser> = names.map(user).collect();
    let mut connector = graph.connector();
    let connection = connector.connect(&users).await;
    let mut source = connection.expect("it connects").source;
    let first = source.next().await.expect("there is one");
    assert_eq!(first.len(), 2 * 700);
    {
        let mut graph = lock(&graph.graph);
        graph.change("ann", "Busy");
        graph.limits = [false, true].into();
        // The first of the next answers is a new one.
        graph.answers = 0;
    }
    let next = timeout(Duration::from_secs(10), source.next()).await;
    let next = next.expect("the change comes").expect("there is one");
    let busy = ReportKind::Changed("Busy".to_owned());
    assert_eq!(next, [SystemReport::new("ann", busy)]);
}

/// The answer to a question about one user may be older than what is known.
#[tokio::test]
async fn an_older_answer_says_what_is_known() {
    let graph = PlayedGraph::start().await;
    let mut connector = graph.connector();
    let connection = connector.connect(&[user("ann")]).await;
    let mut connection = connection.expect("it connects");
    let has = |reports: &[SystemReport], kind: &ReportKind| {
        reports.iter().any(|report| report.kind == *kind)
    };
    let first = connection.source.next().await.expect("there is one");
    assert!(has(
        &first,
        &ReportKind::Observed(Some("Available".to_owned()))
    ));
    graph.choose("ann", "Busy").await;
    // It may be the first to know.
    let read = connection.sink.read("ann").await.expect("it is answered");
    let read = read.expect("the user is known");
    assert_eq!(read.kind, ReportKind::Changed("Busy".to_owned()));
    lock(&graph.graph).is_behind = true;
    let read = connection.sink.read("ann").await.expect("it is answered");
    let read = read.expect("the user is known");
    assert_eq!(read.kind, ReportKind::Observed(Some("Busy".to_owned())));
    graph.choose("ann", "Away").await;
    let next = connection.source.next().await.expect("there is one");
    assert!(has(&next, &ReportKind::Changed("Away".to_owned())));
}

/// A text that was refused is tried again with the next command; one that a person has written stays.
#[tokio::test]
async fn texts_are_noted_when_they_are_shown() {
    let graph = PlayedGraph::start().await;
    let text = |shown: &str| {
        lock(&graph.graph)
            .texts
            .get("ann")
            .is_some_and(|text| text == shown)
    };
    with(&graph, "graph-secret", async |host| {
        host.until("both are observed", |host| host.observed.len() == 2)
            .await;
        lock(&graph.graph).refused.insert("setStatusMessage");
        let number = host.command_with("ann", "Busy", &["in queue"]);
        host.until("it is done", |host| host.done.contains(&(number, None)))
            .await;
        lock(&graph.graph).refused.clear();
        host.command_with("ann", "Away", &["in queue"]);
        host.until("the text", |_| text("in queue")).await;
        lock(&graph.graph)
            .texts
            .insert("ann".to_owned(), "my own words".to_owned());
        let number = host.command("ann", "Busy");
        host.until("it is done", |host| host.done.contains(&(number, None)))
            .await;
        assert!(text("my own words"), "the words of a person were removed");
    })
    .await;
}

/// After a restart: a session that could not be renewed is renewed a little later, and the text is still ours to remove.
#[tokio::test]
async fn what_is_remembered_outlives_a_restart() {
    let graph = PlayedGraph::start().await;
    {
        let mut graph = lock(&graph.graph);
        graph.change("ann", "Busy");
        graph.texts.insert("ann".to_owned(), "in queue".to_owned());
        graph.refused.insert("setPresence");
    }
    let ann = SystemUser {
        memory: Some(r#"{"state":"Busy","text":"in queue"}"#.to_owned()),
        ..user("ann")
    };
    with_host(
        &graph,
        "graph-secret",
        TestHost::of_users(vec![ann]),
        async |host| {
            host.until("ann is observed", |host| host.observed.len() == 1)
                .await;
            assert!(lock(&graph.graph).kept.is_empty());
            lock(&graph.graph).refused.clear();
            host.until("our session is renewed", |_| {
                lock(&graph.graph).kept.contains("ann")
            })
            .await;
            host.command("ann", "Available");
            host.until("our text is removed", |_| {
                lock(&graph.graph).texts["ann"].is_empty()
            })
            .await;
        },
    )
    .await;
}

#[tokio::test]
async fn a_wrong_secret_is_said() {
    let graph = PlayedGraph::start().await;
    with(&graph, "wrong-secret", async |host| {
        host.until("it is lost", |host| host.lost > 0).await;
        let why = "no token for the application: invalid_client: AADSTS7000215: Invalid client secret provided.";
        assert!(host.seen(|host| host.why == why), "another reason");
    })
    .await;
}
