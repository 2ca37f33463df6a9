//! What has been read of a declaration or an item that is not whole yet.

use crate::source::Span;
use crate::syntax::ast;
use crate::syntax::list::List;
use crate::syntax::lower::Lower;

/// What a declaration is put together from, whole or statement by statement.
#[derive(Default)]
pub(in crate::syntax) struct Parts {
    pub names: Vec<ast::Name>,
    pub title: Option<ast::Name>,
    pub default: Option<ast::Name>,
    pub condition: Option<ast::Condition>,
    pub items: List<ast::Item>,
    pub system_items: Vec<ast::SystemItem>,
    pub group_terms: Vec<ast::GroupTerm>,
    pub test_items: List<ast::TestItem>,
    pub steps: List<ast::Step>,
}

/// The allows and `when`s that have been read before an item's block or leaf.
#[derive(Default)]
pub(in crate::syntax) struct Pending {
    /// Where the first of them begins.
    pub start: Option<u32>,
    /// Those before the first `when`, which concern the whole item.
    allows: Vec<ast::Allow>,
    heads: Vec<ast::Head>,
    /// Those behind the last `when`.
    later: Vec<ast::Allow>,
    last_colon: Option<Span>,
}

impl Pending {
    pub fn is_empty(&self) -> bool {
        self.allows.is_empty() && self.heads.is_empty()
    }

    pub fn has_condition(&self) -> bool {
        !self.heads.is_empty()
    }

    pub fn allow(&mut self, allow: ast::Allow) {
        self.start.get_or_insert(allow.span.start);
        if self.heads.is_empty() { self.allows.push(allow) } else { self.later.push(allow) }
    }

    pub fn head(&mut self, start: u32, (condition, colon): (ast::Condition, Option<Span>)) {
        self.start.get_or_insert(start);
        self.heads.push(ast::Head { allows: std::mem::take(&mut self.later).into(), condition });
        self.last_colon = colon;
    }

    pub fn block(self, lower: &Lower<'_>, open: u32, body: Vec<ast::Item>, span: Span) -> ast::Item {
        let brace = Span { start: open, end: open + 1 };
        if self.heads.is_empty() {
            lower.error(brace, "a block needs a condition", "this block has none", "write `when condition { ... }`");
        } else if let Some(colon) = self.last_colon {
            let help = "write `when c { ... }` for a block, or `when c: ...` for a single item";
            lower.error(colon.to(brace), "`:` and `{` exclude each other", "one of the two is too much", help);
        }
        let when = ast::When { heads: self.heads.into(), body: body.into(), block: true };
        ast::Item {
            before: ast::Before::new(self.allows, lower.doc(span)),
            span,
            kind: ast::ItemKind::When(Box::new(when)),
        }
    }

    /// `start`: where the leaf itself begins.
    pub fn leaf(self, lower: &Lower<'_>, kind: ast::ItemKind, start: u32, span: Span) -> ast::Item {
        let doc = lower.doc(span);
        if self.heads.is_empty() {
            return ast::Item { before: ast::Before::new(self.allows, doc), span, kind };
        }
        let start = self.later.first().map_or(start, |allow| allow.span.start);
        let inner = Span { start, end: span.end };
        let leaf = ast::Item { before: ast::Before::new(self.later, lower.doc(inner)), span: inner, kind };
        let when = ast::When { heads: self.heads.into(), body: [leaf].into(), block: false };
        ast::Item { before: ast::Before::new(self.allows, doc), span, kind: ast::ItemKind::When(Box::new(when)) }
    }
}
