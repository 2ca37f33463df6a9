//! Sentences shared by several formats.

use std::collections::BTreeMap;

use presync::quote;
use presync::{Code, Diagnostic, Severity, Witness, WitnessValue};

use crate::Finding;

/// `2 errors, 1 warning`
pub fn summary<'a>(diagnostics: impl Iterator<Item = &'a Diagnostic> + Clone) -> String {
    let count = |severity: Severity| {
        diagnostics
            .clone()
            .filter(|diagnostic| diagnostic.severity == severity)
            .count()
    };
    let part = |count: usize, word: &str| match count {
        0 => None,
        1 => Some(format!("1 {word}")),
        count => Some(format!("{count} {word}s")),
    };
    let parts = [
        part(count(Severity::Error), "error"),
        part(count(Severity::Warning), "warning"),
        part(count(Severity::Info), "note"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        "no findings".to_owned()
    } else {
        parts.join(", ")
    }
}

/// A situation as conditions of the language, only the relevant ones.
pub fn situation(situation: &Witness) -> String {
    let relevant = |name: &String| situation.relevant.contains(name);
    let facts = situation
        .facts
        .iter()
        .filter(|(name, _)| relevant(name))
        .map(|(name, value)| match value {
            WitnessValue::Flag(true) => quote(name),
            WitnessValue::Flag(false) => format!("not {}", quote(name)),
            WitnessValue::Choice(value) => format!("{} is {}", quote(name), quote(value)),
        });
    let states = situation
        .states
        .iter()
        .filter(|(name, _)| relevant(name))
        .map(|(name, state)| match state {
            Some(state) => format!("{} is {}", quote(name), quote(state)),
            None => format!("{} unknown", quote(name)),
        });
    facts.chain(states).collect::<Vec<_>>().join(", ")
}

/// The number of findings for each code, most frequent first.
pub fn statistics(found: &[Finding<'_>]) -> String {
    let mut counts: BTreeMap<&Code, usize> = BTreeMap::new();
    for found in found {
        *counts.entry(found.diagnostic.code).or_default() += 1;
    }
    let mut counts: Vec<(&Code, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(code, count)| (std::cmp::Reverse(*count), *code));
    counts
        .iter()
        .map(|(code, count)| format!("{count:5}  {:22}{}\n", code.name, code.summary))
        .collect()
}
