//! In: a place where the grammar gave up and what it would have taken there. Out: the sentence for people.
//! Never the name of a grammar rule: a rule that nobody should read about has no word here.

use crate::syntax::Rule;

/// `a state or group`, `` `->` or `|` ``; empty when there is nothing worth saying.
pub(super) fn words(rules: &[Rule]) -> String {
    let has = |rule: Rule| rules.contains(&rule);
    let state = has(Rule::state_ref);
    let condition = rules.iter().any(|rule| is_condition(*rule));
    let mut names: Vec<&str> = Vec::new();
    let mut symbols: Vec<String> = Vec::new();
    for &rule in rules {
        let hidden = match rule {
            Rule::kw_any | Rule::kw_otherwise | Rule::kw_unchanged | Rule::kw_unmapped => {
                state || has(Rule::value_ref)
            }
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
        if let Some(name) = name_of(rule) {
            if !names.contains(&name) {
                names.push(name);
            }
        } else if let Some(symbol) = symbol_of(rule) {
            let symbol = format!("`{symbol}`");
            if !symbols.contains(&symbol) {
                symbols.push(symbol);
            }
        }
    }
    let mut words: Vec<String> = names.into_iter().map(str::to_owned).collect();
    words.extend(symbols);
    join(&words)
}

/// Whether a name could stand there, so that a keyword wants quotes.
pub(super) fn takes_a_name(rules: &[Rule]) -> bool {
    let no_name = ["a number", "a text in quotes", "a state"];
    rules
        .iter()
        .any(|rule| name_of(*rule).is_some_and(|name| !no_name.contains(&name)))
}

/// Whether a state is declared there.
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
    matches!(
        rule,
        Rule::fact_ref | Rule::condition | Rule::conjunction | Rule::negation | Rule::atom
    )
}

fn name_of(rule: Rule) -> Option<&'static str> {
    Some(match rule {
        _ if is_condition(rule) => "a condition",
        Rule::new_name => "a name",
        Rule::new_id => "an id",
        Rule::new_value => "a value",
        Rule::system_ref | Rule::side | Rule::event | Rule::expected | Rule::observed => "a system",
        Rule::state_ref => "a state or group",
        Rule::value_ref => "a state or value",
        Rule::attribute_ref => "an attribute",
        Rule::mapping_ref => "a mapping",
        Rule::profile_ref => "a profile",
        Rule::role_ref => "a role",
        Rule::use_ref => "a vocabulary or a file in quotes",
        Rule::text => "a text in quotes",
        Rule::number => "a number",
        Rule::lint_code => "a diagnostic code",
        Rule::item | Rule::leaf_start | Rule::sync_rule | Rule::apply | Rule::append => "a rule",
        Rule::test_item | Rule::test_start => "an expectation",
        Rule::scenario_item | Rule::scenario_start => "a step",
        Rule::system_item | Rule::system_start => "a state",
        Rule::declaration => "a declaration",
        Rule::command => "a command",
        Rule::assignment | Rule::given_argument => "a fact or a system",
        Rule::EOI => "the end of the declaration",
        _ => return None,
    })
}

fn symbol_of(rule: Rule) -> Option<String> {
    Some(match rule {
        Rule::one_way => "->".to_owned(),
        Rule::two_way => "<->".to_owned(),
        Rule::gives => "=>".to_owned(),
        Rule::equals => "=".to_owned(),
        Rule::pipe => "|".to_owned(),
        Rule::comma => ",".to_owned(),
        Rule::colon => ":".to_owned(),
        Rule::dot => ".".to_owned(),
        Rule::brace_open => "{".to_owned(),
        Rule::brace_close => "}".to_owned(),
        Rule::paren_open => "(".to_owned(),
        Rule::paren_close => ")".to_owned(),
        Rule::at_allow => "@allow".to_owned(),
        Rule::block => "{".to_owned(),
        // `kw_when` is the word `when`.
        rule => format!("{rule:?}").strip_prefix("kw_")?.to_owned(),
    })
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
