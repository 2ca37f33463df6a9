//! A record of known findings, so that only new ones are reported.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::CommandError;
use crate::files;
use crate::places::Disk;
use presync::{Severity, StateName};
use presync_ide::{Findings, FoundDiagnostic};
use presync_report::{Places, Subject};

/// Version of the file. Version 1 identified findings by their messages, version 2 by the text of their line.
const VERSION: u32 = 3;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Baseline {
    version: u32,
    findings: Vec<KnownFinding>,
}

#[derive(Clone, Serialize, Deserialize)]
struct KnownFinding {
    #[serde(flatten)]
    about: Subject,
    /// A finding about some of these states is known, too.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    states: BTreeSet<StateName>,
}

/// What a baseline says of findings.
pub struct KnownFindings {
    /// How many are known.
    pub known: usize,
    /// How many recorded ones no longer occur in the files that were checked.
    pub gone: usize,
}

/// Only lints are recorded: errors and notes are always reported.
fn can_be_known(found: &FoundDiagnostic) -> bool {
    found.diagnostic.code.default.is_some() && found.diagnostic.severity != Severity::Info
}

/// Records all findings in a file and removes them; returns how many.
///
/// # Errors
/// The file cannot be written, or is one that was checked.
pub fn write(path: &Path, findings: &mut Findings) -> Result<usize, CommandError> {
    let checked = findings.files();
    let checked: Vec<_> = checked
        .iter()
        .map(|file| ("a checked file", Path::new(file)))
        .collect();
    files::distinct(&checked, &[("`--baseline`", path)])?;
    let (known, new): (Vec<_>, Vec<_>) = std::mem::take(&mut findings.found)
        .into_iter()
        .partition(can_be_known);
    findings.found = new;
    let record = Baseline {
        version: VERSION,
        findings: known.into_iter().map(KnownFinding::from).collect(),
    };
    let text = serde_json::to_string_pretty(&record).map_err(std::io::Error::from)?;
    files::write_atomically(path, format!("{text}\n").as_bytes())?;
    Ok(record.findings.len())
}

/// Removes the findings that a file records.
///
/// # Errors
/// The file cannot be read, or is not a baseline.
pub fn apply(path: &Path, findings: &mut Findings) -> Result<KnownFindings, CommandError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(CommandError::Usage(format!(
                "cannot read the baseline `{}`: file not found; `--write-baseline` writes it",
                path.display()
            )));
        }
        Err(error) => return Err(files::cannot_read(path, &error)),
    };
    let wrong =
        |why: String| CommandError::Usage(format!("`{}` is not a baseline: {why}", path.display()));
    let version = serde_json::from_str::<serde_json::Value>(&text)
        .ok()
        .and_then(|value| value.get("version")?.as_u64());
    if let Some(version) = version.filter(|version| *version != u64::from(VERSION)) {
        return Err(wrong(format!(
            "it has version {version}, but this presync writes version {VERSION}; write it again with `--write-baseline`"
        )));
    }
    let record: Baseline = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    Ok(remove(record.findings, findings))
}

/// Removes the findings that occurred before.
pub fn remove_earlier(earlier: Findings, findings: &mut Findings) -> KnownFindings {
    let known = earlier.found.into_iter().map(KnownFinding::from);
    remove(known.collect(), findings)
}

impl From<FoundDiagnostic> for KnownFinding {
    fn from(found: FoundDiagnostic) -> Self {
        Self {
            states: found.diagnostic.data.states.iter().cloned().collect(),
            about: found.subject,
        }
    }
}

fn remove(record: Vec<KnownFinding>, findings: &mut Findings) -> KnownFindings {
    let mut left: HashMap<Subject, Vec<BTreeSet<StateName>>> = HashMap::new();
    for known in record {
        left.entry(known.about).or_default().push(known.states);
    }
    let mut known = 0;
    let found = std::mem::take(&mut findings.found);
    for found in found {
        let states: BTreeSet<&StateName> = found.diagnostic.data.states.iter().collect();
        let candidates = left
            .get_mut(&found.subject)
            .filter(|_| can_be_known(&found));
        // The closest one, so that others remain for other findings.
        let closest = candidates.and_then(|candidates| {
            let covers = |of: &&BTreeSet<StateName>| states.iter().all(|state| of.contains(*state));
            let best = candidates.iter().filter(covers).min_by_key(|of| of.len())?;
            let at = candidates.iter().position(|of| of == best)?;
            Some(candidates.swap_remove(at))
        });
        if closest.is_some() {
            known += 1;
        } else {
            findings.found.push(found);
        }
    }
    // Some findings of a program with errors wait until it has none.
    let checked: BTreeSet<String> = findings
        .files_without_errors()
        .iter()
        .map(|file| Disk.project_path(file))
        .collect();
    let gone = left
        .iter()
        .filter(|(about, _)| checked.contains(&about.file))
        .map(|(_, of)| of.len())
        .sum();
    KnownFindings { known, gone }
}
