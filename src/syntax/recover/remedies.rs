//! In: where parsing failed, and the word found there. Out: what to write instead, if it can be guessed.

use crate::errors::syntax::SyntaxHelp;
use crate::syntax::lexer::{Token, TokenKind};
use crate::syntax::recover::{Failure, Recovery};
use crate::syntax::{Rule, expected};
use crate::token;
use presync_engine::nearest;

/// Words that begin a statement or declaration in other languages, and what to write instead.
const FOREIGN_KEYWORDS: &[(&[&str], &str)] = &[
    (
        &["if"],
        "start a condition with `when`: `when in_queue: cic Available -> lync Busy`",
    ),
    (
        &["unless"],
        "negate a condition with `not`: `when not in_queue: cic Available -> lync Busy`",
    ),
    (
        &["else"],
        "write the other case as its own `when`: `when not in_queue { ... }`",
    ),
    (
        &["default"],
        "map all remaining states with `cic otherwise -> lync Away`",
    ),
    (
        &["expect", "assert", "then"],
        "write an expectation without a keyword: `cic Available => lync Away`",
    ),
    (
        &["change", "event"],
        "write a change without a keyword: `cic Available => lync Away`",
    ),
    (
        &["import", "include", "require"],
        "include a file with `use \"states.presync\"`, and a vocabulary with `use cic_lync`",
    ),
    (
        &["let", "const", "var", "def"],
        "name a condition with `condition away = not in_queue`",
    ),
];

/// The help for one mistake: in a statement that begins with `first` (any, if empty), the grammar expected `wanted`
/// but found one of the words in `found` (any, if empty).
struct Remedy {
    first: &'static str,
    wanted: Rule,
    found: &'static [&'static str],
    help: &'static str,
}

/// The first match wins.
const REMEDIES: &[Remedy] = &[
    remedy(
        "",
        Rule::kw_otherwise,
        &["nothing", "unmapped"],
        "to leave a system as it is, write `lync unchanged`",
    ),
    remedy(
        "",
        Rule::kw_otherwise,
        &["default"],
        "map all remaining states with `cic otherwise -> lync Away`",
    ),
    remedy(
        "",
        Rule::kw_otherwise,
        &["all"],
        "write `cic any` for every state; for an attribute, declare `group cic.silent = all dnd` and write `cic silent`",
    ),
    remedy(
        "",
        Rule::kw_otherwise,
        &["not"],
        "list the states with `|`, or write `cic otherwise` for all that no other rule maps",
    ),
    remedy(
        "",
        Rule::kw_otherwise,
        &[".", ":", "="],
        "separate system and state with a space: `cic Available -> lync Away`",
    ),
    remedy(
        "",
        Rule::kw_hand,
        &[],
        "write `lync by hand` for a state that a person chose, and `not lync by hand` for any other",
    ),
    remedy(
        "",
        Rule::one_way,
        &["and", "or", ","],
        "join states with `|`",
    ),
    remedy(
        "",
        Rule::one_way,
        &["except", "but", "without"],
        "write a rule for each exception, and `otherwise` for all other states",
    ),
    remedy(
        "",
        Rule::one_way,
        &["to"],
        "write the arrow of a rule as `->`, or `<->` for both directions",
    ),
    remedy(
        "",
        Rule::one_way,
        &["=>", "="],
        "write the arrow of a rule as `->` or `<->` (`=>` is for tests)",
    ),
    remedy(
        "",
        Rule::kw_is,
        &["=", "not"],
        "compare with `is` or `is not`: `lync is Busy`, `user_type is not im`",
    ),
    remedy(
        "",
        Rule::kw_and,
        &[",", "AND", "And"],
        "join conditions with `and`",
    ),
    remedy("", Rule::kw_or, &["OR", "Or"], "join conditions with `or`"),
    remedy(
        "",
        Rule::kw_unmapped,
        &["nothing"],
        "write `lync unchanged` for a rule with `unchanged`, or `lync unmapped` if no rule applies",
    ),
    remedy(
        "",
        Rule::expected,
        &["nothing"],
        "name the system: `=> lync unchanged` for a rule with `unchanged`, or `=> lync unmapped` if no rule applies",
    ),
    remedy(
        "",
        Rule::gives,
        &["->", "<->", "="],
        "write `=>` before an expectation",
    ),
    remedy(
        "",
        Rule::test_start,
        &["set", "when"],
        "write the conditions of a test after `given`: `given in_queue`",
    ),
    remedy(
        "",
        Rule::test_start,
        &["uses", "profile"],
        "name the role to test: `role \"Agents\"`",
    ),
    remedy("", Rule::test_start, &["="], FACTS),
    remedy(
        "",
        Rule::scenario_start,
        &["given", "when"],
        "set facts in a scenario with `set in_queue`",
    ),
    remedy("", Rule::scenario_start, &["="], FACTS),
    remedy(
        "append",
        Rule::text,
        &[],
        "write an appendix as `append \"in queue\" to lync`",
    ),
    remedy(
        "append",
        Rule::kw_to,
        &[],
        "write an appendix as `append \"in queue\" to lync`",
    ),
    remedy(
        "role",
        Rule::kw_uses,
        &[],
        "write a role as `role \"Agents\" uses \"Voice\", \"IM Only\"`",
    ),
    remedy(
        "role",
        Rule::comma,
        &["and", "|"],
        "separate the profiles of a role with `,`",
    ),
    remedy(
        "",
        Rule::new_name,
        &["uses", "when", "{"],
        "add the missing name before this",
    ),
    remedy(
        "",
        Rule::duration,
        &[],
        "write a duration as `30s`, `5m` or `2h`",
    ),
    remedy(
        "apply",
        Rule::kw_for,
        &[],
        "write the new system before the old one: `apply standard with teams for lync`",
    ),
    remedy(
        "group",
        Rule::dot,
        &[],
        "name the system of the group: `group cic.away = \"At Lunch\" | \"Gone Home\"`",
    ),
    remedy(
        "choice",
        Rule::equals,
        &[],
        "write a choice as `choice user_type = voice | im`",
    ),
    remedy(
        "online",
        Rule::fact_ref,
        &["flag"],
        "declare the flag outside the system, then name it: `online lync_logged_in`",
    ),
    remedy(
        "profile",
        Rule::kw_when,
        &["if"],
        "start the condition of a profile with `when`",
    ),
    remedy(
        "extend",
        Rule::kw_system,
        &[],
        "write an extension as `extend system cic { state Coaching }`",
    ),
];

const FACTS: &str = "write facts as `in_queue, not busy, user_type is im`";

const fn remedy(
    first: &'static str,
    wanted: Rule,
    found: &'static [&'static str],
    help: &'static str,
) -> Remedy {
    Remedy {
        first,
        wanted,
        found,
        help,
    }
}

impl Recovery<'_> {
    /// The help for a frequent mistake.
    pub(super) fn remedy_for(
        &self,
        start: usize,
        failed: usize,
        failure: &Failure,
        word: &str,
    ) -> Option<SyntaxHelp> {
        let text = |help: &str| Some(SyntaxHelp::Text(help.to_owned()));
        let expects = |rule: Rule| failure.rules.contains(&rule);
        let first = self.word(start);
        let in_system = expected::begins_a_state(&failure.rules);
        if let Some(help) = foreign_keyword(first).filter(|_| !in_system && failed <= start + 2) {
            return text(help);
        }
        if let Some(help) = self.remedy_of_pair(start, failed) {
            return text(help);
        }
        let fits = |remedy: &&Remedy| {
            (remedy.first.is_empty() || remedy.first == first)
                && expects(remedy.wanted)
                && (remedy.found.is_empty() || remedy.found.contains(&word))
        };
        if let Some(remedy) = REMEDIES.iter().find(fits) {
            return text(remedy.help);
        }
        if let Some(meant) = self.misspelt_statement(start, failed) {
            let word = first.to_owned();
            let at = self.location(self.tokens[start].span);
            return Some(SyntaxHelp::Misspelt { word, meant, at });
        }
        let help = self.remedy_of_word(start, failed, failure, word);
        help.map(SyntaxHelp::Text)
    }

    /// The help for a word in the wrong place.
    fn remedy_of_word(
        &self,
        start: usize,
        failed: usize,
        failure: &Failure,
        word: &str,
    ) -> Option<String> {
        let expects = |rule: Rule| failure.rules.contains(&rule);
        let kind = self.tokens.get(failed).map(|token| token.kind);
        let first = self.word(start);
        Some(match word {
            "}" if first == "append" && start > 0 && !self.starts_line(start) => {
                "write it as a statement of its own: `append \"in queue\" to lync`".to_owned()
            }
            "," if expects(Rule::pipe) => "separate them with `|`".to_owned(),
            "|" if expects(Rule::comma) => "separate them with `,`".to_owned(),
            "," if first == "flag" => "declare each flag by itself: `flag in_queue`".to_owned(),
            "=" if first == "flag" => {
                "a flag has no initial value: write `flag in_queue`; it is false until an event sets it".to_owned()
            }
            "=>" | "=" | "<->" if failed >= 3 && self.word(failed - 3) == "apply" => {
                "apply one direction of a mapping with `->`: `apply NAME cic -> lync`".to_owned()
            }
            "=>" if expects(Rule::state_ref) => {
                "write a system and a state on each side of `->` or `<->`, as in `cic Available -> lync Away`"
                    .to_owned()
            }
            "->" | "<->" | "}" if expects(Rule::state_ref) => {
                "write a system and a state, as in `lync Away`".to_owned()
            }
            _ if expects(Rule::lint_code) || failed > 0 && self.word(failed - 1) == "@allow" => {
                "write `@allow(gap, dead-rule, \"reason\")`".to_owned()
            }
            _ if expects(Rule::colon) && expects(Rule::brace_open) => {
                "write `when c: ...` for one rule, or `when c { ... }` for several".to_owned()
            }
            "unchanged" if !expects(Rule::new_name) => "write the system before `unchanged`: `lync unchanged`".to_owned(),
            "otherwise" if !expects(Rule::new_name) => {
                "write the system before `otherwise`: `cic otherwise -> lync Away`".to_owned()
            }
            "override" if !expects(Rule::new_name) => {
                "write `override` at the start of a rule: `override cic Available -> lync Busy`".to_owned()
            }
            _ if token::is_system_word(word)
                && (expects(Rule::attribute_ref) || expects(Rule::new_attribute)) =>
            {
                format!("`{word}` is a keyword inside a system; quote it to use it as an attribute: `\"{word}\"`")
            }
            _ if token::is_keyword(word) && expected::takes_a_name(&failure.rules) => {
                format!("`{word}` is a keyword; quote it to use it as a name: `\"{word}\"`")
            }
            _ if kind == Some(TokenKind::Number) && expected::takes_a_name(&failure.rules) => {
                format!("quote names that start with a digit: `\"{word}\"`")
            }
            _ if expects(Rule::one_way) && failed >= 2 && self.word(failed - 2) == "|" => {
                "write the system only once: `cic \"At Lunch\" | \"Gone Home\"`".to_owned()
            }
            _ if expects(Rule::one_way)
                && matches!(kind, Some(TokenKind::Word | TokenKind::Text))
                && self.tokens.get(failed + 1).is_some_and(|next| {
                    matches!(next.kind, TokenKind::Word | TokenKind::Text) && !next.first_on_line
                }) =>
            {
                format!("add the missing arrow before `{word}`: `->`, or `<->` for both directions")
            }
            _ if kind == Some(TokenKind::Word) && expects(Rule::pipe) && expects(Rule::one_way) => {
                match failed.checked_sub(1).map(|before| self.tokens[before]) {
                    Some(before) if before.kind == TokenKind::Word => {
                        format!("quote names that contain spaces: `\"{} {word}\"`", self.text(&before))
                    }
                    _ => "quote the whole name: `\"At Lunch\"`".to_owned(),
                }
            }
            _ if expected::begins_a_state(&failure.rules) => return self.remedy_of_state(failed),
            _ => return None,
        })
    }

    /// The help for words that are right by themselves, but not in this order.
    fn remedy_of_pair(&self, start: usize, failed: usize) -> Option<&'static str> {
        let before = failed.checked_sub(1).map_or("", |before| self.word(before));
        if self.word(start) == "profile" && self.word(failed) != "{" && !self.starts_line(failed) {
            let named = failed == start + 2
                && self
                    .tokens
                    .get(failed)
                    .is_some_and(|token| token.kind == TokenKind::Word);
            if named && !["when", "if"].contains(&self.word(failed)) {
                return Some(
                    "quote names of several words: `profile \"Enterprise Voice\" { ... }`",
                );
            }
        }
        Some(match (before, self.word(failed), self.word(failed + 1)) {
            (_, "profile", _) if self.word(start) == "profile" => {
                "profiles do not contain others: end the first one before; rules that both need are a `mapping`, which both `apply`"
            }
            (_, "in", "(") => "list values after `is`: `user_type is im | enterprise_voice`",
            (_, ",", _) if self.has_arrow(failed) => {
                "write a rule for each target: `cic Available -> lync Away` and `cic Available -> teams Away`"
            }
            ("by", "hand", _) => "write `by hand` directly after the system: `lync by hand`",
            (_, "by", "hand") => "name the system again: `lync is Busy and lync by hand`",
            (_, "not", "by") => "write `not` before the system: `not lync by hand`",
            ("override", "when", _) => {
                "write the condition first: `when in_queue: override cic Available -> lync Busy`"
            }
            ("role", "default", _) => {
                "write `default` first: `default role \"Agents\" uses \"Voice\"`"
            }
            ("role", "any", _) => "name a role; `role any` is for tests only",
            ("role", "all", _) => "write `role any` for all roles (in tests only)",
            ("resync", "all", _) => "write `resync any` for the system that a person changed last",
            _ => return self.remedy_of_replacement(start, failed),
        })
    }

    /// Whether an arrow is shortly before a token.
    fn has_arrow(&self, failed: usize) -> bool {
        (failed.saturating_sub(4)..failed).any(|at| ["->", "<->"].contains(&self.word(at)))
    }

    /// The help for an `apply` whose replacement is misspelled or in the wrong place.
    fn remedy_of_replacement(&self, start: usize, failed: usize) -> Option<&'static str> {
        let near =
            |mut places: std::ops::Range<usize>, word| places.any(|at| self.word(at) == word);
        let is_for = near(failed.saturating_sub(2)..failed, "apply") && self.word(failed) == "for";
        // What follows `apply m` is read as another statement.
        let is_with = nearest(self.word(start), ["with"]).is_some()
            && near(start..failed + 4, "for")
            && near(start.saturating_sub(6)..start, "apply");
        (is_for || is_with).then_some(
            "write the replacement directly after the mapping, and a direction last: \
             `apply m with teams for lync cic -> teams`",
        )
    }

    /// The keyword that the first word of a statement was probably meant to be.
    fn misspelt_statement(&self, start: usize, failed: usize) -> Option<&'static str> {
        let first = self.word(start);
        let misspelt = !token::begins_declaration(first) && failed <= start + 2;
        nearest(first, token::statements()).filter(|known| *known != first && misspelt)
    }

    /// The help inside a system: for a name without `state`, or the second word of an unquoted name.
    fn remedy_of_state(&self, failed: usize) -> Option<String> {
        let token = self.tokens.get(failed)?;
        let is_name = |token: &Token| {
            matches!(token.kind, TokenKind::Word | TokenKind::Text)
                && !token::is_keyword(self.text(token))
        };
        let before = failed.checked_sub(1).map(|before| self.tokens[before])?;
        if token.first_on_line || matches!(self.text(&before), "{" | "}") {
            let name = if is_name(token) {
                self.text(token)
            } else {
                "\"At Lunch\""
            };
            return Some(format!(
                "declare a state with the keyword before its name: `state {name}`"
            ));
        }
        let words = [&before, token].map(|token| token.kind == TokenKind::Word && is_name(token));
        (words == [true, true]).then(|| {
            format!(
                "quote names that contain spaces: `\"{} {}\"`",
                self.text(&before),
                self.text(token)
            )
        })
    }
}

/// The help for a word of another language.
pub(super) fn foreign_keyword(word: &str) -> Option<&'static str> {
    FOREIGN_KEYWORDS
        .iter()
        .find(|(words, _)| words.contains(&word))
        .map(|(_, help)| *help)
}
