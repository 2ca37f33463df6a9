//! GitLab's Code Quality report: a list of issues with fingerprints.

use serde_json::json;

use crate::{Report, ReportError, ReportFormat};
use presync::Severity;

pub(super) const FORMAT: ReportFormat = ReportFormat {
    name: "gitlab",
    description: "A Code Quality report",
    write,
    for_people: false,
};

fn write(report: &Report<'_>) -> Result<String, ReportError> {
    let issues: Vec<serde_json::Value> = report
        .findings
        .iter()
        .map(|found| {
            let diagnostic = found.diagnostic;
            let severity = match diagnostic.severity {
                Severity::Error => "major",
                Severity::Warning => "minor",
                Severity::Info => "info",
            };
            let (path, start, end) = diagnostic.location().map_or_else(
                || (String::new(), 1, 1),
                |location| {
                    (
                        report.project_path(found, location),
                        found.place(location).line,
                        found.end(location).line,
                    )
                },
            );
            json!({
                "description": diagnostic.message,
                "check_name": diagnostic.code.name,
                "content": { "body": format!("{}\n\n{}", diagnostic.code.explanation, diagnostic.code.page()) },
                "fingerprint": found.fingerprint,
                "severity": severity,
                "location": {
                    "path": path,
                    "lines": { "begin": start, "end": end },
                },
            })
        })
        .collect();
    Ok(format!("{}\n", serde_json::to_string_pretty(&issues)?))
}
