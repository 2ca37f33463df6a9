//! In: findings, with the sources that they point into. Out: one text, in one of the formats.
//!
//! Nothing here prints, reads files or queries a terminal: everything a format needs to know is in [`Report`].

#![forbid(unsafe_code)]

mod agent;
mod fingerprint;
mod github;
mod gitlab;
mod human;
mod json;
mod junit;
mod plain;
mod sarif;
mod tests;
mod text;

use presync::{Diagnostic, Severity};
use presync::{LineColumn, Location, Sources};

pub use fingerprint::{Subject, fingerprints, subjects};
pub use human::draw;
pub use tests::{TEST_FORMATS, TestFormat, TestReport, TestedProgram};
pub use text::{grouped, situation, statistics, summary};

/// An output format for findings.
pub struct ReportFormat {
    /// The name in `--format` and `presync.toml`.
    pub name: &'static str,
    pub description: &'static str,
    pub write: fn(&Report<'_>) -> Result<String, ReportError>,
    /// Whether people read it, in which case a summary follows.
    pub for_people: bool,
}

/// Every format, in display order.
pub static FORMATS: &[ReportFormat] = &[
    human::FORMAT,
    plain::FORMAT,
    json::FORMAT,
    sarif::FORMAT,
    github::FORMAT,
    gitlab::FORMAT,
    junit::FORMAT,
    agent::FORMAT,
];

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Xml(#[from] quick_junit::SerializeError),
}

/// The input of a format.
pub struct Report<'a> {
    pub findings: &'a [Finding<'a>],
    /// All checked files, as the user would type them.
    pub files: &'a [String],
    pub style: Style,
    pub places: &'a dyn Places,
    /// Whether warnings fail the check.
    pub deny_warnings: bool,
}

/// The style of text for people.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// In columns.
    pub width: usize,
    pub colored: bool,
}

/// Locates files, which only the reader of the files can do.
pub trait Places {
    /// The path from the root of the repository or project, with forward slashes, of a path as the
    /// user would type it.
    fn project_path(&self, shown: &str) -> String;

    /// A link that opens the file from a terminal.
    fn link(&self, shown: &str) -> Option<String>;
}

/// A finding and the sources that it points into.
#[derive(Clone, Copy)]
pub struct Finding<'a> {
    pub diagnostic: &'a Diagnostic,
    pub sources: &'a Sources,
    /// Stays the same when lines move.
    pub fingerprint: &'a str,
}

impl Finding<'_> {
    fn path(&self, location: Location) -> String {
        self.sources.shown_path(location.file)
    }

    fn place(&self, location: Location) -> LineColumn {
        self.sources
            .file(location.file)
            .line_column(location.span.start)
    }

    fn end(&self, location: Location) -> LineColumn {
        self.sources
            .file(location.file)
            .line_column(location.span.end)
    }

    /// The place and message of each label, then the rest in reading order.
    fn described(&self) -> Vec<String> {
        let labels = self.diagnostic.labels.iter().map(|label| {
            let file = self.sources.file(label.location.file);
            if file.bundled {
                // It has no path.
                return format!("vocabulary {}: {}", file.path, label.message);
            }
            let place = self.place(label.location);
            format!(
                "{}:{}:{}: {}",
                self.path(label.location),
                place.line,
                place.column,
                label.message
            )
        });
        labels.chain(self.more()).collect()
    }

    /// Situation, notes and help, in reading order.
    fn more(&self) -> Vec<String> {
        let diagnostic = self.diagnostic;
        situation(diagnostic)
            .into_iter()
            .chain(diagnostic.notes.iter().cloned())
            .chain(diagnostic.help.clone())
            .collect()
    }
}

impl Report<'_> {
    /// The path where a CI system finds the file.
    fn project_path(&self, found: &Finding<'_>, location: Location) -> String {
        self.places.project_path(&found.path(location))
    }

    fn count(&self, severity: Severity) -> usize {
        count(self.findings, severity)
    }
}

/// The number of findings of a severity.
pub fn count(findings: &[Finding<'_>], severity: Severity) -> usize {
    findings
        .iter()
        .filter(|found| found.diagnostic.severity == severity)
        .count()
}
