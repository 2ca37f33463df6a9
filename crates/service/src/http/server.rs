//! Listening, with TLS or without.

use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::time::Duration;

use axum::Router;
use axum_server::tls_rustls::RustlsConfig;
use axum_server::{Handle, Server};
use hyper_util::rt::TokioTimer;

/// How long the headers of a request may take.
const HEADERS: Duration = Duration::from_secs(10);

/// How long requests may take that are not answered when the service ends.
const END: Duration = Duration::from_secs(10);

/// A certificate with its key, which others can replace.
#[derive(Clone)]
pub struct TlsCertificate(RustlsConfig);

impl TlsCertificate {
    /// Both in PEM; the certificate with those that have signed it.
    ///
    /// # Errors
    /// They are something else, or do not belong together.
    pub async fn new(certificate: Vec<u8>, key: Vec<u8>) -> io::Result<Self> {
        RustlsConfig::from_pem(certificate, key).await.map(Self)
    }

    /// New connections use another one.
    ///
    /// # Errors
    /// As for [`Self::new`]; then the old one stays.
    pub async fn replace(&self, certificate: Vec<u8>, key: Vec<u8>) -> io::Result<()> {
        self.0.reload_from_pem(certificate, key).await
    }
}

/// Answers requests until `end`, and then those that have begun.
///
/// # Errors
/// The listener fails.
pub async fn listen(
    listener: TcpListener,
    router: Router,
    tls: Option<TlsCertificate>,
    end: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let handle = Handle::new();
    let ending = handle.clone();
    tokio::spawn(async move {
        end.await;
        ending.graceful_shutdown(Some(END));
    });
    let service = router.into_make_service();
    match tls {
        Some(TlsCertificate(tls)) => {
            let server = axum_server::from_tcp_rustls(listener, tls)?;
            limited(server.handle(handle)).serve(service).await
        }
        None => {
            let server = axum_server::from_tcp(listener)?;
            limited(server.handle(handle)).serve(service).await
        }
    }
}

fn limited<L: axum_server::Address, A>(mut server: Server<L, A>) -> Server<L, A> {
    server
        .http_builder()
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS);
    server
}
