//! In: findings with fixes. Out: texts with the fixes applied.
//! A safe fix is kept only if the digest shows that every program that uses the file still makes the same decisions.
//! No fix that causes an error is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use presync::{Fix, Program, Sources, Span};

use crate::files::Texts;
use crate::findings::Findings;

/// A fix can enable others, but not endlessly.
const MAX_ROUNDS: usize = 100;

/// The result of fixing.
pub struct Fixed {
    /// By canonical path: the path to show, the text before and after.
    pub changed: BTreeMap<PathBuf, (PathBuf, String, String)>,
    pub fixed: usize,
}

/// Checks programs with other texts in place of some files.
pub type Check<'a, E> = dyn Fn(&Texts) -> Result<Findings, E> + 'a;

/// What to fix.
pub struct Fixes<'a, E> {
    pub check: &'a Check<'a, E>,
    /// The same path for every way to name a file.
    pub canonical: &'a dyn Fn(&Path) -> PathBuf,
    /// Canonical paths of the files that may change, or of folders that contain them: programs that nobody checks may use the
    /// others.
    pub named: Vec<PathBuf>,
    pub allow_unsafe: bool,
}

impl<E> Fixes<'_, E> {
    /// Applies the fixes in rounds until none is left.
    ///
    /// # Errors
    /// A check fails.
    pub fn apply(&self) -> Result<Fixed, E> {
        let mut fixer = Fixer {
            fixes: self,
            texts: Texts::new(),
            paths: BTreeMap::new(),
            refused: BTreeSet::new(),
        };
        let mut fixed = 0;
        for _ in 0..MAX_ROUNDS {
            // A round that keeps nothing still records which fixes to skip in the next.
            let Some(done) = fixer.round()? else {
                break;
            };
            fixed += done;
        }
        let mut changed = BTreeMap::new();
        for (path, after) in fixer.texts {
            let (shown, before) = &fixer.paths[&path];
            if *before != after {
                changed.insert(path, (shown.clone(), before.clone(), after));
            }
        }
        Ok(Fixed { changed, fixed })
    }
}

/// The locations and texts of one fix, by file.
type Edits = BTreeMap<PathBuf, Vec<(Span, String)>>;

struct Fixer<'a, E> {
    fixes: &'a Fixes<'a, E>,
    /// By canonical path; standard input is `-`.
    texts: Texts,
    /// The path to show, and the original text.
    paths: BTreeMap<PathBuf, (PathBuf, String)>,
    /// Fingerprints of findings whose fix was rejected for the current texts.
    refused: BTreeSet<String>,
}

impl<E> Fixer<'_, E> {
    /// One round: applies all fixes that do not overlap; returns how many were kept, `None` if
    /// there was nothing to try.
    fn round(&mut self) -> Result<Option<usize>, E> {
        let Fixes {
            check,
            canonical,
            named,
            allow_unsafe,
        } = self.fixes;
        let findings = check(&self.texts)?;
        let before = digests(&findings);
        let mut wanted: Vec<(String, bool, Edits)> = Vec::new();
        for found in &findings.found {
            let (diagnostic, known) = (&found.diagnostic, &found.fingerprint);
            let program = &findings.programs[found.program];
            let sources = program.report.sources();
            let usable = |fix: &&Fix| (fix.safe || *allow_unsafe) && !self.refused.contains(known);
            let Some(fix) = diagnostic.fixes.iter().find(usable) else {
                continue;
            };
            let mut edits = Edits::new();
            let places = fix.edits.iter().map(|(location, text)| {
                let shown = program.root.path_of(sources, location.file);
                (canonical(&shown), shown, location, text)
            });
            let places: Vec<_> = places.collect();
            if places
                .iter()
                .any(|(path, ..)| !named.iter().any(|named| path.starts_with(named)))
            {
                continue;
            }
            for (path, shown, location, text) in places {
                self.remember(&path, &shown, sources, location.file);
                edits
                    .entry(path)
                    .or_default()
                    .push((location.span, text.clone()));
            }
            let touches = |(_, _, other): &(String, bool, Edits)| overlap(other, &edits);
            if !wanted.iter().any(touches) {
                wanted.push((known.clone(), fix.safe, edits));
            }
        }
        // Apply safe fixes first and separately, so that they are proved.
        if wanted.iter().any(|(_, safe, _)| *safe) {
            wanted.retain(|(_, safe, _)| *safe);
        }
        if wanted.is_empty() {
            return Ok(None);
        }
        self.keep(&wanted, &before).map(Some)
    }

    fn remember(&mut self, path: &Path, shown: &Path, sources: &Sources, file: presync::FileId) {
        let text = || sources.file(file).text.clone();
        self.paths
            .entry(path.to_path_buf())
            .or_insert_with(|| (shown.to_path_buf(), text()));
        self.texts.entry(path.to_path_buf()).or_insert_with(text);
    }

    /// Keeps all of them, or bisects for those that pass the proof.
    fn keep(&mut self, wanted: &[(String, bool, Edits)], before: &[Digest]) -> Result<usize, E> {
        let texts = self.with(wanted);
        let after = (self.fixes.check)(&texts)?;
        let only_safe = wanted.iter().all(|(_, safe, _)| *safe);
        let holds =
            digests(&after)
                .iter()
                .zip(before)
                .all(|(after, before)| match (before, after) {
                    // A program with errors had no meaning to keep.
                    (Digest::Errors(before), Digest::Errors(after)) => after < before,
                    (Digest::Errors(_), Digest::Meaning(_)) => true,
                    (Digest::Meaning(_), Digest::Errors(_)) => false,
                    // If a program cannot be compiled, the proof is impossible.
                    (Digest::Meaning(before), Digest::Meaning(after)) => {
                        !only_safe || (before.is_some() && before == after)
                    }
                });
        if holds {
            self.texts = texts;
            self.refused.clear();
            return Ok(wanted.len());
        }
        if let [(known, ..)] = wanted {
            self.refused.insert(known.clone());
            return Ok(0);
        }
        // The first half may shift the locations of the second, which therefore waits for the next
        // round.
        let (first, _) = wanted.split_at(wanted.len().div_ceil(2));
        match self.keep(first, before)? {
            0 => self.keep(&wanted[first.len()..], before),
            kept => Ok(kept),
        }
    }

    fn with(&self, wanted: &[(String, bool, Edits)]) -> Texts {
        let mut texts = self.texts.clone();
        let mut all: BTreeMap<&PathBuf, Vec<&(Span, String)>> = BTreeMap::new();
        for (path, edits) in wanted.iter().flat_map(|(_, _, edits)| edits) {
            all.entry(path).or_default().extend(edits);
        }
        for (path, edits) in all {
            let Some(text) = texts.get_mut(path) else {
                continue;
            };
            let edits: Vec<(Span, String)> = edits.into_iter().cloned().collect();
            *text = fixed_texts(text, &edits);
        }
        texts
    }
}

/// A text with the edits of fixes, which do not overlap. A line that a deletion leaves empty goes, too.
pub(crate) fn fixed_texts(before: &str, edits: &[(Span, String)]) -> String {
    let mut text = before.to_owned();
    let mut edits: Vec<&(Span, String)> = edits.iter().collect();
    edits.sort_by_key(|(span, _)| *span);
    for (span, with) in edits.into_iter().rev() {
        let (start, end) = (span.start as usize, span.end as usize);
        let within_line = !text[start..end].ends_with('\n');
        text.replace_range(start..end, with);
        if with.is_empty() && within_line {
            drop_empty_line(&mut text, start);
        }
    }
    text
}

/// Removes the line at a position if it is empty.
fn drop_empty_line(text: &mut String, at: usize) {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[at..]
        .find('\n')
        .map_or(text.len(), |newline| at + newline + 1);
    if text[start..end].trim().is_empty() {
        text.replace_range(start..end, "");
    }
}

fn overlap(one: &Edits, other: &Edits) -> bool {
    // Adjacent edits are compatible, unless one of them is an insertion.
    let empty = |span: &Span| span.start == span.end;
    let touch = |a: &Span, b: &Span| {
        (a.start < b.end && b.start < a.end)
            || ((empty(a) || empty(b)) && a.start <= b.end && b.start <= a.end)
    };
    one.iter().any(|(path, edits)| {
        let others = other.get(path).into_iter().flatten();
        others
            .into_iter()
            .any(|(b, _)| edits.iter().any(|(a, _)| touch(a, b)))
    })
}

/// The digest of a program's meaning, or its number of errors.
enum Digest {
    /// `None`: too complex to compile.
    Meaning(Option<String>),
    Errors(usize),
}

fn digests(findings: &Findings) -> Vec<Digest> {
    let programs = findings.programs.iter().enumerate();
    programs
        .map(|(at, program)| match &program.report.program {
            Some(program) => Digest::Meaning(meaning(program)),
            None => Digest::Errors(
                findings
                    .found
                    .iter()
                    .filter(|found| found.program == at && found.diagnostic.code.default.is_none())
                    .count(),
            ),
        })
        .collect()
}

/// The digest of a program's meaning; `None` if it is too complex to compile.
pub fn meaning(program: &Program) -> Option<String> {
    program.compile().ok()?.digest().ok().map(str::to_owned)
}
