//! Declarations and items that are not complete yet.

use crate::errors::syntax as errors;
use crate::source::Span;
use crate::syntax::chunked_vec::ChunkedVec;
use crate::syntax::lower::Lower;
use crate::syntax::tree;

/// The parts of a declaration, collected all at once or statement by statement.
#[derive(Default)]
pub(in crate::syntax) struct DeclarationParts {
    pub names: Vec<tree::Name>,
    pub title: Option<tree::Name>,
    pub default: Option<tree::Name>,
    /// The word `default` before a role.
    pub default_word: Option<Span>,
    pub condition: Option<tree::Condition>,
    pub items: ChunkedVec<tree::Item>,
    pub system_items: Vec<tree::SystemItem>,
    pub group_terms: Vec<tree::GroupTerm>,
    pub test_items: ChunkedVec<tree::TestItem>,
    pub steps: ChunkedVec<tree::Step>,
}

/// The allows and `when`s read before the block or leaf of an item.
#[derive(Default)]
pub(in crate::syntax) struct OpenItem {
    /// Where the first of them begins.
    pub start: Option<u32>,
    /// Those before the first `when`; they apply to the whole item.
    allows: Vec<tree::Allow>,
    heads: Vec<tree::WhenHead>,
    /// Those after the last `when`.
    later: Vec<tree::Allow>,
    last_colon: Option<Span>,
}

impl OpenItem {
    pub fn is_empty(&self) -> bool {
        self.allows.is_empty() && self.heads.is_empty()
    }

    pub fn has_condition(&self) -> bool {
        !self.heads.is_empty()
    }

    pub fn allow(&mut self, allow: tree::Allow) {
        self.start.get_or_insert(allow.span.start);
        if self.heads.is_empty() {
            self.allows.push(allow);
        } else {
            self.later.push(allow);
        }
    }

    pub fn head(&mut self, start: u32, (condition, colon): (tree::Condition, Option<Span>)) {
        self.start.get_or_insert(start);
        self.heads.push(tree::WhenHead {
            allows: std::mem::take(&mut self.later).into(),
            condition,
        });
        self.last_colon = colon;
    }

    pub fn block(
        self,
        lower: &Lower<'_>,
        open: u32,
        body: Vec<tree::Item>,
        span: Span,
    ) -> tree::Item {
        let brace = Span {
            start: open,
            end: open + 1,
        };
        if self.heads.is_empty() {
            lower.error(brace, errors::block_without_condition);
        } else if let Some(colon) = self.last_colon {
            lower.error(colon.to(brace), errors::colon_and_brace);
        }
        let when = tree::When {
            heads: self.heads.into(),
            body: body.into(),
            block: true,
        };
        tree::Item {
            before: tree::Leading::new(self.allows, lower.doc(span)),
            span,
            kind: tree::ItemKind::When(Box::new(when)),
        }
    }

    /// `start`: where the leaf itself begins.
    pub fn leaf(
        self,
        lower: &Lower<'_>,
        kind: tree::ItemKind,
        start: u32,
        span: Span,
    ) -> tree::Item {
        let doc = lower.doc(span);
        if self.heads.is_empty() {
            return tree::Item {
                before: tree::Leading::new(self.allows, doc),
                span,
                kind,
            };
        }
        let start = self.later.first().map_or(start, |allow| allow.span.start);
        let inner = Span {
            start,
            end: span.end,
        };
        let leaf = tree::Item {
            before: tree::Leading::new(self.later, lower.doc(inner)),
            span: inner,
            kind,
        };
        let when = tree::When {
            heads: self.heads.into(),
            body: [leaf].into(),
            block: false,
        };
        tree::Item {
            before: tree::Leading::new(self.allows, doc),
            span,
            kind: tree::ItemKind::When(Box::new(when)),
        }
    }
}
