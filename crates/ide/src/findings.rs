//! In: root files. Out: all findings of their programs, each once, in reading order.

use std::borrow::Borrow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use presync::{
    CheckReport, Coverage, Diagnostic, FileId, ParseCache, Parsed, RuleExtent, Settings,
    SourceFile, Sources, Tables, Verdict,
};
use presync_report::{Finding, Places, Subject, fingerprints};

use crate::files::{FileSystem, cannot_read};
use crate::program::RootFile;
use crate::settings::{self, SettingsError};

/// A program that was checked.
pub struct CheckedProgram {
    pub root: RootFile,
    /// Without diagnostics, which are in `found`.
    pub report: CheckReport,
    pub settings: Settings,
    /// By file: its canonical path; `None` for a bundled vocabulary.
    pub paths: Vec<Option<PathBuf>>,
    /// Whether a file that it uses cannot be read.
    pub misses_files: bool,
    /// Its errors and findings, sorted.
    pub found: Vec<Diagnostic>,
    tables: OnceCell<Option<Tables>>,
    rule_extents: OnceCell<Vec<RuleExtent>>,
    verdicts: OnceCell<Vec<Verdict>>,
    coverage: OnceCell<Coverage>,
}

impl CheckedProgram {
    /// Checks and lints a program. `place`: where the settings of the root file are; `levels`: `CODE=LEVEL`. Declarations in
    /// the cache are not parsed again.
    ///
    /// # Errors
    /// The root file cannot be read, or its settings are wrong.
    pub fn check(
        files: &dyn FileSystem,
        root: &RootFile,
        place: &Path,
        levels: &[String],
        cache: Option<&ParseCache>,
    ) -> Result<Self, CheckError> {
        let parsed = read(files, root, cache)?;
        let settings = settings::settings(files, place, levels, &parsed.sources)?;
        Ok(Self::new(&presync::check, files, root, parsed, settings))
    }

    /// The same with an index, for editors. Wrong settings do not keep the program from being checked: they are returned, too.
    pub(crate) fn check_with_index(
        files: &dyn FileSystem,
        root: &RootFile,
        cache: &ParseCache,
    ) -> Result<(Self, Option<SettingsError>), CheckError> {
        let parsed = read(files, root, Some(cache))?;
        let (settings, wrong) = match settings::settings(files, &root.path, &[], &parsed.sources) {
            Ok(settings) => (settings, None),
            Err(wrong) => (Settings::default(), Some(wrong)),
        };
        let checked = Self::new(&presync::check_with_index, files, root, parsed, settings);
        Ok((checked, wrong))
    }

    /// The tables of the program, or of what remains of it. `None` if too much is lost to errors.
    pub fn tables(&self) -> Option<&Tables> {
        let compiled = || self.report.partial_program()?.compile().ok();
        self.tables.get_or_init(compiled).as_ref()
    }

    /// How many situations each rule decides; see [`presync::rule_extents`]. `None` if the program has errors.
    pub fn rule_extents(&self) -> Option<&[RuleExtent]> {
        let program = self.report.program.as_ref()?;
        Some(
            self.rule_extents
                .get_or_init(|| presync::rule_extents(program)),
        )
    }

    /// The number of errors of the language.
    pub fn errors(&self) -> usize {
        let errors = self.found.iter().filter(|one| one.code.default.is_none());
        errors.count()
    }

    /// The results of all tests and scenarios. `None` if the program has errors.
    pub fn verdicts(&self) -> Option<&[Verdict]> {
        let program = self.report.program.as_ref()?;
        let tables = self.tables()?;
        Some(
            self.verdicts
                .get_or_init(|| presync::prove(program, tables)),
        )
    }

    /// What the tests exercise. `None` if the program has errors, or no tests.
    pub fn coverage(&self) -> Option<&Coverage> {
        let program = self.report.program.as_ref()?;
        let tables = self.tables()?;
        let tested = !program.tests.is_empty() || !program.scenarios.is_empty();
        tested.then(|| {
            self.coverage
                .get_or_init(|| presync::coverage(program, tables))
        })
    }

    fn new(
        check: &dyn Fn(Parsed) -> CheckReport,
        files: &dyn FileSystem,
        root: &RootFile,
        parsed: Parsed,
        settings: Settings,
    ) -> Self {
        let misses_files = !parsed.missing.is_empty();
        let mut report = check(parsed);
        let found = report.findings(&settings);
        report.diagnostics.clear();
        let sources = report.sources();
        let path = |(id, file): (FileId, &SourceFile)| {
            (!file.bundled).then(|| files.canonical(&root.path_of(sources, id)))
        };
        Self {
            root: root.clone(),
            paths: sources.iter().map(path).collect(),
            report,
            settings,
            misses_files,
            found,
            tables: OnceCell::new(),
            rule_extents: OnceCell::new(),
            verdicts: OnceCell::new(),
            coverage: OnceCell::new(),
        }
    }

    /// The file with a canonical path.
    pub fn file(&self, path: &Path) -> Option<FileId> {
        let mut paths = self.paths.iter();
        let at = paths.position(|known| known.as_deref() == Some(path))?;
        Some(FileId(at as u32))
    }
}

fn read(
    files: &dyn FileSystem,
    root: &RootFile,
    cache: Option<&ParseCache>,
) -> Result<Parsed, CheckError> {
    let parsed = root.parse(files, cache);
    parsed.map_err(|error| CheckError::Unreadable(cannot_read(&root.path, &error)))
}

/// Why a program was not checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    #[error("{0}")]
    Unreadable(String),
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

/// Checked programs with their findings.
pub struct Findings {
    pub programs: Vec<CheckedProgram>,
    pub found: Vec<FoundDiagnostic>,
}

/// A diagnostic of one of several programs.
pub struct FoundDiagnostic {
    /// The index of the program.
    pub program: usize,
    pub diagnostic: Diagnostic,
    pub subject: Subject,
    pub fingerprint: String,
}

impl Findings {
    /// Joins the findings of programs: those in a file that several programs use are there once.
    ///
    /// # Errors
    /// The settings name an attribute that no system has.
    pub fn new(programs: Vec<CheckedProgram>, places: &dyn Places) -> Result<Self, SettingsError> {
        settings::check_attributes(&programs)?;
        let found = merged(&programs);
        let subjects = presync_report::subjects(
            found
                .iter()
                .map(|(at, diagnostic)| (diagnostic, programs[*at].report.sources())),
            places,
        );
        let fingerprints = fingerprints(&subjects);
        let found = found.into_iter().zip(subjects).zip(fingerprints);
        let found = found.map(
            |(((program, diagnostic), subject), fingerprint)| FoundDiagnostic {
                program,
                diagnostic,
                subject,
                fingerprint,
            },
        );
        let found = found.collect();
        Ok(Self { programs, found })
    }

    pub fn iter(&self) -> impl Iterator<Item = Finding<'_>> {
        self.found.iter().map(|found| Finding {
            diagnostic: &found.diagnostic,
            sources: self.programs[found.program].report.sources(),
            fingerprint: &found.fingerprint,
        })
    }

    /// Every checked file except bundled ones, as the user would type it.
    pub fn files(&self) -> BTreeSet<String> {
        self.programs.iter().flat_map(own_files).collect()
    }

    /// Those that no program with errors uses.
    pub fn files_without_errors(&self) -> BTreeSet<String> {
        let broken = self
            .programs
            .iter()
            .filter(|program| program.report.program.is_none());
        let broken: BTreeSet<String> = broken.flat_map(own_files).collect();
        self.files().difference(&broken).cloned().collect()
    }
}

/// The findings of programs in reading order, each with the index of its program. Those in a file that several programs use
/// are there once.
pub(crate) fn merged<P: Borrow<CheckedProgram>>(programs: &[P]) -> Vec<(usize, Diagnostic)> {
    let programs: Vec<&CheckedProgram> = programs.iter().map(Borrow::borrow).collect();
    let mut found: Vec<Vec<Diagnostic>> = Vec::with_capacity(programs.len());
    found.extend(programs.iter().map(|program| program.found.clone()));
    used_elsewhere(&programs, &mut found);
    let found = found.into_iter().enumerate().flat_map(|(at, diagnostics)| {
        diagnostics
            .into_iter()
            .map(move |diagnostic| (at, diagnostic))
    });
    let mut found: Vec<(usize, Diagnostic)> = found.collect();
    let key = |(at, diagnostic): &(usize, Diagnostic)| {
        let sources = programs[*at].report.sources();
        let labels = diagnostic
            .labels
            .iter()
            .map(|label| (sources.shown_path(label.location.file), label.location.span));
        (
            labels.collect::<Vec<_>>(),
            diagnostic.code,
            diagnostic.data.without_places(),
        )
    };
    found.sort_by_cached_key(key);
    // Report a file used by several programs only once.
    let mut told = BTreeSet::new();
    found.retain(|one| told.insert(key(one)));
    found
}

/// The files of a program except bundled ones.
fn own_files(program: &CheckedProgram) -> Vec<String> {
    let sources = program.report.sources();
    let own = sources.iter().filter(|(_, file)| !file.bundled);
    own.map(|(id, _)| sources.shown_path(id)).collect()
}

/// Where a finding is, and what it is about.
type SharedPlace = (&'static str, String, u32, [Option<String>; 2], Vec<String>);

/// Removes findings in files that several programs have, unless all of them report it.
fn used_elsewhere(programs: &[&CheckedProgram], found: &mut [Vec<Diagnostic>]) {
    let place = |sources: &Sources, diagnostic: &Diagnostic| -> Option<SharedPlace> {
        let code = diagnostic.code.name;
        let location = diagnostic
            .location()
            .filter(|_| presync::lint(code).is_some_and(|lint| lint.of_all_programs))?;
        let data = &diagnostic.data;
        Some((
            code,
            sources.shown_path(location.file),
            location.span.start,
            [data.from.clone(), data.to.clone()],
            data.names.clone(),
        ))
    };
    let mut reporting: BTreeMap<SharedPlace, usize> = BTreeMap::new();
    let mut having: BTreeMap<String, usize> = BTreeMap::new();
    for (program, diagnostics) in programs.iter().zip(found.iter()) {
        let sources = program.report.sources();
        for (id, _) in sources.iter() {
            *having.entry(sources.shown_path(id)).or_default() += 1;
        }
        let places: BTreeSet<SharedPlace> = diagnostics
            .iter()
            .filter_map(|diagnostic| place(sources, diagnostic))
            .collect();
        for place in places {
            *reporting.entry(place).or_default() += 1;
        }
    }
    for (program, diagnostics) in programs.iter().zip(found) {
        diagnostics.retain(|diagnostic| {
            let place = place(program.report.sources(), diagnostic);
            place.is_none_or(|place| having.get(&place.1) == reporting.get(&place))
        });
    }
}
