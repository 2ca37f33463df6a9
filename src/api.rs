//! The library's own verbs: each leads into one stage, on a stack with room for deep programs.

use std::fmt;
use std::io;

use presync_engine::{Tables, TooComplex};

use crate::analysis::{
    self, Coverage, DecisionExplanation, Differences, Proposal, Question, Verdict,
};
use crate::diagnostic::Diagnostic;
use crate::format::FormatError;
use crate::lint::Settings;
use crate::load::{Files, Parsed};
use crate::program::Program;
use crate::resolve::CheckReport;
use crate::source::SourceFile;
use crate::stack::deep;
use crate::{compile, lint, load, resolve};

impl Program {
    /// Checks a program of one file, which may `use` the bundled vocabularies. `path` is how messages and origins name it.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn check_source(path: &str, source: &str) -> Result<Self, CheckErrors> {
        let read = |wanted: &str| match wanted {
            wanted if wanted == path => Ok(source.as_bytes().to_vec()),
            _ => Err(io::Error::from(io::ErrorKind::NotFound)),
        };
        let parsed = parse("", path, &read).expect("the root file is there");
        check(parsed).into_program()
    }

    /// Compiles every role into one table for each direction.
    ///
    /// # Errors
    /// A role is too complex.
    pub fn compile(&self) -> Result<Tables, TooComplex> {
        deep(|| compile::compile(self))
    }

    /// What the lints prove about it, sorted by place; what an `@allow` silences is left out.
    pub fn lint(&self, settings: &Settings) -> Vec<Diagnostic> {
        deep(|| lint::run(self, settings))
    }
}

impl CheckReport {
    /// The program, or what is wrong with it.
    ///
    /// # Errors
    /// There is something wrong.
    pub fn into_program(mut self) -> Result<Program, CheckErrors> {
        self.program.take().ok_or(CheckErrors(Box::new(self)))
    }
}

/// All that is wrong with a program. `Display` shows a line for each.
pub struct CheckErrors(Box<CheckReport>);

impl CheckErrors {
    pub fn report(&self) -> &CheckReport {
        &self.0
    }
}

impl fmt::Display for CheckErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sources = self.0.sources();
        for (at, diagnostic) in self.0.diagnostics.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { "\n" })?;
            if let Some(location) = diagnostic.location() {
                let place = sources.file(location.file).line_column(location.span.start);
                let path = sources.shown_path(location.file);
                write!(f, "{path}:{}:{}: ", place.line, place.column)?;
            }
            write!(f, "{}: {}", diagnostic.code, diagnostic.message)?;
        }
        Ok(())
    }
}

impl fmt::Debug for CheckErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for CheckErrors {}

/// Reads and parses a program: the file at `path` and all that it uses. `base` is the folder to show before paths.
///
/// # Errors
/// The root file cannot be read; that another cannot is among the errors of [`check`].
pub fn parse(base: &str, path: &str, files: &dyn Files) -> io::Result<Parsed> {
    deep(|| load::parse(base, path, files))
}

/// Resolves names and proves that rules do not contradict each other.
pub fn check(parsed: Parsed) -> CheckReport {
    deep(|| resolve::check(parsed, false))
}

/// As [`check`], and keeps the trees and every place at which something is named, for an editor.
pub fn check_with_index(parsed: Parsed) -> CheckReport {
    deep(|| resolve::check(parsed, true))
}

/// Lays a file out. Line ends stay as its first one is; a byte order mark goes.
///
/// # Errors
/// It has syntax errors.
pub fn format(source: &SourceFile) -> Result<String, FormatError> {
    deep(|| crate::format::format(source))
}

/// Proves the tests and scenarios of a program, each for every situation that it speaks of.
pub fn prove(program: &Program, tables: &Tables) -> Vec<Verdict> {
    deep(|| analysis::prove(program, tables))
}

/// What the tests of a program exercise.
pub fn coverage(program: &Program, tables: &Tables) -> Coverage {
    deep(|| analysis::coverage(program, tables))
}

/// Tests for what no test of a program exercises.
pub fn propose_tests(program: &Program, tables: &Tables) -> Proposal {
    deep(|| analysis::propose_tests(program, tables))
}

/// Which situations two sets of tables decide differently.
///
/// # Errors
/// A role is too complex.
pub fn diff(old: &Tables, new: &Tables) -> Result<Differences, TooComplex> {
    deep(|| analysis::diff(old, new))
}

/// Why a change is decided as it is, and why not otherwise, for each other system.
pub fn explain(program: &Program, question: &Question<'_>) -> Vec<DecisionExplanation> {
    deep(|| analysis::explain(program, question))
}
