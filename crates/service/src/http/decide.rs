//! `POST /v1/decide`: one change, or many, in the situation of the request.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use presync_engine::{DecideError, Decided, Tables, UnknownName};
use serde::{Deserialize, Serialize};

use crate::http::{Problem, Service};

/// A question, as `presync` reads it as a call in JSON.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DecideRequest {
    /// Required if there are several and none is the default.
    #[serde(default)]
    role: Option<String>,
    #[serde(default)]
    facts: BTreeMap<String, GivenValue>,
    #[serde(default)]
    states: BTreeMap<String, String>,
    #[serde(default)]
    by_hand: Vec<String>,
    #[serde(default)]
    own: BTreeMap<String, String>,
    /// One system and the state entered.
    change: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum GivenValue {
    Flag(bool),
    Choice(String),
}

/// As `decide --json` writes it.
#[derive(Debug, Serialize)]
struct DecideAnswer<'a> {
    role: &'a str,
    from: &'a str,
    state: &'a str,
    decisions: Vec<Decided<'a>>,
}

/// Answers an object with one answer and an array with an array.
pub async fn decide(State(service): State<Service>, body: Bytes) -> Result<Response, Problem> {
    let tables = service.tables();
    let wrong = |error: serde_json::Error| Problem::bad("malformed", error);
    let is_many = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    if is_many {
        let requests: Vec<DecideRequest> = serde_json::from_slice(&body).map_err(wrong)?;
        let answers: Result<Vec<DecideAnswer<'_>>, Problem> =
            requests.iter().map(|one| answer(&tables, one)).collect();
        return Ok(Json(answers?).into_response());
    }
    let request: DecideRequest = serde_json::from_slice(&body).map_err(wrong)?;
    Ok(Json(answer(&tables, &request)?).into_response())
}

fn answer<'a>(tables: &'a Tables, request: &DecideRequest) -> Result<DecideAnswer<'a>, Problem> {
    let unknown = |error: UnknownName| Problem::bad("unknown-name", error);
    let role = match &request.role {
        Some(name) => tables.role(name).map_err(unknown)?,
        None => tables
            .default_role()
            .map_err(|error| Problem::bad("no-role", error))?,
    };
    let mut entered = request.change.iter();
    let (Some((system, state)), None) = (entered.next(), entered.next()) else {
        return Err(Problem::bad(
            "several-systems",
            "`change` has one system and the state entered",
        ));
    };
    let entered = tables.state(system, state).map_err(unknown)?;
    let mut situation = tables.situation();
    for (fact, value) in &request.facts {
        situation = match value {
            GivenValue::Flag(flag) => situation.set(fact, *flag),
            GivenValue::Choice(name) => situation.set(fact, name.as_str()),
        }
        .map_err(unknown)?;
    }
    for (system, state) in &request.states {
        let by_hand = request.by_hand.contains(system);
        situation = if by_hand {
            situation.show_by_hand(system, state)
        } else {
            situation.show(system, state)
        }
        .map_err(unknown)?;
    }
    for (system, state) in &request.own {
        situation.set_own(tables.state(system, state).map_err(unknown)?);
    }
    let decisions = role.decide(&situation, entered).map_err(|error| {
        let code = match error {
            DecideError::Unset { .. } => "unset-choice",
            _ => "undecidable",
        };
        Problem::bad(code, error)
    })?;
    let schema = tables.schema();
    Ok(DecideAnswer {
        role: role.name(),
        from: &schema.system(entered.system()).name,
        state: &schema.state(entered).name,
        decisions,
    })
}
