//! `/v1/users/{user}`: the session of a user and the last decisions, or nothing any more.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use crate::http::{Problem, Service};
use crate::record::UserRecord;

/// # Errors
/// The user is unknown, or the store fails.
pub async fn user(
    State(service): State<Service>,
    Path(user): Path<String>,
) -> Result<Json<UserRecord>, Problem> {
    let record = service.core().user(user).await?;
    record
        .map(Json)
        .ok_or_else(|| Problem::not_found("no event has named this user"))
}

/// # Errors
/// The user is unknown, or the store fails.
pub async fn forget(
    State(service): State<Service>,
    Path(user): Path<String>,
) -> Result<StatusCode, Problem> {
    if service.core().forget(user).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("no event has named this user"))
    }
}
