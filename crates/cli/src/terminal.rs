//! Where things are printed: data to stdout, words for people to stderr.

use std::io::{IsTerminal, Write};

use clap::ValueEnum;

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

pub struct Terminal {
    pub quiet: bool,
    /// Where files that a program uses may come from.
    pub file_access: FileAccess,
    color: ColorChoice,
}

impl Terminal {
    pub fn new(color: ColorChoice, quiet: bool, file_access: FileAccess) -> Self {
        Self {
            quiet,
            file_access,
            color,
        }
    }

    /// Whether colours are wanted on a stream that is, or is not, a terminal.
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

    /// Columns for words to people: the terminal's, else 80. `COLUMNS` overrides both.
    pub fn width(&self) -> usize {
        let told = std::env::var("COLUMNS")
            .ok()
            .and_then(|columns| columns.parse().ok());
        let width = told.or_else(|| {
            terminal_size::terminal_size_of(std::io::stderr())
                .map(|(width, _)| usize::from(width.0))
        });
        width.unwrap_or(80).clamp(20, 200)
    }

    /// Words for people; nothing when they asked for quiet.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            self.write(text);
        }
    }

    /// Findings: printed in any case.
    pub fn write(&self, text: &str) {
        // Whoever closes stderr does not want to read it.
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    pub fn error(&self, message: &str) {
        let label = if self.stderr_colored() {
            "\u{1b}[1;31merror\u{1b}[0m"
        } else {
            "error"
        };
        self.write(&format!("{label}: {}", visible(message)));
    }

    /// Data on stdout.
    pub fn data(&self, text: &str) -> std::io::Result<()> {
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        stdout.flush()
    }

    /// How text for people on stderr is drawn.
    pub fn style(&self) -> Style {
        Style {
            width: self.width(),
            colored: self.stderr_colored(),
        }
    }

    /// Findings of one program, for people.
    pub fn draw(&self, diagnostics: &[Diagnostic], sources: &Sources) {
        let all = diagnostics.iter().map(|diagnostic| (diagnostic, sources));
        self.write(&presync_report::draw(all, self.style(), &Disk));
    }
}
