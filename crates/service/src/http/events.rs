//! `POST /v1/events`: one event, an array of events, or JSON Lines.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::value::RawValue;

use crate::core::EventAnswer;
use crate::http::{Problem, Service};

/// The number of events in one request, at most: an answer may be much larger than its event.
const MOST_EVENTS: usize = 10_000;

/// Answers as it was asked: one answer, an array, or JSON Lines, in the order of the events. A single event that is rejected is
/// an error; of several, each has its own answer.
pub async fn events(
    State(service): State<Service>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let text = std::str::from_utf8(&body)
        .map_err(|error| Problem::bad("malformed", format!("the body is not UTF-8: {error}")))?;
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_lines =
        kind.starts_with("application/x-ndjson") || kind.starts_with("application/jsonl");
    if is_lines {
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        let lines = limited(lines.map(str::to_owned))?;
        let answers = service.core().events(lines).await?;
        let lines = answers
            .iter()
            .map(|answer| serde_json::to_string(answer).unwrap_or_default() + "\n");
        let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
        return Ok((kind, lines.collect::<String>()).into_response());
    }
    if text.trim_start().starts_with('[') {
        let events: Vec<&RawValue> = serde_json::from_str(text)
            .map_err(|error| Problem::bad("malformed", format!("not a list of events: {error}")))?;
        let events = limited(events.iter().map(|event| event.get().to_owned()))?;
        return Ok(Json(service.core().events(events).await?).into_response());
    }
    let answers = service.core().events(vec![text.to_owned()]).await?;
    match answers.into_iter().next() {
        Some(EventAnswer::Rejected { error, message }) => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            error,
            message,
        )),
        Some(answer) => Ok(Json(answer).into_response()),
        None => Err(Problem::bad("empty-event", "the body has no event")),
    }
}

fn limited(events: impl Iterator<Item = String>) -> Result<Vec<String>, Problem> {
    let events: Vec<String> = events.take(MOST_EVENTS + 1).collect();
    if events.len() > MOST_EVENTS {
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-many-events",
            format!("send at most {MOST_EVENTS} events in one request"),
        ));
    }
    Ok(events)
}
