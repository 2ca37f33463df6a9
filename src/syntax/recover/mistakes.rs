//! In: where parsing failed, or a statement that parses but was clearly not meant. Out: an error that explains it.

use pest::Parser;

use crate::diagnostic::{Diagnostic, point};
use crate::errors::syntax as errors;
use crate::source::{Location, Span};
use crate::syntax::lexer::TokenKind;
use crate::syntax::lower::OpenItem;
use crate::syntax::recover::{Failure, NEAR, Recovery, remedies};
use crate::syntax::{Grammar, MAX_STATEMENT, Rule, expected};
use crate::token;

/// Maximum length in bytes of source quoted in a help. Source of several lines is never quoted.
const MAX_SHOWN: usize = 200;

impl Recovery<'_> {
    /// `when in_queue: }`, `@allow(gap) }`
    pub(super) fn nothing_follows(&mut self, pending: &OpenItem) {
        let end = self.tokens[self.at - 1].span.end;
        let start = pending.start.unwrap_or(end);
        let at = self.location(Span { start, end });
        self.errors
            .push(errors::nothing_follows(pending.has_condition(), at));
    }

    /// `apply x when c`, `append "x" to s when c`: the condition is on the wrong side.
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
        let texts = (shown(condition, "when ..."), shown(item, "..."));
        let at = self.location(condition);
        self.errors
            .push(errors::late_condition(kind, &texts.0, &texts.1, at));
        self.at = end;
    }

    /// Whether the statement just read is clearly not what was meant; reports it if so.
    pub(super) fn misread(&mut self, start: usize) -> bool {
        self.one_more_word(start) || self.second_arrow(start) || self.swallowed_word(start)
    }

    /// `lync Off Work`, `given user_type im`: extra words up to the end of the line that no grammar rule accepts.
    fn one_more_word(&mut self, start: usize) -> bool {
        let last = self.at - 1;
        let is_plain = |index: usize| {
            self.tokens
                .get(index)
                .is_some_and(|token| token.kind == TokenKind::Word)
                && !token::is_keyword(self.word(index))
        };
        // More words than this are not a name without quotes.
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
        let at = self.location(span);
        let first_at = self.location(self.tokens[start].span);
        let late = words
            .iter()
            .position(|word| matches!(*word, "if" | "unless"));
        if let Some(late) = late.filter(|late| *late > 0 && late + 1 < words.len()) {
            let not = if words[late] == "if" { "" } else { "not " };
            let condition = format!("when {not}{}", words[late + 1..].join(" "));
            let item = self.tokens[start]
                .span
                .to(self.tokens[last + late - 1].span);
            let item = item.text(self.lower.text);
            let at = self.location(self.tokens[last + late].span.to(self.tokens[end - 1].span));
            self.errors
                .push(errors::late_condition("rule", &condition, item, at));
            self.at = end;
            return true;
        }
        self.errors.push(match remedies::foreign_keyword(first) {
            Some(help) => errors::no_step(first, help, first_at),
            None if matches!(first, "given" | "set") => {
                errors::word_missing_in_condition(&words, at)
            }
            None => errors::name_without_quotes(&words, at),
        });
        self.at = end;
        true
    }

    /// `cic A -> lync B -> teams C`, or `cic A ->` that took the left side of the next rule as its right side.
    fn second_arrow(&mut self, start: usize) -> bool {
        let is_arrow = |index: &usize| matches!(self.word(*index), "->" | "<->");
        if !is_arrow(&self.at) {
            return false;
        }
        let Some(first) = (start..self.at).find(is_arrow) else {
            return false;
        };
        if self.starts_line(first + 1) {
            let arrow = self.location(self.tokens[first].span);
            self.errors.push(errors::right_side_missing(arrow));
            self.at = first + 1;
            return true;
        }
        let arrow = self.location(self.tokens[self.at].span);
        self.errors.push(errors::second_arrow(arrow));
        self.at += 1;
        self.skip_side(self.at);
        true
    }

    /// `cic A -> Away`, `observe cic`, `set c,`: each takes the first word of the next line as its missing part. If the
    /// rest of that line then makes no sense, a word is missing.
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
        let error: fn(Location) -> Diagnostic = match (self.word(start), self.word(before)) {
            ("given" | "set", ",") => errors::list_ends_with_comma,
            ("observe", _) => errors::observe_without_state,
            ("resync", _) => errors::resync_without_system,
            _ if before > start && matches!(self.word(before - 1), "->" | "<->") => {
                errors::half_side
            }
            _ => return false,
        };
        let at = self.location(self.tokens[before].span);
        self.errors.push(error(at));
        self.at = last;
        true
    }

    pub(super) fn report(&mut self, start: usize, failure: &Failure) {
        self.failure.get_or_insert_with(|| failure.clone());
        if failure.too_long {
            let at = self.location(self.tokens[start].span);
            self.errors.push(errors::long_statement(MAX_STATEMENT, at));
            return;
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
        // If the opening quote of a name is missing, the closing one starts a text that the line does not close.
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
        let word = found.map_or("", |token| self.text(&token));
        let help = self.remedy_for(start, failed, failure, word);
        let found = found.map(|token| (word, self.location(token.span)));
        let end = self.location(point(self.end as u32));
        self.errors
            .push(errors::expected(&expected, before, found, end, help));
    }
}
