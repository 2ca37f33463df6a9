//! Bodies that are JSON objects. An array would be read as the members of an object in their order: `[]` as an object without any.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;

use crate::http::Problem;

/// The object in the body of a request.
pub struct JsonObject<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonObject<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let body = Bytes::from_request(request, state).await;
        let body =
            body.map_err(|error| Problem::new(error.status(), "malformed", error.body_text()))?;
        parse(&body).map(Self)
    }
}

/// # Errors
/// The text is something else than an object, or has other members.
pub fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, Problem> {
    if !text.trim_ascii_start().starts_with(b"{") {
        return Err(Problem::bad(
            "malformed",
            "the body is not a JSON object: write `{...}`",
        ));
    }
    serde_json::from_slice(text).map_err(|error| Problem::bad("malformed", error))
}
