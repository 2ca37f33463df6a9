//! Sentences shared by several formats.

use std::collections::BTreeMap;

use presync::quote;
use presync::{Code, Diagnostic, Severity, WitnessValue};

use crate::Finding;

/// `2 errors, 1 warning (2 conflict, 1 gap)`
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
    let mut codes: BTreeMap<&Code, usize> = BTreeMap::new();
    for diagnostic in diagnostics {
        *codes.entry(diagnostic.code).or_default() += 1;
    }
    let mut codes: Vec<(&Code, usize)> = codes.into_iter().collect();
    codes.sort_by_key(|(code, count)| (std::cmp::Reverse(*count), *code));
    let by_code = codes.iter();
    let by_code = by_code.map(|(code, count)| format!("{count} {}", code.name));
    let by_code: Vec<String> = by_code.collect();
    match by_code.len() {
        0 => "no findings".to_owned(),
        1 => parts.join(", "),
        _ => format!("{} ({})", parts.join(", "), by_code.join(", ")),
    }
}

/// The situation of a finding as conditions of the language, only the relevant ones.
pub fn situation(found: &Diagnostic) -> Option<String> {
    let situation = found.situation.as_ref()?;
    // The system that changes is always by hand.
    let by_hand = |name: &String| {
        let is_other = found.data.from.as_ref() != Some(name);
        is_other && situation.by_hand.contains(&(name.clone(), true))
    };
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
            Some(state) if by_hand(name) => {
                format!("{} is {} by hand", quote(name), quote(state))
            }
            Some(state) => format!("{} is {}", quote(name), quote(state)),
            None => format!("{} unknown", quote(name)),
        });
    let conditions: Vec<String> = facts.chain(states).collect();
    Some(format!("situation: {}", conditions.join(", ")))
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

/// Formats 1152 as `1,152`.
pub fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
