//! Workflow commands for GitHub Actions: `::error file=a.presync,line=1,col=2,title=conflict::message`.

use crate::{Finding, Report, ReportError, ReportFormat};
use presync::Severity;

pub(super) const FORMAT: ReportFormat = ReportFormat {
    name: "github",
    description: "Workflow commands that annotate a pull request",
    write,
    for_people: false,
};

fn write(report: &Report<'_>) -> Result<String, ReportError> {
    Ok(report
        .findings
        .iter()
        .map(|found| line(report, found))
        .collect())
}

fn line(report: &Report<'_>, found: &Finding<'_>) -> String {
    let diagnostic = found.diagnostic;
    let command = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let place = diagnostic.location().map_or(String::new(), |location| {
        let (start, end) = (found.place(location), found.end(location));
        // GitHub uses columns only within one line.
        let columns = if start.line == end.line {
            format!(
                ",col={},endColumn={}",
                start.column,
                end.column.max(start.column + 1)
            )
        } else {
            String::new()
        };
        let path = property(&report.project_path(found, location));
        format!(
            "file={path},line={},endLine={}{columns},",
            start.line, end.line
        )
    });
    let message: Vec<String> = std::iter::once(diagnostic.message.clone())
        .chain(found.more())
        .collect();
    format!(
        "::{command} {place}title={}::{}\n",
        property(diagnostic.code.name),
        data(&message.join("\n"))
    )
}

/// Escapes the text after the second `::`, so that a name cannot end it or start another command.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
