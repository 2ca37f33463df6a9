//! `{"diagnostics":[...],"summary":{...}}`, as documented; members in alphabetical order.

use serde::Serialize;

use crate::{Finding, Report, ReportError, ReportFormat};
use presync::Severity;
use presync::json::{JsonDiagnostic, JsonSummary};

pub(super) const FORMAT: ReportFormat = ReportFormat {
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

/// Converted one at a time: there can be thousands.
struct JsonDiagnostics<'a>(&'a [Finding<'a>]);

impl Serialize for JsonDiagnostics<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(
            self.0
                .iter()
                .map(|found| JsonDiagnostic::new(found.diagnostic, found.sources)),
        )
    }
}
