//! Prints results to stdout, and progress, summaries and errors to stderr.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use clap::ValueEnum;

use crate::error::CommandError;
use crate::project::FileAccess;
use presync::Diagnostic;
use presync::Sources;
use presync::visible;
use presync_report::Style;

use crate::places::Disk;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    Auto,
    Always,
    Never,
}

/// The stream for findings: stdout if they are the result of the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputStream {
    Stdout,
    Stderr,
}

pub struct Terminal {
    pub quiet: bool,
    /// Whether an input was skipped, so that the command has no full answer.
    skipped: AtomicBool,
    /// The reader of standard output has closed it. Commands go on and answer as if it were read.
    closed: AtomicBool,
    /// The files that a program may use.
    pub file_access: FileAccess,
    color: ColorChoice,
}

impl Terminal {
    pub fn new(color: ColorChoice, quiet: bool, file_access: FileAccess) -> Self {
        Self {
            quiet,
            file_access,
            color,
            skipped: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        }
    }

    /// Says why an input is skipped, or why the command ends; the exit code tells it, too.
    pub fn skip(&self, error: &CommandError) {
        self.skipped.store(true, Ordering::Relaxed);
        match error {
            CommandError::Usage(message) => self.error(message),
            CommandError::Printed => {}
        }
    }

    pub fn skipped_any(&self) -> bool {
        self.skipped.load(Ordering::Relaxed)
    }

    /// Whether the reader of standard output has closed it.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Whether to color a stream; `terminal`: whether it is a terminal.
    pub fn colored(&self, terminal: bool) -> bool {
        let set = |name: &str| {
            std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0")
        };
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto
                if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) =>
            {
                false
            }
            ColorChoice::Auto => set("CLICOLOR_FORCE") || (terminal && !dumb),
        }
    }

    pub fn stderr_colored(&self) -> bool {
        self.colored(std::io::stderr().is_terminal())
    }

    pub fn stdout_colored(&self) -> bool {
        self.colored(std::io::stdout().is_terminal())
    }

    /// The width of a stream in columns: `COLUMNS`, else that of the terminal, else 100.
    pub fn width(&self, stream: OutputStream) -> usize {
        let configured = std::env::var("COLUMNS")
            .ok()
            .and_then(|columns| columns.parse().ok());
        let width = configured.or_else(|| {
            let size = match stream {
                OutputStream::Stdout => terminal_size::terminal_size_of(std::io::stdout()),
                OutputStream::Stderr => terminal_size::terminal_size_of(std::io::stderr()),
            };
            size.map(|(width, _)| usize::from(width.0))
        });
        width.unwrap_or(100).clamp(20, 200)
    }

    /// Prints progress and summaries to stderr, unless `--quiet` is set.
    pub fn status(&self, text: &str) {
        if !self.quiet {
            self.stderr(text);
        }
    }

    /// Prints a line to stderr, even with `--quiet`.
    pub fn stderr(&self, text: &str) {
        // Ignore errors: stderr may be closed.
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    pub fn error(&self, message: &str) {
        let label = if self.stderr_colored() {
            "\u{1b}[1;31merror\u{1b}[0m"
        } else {
            "error"
        };
        self.stderr(&format!("{label}: {}", visible(message)));
    }

    /// Prints results to stdout; nothing once it is closed.
    pub fn stdout(&self, text: impl AsRef<[u8]>) -> std::io::Result<()> {
        if self.is_closed() {
            return Ok(());
        }
        let mut stdout = std::io::stdout().lock();
        match stdout
            .write_all(text.as_ref())
            .and_then(|()| stdout.flush())
        {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                self.closed.store(true, Ordering::Relaxed);
                Ok(())
            }
            written => written,
        }
    }

    /// The style of findings on a stream.
    pub fn style(&self, stream: OutputStream) -> Style {
        Style {
            width: self.width(stream),
            colored: match stream {
                OutputStream::Stdout => self.stdout_colored(),
                OutputStream::Stderr => self.stderr_colored(),
            },
        }
    }

    /// Prints the findings of one program, for people.
    pub fn draw(
        &self,
        diagnostics: &[Diagnostic],
        sources: &Sources,
        stream: OutputStream,
    ) -> std::io::Result<()> {
        let all = diagnostics.iter().map(|diagnostic| (diagnostic, sources));
        let text = presync_report::draw(all, self.style(stream), &Disk);
        match stream {
            OutputStream::Stdout => self.stdout(format!("{text}\n")),
            OutputStream::Stderr => {
                self.stderr(&text);
                Ok(())
            }
        }
    }
}

/// A sentence in lines of at most `width` columns, with what stands before the first and the others. Quoted names are not
/// broken.
pub fn wrapped(sentence: &str, width: usize, [first, rest]: [&str; 2]) -> Vec<String> {
    let options = textwrap::Options::new(width)
        .initial_indent(first)
        .subsequent_indent(rest)
        .word_separator(textwrap::WordSeparator::Custom(outside_quotes))
        .break_words(false);
    let sentence = visible(sentence);
    let lines = textwrap::wrap(&sentence, options).into_iter();
    lines.map(|line| line.into_owned()).collect()
}

/// Words that end at a space outside of quotes.
fn outside_quotes(line: &str) -> Box<dyn Iterator<Item = textwrap::core::Word<'_>> + '_> {
    let mut words = Vec::new();
    let (mut start, mut in_quotes, mut before) = (0, false, ' ');
    for (at, char) in line.char_indices() {
        if char == '"' && before != '\\' {
            in_quotes = !in_quotes;
        }
        if before == ' ' && char != ' ' && !(in_quotes && char != '"') && at > start {
            words.push(textwrap::core::Word::from(&line[start..at]));
            start = at;
        }
        before = char;
    }
    words.push(textwrap::core::Word::from(&line[start..]));
    Box::new(words.into_iter())
}
