//! In: what a stage has to say. Out: one plain value that every renderer understands.
//! Nothing renders here.

use crate::source::{Location, Span};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Error,
    Warning,
    Info,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// A place with what it has to do with the finding. The first label is where the finding is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub location: Location,
    pub message: String,
}

/// A repair: text to put in place of spans. `safe` repairs never change a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    pub message: String,
    pub safe: bool,
    pub edits: Vec<(Location, String)>,
}

/// A situation by names: the value of every fact, and each system's state (`None`: not known).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Witness {
    pub facts: Vec<(String, WitnessValue)>,
    pub states: Vec<(String, Option<String>)>,
    /// The names that the finding depends on; the others could be anything.
    pub relevant: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WitnessValue {
    Flag(bool),
    Choice(String),
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable, as in the language reference: `conflict`, `unknown-state`, ...
    pub code: &'static str,
    pub severity: Severity,
    pub message: String,
    pub labels: Vec<Label>,
    pub notes: Vec<String>,
    /// What to write instead.
    pub help: Option<String>,
    pub fixes: Vec<Fix>,
    pub situation: Option<Witness>,
}

impl Diagnostic {
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            labels: Vec::new(),
            notes: Vec::new(),
            help: None,
            fixes: Vec::new(),
            situation: None,
        }
    }

    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, message)
        }
    }

    #[must_use]
    pub fn label(mut self, location: Location, message: impl Into<String>) -> Self {
        self.labels.push(Label {
            location,
            message: message.into(),
        });
        self
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    #[must_use]
    pub fn fix(mut self, fix: impl Into<Option<Fix>>) -> Self {
        self.fixes.extend(fix.into());
        self
    }

    /// Where it is, for sorting: file, then span.
    pub fn location(&self) -> Option<Location> {
        self.labels.first().map(|label| label.location)
    }
}

/// Puts findings into the order people read them: by file, then place, then code.
pub fn sort(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|a, b| {
        let key = |d: &Diagnostic| (d.location(), d.code, d.message.clone());
        key(a).cmp(&key(b))
    });
    diagnostics.dedup();
}

/// A span of nothing at a byte, for what is missing there.
pub fn point(at: u32) -> Span {
    Span { start: at, end: at }
}
