//! The messages of a session: what users show, the end of requests, and that the server goes away.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use eventsource_stream::Eventsource;
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::connector::ConnectError;
use crate::connectors::http;
use crate::connectors::icws::WorkgroupSettings;
use crate::connectors::icws::completions::RequestCompletions;
use crate::connectors::icws::session::IcwsSession;
use crate::connectors::known::KnownStates;
use crate::report::{ReportKind, SystemReport};

/// How often messages are asked for where they do not come by themselves.
const POLL: Duration = Duration::from_secs(1);

/// After this time without a word, not even a comment, a stream is broken.
const SILENCE: Duration = Duration::from_secs(90);

/// How often all users are asked for again. A lost subscription says nothing.
const REFRESH: Duration = Duration::from_secs(600);

/// How many subscriptions are made at the same time.
const SUBSCRIPTIONS: usize = 8;

/// What a user shows.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserStatus {
    user_id: String,
    pub status_id: Option<String>,
    logged_in: Option<bool>,
    /// It sorts by time.
    pub status_changed: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserStatusMessage {
    is_delta: bool,
    user_status_list: Vec<UserStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CompletedMessage {
    request_id: String,
    error: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ActivationMessage {
    is_delta: bool,
    user_id: String,
    activations_changed: BTreeMap<String, bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StateMessage {
    new_connection_state: Value,
}

/// What is known of a user's workgroups.
#[derive(Default)]
struct KnownWorkgroups {
    /// Whether the user is active in each.
    all: BTreeMap<String, bool>,
    in_queue: Option<bool>,
}

/// Reads messages until the session ends.
pub struct IcwsMessages {
    session: Arc<IcwsSession>,
    users: Vec<String>,
    workgroups: Option<WorkgroupSettings>,
    completions: RequestCompletions,
    known: KnownStates,
    /// By user in lower case.
    active: HashMap<String, KnownWorkgroups>,
}

type ReportSender = mpsc::Sender<Result<Vec<SystemReport>, ConnectError>>;

impl IcwsMessages {
    pub fn new(
        session: Arc<IcwsSession>,
        users: Vec<String>,
        workgroups: Option<WorkgroupSettings>,
        (known, completions): (KnownStates, RequestCompletions),
    ) -> Self {
        Self {
            session,
            users,
            workgroups,
            completions,
            known,
            active: HashMap::new(),
        }
    }

    pub async fn read(mut self, reports: ReportSender) {
        let Err(error) = self.read_all(&reports).await;
        self.completions.end();
        // Nobody listens any more if the connection has ended.
        let _ = reports.send(Err(error)).await;
    }

    async fn read_all(&mut self, reports: &ReportSender) -> Result<Infallible, ConnectError> {
        let session = self.session.clone();
        let (sender, mut messages) = mpsc::channel(64);
        // All at once: a message must not wait for a request, nor be lost when it is dropped.
        let (users, names) = (self.users.clone(), self.workgroups.clone());
        let subscribing = async {
            if let Some(workgroups) = &names {
                subscribe_workgroups(&session, &users, &workgroups.names).await?;
            }
            std::future::pending().await
        };
        let receiving = receive(&session, sender);
        let handling = async {
            let mut refresh = Instant::now() + REFRESH;
            loop {
                tokio::select! {
                    Some(message) = messages.recv() => {
                        let new = self.take(message)?;
                        if !new.is_empty() && reports.send(Ok(new)).await.is_err() {
                            return Err(ConnectError::lost("the connection has ended"));
                        }
                    }
                    () = sleep_until(refresh) => {
                        refresh = Instant::now() + REFRESH;
                        if !self.users.is_empty() && !session.subscribe(&self.users).await? {
                            return Err(ConnectError::lost("the server does not show a user any more"));
                        }
                    }
                }
            }
        };
        tokio::select! {
            ended = receiving => ended,
            ended = handling => ended,
            ended = subscribing => ended,
        }
    }

    /// What is new by a message.
    fn take(&mut self, message: Value) -> Result<Vec<SystemReport>, ConnectError> {
        let kind = message["__type"].as_str().unwrap_or_default();
        let kind = kind.rsplit(':').next().unwrap_or_default().to_owned();
        let strange = |error: serde_json::Error| {
            tracing::warn!(kind, %error, "a message could not be read");
        };
        match &*kind {
            "userStatusMessage" => match UserStatusMessage::deserialize(message) {
                Ok(message) => return Ok(self.statuses(message)),
                Err(error) => strange(error),
            },
            "asyncOperationCompletedMessage" => match CompletedMessage::deserialize(message) {
                Ok(message) => {
                    let failure = message.error.filter(|error| !error.is_null());
                    let failure = failure.map(|error| {
                        let why = error["message"].as_str().or(error.as_str());
                        why.unwrap_or("the server gives no reason").to_owned()
                    });
                    self.completions.complete(message.request_id, failure);
                }
                Err(error) => strange(error),
            },
            "userActivationMessage" => match ActivationMessage::deserialize(message) {
                Ok(message) => return Ok(self.activations(message)),
                Err(error) => strange(error),
            },
            // Numbers in the reference, words in the examples of the vendor.
            "connectionStateChangeMessage" => match StateMessage::deserialize(message) {
                Ok(message) if matches!(message.new_connection_state.as_u64(), Some(2)) => {
                    return Err(ConnectError::lost("the server goes away"));
                }
                Ok(message) if message.new_connection_state == "down" => {
                    return Err(ConnectError::lost("the server goes away"));
                }
                Ok(_) => {}
                Err(error) => strange(error),
            },
            _ => {}
        }
        Ok(Vec::new())
    }

    fn statuses(&mut self, message: UserStatusMessage) -> Vec<SystemReport> {
        let mut reports = Vec::new();
        for status in message.user_status_list {
            if let Some(logged_in) = status.logged_in {
                let kind = ReportKind::Online(logged_in);
                reports.push(SystemReport::new(&status.user_id, kind));
            }
            let Some(new) = status.status_id else {
                continue;
            };
            // The status comes along when something else has changed.
            let version = status.status_changed.as_deref();
            let news = self
                .known
                .news(&status.user_id, &new, version, message.is_delta);
            reports.extend(news.map(|news| SystemReport::new(&status.user_id, news)));
        }
        reports
    }

    fn activations(&mut self, message: ActivationMessage) -> Vec<SystemReport> {
        let Some(settings) = &self.workgroups else {
            return Vec::new();
        };
        let known = self.active.entry(message.user_id.to_lowercase());
        let known = known.or_default();
        if !message.is_delta {
            known.all.clear();
        }
        known.all.extend(message.activations_changed);
        let is_of = |name: &str| {
            let mut names = settings.names.iter();
            settings.names.is_empty() || names.any(|one| one.eq_ignore_ascii_case(name))
        };
        let mut workgroups = known.all.iter();
        let in_queue = workgroups.any(|(name, is_active)| *is_active && is_of(name));
        if known.in_queue.replace(in_queue) == Some(in_queue) {
            return Vec::new();
        }
        let facts = BTreeMap::from([(settings.flag.clone(), Value::Bool(in_queue))]);
        vec![SystemReport::new(message.user_id, ReportKind::Facts(facts))]
    }
}

async fn subscribe_workgroups(
    session: &IcwsSession,
    users: &[String],
    names: &[String],
) -> Result<(), ConnectError> {
    let all = ["*".to_owned()];
    let names = if names.is_empty() { &all[..] } else { names };
    let subscribing =
        stream::iter(users)
            .map(Ok)
            .try_for_each_concurrent(SUBSCRIPTIONS, |user| async move {
                let path = ["messaging", "subscriptions", "activations", "users", user];
                let body = json!({ "userId": user, "workgroupIds": names });
                let answer = session.send(Method::PUT, &path, Some(&body)).await?;
                if !answer.status().is_success() {
                    let why = http::error_text(answer, "message").await;
                    tracing::warn!(
                        user,
                        why,
                        "the server does not show the workgroups of this user"
                    );
                }
                Ok(())
            });
    subscribing.await
}

/// Receives messages, as a stream where the server has one.
async fn receive(
    session: &IcwsSession,
    messages: mpsc::Sender<Value>,
) -> Result<Infallible, ConnectError> {
    let ended = || ConnectError::lost("the connection has ended");
    if !session.streams {
        loop {
            for message in session.poll().await? {
                messages.send(message).await.map_err(|_| ended())?;
            }
            sleep(POLL).await;
        }
    }
    let answer = session.stream().await?;
    let pieces = stream::try_unfold(answer, |mut answer| async move {
        match timeout(SILENCE, answer.chunk()).await {
            Ok(piece) => Ok(piece.map_err(http::lost)?.map(|piece| (piece, answer))),
            Err(_) => Err(ConnectError::lost("the server is silent")),
        }
    });
    let mut events = Box::pin(pieces.eventsource().map_err(|error| match error {
        eventsource_stream::EventStreamError::Transport(error) => error,
        other => ConnectError::lost(other),
    }));
    while let Some(event) = events.next().await {
        match serde_json::from_str(&event?.data) {
            Ok(message) => messages.send(message).await.map_err(|_| ended())?,
            Err(error) => tracing::warn!(%error, "a message could not be read"),
        }
    }
    Err(ConnectError::lost("the server has ended the stream"))
}
