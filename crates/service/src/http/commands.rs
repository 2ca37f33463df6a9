//! Commands for adapters elsewhere: as a stream of server-sent events that resumes, or claimed and acknowledged.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream, StreamExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http::object::JsonObject;
use crate::http::{Problem, Service};
use crate::record::NumberedCommand;
use crate::store::CommandPlace;

/// The number of commands that are read at a time.
const PAGE: usize = 256;

/// `GET /v1/commands`: all commands after `Last-Event-ID`, or new ones, each with its number as the id.
///
/// # Errors
/// `Last-Event-ID` is not a number.
pub async fn stream(
    State(service): State<Service>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let from = match headers.get("last-event-id") {
        None => service.core().newest(),
        Some(id) => {
            let id = id.to_str().ok().and_then(|id| id.trim().parse().ok());
            id.ok_or_else(|| {
                Problem::bad(
                    "malformed",
                    "`Last-Event-ID` is not a number: send that of the last command",
                )
            })?
        }
    };
    let state = (service, from, Vec::<NumberedCommand>::new().into_iter());
    // A client that has got no command yet comes back with this number, too.
    let start = Event::default()
        .id(from.to_string())
        .event("start")
        .data("");
    let commands = stream::unfold(state, |(service, mut last, mut page)| async move {
        loop {
            if let Some(command) = page.next() {
                last = command.number;
                let event = Event::default()
                    .id(command.number.to_string())
                    .event("command")
                    .data(serde_json::to_string(&command).unwrap_or_default());
                return Some((Ok(event), (service, last, page)));
            }
            tokio::select! {
                newer = service.core().newer_than(last) => newer.ok()?,
                () = service.ending() => return None,
            }
            // The client comes back with the last number.
            let next = service.core().commands_after(last, PAGE).await.ok()?;
            if next.is_empty() {
                return None;
            }
            page = next.into_iter();
        }
    });
    let alive = KeepAlive::new().interval(Duration::from_secs(15));
    let start = stream::iter([Ok(start)]);
    Ok(Sse::new(start.chain(commands)).keep_alive(alive))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The system whose commands are wanted; without it, those of all systems.
    #[serde(default)]
    system: Option<String>,
    #[serde(default = "page")]
    most: usize,
}

fn page() -> usize {
    PAGE
}

/// `POST /v1/commands/claim`: the newest command of each user and system that nobody has carried out.
///
/// # Errors
/// The store fails.
pub async fn claim(
    State(service): State<Service>,
    JsonObject(claim): JsonObject<Claim>,
) -> Result<Json<Vec<NumberedCommand>>, Problem> {
    let most = claim.most.min(10_000);
    let is_wanted = move |place: CommandPlace<'_>| {
        let system = claim.system.as_ref();
        system.is_none_or(|system| system == place.system)
    };
    let waiting = service.core().waiting(Box::new(is_wanted), most);
    Ok(Json(waiting.await?))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Acknowledged {
    user: String,
    number: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct WasWaiting {
    /// Whether it waited; otherwise a newer command has replaced it, or it was acknowledged before.
    waited: bool,
}

/// `POST /v1/commands/acknowledge`: a command was carried out.
///
/// # Errors
/// The store fails.
pub async fn acknowledge(
    State(service): State<Service>,
    JsonObject(done): JsonObject<Acknowledged>,
) -> Result<Json<WasWaiting>, Problem> {
    let waited = service.core().acknowledge(done.user, done.number).await?;
    Ok(Json(WasWaiting { waited }))
}
