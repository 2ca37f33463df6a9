//! Pausing, and going on.

use axum::Json;
use axum::extract::State;

use crate::http::object::JsonObject;
use crate::http::{Problem, Service};
use crate::pause::{PauseTarget, Paused};

/// `POST /v1/pause`: changes are observed from now on, and nothing is sent; of a system, a user, or all. Answers what is paused.
///
/// # Errors
/// The program does not have the system, or the store fails.
pub async fn pause(
    State(service): State<Service>,
    JsonObject(target): JsonObject<PauseTarget>,
) -> Result<Json<Paused>, Problem> {
    change(&service, target, true).await
}

/// `POST /v1/resume`: goes on. Users of connected systems are decided again.
///
/// # Errors
/// As for `pause`.
pub async fn resume(
    State(service): State<Service>,
    JsonObject(target): JsonObject<PauseTarget>,
) -> Result<Json<Paused>, Problem> {
    change(&service, target, false).await
}

/// `GET /v1/pause`: what is paused.
pub async fn paused(State(service): State<Service>) -> Json<Paused> {
    Json(service.core().paused())
}

async fn change(
    service: &Service,
    mut target: PauseTarget,
    pause: bool,
) -> Result<Json<Paused>, Problem> {
    if target.system.is_some() && target.user.is_some() {
        return Err(Problem::bad(
            "several-targets",
            "name a system or a user, not both",
        ));
    }
    let tables = service.core().tables();
    if let Some(name) = &mut target.system {
        let schema = tables.schema();
        let system = schema
            .system_named(name)
            .map_err(|unknown| Problem::bad("unknown-system", unknown))?;
        schema.system(system).name.clone_into(name);
    }
    if let Some(name) = target.user.as_deref().filter(|_| pause) {
        let live = service.0.live.as_ref();
        let is_known = live.is_some_and(|live| live.has_user(name))
            || service.core().user(name.to_owned()).await?.is_some();
        if !is_known {
            return Err(Problem::not_found(
                "neither an event nor the table of users names this user",
            ));
        }
    }
    service.core().pause(target.clone(), pause).await?;
    if pause {
        tracing::warn!(?target, "paused");
    } else {
        tracing::warn!(?target, "resumed");
    }
    if let Some(live) = service.0.live.as_ref().filter(|_| !pause) {
        live.decide_again_for(&target);
    }
    Ok(Json(service.core().paused()))
}
