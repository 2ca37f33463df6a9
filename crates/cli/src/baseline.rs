//! A record of known findings, so that only new ones are reported.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::CommandError;
use crate::files;
use crate::findings::Findings;
use presync::{CheckReport, Severity};

/// Version of the file; version 1 identified findings by their messages.
const VERSION: u32 = 2;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Baseline {
    version: u32,
    /// By fingerprint, which is stable when lines move.
    findings: BTreeMap<String, KnownFinding>,
}

#[derive(Serialize, Deserialize)]
struct KnownFinding {
    code: String,
    message: String,
}

/// The result of applying a baseline.
pub enum Applied {
    /// The file did not exist and was written with this many findings.
    Recorded(usize),
    /// The number of known findings, and the number of recorded ones that no longer occur.
    Known(usize, usize),
}

/// Removes known findings, or records all findings if the file does not exist. Errors are never
/// recorded or removed.
pub fn apply(path: &Path, findings: &mut Findings) -> Result<Applied, CommandError> {
    let can_be_known = |programs: &[(_, CheckReport)], at: usize| programs[at].1.program.is_some();
    if !path.exists() {
        let lints = findings.found.iter().filter(|(at, diagnostic, _)| {
            can_be_known(&findings.programs, *at) && diagnostic.severity != Severity::Info
        });
        let known = |(_, diagnostic, fingerprint): &(usize, presync::Diagnostic, String)| {
            (
                fingerprint.clone(),
                KnownFinding {
                    code: diagnostic.code.name.to_owned(),
                    message: diagnostic.message.clone(),
                },
            )
        };
        let record = Baseline {
            version: VERSION,
            findings: lints.map(known).collect(),
        };
        let text = serde_json::to_string_pretty(&record).map_err(std::io::Error::from)?;
        files::write_atomically(path, format!("{text}\n").as_bytes())?;
        findings
            .found
            .retain(|(_, _, fingerprint)| !record.findings.contains_key(fingerprint));
        return Ok(Applied::Recorded(record.findings.len()));
    }
    let text = std::fs::read_to_string(path).map_err(|error| files::cannot_read(path, &error))?;
    let wrong =
        |why: String| CommandError::Usage(format!("`{}` is not a baseline: {why}", path.display()));
    let record: Baseline = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    if record.version != VERSION {
        let version = record.version;
        return Err(wrong(format!(
            "it has version {version}, but this presync writes version {VERSION}; delete it and run `check` again to \
create a new one"
        )));
    }
    let before = findings.found.len();
    findings.found.retain(|(at, _, fingerprint)| {
        findings.programs[*at].1.program.is_none() || !record.findings.contains_key(fingerprint)
    });
    let known = before - findings.found.len();
    Ok(Applied::Known(
        known,
        record.findings.len().saturating_sub(known),
    ))
}
