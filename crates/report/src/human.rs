//! In: diagnostics. Out: text with source snippets, for people.

use std::collections::BTreeSet;

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
    let mut text = String::new();
    for (diagnostic, sources) in found {
        let report = DrawnReport::new(diagnostic, sources);
        let link = diagnostic.location().filter(|_| style.colored);
        let link = link.and_then(|location| link_to(sources, location.file, places));
        let handler = GraphicalReportHandler::new_themed(theme(diagnostic, style, link.as_deref()))
            .with_width(style.width)
            .with_links(false)
            .with_context_lines(report.context)
            .with_word_separator(textwrap::WordSeparator::Custom(separate))
            .with_word_splitter(textwrap::WordSplitter::NoHyphenation)
            .with_break_words(false);
        if handler.render_report(&mut text, &report).is_err() {
            text.push_str(&report.message);
            text.push('\n');
        }
        for note in &report.notes {
            write_wrapped(&mut text, note, ("  ", "      "), style.width);
        }
        if let Some(help) = &diagnostic.help {
            let label = if style.colored {
                "  \u{1b}[36mhelp:\u{1b}[0m "
            } else {
                "  help: "
            };
            write_wrapped(&mut text, &visible(help), (label, "        "), style.width);
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// Colors, and the severity with the code as the first words: `error[conflict]:`. They open the file if there is a link.
fn theme(diagnostic: &Diagnostic, style: Style, link: Option<&str>) -> GraphicalTheme {
    let mut theme = if style.colored {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let word = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    };
    let words = format!("{word}[{}]:", diagnostic.code.name);
    let words = match link {
        Some(link) => format!("\u{1b}]8;;{link}\u{1b}\\{words}\u{1b}]8;;\u{1b}\\"),
        None => words,
    };
    let characters = &mut theme.characters;
    (characters.error, characters.warning, characters.advice) =
        (words.clone(), words.clone(), words);
    theme
}

/// Writes lines, with one text before the first and one before the others. Lines that are indented are code and stay whole.
fn write_wrapped(text: &mut String, lines: &str, (first, others): (&str, &str), width: usize) {
    for (at, line) in lines.lines().enumerate() {
        let before = if at == 0 { first } else { others };
        if line.starts_with(' ') {
            *text += &format!("{before}{line}\n");
            continue;
        }
        let options = textwrap::Options::new(width.saturating_sub(2))
            .initial_indent(before)
            .subsequent_indent(others)
            .word_separator(textwrap::WordSeparator::Custom(separate))
            .word_splitter(textwrap::WordSplitter::NoHyphenation)
            .break_words(false);
        *text += &textwrap::fill(line, options);
        text.push('\n');
    }
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

/// The lines of a file from the first to the last label. Columns count characters; lines count from the start of
/// the file.
struct SourceText {
    /// Characters that cannot be shown are replaced by text of the same length in bytes.
    lines: NamedSource<String>,
    /// As in the file.
    original: String,
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
        let start = text[..from].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[to..]
            .find('\n')
            .map_or(text.len(), |newline| to + newline + 1);
        let original = text[start..end].to_owned();
        let mut lines = String::with_capacity(original.len() + 1);
        for char in original.chars() {
            let hidden = presync::is_hidden(char) || char.is_ascii_control();
            match char.len_utf8() {
                _ if !hidden || matches!(char, '\n' | '\t') => lines.push(char),
                1 => lines.push(' '),
                2 => lines.push('¤'),
                3 => lines.push('\u{fffd}'),
                _ => lines.push_str("\u{fffd} "),
            }
        }
        // A label can be behind the last character.
        if !lines.ends_with('\n') {
            lines.push('\n');
        }
        let first_line = sources.file(file).line(start as u32) as usize - 1;
        Self {
            lines: NamedSource::new(visible(&sources.shown_path(file)), lines),
            original,
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
        let (at, text) = (contents.span().offset(), &self.original);
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

/// A diagnostic as miette sees it: one picture, around the first label. Labels elsewhere are lines below it.
struct DrawnReport {
    message: String,
    severity: MietteSeverity,
    /// To be written below the picture.
    notes: Vec<String>,
    labels: Vec<LabeledSpan>,
    source: Option<SourceText>,
    /// How many lines to draw around each label, so that all are in one picture.
    context: usize,
}

impl DrawnReport {
    fn new(diagnostic: &Diagnostic, sources: &Sources) -> Self {
        let severity = match diagnostic.severity {
            Severity::Error => MietteSeverity::Error,
            Severity::Warning => MietteSeverity::Warning,
            Severity::Info => MietteSeverity::Advice,
        };
        let (near, far) = in_one_picture(&diagnostic.labels, sources);
        let mut notes: Vec<String> = far.iter().map(|label| place(label, sources)).collect();
        notes.extend(situation(diagnostic));
        notes.extend(diagnostic.notes.iter().cloned());
        let labels = near.iter().enumerate();
        let labels = labels.map(|(at, label)| labeled(label, sources, at == 0));
        let labels: Vec<LabeledSpan> = labels.collect();
        let file = near.first().map(|label| label.location.file);
        let source = file.map(|file| SourceText::new(sources, file, &labels));
        let lines: BTreeSet<u32> = near
            .iter()
            .flat_map(|label| lines(label, sources))
            .collect();
        let gaps = lines.iter().zip(lines.iter().skip(1));
        Self {
            message: visible(&diagnostic.message),
            severity,
            notes: notes.iter().map(|note| visible(note)).collect(),
            source,
            labels,
            context: gaps.map(|(one, next)| next - one).max().unwrap_or(1) as usize,
        }
    }
}

/// The labels near the first one in order of the lines, and the others.
fn in_one_picture<'a>(labels: &'a [Label], sources: &Sources) -> (Vec<&'a Label>, Vec<&'a Label>) {
    let drawable = |label: &&Label| line_length(sources, label.location) <= MAX_DRAWN;
    let Some(first) = labels.first().filter(drawable) else {
        return (Vec::new(), labels.iter().collect());
    };
    let mut near = vec![first];
    let mut far: Vec<&Label> = labels[1..].iter().collect();
    loop {
        let is_near = |label: &&Label| {
            let close = |other: &&Label| {
                let [one, two] = [label, other].map(|label| lines(label, sources));
                label.location.file == other.location.file
                    && one[0] <= two[1] + MAX_DISTANCE
                    && two[0] <= one[1] + MAX_DISTANCE
            };
            drawable(label) && near.iter().any(close)
        };
        let (more, rest): (Vec<_>, Vec<_>) = far.iter().copied().partition(is_near);
        far = rest;
        if more.is_empty() {
            return (near, far);
        }
        near.extend(more);
    }
}

/// The first and last line of a label.
fn lines(label: &Label, sources: &Sources) -> [u32; 2] {
    let Location { file, span } = label.location;
    [span.start, span.end].map(|at| sources.file(file).line(at))
}

/// Maximum distance in lines between labels in one picture.
const MAX_DISTANCE: u32 = 3;

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
fn link_to(sources: &Sources, file: FileId, places: &dyn Places) -> Option<String> {
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
    fn severity(&self) -> Option<MietteSeverity> {
        Some(self.severity)
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
}
