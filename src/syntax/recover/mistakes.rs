//! In: where the grammar gave up, or what it took although nobody can have meant it. Out: what is said of it, and what to
//! write instead.

use pest::Parser;

use crate::diagnostic::{Diagnostic, nearest, point};
use crate::source::Span;
use crate::syntax::lower::Pending;
use crate::syntax::pieces::DECLARATIONS;
use crate::syntax::recover::{Failure, NEAR, Recovery};
use crate::syntax::scan::{Token, TokenKind};
use crate::syntax::{Grammar, MAX_STATEMENT, Rule, expected};

/// A text of more bytes, or of several lines, is not repeated in a help.
const MAX_SHOWN: usize = 200;

/// Words with which other languages begin a statement, and what is written here.
const FOREIGN: [(&str, &str); 6] = [
    ("if", "a condition begins with `when` and comes first: `when in_queue: cic Available -> lync Busy`"),
    ("else", "the other case is a `when` of its own: `when not in_queue { ... }`"),
    ("default", "what no other rule maps is written `cic otherwise -> lync Away`"),
    ("expect", "an expectation is written without a word before it: `cic Available => lync Away`"),
    ("assert", "an expectation is written without a word before it: `cic Available => lync Away`"),
    ("then", "an expectation is written without a word before it: `cic Available => lync Away`"),
];

impl Recovery<'_> {
    /// `when in_queue: }`, `@allow(gap) }`
    pub(super) fn nothing_follows(&mut self, pending: &Pending) {
        let what = if pending.has_condition() {
            "a `when` needs a rule"
        } else {
            "an `@allow` needs something to allow it in"
        };
        let help = "write what it stands before, or delete it";
        let end = self.tokens[self.at - 1].span.end;
        let span = Span { start: pending.start.unwrap_or(end), end };
        self.push_error(what, span, "nothing follows in this block", help);
    }

    /// `apply x when c`, `append "x" to s when c`: the condition stands on the wrong side.
    pub(super) fn late_condition(&mut self, start: usize) {
        let kind = self.word(start);
        if self.word(self.at) != "when" || self.starts_line(self.at) {
            return;
        }
        let kind = if matches!(kind, "apply" | "append") { kind } else { "rule" };
        if Grammar::parse(Rule::head, self.ahead(self.at, NEAR)).is_ok() {
            return;
        }
        let when = self.tokens[self.at].span;
        let behind = self.at + 1;
        let parsed =
            self.tokens.get(behind).and_then(|_| Grammar::parse(Rule::condition, self.ahead(behind, NEAR)).ok());
        let end = match (parsed, self.tokens.get(behind)) {
            (Some(condition), Some(token)) => {
                let end = token.span.start + condition.as_str().len() as u32;
                self.tokens.partition_point(|token| token.span.start < end)
            }
            _ => {
                let end =
                    (behind..self.tokens.len()).find(|index| self.starts_line(*index) || self.word(*index) == "}");
                end.unwrap_or(self.tokens.len())
            }
        };
        let item = Span { start: self.tokens[start].span.start, end: self.tokens[self.at - 1].span.end };
        let condition = Span { start: when.start, end: self.tokens[end - 1].span.end };
        let shown = |span: Span, otherwise: &'static str| {
            let text = span.text(self.lower.text);
            if text.len() <= MAX_SHOWN && !text.contains('\n') { text.to_owned() } else { otherwise.to_owned() }
        };
        let help = format!("write `{}: {}`", shown(condition, "when ..."), shown(item, "..."));
        self.push_error(
            &format!(
                "the condition of {} comes first",
                if kind == "rule" { "a rule".to_owned() } else { format!("an `{kind}`") }
            ),
            condition,
            "this condition comes too late",
            &help,
        );
        self.at = end;
    }

    /// `cic A -> Away` takes the first word of the next line for a state of the system `Away`: where nothing sensible
    /// follows then, it is the system that was left out.
    pub(super) fn swallowed_system(&mut self, start: usize) {
        let Some(arrow) = self.at.checked_sub(3) else { return };
        let (last, before) = (self.at - 1, self.at - 2);
        let crosses = last > start
            && self.starts_line(last)
            && !self.starts_line(before)
            && matches!(self.word(arrow), "->" | "<->");
        let goes_on = matches!(self.word(self.at), "}" | "when" | "apply" | "append" | "override" | "@allow" | "")
            || self.starts_line(self.at);
        if !crosses || goes_on {
            return;
        }
        let state = self.tokens[before].span;
        let help = format!("a side is a system and a state: `lync {}`", state.text(self.lower.text));
        self.push_error("a system is missing before the state", state, "of which system?", &help);
        self.at = last;
    }

    pub(super) fn report(&mut self, start: usize, failure: &Failure) {
        self.failure.get_or_insert_with(|| failure.clone());
        if failure.too_long {
            let message = format!("this goes on for more than {MAX_STATEMENT} words and signs");
            let help = "give parts of it names of their own: a `condition`, a `group`, a `mapping`";
            return self.push_error(&message, self.tokens[start].span, "it starts here", help);
        }
        let failed = self.token_at(failure.at);
        if failed == self.tokens.len() && self.unbalanced {
            return;
        }
        let reported = failed.min(self.tokens.len().saturating_sub(1));
        if self.tokens[start.min(reported)..=reported].iter().any(|token| token.kind == TokenKind::Bad) {
            return;
        }
        // Where the opening quote of a name is missing, its closing one opens a text that the line does not close.
        let line = self.tokens[reported..]
            .iter()
            .take(NEAR)
            .enumerate()
            .take_while(|(at, token)| *at == 0 || !token.first_on_line);
        if line.clone().any(|(_, token)| token.kind == TokenKind::Bad && self.text(token).starts_with('"')) {
            return;
        }
        let found = self.tokens.get(failed).copied();
        let expected = expected::words(&failure.rules);
        let before = failed.checked_sub(1).map(|before| self.text(&self.tokens[before]));
        let after = before.map(|before| format!(" after `{before}`")).unwrap_or_default();
        let word = found.map_or("", |token| self.text(&token));
        let message = match (expected.is_empty(), found) {
            (false, _) => format!("expected {expected}{after}"),
            (true, Some(_)) => format!("`{word}` cannot stand here"),
            (true, None) => "the declaration ends too early".to_owned(),
        };
        let error = Diagnostic::error("syntax", message);
        let mut error = match found {
            Some(token) => error.label(self.location(token.span), format!("found `{word}`")),
            None => error.label(self.location(point(self.end as u32)), "the declaration ends here"),
        };
        if let Some(help) = self.remedy(start, failed, failure, word) {
            error = error.help(help);
        }
        self.errors.push(error);
    }

    /// What the most frequent mistakes want instead.
    fn remedy(&self, start: usize, failed: usize, failure: &Failure, word: &str) -> Option<String> {
        let expects = |rule: Rule| failure.rules.contains(&rule);
        let kind = self.tokens.get(failed).map(|token| token.kind);
        let first = self.word(start);
        let foreign = FOREIGN.iter().find(|(word, _)| *word == first && failed <= start + 2);
        let in_system = expected::begins_a_state(&failure.rules);
        if let Some((_, help)) = foreign.filter(|_| !in_system) {
            return Some((*help).to_owned());
        }
        Some(match word {
            "=>" | "=" if expects(Rule::one_way) => {
                "a rule is written with `->` or `<->`; `=>` belongs to tests".to_owned()
            }
            "->" | "<->" | "=" if expects(Rule::gives) => "an expectation is written with `=>`".to_owned(),
            "," if expects(Rule::pipe) => "states are joined with `|`".to_owned(),
            "|" if expects(Rule::comma) => "this list is joined with `,`".to_owned(),
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
            _ if is_keyword(word) && expected::takes_a_name(&failure.rules) => {
                format!("`{word}` is a word of the language: as a name it is put in quotes, `\"{word}\"`")
            }
            _ if kind == Some(TokenKind::Number) && expected::takes_a_name(&failure.rules) => {
                format!("a name that begins with a digit is put in quotes: `\"{word}\"`")
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
                "a name with a space is put in quotes: `\"At Lunch\"`".to_owned()
            }
            _ => {
                let statements = [
                    "when",
                    "apply",
                    "append",
                    "override",
                    "state",
                    "attributes",
                    "online",
                    "text",
                    "role",
                    "given",
                    "set",
                    "observe",
                    "resync",
                ];
                let misspelt = !DECLARATIONS.contains(&first) && failed <= start + 2;
                match nearest(first, statements).filter(|known| *known != first && misspelt) {
                    Some(known) => format!("did you mean `{known}` instead of `{first}`?"),
                    None if in_system => return self.remedy_of_state(failed),
                    None => return None,
                }
            }
        })
    }

    /// In a system: a name without `state`, or the second word of a name.
    fn remedy_of_state(&self, failed: usize) -> Option<String> {
        let token = self.tokens.get(failed)?;
        let is_name =
            |token: &Token| matches!(token.kind, TokenKind::Word | TokenKind::Text) && !is_keyword(self.text(token));
        let before = failed.checked_sub(1).map(|before| self.tokens[before])?;
        if token.first_on_line || matches!(self.text(&before), "{" | "}") {
            let name = if is_name(token) { self.text(token) } else { "\"At Lunch\"" };
            return Some(format!("a state is declared with the word before its name: `state {name}`"));
        }
        let words = [&before, token].map(|token| token.kind == TokenKind::Word && is_name(token));
        (words == [true, true])
            .then(|| format!("a name with a space is put in quotes: `\"{} {}\"`", self.text(&before), self.text(token)))
    }

    pub(super) fn push_error(&mut self, message: &str, span: Span, label: &str, help: &str) {
        self.errors.push(Diagnostic::error("syntax", message).label(self.location(span), label).help(help));
    }
}

fn is_keyword(word: &str) -> bool {
    crate::names::KEYWORDS.contains(&word)
}
