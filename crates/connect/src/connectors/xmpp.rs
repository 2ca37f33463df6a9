//! An XMPP server, logged in as each user with a resource of our own.
//!
//! A user's state is that of the available resource with the highest priority, ours excepted. A command sets the presence of our
//! resource, for those who watch the user: nobody can set that of another one. Source: RFC 6121; measured with prosody.

mod session;
mod stream;

use std::collections::{HashMap, HashSet};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_xmpp::jid::BareJid;
use tokio_xmpp::parsers::presence::Show;

use crate::connector::{
    CommandSink, ConnectError, Connection, Connector, ReportSource, SetOutcome,
};
use crate::connectors::{ConnectorPlace, MakeError, is_this_machine};
use crate::report::{SystemCommand, SystemReport, SystemUser};
use crate::secret::{Secret, SecretSettings};
use session::{LastShown, OwnCommand, OwnPresence, SessionEvent, XmppSession};

/// The settings of the connector `xmpp`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct XmppSettings {
    /// Host and port of the server: `xmpp.example.com:5222`.
    server: String,
    /// The passwords of the users: lines of an address, a space, and a password.
    passwords: SecretSettings,
    /// The resource that we log in with.
    #[serde(default = "resource")]
    resource: String,
    /// Talk without TLS, which is possible to this machine only.
    #[serde(default)]
    plaintext: bool,
}

fn resource() -> String {
    "presync".to_owned()
}

/// The states, by what `show` says.
const STATES: [(&str, Option<Show>); 5] = [
    ("available", None),
    ("chat", Some(Show::Chat)),
    ("away", Some(Show::Away)),
    ("xa", Some(Show::Xa)),
    ("dnd", Some(Show::Dnd)),
];

/// How many users may be logging in at the same time.
const LOG_INS: usize = 32;

pub struct XmppConnector {
    server: XmppServer,
    /// By address, in lower case.
    passwords: HashMap<String, Secret>,
}

#[derive(Clone)]
struct XmppServer {
    address: String,
    resource: String,
    plaintext: bool,
}

impl XmppConnector {
    pub fn new(settings: &XmppSettings, place: &ConnectorPlace<'_>) -> Result<Self, MakeError> {
        let Some((host, _)) = settings.server.rsplit_once(':') else {
            return Err(MakeError::Setting(
                "`server` has no port: write `xmpp.example.com:5222`".to_owned(),
            ));
        };
        if settings.plaintext && !is_this_machine(host) {
            return Err(MakeError::Setting(format!(
                "`plaintext` would send passwords of users to `{host}` for all to read"
            )));
        }
        let passwords = (place.secrets)(&settings.passwords)?;
        let lines = passwords.reveal().lines().map(str::trim);
        let lines = lines
            .enumerate()
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let passwords = lines.map(|(at, line)| {
            let both = line.split_once(char::is_whitespace);
            let (user, password) = both.ok_or_else(|| {
                let line = at + 1;
                let what = "write an address, a space, and a password";
                MakeError::Setting(format!("`passwords`, line {line}: {what}"))
            })?;
            Ok((user.to_lowercase(), Secret::from(password.trim())))
        });
        let passwords: Result<HashMap<String, Secret>, MakeError> = passwords.collect();
        Ok(Self {
            server: XmppServer {
                address: settings.server.clone(),
                resource: settings.resource.clone(),
                plaintext: settings.plaintext,
            },
            passwords: passwords?,
        })
    }
}

#[async_trait]
impl Connector for XmppConnector {
    async fn connect(&mut self, users: &[SystemUser]) -> Result<Connection, ConnectError> {
        let (events, mut receiver) = mpsc::channel(64);
        let mut sessions = JoinSet::new();
        let mut presences = HashMap::new();
        let log_ins = Arc::new(Semaphore::new(LOG_INS));
        for SystemUser { id: user, memory } in users {
            let Some(password) = self.passwords.get(&user.to_lowercase()) else {
                tracing::warn!(user, "no password for this user");
                continue;
            };
            let Ok(jid) = BareJid::from_str(user) else {
                tracing::warn!(user, "this is not an XMPP address");
                continue;
            };
            let (sender, commands) = mpsc::channel(4);
            let is_online = Arc::new(AtomicBool::new(false));
            presences.insert(user.to_lowercase(), (sender, is_online.clone()));
            let session = XmppSession {
                is_online,
                log_ins: log_ins.clone(),
                awaits_echo: false,
                user: user.clone(),
                jid,
                password: password.clone(),
                server: self.server.clone(),
                events: events.clone(),
                commands,
                last: LastShown::of(memory.as_deref()),
            };
            sessions.spawn(session.run());
        }
        // The server is there when one user is logged in. That others are not does not matter to this one.
        let mut online = HashSet::new();
        let mut failed = HashSet::new();
        while online.is_empty() && !presences.is_empty() {
            match receiver.recv().await {
                Some((user, SessionEvent::LoggedIn)) => drop(online.insert(user)),
                Some((user, SessionEvent::LoggedOut(error))) => {
                    failed.insert(user.to_lowercase());
                    if failed.len() == presences.len() {
                        return Err(error);
                    }
                }
                Some((_, SessionEvent::Reports(_))) | None => {}
            }
        }
        let source = XmppSource {
            events: receiver,
            online,
            _sessions: sessions,
            _sender: events,
        };
        Ok(Connection {
            source: Box::new(source),
            sink: Box::new(XmppSink(presences)),
        })
    }

    fn settable(&self) -> Option<&'static [&'static str]> {
        Some(&["available", "chat", "away", "xa", "dnd"])
    }
}

struct XmppSource {
    events: mpsc::Receiver<(String, SessionEvent)>,
    /// The users that are logged in.
    online: HashSet<String>,
    /// They end with the connection.
    _sessions: JoinSet<()>,
    /// Without users, nothing is said, and the system is still connected.
    _sender: mpsc::Sender<(String, SessionEvent)>,
}

#[async_trait]
impl ReportSource for XmppSource {
    async fn next(&mut self) -> Result<Vec<SystemReport>, ConnectError> {
        loop {
            match self.events.recv().await {
                Some((user, SessionEvent::LoggedIn)) => drop(self.online.insert(user)),
                Some((_, SessionEvent::Reports(reports))) => return Ok(reports),
                Some((user, SessionEvent::LoggedOut(error))) => {
                    // When the last one goes, the server is lost.
                    if self.online.remove(&user) && self.online.is_empty() {
                        return Err(error);
                    }
                }
                None => return Err(ConnectError::lost("all sessions have ended")),
            }
        }
    }
}

/// By address, in lower case: where commands go, and whether the user is logged in.
struct XmppSink(HashMap<String, (mpsc::Sender<OwnCommand>, Arc<AtomicBool>)>);

#[async_trait]
impl CommandSink for XmppSink {
    async fn set(&self, command: &SystemCommand) -> Result<SetOutcome, ConnectError> {
        let Some((session, is_online)) = self.0.get(&command.user.to_lowercase()) else {
            let why = format!("no password for `{}`", command.user);
            return Ok(SetOutcome::Refused(why));
        };
        let mut states = STATES.iter();
        if !states.any(|(state, _)| *state == command.state) {
            let why = format!("`{}` cannot be set", command.state);
            return Ok(SetOutcome::Refused(why));
        }
        let presence = OwnPresence {
            state: command.state.clone(),
            text: command.append.join(" "),
        };
        let (reply, outcome) = oneshot::channel();
        let not_now = |why: &str| {
            Ok(SetOutcome::Later {
                after: None,
                why: why.to_owned(),
            })
        };
        if !is_online.load(Ordering::Relaxed) {
            return not_now("the user is not logged in");
        }
        if session.send((presence, reply)).await.is_err() {
            return not_now("the session of the user has ended");
        }
        match outcome.await {
            Ok(outcome) => Ok(outcome),
            Err(_) => not_now("the user is being logged in"),
        }
    }
}
