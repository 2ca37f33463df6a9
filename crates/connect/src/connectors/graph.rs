//! Microsoft Teams by Microsoft Graph: presences are asked for, and set as the preferred presence of a user.
//!
//! A preferred presence counts only while the user has a session, so we keep one of our own alive, as `Away`, which loses to every
//! other. It ends when the user shows something else than we have set. Source: learn.microsoft.com/graph (presence); no tenant
//! could be tried.

mod api;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::connector::{
    CommandSink, ConnectError, Connection, Connector, ReportSource, SetOutcome,
};
use crate::connectors::{ConnectorPlace, MakeError, http};
use crate::report::{ReportKind, SystemCommand, SystemReport, SystemUser};
use crate::secret::SecretSettings;
use api::{GraphApi, GraphPresence};

/// The settings of the connector `graph`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GraphSettings {
    /// The tenant: its id, or one of its domains.
    tenant: String,
    /// The id of the application. It needs the permission `Presence.ReadWrite.All`.
    client_id: String,
    /// A secret of the application.
    secret: SecretSettings,
    /// How often presences are asked for.
    #[serde(default = "poll")]
    #[schemars(with = "String")]
    poll: SignedDuration,
    /// Whether users whom we have set a presence get a session, so that it counts without a client of Teams.
    #[serde(default = "yes")]
    keep_alive: bool,
    /// The address of Graph, for national clouds.
    #[serde(default = "graph")]
    server: String,
    /// The address that gives tokens, for national clouds.
    #[serde(default = "authority")]
    authority: String,
}

fn poll() -> SignedDuration {
    SignedDuration::from_secs(10)
}

fn yes() -> bool {
    true
}

fn graph() -> String {
    "https://graph.microsoft.com".to_owned()
}

fn authority() -> String {
    "https://login.microsoftonline.com".to_owned()
}

/// The states that can be set: availability and activity of the preferred presence.
const STATES: [(&str, &str, &str); 6] = [
    ("Available", "Available", "Available"),
    ("Busy", "Busy", "Busy"),
    ("DoNotDisturb", "DoNotDisturb", "DoNotDisturb"),
    ("BeRightBack", "BeRightBack", "BeRightBack"),
    ("Away", "Away", "Away"),
    ("OffWork", "Offline", "OffWork"),
];

/// The number of users in one question.
const MOST_USERS: usize = 650;

/// How long our session lasts, and when it is renewed.
const SESSION: &str = "PT4H";
const RENEWED: Duration = Duration::from_secs(3_600);

/// How long Teams may take to show what was set.
const SHOWN: Duration = Duration::from_secs(300);

pub struct GraphConnector {
    api: Arc<GraphApi>,
    poll: Duration,
    keep_alive: bool,
}

impl GraphConnector {
    pub fn new(settings: &GraphSettings, place: &ConnectorPlace<'_>) -> Result<Self, MakeError> {
        let poll = Duration::try_from(settings.poll).unwrap_or_default();
        if poll.is_zero() {
            return Err(MakeError::Setting(
                "`poll` has to be longer: write `\"10s\"`".to_owned(),
            ));
        }
        let secret = (place.secrets)(&settings.secret)?;
        let api = GraphApi::new(
            http::server_address("server", &settings.server)?,
            http::server_address("authority", &settings.authority)?,
            (&settings.tenant, &settings.client_id),
            secret,
        )?;
        Ok(Self {
            api: Arc::new(api),
            poll,
            keep_alive: settings.keep_alive,
        })
    }
}

#[async_trait]
impl Connector for GraphConnector {
    async fn connect(&mut self, users: &[SystemUser]) -> Result<Connection, ConnectError> {
        // A wrong secret is noticed before anything is asked.
        self.api.token().await?;
        let sessions = OwnSessions::of(users);
        let source = GraphSource {
            remembered: sessions.memories(),
            api: self.api.clone(),
            users: users.iter().map(|user| user.id.clone()).collect(),
            poll: self.poll,
            asked: None,
            shown: HashMap::new(),
            sessions: sessions.clone(),
        };
        let sink = GraphSink {
            api: self.api.clone(),
            sessions,
            keep_alive: self.keep_alive,
            texts: Mutex::default(),
        };
        Ok(Connection {
            source: Box::new(source),
            sink: Box::new(sink),
        })
    }

    fn settable(&self) -> Option<&'static [&'static str]> {
        Some(&[
            "Available",
            "Busy",
            "DoNotDisturb",
            "BeRightBack",
            "Away",
            "OffWork",
        ])
    }
}

/// The users who have a session of ours, by id.
#[derive(Clone, Default)]
struct OwnSessions(Arc<Mutex<HashMap<String, OwnSession>>>);

#[derive(Clone)]
struct OwnSession {
    /// What we have set.
    state: String,
    set: Instant,
    /// `None`: by an earlier connection.
    renewed: Option<Instant>,
}

impl OwnSessions {
    /// The memory of a user is the state that we have set; empty without a session.
    fn of(users: &[SystemUser]) -> Self {
        let now = Instant::now();
        let users = users.iter().filter_map(|user| {
            let state = user.memory.clone().filter(|state| !state.is_empty())?;
            let session = OwnSession {
                state,
                set: now,
                renewed: None,
            };
            Some((user.id.clone(), session))
        });
        Self(Arc::new(Mutex::new(users.collect())))
    }

    fn memories(&self) -> BTreeMap<String, String> {
        let all = self.all();
        let states = all
            .iter()
            .map(|(user, one)| (user.clone(), one.state.clone()));
        states.collect()
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, OwnSession>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct GraphSource {
    api: Arc<GraphApi>,
    users: Vec<String>,
    poll: Duration,
    asked: Option<Instant>,
    /// By id in lower case: the last state, and its version.
    shown: HashMap<String, (String, Option<String>)>,
    sessions: OwnSessions,
    /// What the host remembers of our sessions.
    remembered: BTreeMap<String, String>,
}

#[async_trait]
impl ReportSource for GraphSource {
    async fn next(&mut self) -> Result<Vec<SystemReport>, ConnectError> {
        loop {
            if let Some(asked) = self.asked {
                tokio::time::sleep_until(asked + self.poll).await;
            }
            let mut reports = match self.ask().await {
                Ok(reports) => reports,
                // The limit counts all our questions: nothing is lost, and it goes on later.
                Err(ConnectError::TryAfter { after, why }) if self.asked.is_some() => {
                    tracing::warn!(why, "presences are asked for later");
                    sleep(after.min(SHOWN)).await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            self.asked = Some(Instant::now());
            self.keep_sessions().await?;
            reports.extend(self.new_memories());
            if !reports.is_empty() {
                return Ok(reports);
            }
        }
    }
}

impl GraphSource {
    async fn ask(&mut self) -> Result<Vec<SystemReport>, ConnectError> {
        let mut reports = Vec::new();
        for users in self.users.clone().chunks(MOST_USERS) {
            for presence in self.api.presences(users).await? {
                self.hear(presence, &mut reports);
            }
        }
        if self.asked.is_none() {
            let is_there = |user: &&String| self.shown.contains_key(&user.to_lowercase());
            for user in self.users.iter().filter(|user| !is_there(user)) {
                tracing::warn!(user, "Graph does not show this user");
            }
        }
        Ok(reports)
    }

    /// What is new in an answer. Answers may be older than those before.
    fn hear(&mut self, presence: GraphPresence, reports: &mut Vec<SystemReport>) {
        let state = presence.state();
        let key = presence.id.to_lowercase();
        let before = self.shown.get(&key);
        if let Some((shown, version)) = before {
            let is_older = version
                .as_ref()
                .zip(presence.sequence_number.as_ref())
                .is_some_and(|(before, now)| now < before);
            if *shown == state || is_older {
                return;
            }
        }
        let online = presence.is_online();
        let is_first = before.is_none();
        let new = (state.clone(), presence.sequence_number);
        self.shown.insert(key, new);
        let kind = if is_first {
            ReportKind::Observed(Some(state))
        } else {
            ReportKind::Changed(state)
        };
        for kind in [ReportKind::Online(online), kind] {
            reports.push(SystemReport::new(&presence.id, kind));
        }
    }

    /// Renews our sessions, and ends those of users who show something else by now.
    async fn keep_sessions(&self) -> Result<(), ConnectError> {
        let now = Instant::now();
        let sessions = self.sessions.all().clone();
        for (user, session) in sessions {
            let shown = self.shown.get(&user.to_lowercase());
            let is_ours = shown.is_some_and(|(state, _)| *state == session.state);
            if !is_ours && now.duration_since(session.set) > SHOWN {
                self.api.end_session(&user).await?;
                self.sessions.all().remove(&user);
            } else if session
                .renewed
                .is_none_or(|renewed| now.duration_since(renewed) > RENEWED)
            {
                self.api.keep_session(&user, SESSION).await?;
                if let Some(session) = self.sessions.all().get_mut(&user) {
                    session.renewed = Some(now);
                }
            }
        }
        Ok(())
    }

    /// What the host does not remember yet.
    fn new_memories(&mut self) -> Vec<SystemReport> {
        let now = self.sessions.memories();
        let before = std::mem::replace(&mut self.remembered, now);
        let now = &self.remembered;
        let is_new = |(user, state): &(&String, &String)| before.get(*user) != Some(*state);
        let new = now.iter().filter(is_new);
        let new = new.map(|(user, state)| (user, state.clone()));
        let ended = before.keys().filter(|user| !now.contains_key(*user));
        let ended = ended.map(|user| (user, String::new()));
        let memory =
            |(user, state): (&String, String)| SystemReport::new(user, ReportKind::Memory(state));
        new.chain(ended).map(memory).collect()
    }
}

struct GraphSink {
    api: Arc<GraphApi>,
    sessions: OwnSessions,
    keep_alive: bool,
    /// The texts that we have set, by user.
    texts: Mutex<HashMap<String, String>>,
}

#[async_trait]
impl CommandSink for GraphSink {
    async fn set(&self, command: &SystemCommand) -> Result<SetOutcome, ConnectError> {
        let user = &command.user;
        let mut states = STATES.iter();
        let Some((state, availability, activity)) =
            states.find(|(state, ..)| *state == command.state)
        else {
            let why = format!("`{}` cannot be set", command.state);
            return Ok(SetOutcome::Refused(why));
        };
        let is_kept = self.keep_alive && *state != "OffWork";
        let has_session = self.sessions.all().contains_key(user);
        if is_kept && !has_session {
            let kept = self.api.keep_session(user, SESSION).await?;
            if kept != SetOutcome::Done {
                return Ok(kept);
            }
        }
        let body = json!({
            "availability": availability, "activity": activity, "expirationDuration": "P7D",
        });
        let path = ["users", user, "presence", "setUserPreferredPresence"];
        let outcome = self.api.set(&path, &body).await?;
        if outcome != SetOutcome::Done {
            return Ok(outcome);
        }
        if is_kept {
            let now = Instant::now();
            let mut sessions = self.sessions.all();
            let session = sessions.entry(user.clone()).or_insert(OwnSession {
                state: String::new(),
                set: now,
                renewed: Some(now),
            });
            (session.state, session.set) = ((*state).to_owned(), now);
        } else if self.sessions.all().remove(user).is_some() {
            self.api.end_session(user).await?;
        }
        self.show_text(user, command.append.join(" ")).await?;
        Ok(SetOutcome::Done)
    }

    async fn read(&self, user: &str) -> Result<Option<SystemReport>, ConnectError> {
        let presence = self.api.presence(user).await?;
        let state = presence.map(|presence| ReportKind::Observed(Some(presence.state())));
        Ok(state.map(|state| SystemReport::new(user, state)))
    }
}

impl GraphSink {
    /// Shows a text, or removes that of an earlier command. A presence counts without its text.
    async fn show_text(&self, user: &str, text: String) -> Result<(), ConnectError> {
        let before = {
            let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
            texts
                .insert(user.to_owned(), text.clone())
                .unwrap_or_default()
        };
        if before == text {
            return Ok(());
        }
        let message = json!({ "content": text, "contentType": "text" });
        let body: Value = json!({ "statusMessage": { "message": message } });
        let path = ["users", user, "presence", "setStatusMessage"];
        let outcome = self.api.set(&path, &body).await?;
        if let SetOutcome::Refused(why) | SetOutcome::Later { why, .. } = outcome {
            tracing::warn!(user, why, "the text of a rule is not shown");
        }
        Ok(())
    }
}
