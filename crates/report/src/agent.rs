//! One line for each finding, with everything needed to act on it: `path:line:column: severity[code]: message; ...`.

use presync::visible;

use crate::{Finding, Report, ReportError, ReportFormat};

pub(super) const FORMAT: ReportFormat = ReportFormat {
    name: "agent",
    description: "One line for each finding, for coding agents",
    write,
    for_people: false,
};

fn write(report: &Report<'_>) -> Result<String, ReportError> {
    let text: String = report.findings.iter().map(line).collect();
    Ok(visible(&text))
}

fn line(found: &Finding<'_>) -> String {
    let diagnostic = found.diagnostic;
    let place = diagnostic.location().map_or(String::new(), |location| {
        let place = found.place(location);
        format!("{}:{}:{}: ", found.path(location), place.line, place.column)
    });
    let mut parts = vec![format!(
        "{place}{}[{}]: {}",
        diagnostic.severity.as_str(),
        diagnostic.code,
        diagnostic.message
    )];
    parts.extend(diagnostic.labels.iter().skip(1).map(|label| {
        let place = found.place(label.location);
        format!(
            "{}:{}: {}",
            found.path(label.location),
            place.line,
            label.message
        )
    }));
    parts.extend(found.more());
    parts.extend(diagnostic.fixes.iter().map(|fix| {
        let flags = if fix.safe { "--fix" } else { "--fix --unsafe" };
        format!("`{flags}`: {}", fix.message)
    }));
    format!(
        "{}\n",
        parts
            .join("; ")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    )
}
