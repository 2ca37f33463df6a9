//! Errors as RFC 9457 problem details.

use axum::body::to_bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use crate::handle::WorkError;

/// What went wrong, for the caller.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Problem {
    /// A code that stays the same: `unknown-state`, `busy`.
    #[serde(rename = "type")]
    code: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
}

impl Problem {
    pub fn new(status: StatusCode, code: &'static str, detail: impl ToString) -> Self {
        Self {
            code,
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.to_string(),
        }
    }

    /// The service cannot do it.
    pub fn failed(why: impl ToString) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", why)
    }

    /// The request makes no sense.
    pub fn bad(code: &'static str, detail: impl ToString) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    pub fn not_found(detail: impl ToString) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }
}

impl From<WorkError> for Problem {
    fn from(error: WorkError) -> Self {
        match error {
            WorkError::Busy(busy) => Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", busy),
            // What exactly fails is in the log: it may name places of this machine.
            WorkError::Store(_) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "store",
                "the store fails: nothing was changed",
            ),
            WorkError::Ending => Self::new(StatusCode::SERVICE_UNAVAILABLE, "ending", error),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string(&self).unwrap_or_default();
        let mut response = (
            status,
            [(header::CONTENT_TYPE, "application/problem+json")],
            body,
        )
            .into_response();
        if status == StatusCode::TOO_MANY_REQUESTS {
            let seconds = header::HeaderValue::from_static("1");
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

/// An error of the layers around the addresses (a body that is too large, a method that an address does not have) as problem
/// details, too.
pub async fn described(response: Response) -> Response {
    let status = response.status();
    let is_problem = |kind: &header::HeaderValue| kind == "application/problem+json";
    let kind = response.headers().get(header::CONTENT_TYPE);
    if !(status.is_client_error() || status.is_server_error()) || kind.is_some_and(is_problem) {
        return response;
    }
    let code = match status {
        StatusCode::METHOD_NOT_ALLOWED => "method-not-allowed",
        StatusCode::PAYLOAD_TOO_LARGE => "too-large",
        StatusCode::REQUEST_TIMEOUT => "timeout",
        _ => "malformed",
    };
    let (parts, body) = response.into_parts();
    let text = to_bytes(body, 4_096).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let title = status.canonical_reason().unwrap_or_default();
    let detail = if text.is_empty() { title } else { &*text };
    let mut described = Problem::new(status, code, detail).into_response();
    // Which methods an address has.
    if let Some(allowed) = parts.headers.get(header::ALLOW) {
        described
            .headers_mut()
            .insert(header::ALLOW, allowed.clone());
    }
    described
}
