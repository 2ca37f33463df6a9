//! In: the tokens of a declaration. Out: the parts of it that parse. Errors: one for each part that does not.
//! Reads the body statement by statement; after an error, resumes where a statement can begin.

mod mistakes;
mod remedies;

use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};

use arcstr::ArcStr;

use crate::diagnostic::{Diagnostic, point};
use crate::errors::syntax as errors;
use crate::source::{Location, Span};
use crate::syntax::chunked_vec::ChunkedVec;
use crate::syntax::lexer::{Token, TokenKind};
use crate::syntax::lower::{DeclarationParts, Lower, OpenItem, PairNode};
use crate::syntax::split::{DeclarationTokens, MAX_DEPTH};
use crate::syntax::{Grammar, MAX_ERRORS, MAX_STATEMENT, Rule, tree};
use crate::token::{self, BlockKind};
use presync_engine::nearest;

/// Number of tokens to look ahead when describing an error.
const NEAR: usize = 1_000;

/// Maximum number of tokens at the end of a cut-off list that do not parse as part of it.
const DANGLING: usize = 4;

pub(super) struct Recovered {
    pub declaration: Option<tree::Declaration>,
    /// If the declaration is lost, the names it would have declared; for a role also the name after the word `role`.
    pub names: Vec<ArcStr>,
    pub errors: Vec<Diagnostic>,
    /// One of the errors explains a closing brace without an opening one in here.
    pub explains_stray_close: bool,
}

/// Reads a declaration as the grammar does, but one statement at a time to save memory.
///
/// # Errors
/// The tokens are not a declaration; contains where parsing failed, if known.
pub(super) fn by_statement(
    lower: &Lower<'_>,
    tokens: &[Token],
) -> Result<tree::Declaration, Option<Failure>> {
    let known = lower.count_errors();
    let mut recovery = Recovery::new(lower, tokens, false);
    recovery.guesses = false;
    let declaration = recovery.declaration(false, false);
    let whole =
        recovery.errors.is_empty() && recovery.failure.is_none() && recovery.at == tokens.len();
    declaration.filter(|_| whole).ok_or_else(|| {
        lower.forget_errors(known);
        recovery.failure
    })
}

/// `failure`: where parsing failed. `after_block`: a block ends right before. `stray_close`: the file has a closing
/// bracket without an opening one.
pub(super) fn recover(
    lower: &Lower<'_>,
    tokens: &[Token],
    piece: &DeclarationTokens,
    failure: Option<Failure>,
    (after_block, stray_close): (bool, bool),
) -> Recovered {
    let known = lower.count_errors();
    let mut recovery = Recovery::new(lower, &tokens[piece.tokens.clone()], piece.unbalanced);
    let declaration = recovery.declaration(after_block, stray_close);
    // Always report something that the grammar rejects.
    let reported =
        !recovery.errors.is_empty() || lower.count_errors() > known || (after_block && stray_close);
    if let Some(failure) = failure.filter(|_| !reported) {
        recovery.report(0, &failure);
    }
    let names = if declaration.is_none() {
        recovery.lost_names()
    } else {
        std::mem::take(&mut recovery.misspelt)
    };
    Recovered {
        declaration,
        names,
        errors: recovery.errors,
        explains_stray_close: recovery.explains,
    }
}

struct Recovery<'a> {
    /// The names of declarations whose keyword is misspelled.
    misspelt: Vec<ArcStr>,
    lower: &'a Lower<'a>,
    tokens: &'a [Token],
    end: usize,
    at: usize,
    unbalanced: bool,
    errors: Vec<Diagnostic>,
    lost_head: bool,
    explains: bool,
    /// Also looks for mistakes in text that parses. If `false`, reading stops at the first error.
    guesses: bool,
    /// The first failure.
    failure: Option<Failure>,
}

/// An open block.
#[derive(Default)]
struct Frame {
    heads: OpenItem,
    /// The offset of its opening brace.
    open: u32,
    body: ChunkedVec<tree::Item>,
    /// An error before it has been reported.
    lost: bool,
}

/// Where parsing failed.
#[derive(Clone)]
pub(super) struct Failure {
    at: usize,
    rules: Vec<Rule>,
    /// The statement has more than [`MAX_STATEMENT`] tokens.
    too_long: bool,
}

impl Failure {
    /// `start`: the offset of the parsed text in the file.
    pub fn new(start: usize, error: pest::error::Error<Rule>) -> Self {
        let at = match error.location {
            InputLocation::Pos(at) | InputLocation::Span((at, _)) => start + at,
        };
        let rules = match error.variant {
            ErrorVariant::ParsingError { positives, .. } => positives,
            ErrorVariant::CustomError { .. } => Vec::new(),
        };
        Self {
            at,
            rules,
            too_long: false,
        }
    }
}

impl<'a> Recovery<'a> {
    fn new(lower: &'a Lower<'a>, tokens: &'a [Token], unbalanced: bool) -> Self {
        Self {
            misspelt: Vec::new(),
            lower,
            tokens,
            end: tokens.last().map_or(0, |token| token.span.end as usize),
            at: 0,
            unbalanced,
            errors: Vec::new(),
            lost_head: false,
            explains: false,
            guesses: true,
            failure: None,
        }
    }

    fn declaration(&mut self, after_block: bool, stray_close: bool) -> Option<tree::Declaration> {
        let start = self.tokens.first()?.span;
        let mut allows = Vec::new();
        while self.goes_on() && self.word(self.at) == "@allow" {
            match self.prefix(Rule::allow) {
                Ok(node) => allows.push(self.lower.allow(node)),
                Err(failure) => {
                    self.report(self.at, &failure);
                    self.skip_annotation();
                }
            }
        }
        let head = self.at;
        let (rule, body) = match self.word(head) {
            "system" => (Rule::system, BlockKind::System),
            "extend" => (Rule::extend, BlockKind::System),
            "mapping" => (Rule::mapping, BlockKind::Items),
            "profile" => (Rule::profile, BlockKind::Items),
            "test" => (Rule::test, BlockKind::Test),
            "scenario" => (Rule::scenario, BlockKind::Scenario),
            word if token::begins_declaration(word) || self.is_default_role(head) => {
                let declaration = self.braceless()?;
                let span = start.to(declaration.span);
                let before = tree::Leading::new(allows, self.lower.doc(span));
                return Some(tree::Declaration {
                    before,
                    span,
                    ..declaration
                });
            }
            "" if !self.errors.is_empty() => return None,
            "" => {
                let span = point(self.end as u32);
                self.errors
                    .push(errors::allow_before_nothing(self.location(span)));
                return None;
            }
            _ => {
                self.garbage(after_block, stray_close);
                return None;
            }
        };
        let mut parts = DeclarationParts::default();
        self.head(&mut parts);
        match body {
            BlockKind::Items => self.items(&mut parts),
            _ => self.statements(body, &mut parts),
        }
        if self.lost_head || parts.names.is_empty() {
            return None;
        }
        let span = start.to(self.tokens.last()?.span);
        Some(tree::Declaration {
            before: tree::Leading::new(allows, self.lower.doc(span)),
            span,
            kind: self.lower.assemble(rule, parts),
        })
    }

    /// Whether `default role` is there.
    fn is_default_role(&self, at: usize) -> bool {
        self.word(at) == "default" && self.word(at + 1) == "role"
    }

    /// The names after the keyword of a declaration.
    fn lost_names(&self) -> Vec<ArcStr> {
        let keyword = |token: &Token| {
            token::begins_declaration(self.text(token)) && self.text(token) != "@allow"
        };
        let Some(at) = self.tokens.iter().position(keyword) else {
            return self.misspelt.clone();
        };
        let Some(name) = self.tokens[at + 1..]
            .iter()
            .find(|token| self.text(token) != "system")
        else {
            return Vec::new();
        };
        let name = self.text(name).trim_matches('"');
        let mut names = vec![name.into()];
        if matches!(self.text(&self.tokens[at]), "group" | "choice") {
            let all = self.tokens[at + 1..]
                .iter()
                .filter(|token| matches!(token.kind, TokenKind::Word | TokenKind::Text));
            names.extend(all.map(|token| self.text(token).trim_matches('"').into()));
        }
        names.extend(self.misspelt.iter().cloned());
        if self.text(&self.tokens[at]) == "role" {
            names.push(format!("role {name}").into());
        }
        names
    }

    /// `use`, `flag`, ...: a single statement; the rest of the piece is not a declaration.
    fn braceless(&mut self) -> Option<tree::Declaration> {
        let start = self.at;
        match self.prefix(Rule::declaration) {
            Ok(node) => {
                let declaration = self.lower.declaration(node);
                let next = self.tokens.get(self.at);
                let more = |next: &Token| {
                    matches!(next.kind, TokenKind::Word | TokenKind::Text) && !next.first_on_line
                };
                if token::is_joint(self.word(self.at)) || next.is_some_and(more) {
                    // The statement continues but does not parse.
                    let rest = std::mem::replace(&mut self.at, start);
                    if let Err(failure) = self.prefix(Rule::one_declaration) {
                        self.report(start, &failure);
                    }
                    self.at = rest;
                } else if self.at < self.tokens.len() {
                    self.garbage(false, false);
                }
                Some(declaration)
            }
            Err(failure) => {
                self.report(start, &failure);
                let failed = self.token_at(failure.at);
                // A block right here was meant as its body.
                self.at = if self.word(failed) == "{" {
                    self.tokens.len()
                } else {
                    failed.max(start + 1)
                };
                // A block in the rest belongs to a misspelled declaration: read it too.
                if let Some(open) =
                    (self.at..self.tokens.len()).find(|index| self.word(*index) == "{")
                {
                    self.at = open + 1;
                    self.items(&mut DeclarationParts::default());
                }
                None
            }
        }
    }

    /// Reads text that does not begin with the keyword of a declaration.
    fn garbage(&mut self, after_block: bool, stray_close: bool) {
        let mut goes_on = self.one_garbage(after_block, stray_close);
        while goes_on {
            goes_on = self.one_garbage(false, false);
        }
    }

    /// Reads one declaration with a misspelled keyword, or all the text. Whether another misspelled one follows.
    fn one_garbage(&mut self, after_block: bool, stray_close: bool) -> bool {
        let token = self.tokens[self.at];
        let word = self.text(&token);
        let known = nearest(word, token::declarations()).filter(|_| token.kind == TokenKind::Word);
        // For rules after a block that was closed too early, the stray brace is the error.
        let is_statement = (token::begins_statement(word, BlockKind::Items) && word != "@allow")
            || self.leaf_parses();
        if is_statement && known.is_none() {
            if !(after_block && stray_close) {
                self.errors
                    .push(errors::rule_outside(self.location(token.span)));
            }
            self.items(&mut DeclarationParts::default());
            return false;
        }
        if token.kind != TokenKind::Bad && word != "}" {
            let help = remedies::foreign_keyword(word);
            let at = self.location(token.span);
            self.errors
                .push(errors::no_declaration(word, known, help, at));
        }
        self.at += 1;
        let is_next = |index: &usize| {
            let token = self.tokens[*index];
            let is_word = token.first_on_line && token.kind == TokenKind::Word;
            is_word && nearest(self.text(&token), token::declarations()).is_some()
        };
        let mut all = self.at..self.tokens.len();
        let next = all.clone().find(is_next).filter(|_| known.is_some());
        let open = all.find(|index| self.word(*index) == "{");
        let end = next.into_iter().chain(open).min();
        let names = &self.tokens[self.at..end.unwrap_or(self.tokens.len())];
        let names = names
            .iter()
            .filter(|token| matches!(token.kind, TokenKind::Word | TokenKind::Text));
        // The name of a group comes after its system, and values are names, too.
        let count = match known {
            Some("group" | "choice") => usize::MAX,
            Some(_) => 1,
            None => 0,
        };
        let names = names.map(|token| self.text(token).trim_matches('"').into());
        let names: Vec<ArcStr> = names.take(count).collect();
        self.misspelt.extend(names);
        if let Some(next) = next
            && open.is_none_or(|open| next < open)
        {
            self.at = next;
            return true;
        }
        if let Some(open) = open {
            self.at = open + 1;
            let body = match known {
                Some("system" | "extend") => BlockKind::System,
                Some("test") => BlockKind::Test,
                Some("scenario") => BlockKind::Scenario,
                _ => BlockKind::Items,
            };
            match body {
                BlockKind::Items => self.items(&mut DeclarationParts::default()),
                _ => self.statements(body, &mut DeclarationParts::default()),
            }
        }
        false
    }

    fn leaf_parses(&self) -> bool {
        Grammar::parse(Rule::leaf_start, self.ahead(self.at, NEAR)).is_ok()
    }

    /// Reads everything up to the opening brace.
    fn head(&mut self, parts: &mut DeclarationParts) {
        let start = self.at;
        match self.prefix(Rule::head_start) {
            Ok(node) => node.inner().for_each(|child| self.lower.part(parts, child)),
            Err(failure) => {
                self.report(start, &failure);
                self.lost_head = true;
                let failed = self.token_at(failure.at);
                let open = (start..self.tokens.len()).find(|index| self.word(*index) == "{");
                let missing = failure.rules.contains(&Rule::brace_open)
                    && open.is_none_or(|open| self.starts_line(failed) && open > failed);
                self.at = if missing {
                    self.explains = true;
                    failed
                } else {
                    open.map_or(self.tokens.len(), |open| open + 1)
                };
            }
        }
    }

    fn items(&mut self, parts: &mut DeclarationParts) {
        let mut frames = vec![Frame::default()];
        let mut pending = OpenItem::default();
        // An error before the next item has been reported.
        let mut lost = false;
        while self.goes_on() {
            let token = self.tokens[self.at];
            match self.word(self.at) {
                "}" => {
                    if !pending.is_empty() && !lost {
                        self.nothing_follows(&pending);
                    }
                    self.at += 1;
                    pending = OpenItem::default();
                    lost = false;
                    let Some(Frame {
                        heads,
                        open,
                        body,
                        lost: lost_block,
                    }) = frames.pop()
                    else {
                        break;
                    };
                    let Some(outer) = frames.last_mut() else {
                        parts.items = body;
                        return;
                    };
                    if !heads.is_empty() || !lost_block {
                        let start = heads.start.unwrap_or(open);
                        let span = Span {
                            start,
                            end: token.span.end,
                        };
                        outer
                            .body
                            .push(heads.block(self.lower, open, body.finish(), span));
                    }
                }
                // The excessive depth has been reported.
                "{" if frames.len() > MAX_DEPTH => self.at = self.tokens.len(),
                "{" => {
                    frames.push(Frame {
                        heads: std::mem::take(&mut pending),
                        open: token.span.start,
                        body: ChunkedVec::default(),
                        lost: std::mem::take(&mut lost),
                    });
                    self.at += 1;
                }
                "@allow" => match self.prefix(Rule::allow) {
                    Ok(node) => pending.allow(self.lower.allow(node)),
                    Err(failure) => {
                        self.report(self.at, &failure);
                        self.skip_annotation();
                        lost = true;
                    }
                },
                "when" => {
                    let start = self.at;
                    match self.prefix(Rule::head) {
                        Ok(node) => {
                            let begins = node.span().start;
                            pending.head(begins, self.lower.head(node));
                            lost = false;
                        }
                        Err(failure) => {
                            pending = OpenItem::default();
                            lost = true;
                            self.fail(start, &failure, BlockKind::Items);
                        }
                    }
                }
                _ => {
                    let start = self.at;
                    match self.prefix(Rule::leaf_start) {
                        Ok(_) if self.guesses && self.misread(start) => {
                            pending = OpenItem::default();
                            lost = true;
                        }
                        Ok(node) => {
                            let Some(leaf) = node.inner().next() else {
                                break;
                            };
                            let leaf_span = leaf.span();
                            let span = Span {
                                start: pending.start.unwrap_or(leaf_span.start),
                                end: leaf_span.end,
                            };
                            let kind = self.lower.leaf(leaf);
                            let item = std::mem::take(&mut pending).leaf(
                                self.lower,
                                kind,
                                leaf_span.start,
                                span,
                            );
                            lost = false;
                            if let Some(frame) = frames.last_mut() {
                                frame.body.push(item);
                            }
                            if self.guesses {
                                self.late_condition(start);
                            }
                        }
                        Err(failure) => {
                            pending = OpenItem::default();
                            lost = true;
                            self.fail(start, &failure, BlockKind::Items);
                        }
                    }
                }
            }
        }
        // Missing braces have been reported.
        for item in frames.into_iter().flat_map(|frame| frame.body.finish()) {
            parts.items.push(item);
        }
    }

    fn statements(&mut self, body: BlockKind, parts: &mut DeclarationParts) {
        let rule = match body {
            BlockKind::System => Rule::system_start,
            BlockKind::Test => Rule::test_start,
            _ => Rule::scenario_start,
        };
        while self.goes_on() {
            let start = self.at;
            match self.word(start) {
                "}" => {
                    self.at += 1;
                    return;
                }
                _ => match self.prefix(rule) {
                    Ok(_) if self.guesses && body != BlockKind::System && self.misread(start) => {}
                    Ok(node) => node.inner().for_each(|child| self.lower.part(parts, child)),
                    Err(failure) => self.fail(start, &failure, body),
                },
            }
        }
    }

    /// Whether tokens remain and the error limit is not reached.
    fn goes_on(&self) -> bool {
        let most = if self.guesses { MAX_ERRORS } else { 0 };
        self.at < self.tokens.len() && self.errors.len() <= most
    }

    /// Reports an error in the statement at `start` and skips to where the next one can begin.
    fn fail(&mut self, start: usize, failure: &Failure, body: BlockKind) {
        self.report(start, failure);
        let failed = self.token_at(failure.at);
        if failure.rules.contains(&Rule::one_way) && self.skip_side(failed) {
            return;
        }
        let mut at = failed.max(start + usize::from(failed <= start));
        let mut depth = 0;
        while at < self.tokens.len() {
            let word = self.word(at);
            if body != BlockKind::Items {
                match word {
                    "{" => depth += 1,
                    "}" if depth > 0 => {
                        depth -= 1;
                        at += 1;
                        continue;
                    }
                    _ => {}
                }
            }
            let opens = word == "{" && body == BlockKind::Items;
            if depth == 0 && (word == "}" || opens || self.begins_statement(at, body)) {
                break;
            }
            at += 1;
        }
        self.at = at;
    }

    /// Skips a side of a rule after a missing or second arrow; `false` if none starts at `at`.
    fn skip_side(&mut self, at: usize) -> bool {
        let Some(token) = self.tokens.get(at) else {
            return false;
        };
        let start = token.span.start as usize;
        let Ok(pairs) = Grammar::parse(Rule::side, self.ahead(at, NEAR)) else {
            return false;
        };
        let end = (start + pairs.as_str().len()) as u32;
        let next = at + self.tokens[at..].partition_point(|token| token.span.start < end);
        let crosses = (at + 2..next).any(|index| {
            self.starts_line(index)
                && !token::is_joint(self.word(index))
                && !token::goes_on(self.word(index - 1))
        });
        if crosses || matches!(self.word(next), "->" | "<->") {
            return false;
        }
        self.at = next;
        true
    }

    fn begins_statement(&self, at: usize, body: BlockKind) -> bool {
        let word = self.word(at);
        let before = at.checked_sub(1).map_or("", |before| self.word(before));
        let is_name = token::is_free(word) && token::goes_on(before);
        let keyword = token::begins_statement(word, body) && !is_name;
        let after_colon = before == ":" && body == BlockKind::Items;
        let line = self.starts_line(at) && !token::goes_on(before) && !token::is_joint(word);
        (keyword && !token::is_joint(before)) || after_colon || line
    }

    /// Parses a statement at the current token and moves past it.
    fn prefix(&mut self, rule: Rule) -> Result<PairNode<'a>, Failure> {
        let Some(token) = self.tokens.get(self.at) else {
            return Err(Failure {
                at: self.end,
                rules: vec![rule],
                too_long: false,
            });
        };
        let start = token.span.start as usize;
        // To describe an error, pest scans its whole input. After one error, more are likely, so try a short input
        // first: an error well before its end is not caused by cutting it off.
        if !self.errors.is_empty()
            && self.at + NEAR < self.tokens.len()
            && let Err(error) = Grammar::parse(rule, self.ahead(self.at, NEAR))
        {
            let failure = Failure::new(start, error);
            if self.token_at(failure.at) + NEAR / 2 < self.at + NEAR {
                return Err(failure);
            }
        }
        let last = self.at + MAX_STATEMENT;
        let too_long = Failure {
            at: start,
            rules: Vec::new(),
            too_long: true,
        };
        match Grammar::parse(rule, self.ahead(self.at, MAX_STATEMENT + DANGLING)) {
            Ok(mut pairs) => {
                let node = PairNode::new(start, pairs.next().expect("a parse yields its rule"));
                let end = node.span().end;
                let next = self.at
                    + self.tokens[self.at..].partition_point(|token| token.span.start < end);
                if next > last {
                    return Err(too_long);
                }
                self.at = next;
                Ok(node)
            }
            Err(error) => {
                let failure = Failure::new(start, error);
                Err(if self.token_at(failure.at) >= last {
                    too_long
                } else {
                    failure
                })
            }
        }
    }

    /// The text of the `count` tokens from `at` on.
    fn ahead(&self, at: usize, count: usize) -> &'a str {
        let start = self.tokens[at].span.start as usize;
        let end = self
            .tokens
            .get(at + count)
            .map_or(self.end, |token| token.span.start as usize);
        &self.lower.text[start..end]
    }

    fn skip_annotation(&mut self) {
        let close = (self.at..self.tokens.len()).find(|index| {
            self.word(*index) == ")" || (*index > self.at && self.starts_line(*index))
        });
        self.at = match close {
            Some(index) if self.word(index) == ")" => index + 1,
            Some(index) => index,
            None => self.tokens.len(),
        };
    }

    /// The token at or after a byte offset.
    fn token_at(&self, at: usize) -> usize {
        self.tokens
            .partition_point(|token| token.span.end as usize <= at)
    }

    fn text(&self, token: &Token) -> &'a str {
        token.span.text(self.lower.text)
    }

    fn word(&self, index: usize) -> &'a str {
        self.tokens.get(index).map_or("", |token| self.text(token))
    }

    fn starts_line(&self, index: usize) -> bool {
        self.tokens
            .get(index)
            .is_some_and(|token| token.first_on_line)
    }

    fn location(&self, span: Span) -> Location {
        Location {
            file: self.lower.file,
            span,
        }
    }
}
