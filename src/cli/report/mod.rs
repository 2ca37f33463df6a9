//! In: findings, with the sources that they point into. Out: one text, in one of the formats.

mod agent;
mod fingerprint;
mod github;
mod gitlab;
mod json;
mod junit;
mod plain;
mod sarif;

use clap::ValueEnum;
use serde::Deserialize;

use crate::cli::Stop;
use crate::cli::output::Output;
use crate::cli::render;
use crate::diagnostic::{Diagnostic, Severity};
use crate::names::visible;
use crate::source::{LineColumn, Location, Sources};

pub(super) use fingerprint::fingerprints;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    /// With pictures of the source.
    Human,
    /// Sentences only, for screen readers.
    Plain,
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Workflow commands, which annotate a pull request.
    Github,
    /// A code quality report.
    Gitlab,
    /// A test report, one case a file.
    Junit,
    /// One line each.
    Agent,
}

/// A finding and where it points into.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub diagnostic: &'a Diagnostic,
    pub sources: &'a Sources,
    /// The same when lines move.
    pub fingerprint: &'a str,
}

impl Found<'_> {
    fn path(&self, location: Location) -> String {
        self.sources.shown_path(location.file)
    }

    /// As a CI system finds it.
    fn project_path(&self, location: Location) -> String {
        fingerprint::project_path(&self.path(location))
    }

    fn place(&self, location: Location) -> LineColumn {
        self.sources.file(location.file).line_column(location.span.start)
    }

    fn end(&self, location: Location) -> LineColumn {
        self.sources.file(location.file).line_column(location.span.end)
    }

    /// Situation, notes and help, in the order people read them.
    fn more(&self) -> Vec<String> {
        let diagnostic = self.diagnostic;
        let situation =
            diagnostic.situation.as_ref().map(|situation| format!("for example: {}", render::situation(situation)));
        situation.into_iter().chain(diagnostic.notes.iter().cloned()).chain(diagnostic.help.clone()).collect()
    }
}

pub(super) fn count(found: &[Found<'_>], severity: Severity) -> usize {
    found.iter().filter(|found| found.diagnostic.severity == severity).count()
}

/// Prints findings: those for people to stderr, the others to stdout. `files`: all that were looked at.
pub(super) fn print(format: Format, found: &[Found<'_>], files: &[String], output: &Output) -> Result<(), Stop> {
    let text = match format {
        Format::Human => {
            if !found.is_empty() {
                output.write(&render::all(found, output));
            }
            return Ok(());
        }
        Format::Plain => visible(&plain::report(found)),
        Format::Json => json::report(found).map_err(std::io::Error::from)?,
        Format::Sarif => sarif::report(found).map_err(std::io::Error::from)?,
        Format::Github => github::report(found),
        Format::Gitlab => gitlab::report(found).map_err(std::io::Error::from)?,
        Format::Junit => junit::report(found, files).map_err(|error| Stop::Usage(error.to_string()))?,
        Format::Agent => visible(&agent::report(found)),
    };
    Ok(output.data(&text)?)
}

/// How often each code was found, most often first.
pub(super) fn statistics(found: &[Found<'_>]) -> String {
    let mut counts: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for found in found {
        *counts.entry(found.diagnostic.code).or_default() += 1;
    }
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(code, count)| (std::cmp::Reverse(*count), *code));
    let summary = |code: &str| crate::codes::explanation(code).map_or("", |explanation| explanation.summary);
    counts.iter().map(|(code, count)| format!("{count:5}  {code:22}{}\n", summary(code))).collect()
}
