//! One user, logged in again whenever the stream ends.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;
use tokio_xmpp::jid::{BareJid, FullJid};
use tokio_xmpp::parsers::iq::Iq;
use tokio_xmpp::parsers::ping::Ping;
use tokio_xmpp::parsers::presence::{Presence, Show, Type};
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
pub type OwnPresence = (Presence, oneshot::Sender<SetOutcome>);

pub struct XmppSession {
    pub user: String,
    pub jid: BareJid,
    pub password: Secret,
    pub server: XmppServer,
    /// With the user.
    pub events: mpsc::Sender<(String, SessionEvent)>,
    pub commands: mpsc::Receiver<OwnPresence>,
    pub is_online: Arc<AtomicBool>,
    /// By user in lower case.
    pub remembered: Remembered,
}

/// What was shown last outlives a connection.
pub type Remembered = Arc<Mutex<HashMap<String, LastShown>>>;

#[derive(Debug, Clone, Default)]
pub struct LastShown {
    /// The presence of our resource by the last command.
    own: Option<Presence>,
    /// What the other resources showed together, if it was reported.
    others: Option<Option<&'static str>>,
}

/// A presence that receives no messages.
pub fn own_presence(show: Option<Show>) -> Presence {
    let mut presence = Presence::available();
    presence.show = show;
    presence.priority.0 = -1;
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
            let error = match log_in(&self.server, &self.jid, &self.password).await {
                Ok((stream, own)) => {
                    attempts = 0;
                    match self.talk(stream, &own).await {
                        Ok(never) => match never {},
                        Err(error) => error,
                    }
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
        let presence = self.last_shown(|last| last.own.clone());
        let presence = presence.unwrap_or_else(|| own_presence(None));
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
                    self.last_shown(|last| last.own = Some(presence.clone()));
                    send(&mut stream, Stanza::Presence(presence)).await?;
                    let _ = reply.send(SetOutcome::Done);
                }
            }
            let state = resources.state();
            if let Some(before) = reported.filter(|before| *before != state) {
                self.report(changes(before, state)).await?;
                reported = Some(state);
                self.last_shown(|last| last.others = reported);
            }
        }
    }

    async fn hear(
        &self,
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
    async fn first_contact(&self, others: Option<&'static str>) -> Result<(), ConnectError> {
        let shown = self.last_shown(|last| {
            let same = last.others.replace(others) == Some(others);
            let own = last.own.as_ref().filter(|_| same);
            own.map(state_of).or(others)
        });
        let shown = shown.map(ToOwned::to_owned);
        self.report(vec![
            ReportKind::Online(others.is_some()),
            ReportKind::Observed(shown),
        ])
        .await
    }

    /// Our resource shows the presence of the last command.
    async fn confirm(&self, shown: &Presence) -> Result<(), ConnectError> {
        let is_own = self.last_shown(|last| {
            let own = last.own.as_ref();
            own.is_some_and(|own| own.show == shown.show && shown.type_ == Type::None)
        });
        if !is_own {
            return Ok(());
        }
        let state = ReportKind::Changed(state_of(shown).to_owned());
        self.report(vec![state]).await
    }

    fn last_shown<T>(&self, look: impl FnOnce(&mut LastShown) -> T) -> T {
        let mut all = self
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        look(all.entry(self.user.to_lowercase()).or_default())
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
