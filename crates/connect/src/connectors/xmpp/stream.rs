//! A stream of a user: logging in, sending, and reading stanzas.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use sasl::common::Credentials;
use tokio::time::timeout;
use tokio_xmpp::connect::{
    AsyncReadAndWrite, DnsConfig, ServerConnector, StartTlsServerConnector, TcpServerConnector,
};
use tokio_xmpp::jid::{BareJid, FullJid, Jid};
use tokio_xmpp::parsers::bind::{BindQuery, BindResponse};
use tokio_xmpp::parsers::iq::Iq;
use tokio_xmpp::parsers::ns;
use tokio_xmpp::parsers::ping::Ping;
use tokio_xmpp::parsers::sasl::DefinedCondition;
use tokio_xmpp::parsers::stanza::Stanza;
use tokio_xmpp::parsers::stream_features::StreamFeatures;
use tokio_xmpp::xmlstream::{
    FallibleStreamElement, ReadError, StreamHeader, Timeouts, XmppStream, XmppStreamElement,
};
use tokio_xmpp::{Error as XmppError, client_login, error::AuthError};

use crate::connector::ConnectError;
use crate::connectors::xmpp::XmppServer;
use crate::secret::Secret;

pub type UserStream = XmppStream<Box<dyn AsyncReadAndWrite + Send>>;

/// How long a silent server is waited for: it is asked for a sign after the first, and given up after the second.
const SILENCE: Timeouts = Timeouts {
    read_timeout: Duration::from_secs(30),
    response_timeout: Duration::from_secs(10),
};

/// How long logging in may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Logs a user in. The stream, and our address with the resource.
///
/// # Errors
/// The server does not answer, or refuses the password.
pub async fn log_in(
    server: &XmppServer,
    user: &BareJid,
    password: &Secret,
) -> Result<(UserStream, FullJid), ConnectError> {
    let connecting = async {
        let dns = DnsConfig::Addr {
            addr: server.address.clone(),
        };
        if server.plaintext {
            log_in_by(TcpServerConnector::from(dns), server, user, password).await
        } else {
            log_in_by(StartTlsServerConnector::from(dns), server, user, password).await
        }
    };
    let connected = timeout(PATIENCE, connecting).await;
    connected.map_err(|_| ConnectError::lost("the server does not answer"))?
}

async fn log_in_by<C: ServerConnector>(
    connector: C,
    server: &XmppServer,
    user: &BareJid,
    password: &Secret,
) -> Result<(UserStream, FullJid), ConnectError>
where
    C::Stream: 'static,
{
    let jid = Jid::from(user.clone());
    let lost = |error: XmppError| match error {
        XmppError::Auth(AuthError::Fail(why)) => refusal(&why),
        other => ConnectError::lost(other),
    };
    let (stream, binding) = connector
        .connect(&jid, ns::JABBER_CLIENT, SILENCE)
        .await
        .map_err(lost)?;
    let (features, stream): (StreamFeatures, _) =
        stream.recv_features().await.map_err(ConnectError::lost)?;
    let name = user.node().map(|node| node.as_str().to_owned());
    let credentials = Credentials::default()
        .with_username(name.unwrap_or_default())
        .with_password(password.reveal())
        .with_channel_binding(binding);
    let stream = client_login(stream, features.sasl_mechanisms, credentials)
        .await
        .map_err(lost)?;
    let header = StreamHeader {
        to: Some(user.domain().as_str().into()),
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
    let query = BindQuery::new(Some(server.resource.clone()));
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
                let why = error.defined_condition;
                return Err(ConnectError::Lost(format!(
                    "the server gives no resource: {why:?}"
                )));
            }
            _ => {}
        }
    }
}

fn refusal(why: &DefinedCondition) -> ConnectError {
    let why = match why {
        DefinedCondition::TemporaryAuthFailure => {
            return ConnectError::lost("the server cannot check passwords now");
        }
        DefinedCondition::NotAuthorized => "the server refuses the password",
        DefinedCondition::AccountDisabled => "the account is disabled",
        DefinedCondition::CredentialsExpired => "the password has expired",
        DefinedCondition::EncryptionRequired => "the server wants TLS: remove `plaintext`",
        _ => "the server offers no way to log in with a password that is known here",
    };
    ConnectError::Settings(why.to_owned())
}

/// # Errors
/// The connection is lost.
pub async fn send(stream: &mut UserStream, stanza: Stanza) -> Result<(), ConnectError> {
    let element = XmppStreamElement::Stanza(stanza);
    stream.send(&element).await.map_err(ConnectError::lost)
}

/// The next stanza; `None` for something else. It may be dropped before it is ready.
///
/// # Errors
/// The connection is lost.
pub async fn next(stream: &mut UserStream) -> Result<Option<Stanza>, ConnectError> {
    let Some(read) = stream.next().await else {
        return Err(ConnectError::lost("the server has closed the stream"));
    };
    match read {
        Ok(FallibleStreamElement::Ok(XmppStreamElement::Stanza(stanza))) => Ok(Some(stanza)),
        Ok(FallibleStreamElement::Ok(XmppStreamElement::StreamError(error))) => {
            Err(ConnectError::lost(error.0))
        }
        // Anybody may send a user what cannot be read: it ends no stream.
        Ok(FallibleStreamElement::Ok(_) | FallibleStreamElement::Err(_))
        | Err(ReadError::ParseError(_)) => Ok(None),
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
