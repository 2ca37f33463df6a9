//! What a finding is about, without what changes when lines move, `fmt` runs, or a list gets longer; and its hash.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Places;
use presync::{Diagnostic, Sources};

/// What a finding is about, by name. Neither its message nor its states are part of it: a message may be reworded, and
/// one finding may list more or fewer states after a change.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Subject {
    pub code: String,
    /// From the root of the repository or project.
    pub file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// The source that the finding points at, without white space and commas, which `fmt` changes.
    pub text: String,
}

/// One for each finding, in order.
pub fn subjects<'a>(
    found: impl Iterator<Item = (&'a Diagnostic, &'a Sources)>,
    places: &dyn Places,
) -> Vec<Subject> {
    let mut files: HashMap<String, String> = HashMap::new();
    let subject = |(diagnostic, sources): (&Diagnostic, &Sources)| {
        let (file, text) = diagnostic
            .location()
            .map_or_else(Default::default, |location| {
                let shown = sources.shown_path(location.file);
                let file = files
                    .entry(shown)
                    .or_insert_with_key(|shown| places.project_path(shown));
                let kept = |char: &char| !char.is_whitespace() && *char != ',';
                // The first characters of a long text are enough to identify it.
                let text = sources.text(location).chars().filter(kept).take(500);
                (file.clone(), text.collect())
            });
        Subject {
            code: diagnostic.code.name.to_owned(),
            file,
            role: diagnostic.data.role.clone(),
            from: diagnostic.data.from.clone(),
            to: diagnostic.data.to.clone(),
            names: diagnostic.data.names.clone(),
            text,
        }
    };
    found.map(subject).collect()
}

/// A hash for each subject, in order; identical subjects are numbered.
pub fn fingerprints(subjects: &[Subject]) -> Vec<String> {
    let mut seen: HashMap<&Subject, u32> = HashMap::new();
    let hashes = subjects.iter().map(|subject| {
        let number = seen.entry(subject).or_default();
        *number += 1;
        let key = serde_json::to_string(subject).expect("a subject is always JSON");
        let hash = Sha256::digest(format!("{key}\u{0}{number}"));
        let hash = hash.iter().take(16);
        hash.map(|byte| format!("{byte:02x}")).collect()
    });
    hashes.collect()
}
