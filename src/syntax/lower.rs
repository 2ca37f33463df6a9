//! In: the pest pairs of one declaration, relative to its start. Out: tree nodes with spans in the file.
//! Errors: forms that the grammar accepts so that they get a better message here.

mod expectations;
mod parts;

pub(super) use parts::{DeclarationParts, OpenItem};

use std::borrow::Cow;
use std::cell::RefCell;

use arcstr::ArcStr;
use pest::iterators::Pair;
use rustc_hash::FxHashSet;
use smallvec::SmallVec;

use crate::diagnostic::Diagnostic;
use crate::errors::syntax as errors;
use crate::source::{FileId, Location, Span};
use crate::syntax::Rule;
use crate::syntax::lexer::read_escape;
use crate::syntax::rules::skip;
use crate::syntax::tree;

/// The longest duration, in seconds: a week.
const MAX_SECONDS: u32 = 7 * 24 * 3600;

pub(super) struct Lower<'a> {
    pub file: FileId,
    pub text: &'a str,
    comments: &'a [tree::Comment],
    errors: RefCell<Vec<Diagnostic>>,
    /// The texts of names, each stored once.
    texts: RefCell<FxHashSet<ArcStr>>,
}

/// A pair and the offset that its spans are relative to.
#[derive(Clone)]
pub(super) struct PairNode<'a> {
    base: usize,
    pair: Pair<'a, Rule>,
}

impl<'a> PairNode<'a> {
    pub fn new(base: usize, pair: Pair<'a, Rule>) -> Self {
        Self { base, pair }
    }

    fn rule(&self) -> Rule {
        self.pair.as_rule()
    }

    pub fn span(&self) -> Span {
        let span = self.pair.as_span();
        Span::new(self.base + span.start(), self.base + span.end())
    }

    pub fn is(&self, rule: Rule) -> bool {
        self.rule() == rule
    }

    fn text(&self) -> &'a str {
        self.pair.as_str()
    }

    pub fn inner(self) -> impl Iterator<Item = PairNode<'a>> {
        let base = self.base;
        self.pair
            .into_inner()
            .map(move |pair| PairNode { base, pair })
    }
}

impl<'a> Lower<'a> {
    pub fn new(file: FileId, text: &'a str, comments: &'a [tree::Comment]) -> Self {
        Self {
            file,
            text,
            comments,
            errors: RefCell::default(),
            texts: RefCell::default(),
        }
    }

    /// Discards all errors after the first `since`, a result of `count_errors`.
    pub fn forget_errors(&self, since: usize) {
        self.errors.borrow_mut().truncate(since);
    }

    pub fn count_errors(&self) -> usize {
        self.errors.borrow().len()
    }

    pub fn into_errors(self) -> Vec<Diagnostic> {
        self.errors.into_inner()
    }

    pub fn error(&self, span: Span, error: impl FnOnce(Location) -> Diagnostic) {
        let location = Location {
            file: self.file,
            span,
        };
        self.errors.borrow_mut().push(error(location));
    }

    pub fn declaration(&self, node: PairNode<'a>) -> tree::Declaration {
        let span = node.span();
        let mut allows = Vec::new();
        let mut kind = None;
        for child in node.inner() {
            match child.rule() {
                Rule::allow => allows.push(self.allow(child)),
                _ => kind = Some(self.kind(child)),
            }
        }
        let kind = kind.expect("the grammar ends a declaration with its kind");
        tree::Declaration {
            before: tree::Leading::new(allows, self.doc(span)),
            span,
            kind,
        }
    }

    fn kind(&self, node: PairNode<'a>) -> tree::DeclarationKind {
        let rule = node.rule();
        let mut parts = DeclarationParts::default();
        for child in node.inner() {
            self.part(&mut parts, child);
        }
        self.assemble(rule, parts)
    }

    /// Adds one pair to the parts of a declaration.
    pub fn part(&self, parts: &mut DeclarationParts, node: PairNode<'a>) {
        match node.rule() {
            Rule::new_name
            | Rule::use_ref
            | Rule::system_ref
            | Rule::new_value
            | Rule::profile_ref => {
                parts.names.push(self.name(&node));
            }
            Rule::text => parts.title = Some(self.name(&node)),
            Rule::value_ref => parts.default = Some(self.name(&node)),
            Rule::kw_default => parts.default_word = Some(node.span()),
            Rule::condition => parts.condition = Some(self.condition(node)),
            Rule::state | Rule::attributes | Rule::online | Rule::text_limit | Rule::echo => {
                parts.system_items.push(self.system_item(node));
            }
            Rule::kw_any | Rule::state_ref | Rule::all_term => {
                parts.group_terms.push(self.group_term(node));
            }
            Rule::in_role | Rule::any_role | Rule::given | Rule::expect => {
                parts.test_items.push(self.test_item(node));
            }
            Rule::in_role_step
            | Rule::set_step
            | Rule::observe_step
            | Rule::resync_step
            | Rule::wait_step
            | Rule::change_step => {
                parts.steps.push(self.step(node));
            }
            rule => skip(rule),
        }
    }

    /// Builds the declaration of a grammar rule from its parts.
    pub fn assemble(&self, rule: Rule, parts: DeclarationParts) -> tree::DeclarationKind {
        use tree::DeclarationKind as Kind;
        let mut names = parts.names.into_iter();
        let name = names.next().expect("every declaration begins with a name");
        match rule {
            Rule::use_decl => Kind::Use(name),
            Rule::system => Kind::System {
                name,
                title: parts.title,
                items: parts.system_items.into(),
            },
            Rule::extend => Kind::Extend {
                system: name,
                items: parts.system_items.into(),
            },
            Rule::group => {
                let system = name;
                let name = names.next().expect("a group has a name after its system");
                Kind::Group {
                    system,
                    name,
                    terms: parts.group_terms.into(),
                }
            }
            Rule::flag => Kind::Flag(name),
            Rule::choice => Kind::Choice {
                name,
                values: names.collect(),
                default: parts.default,
            },
            Rule::condition_decl => Kind::Condition {
                name,
                condition: parts.condition.expect("a condition has its expression"),
            },
            Rule::mapping => {
                let items = parts.items.finish();
                self.refuse_appends(&items);
                Kind::Mapping {
                    name,
                    items: items.into(),
                }
            }
            Rule::profile => Kind::Profile {
                name,
                condition: parts.condition.map(Box::new),
                items: parts.items.finish().into(),
            },
            Rule::role => Kind::Role {
                name,
                default: parts.default_word,
                profiles: names.collect(),
            },
            Rule::test => Kind::Test {
                name,
                items: parts.test_items.finish().into(),
            },
            Rule::scenario => Kind::Scenario {
                name,
                steps: parts.steps.finish().into(),
            },
            rule => unreachable!("`{rule:?}` is no declaration"),
        }
    }

    fn refuse_appends(&self, items: &[tree::Item]) {
        for item in items {
            match &item.kind {
                tree::ItemKind::Append(_) => {
                    self.error(item.span, errors::append_in_mapping);
                }
                tree::ItemKind::When(when) => self.refuse_appends(&when.body),
                tree::ItemKind::Rule(_) | tree::ItemKind::Apply(_) => {}
            }
        }
    }

    pub fn name(&self, node: &PairNode<'a>) -> tree::Name {
        let written = node.text();
        let text = match written.strip_prefix('"') {
            None => self.known(written),
            Some(rest) => self.known(&unescape(rest.strip_suffix('"').unwrap_or(rest))),
        };
        tree::Name {
            text,
            span: node.span(),
        }
    }

    fn known(&self, text: &str) -> ArcStr {
        let mut texts = self.texts.borrow_mut();
        if let Some(known) = texts.get(text) {
            return known.clone();
        }
        let new = ArcStr::from(text);
        texts.insert(new.clone());
        new
    }

    pub fn allow(&self, node: PairNode<'a>) -> tree::Allow {
        let span = node.span();
        let (mut codes, mut reason) = (Vec::new(), None);
        for child in node.inner() {
            match child.rule() {
                Rule::lint_code => codes.push(self.name(&child)),
                Rule::text => reason = Some(self.name(&child)),
                _ => {}
            }
        }
        tree::Allow {
            codes: codes.into(),
            reason,
            span,
        }
    }

    pub fn condition(&self, node: PairNode<'a>) -> tree::Condition {
        let (rule, span) = (node.rule(), node.span());
        match rule {
            Rule::condition | Rule::conjunction => {
                let mut parts: Vec<_> = node
                    .inner()
                    .filter(|child| !matches!(child.rule(), Rule::kw_or | Rule::kw_and))
                    .map(|child| self.condition(child))
                    .collect();
                if parts.len() == 1 {
                    return parts.remove(0);
                }
                let kind = if rule == Rule::condition {
                    tree::ConditionKind::Or(parts.into())
                } else {
                    tree::ConditionKind::And(parts.into())
                };
                tree::Condition { kind, span }
            }
            Rule::negation => {
                let mut times = 0;
                let mut inner = None;
                for child in node.inner() {
                    match child.rule() {
                        Rule::kw_not => times += 1,
                        Rule::condition | Rule::atom => inner = Some(self.condition(child)),
                        rule => skip(rule),
                    }
                }
                let inner = inner.expect("a negation ends in an atom or parentheses");
                if times == 0 {
                    return tree::Condition { span, ..inner };
                }
                tree::Condition {
                    kind: tree::ConditionKind::Not {
                        times,
                        inner: Box::new(inner),
                    },
                    span,
                }
            }
            Rule::atom => self.atom(node),
            rule => unreachable!("`{rule:?}` is no condition"),
        }
    }

    fn atom(&self, node: PairNode<'a>) -> tree::Condition {
        let span = node.span();
        let mut children = node.inner();
        let subject = children
            .next()
            .map(|name| self.name(&name))
            .expect("an atom begins with a name");
        let mut negated = false;
        let mut values = Vec::new();
        for child in children {
            match child.rule() {
                Rule::kw_not => negated = true,
                Rule::kw_any => values.push(tree::Value::Any(child.span())),
                Rule::value_ref => values.push(tree::Value::Name(self.name(&child))),
                Rule::by_hand => {
                    let kind = tree::ConditionKind::ByHand(subject);
                    return tree::Condition { kind, span };
                }
                rule => skip(rule),
            }
        }
        let kind = if values.is_empty() {
            tree::ConditionKind::Name(subject)
        } else {
            tree::ConditionKind::Is {
                subject,
                negated,
                values: values.into(),
            }
        };
        tree::Condition { kind, span }
    }

    /// The condition of a `when`, and its colon.
    pub fn head(&self, node: PairNode<'a>) -> (tree::Condition, Option<Span>) {
        let mut condition = None;
        let mut colon = None;
        for child in node.inner() {
            match child.rule() {
                Rule::condition => condition = Some(self.condition(child)),
                Rule::colon => colon = Some(child.span()),
                rule => skip(rule),
            }
        }
        (condition.expect("a `when` has a condition"), colon)
    }

    pub fn leaf(&self, node: PairNode<'a>) -> tree::ItemKind {
        match node.rule() {
            Rule::apply => self.apply(node),
            Rule::append => {
                let mut names = node
                    .inner()
                    .filter(|child| matches!(child.rule(), Rule::text | Rule::system_ref));
                let mut next = || {
                    names
                        .next()
                        .map(|name| self.name(&name))
                        .expect("an append has a text and a system")
                };
                tree::ItemKind::Append(Box::new(tree::Append {
                    text: next(),
                    system: next(),
                }))
            }
            Rule::sync_rule => tree::ItemKind::Rule(Box::new(self.rule(node))),
            rule => unreachable!("`{rule:?}` is no rule of a body"),
        }
    }

    fn apply(&self, node: PairNode<'a>) -> tree::ItemKind {
        let mut mapping = None;
        let mut replacement = None;
        let mut direction = None;
        let two_systems = |node: PairNode<'a>| {
            let mut systems = node
                .inner()
                .filter(|child| child.rule() == Rule::system_ref);
            let mut next = || systems.next().map(|system| self.name(&system));
            let both = next().zip(next());
            Some(Box::new(both.expect("there are two systems")))
        };
        for child in node.inner() {
            match child.rule() {
                Rule::mapping_ref => mapping = Some(self.name(&child)),
                Rule::replacement => replacement = two_systems(child),
                Rule::direction => direction = two_systems(child),
                rule => skip(rule),
            }
        }
        tree::ItemKind::Apply(Box::new(tree::Apply {
            mapping: mapping.expect("an apply names a mapping"),
            replacement,
            direction,
        }))
    }

    fn rule(&self, node: PairNode<'a>) -> tree::Rule {
        let mut overriding = None;
        let mut two_way = false;
        let mut arrow = node.span();
        let mut sides = Vec::with_capacity(2);
        for child in node.inner() {
            match child.rule() {
                Rule::kw_override => overriding = Some(child.span()),
                Rule::two_way | Rule::one_way => {
                    two_way = child.rule() == Rule::two_way;
                    arrow = child.span();
                }
                Rule::side => sides.push(self.side(child)),
                rule => skip(rule),
            }
        }
        let right = sides.pop().expect("a rule has a right side");
        let left = sides.pop().expect("a rule has a left side");
        let rule = tree::Rule {
            overriding,
            left,
            two_way,
            arrow,
            right,
        };
        self.check_rule(&rule);
        rule
    }

    /// Reports invalid forms of a rule, except those specific to `<->`: they are reported once names are resolved.
    fn check_rule(&self, rule: &tree::Rule) {
        if let Some(span) = rule.overriding
            && let Some(tree::Term::Otherwise(otherwise)) = rule
                .left
                .terms
                .iter()
                .find(|term| matches!(term, tree::Term::Otherwise(_)))
        {
            self.error(span.to(*otherwise), errors::override_otherwise);
        }
        if rule.two_way {
            return;
        }
        for term in &rule.left.terms {
            match term {
                tree::Term::Unchanged(span) => {
                    self.error(*span, errors::from_unchanged);
                }
                tree::Term::Previous(span) => {
                    self.error(*span, errors::from_previous);
                }
                tree::Term::Otherwise(span) if rule.left.terms.len() > 1 => {
                    self.error(*span, errors::otherwise_in_list);
                }
                tree::Term::Name(_) | tree::Term::Any(_) | tree::Term::Otherwise(_) => {}
            }
        }
        if let [_, second, ..] = rule.right.terms.as_slice() {
            self.error(second.span(), errors::second_target);
        }
        for term in &rule.right.terms {
            if let tree::Term::Any(span) | tree::Term::Otherwise(span) = term {
                let word = span.text(self.text);
                self.error(*span, |at| errors::no_target(word, at));
            }
        }
    }

    fn side(&self, node: PairNode<'a>) -> tree::Side {
        let mut system = None;
        let mut terms = SmallVec::new();
        for child in node.inner() {
            match child.rule() {
                Rule::system_ref => system = Some(self.name(&child)),
                Rule::state_ref => terms.push(tree::Term::Name(self.name(&child))),
                Rule::kw_any => terms.push(tree::Term::Any(child.span())),
                Rule::kw_otherwise => terms.push(tree::Term::Otherwise(child.span())),
                Rule::kw_unchanged => terms.push(tree::Term::Unchanged(child.span())),
                Rule::kw_previous => terms.push(tree::Term::Previous(child.span())),
                rule => skip(rule),
            }
        }
        terms.shrink_to_fit();
        tree::Side {
            system: system.expect("a side begins with a system"),
            terms,
        }
    }

    pub fn system_item(&self, node: PairNode<'a>) -> tree::SystemItem {
        let span = node.span();
        match node.rule() {
            Rule::attributes => {
                let names = node
                    .inner()
                    .filter(|child| child.rule() == Rule::new_attribute);
                tree::SystemItem::Attributes(names.map(|child| self.name(&child)).collect())
            }
            Rule::online => {
                let fact = node.inner().find(|child| child.rule() == Rule::fact_ref);
                tree::SystemItem::Online {
                    fact: self.name(&fact.expect("`online` names a flag")),
                    span,
                }
            }
            Rule::text_limit => {
                let number = node
                    .inner()
                    .find(|child| child.rule() == Rule::number)
                    .map_or("", |child| child.text());
                let limit = number.parse().unwrap_or(u64::MAX);
                tree::SystemItem::Text { limit, span }
            }
            Rule::echo => {
                let seconds = self.duration_in(node);
                tree::SystemItem::Echo { seconds, span }
            }
            Rule::state => tree::SystemItem::State(self.state(node)),
            rule => unreachable!("`{rule:?}` is no part of a system"),
        }
    }

    /// The duration in a node, in seconds. Reports one that is none, and returns 1 then.
    pub fn duration_in(&self, node: PairNode<'a>) -> u32 {
        let duration = node.inner().find(|child| child.rule() == Rule::duration);
        let duration = duration.expect("there is a duration");
        let text = duration.text();
        let digits = text.find(|char: char| !char.is_ascii_digit());
        let (count, unit) = text.split_at(digits.unwrap_or(text.len()));
        let seconds = match unit {
            "s" => Some(1),
            "m" => Some(60),
            "h" => Some(3600),
            _ => None,
        };
        let Some(seconds) = seconds else {
            self.error(duration.span(), |at| errors::no_unit(text, count, at));
            return 1;
        };
        let count = count.parse::<u32>().ok();
        match count.and_then(|count| count.checked_mul(seconds)) {
            Some(0) => self.error(duration.span(), |at| errors::no_duration(text, at)),
            Some(all) if all <= MAX_SECONDS => return all,
            _ => self.error(duration.span(), |at| errors::long_duration(text, at)),
        }
        1
    }

    fn state(&self, node: PairNode<'a>) -> tree::State {
        let span = node.span();
        let mut allows = Vec::new();
        let mut name = None;
        let mut id = None;
        let mut attributes = Vec::new();
        let mut read_only = None;
        let mut other: Option<Span> = None;
        let mut reads = None;
        for child in node.inner() {
            match child.rule() {
                Rule::allow => allows.push(self.allow(child)),
                Rule::new_name => name = Some(self.name(&child)),
                Rule::new_id => id = Some(self.name(&child)),
                Rule::attribute_ref => attributes.push(self.name(&child)),
                Rule::kw_read_only => read_only = Some(child.span()),
                Rule::kw_other => other = Some(child.span()),
                Rule::reads => {
                    let state = child.inner().find(|child| child.rule() == Rule::state_ref);
                    reads = state.map(|state| self.name(&state));
                }
                rule => skip(rule),
            }
        }
        let name = name.expect("a state has a name");
        tree::State {
            allows: allows.into(),
            doc: self.doc(span),
            name,
            id,
            reads,
            attributes: attributes.into(),
            read_only,
            other,
            span,
        }
    }

    fn group_term(&self, node: PairNode<'a>) -> tree::GroupTerm {
        let span = node.span();
        match node.rule() {
            Rule::kw_any => tree::GroupTerm::Any(span),
            Rule::all_term => {
                let attribute = node
                    .inner()
                    .find(|child| child.rule() == Rule::attribute_ref);
                tree::GroupTerm::All {
                    attribute: self.name(&attribute.expect("`all` names an attribute")),
                    span,
                }
            }
            Rule::state_ref => tree::GroupTerm::Name(self.name(&node)),
            rule => unreachable!("`{rule:?}` is no term of a group"),
        }
    }

    /// The doc comments right before a node, first line first.
    pub fn doc(&self, node: Span) -> Box<[Span]> {
        let mut end = node.start as usize;
        let mut doc = Vec::new();
        let before = self
            .comments
            .partition_point(|comment| comment.span.end as usize <= end);
        for comment in self.comments[..before].iter().rev() {
            let between = &self.text[comment.span.end as usize..end];
            // Backward, because other text is most likely right before the node.
            if !between.bytes().rev().all(|byte| byte.is_ascii_whitespace()) {
                break;
            }
            if comment.doc {
                doc.push(comment.span);
            }
            end = comment.span.start as usize;
        }
        doc.reverse();
        doc.into()
    }
}

/// The name that a word or a quoted text stands for.
pub fn unquote(token: &str) -> Cow<'_, str> {
    let inside = token
        .strip_prefix('"')
        .map(|inside| inside.strip_suffix('"').unwrap_or(inside));
    inside.map_or(Cow::Borrowed(token), unescape)
}

fn unescape(inside: &str) -> Cow<'_, str> {
    if !inside.contains('\\') {
        return Cow::Borrowed(inside);
    }
    let mut text = String::with_capacity(inside.len());
    let mut rest = inside;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        match read_escape(&rest[at..]) {
            Some((char, length)) => {
                text.push(char);
                rest = &rest[at + length..];
            }
            None => rest = &rest[at + 1..],
        }
    }
    text.push_str(rest);
    Cow::Owned(text)
}
