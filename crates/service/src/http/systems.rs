//! How the connected systems are.

use axum::Json;
use axum::extract::State;

use crate::http::Service;
use crate::live::SystemsHealth;

/// `GET /v1/systems`: whether each system is connected, since when, and what has passed; empty without settings for systems.
pub async fn systems(State(service): State<Service>) -> Json<SystemsHealth> {
    let health = service.0.live.as_ref().map(|live| live.health());
    Json(health.unwrap_or_default())
}
