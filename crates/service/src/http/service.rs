//! The tables, and how the service is.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::http::{Problem, Service, TokenScope};

/// `GET /v1/tables`: as `export --to json` writes them.
///
/// # Errors
/// A role is too complex to compile.
pub async fn tables(State(service): State<Service>) -> Result<Response, Problem> {
    let tables = service.core().tables();
    let text = tokio::task::spawn_blocking(move || tables.to_json()).await;
    let text = text.map_err(|_| Problem::failed("writing the tables"))?;
    let text = text.map_err(Problem::failed)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

/// `GET /v1/digest`: the digest of the meaning.
///
/// # Errors
/// A role is too complex to compile.
pub async fn digest(State(service): State<Service>) -> Result<Json<serde_json::Value>, Problem> {
    let tables = service.core().tables();
    let digest = tokio::task::spawn_blocking(move || tables.digest().map(str::to_owned)).await;
    let digest = digest
        .map_err(|_| Problem::failed("the digest"))?
        .map_err(Problem::failed)?;
    Ok(Json(json!({ "digest": digest })))
}

/// `GET /v1/backup`: the store as JSON Lines, with which another one can begin.
///
/// # Errors
/// The store fails.
pub async fn backup(State(service): State<Service>) -> Result<Response, Problem> {
    let text = service.core().backup().await?;
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], text).into_response())
}

/// `POST /v1/reload`: reloads the program.
///
/// # Errors
/// It has errors: the old tables stay.
pub async fn reload(State(service): State<Service>) -> Result<StatusCode, Problem> {
    match service.reload().await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(why) => Err(Problem::new(StatusCode::CONFLICT, "not-reloaded", why)),
    }
}

/// `GET /health/live`: the process answers.
pub async fn live() -> StatusCode {
    StatusCode::NO_CONTENT
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Health {
    /// The number of requests that wait for the store.
    queued: usize,
    /// Why the tables are not the newest.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// `GET /health/ready`: the store works. What else there is to know is for those who may do everything: it may name places of
/// this machine.
///
/// # Errors
/// It does not.
pub async fn ready(
    State(service): State<Service>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    service.core().check().await?;
    if !service.access().allows_request(&headers, TokenScope::Admin) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let health = Health {
        queued: service.core().queued(),
        problem: service.problem().await,
    };
    Ok(Json(health).into_response())
}
