//! A diagnostic in JSON, as `check --format json` and the JSON interface write it.
//! Locations are lines and columns; everything else is named.

use std::collections::BTreeMap;

use presync_engine::JsonFactValue;
use schemars::JsonSchema;
use serde::Serialize;

use crate::diagnostic::{Data, Diagnostic, Witness, WitnessValue};
use crate::source::{Location, Sources};

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct JsonDiagnostic {
    /// Stable code, as in the language reference.
    pub code: &'static str,
    pub data: JsonData,
    pub file: Option<String>,
    pub fixes: Vec<JsonFix>,
    /// How to fix it.
    pub help: Option<String>,
    pub labels: Vec<JsonLabel>,
    pub message: String,
    pub notes: Vec<String>,
    pub range: Option<JsonRange>,
    /// `error`, `warning` or `info`.
    pub severity: &'static str,
    /// A situation where the problem occurs.
    pub situation: Option<JsonSituation>,
}

/// The subject of a finding, as values; values that do not apply are omitted.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct JsonData {
    /// The system that changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Other names: a misspelled name, a declaration, an attribute, a lint.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// `agents.presync:14`, as decisions name rules.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<JsonState>,
    /// The system that follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct JsonState {
    pub state: String,
    pub system: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct JsonRange {
    pub end: JsonPosition,
    pub start: JsonPosition,
}

/// A line and a column, both from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct JsonPosition {
    pub column: u32,
    pub line: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct JsonLabel {
    pub file: String,
    pub message: String,
    pub range: JsonRange,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct JsonFix {
    pub edits: Vec<JsonEdit>,
    pub message: String,
    /// The fix does not change any decision.
    pub safe: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct JsonEdit {
    pub file: String,
    pub range: JsonRange,
    pub text: String,
}

/// A value for each fact, and the state of each system (null: not known).
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct JsonSituation {
    pub facts: BTreeMap<String, JsonFactValue>,
    pub states: BTreeMap<String, Option<String>>,
}

impl JsonDiagnostic {
    pub fn new(diagnostic: &Diagnostic, sources: &Sources) -> Self {
        let file = |location: Location| sources.shown_path(location.file);
        let range = |location: Location| range(location, sources);
        let fix = |fix: &crate::diagnostic::Fix| JsonFix {
            edits: fix
                .edits
                .iter()
                .map(|(at, text)| JsonEdit {
                    file: file(*at),
                    range: range(*at),
                    text: text.clone(),
                })
                .collect(),
            message: fix.message.clone(),
            safe: fix.safe,
        };
        Self {
            code: diagnostic.code.name,
            data: JsonData::new(&diagnostic.data, sources),
            file: diagnostic.location().map(file),
            fixes: diagnostic.fixes.iter().map(fix).collect(),
            help: diagnostic.help.clone(),
            labels: diagnostic
                .labels
                .iter()
                .map(|label| JsonLabel {
                    file: file(label.location),
                    message: label.message.clone(),
                    range: range(label.location),
                })
                .collect(),
            message: diagnostic.message.clone(),
            notes: diagnostic.notes.clone(),
            range: diagnostic.location().map(range),
            severity: diagnostic.severity.as_str(),
            situation: diagnostic.situation.as_ref().map(JsonSituation::new),
        }
    }
}

impl JsonData {
    fn new(data: &Data, sources: &Sources) -> Self {
        Self {
            from: data.from.clone(),
            names: data.names.clone(),
            role: data.role.clone(),
            rules: data
                .rules
                .iter()
                .map(|rule| sources.file_line(*rule))
                .collect(),
            states: data
                .states
                .iter()
                .map(|name| JsonState {
                    state: name.state.clone(),
                    system: name.system.clone(),
                })
                .collect(),
            to: data.to.clone(),
        }
    }
}

impl JsonSituation {
    fn new(situation: &Witness) -> Self {
        let fact = |(name, value): &(String, WitnessValue)| {
            let value = match value {
                WitnessValue::Flag(value) => JsonFactValue::Flag(*value),
                WitnessValue::Choice(value) => JsonFactValue::Choice(value.clone()),
            };
            (name.clone(), value)
        };
        Self {
            facts: situation.facts.iter().map(fact).collect(),
            states: situation.states.iter().cloned().collect(),
        }
    }
}

fn range(location: Location, sources: &Sources) -> JsonRange {
    let position = |offset: u32| {
        let place = sources.file(location.file).line_column(offset);
        JsonPosition {
            column: place.column,
            line: place.line,
        }
    };
    JsonRange {
        end: position(location.span.end),
        start: position(location.span.start),
    }
}
