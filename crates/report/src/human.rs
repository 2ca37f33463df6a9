//! In: diagnostics. Out: text with source snippets, for people.

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, Severity as MietteSeverity,
};

use crate::text::situation;
use crate::{Places, ReportFormat, Style};
use presync::visible;
use presync::{Diagnostic, Label, Severity};
use presync::{FileId, Location, Sources};

pub(super) const FORMAT: ReportFormat = ReportFormat {
    name: "human",
    description: "With source snippets",
    write: |report| {
        let all = report
            .findings
            .iter()
            .map(|found| (found.diagnostic, found.sources));
        Ok(if report.findings.is_empty() {
            String::new()
        } else {
            draw(all, report.style, report.places)
        })
    },
    for_people: true,
};

/// Renders findings for a terminal.
pub fn draw<'a>(
    found: impl Iterator<Item = (&'a Diagnostic, &'a Sources)>,
    style: Style,
    places: &dyn Places,
) -> String {
    let theme = if style.colored {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(style.width)
        .with_links(style.colored)
        .with_link_display_text("open")
        .with_context_lines(1)
        .with_word_separator(textwrap::WordSeparator::Custom(separate))
        .with_word_splitter(textwrap::WordSplitter::NoHyphenation)
        .with_break_words(false);
    let mut text = String::new();
    for (diagnostic, sources) in found {
        let report = DrawnReport::new(diagnostic, sources, Some(places).filter(|_| style.colored));
        if handler.render_report(&mut text, &report).is_err() {
            text.push_str(&diagnostic.message);
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// Words to wrap at; a quoted name is one word, so that it stays intact for pasting.
fn separate(line: &str) -> Box<dyn Iterator<Item = textwrap::core::Word<'_>> + '_> {
    let mut words = Vec::new();
    let (mut start, mut closed_at, mut before) = (0, 0, ' ');
    for (at, char) in line.char_indices() {
        if before == ' ' && char != ' ' && at >= closed_at && at > 0 {
            words.push(textwrap::core::Word::from(&line[start..at]));
            start = at;
        }
        if before == ' ' && char == '"' && at >= closed_at {
            // A single quote mark, as in a message about quotes, opens nothing.
            closed_at = line[at + 1..]
                .find('"')
                .map_or(at, |length| at + length + 2);
        }
        before = char;
    }
    words.push(textwrap::core::Word::from(&line[start..]));
    Box::new(words.into_iter())
}

/// The lines of a file around some labels. Columns count characters; lines count from the start of
/// the file.
struct SourceText {
    /// Control characters are replaced by a space, which has the same length.
    lines: NamedSource<String>,
    first_line: usize,
    /// The offset of these lines in the file.
    start: usize,
}

impl SourceText {
    fn new(sources: &Sources, file: FileId, labels: &[LabeledSpan]) -> Self {
        let text = &sources.file(file).text;
        let from = labels.iter().map(LabeledSpan::offset).min().unwrap_or(0);
        let to = labels
            .iter()
            .map(|label| label.offset() + label.len())
            .max()
            .unwrap_or(0);
        // One line of context, and one more so that miette sees that there is one.
        let start = (0..3).fold(from, |at, _| text[..at].rfind('\n').unwrap_or(0));
        let start = if start == 0 { 0 } else { start + 1 };
        let end = (0..3).fold(to, |at, _| {
            text[at..]
                .find('\n')
                .map_or(text.len(), |newline| at + newline + 1)
        });
        let escape = |char: char| {
            if char.is_ascii_control() && char != '\n' && char != '\t' {
                ' '
            } else if presync::is_hidden(char) {
                '\u{fffd}'
            } else {
                char
            }
        };
        let lines = text[start..end].chars().map(escape).collect();
        let first_line = sources.file(file).line(start as u32) as usize - 1;
        Self {
            lines: NamedSource::new(visible(&sources.shown_path(file)), lines),
            first_line,
            start,
        }
    }
}

impl miette::SourceCode for SourceText {
    fn read_span<'a>(
        &'a self,
        span: &miette::SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn miette::SpanContents<'a> + 'a>, miette::MietteError> {
        let offset = span
            .offset()
            .checked_sub(self.start)
            .ok_or(miette::MietteError::OutOfBounds)?;
        let contents = self
            .lines
            .read_span(&(offset, span.len()).into(), before, after)?;
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
struct DrawnReport {
    message: String,
    code: Option<&'static str>,
    severity: MietteSeverity,
    help: Option<String>,
    labels: Vec<LabeledSpan>,
    source: Option<SourceText>,
    related: Vec<DrawnReport>,
    /// A link that opens the file from a terminal.
    link: Option<String>,
}

impl DrawnReport {
    fn new(diagnostic: &Diagnostic, sources: &Sources, places: Option<&dyn Places>) -> Self {
        let severity = match diagnostic.severity {
            Severity::Error => MietteSeverity::Error,
            Severity::Warning => MietteSeverity::Warning,
            Severity::Info => MietteSeverity::Advice,
        };
        let mut help: Vec<String> = Vec::new();
        help.extend(
            diagnostic
                .situation
                .as_ref()
                .map(|found| format!("situation: {}", situation(found))),
        );
        help.extend(diagnostic.notes.iter().cloned());
        help.extend(diagnostic.help.clone());
        let drawable = diagnostic
            .labels
            .iter()
            .all(|label| line_length(sources, label.location) <= MAX_DRAWN);
        if !drawable {
            help.splice(
                0..0,
                diagnostic.labels.iter().map(|label| place(label, sources)),
            );
        }
        // Labels close to each other share a snippet; the first snippet has the first label.
        let mut groups: Vec<Vec<&Label>> = Vec::new();
        for label in diagnostic.labels.iter().filter(|_| drawable) {
            let near = |other: &&Label| {
                other.location.file == label.location.file
                    && other
                        .location
                        .span
                        .start
                        .abs_diff(label.location.span.start)
                        <= MAX_DISTANCE
            };
            match groups.iter_mut().find(|group| group.iter().any(near)) {
                Some(group) => group.push(label),
                None => groups.push(vec![label]),
            }
        }
        let mut pictures = groups.into_iter().enumerate().map(|(group, labels)| {
            let file = labels[0].location.file;
            let drawn = labels
                .iter()
                .enumerate()
                .map(|(at, label)| labeled(label, sources, group == 0 && at == 0));
            let drawn: Vec<LabeledSpan> = drawn.collect();
            (file, SourceText::new(sources, file, &drawn), drawn)
        });
        let (source, labels) = pictures
            .next()
            .map(|(_, source, labels)| (source, labels))
            .unzip();
        let related = pictures
            .map(|(file, source, labels)| Self {
                message: format!("see also {}", visible(&sources.shown_path(file))),
                code: None,
                severity: MietteSeverity::Advice,
                help: None,
                source: Some(source),
                labels,
                related: Vec::new(),
                link: None,
            })
            .collect();
        Self {
            message: visible(&diagnostic.message),
            code: Some(diagnostic.code.name),
            severity,
            help: (!help.is_empty()).then(|| visible(&help.join("\n"))),
            source,
            labels: labels.unwrap_or_default(),
            related,
            link: diagnostic
                .location()
                .and_then(|location| link(sources, location.file, places?)),
        }
    }
}

/// Maximum distance in bytes between labels in one snippet.
const MAX_DISTANCE: u32 = 4_000;

/// Locations near longer lines are listed instead of drawn.
const MAX_DRAWN: usize = 2_000;

/// The length of the longest line that a snippet of the location would show: its own, and one
/// before and after.
fn line_length(sources: &Sources, location: Location) -> usize {
    let text = &sources.file(location.file).text;
    let start = text[..(location.span.start as usize).min(text.len())]
        .rfind('\n')
        .unwrap_or(0);
    let end = (location.span.end as usize).min(text.len());
    let end = text[end..]
        .find('\n')
        .map_or(text.len(), |newline| end + newline);
    let before = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let after = text[end..]
        .get(1..)
        .and_then(|rest| rest.find('\n'))
        .map_or(text.len(), |newline| end + 1 + newline);
    text[before..after]
        .split('\n')
        .map(str::len)
        .max()
        .unwrap_or(0)
}

fn place(label: &Label, sources: &Sources) -> String {
    let at = sources
        .file(label.location.file)
        .line_column(label.location.span.start);
    format!(
        "{}:{}:{}: {}",
        sources.shown_path(label.location.file),
        at.line,
        at.column,
        label.message
    )
}

fn labeled(label: &Label, sources: &Sources, primary: bool) -> LabeledSpan {
    let Location { file, span } = label.location;
    let text = &sources.file(file).text;
    // A label at the end of the text points to its last character.
    let at = (span.start as usize).min(text.trim_end().len());
    let length = (span.end as usize).saturating_sub(at).min(text.len() - at);
    let message = Some(visible(&label.message));
    if primary {
        LabeledSpan::new_primary_with_span(message, (at, length))
    } else {
        LabeledSpan::new(message, at, length)
    }
}

/// `file:///...`, for terminals that open links.
fn link(sources: &Sources, file: FileId, places: &dyn Places) -> Option<String> {
    if sources.file(file).bundled {
        None
    } else {
        places.link(&sources.shown_path(file))
    }
}

impl std::fmt::Debug for DrawnReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::fmt::Display for DrawnReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DrawnReport {}

impl miette::Diagnostic for DrawnReport {
    fn code<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.code
            .map(|code| Box::new(code) as Box<dyn std::fmt::Display>)
    }

    fn url<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.link
            .as_ref()
            .map(|link| Box::new(link) as Box<dyn std::fmt::Display>)
    }

    fn severity(&self) -> Option<MietteSeverity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn std::fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.source
            .as_ref()
            .map(|source| source as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        (!self.labels.is_empty())
            .then(|| Box::new(self.labels.iter().cloned()) as Box<dyn Iterator<Item = LabeledSpan>>)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn miette::Diagnostic> + 'a>> {
        (!self.related.is_empty()).then(|| {
            Box::new(
                self.related
                    .iter()
                    .map(|report| report as &dyn miette::Diagnostic),
            ) as Box<dyn Iterator<Item = &dyn miette::Diagnostic>>
        })
    }
}
