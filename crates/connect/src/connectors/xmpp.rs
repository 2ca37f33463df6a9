//! An XMPP server, logged in as each user with a resource of our own.
//!
//! A user's state is that of the available resource with the highest priority, ours excepted. A command sets the presence of our
//! resource, for those who watch the user: nobody can set that of another one. ReportSource: RFC 6121; measured with prosody.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{SinkExt, StreamExt};
use sasl::common::Credentials;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_xmpp::connect::{
    AsyncReadAndWrite, DnsConfig, ServerConnector, StartTlsServerConnector, TcpServerConnector,
};
use tokio_xmpp::jid::{BareJid, FullJid, Jid};
use tokio_xmpp::parsers::bind::{BindQuery, BindResponse};
use tokio_xmpp::parsers::iq::Iq;
use tokio_xmpp::parsers::ns;
use tokio_xmpp::parsers::ping::Ping;
use tokio_xmpp::parsers::presence::{Presence, Show, Type};
use tokio_xmpp::parsers::stanza::Stanza;
use tokio_xmpp::parsers::stream_features::StreamFeatures;
use tokio_xmpp::xmlstream::{ReadError, StreamHeader, Timeouts, XmppStream, XmppStreamElement};
use tokio_xmpp::{Error as XmppError, client_login, error::AuthError};

use crate::connector::{
    CommandSink, ConnectError, Connection, Connector, ReportSource, SetOutcome,
};
use crate::connectors::{ConnectorPlace, MakeError};
use crate::report::{ReportKind, SystemCommand, SystemReport};
use crate::secret::{Secret, SecretSettings};

/// The settings of the connector `xmpp`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct XmppSettings {
    /// ConnectorHost and port of the server: `xmpp.example.com:5222`.
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

/// How long a silent server is waited for: it is asked for a sign after the first, and given up after the second.
const SILENCE: Timeouts = Timeouts {
    read_timeout: Duration::from_secs(30),
    response_timeout: Duration::from_secs(10),
};

/// The longest time before a user is logged in again.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

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
        let is_here = host == "localhost"
            || IpAddr::from_str(host.trim_matches(['[', ']'])).is_ok_and(|ip| ip.is_loopback());
        if settings.plaintext && !is_here {
            return Err(MakeError::Setting(format!(
                "`plaintext` would send passwords of users to `{host}` for all to read"
            )));
        }
        let passwords = (place.secrets)(&settings.passwords)?;
        let passwords = passwords.reveal().lines().filter_map(|line| {
            let (user, password) = line.trim().split_once(char::is_whitespace)?;
            Some((user.to_lowercase(), Secret::from(password.trim())))
        });
        Ok(Self {
            server: XmppServer {
                address: settings.server.clone(),
                resource: settings.resource.clone(),
                plaintext: settings.plaintext,
            },
            passwords: passwords.collect(),
        })
    }
}

#[async_trait]
impl Connector for XmppConnector {
    async fn connect(&mut self, users: &[String]) -> Result<Connection, ConnectError> {
        let (reports, receiver) = mpsc::channel(64);
        let (first, mut outcome) = mpsc::channel(1);
        let online = Arc::new(AtomicUsize::new(0));
        let mut sessions = JoinSet::new();
        let mut presences = HashMap::new();
        for user in users {
            let Some(password) = self.passwords.get(&user.to_lowercase()) else {
                tracing::warn!(user, "the password of this user is missing");
                continue;
            };
            let Ok(jid) = BareJid::from_str(user) else {
                tracing::warn!(user, "this is not an XMPP address");
                continue;
            };
            let (sender, commands) = mpsc::channel(4);
            presences.insert(user.to_lowercase(), sender);
            let session = XmppSession {
                user: user.clone(),
                jid,
                password: password.clone(),
                server: self.server.clone(),
                reports: reports.clone(),
                first: first.clone(),
                online: online.clone(),
                commands,
                own: None,
            };
            sessions.spawn(session.run());
        }
        drop(first);
        // The server is there when it has answered for one user.
        match outcome.recv().await {
            None | Some(Ok(())) => {}
            Some(Err(error)) => return Err(error),
        }
        let source = XmppSource {
            reports: receiver,
            _sessions: sessions,
            _sender: reports,
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

type UserReports = Result<Vec<SystemReport>, ConnectError>;

struct XmppSource {
    reports: mpsc::Receiver<UserReports>,
    /// They end with the connection.
    _sessions: JoinSet<()>,
    /// Without users, nothing is said, and the system is still connected.
    _sender: mpsc::Sender<UserReports>,
}

#[async_trait]
impl ReportSource for XmppSource {
    async fn next(&mut self) -> UserReports {
        let next = self.reports.recv().await;
        next.unwrap_or_else(|| Err(ConnectError::lost("all sessions have ended")))
    }
}

/// A presence to send, and who waits until it is.
type OwnPresence = (Presence, oneshot::Sender<SetOutcome>);

/// By address, in lower case.
struct XmppSink(HashMap<String, mpsc::Sender<OwnPresence>>);

#[async_trait]
impl CommandSink for XmppSink {
    async fn set(&self, command: &SystemCommand) -> Result<SetOutcome, ConnectError> {
        let Some(session) = self.0.get(&command.user.to_lowercase()) else {
            let why = format!("the password of `{}` is missing", command.user);
            return Ok(SetOutcome::Refused(why));
        };
        let mut states = STATES.iter();
        let Some((_, show)) = states.find(|(state, _)| *state == command.state) else {
            let why = format!("`{}` cannot be set", command.state);
            return Ok(SetOutcome::Refused(why));
        };
        let mut presence = own_presence(show.clone());
        if !command.append.is_empty() {
            presence.set_status("", command.append.join(" "));
        }
        let (reply, outcome) = oneshot::channel();
        let not_now = |why: &str| {
            Ok(SetOutcome::Later {
                after: None,
                why: why.to_owned(),
            })
        };
        if session.send((presence, reply)).await.is_err() {
            return not_now("the session of the user has ended");
        }
        match outcome.await {
            Ok(outcome) => Ok(outcome),
            Err(_) => not_now("the user is being logged in"),
        }
    }
}

/// A presence that receives no messages.
fn own_presence(show: Option<Show>) -> Presence {
    let mut presence = Presence::available();
    presence.show = show;
    presence.priority.0 = -1;
    presence
}

/// One user, logged in again whenever the stream ends.
struct XmppSession {
    user: String,
    jid: BareJid,
    password: Secret,
    server: XmppServer,
    reports: mpsc::Sender<UserReports>,
    /// Who waits for the first success or failure of all users.
    first: mpsc::Sender<Result<(), ConnectError>>,
    /// The number of users that are logged in.
    online: Arc<AtomicUsize>,
    commands: mpsc::Receiver<OwnPresence>,
    /// What our resource shows by the last command.
    own: Option<Presence>,
}

type BoxedStream = XmppStream<Box<dyn AsyncReadAndWrite + Send>>;

/// What the resources of a user show.
#[derive(Default)]
struct Resources {
    /// By name: priority, when it was heard of, state.
    shown: BTreeMap<String, (i8, u64, &'static str)>,
    heard: u64,
}

impl Resources {
    /// Takes what a resource shows. Returns whether the user has come or gone.
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
    async fn run(mut self) {
        let mut attempts = 0_u32;
        loop {
            let error = match self.log_in().await {
                Ok((stream, own)) => {
                    attempts = 0;
                    self.online.fetch_add(1, Ordering::Relaxed);
                    let _ = self.first.try_send(Ok(()));
                    let error = self.stay(stream, own).await;
                    self.online.fetch_sub(1, Ordering::Relaxed);
                    error
                }
                Err(error) => error,
            };
            let _ = self.first.try_send(Err(error.clone()));
            tracing::warn!(user = self.user, %error, "a user is not logged in");
            // Nobody is left: the server is lost.
            if self.online.load(Ordering::Relaxed) == 0
                && self.reports.send(Err(error)).await.is_err()
            {
                return;
            }
            let wait = Duration::from_millis(500).saturating_mul(1 << attempts.min(10));
            attempts += 1;
            sleep(
                wait.min(LONGEST_WAIT)
                    .mul_f64(0.75 + 0.25 * fastrand::f64()),
            )
            .await;
        }
    }

    async fn log_in(&self) -> Result<(BoxedStream, FullJid), ConnectError> {
        let connecting = async {
            let dns = DnsConfig::Addr {
                addr: self.server.address.clone(),
            };
            if self.server.plaintext {
                self.log_in_by(TcpServerConnector::from(dns)).await
            } else {
                self.log_in_by(StartTlsServerConnector::from(dns)).await
            }
        };
        let connected = timeout(Duration::from_secs(20), connecting).await;
        connected.map_err(|_| ConnectError::lost("the server does not answer"))?
    }

    async fn log_in_by<C: ServerConnector>(
        &self,
        connector: C,
    ) -> Result<(BoxedStream, FullJid), ConnectError>
    where
        C::Stream: 'static,
    {
        let jid = Jid::from(self.jid.clone());
        let lost = |error: XmppError| match error {
            XmppError::Auth(AuthError::Fail(why)) => {
                ConnectError::Settings(format!("the server refuses the password: {why:?}"))
            }
            other => ConnectError::lost(other),
        };
        let (stream, binding) = connector
            .connect(&jid, ns::JABBER_CLIENT, SILENCE)
            .await
            .map_err(lost)?;
        let (features, stream): (StreamFeatures, _) =
            stream.recv_features().await.map_err(ConnectError::lost)?;
        let name = self.jid.node().map(|node| node.as_str().to_owned());
        let credentials = Credentials::default()
            .with_username(name.unwrap_or_default())
            .with_password(self.password.reveal())
            .with_channel_binding(binding);
        let stream = client_login(stream, features.sasl_mechanisms, credentials)
            .await
            .map_err(lost)?;
        let header = StreamHeader {
            to: Some(self.jid.domain().as_str().into()),
            from: None,
            id: None,
        };
        let stream = stream
            .send_header(header)
            .await
            .map_err(ConnectError::lost)?;
        let (_, stream): (StreamFeatures, XmppStream<C::Stream>) =
            stream.recv_features().await.map_err(ConnectError::lost)?;
        let mut stream = stream.box_stream();
        let query = BindQuery::new(Some(self.server.resource.clone()));
        send(&mut stream, Iq::from_set("bind", query).into()).await?;
        loop {
            let Some(Stanza::Iq(answer)) = next(&mut stream).await? else {
                continue;
            };
            match answer {
                Iq::Result {
                    payload: Some(payload),
                    ..
                } => {
                    let bound = BindResponse::try_from(payload).map_err(ConnectError::lost)?;
                    return Ok((stream, bound.jid));
                }
                Iq::Error { error, .. } => {
                    let why = format!("{:?}", error.defined_condition);
                    return Err(ConnectError::Lost(format!("no resource: {why}")));
                }
                _ => {}
            }
        }
    }

    /// Until the stream ends: why.
    async fn stay(&mut self, mut stream: BoxedStream, own: FullJid) -> ConnectError {
        match self.talk(&mut stream, &own).await {
            Ok(never) => match never {},
            Err(error) => error,
        }
    }

    async fn talk(
        &mut self,
        stream: &mut BoxedStream,
        own: &FullJid,
    ) -> Result<std::convert::Infallible, ConnectError> {
        let presence = self.own.clone().unwrap_or_else(|| own_presence(None));
        send(stream, Stanza::Presence(presence)).await?;
        // What the other resources show comes before the answer.
        const FIRST: &str = "first";
        send(stream, Iq::from_get(FIRST, Ping).into()).await?;
        let mut resources = Resources::default();
        // `None`: nothing was reported yet.
        let mut reported: Option<Option<&'static str>> = None;
        loop {
            tokio::select! {
                stanza = next(stream) => match stanza? {
                    Some(Stanza::Presence(presence)) => {
                        let Some(from) = &presence.from else { continue };
                        if from.to_bare() != self.jid {
                            continue;
                        }
                        let resource = from.resource().map_or("", |resource| resource.as_str());
                        if from == own {
                            self.confirm(&presence).await?;
                            continue;
                        }
                        resources.hear(resource, &presence);
                    }
                    Some(Stanza::Iq(Iq::Get { from, id, .. })) => {
                        // A ping of the server, or something that nobody here can do.
                        let answer = Iq::Result { from: None, to: from, id, payload: None };
                        send(stream, answer.into()).await?;
                        continue;
                    }
                    Some(Stanza::Iq(Iq::Result { id, .. } | Iq::Error { id, .. })) if id == FIRST => {
                        let state = resources.state();
                        let online = SystemReport::new(&self.user, ReportKind::Online(state.is_some()));
                        let shown = ReportKind::Observed(state.map(ToOwned::to_owned));
                        self.report(vec![online, SystemReport::new(&self.user, shown)]).await?;
                        reported = Some(state);
                        continue;
                    }
                    _ => continue,
                },
                Some((presence, reply)) = self.commands.recv() => {
                    self.own = Some(presence.clone());
                    send(stream, Stanza::Presence(presence)).await?;
                    // Who waits too long does not wait any more.
                    let _ = reply.send(SetOutcome::Done);
                    continue;
                }
            }
            let (Some(before), state) = (reported, resources.state()) else {
                continue;
            };
            if before != state {
                self.report(self.changes(before, state)).await?;
                reported = Some(state);
            }
        }
    }

    /// Our resource shows the presence of the last command.
    async fn confirm(&self, shown: &Presence) -> Result<(), ConnectError> {
        let is_own = self
            .own
            .as_ref()
            .is_some_and(|own| own.show == shown.show && shown.type_ == Type::None);
        if !is_own {
            return Ok(());
        }
        let state = ReportKind::Changed(state_of(shown).to_owned());
        self.report(vec![SystemReport::new(&self.user, state)])
            .await
    }

    /// Coming and going is not a state.
    fn changes(&self, before: Option<&str>, state: Option<&str>) -> Vec<SystemReport> {
        let kinds = match (before, state) {
            (_, None) => vec![ReportKind::Online(false), ReportKind::Observed(None)],
            (None, Some(state)) => vec![
                ReportKind::Online(true),
                ReportKind::Observed(Some(state.to_owned())),
            ],
            (Some(_), Some(state)) => vec![ReportKind::Changed(state.to_owned())],
        };
        let report = |kind| SystemReport::new(&self.user, kind);
        kinds.into_iter().map(report).collect()
    }

    async fn report(&self, reports: Vec<SystemReport>) -> Result<(), ConnectError> {
        let sent = self.reports.send(Ok(reports)).await;
        sent.map_err(|_| ConnectError::lost("the connection has ended"))
    }
}

async fn send(stream: &mut BoxedStream, stanza: Stanza) -> Result<(), ConnectError> {
    let element = XmppStreamElement::Stanza(stanza);
    stream.send(&element).await.map_err(ConnectError::lost)
}

/// The next stanza; `None` for something else.
async fn next(stream: &mut BoxedStream) -> Result<Option<Stanza>, ConnectError> {
    let Some(read) = stream.next().await else {
        return Err(ConnectError::lost("the server has closed the stream"));
    };
    match read.and_then(|element| element.into_read_error()) {
        Ok(XmppStreamElement::Stanza(stanza)) => Ok(Some(stanza)),
        Ok(XmppStreamElement::StreamError(error)) => Err(ConnectError::lost(error.0)),
        Ok(_) | Err(ReadError::ParseError(_)) => Ok(None),
        Err(ReadError::SoftTimeout) => {
            // Any answer will do.
            send(stream, Iq::from_get("alive", Ping).into()).await?;
            Ok(None)
        }
        Err(ReadError::HardError(error))
            if error.kind() == std::io::ErrorKind::UnexpectedEof
                || error.to_string().contains("invalid eof") =>
        {
            Err(ConnectError::lost("the server has closed the connection"))
        }
        Err(error) => Err(ConnectError::lost(error)),
    }
}
