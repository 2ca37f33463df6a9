//! `POST /v1/decide`: one change, or many, in the situation of the request.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use presync_engine::{DecideError, DecideQuestion, Decided, QuestionError, Tables};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::http::{Problem, Service, object};

/// The answer of `decide --json`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DecideAnswer")]
pub struct JsonAnswer<'a> {
    role: &'a str,
    from: &'a str,
    state: &'a str,
    #[schemars(with = "Vec<JsonDecided<'a>>")]
    decisions: Vec<Decided<'a>>,
}

/// How a decision is written.
#[derive(JsonSchema)]
#[schemars(rename = "Decision")]
#[expect(dead_code, reason = "only its schema is used")]
struct JsonDecided<'a> {
    to: &'a str,
    /// `set`, `previous`, `unchanged`, `unmapped`.
    outcome: &'a str,
    state: Option<&'a str>,
    append: Vec<&'a str>,
    profile: Option<&'a str>,
    /// File and line.
    rule: Option<&'a str>,
}

/// Answers an object with one answer and an array with an array.
///
/// # Errors
/// A question is wrong: then none is answered.
pub async fn decide(State(service): State<Service>, body: Bytes) -> Result<Response, Problem> {
    let tables = service.core().tables();
    // A role is compiled when it is first asked.
    let answered = tokio::task::spawn_blocking(move || answers(&tables, &body)).await;
    answered.unwrap_or_else(|_| Err(Problem::failed("deciding failed")))
}

fn answers(tables: &Tables, body: &[u8]) -> Result<Response, Problem> {
    if body.trim_ascii_start().starts_with(b"[") {
        let questions: Vec<&RawValue> =
            serde_json::from_slice(body).map_err(|error| Problem::bad("malformed", error))?;
        let answers = questions.iter().map(|question| {
            let question: DecideQuestion = object::parse(question.get().as_bytes())?;
            answer(tables, &question)
        });
        let answers: Result<Vec<JsonAnswer<'_>>, Problem> = answers.collect();
        return Ok(Json(answers?).into_response());
    }
    let question: DecideQuestion = object::parse(body)?;
    Ok(Json(answer(tables, &question)?).into_response())
}

fn answer<'a>(tables: &'a Tables, question: &DecideQuestion) -> Result<JsonAnswer<'a>, Problem> {
    let answer = question.answer(tables).map_err(|error| {
        let code = match &error {
            QuestionError::Unknown(_) => "unknown-name",
            QuestionError::SeveralRoles(_) => "no-role",
            QuestionError::Change => "change",
            QuestionError::Undecided(DecideError::Unset { .. }) => "unset-choice",
            QuestionError::Undecided(_) => "undecidable",
        };
        Problem::bad(code, error)
    })?;
    let schema = tables.schema();
    Ok(JsonAnswer {
        role: answer.role.name(),
        from: &schema.system(answer.entered.system()).name,
        state: &schema.state(answer.entered).name,
        decisions: answer.decisions,
    })
}
