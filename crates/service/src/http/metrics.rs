//! `/metrics`, and the times of requests.

use axum::extract::{MatchedPath, Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

use crate::http::{Problem, Service};
use crate::metrics::ServiceState;

/// `GET /metrics`: what Prometheus reads.
///
/// # Errors
/// It cannot be written.
pub async fn metrics(State(service): State<Service>) -> Result<Response, Problem> {
    let paused = service.core().paused();
    let live = service.0.live.as_ref();
    let state = ServiceState {
        queued: service.core().queued(),
        paused: (paused.all, paused.systems.len(), paused.users.len()),
        is_outdated: service.is_outdated(),
        systems: live.map(|live| live.health()).unwrap_or_default(),
    };
    let text = service.core().metrics().text(&state);
    let text = text.map_err(Problem::failed)?;
    Ok(([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response())
}

/// Measures requests, until their answer begins.
pub async fn measure(State(service): State<Service>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().cloned();
    let start = Instant::now();
    let response = next.run(request).await;
    let path = path.as_ref().map_or("other", MatchedPath::as_str);
    let status = response.status().as_u16();
    let metrics = service.core().metrics();
    metrics.count_request(path, status, start.elapsed());
    response
}
