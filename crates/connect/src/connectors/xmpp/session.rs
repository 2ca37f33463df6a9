//! One user, logged in again whenever the stream ends.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{Instant, sleep};
use tokio_xmpp::jid::{BareJid, FullJid};
use tokio_xmpp::parsers::iq::Iq;
use tokio_xmpp::parsers::ping::Ping;
use tokio_xmpp::parsers::presence::{Presence, Type};
use tokio_xmpp::parsers::stanza::Stanza;
use tokio_xmpp::parsers::stanza_error::{DefinedCondition, ErrorType, StanzaError};

use crate::connector::{ConnectError, SetOutcome};
use crate::connectors::xmpp::stream::{UserStream, log_in, next, send};
use crate::connectors::xmpp::{STATES, XmppServer};
use crate::report::{ReportKind, SystemReport};
use crate::secret::Secret;

/// The longest time before a user is logged in again.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The id of the request whose answer comes after what the other resources show.
const FIRST: &str = "first";

/// What a session says.
pub enum SessionEvent {
    LoggedIn,
    /// The user is not logged in, or not any more. It is tried again.
    LoggedOut(ConnectError),
    Reports(Vec<SystemReport>),
}

/// A presence to send, and who waits until it is.
pub type OwnCommand = (OwnPresence, oneshot::Sender<SetOutcome>);

/// What our resource shows by a command.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnPresence {
    pub state: String,
    #[serde(default)]
    pub text: String,
}

pub struct XmppSession {
    pub user: String,
    pub jid: BareJid,
    pub password: Secret,
    pub server: XmppServer,
    /// With the user.
    pub events: mpsc::Sender<(String, SessionEvent)>,
    pub commands: mpsc::Receiver<OwnCommand>,
    pub is_online: Arc<AtomicBool>,
    /// How many users may be logging in at the same time.
    pub log_ins: Arc<Semaphore>,
    /// Whether a command of this log-in has no echo yet. After a log-in, the server also repeats what we showed before it: that is not
    /// a change.
    pub awaits_echo: bool,
    pub last: LastShown,
}

/// What was shown last. It outlives connections, as the memory of the user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastShown {
    own: Option<OwnPresence>,
    /// Whether the others have shown the same since.
    own_is_newest: bool,
    /// What the other resources showed together.
    others: Option<String>,
}

impl LastShown {
    /// From a memory. Without one, or with one of another version, nothing is known.
    pub fn of(memory: Option<&str>) -> Self {
        memory
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default()
    }
}

/// Shows a state, and receives no messages.
fn presence_of(own: Option<&OwnPresence>) -> Presence {
    let mut presence = Presence::available();
    presence.priority.0 = -1;
    if let Some(OwnPresence { state, text }) = own {
        let mut states = STATES.iter();
        let found = states.find(|(known, _)| known == state);
        presence.show = found.and_then(|(_, show)| show.clone());
        if !text.is_empty() {
            presence.set_status("", text.clone());
        }
    }
    presence
}

/// What the resources of a user show.
#[derive(Default)]
struct Resources {
    /// By name: priority, when it was heard of, state.
    shown: BTreeMap<String, (i8, u64, &'static str)>,
    heard: u64,
}

impl Resources {
    /// Takes what a resource shows.
    fn hear(&mut self, resource: &str, presence: &Presence) {
        self.heard += 1;
        match presence.type_ {
            Type::None => {
                let state = state_of(presence);
                let shown = (presence.priority.0, self.heard, state);
                self.shown.insert(resource.to_owned(), shown);
            }
            Type::Unavailable => drop(self.shown.remove(resource)),
            _ => {}
        }
    }

    /// The state of the highest priority, and of several the one heard last; `None`: the user is not there.
    fn state(&self) -> Option<&'static str> {
        let highest = self.shown.values().max();
        highest.map(|(.., state)| *state)
    }
}

fn state_of(presence: &Presence) -> &'static str {
    let mut states = STATES.iter();
    let found = states.find(|(_, show)| *show == presence.show);
    found.map_or("available", |(state, _)| state)
}

impl XmppSession {
    pub async fn run(mut self) {
        let mut attempts = 0_u32;
        loop {
            let logged_in = {
                // It is never closed; without a permit, the server has to bear one more.
                let _permit = self.log_ins.acquire().await.ok();
                log_in(&self.server, &self.jid, &self.password).await
            };
            let error = match logged_in {
                Ok((stream, own)) => {
                    let since = Instant::now();
                    let Err(error) = self.talk(stream, &own).await;
                    // A stream that ends soon is not a success.
                    if since.elapsed() > LONGEST_WAIT {
                        attempts = 0;
                    }
                    error
                }
                Err(error) => error,
            };
            self.is_online.store(false, Ordering::Relaxed);
            tracing::warn!(user = self.user, %error, "a user is not logged in");
            if self.say(SessionEvent::LoggedOut(error)).await.is_err() {
                return;
            }
            let wait = Duration::from_millis(500).saturating_mul(1 << attempts.min(10));
            attempts += 1;
            let wait = wait.min(LONGEST_WAIT);
            sleep(wait.mul_f64(0.75 + 0.25 * fastrand::f64())).await;
        }
    }

    /// Until the stream ends.
    async fn talk(
        &mut self,
        mut stream: UserStream,
        own: &FullJid,
    ) -> Result<Infallible, ConnectError> {
        self.is_online.store(true, Ordering::Relaxed);
        self.say(SessionEvent::LoggedIn).await?;
        self.awaits_echo = false;
        let presence = presence_of(self.last.own.as_ref());
        send(&mut stream, Stanza::Presence(presence)).await?;
        send(&mut stream, Iq::from_get(FIRST, Ping).into()).await?;
        let mut resources = Resources::default();
        // `None`: nothing was reported yet.
        let mut reported: Option<Option<&'static str>> = None;
        loop {
            tokio::select! {
                stanza = next(&mut stream) => match stanza? {
                    Some(Stanza::Presence(presence)) => {
                        self.hear(&presence, own, &mut resources).await?;
                    }
                    Some(Stanza::Iq(Iq::Result { id, .. } | Iq::Error { id, .. })) if id == FIRST => {
                        let state = resources.state();
                        self.first_contact(state).await?;
                        reported = Some(state);
                    }
                    Some(Stanza::Iq(request)) => {
                        if let Some(answer) = answer(request) {
                            send(&mut stream, answer.into()).await?;
                        }
                    }
                    _ => {}
                },
                Some((presence, reply)) = self.commands.recv() => {
                    // Nobody waits for it any more: a newer one may be on its way.
                    if reply.is_closed() {
                        continue;
                    }
                    // Before it is sent, so that its echo is known.
                    self.last.own = Some(presence.clone());
                    self.last.own_is_newest = true;
                    self.awaits_echo = true;
                    send(&mut stream, Stanza::Presence(presence_of(Some(&presence)))).await?;
                    let _ = reply.send(SetOutcome::Done);
                    self.remember().await?;
                }
            }
            let state = resources.state();
            if let Some(before) = reported.filter(|before| *before != state) {
                self.report(changes(before, state)).await?;
                reported = Some(state);
                self.last.own_is_newest = false;
                self.last.others = state.map(ToOwned::to_owned);
                self.remember().await?;
            }
        }
    }

    async fn hear(
        &mut self,
        presence: &Presence,
        own: &FullJid,
        resources: &mut Resources,
    ) -> Result<(), ConnectError> {
        let Some(from) = &presence.from else {
            return Ok(());
        };
        if from == own {
            return self.confirm(presence).await;
        }
        if from.to_bare() == self.jid {
            let resource = from.resource().map_or("", |resource| resource.as_str());
            resources.hear(resource, presence);
        }
        Ok(())
    }

    /// Where the other resources show the same as before, the last command still counts.
    async fn first_contact(&mut self, others: Option<&'static str>) -> Result<(), ConnectError> {
        let others = others.map(ToOwned::to_owned);
        let last = &mut self.last;
        last.own_is_newest &= last.others == others;
        last.others.clone_from(&others);
        let own = last.own.as_ref().filter(|_| last.own_is_newest);
        let shown = own.map(|own| own.state.clone()).or(others.clone());
        self.report(vec![
            ReportKind::Online(others.is_some()),
            ReportKind::Observed(shown),
        ])
        .await?;
        self.remember().await
    }

    /// Our resource shows the presence of the last command.
    async fn confirm(&mut self, shown: &Presence) -> Result<(), ConnectError> {
        let state = state_of(shown);
        let own = self.last.own.as_ref();
        let is_own = shown.type_ == Type::None && own.is_some_and(|own| own.state == state);
        if is_own && std::mem::take(&mut self.awaits_echo) {
            let state = ReportKind::Changed(state.to_owned());
            return self.report(vec![state]).await;
        }
        Ok(())
    }

    async fn remember(&self) -> Result<(), ConnectError> {
        let memory = serde_json::to_string(&self.last).map_err(ConnectError::lost)?;
        self.report(vec![ReportKind::Memory(memory)]).await
    }

    async fn report(&self, kinds: Vec<ReportKind>) -> Result<(), ConnectError> {
        let report = |kind| SystemReport::new(&self.user, kind);
        let reports = kinds.into_iter().map(report).collect();
        self.say(SessionEvent::Reports(reports)).await
    }

    async fn say(&self, event: SessionEvent) -> Result<(), ConnectError> {
        let sent = self.events.send((self.user.clone(), event)).await;
        sent.map_err(|_| ConnectError::lost("the connection has ended"))
    }
}

/// Coming and going is not a state.
fn changes(before: Option<&str>, state: Option<&str>) -> Vec<ReportKind> {
    match (before, state) {
        (_, None) => vec![ReportKind::Online(false), ReportKind::Observed(None)],
        (None, Some(state)) => vec![
            ReportKind::Online(true),
            ReportKind::Observed(Some(state.to_owned())),
        ],
        (Some(_), Some(state)) => vec![ReportKind::Changed(state.to_owned())],
    }
}

/// The answer to a request: a ping is answered, and nothing else can be done here.
fn answer(request: Iq) -> Option<Iq> {
    let (from, id, is_ping) = match request {
        Iq::Get {
            from, id, payload, ..
        } => (from, id, Ping::try_from(payload).is_ok()),
        Iq::Set { from, id, .. } => (from, id, false),
        Iq::Result { .. } | Iq::Error { .. } => return None,
    };
    Some(if is_ping {
        Iq::Result {
            from: None,
            to: from,
            id,
            payload: None,
        }
    } else {
        let condition = DefinedCondition::ServiceUnavailable;
        let error = StanzaError::new(ErrorType::Cancel, condition, "en", "not offered");
        Iq::Error {
            from: None,
            to: from,
            id,
            error,
            payload: None,
        }
    })
}
