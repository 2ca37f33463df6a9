//! In: diagnostics. Out: text for people, or the JSON of `check --format json`.

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, Severity as MietteSeverity};
use serde::Serialize;

use crate::cli::output::{Output, visible};
use crate::diagnostic::{Diagnostic, FactValue, Label, Severity, Situation};
use crate::names::quote;
use crate::source::{FileId, Location, Sources};

/// Findings as a terminal shows them.
pub(super) fn human(diagnostics: &[Diagnostic], sources: &Sources, output: &Output) -> String {
    let mut theme = GraphicalTheme::unicode_nocolor();
    if output.stderr_colored() {
        theme = GraphicalTheme::unicode();
    }
    let handler =
        GraphicalReportHandler::new_themed(theme).with_width(output.width()).with_links(false).with_context_lines(1);
    let mut text = String::new();
    for diagnostic in diagnostics {
        let report = Report::new(diagnostic, sources);
        if handler.render_report(&mut text, &report).is_err() {
            text.push_str(&diagnostic.message);
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// `2 errors, 1 warning`
pub(super) fn summary(diagnostics: &[Diagnostic]) -> String {
    let count = |severity: Severity| diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
    let part = |count: usize, word: &str| match count {
        0 => None,
        1 => Some(format!("1 {word}")),
        count => Some(format!("{count} {word}s")),
    };
    let parts = [
        part(count(Severity::Error), "error"),
        part(count(Severity::Warning), "warning"),
        part(count(Severity::Info), "note"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "no findings".to_owned() } else { parts.join(", ") }
}

/// A situation as conditions of the language, those that matter only.
pub(super) fn situation(situation: &Situation) -> String {
    let relevant = |name: &String| situation.relevant.contains(name);
    let facts = situation.facts.iter().filter(|(name, _)| relevant(name)).map(|(name, value)| match value {
        FactValue::Flag(true) => quote(name),
        FactValue::Flag(false) => format!("not {}", quote(name)),
        FactValue::Choice(value) => format!("{} is {}", quote(name), quote(value)),
    });
    let states = situation.states.iter().filter(|(name, _)| relevant(name)).map(|(name, state)| match state {
        Some(state) => format!("{} is {}", quote(name), quote(state)),
        None => format!("{} is not any", quote(name)),
    });
    facts.chain(states).collect::<Vec<_>>().join(", ")
}

/// The lines of a file around some labels. Columns count characters; lines count from the file's beginning.
struct Text {
    /// Every character that could steer a terminal is replaced by one of the same length.
    lines: NamedSource<String>,
    first_line: usize,
    /// Where the lines begin in the file.
    start: usize,
}

impl Text {
    fn new(sources: &Sources, file: FileId, labels: &[LabeledSpan]) -> Self {
        let text = &sources.file(file).text;
        let from = labels.iter().map(LabeledSpan::offset).min().unwrap_or(0);
        let to = labels.iter().map(|label| label.offset() + label.len()).max().unwrap_or(0);
        // One line of context, and one more so that miette sees that there is one.
        let start = (0..3).fold(from, |at, _| text[..at].rfind('\n').unwrap_or(0));
        let start = if start == 0 { 0 } else { start + 1 };
        let end = (0..3).fold(to, |at, _| text[at..].find('\n').map_or(text.len(), |newline| at + newline + 1));
        let harmless = |char: char| if char.is_ascii_control() && char != '\n' && char != '\t' { ' ' } else { char };
        let lines = text[start..end].chars().map(harmless).collect();
        let first_line = sources.file(file).line(start as u32) as usize - 1;
        Self { lines: NamedSource::new(sources.shown_path(file), lines), first_line, start }
    }
}

impl miette::SourceCode for Text {
    fn read_span<'a>(
        &'a self,
        span: &miette::SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn miette::SpanContents<'a> + 'a>, miette::MietteError> {
        let offset = span.offset().checked_sub(self.start).ok_or(miette::MietteError::OutOfBounds)?;
        let contents = self.lines.read_span(&(offset, span.len()).into(), before, after)?;
        let (at, text) = (contents.span().offset(), self.lines.inner());
        let line = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        Ok(Box::new(miette::MietteSpanContents::new_named(
            self.lines.name().to_owned(),
            contents.data(),
            (at + self.start, contents.span().len()).into(),
            contents.line() + self.first_line,
            text[line..at].chars().count(),
            contents.line_count(),
        )))
    }
}

/// A diagnostic as miette sees it; labels in other files become related reports.
struct Report {
    message: String,
    code: Option<&'static str>,
    severity: MietteSeverity,
    help: Option<String>,
    labels: Vec<LabeledSpan>,
    source: Option<Text>,
    related: Vec<Report>,
}

impl Report {
    fn new(diagnostic: &Diagnostic, sources: &Sources) -> Self {
        let severity = match diagnostic.severity {
            Severity::Error => MietteSeverity::Error,
            Severity::Warning => MietteSeverity::Warning,
            Severity::Info => MietteSeverity::Advice,
        };
        let mut help: Vec<String> = Vec::new();
        help.extend(diagnostic.situation.as_ref().map(|found| format!("for example: {}", situation(found))));
        help.extend(diagnostic.notes.iter().cloned());
        help.extend(diagnostic.help.clone());
        let drawable = diagnostic.labels.iter().all(|label| line_length(sources, label.location) <= MAX_DRAWN);
        if !drawable {
            help.splice(0..0, diagnostic.labels.iter().map(|label| place(label, sources)));
        }
        // Labels that lie close together are drawn in one picture; the first picture has the first label.
        let mut groups: Vec<Vec<&Label>> = Vec::new();
        for label in diagnostic.labels.iter().filter(|_| drawable) {
            let near = |other: &&Label| {
                other.location.file == label.location.file
                    && other.location.span.start.abs_diff(label.location.span.start) <= MAX_DISTANCE
            };
            match groups.iter_mut().find(|group| group.iter().any(near)) {
                Some(group) => group.push(label),
                None => groups.push(vec![label]),
            }
        }
        let mut pictures = groups.into_iter().enumerate().map(|(group, labels)| {
            let file = labels[0].location.file;
            let drawn = labels.iter().enumerate().map(|(at, label)| labeled(label, sources, group == 0 && at == 0));
            let drawn: Vec<LabeledSpan> = drawn.collect();
            (file, Text::new(sources, file, &drawn), drawn)
        });
        let (source, labels) = pictures.next().map(|(_, source, labels)| (source, labels)).unzip();
        let related = pictures
            .map(|(file, source, labels)| Self {
                message: format!("see also {}", sources.shown_path(file)),
                code: None,
                severity: MietteSeverity::Advice,
                help: None,
                source: Some(source),
                labels,
                related: Vec::new(),
            })
            .collect();
        Self {
            message: visible(&diagnostic.message),
            code: Some(diagnostic.code),
            severity,
            help: (!help.is_empty()).then(|| visible(&help.join("\n"))),
            source,
            labels: labels.unwrap_or_default(),
            related,
        }
    }
}

/// Bytes between labels that are drawn in one picture.
const MAX_DISTANCE: u32 = 4_000;

/// Longer lines are named, not drawn.
const MAX_DRAWN: usize = 2_000;

fn line_length(sources: &Sources, location: Location) -> usize {
    let text = &sources.file(location.file).text;
    let around = |at: u32| {
        let at = (at as usize).min(text.len());
        let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
        end - start
    };
    around(location.span.start).max(around(location.span.end))
}

fn place(label: &Label, sources: &Sources) -> String {
    let at = sources.file(label.location.file).line_column(label.location.span.start);
    format!("{}:{}:{}: {}", sources.shown_path(label.location.file), at.line, at.column, label.message)
}

fn labeled(label: &Label, sources: &Sources, primary: bool) -> LabeledSpan {
    let Location { file, span } = label.location;
    let text = &sources.file(file).text;
    // A missing thing at the end of the text is shown at its last character.
    let at = (span.start as usize).min(text.trim_end().len());
    let length = (span.end as usize).saturating_sub(at).min(text.len() - at);
    let message = Some(visible(&label.message));
    if primary {
        LabeledSpan::new_primary_with_span(message, (at, length))
    } else {
        LabeledSpan::new(message, at, length)
    }
}

impl std::fmt::Debug for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Report {}

impl miette::Diagnostic for Report {
    fn code<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.code.map(|code| Box::new(code) as Box<dyn std::fmt::Display>)
    }

    fn severity(&self) -> Option<MietteSeverity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn std::fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.source.as_ref().map(|source| source as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        (!self.labels.is_empty())
            .then(|| Box::new(self.labels.iter().cloned()) as Box<dyn Iterator<Item = LabeledSpan>>)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn miette::Diagnostic> + 'a>> {
        (!self.related.is_empty()).then(|| {
            Box::new(self.related.iter().map(|report| report as &dyn miette::Diagnostic))
                as Box<dyn Iterator<Item = &dyn miette::Diagnostic>>
        })
    }
}

#[derive(Serialize)]
pub(super) struct JsonDiagnostic {
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
pub(super) fn json(diagnostic: &Diagnostic, sources: &Sources) -> JsonDiagnostic {
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
pub(super) fn json_situation(situation: &Situation) -> serde_json::Value {
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
