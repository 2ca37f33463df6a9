//! In: the grammar rules that could have matched where parsing failed. Out: a phrase for the error message.
//! The phrase never contains the name of a grammar rule; rules that users should not see have no phrase.

use crate::syntax::Rule;
use crate::syntax::rules::{Kind, kind};

/// `a state or group`, `` `->` or `|` ``; empty if nothing is worth mentioning.
pub(super) fn words(rules: &[Rule]) -> String {
    let has = |rule: Rule| rules.contains(&rule);
    let state = has(Rule::state_ref);
    let condition = rules.iter().any(|rule| is_condition(*rule));
    let mut names: Vec<&str> = Vec::new();
    let mut symbols: Vec<String> = Vec::new();
    for &rule in rules {
        let hidden = match rule {
            Rule::kw_any
            | Rule::kw_otherwise
            | Rule::kw_unchanged
            | Rule::kw_unmapped
            | Rule::kw_previous => state || has(Rule::value_ref),
            Rule::kw_by => has(Rule::kw_is),
            Rule::kw_not | Rule::paren_open => condition || has(Rule::system_ref),
            Rule::at_allow | Rule::EOI => rules.len() > 1,
            Rule::comma => {
                !has(Rule::paren_close)
                    && rules
                        .iter()
                        .any(|rule| !matches!(rule, Rule::comma | Rule::EOI))
            }
            Rule::kw_override => has(Rule::system_ref) || has(Rule::side),
            _ => false,
        };
        if hidden {
            continue;
        }
        match kind(rule) {
            Kind::Named(name) if !names.contains(&name) => names.push(name),
            // The first token of a block.
            _ if rule == Rule::block => add_sign("{", &mut symbols),
            Kind::Sign(sign) => add_sign(sign, &mut symbols),
            Kind::Named(_) | Kind::Part | Kind::Silent => {}
        }
    }
    let mut words: Vec<String> = names.into_iter().map(str::to_owned).collect();
    words.extend(symbols);
    join(&words)
}

fn add_sign(sign: &str, signs: &mut Vec<String>) {
    let sign = format!("`{sign}`");
    if !signs.contains(&sign) {
        signs.push(sign);
    }
}

/// Whether a name is valid there, so that quoting a keyword would help.
pub(super) fn takes_a_name(rules: &[Rule]) -> bool {
    let no_name = ["a number", "a quoted text", "a state"];
    rules
        .iter()
        .any(|rule| matches!(kind(*rule), Kind::Named(name) if !no_name.contains(&name)))
}

/// Whether a state declaration is valid there.
pub(super) fn begins_a_state(rules: &[Rule]) -> bool {
    rules
        .iter()
        .any(|rule| matches!(rule, Rule::system_item | Rule::system_start))
}

pub(super) fn join(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

fn is_condition(rule: Rule) -> bool {
    kind(rule) == Kind::Named("a condition")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn optional_words_are_left_out() {
        assert_eq!(
            words(&[Rule::kw_any, Rule::kw_otherwise, Rule::state_ref]),
            "a state or group"
        );
        assert_eq!(
            words(&[Rule::pipe, Rule::two_way, Rule::one_way]),
            "`|`, `<->` or `->`"
        );
        assert_eq!(
            words(&[Rule::kw_not, Rule::paren_open, Rule::fact_ref]),
            "a condition"
        );
    }
}
