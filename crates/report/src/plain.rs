//! Sentences without drawings or colors, for screen readers and logs.

use presync::visible;

use crate::{Report, ReportError, ReportFormat};

pub(super) const FORMAT: ReportFormat = ReportFormat {
    name: "plain",
    description: "Text without drawings, for screen readers",
    write,
    for_people: true,
};

fn write(report: &Report<'_>) -> Result<String, ReportError> {
    let mut text = String::new();
    for found in report.findings {
        let diagnostic = found.diagnostic;
        text.push_str(&format!(
            "{}, {}: {}\n",
            diagnostic.severity.as_str(),
            diagnostic.code,
            diagnostic.message
        ));
        for label in &diagnostic.labels {
            let place = found.place(label.location);
            let path = found.path(label.location);
            text.push_str(&format!(
                "  {path}, line {}, column {}: {}\n",
                place.line, place.column, label.message
            ));
        }
        let more = found.more();
        for (at, line) in more.iter().enumerate() {
            let word = if diagnostic.help.is_some() && at + 1 == more.len() {
                "help: "
            } else {
                ""
            };
            text.push_str(&format!("  {word}{}\n", line.replace('\n', "\n  ")));
        }
        text.push('\n');
    }
    Ok(visible(&text))
}
