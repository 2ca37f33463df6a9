//! Who may what: tokens with scopes.

use std::collections::BTreeMap;
use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::http::{Problem, Service};

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TokenScope {
    /// Ask for decisions and tables.
    Decide,
    /// Send events, and read and acknowledge commands.
    Events,
    /// Everything.
    Admin,
}

/// The tokens; none: everybody who reaches the service may do everything.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// By the hash of a token, so that comparing takes as long whatever is right about a guess.
    scopes: BTreeMap<[u8; 32], Vec<TokenScope>>,
}

/// The list of tokens is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the tokens: {what}")]
pub struct AccessError {
    line: usize,
    what: String,
}

impl Access {
    /// Reads lines of a token, a space, and scopes joined by commas; `#` begins a comment.
    ///
    /// # Errors
    /// A line is something else, or a scope is unknown.
    pub fn parse(text: &str) -> Result<Self, AccessError> {
        let mut scopes = BTreeMap::new();
        let lines = (1..).zip(text.lines());
        for (line, text) in lines.map(|(line, text)| (line, text.trim())) {
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let wrong = |what: String| AccessError { line, what };
            let (token, names) = text
                .split_once(char::is_whitespace)
                .ok_or_else(|| wrong("write a token, a space, and its scopes".to_owned()))?;
            let scope = |name: &str| match name.trim() {
                "decide" => Ok(TokenScope::Decide),
                "events" => Ok(TokenScope::Events),
                "admin" => Ok(TokenScope::Admin),
                // It is not shown: with the two exchanged, it is the token.
                _ => Err(wrong(
                    "unknown scope after the token: use `decide`, `events` or `admin`".to_owned(),
                )),
            };
            let of_token: Result<Vec<TokenScope>, AccessError> =
                names.split(',').map(scope).collect();
            scopes.insert(Sha256::digest(token).into(), of_token?);
        }
        Ok(Self { scopes })
    }

    pub fn is_open(&self) -> bool {
        self.scopes.is_empty()
    }

    /// Whether a request may do something.
    pub fn allows_request(&self, headers: &HeaderMap, wanted: TokenScope) -> bool {
        self.is_open() || self.of_token(headers, wanted) == Some(true)
    }

    /// Whether the token of a request allows something; `None` without a known token.
    fn of_token(&self, headers: &HeaderMap, wanted: TokenScope) -> Option<bool> {
        let header = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let token = header.strip_prefix("Bearer ")?.trim();
        let hash: [u8; 32] = Sha256::digest(token).into();
        let scopes = self.scopes.get(&hash)?;
        Some(scopes.contains(&wanted) || scopes.contains(&TokenScope::Admin))
    }
}

/// Whether a request may come from a page in the browser of somebody at this machine: it says of which page it is, or is about
/// a name that only seems to be this machine.
fn is_of_a_page(request: &Request) -> bool {
    let headers = request.headers();
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    // HTTP/2 has it in the address.
    let host = host.or_else(|| request.uri().authority().map(Authority::as_str));
    let is_foreign = host.is_some_and(|host| {
        let name = host.rsplit_once(':').map_or(host, |(name, port)| {
            if port.bytes().all(|byte| byte.is_ascii_digit()) {
                name
            } else {
                host
            }
        });
        let address: Result<IpAddr, _> = name.trim_matches(['[', ']']).parse();
        name != "localhost" && !address.is_ok_and(|address| address.is_loopback())
    });
    headers.contains_key(header::ORIGIN) || is_foreign
}

/// What an address needs; nothing for health.
fn needed(method: &Method, path: &str) -> Option<TokenScope> {
    match path {
        "/openapi.json" => None,
        path if path.starts_with("/health/") => None,
        "/v1/decide" | "/v1/tables" | "/v1/digest" | "/metrics" => Some(TokenScope::Decide),
        "/v1/events" => Some(TokenScope::Events),
        path if path.starts_with("/v1/commands") => Some(TokenScope::Events),
        path if path.starts_with("/v1/users/") && *method == Method::GET => {
            Some(TokenScope::Events)
        }
        _ => Some(TokenScope::Admin),
    }
}

/// Refuses requests without a token that allows them.
pub async fn check(State(service): State<Service>, request: Request, next: Next) -> Response {
    let access = service.access();
    // Without tokens, a page in the browser of somebody at this machine could do everything.
    if access.is_open() && is_of_a_page(&request) {
        return Problem::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "requests of web pages need a token: start the service with `--tokens`",
        )
        .into_response();
    }
    let Some(wanted) = needed(request.method(), request.uri().path()).filter(|_| !access.is_open())
    else {
        return next.run(request).await;
    };
    match access.of_token(request.headers(), wanted) {
        Some(true) => next.run(request).await,
        Some(false) => Problem::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "the token does not allow this",
        )
        .into_response(),
        None => {
            let problem = Problem::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "send `Authorization: Bearer TOKEN` with a token of this service",
            );
            let mut response = problem.into_response();
            let scheme = header::HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, scheme);
            response
        }
    }
}
