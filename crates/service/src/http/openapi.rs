//! `/openapi.json`: what can be asked, and what is answered (OpenAPI 3.1).

use std::collections::BTreeMap;

use axum::Json;
use axum::http::StatusCode;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::core::EventAnswer;
use crate::http::Problem;
use crate::http::commands::{Acknowledged, Claim, WasWaiting};
use crate::http::decide::JsonAnswer;
use crate::http::service::Health;
use crate::live::SystemHealth;
use crate::pause::{PauseTarget, Paused};
use crate::record::{NumberedCommand, UserRecord};

/// An address with a method.
struct HttpOperation {
    method: &'static str,
    path: &'static str,
    /// The scope that a token needs.
    scope: Option<&'static str>,
    summary: &'static str,
    /// The schema of the body.
    body: Option<Value>,
    /// Its schema, by media type; `None`: it has no body.
    answer: Option<(&'static str, Value)>,
    /// Errors that are its own.
    errors: &'static [u16],
}

/// A schema that others read as a file, too.
const COMMITTED: [(&str, &str); 2] = [
    ("Event", include_str!("../../../../docs/event.schema.json")),
    (
        "Tables",
        include_str!("../../../../docs/tables.schema.json"),
    ),
];

/// `GET /openapi.json`
pub async fn openapi() -> Json<Value> {
    Json(document())
}

/// The document. It is committed as `docs/openapi.json`.
pub fn document() -> Value {
    let mut schemas = Schemas::new();
    let operations = operations(&mut schemas);
    schemas.of::<Problem>();
    let mut paths = Map::new();
    for operation in operations {
        let (path, method) = (operation.path, operation.method);
        let entry = paths.entry(path).or_insert_with(|| json!({}));
        entry[method] = described(operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "presync serve",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Sessions of running systems. See docs/serve.md.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas.all,
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    })
}

struct Schemas {
    generator: SchemaGenerator,
    /// By name.
    all: BTreeMap<String, Value>,
}

impl Schemas {
    fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        });
        let mut schemas = Self {
            generator: settings.into_generator(),
            all: BTreeMap::new(),
        };
        for (name, text) in COMMITTED {
            schemas.take(name, text);
        }
        schemas
    }

    /// Takes a schema with definitions of its own.
    fn take(&mut self, name: &str, text: &str) {
        let moved = text.replace("#/$defs/", "#/components/schemas/");
        let mut schema: Value = serde_json::from_str(&moved).unwrap_or_default();
        if let Some(schema) = schema.as_object_mut() {
            schema.remove("$schema");
            let inner = schema.remove("$defs");
            for (name, schema) in inner
                .as_ref()
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
            {
                self.all.insert(name.clone(), schema.clone());
            }
        }
        self.all.insert(name.to_owned(), schema);
    }

    /// The schema of what is read.
    fn of<T: JsonSchema>(&mut self) -> Value {
        let schema = self.generator.subschema_for::<T>().to_value();
        for (name, schema) in self.generator.definitions() {
            self.all.insert(name.clone(), schema.clone());
        }
        schema
    }
}

fn committed(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

const JSON: &str = "application/json";

#[expect(clippy::too_many_lines, reason = "a table")]
fn operations(schemas: &mut Schemas) -> Vec<HttpOperation> {
    let one_or_many = |one: Value| json!({ "anyOf": [one, { "type": "array", "items": one }] });
    let system = schemas.of::<SystemHealth>();
    let question = schemas.of::<presync_engine::DecideQuestion>();
    let event_answer = schemas.of::<EventAnswer>();
    let command = schemas.of::<NumberedCommand>();
    let paused = schemas.of::<Paused>();
    let health = schemas.of::<Health>();
    let get = |path, scope, summary, answer| HttpOperation {
        method: "get",
        path,
        scope,
        summary,
        body: None,
        answer,
        errors: &[],
    };
    let post = |path, scope, summary, body, answer, errors| HttpOperation {
        method: "post",
        path,
        scope: Some(scope),
        summary,
        body,
        answer,
        errors,
    };
    vec![
        post(
            "/v1/events",
            "events",
            "Applies events",
            // Of several, each has its own answer.
            Some(json!({ "anyOf": [committed("Event"), { "type": "array", "items": {} }] })),
            Some((JSON, one_or_many(event_answer))),
            &[400, 413, 422],
        ),
        post(
            "/v1/decide",
            "decide",
            "Decides a change in a situation",
            Some(one_or_many(question)),
            Some((JSON, one_or_many(schemas.of::<JsonAnswer<'_>>()))),
            &[400, 413],
        ),
        get(
            "/v1/commands",
            Some("events"),
            "Commands as server-sent events",
            Some(("text/event-stream", json!({ "type": "string" }))),
        ),
        post(
            "/v1/commands/claim",
            "events",
            "The newest commands that wait",
            Some(schemas.of::<Claim>()),
            Some((JSON, json!({ "type": "array", "items": command }))),
            &[400, 413],
        ),
        post(
            "/v1/commands/acknowledge",
            "events",
            "A command was carried out",
            Some(schemas.of::<Acknowledged>()),
            Some((JSON, schemas.of::<WasWaiting>())),
            &[400, 413],
        ),
        HttpOperation {
            errors: &[404],
            ..get(
                "/v1/users/{user}",
                Some("events"),
                "The session of a user",
                Some((JSON, schemas.of::<UserRecord>())),
            )
        },
        HttpOperation {
            method: "delete",
            errors: &[404],
            ..get("/v1/users/{user}", Some("admin"), "Forgets a user", None)
        },
        get(
            "/v1/tables",
            Some("decide"),
            "The tables that decide",
            Some((JSON, committed("Tables"))),
        ),
        get(
            "/v1/digest",
            Some("decide"),
            "The digest of their meaning",
            Some((
                JSON,
                json!({ "type": "object", "required": ["digest"], "properties": { "digest": { "type": "string" } } }),
            )),
        ),
        get(
            "/v1/pause",
            Some("admin"),
            "What is paused",
            Some((JSON, paused.clone())),
        ),
        post(
            "/v1/pause",
            "admin",
            "Pauses a system, a user, or all",
            Some(schemas.of::<PauseTarget>()),
            Some((JSON, paused.clone())),
            &[400, 404, 413],
        ),
        post(
            "/v1/resume",
            "admin",
            "Resumes a system, a user, or all",
            Some(schemas.of::<PauseTarget>()),
            Some((JSON, paused)),
            &[400, 413],
        ),
        get(
            "/v1/systems",
            Some("admin"),
            "How the connected systems are",
            Some((
                JSON,
                json!({ "type": "object", "additionalProperties": system }),
            )),
        ),
        get(
            "/v1/backup",
            Some("admin"),
            "The store as JSON Lines",
            Some(("application/x-ndjson", json!({ "type": "string" }))),
        ),
        post(
            "/v1/reload",
            "admin",
            "Reloads the program and the users",
            None,
            None,
            &[409],
        ),
        get(
            "/metrics",
            Some("decide"),
            "What Prometheus reads",
            Some(("text/plain", json!({ "type": "string" }))),
        ),
        get("/health/live", None, "The process answers", None),
        get(
            "/health/ready",
            None,
            "The store works; details are for `admin`",
            Some((JSON, health)),
        ),
        get(
            "/openapi.json",
            None,
            "This document",
            Some((JSON, json!({ "type": "object" }))),
        ),
    ]
}

fn described(operation: HttpOperation) -> Value {
    let mut answers = Map::new();
    match operation.answer {
        Some((kind, schema)) => {
            let content = json!({ kind: { "schema": schema } });
            answers.insert(
                "200".to_owned(),
                json!({ "description": "Done", "content": content }),
            );
            if operation.path == "/health/ready" {
                answers.insert(
                    "204".to_owned(),
                    json!({ "description": "The store works" }),
                );
            }
        }
        None => {
            answers.insert("204".to_owned(), json!({ "description": "Done" }));
        }
    }
    let of_all: &[u16] = if operation.scope.is_some() {
        &[401, 403, 408, 429, 500, 503]
    } else {
        &[408, 503]
    };
    let problem = json!({ "schema": committed("Problem") });
    for status in operation.errors.iter().chain(of_all) {
        let title = StatusCode::from_u16(*status).ok();
        let title = title.and_then(|status| status.canonical_reason());
        let answer = json!({
            "description": title.unwrap_or("Error"),
            "content": { "application/problem+json": problem },
        });
        answers.insert(status.to_string(), answer);
    }
    let mut entry = json!({ "summary": operation.summary, "responses": answers });
    if let Some(body) = operation.body {
        entry["requestBody"] = json!({ "required": true, "content": { JSON: { "schema": body } } });
    }
    if operation.path.contains("{user}") {
        let user = json!({
            "name": "user", "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 },
        });
        entry["parameters"] = json!([user]);
    }
    if let Some(scope) = operation.scope {
        entry["security"] = json!([{ "token": [] }, {}]);
        entry["description"] = json!(format!("Scope `{scope}`, where there are tokens."));
    }
    entry
}

#[cfg(test)]
mod tests {
    #[test]
    #[allow(clippy::disallowed_methods, reason = "tests read files")]
    fn the_committed_document_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
        let text = format!("{:#}\n", super::document());
        if std::env::var_os("PRESYNC_BLESS").is_some() {
            std::fs::write(path, &text).expect("the file is writable");
        }
        let committed = std::fs::read_to_string(path).expect("it is there");
        assert!(
            committed == text,
            "run with PRESYNC_BLESS=1 and review the difference"
        );
    }
}
