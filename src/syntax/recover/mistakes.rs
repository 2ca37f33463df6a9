//! In: where the grammar gave up, or what it took although nobody can have meant it. Out: what is said of it.

use pest::Parser;

use crate::diagnostic::{Diagnostic, point};
use crate::source::Span;
use crate::syntax::lexer::TokenKind;
use crate::syntax::lower::Pending;
use crate::syntax::recover::{Failure, NEAR, Recovery, instead};
use crate::syntax::{Grammar, MAX_STATEMENT, Rule, expected};

/// A text of more bytes, or of several lines, is not repeated in a help.
const MAX_SHOWN: usize = 200;

const OBSERVE: &str =
    "write a system and its state, `observe cic Available`, or `observe cic nothing`";

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
        let span = Span {
            start: pending.start.unwrap_or(end),
            end,
        };
        self.push_error(what, span, "nothing follows in this block", help);
    }

    /// `apply x when c`, `append "x" to s when c`: the condition stands on the wrong side.
    pub(super) fn late_condition(&mut self, start: usize) {
        let kind = self.word(start);
        if self.word(self.at) != "when" || self.starts_line(self.at) {
            return;
        }
        let kind = if matches!(kind, "apply" | "append") {
            kind
        } else {
            "rule"
        };
        if Grammar::parse(Rule::head, self.ahead(self.at, NEAR)).is_ok() {
            return;
        }
        let when = self.tokens[self.at].span;
        let behind = self.at + 1;
        let parsed = self
            .tokens
            .get(behind)
            .and_then(|_| Grammar::parse(Rule::condition, self.ahead(behind, NEAR)).ok());
        let end = match (parsed, self.tokens.get(behind)) {
            (Some(condition), Some(token)) => {
                let end = token.span.start + condition.as_str().len() as u32;
                self.tokens.partition_point(|token| token.span.start < end)
            }
            _ => {
                let end = (behind..self.tokens.len())
                    .find(|index| self.starts_line(*index) || self.word(*index) == "}");
                end.unwrap_or(self.tokens.len())
            }
        };
        let item = Span {
            start: self.tokens[start].span.start,
            end: self.tokens[self.at - 1].span.end,
        };
        let condition = Span {
            start: when.start,
            end: self.tokens[end - 1].span.end,
        };
        let shown = |span: Span, otherwise: &'static str| {
            let text = span.text(self.lower.text);
            if text.len() <= MAX_SHOWN && !text.contains('\n') {
                text.to_owned()
            } else {
                otherwise.to_owned()
            }
        };
        let help = format!(
            "write `{}: {}`",
            shown(condition, "when ..."),
            shown(item, "...")
        );
        self.push_error(
            &format!(
                "the condition of {} comes first",
                if kind == "rule" {
                    "a rule".to_owned()
                } else {
                    format!("an `{kind}`")
                }
            ),
            condition,
            "this condition comes too late",
            &help,
        );
        self.at = end;
    }

    /// Whether what was just read is something else than was meant, which is told.
    pub(super) fn misread(&mut self, start: usize) -> bool {
        self.one_more_word(start) || self.second_arrow(start) || self.swallowed_word(start)
    }

    /// `lync Off Work`, `given user_type im`: words that no rule of the grammar takes, to the end of the line.
    fn one_more_word(&mut self, start: usize) -> bool {
        let last = self.at - 1;
        let is_plain = |index: usize| {
            self.tokens
                .get(index)
                .is_some_and(|token| token.kind == TokenKind::Word)
                && !instead::is_keyword(self.word(index))
        };
        // A name of more words is no slip.
        let most = self.tokens.len().min(last + 6);
        let end = (self.at..most)
            .find(|index| !is_plain(*index) || self.starts_line(*index))
            .unwrap_or(most);
        let goes_on = end < self.tokens.len()
            && !self.starts_line(end)
            && !matches!(self.word(end), "}" | "," | "|");
        if last == start || !is_plain(last) || end == self.at || goes_on || self.starts_line(last) {
            return false;
        }
        let first = self.word(start);
        let span = self.tokens[last].span.to(self.tokens[end - 1].span);
        let words: Vec<&str> = (last..end).map(|index| self.word(index)).collect();
        if let Some(help) = instead::foreign(first) {
            let message = format!("expected a step, found `{first}`");
            self.push_error(
                &message,
                self.tokens[start].span,
                "not the start of a step",
                help,
            );
        } else if matches!(first, "given" | "set") {
            let help = format!(
                "write `{} is {}`, or `and` between two conditions",
                words[0],
                words[1..].join(" | ")
            );
            self.push_error(
                "a word is missing in this condition",
                span,
                "these stand side by side",
                &help,
            );
        } else {
            let help = format!("write `\"{}\"`", words.join(" "));
            self.push_error(
                "a name with a space is put in quotes",
                span,
                "these are several words",
                &help,
            );
        }
        self.at = end;
        true
    }

    /// `cic A -> lync B -> teams C`; `cic A ->` takes the side that begins in the next line, and there is another arrow.
    fn second_arrow(&mut self, start: usize) -> bool {
        let is_arrow = |index: &usize| matches!(self.word(*index), "->" | "<->");
        if !is_arrow(&self.at) {
            return false;
        }
        let Some(first) = (start..self.at).find(is_arrow) else {
            return false;
        };
        if self.starts_line(first + 1) {
            let help = "a rule goes from a side to a side: `cic Available -> lync Away`";
            let span = self.tokens[first].span;
            self.push_error(
                "the right side of this rule is missing",
                span,
                "to what?",
                help,
            );
            self.at = first + 1;
            return true;
        }
        let help = "write a rule for each step";
        self.push_error(
            "a rule has one arrow",
            self.tokens[self.at].span,
            "one more",
            help,
        );
        self.at += 1;
        self.skip_side(self.at);
        true
    }

    /// `cic A -> Away`, `observe cic`, `set c,` take the first word of the next line for what they lack: where nothing
    /// sensible follows then, a word was left out.
    fn swallowed_word(&mut self, start: usize) -> bool {
        let (last, before) = (self.at - 1, self.at.saturating_sub(2));
        let goes_on = matches!(
            self.word(self.at),
            "}" | "when" | "apply" | "append" | "override" | "@allow" | ""
        ) || self.starts_line(self.at);
        if last == start
            || !self.starts_line(last)
            || self.starts_line(before) && before != start
            || goes_on
        {
            return false;
        }
        let (message, label, help) = match (self.word(start), self.word(before)) {
            ("given" | "set", ",") => (
                "this list goes on behind its comma",
                "here",
                "leave the comma out: what follows is no condition",
            ),
            ("observe", _) => (
                "what is observed has two parts, and here is one",
                "of which state?",
                OBSERVE,
            ),
            ("resync", _) => (
                "`resync` needs a system",
                "of which system?",
                "write `resync cic`",
            ),
            _ if before > start && matches!(self.word(before - 1), "->" | "<->") => (
                "a side has two parts, and here is one",
                "a state of which system, or which state?",
                "a side is a system and one or more of its states: `lync Away`",
            ),
            _ => return false,
        };
        self.push_error(message, self.tokens[before].span, label, help);
        self.at = last;
        true
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
        if self.tokens[start.min(reported)..=reported]
            .iter()
            .any(|token| token.kind == TokenKind::Bad)
        {
            return;
        }
        // Where the opening quote of a name is missing, its closing one opens a text that the line does not close.
        let line = self.tokens[reported..]
            .iter()
            .take(NEAR)
            .enumerate()
            .take_while(|(at, token)| *at == 0 || !token.first_on_line);
        if line
            .clone()
            .any(|(_, token)| token.kind == TokenKind::Bad && self.text(token).starts_with('"'))
        {
            return;
        }
        let found = self.tokens.get(failed).copied();
        let expected = expected::words(&failure.rules);
        let before = failed
            .checked_sub(1)
            .map(|before| self.text(&self.tokens[before]));
        let after = before
            .map(|before| format!(" after `{before}`"))
            .unwrap_or_default();
        let word = found.map_or("", |token| self.text(&token));
        let message = match (expected.is_empty(), found) {
            (false, _) => format!("expected {expected}{after}"),
            (true, Some(_)) => format!("`{word}` cannot stand here"),
            (true, None) => "the declaration ends too early".to_owned(),
        };
        let error = Diagnostic::error("syntax", message);
        let mut error = match found {
            Some(token) => error.label(self.location(token.span), format!("found `{word}`")),
            None => error.label(
                self.location(point(self.end as u32)),
                "the declaration ends here",
            ),
        };
        if let Some(help) = self.remedy(start, failed, failure, word) {
            error = error.help(help);
        }
        self.errors.push(error);
    }

    pub(super) fn push_error(&mut self, message: &str, span: Span, label: &str, help: &str) {
        self.errors.push(
            Diagnostic::error("syntax", message)
                .label(self.location(span), label)
                .help(help),
        );
    }
}
