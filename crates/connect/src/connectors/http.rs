//! What connectors that speak HTTP share.

use std::net::SocketAddr;
use std::sync::Once;
use std::time::Duration;

use axum::Router;
use reqwest::header::RETRY_AFTER;
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Response, Url};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::connector::ConnectError;
use crate::connectors::{MakeError, is_this_machine};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where a system sends requests to. It stays open between two connections.
pub struct ListenAddress {
    address: SocketAddr,
    open: Option<std::net::TcpListener>,
}

impl ListenAddress {
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            open: None,
        }
    }

    /// Answers requests until the result is dropped. Those that come between two connections wait.
    ///
    /// # Errors
    /// Somebody else listens there.
    pub fn listen(&mut self, router: Router) -> Result<EventListener, ConnectError> {
        let cannot = |error: std::io::Error| {
            ConnectError::Settings(format!("cannot listen on {}: {error}", self.address))
        };
        let open = match self.open.take() {
            Some(open) => open,
            None => std::net::TcpListener::bind(self.address).map_err(cannot)?,
        };
        let listener = open.try_clone().and_then(|copy| {
            copy.set_nonblocking(true)?;
            TcpListener::from_std(copy)
        });
        let listener = listener.map_err(cannot)?;
        self.open = Some(open);
        Ok(EventListener(tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::warn!(%error, "the listener has ended");
            }
        })))
    }
}

/// Answers requests of a system, and ends with the connection.
pub struct EventListener(JoinHandle<()>);

impl Drop for EventListener {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// An address that secrets are sent to: HTTPS, or this machine.
pub fn server_address(setting: &str, text: &str) -> Result<Url, MakeError> {
    let wrong = |what: &dyn std::fmt::Display| MakeError::Setting(format!("`{setting}`: {what}"));
    let url = Url::parse(text).map_err(|error| wrong(&error))?;
    let is_here = url.host_str().is_some_and(is_this_machine);
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_here => Ok(url),
        "http" => Err(wrong(
            &"secrets would be sent for all to read: write `https://`",
        )),
        _ => Err(wrong(&"write an address that begins with `https://`")),
    }
}

/// A client that follows no redirects, which could lead elsewhere with our tokens.
pub fn client() -> Result<Client, MakeError> {
    let client = builder().build();
    client.map_err(|error| MakeError::Setting(format!("HTTPS cannot be used: {error}")))
}

/// For a client that follows no redirects.
pub fn builder() -> ClientBuilder {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Somebody else may have chosen one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    Client::builder().timeout(PATIENCE).redirect(Policy::none())
}

/// No answer came. Addresses with secrets in them are not shown.
pub fn lost(error: reqwest::Error) -> ConnectError {
    let error = error.without_url();
    let mut why = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        why = format!("{why}: {inner}");
        source = inner.source();
    }
    if error.is_timeout() {
        ConnectError::NoAnswer(why)
    } else {
        ConnectError::Lost(why)
    }
}

/// What the header says, in seconds.
pub fn retry_after(answer: &Response) -> Option<Duration> {
    let header = answer.headers().get(RETRY_AFTER)?.to_str().ok()?;
    header.trim().parse().ok().map(Duration::from_secs)
}

/// The reason in a member of an answer, with its status.
pub async fn error_text(answer: Response, member: &str) -> String {
    let status = answer.status();
    let body: serde_json::Value = answer.json().await.unwrap_or_default();
    let why = body[member].as_str().unwrap_or("no reason given");
    format!("{status}: {why}")
}

/// An answer that ends the connection.
pub async fn unexpected(answer: Response, member: &str) -> ConnectError {
    let after = retry_after(&answer);
    let why = error_text(answer, member).await;
    match after {
        Some(after) => ConnectError::TryAfter { after, why },
        None => ConnectError::Lost(why),
    }
}
