//! In: root files. Out: everything that is wrong with their programs, each thing once, in the order people read it.

use crate::error::CommandError;
use crate::places::Disk;
use crate::project::{FileAccess, Overlay};
use crate::{config, project};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use presync::diagnostic::Diagnostic;
use presync::lint::Settings;
use presync::program::Program;
use presync_report::{Finding, fingerprints};

/// Checked programs with what was found in them.
pub struct Findings {
    /// By root file; `true`: it has errors.
    pub programs: Vec<(PathBuf, Program, bool)>,
    /// The index of a program, what was found there, and what it is known by when lines move.
    pub found: Vec<(usize, Diagnostic, String)>,
}

impl Findings {
    /// Checks and lints; `instead` holds texts that are not written yet.
    pub fn collect(
        roots: &[PathBuf],
        levels: &[String],
        instead: Option<&Overlay>,
        file_access: FileAccess,
    ) -> Result<Self, CommandError> {
        let mut programs = Vec::with_capacity(roots.len());
        let mut found: Vec<Vec<Diagnostic>> = Vec::with_capacity(roots.len());
        let settings: Vec<Settings> = roots
            .iter()
            .map(|root| config::settings(root, levels))
            .collect::<Result<_, _>>()?;
        for (root, settings) in roots.iter().zip(&settings) {
            let (program, mut diagnostics) =
                presync::resolve::check(project::parse_with(root, instead, file_access)?);
            let broken = !diagnostics.is_empty();
            if !broken {
                diagnostics = presync::lint::run(&program, settings);
            }
            programs.push((root.clone(), program, broken));
            found.push(diagnostics);
        }
        config::check_attributes(&settings, programs.iter().map(|(_, program, _)| program))?;
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
            let sources = &programs[*at].1.sources;
            let labels = diagnostic
                .labels
                .iter()
                .map(|label| (sources.shown_path(label.location.file), label.location.span));
            (
                labels.collect::<Vec<_>>(),
                diagnostic.code,
                diagnostic.message.clone(),
            )
        };
        found.sort_by_cached_key(key);
        // A file that several programs use is told of once.
        let mut told = BTreeSet::new();
        found.retain(|one| told.insert(key(one)));
        let known = fingerprints(
            found
                .iter()
                .map(|(at, diagnostic)| (diagnostic, &programs[*at].1.sources)),
            &Disk,
        );
        let found = found
            .into_iter()
            .zip(known)
            .map(|((at, diagnostic), known)| (at, diagnostic, known))
            .collect();
        Ok(Self { programs, found })
    }

    pub fn iter(&self) -> impl Iterator<Item = Finding<'_>> {
        self.found
            .iter()
            .map(|(at, diagnostic, fingerprint)| Finding {
                diagnostic,
                sources: &self.programs[*at].1.sources,
                fingerprint,
            })
    }

    /// Every file that was looked at, bundled ones left out, as the user would type them.
    pub fn files(&self) -> BTreeSet<String> {
        let sources = self.programs.iter().map(|(_, program, _)| &program.sources);
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

/// Where a file of a program lies.
pub fn path_of(root: &Path, program: &Program, file: presync::source::FileId) -> PathBuf {
    if file.0 == 0 {
        root.to_path_buf()
    } else {
        PathBuf::from(program.sources.shown_path(file))
    }
}

/// What one program leaves unused counts only if no other program that has the file uses it.
fn used_elsewhere(programs: &[(PathBuf, Program, bool)], found: &mut [Vec<Diagnostic>]) {
    let place = |program: &Program, diagnostic: &Diagnostic| {
        let location = diagnostic.location()?;
        Some((
            program.sources.shown_path(location.file),
            location.span.start,
        ))
    };
    let mut unused: BTreeMap<(String, u32), usize> = BTreeMap::new();
    let mut having: BTreeMap<String, usize> = BTreeMap::new();
    for ((_, program, _), diagnostics) in programs.iter().zip(found.iter()) {
        for (id, _) in program.sources.iter() {
            *having.entry(program.sources.shown_path(id)).or_default() += 1;
        }
        let places = diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.code == "unused");
        for place in places.filter_map(|diagnostic| place(program, diagnostic)) {
            *unused.entry(place).or_default() += 1;
        }
    }
    for ((_, program, _), diagnostics) in programs.iter().zip(found) {
        diagnostics.retain(|diagnostic| {
            let known = place(program, diagnostic).filter(|_| diagnostic.code == "unused");
            known.is_none_or(|place| having.get(&place.0) == unused.get(&place))
        });
    }
}
