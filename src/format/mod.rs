//! In: the text of a file. Out: the same tokens in the canonical format, every comment in its place.
//! Errors: files with syntax errors are left unchanged. Checks every time that the result has the same tokens.

mod statement;

use std::ops::Range;

use crate::diagnostic::Diagnostic;
use crate::source::{FileId, SourceFile, Span};
use crate::syntax::directive::{Directive, directive};
use crate::syntax::lexer::Token;
use crate::syntax::scan;
use crate::syntax::tree::{
    Comment, Declaration, DeclarationKind, Item, ItemKind, SystemItem, TestItem,
};
use statement::Statement;

/// Maximum line width in columns, if the names allow it.
pub const WIDTH: usize = 100;

const INDENT: usize = 4;

/// Left sides longer than this do not move the arrows of neighboring lines.
const ALIGNED: usize = 48;

/// Why a file is left unchanged.
#[derive(Debug)]
pub enum FormatError {
    /// Its syntax errors.
    Syntax(Vec<Diagnostic>),
    /// The formatted text would have different tokens: a bug in the formatter.
    Changed,
}

/// Formats a file. All line endings become like the first one; a byte order mark is removed.
///
/// # Errors
/// See [`FormatError`].
pub fn format(source: &SourceFile) -> Result<String, FormatError> {
    let (tree, errors) = crate::syntax::parse(FileId(0), source);
    if !errors.is_empty() {
        return Err(FormatError::Syntax(errors));
    }
    let scanned = scan::scan(FileId(0), &source.text);
    let mut layout = Formatter {
        text: &source.text,
        tokens: &scanned.tokens,
        comments: &scanned.comments,
        token: 0,
        comment: 0,
        end: 0,
        lines: Vec::new(),
    };
    for declaration in &tree.declarations {
        layout.declaration(declaration);
    }
    layout.comments_before(u32::MAX, 0);
    let mut text = String::with_capacity(source.text.len());
    for line in layout.lines {
        text.push_str(line.text.trim_end());
        text.push('\n');
    }
    let text = with_kept_lines(&source.text, &text);
    let (again, errors) = crate::syntax::parse(
        FileId(0),
        &SourceFile::new("", text.clone().into_bytes(), false),
    );
    let same_shape = errors.is_empty() && again.declarations.len() == tree.declarations.len();
    if !same_shape || words(&text) != words(&source.text) {
        return Err(FormatError::Changed);
    }
    let windows = source
        .text
        .find('\n')
        .is_some_and(|at| source.text[..at].ends_with('\r'));
    Ok(if windows {
        text.replace('\n', "\r\n")
    } else {
        text
    })
}

/// A formatted text in which the lines from `// presync: fmt off` to `// presync: fmt on` are as in the source.
fn with_kept_lines(source: &str, formatted: &str) -> String {
    let source = source.replace("\r\n", "\n");
    let kept = kept_lines(&source);
    if kept.is_empty() {
        return formatted.to_owned();
    }
    let mut text = String::with_capacity(formatted.len());
    let mut end = 0;
    for (from, to) in std::iter::zip(kept_lines(formatted), kept) {
        text.push_str(&formatted[end..from.start]);
        text.push_str(&source[to]);
        end = from.end;
    }
    text.push_str(&formatted[end..]);
    text
}

/// The lines between each `fmt off` and `fmt on` that stand alone on their lines, or the end.
fn kept_lines(text: &str) -> Vec<Range<usize>> {
    let mut kept = Vec::new();
    let (mut at, mut off) = (0, None);
    for line in text.split_inclusive('\n') {
        let behind = at + line.len();
        match directive(line.trim()) {
            Some(Directive::FormatOff) if off.is_none() => off = Some(behind),
            Some(Directive::FormatOn) => kept.extend(off.take().map(|off| off..at)),
            _ => {}
        }
        at = behind;
    }
    kept.extend(off.map(|off| off..text.len()));
    kept
}

/// Tokens and comments, which formatting must not change. It removes trailing commas, so commas are
/// not counted here.
fn words(text: &str) -> (Vec<&str>, Vec<&str>) {
    let scanned = scan::scan(FileId(0), text);
    let tokens = scanned
        .tokens
        .iter()
        .map(|token| token.span.text(text))
        .filter(|token| *token != ",");
    let comments = scanned
        .comments
        .iter()
        .map(|comment| comment.span.text(text).trim_end());
    (tokens.collect(), comments.collect())
}

struct Formatter<'a> {
    text: &'a str,
    tokens: &'a [Token],
    comments: &'a [Comment],
    /// The first token and comment that are not formatted yet.
    token: usize,
    comment: usize,
    /// The end of the last formatted token or comment.
    end: u32,
    lines: Vec<OutputLine>,
}

struct OutputLine {
    text: String,
    /// The column of the arrow of a rule or expectation, in characters, if it may move to the
    /// right.
    arrow: Option<usize>,
    /// Ends with a comment, so nothing can follow on the line.
    commented: bool,
}

impl Formatter<'_> {
    fn declaration(&mut self, declaration: &Declaration) {
        for allow in declaration.before.allows() {
            self.statement(allow.span.end, 0);
        }
        match &declaration.kind {
            DeclarationKind::System { items, .. } | DeclarationKind::Extend { items, .. } => {
                self.block(0, items.is_empty(), |layout| {
                    for item in items {
                        layout.system_item(item);
                    }
                });
            }
            DeclarationKind::Mapping { items, .. } | DeclarationKind::Profile { items, .. } => {
                self.block(0, items.is_empty(), |layout| layout.items(items, INDENT));
            }
            DeclarationKind::Test { items, .. } => self.block(0, items.is_empty(), |layout| {
                let start = layout.lines.len();
                for item in items {
                    match item {
                        TestItem::Role(name) => layout.statement(name.span.end, INDENT),
                        TestItem::AnyRole(span) => layout.statement(span.end, INDENT),
                        TestItem::Given(conditions) => {
                            let end = conditions.last().map_or(0, |last| last.span.end);
                            layout.statement(end, INDENT);
                        }
                        TestItem::Expect(expect) => layout.arrow_statement(expect.span.end, INDENT),
                    }
                }
                layout.align(start);
            }),
            DeclarationKind::Scenario { steps, .. } => self.block(0, steps.is_empty(), |layout| {
                for step in steps {
                    layout.statement(step.span.end, INDENT);
                }
            }),
            _ => self.statement(declaration.span.end, 0),
        }
    }

    fn system_item(&mut self, item: &SystemItem) {
        let end = match item {
            SystemItem::Attributes(names) => names.last().map_or(0, |last| last.span.end),
            SystemItem::State(state) => {
                for allow in &state.allows {
                    self.statement(allow.span.end, INDENT);
                }
                state.span.end
            }
            SystemItem::Online { span, .. }
            | SystemItem::Text { span, .. }
            | SystemItem::Echo { span, .. } => span.end,
        };
        self.statement(end, INDENT);
    }

    fn items(&mut self, items: &[Item], indent: usize) {
        let start = self.lines.len();
        for item in items {
            for allow in item.before.allows() {
                self.statement(allow.span.end, indent);
            }
            match &item.kind {
                ItemKind::When(when) if when.block => {
                    let body = &when.body;
                    self.block(indent, body.is_empty(), |layout| {
                        layout.items(body, indent + INDENT);
                    });
                }
                ItemKind::Rule(_) => self.arrow_statement(item.span.end, indent),
                _ => self.statement(item.span.end, indent),
            }
        }
        self.align(start);
    }

    /// The text before a `{`, the indented content, and the `}`.
    fn block(&mut self, indent: usize, empty: bool, content: impl FnOnce(&mut Self)) {
        let brace = self.tokens[self.token..]
            .iter()
            .find(|token| self.text[token.span.start as usize..].starts_with('{'));
        let Some(open) = brace.map(|token| token.span) else {
            return;
        };
        self.statement(open.end, indent);
        content(self);
        let Some(close) = self.tokens.get(self.token).map(|token| token.span) else {
            return;
        };
        let commented = self
            .comments
            .get(self.comment)
            .is_some_and(|comment| comment.span.start < close.start);
        if empty && !commented {
            if let Some(line) = self.lines.last_mut() {
                line.text.push('}');
            }
        } else {
            self.comments_before(close.start, indent + INDENT);
            self.push(format!("{:indent$}}}", ""), None);
        }
        self.token += 1;
        self.end = close.end;
    }

    fn push(&mut self, text: String, arrow: Option<usize>) {
        self.lines.push(OutputLine {
            text,
            arrow,
            commented: false,
        });
    }

    /// Writes the comments before a place: on their own lines, or after the text that they follow
    /// in the source.
    fn comments_before(&mut self, place: u32, indent: usize) {
        while let Some(comment) = self
            .comments
            .get(self.comment)
            .filter(|comment| comment.span.start < place)
        {
            let text = comment.span.text(self.text).trim_end();
            let behind = !self.text[self.end as usize..comment.span.start as usize].contains('\n');
            match self
                .lines
                .last_mut()
                .filter(|line| behind && !line.commented && self.end > 0)
            {
                Some(line) => line.text = format!("{} {text}", line.text.trim_end()),
                None => {
                    self.blank_line(comment.span.start);
                    self.push(format!("{:indent$}{text}", ""), None);
                }
            }
            self.lines
                .last_mut()
                .expect("it was pushed or added to")
                .commented = true;
            self.end = comment.span.end;
            self.comment += 1;
        }
    }

    /// Writes one empty line if the source has any here, except at the start of a block.
    fn blank_line(&mut self, next: u32) {
        let between = &self.text[self.end as usize..next as usize];
        let opened = self
            .lines
            .last()
            .is_none_or(|line| line.text.trim_end().ends_with('{') || line.text.is_empty());
        if between.matches('\n').count() > 1 && !opened {
            self.push(String::new(), None);
        }
    }

    /// Formats all tokens up to a place as one statement.
    fn statement(&mut self, until: u32, indent: usize) {
        self.lay_out(until, indent, false);
    }

    /// A rule or an expectation, whose arrow may be moved.
    fn arrow_statement(&mut self, until: u32, indent: usize) {
        self.lay_out(until, indent, true);
    }

    fn lay_out(&mut self, until: u32, indent: usize, arrow: bool) {
        let Some(first) = self.tokens.get(self.token).map(|token| token.span.start) else {
            return;
        };
        self.comments_before(first, indent);
        self.blank_line(first);
        let count = self.tokens[self.token..]
            .iter()
            .take_while(|token| token.span.start < until)
            .count();
        let spans: Vec<Span> = self.tokens[self.token..self.token + count]
            .iter()
            .map(|token| token.span)
            .collect();
        self.token += count;
        // Remove a trailing comma; comments around it follow the rest of the statement.
        let text = |span: &Span| span.text(self.text);
        let closing = self
            .tokens
            .get(self.token)
            .map(|token| token.span)
            .filter(|span| text(span) == ",");
        self.token += usize::from(closing.is_some());
        let last = closing.or(spans.last().copied());
        let closes = |next: Option<&Span>| next.is_none_or(|next| matches!(text(next), "}" | ")"));
        let is_kept = |(at, span): (usize, &Span)| {
            (text(span) != "," || !closes(spans.get(at + 1))).then_some(*span)
        };
        let spans: Vec<Span> = spans.iter().enumerate().filter_map(is_kept).collect();
        self.end = spans.last().map_or(self.end, |span| span.end);
        let mut comments = Vec::new();
        while let Some(comment) = self
            .comments
            .get(self.comment)
            .filter(|comment| comment.span.start < self.end)
        {
            comments.push(comment.span);
            self.comment += 1;
        }
        let statement = Statement {
            text: self.text,
            tokens: &spans,
            comments: &comments,
        };
        let (lines, column) = statement.render(WIDTH.saturating_sub(indent));
        let single = lines.len() == 1;
        for line in lines {
            let column = column
                .filter(|_| single && arrow)
                .map(|column| column + indent);
            self.push(format!("{:indent$}{line}", ""), column);
        }
        if let Some(last) = last {
            self.comments_before(last.start, indent);
            self.end = last.end;
        }
    }

    /// Aligns the arrows of neighboring lines.
    fn align(&mut self, start: usize) {
        let mut at = start;
        while at < self.lines.len() {
            let run = self.lines[at..]
                .iter()
                .take_while(|line| line.arrow.is_some())
                .count();
            let lines = &mut self.lines[at..at + run];
            let widest = lines
                .iter()
                .filter_map(|line| line.arrow)
                .filter(|column| *column <= ALIGNED)
                .max();
            for line in lines {
                let Some((column, widest)) = line
                    .arrow
                    .take()
                    .zip(widest)
                    .filter(|(column, widest)| column < widest)
                else {
                    continue;
                };
                let place = line
                    .text
                    .char_indices()
                    .nth(column)
                    .map_or(line.text.len(), |(place, _)| place);
                line.text.insert_str(place, &" ".repeat(widest - column));
            }
            at += run.max(1);
        }
    }
}
