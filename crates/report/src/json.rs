//! `{"diagnostics":[...],"summary":{...}}`, as the contract has it; members by name.

use serde::Serialize;

use crate::{Finding, Format, Report, ReportError};
use presync::{Data, Diagnostic, Severity, Witness, WitnessValue};
use presync::{Location, Sources};

pub(super) const FORMAT: Format = Format {
    name: "json",
    description: "One JSON document",
    write,
    for_people: false,
};

fn write(report: &Report<'_>) -> Result<String, ReportError> {
    let summary = JsonSummary {
        errors: report.count(Severity::Error),
        warnings: report.count(Severity::Warning),
    };
    Ok(serde_json::to_string(&JsonDocument {
        diagnostics: JsonDiagnostics(report.findings),
        summary,
    })? + "\n")
}

#[derive(Serialize)]
struct JsonDocument<'a> {
    diagnostics: JsonDiagnostics<'a>,
    summary: JsonSummary,
}

/// Made one at a time: there can be thousands.
struct JsonDiagnostics<'a>(&'a [Finding<'a>]);

impl Serialize for JsonDiagnostics<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(
            self.0
                .iter()
                .map(|found| one(found.diagnostic, found.sources)),
        )
    }
}

#[derive(Serialize)]
struct JsonSummary {
    errors: usize,
    warnings: usize,
}

#[derive(Serialize)]
struct JsonDiagnostic<'a> {
    code: &'static str,
    data: JsonData<'a>,
    file: Option<String>,
    fixes: Vec<JsonFix<'a>>,
    help: Option<&'a str>,
    labels: Vec<JsonLabel<'a>>,
    message: &'a str,
    notes: &'a [String],
    range: Option<JsonRange>,
    severity: &'static str,
    situation: Option<serde_json::Value>,
}

/// What a finding is about, as values; what it is not about is left out.
#[derive(Serialize)]
struct JsonData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    names: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
    /// `agents.presync:14`, as decisions name them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rules: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    states: Vec<JsonState<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
}

#[derive(Serialize)]
struct JsonState<'a> {
    state: &'a str,
    system: &'a str,
}

#[derive(Serialize)]
struct JsonRange {
    end: JsonPosition,
    start: JsonPosition,
}

#[derive(Serialize)]
struct JsonPosition {
    column: u32,
    line: u32,
}

#[derive(Serialize)]
struct JsonLabel<'a> {
    file: String,
    message: &'a str,
    range: JsonRange,
}

#[derive(Serialize)]
struct JsonFix<'a> {
    edits: Vec<JsonEdit<'a>>,
    message: &'a str,
    safe: bool,
}

#[derive(Serialize)]
struct JsonEdit<'a> {
    file: String,
    range: JsonRange,
    text: &'a str,
}

fn data<'a>(data: &'a Data, sources: &Sources) -> JsonData<'a> {
    let rule = |location: &Location| {
        let line = sources.file(location.file).line(location.span.start);
        format!("{}:{line}", sources.shown_path(location.file))
    };
    JsonData {
        from: data.from.as_deref(),
        names: &data.names,
        role: data.role.as_deref(),
        rules: data.rules.iter().map(rule).collect(),
        states: data
            .states
            .iter()
            .map(|name| JsonState {
                state: &name.state,
                system: &name.system,
            })
            .collect(),
        to: data.to.as_deref(),
    }
}

/// A diagnostic in the JSON form of the contract.
fn one<'a>(diagnostic: &'a Diagnostic, sources: &Sources) -> JsonDiagnostic<'a> {
    let range = |location: Location| {
        let place = |offset: u32| {
            let place = sources.file(location.file).line_column(offset);
            JsonPosition {
                line: place.line,
                column: place.column,
            }
        };
        JsonRange {
            start: place(location.span.start),
            end: place(location.span.end),
        }
    };
    let file = |location: Location| sources.shown_path(location.file);
    JsonDiagnostic {
        code: diagnostic.code.name,
        data: data(&diagnostic.data, sources),
        severity: diagnostic.severity.as_str(),
        message: &diagnostic.message,
        file: diagnostic.location().map(file),
        range: diagnostic.location().map(range),
        labels: diagnostic
            .labels
            .iter()
            .map(|label| JsonLabel {
                message: &label.message,
                file: file(label.location),
                range: range(label.location),
            })
            .collect(),
        notes: &diagnostic.notes,
        help: diagnostic.help.as_deref(),
        fixes: diagnostic
            .fixes
            .iter()
            .map(|fix| JsonFix {
                message: &fix.message,
                safe: fix.safe,
                edits: fix
                    .edits
                    .iter()
                    .map(|(at, text)| JsonEdit {
                        file: file(*at),
                        range: range(*at),
                        text,
                    })
                    .collect(),
            })
            .collect(),
        situation: diagnostic.situation.as_ref().map(json_situation),
    }
}

/// `{"facts":{...},"states":{...}}`, all of them by name.
fn json_situation(situation: &Witness) -> serde_json::Value {
    let facts: serde_json::Map<String, serde_json::Value> = situation
        .facts
        .iter()
        .map(|(name, value)| {
            let value = match value {
                WitnessValue::Flag(value) => serde_json::Value::Bool(*value),
                WitnessValue::Choice(value) => serde_json::Value::String(value.clone()),
            };
            (name.clone(), value)
        })
        .collect();
    let states: serde_json::Map<String, serde_json::Value> = situation
        .states
        .iter()
        .map(|(name, state)| {
            (
                name.clone(),
                state
                    .clone()
                    .map_or(serde_json::Value::Null, serde_json::Value::String),
            )
        })
        .collect();
    serde_json::json!({ "facts": facts, "states": states })
}
