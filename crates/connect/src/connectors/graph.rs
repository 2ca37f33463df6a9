//! Microsoft Teams by Microsoft Graph: presences are asked for, and set as the preferred presence of a user.
//!
//! A preferred presence counts only while the user has a session, so we keep one of our own alive, as `Away`, which loses to every
//! other. It ends when the user shows something else than we have set. Source: learn.microsoft.com/graph (presence); no tenant
//! could be tried.

mod api;
mod own;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use crate::connector::{
    CommandSink, ConnectError, Connection, Connector, ReportSource, SetOutcome,
};
use crate::connectors::known::KnownStates;
use crate::connectors::{ConnectorPlace, MakeError, http};
use crate::report::{ReportKind, SystemCommand, SystemReport, SystemUser};
use crate::secret::SecretSettings;
use api::GraphApi;
use own::{OwnUser, OwnUsers};

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
    /// Of the last connection.
    own: OwnUsers,
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
            own: OwnUsers::default(),
        })
    }
}

#[async_trait]
impl Connector for GraphConnector {
    async fn connect(&mut self, users: &[SystemUser]) -> Result<Connection, ConnectError> {
        // A wrong secret is noticed before anything is asked.
        self.api.token().await?;
        self.own = self.own.with(users).await;
        let known = KnownStates::default();
        let source = GraphSource {
            api: self.api.clone(),
            users: users.iter().map(|user| user.id.clone()).collect(),
            poll: self.poll,
            ask: Instant::now(),
            is_first: true,
            known: known.clone(),
            online: HashMap::new(),
            keep_alive: self.keep_alive,
            own: self.own.clone(),
        };
        let sink = GraphSink {
            api: self.api.clone(),
            known,
            own: self.own.clone(),
            keep_alive: self.keep_alive,
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

struct GraphSource {
    api: Arc<GraphApi>,
    users: Vec<String>,
    poll: Duration,
    /// When presences are asked for.
    ask: Instant,
    is_first: bool,
    known: KnownStates,
    /// By id in lower case.
    online: HashMap<String, bool>,
    own: OwnUsers,
    keep_alive: bool,
}

#[async_trait]
impl ReportSource for GraphSource {
    async fn next(&mut self) -> Result<Vec<SystemReport>, ConnectError> {
        loop {
            sleep_until(self.ask).await;
            let mut reports = match self.ask().await {
                Ok(reports) => reports,
                // The limit counts all our questions: nothing is lost, and it goes on later.
                Err(ConnectError::TryAfter { after, why }) => {
                    tracing::warn!(why, "presences are asked for later");
                    self.ask = Instant::now() + after.min(SHOWN).max(self.poll);
                    continue;
                }
                Err(error) => return Err(error),
            };
            self.is_first = false;
            self.ask = Instant::now() + self.poll;
            for user in &self.users {
                reports.extend(self.keep(user).await);
            }
            if !reports.is_empty() {
                return Ok(reports);
            }
        }
    }
}

impl GraphSource {
    /// What is new. Only when all questions are answered, so that nothing is lost with one that is not.
    async fn ask(&mut self) -> Result<Vec<SystemReport>, ConnectError> {
        let mut presences = Vec::new();
        for users in self.users.chunks(MOST_USERS) {
            presences.extend(self.api.presences(users).await?);
        }
        let mut reports = Vec::new();
        for presence in &presences {
            let (user, state) = (&presence.id, presence.state());
            let version = presence.sequence_number.as_deref();
            let news = self.known.news(user, &state, version, false);
            let is_online = presence.is_online();
            let is_current = self.known.state(user) == Some(state);
            if is_current && self.online.insert(user.to_lowercase(), is_online) != Some(is_online) {
                reports.push(SystemReport::new(user, ReportKind::Online(is_online)));
            }
            reports.extend(news.map(|news| SystemReport::new(user, news)));
        }
        if self.is_first {
            let is_there = |user: &&String| self.known.state(user).is_some();
            for user in self.users.iter().filter(|user| !is_there(user)) {
                tracing::warn!(user, "Graph does not show this user");
            }
        }
        Ok(reports)
    }

    /// Renews our session of a user, or ends it if the user shows something else by now. What is to be remembered, if it is news.
    async fn keep(&self, user: &str) -> Option<SystemReport> {
        // A command may be on its way.
        let mut own = self.own.of_user(user)?.try_lock().ok()?;
        if let Some(state) = &own.memory.state {
            let now = Instant::now();
            let is_ours = self.known.state(user).as_ref() == Some(state);
            let is_wanted = is_ours || now.duration_since(own.set) < SHOWN;
            if !(is_wanted && self.keep_alive) {
                end_session(&self.api, user, &mut own).await;
            } else if own.renew <= now {
                let again = self.poll.saturating_mul(10);
                own.renew = now
                    + match self.api.keep_session(user, SESSION).await {
                        Ok(SetOutcome::Done) => RENEWED,
                        Ok(SetOutcome::Refused(why)) => {
                            tracing::warn!(user, why, "our session is not renewed");
                            again
                        }
                        Ok(SetOutcome::Later { after, why }) => {
                            tracing::warn!(user, why, "our session is renewed later");
                            after.unwrap_or(again)
                        }
                        Err(error) => {
                            tracing::warn!(user, %error, "our session is renewed later");
                            again
                        }
                    };
            }
        }
        if own.memory == own.remembered {
            return None;
        }
        own.remembered = own.memory.clone();
        let memory = serde_json::to_string(&own.memory).ok()?;
        Some(SystemReport::new(user, ReportKind::Memory(memory)))
    }
}

/// Ends our session of a user. One that cannot be ended fades by itself.
async fn end_session(api: &GraphApi, user: &str, own: &mut OwnUser) {
    match api.end_session(user).await {
        Ok(SetOutcome::Done) => {}
        Ok(SetOutcome::Refused(why)) => {
            tracing::warn!(user, why, "our session is not ended: it fades by itself");
        }
        Ok(SetOutcome::Later { why, .. }) => {
            tracing::info!(user, why, "our session is ended later");
            return;
        }
        Err(error) => {
            tracing::info!(user, %error, "our session is ended later");
            return;
        }
    }
    own.memory.state = None;
}

struct GraphSink {
    api: Arc<GraphApi>,
    known: KnownStates,
    own: OwnUsers,
    keep_alive: bool,
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
        let Some(own) = self.own.of_user(user) else {
            return Ok(SetOutcome::Refused("the user is not watched".to_owned()));
        };
        let mut own = own.lock().await;
        let is_kept = self.keep_alive && *state != "OffWork";
        if is_kept && own.memory.state.is_none() {
            let kept = self.api.keep_session(user, SESSION).await?;
            if kept != SetOutcome::Done {
                return Ok(kept);
            }
            // Noted even if what follows is not answered.
            own.memory.state = Some((*state).to_owned());
            own.set = Instant::now();
            own.renew = own.set + RENEWED;
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
            own.memory.state = Some((*state).to_owned());
            own.set = Instant::now();
        } else if own.memory.state.is_some() {
            end_session(&self.api, user, &mut own).await;
        }
        self.show_text(user, &mut own, command.append.join(" "))
            .await?;
        Ok(SetOutcome::Done)
    }

    async fn read(&self, user: &str) -> Result<Option<SystemReport>, ConnectError> {
        let presence = self.api.presence(user).await?;
        Ok(presence.map(|presence| {
            let version = presence.sequence_number.as_deref();
            let state = self.known.answer(user, &presence.state(), version);
            SystemReport::new(user, state)
        }))
    }
}

impl GraphSink {
    /// Shows a text, or removes that of an earlier command. A presence counts without its text.
    async fn show_text(
        &self,
        user: &str,
        own: &mut OwnUser,
        text: String,
    ) -> Result<(), ConnectError> {
        let text = Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        if own.memory.text == text {
            return Ok(());
        }
        if text.is_none() {
            // Not what the user has written since.
            let shown = self.api.presence(user).await?;
            let shown = shown.and_then(|presence| presence.text());
            if shown != own.memory.text {
                own.memory.text = None;
                return Ok(());
            }
        }
        let content = text.as_deref().unwrap_or_default();
        let message = json!({ "content": content, "contentType": "text" });
        let body: Value = json!({ "statusMessage": { "message": message } });
        let path = ["users", user, "presence", "setStatusMessage"];
        match self.api.set(&path, &body).await? {
            SetOutcome::Done => own.memory.text = text,
            SetOutcome::Refused(why) | SetOutcome::Later { why, .. } => {
                tracing::warn!(user, why, "the text of a rule is not shown");
            }
        }
        Ok(())
    }
}
