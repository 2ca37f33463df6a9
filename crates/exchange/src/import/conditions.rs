//! In: the condition of a row, in the language or in words. Out: a condition of the language, and the facts that it needs.

use indexmap::IndexSet;

use crate::import::vocabulary::Vocabularies;
use presync::tree::{Condition, ConditionKind, DeclarationKind};
use presync::{FileId, SourceFile, quote};

/// The conditions of a table.
#[derive(Default)]
pub(super) struct TableConditions {
    /// Bare names that conditions use.
    names: IndexSet<String>,
}

impl TableConditions {
    /// Reads a condition; nothing for one that always holds.
    ///
    /// # Errors
    /// It has no words.
    pub fn read(
        &mut self,
        text: &str,
        vocabularies: &Vocabularies,
    ) -> Result<Option<String>, String> {
        let plain = text.trim();
        if matches!(
            plain.to_lowercase().as_str(),
            "" | "-" | "always" | "any" | "all" | "none" | "n/a" | "*"
        ) {
            return Ok(None);
        }
        if let Some(names) = in_language(plain) {
            self.names.extend(names);
            return Ok(Some(plain.to_owned()));
        }
        // Brackets, comparisons and signs mean something that words do not say.
        let unclear = plain
            .chars()
            .any(|char| "()[]!<>=|\"\u{2264}\u{2265}\u{2260}".contains(char));
        let first = plain
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_lowercase();
        if unclear || ["unless", "if", "when"].contains(&first.as_str()) {
            return Err(format!(
                "unclear condition `{plain}`: write it as in the language, for example `in_queue and (on_call or vip)`"
            ));
        }
        let text: Vec<&str> = plain
            .split('\n')
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        let begins = |line: &str, word: &str| line.to_lowercase().starts_with(word);
        let plain = text
            .iter()
            .enumerate()
            .fold(String::new(), |whole, (at, line)| {
                let joined = at == 0 || begins(line, "or ") || begins(line, "and ");
                format!("{whole}{}{line}", if joined { " " } else { " and " })
            });
        let plain = plain.trim();
        let mut alternatives = Vec::new();
        for alternative in split(plain, &[" or ", " OR ", " Or "]) {
            let parts = split(
                &alternative,
                &[" and ", " AND ", " And ", "&&", "&", "+", ";", ","],
            );
            let mut conditions = Vec::new();
            for part in parts {
                conditions.push(self.phrase(&part, vocabularies)?);
            }
            alternatives.push(conditions.join(" and "));
        }
        Ok(Some(alternatives.join(" or ")))
    }

    /// `not logged in to CIC` becomes `not logged_in_to_cic`.
    fn phrase(&mut self, phrase: &str, vocabularies: &Vocabularies) -> Result<String, String> {
        let lower = phrase.trim().to_lowercase();
        let negated = ["not ", "no ", "without "]
            .iter()
            .find_map(|word| lower.strip_prefix(word));
        let words: Vec<&str> = negated
            .unwrap_or(&lower)
            .split(|char: char| !char.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        if words.is_empty() {
            return Err(format!("empty condition `{phrase}`"));
        }
        let name = words.join("_");
        // `CIC logged in` and `logged in to CIC` are one fact of a vocabulary.
        let turned = match words.as_slice() {
            [verb, "in", "to" | "into", system @ ..] => {
                Some(format!("{}_{verb}_in", system.join("_")))
            }
            _ => None,
        };
        let turned = turned.filter(|turned| vocabularies.has_condition(turned));
        let name = turned.unwrap_or(name);
        self.names.insert(name.clone());
        let not = if negated.is_some() { "not " } else { "" };
        Ok(format!("{not}{}", quote(&name)))
    }

    /// The names that none of these vocabularies declares.
    pub fn undeclared(&self, vocabularies: &[&str]) -> Vec<String> {
        let names = self.names.iter();
        let undeclared = names.filter(|name| !Vocabularies::declare(vocabularies, name));
        undeclared.cloned().collect()
    }
}

fn split(text: &str, marks: &[&str]) -> Vec<String> {
    let mut parts = vec![text.to_owned()];
    for mark in marks {
        parts = parts
            .iter()
            .flat_map(|part| part.split(mark).map(str::to_owned))
            .collect();
    }
    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// The bare names in a condition that is already one of the language.
pub(super) fn in_language(text: &str) -> Option<Vec<String>> {
    let source = format!("condition c = {text}\n");
    let file = SourceFile::new("", source.into_bytes(), false);
    let (tree, errors) = presync::parse_file(FileId(0), &file);
    let [declaration] = tree.declarations.as_slice() else {
        return None;
    };
    match &declaration.kind {
        DeclarationKind::Condition { condition, .. } if errors.is_empty() => {
            let mut names = Vec::new();
            bare_names(condition, &mut names);
            Some(names)
        }
        _ => None,
    }
}

fn bare_names(condition: &Condition, names: &mut Vec<String>) {
    match &condition.kind {
        ConditionKind::And(parts) | ConditionKind::Or(parts) => {
            parts.iter().for_each(|part| bare_names(part, names));
        }
        ConditionKind::Not { inner, .. } => bare_names(inner, names),
        ConditionKind::Name(name) => names.push(name.text.to_string()),
        ConditionKind::Is { .. } | ConditionKind::ByHand(_) => {}
    }
}
