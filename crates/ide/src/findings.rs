//! In: root files. Out: all findings of their programs, each once, in reading order.

use crate::error::CommandError;
use crate::places::Disk;
use crate::project::{FileAccess, Overlay};
use crate::terminal::Terminal;
use crate::{config, project};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use presync::CheckReport;
use presync::Diagnostic;
use presync::{FileId, Sources};
use presync_report::{Finding, Subject, fingerprints};

/// Checked programs with their findings.
pub struct Findings {
    /// By root file; their diagnostics are in `found`.
    pub programs: Vec<(PathBuf, CheckReport)>,
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
    /// Checks and lints; `instead` has unsaved texts.
    pub fn collect(
        roots: &[PathBuf],
        levels: &[String],
        instead: Option<&Overlay>,
        terminal: &Terminal,
    ) -> Result<Self, CommandError> {
        Self::collect_with(roots, levels, instead, &terminal.file_access, terminal)
    }

    /// The same with other access to files.
    pub fn collect_with(
        roots: &[PathBuf],
        levels: &[String],
        instead: Option<&Overlay>,
        file_access: &FileAccess,
        terminal: &Terminal,
    ) -> Result<Self, CommandError> {
        let mut programs = Vec::with_capacity(roots.len());
        let mut found: Vec<Vec<Diagnostic>> = Vec::with_capacity(roots.len());
        let mut settings = Vec::with_capacity(roots.len());
        for root in roots {
            let parsed = match project::parse_with(root, instead, file_access) {
                Ok(parsed) => parsed,
                Err(unreadable) => {
                    terminal.skip(&unreadable);
                    continue;
                }
            };
            let of_root = config::settings(file_access.place(root), levels, &parsed.sources)?;
            let mut report = presync::check(parsed);
            found.push(match &report.program {
                Some(program) => program.lint(&of_root),
                None => std::mem::take(&mut report.diagnostics),
            });
            programs.push((root.clone(), report));
            settings.push(of_root);
        }
        config::check_attributes(&settings, programs.iter().map(|(_, report)| report))?;
        used_elsewhere(&programs, &mut found);
        let mut found: Vec<(usize, Diagnostic)> = found
            .into_iter()
            .enumerate()
            .flat_map(|(at, diagnostics)| {
                diagnostics
                    .into_iter()
                    .map(move |diagnostic| (at, diagnostic))
            })
            .collect();
        let key = |(at, diagnostic): &(usize, Diagnostic)| {
            let sources = programs[*at].1.sources();
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
        let subjects = presync_report::subjects(
            found
                .iter()
                .map(|(at, diagnostic)| (diagnostic, programs[*at].1.sources())),
            &Disk,
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
            sources: self.programs[found.program].1.sources(),
            fingerprint: &found.fingerprint,
        })
    }

    /// Every checked file except bundled ones, as the user would type it.
    pub fn files(&self) -> BTreeSet<String> {
        let sources = self.programs.iter().map(|(_, report)| report.sources());
        sources
            .flat_map(|sources| {
                sources
                    .iter()
                    .filter(|(_, file)| !file.bundled)
                    .map(|(id, _)| sources.shown_path(id))
            })
            .collect()
    }
}

/// The path of a file of a program.
pub fn path_of(root: &Path, sources: &Sources, file: FileId) -> PathBuf {
    if file.0 == 0 {
        root.to_path_buf()
    } else {
        PathBuf::from(sources.shown_path(file))
    }
}

/// Where a finding is, and what it is about.
type SharedPlace = (&'static str, String, u32, [Option<String>; 2], Vec<String>);

/// Removes findings in files that several programs have, unless all of them report it.
fn used_elsewhere(programs: &[(PathBuf, CheckReport)], found: &mut [Vec<Diagnostic>]) {
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
    for ((_, report), diagnostics) in programs.iter().zip(found.iter()) {
        let sources = report.sources();
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
    for ((_, report), diagnostics) in programs.iter().zip(found) {
        diagnostics.retain(|diagnostic| {
            let place = place(report.sources(), diagnostic);
            place.is_none_or(|place| having.get(&place.1) == reporting.get(&place))
        });
    }
}
