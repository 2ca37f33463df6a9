//! The functions of the library. Each calls one stage, on a stack with room for deep programs.

use std::fmt;
use std::io;

use presync_engine::{Schema, Table, Tables, TooComplex};

use crate::analysis::{
    self, Coverage, DecisionExplanation, DiffError, Differences, Extent, Proposal, Question,
    Renaming, RuleExtent, ScenarioRun, Verdict,
};
use crate::compile::{Crosstab, Rows};
use crate::diagnostic::{self, Diagnostic};
use crate::format::FormatError;
use crate::lint::Settings;
use crate::load::{Files, Parsed};
use crate::program::{LostParts, Program};
use crate::resolve::CheckReport;
use crate::source::{Location, SourceFile};
use crate::stack::deep;
use crate::syntax::ParseCache;
use crate::{compile, lint, load, parallel, resolve};

impl Program {
    /// Checks a single-file program, which may `use` the bundled vocabularies. Messages and origins show `path`.
    ///
    /// # Errors
    /// The program has errors; contains all of them.
    pub fn check_source(path: &str, source: &str) -> Result<Self, CheckErrors> {
        let read = |wanted: &str| match wanted {
            wanted if wanted == path => Ok(source.as_bytes().to_vec()),
            _ => Err(io::Error::from(io::ErrorKind::NotFound)),
        };
        let parsed = parse("", path, &read).expect("the root file is there");
        check(parsed).into_program()
    }

    /// The tables of the program: one for each role and direction. A role is compiled when its tables are first used.
    ///
    /// # Errors
    /// None today: a role that is too complex is an error where its tables are used.
    pub fn compile(&self) -> Result<Tables, TooComplex> {
        Ok(deep(|| compile::compile(self)))
    }

    /// Returns the findings of all lints, sorted by location, without those that an `@allow` suppresses.
    pub fn lint(&self, settings: &Settings) -> Vec<Diagnostic> {
        deep(|| lint::run(self, &LostParts::default(), settings))
    }
}

impl CheckReport {
    /// Returns all errors and the findings of all lints, sorted by location. If there are errors, the lints look at what they
    /// leave, and findings that may be due to a lost part are omitted.
    pub fn findings(&self, settings: &Settings) -> Vec<Diagnostic> {
        let mut all = self.diagnostics.clone();
        if let Some((program, lost)) = self.lintable() {
            all.extend(deep(|| lint::run(program, &lost, settings)));
            diagnostic::sort(&mut all);
        }
        all
    }

    /// Returns the program, or its errors.
    ///
    /// # Errors
    /// The program has errors.
    pub fn into_program(mut self) -> Result<Program, CheckErrors> {
        self.program.take().ok_or(CheckErrors(Box::new(self)))
    }
}

/// All errors of a program. `Display` shows one line per error.
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

/// Reads and parses a program: the file at `path` and all files it uses. Messages show `base` before paths.
///
/// # Errors
/// The root file cannot be read. [`check`] reports other files that cannot be read.
pub fn parse(base: &str, path: &str, files: &dyn Files) -> io::Result<Parsed> {
    deep(|| load::parse(base, path, files, None))
}

/// Like [`parse`], but a declaration that is in the cache is not parsed again, and others are added to it.
///
/// # Errors
/// See [`parse`].
pub fn parse_cached(
    base: &str,
    path: &str,
    files: &dyn Files,
    cache: &ParseCache,
) -> io::Result<Parsed> {
    deep(|| load::parse(base, path, files, Some(cache)))
}

/// Resolves names and proves that rules do not conflict.
pub fn check(parsed: Parsed) -> CheckReport {
    deep(|| resolve::check(parsed, false))
}

/// Like [`check`], but also keeps the trees and all occurrences of names, for editors.
pub fn check_with_index(parsed: Parsed) -> CheckReport {
    deep(|| resolve::check(parsed, true))
}

/// Formats a file. All line endings become like the first one; a byte order mark is removed.
///
/// # Errors
/// The file has syntax errors.
pub fn format(source: &SourceFile) -> Result<String, FormatError> {
    deep(|| crate::format::format(source))
}

/// Proves the tests of a program, each in every situation it covers, and runs its scenarios.
pub fn prove(program: &Program, tables: &Tables) -> Vec<Verdict> {
    deep(|| analysis::prove(program, tables))
}

/// Runs every scenario, also those whose expectations fail, to the end or to the first rejected step.
pub fn scenario_runs(program: &Program, tables: &Tables) -> Vec<ScenarioRun> {
    deep(|| analysis::scenario_runs(program, tables))
}

/// Measures the coverage of a program by its tests and scenarios.
pub fn coverage(program: &Program, tables: &Tables) -> Coverage {
    deep(|| analysis::coverage(program, tables))
}

/// In how many situations a written condition holds: the first of a `when` or a `condition` within a place. `None` if there
/// is none, or if it is too complex.
pub fn condition_extent(program: &Program, place: Location) -> Option<Extent> {
    deep(|| analysis::condition_extent(program, place))
}

/// How many situations every rule decides in every role that has it, by rule, role and direction; not in roles that are too
/// complex.
pub fn rule_extents(program: &Program) -> Vec<RuleExtent> {
    deep(|| analysis::rule_extents(program))
}

/// The places of the rules that take precedence over those within a place, where these would apply, with the profile of each;
/// in source order.
pub fn rules_above(program: &Program, place: Location) -> Vec<(Location, &str)> {
    let above = deep(|| analysis::rules_above(program, place)).into_iter();
    let above = above.map(|(rule, profile)| {
        let at = program.rule_source(rule).location;
        (at, program.profile(profile).name.as_str())
    });
    above.collect()
}

/// Proposes tests for everything that no test of the program covers.
pub fn propose_tests(program: &Program, tables: &Tables) -> Proposal {
    deep(|| analysis::propose_tests(program, tables))
}

/// Writes tables as rows, on all cores; `None` for a table that would have too many. Nothing else needs rows: deciding and
/// comparing do without.
pub fn rows(schema: &Schema, tables: &[&Table]) -> Vec<Option<Rows>> {
    let rows = |(): &(), table: &&Table| compile::rows(schema, table);
    deep(|| parallel::map(tables, || (), rows).0)
}

/// Writes the links of a table as rows: the first with a matching row decides. `None` if there would be too many.
pub fn chain(schema: &Schema, table: &Table) -> Option<Vec<Rows>> {
    deep(|| compile::chain(schema, table))
}

/// Shows a table as a grid of at most `most_columns` columns, with exceptions for what does not fit into it. `None` if there
/// would be too many of them.
pub fn crosstab(schema: &Schema, table: &Table, most_columns: usize) -> Option<Crosstab> {
    deep(|| compile::crosstab(schema, table, most_columns))
}

/// Finds the situations that two sets of tables decide differently.
///
/// # Errors
/// A role is too complex.
pub fn diff(old: &Tables, new: &Tables) -> Result<Differences, TooComplex> {
    deep(|| analysis::diff(old, new))
}

/// Finds the situations that two sets of tables decide differently, where the new one has other names for some systems,
/// states, facts, values or roles.
///
/// # Errors
/// A renaming does not fit the programs, or a role is too complex.
pub fn diff_renamed(
    old: &Tables,
    new: &Tables,
    renamings: &[Renaming],
) -> Result<Differences, DiffError> {
    deep(|| analysis::diff_renamed(old, new, renamings))
}

/// Explains, for each other system, why a change is decided as it is and why not differently.
pub fn explain(program: &Program, question: &Question<'_>) -> Vec<DecisionExplanation> {
    deep(|| analysis::explain(program, question))
}
