//! `{"diagnostics":[...],"summary":{...}}`, as the contract has it.

use serde::Serialize;

use crate::cli::report::Found;
use crate::diagnostic::{Diagnostic, FactValue, Severity, Situation};
use crate::source::{Location, Sources};

pub(super) fn report(found: &[Found<'_>]) -> Result<String, serde_json::Error> {
    let diagnostics: Vec<JsonDiagnostic> = found.iter().map(|found| one(found.diagnostic, found.sources)).collect();
    let summary = serde_json::json!({
        "errors": super::count(found, Severity::Error),
        "warnings": super::count(found, Severity::Warning),
    });
    let document = serde_json::json!({ "diagnostics": serde_json::to_value(diagnostics)?, "summary": summary });
    Ok(format!("{document}\n"))
}

#[derive(Serialize)]
struct JsonDiagnostic {
    code: &'static str,
    severity: &'static str,
    message: String,
    file: Option<String>,
    range: Option<JsonRange>,
    labels: Vec<JsonLabel>,
    notes: Vec<String>,
    help: Option<String>,
    fixes: Vec<JsonFix>,
    situation: Option<serde_json::Value>,
}

#[derive(Serialize)]
struct JsonRange {
    start: JsonPosition,
    end: JsonPosition,
}

#[derive(Serialize)]
struct JsonPosition {
    line: u32,
    column: u32,
}

#[derive(Serialize)]
struct JsonLabel {
    message: String,
    file: String,
    range: JsonRange,
}

#[derive(Serialize)]
struct JsonFix {
    message: String,
    safe: bool,
    edits: Vec<JsonEdit>,
}

#[derive(Serialize)]
struct JsonEdit {
    file: String,
    range: JsonRange,
    text: String,
}

/// A diagnostic in the JSON form of the contract.
fn one(diagnostic: &Diagnostic, sources: &Sources) -> JsonDiagnostic {
    let range = |location: Location| {
        let place = |offset: u32| {
            let place = sources.file(location.file).line_column(offset);
            JsonPosition { line: place.line, column: place.column }
        };
        JsonRange { start: place(location.span.start), end: place(location.span.end) }
    };
    let file = |location: Location| sources.shown_path(location.file);
    JsonDiagnostic {
        code: diagnostic.code,
        severity: diagnostic.severity.as_str(),
        message: diagnostic.message.clone(),
        file: diagnostic.location().map(file),
        range: diagnostic.location().map(range),
        labels: diagnostic
            .labels
            .iter()
            .map(|label| JsonLabel {
                message: label.message.clone(),
                file: file(label.location),
                range: range(label.location),
            })
            .collect(),
        notes: diagnostic.notes.clone(),
        help: diagnostic.help.clone(),
        fixes: diagnostic
            .fixes
            .iter()
            .map(|fix| JsonFix {
                message: fix.message.clone(),
                safe: fix.safe,
                edits: fix
                    .edits
                    .iter()
                    .map(|(at, text)| JsonEdit { file: file(*at), range: range(*at), text: text.clone() })
                    .collect(),
            })
            .collect(),
        situation: diagnostic.situation.as_ref().map(json_situation),
    }
}

/// `{"facts":{...},"states":{...}}`, all of them by name.
fn json_situation(situation: &Situation) -> serde_json::Value {
    let facts: serde_json::Map<String, serde_json::Value> = situation
        .facts
        .iter()
        .map(|(name, value)| {
            let value = match value {
                FactValue::Flag(value) => serde_json::Value::Bool(*value),
                FactValue::Choice(value) => serde_json::Value::String(value.clone()),
            };
            (name.clone(), value)
        })
        .collect();
    let states: serde_json::Map<String, serde_json::Value> = situation
        .states
        .iter()
        .map(|(name, state)| (name.clone(), state.clone().map_or(serde_json::Value::Null, serde_json::Value::String)))
        .collect();
    serde_json::json!({ "facts": facts, "states": states })
}
