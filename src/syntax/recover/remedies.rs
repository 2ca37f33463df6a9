//! In: where the grammar gave up, and the word that it found there. Out: what to write instead, if that can be guessed.

use crate::syntax::lexer::{Token, TokenKind};
use crate::syntax::recover::{Failure, Recovery};
use crate::syntax::{Rule, expected};
use crate::token;
use presync_engine::nearest;

/// Words with which other languages begin a statement or a declaration, and what is written here.
const FOREIGN_KEYWORDS: &[(&[&str], &str)] = &[
    (
        &["if"],
        "a condition begins with `when` and comes first: `when in_queue: cic Available -> lync Busy`",
    ),
    (
        &["else"],
        "the other case is a `when` of its own: `when not in_queue { ... }`",
    ),
    (
        &["default"],
        "what no other rule maps is written `cic otherwise -> lync Away`",
    ),
    (
        &["expect", "assert", "then"],
        "an expectation is written without a word before it: `cic Available => lync Away`",
    ),
    (
        &["change", "event"],
        "a change is written without a word before it: `cic Available => lync Away`",
    ),
    (
        &["import", "include", "require"],
        "other files are taken in with `use \"states.presync\"`, vocabularies with `use cic_lync`",
    ),
    (
        &["let", "const", "var", "def"],
        "a condition gets a name with `condition away = not in_queue`",
    ),
];

/// In a statement that begins with `first`, if that matters: where `wanted` could stand one of the words was `found`, or
/// anything where there are none.
struct Remedy {
    first: &'static str,
    wanted: Rule,
    found: &'static [&'static str],
    help: &'static str,
}

/// The first that fits counts.
const REMEDIES: &[Remedy] = &[
    remedy(
        "",
        Rule::kw_otherwise,
        &["nothing", "unmapped"],
        "a change that is to do nothing is written `lync unchanged`",
    ),
    remedy(
        "",
        Rule::kw_otherwise,
        &["default"],
        "what no other rule maps is written `cic otherwise -> lync Away`",
    ),
    remedy(
        "",
        Rule::kw_otherwise,
        &["all"],
        "every state is `cic any`; those with an attribute are a group: `group cic.silent = all dnd`",
    ),
    remedy(
        "",
        Rule::kw_otherwise,
        &["not"],
        "the states that no other rule maps are `cic otherwise`; others are listed with `|`",
    ),
    remedy(
        "",
        Rule::kw_otherwise,
        &[".", ":", "="],
        "a system and its state stand side by side: `cic Available -> lync Away`",
    ),
    remedy(
        "",
        Rule::one_way,
        &["and", "or", ","],
        "states are joined with `|`",
    ),
    remedy(
        "",
        Rule::one_way,
        &["to"],
        "a rule is written with `->`, or `<->` for both ways",
    ),
    remedy(
        "",
        Rule::one_way,
        &["=>", "="],
        "a rule is written with `->` or `<->`; `=>` belongs to tests",
    ),
    remedy(
        "",
        Rule::kw_is,
        &["=", "not"],
        "states and values are compared with `is`: `lync is Busy`, `user_type is not im`",
    ),
    remedy(
        "",
        Rule::kw_and,
        &[",", "AND", "And"],
        "conditions are joined with `and`",
    ),
    remedy(
        "",
        Rule::kw_or,
        &["OR", "Or"],
        "conditions are joined with `or`",
    ),
    remedy(
        "",
        Rule::kw_unmapped,
        &["nothing"],
        "that nothing is sent is written `lync unchanged` where a rule says so, `lync unmapped` where none does",
    ),
    remedy(
        "",
        Rule::expected,
        &["nothing"],
        "a test names the system: `=> lync unmapped`, or `lync unchanged` where a rule says so",
    ),
    remedy(
        "",
        Rule::gives,
        &["->", "<->", "="],
        "an expectation is written with `=>`",
    ),
    remedy(
        "",
        Rule::test_start,
        &["set", "when"],
        "what a test takes for granted is `given`: `given in_queue`",
    ),
    remedy(
        "",
        Rule::test_start,
        &["uses", "profile"],
        "a test is about a role: `role \"Agents\"`",
    ),
    remedy("", Rule::test_start, &["="], FACTS),
    remedy(
        "",
        Rule::scenario_start,
        &["given", "when"],
        "a scenario sets facts with `set in_queue`",
    ),
    remedy("", Rule::scenario_start, &["="], FACTS),
    remedy(
        "append",
        Rule::text,
        &[],
        "an appendix is written `append \"in queue\" to lync`",
    ),
    remedy(
        "append",
        Rule::kw_to,
        &[],
        "an appendix is written `append \"in queue\" to lync`",
    ),
    remedy(
        "role",
        Rule::kw_uses,
        &[],
        "a role is written `role \"Agents\" uses \"Voice\", \"IM Only\"`",
    ),
    remedy(
        "role",
        Rule::comma,
        &["and", "|"],
        "the profiles of a role are separated by `,`",
    ),
    remedy(
        "",
        Rule::new_name,
        &["uses", "when", "{"],
        "a name is missing before this",
    ),
    remedy(
        "group",
        Rule::dot,
        &[],
        "a group belongs to a system: `group cic.away = \"At Lunch\" | \"Gone Home\"`",
    ),
    remedy(
        "choice",
        Rule::equals,
        &[],
        "a choice is written `choice user_type = voice | im`",
    ),
    remedy(
        "online",
        Rule::fact_ref,
        &["flag"],
        "`online` names a flag that is declared elsewhere: `online lync_logged_in`",
    ),
    remedy(
        "profile",
        Rule::kw_when,
        &["if"],
        "the condition of a profile begins with `when`",
    ),
    remedy(
        "extend",
        Rule::kw_system,
        &[],
        "an extension is written `extend system cic { state Coaching }`",
    ),
];

const FACTS: &str =
    "a flag stands alone or behind `not`, a choice has `is`: `in_queue, not busy, user_type is im`";

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
    /// What the most frequent mistakes want instead.
    pub(super) fn remedy_for(
        &self,
        start: usize,
        failed: usize,
        failure: &Failure,
        word: &str,
    ) -> Option<String> {
        let expects = |rule: Rule| failure.rules.contains(&rule);
        let kind = self.tokens.get(failed).map(|token| token.kind);
        let first = self.word(start);
        let in_system = expected::begins_a_state(&failure.rules);
        if let Some(help) = foreign_keyword(first).filter(|_| !in_system && failed <= start + 2) {
            return Some(help.to_owned());
        }
        let fits = |remedy: &&Remedy| {
            (remedy.first.is_empty() || remedy.first == first)
                && expects(remedy.wanted)
                && (remedy.found.is_empty() || remedy.found.contains(&word))
        };
        if let Some(remedy) = REMEDIES.iter().find(fits) {
            return Some(remedy.help.to_owned());
        }
        if let Some(known) = self.misspelt_statement(start, failed) {
            return Some(format!("did you mean `{known}` instead of `{first}`?"));
        }
        Some(match word {
            "," if expects(Rule::pipe) => "this is joined with `|`".to_owned(),
            "|" if expects(Rule::comma) => "this list is joined with `,`".to_owned(),
            "," | "=" if first == "flag" => {
                "each flag is declared by itself, and false until an event says otherwise: `flag in_queue`".to_owned()
            }
            "=>" | "=" | "<->" if failed >= 3 && self.word(failed - 3) == "apply" => {
                "one direction of a mapping is taken in with `->`, like `apply NAME cic -> lync`".to_owned()
            }
            "=>" if expects(Rule::state_ref) => {
                "a side is a system and a state, like `cic Available`, and a rule is written with `->` or `<->`"
                    .to_owned()
            }
            "->" | "<->" | "}" if expects(Rule::state_ref) => {
                "a side is a system and a state, like `lync Away`".to_owned()
            }
            _ if expects(Rule::lint_code) || failed > 0 && self.word(failed - 1) == "@allow" => {
                "it is written `@allow(gap, \"reason\")`".to_owned()
            }
            _ if expects(Rule::colon) && expects(Rule::brace_open) => {
                "write `when c: ...` for one item, `when c { ... }` for several".to_owned()
            }
            "unchanged" if !expects(Rule::new_name) => "`unchanged` follows a system: `lync unchanged`".to_owned(),
            "otherwise" if !expects(Rule::new_name) => {
                "`otherwise` follows a system: `cic otherwise -> lync Away`; of a condition it is `not`".to_owned()
            }
            "override" if !expects(Rule::new_name) => {
                "`override` begins a rule: `override cic Available -> lync Busy`".to_owned()
            }
            _ if token::is_keyword(word) && expected::takes_a_name(&failure.rules) => {
                format!("`{word}` is a word of the language: as a name it is put in quotes, `\"{word}\"`")
            }
            _ if kind == Some(TokenKind::Number) && expected::takes_a_name(&failure.rules) => {
                format!("a name that begins with a digit is put in quotes: `\"{word}\"`")
            }
            _ if expects(Rule::one_way) && failed >= 2 && self.word(failed - 2) == "|" => {
                "the system of a side is written once: `cic Away | Busy`".to_owned()
            }
            _ if expects(Rule::one_way)
                && matches!(kind, Some(TokenKind::Word | TokenKind::Text))
                && self.tokens.get(failed + 1).is_some_and(|next| {
                    matches!(next.kind, TokenKind::Word | TokenKind::Text) && !next.first_on_line
                }) =>
            {
                format!("an arrow is missing before `{word}`: `->`, or `<->` for both ways")
            }
            _ if kind == Some(TokenKind::Word) && expects(Rule::pipe) && expects(Rule::one_way) => {
                match failed.checked_sub(1).map(|before| self.tokens[before]) {
                    Some(before) if before.kind == TokenKind::Word => {
                        format!("a name with a space is put in quotes: `\"{} {word}\"`", self.text(&before))
                    }
                    _ => "a name with a space is put in quotes as a whole: `\"At Lunch\"`".to_owned(),
                }
            }
            _ if in_system => return self.remedy_of_state(failed),
            _ => return None,
        })
    }

    /// The word that the first one of a statement was meant to be.
    fn misspelt_statement(&self, start: usize, failed: usize) -> Option<&'static str> {
        let first = self.word(start);
        let misspelt = !token::begins_declaration(first) && failed <= start + 2;
        nearest(first, token::statements()).filter(|known| *known != first && misspelt)
    }

    /// In a system: a name without `state`, or the second word of a name.
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
                "a state is declared with the word before its name: `state {name}`"
            ));
        }
        let words = [&before, token].map(|token| token.kind == TokenKind::Word && is_name(token));
        (words == [true, true]).then(|| {
            format!(
                "a name with a space is put in quotes: `\"{} {}\"`",
                self.text(&before),
                self.text(token)
            )
        })
    }
}

/// What is written instead of a word of other languages.
pub(super) fn foreign_keyword(word: &str) -> Option<&'static str> {
    FOREIGN_KEYWORDS
        .iter()
        .find(|(words, _)| words.contains(&word))
        .map(|(_, help)| *help)
}
