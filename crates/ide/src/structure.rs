//! What can be folded, and what is selected next when a selection grows.

use presync::{Span, TokenKind};

use crate::analysis::FileView;

/// A part of a file that can be folded. It spans lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fold {
    pub span: Span,
    pub is_comment: bool,
    pub is_use: bool,
}

/// Blocks in braces, comments of several lines, and the `use`s at the start of a file.
pub fn folds(view: FileView<'_>) -> Vec<Fold> {
    let (source, text) = (view.source(), view.text());
    let (tokens, comments) = presync::tokens(text);
    let mut folds = Vec::new();
    let mut add = |span: Span, is_comment, is_use| {
        if source.line(span.start) < source.line(span.end) {
            folds.push(Fold {
                span,
                is_comment,
                is_use,
            });
        }
    };
    let mut open = Vec::new();
    for token in tokens {
        match (token.kind, token.span.text(text)) {
            (TokenKind::Open, "{") => open.push(token.span),
            (TokenKind::Close, "}") => {
                if let Some(start) = open.pop() {
                    add(start.to(token.span), false, false);
                }
            }
            _ => {}
        }
    }
    let alone = |span: Span| {
        let before = &text[..span.start as usize];
        before
            .rsplit('\n')
            .next()
            .is_none_or(|line| line.trim().is_empty())
    };
    let mut block: Option<Span> = None;
    for comment in comments.iter().filter(|comment| alone(comment.span)) {
        block = match block {
            Some(block) if source.line(block.end) + 1 == source.line(comment.span.start) => {
                Some(block.to(comment.span))
            }
            block => {
                if let Some(block) = block {
                    add(block, true, false);
                }
                Some(comment.span)
            }
        };
    }
    if let Some(block) = block {
        add(block, true, false);
    }
    let uses = view
        .tree()
        .declarations
        .iter()
        .take_while(|node| matches!(node.kind, presync::tree::DeclarationKind::Use(_)));
    let spans: Vec<Span> = uses.map(|node| node.span).collect();
    if let [first, .., last] = spans[..] {
        add(first.to(last), false, true);
    }
    folds.sort_by_key(|fold| (fold.span.start, fold.span.end));
    folds
}

/// The spans around an offset, smallest first: the token, the insides of the brackets around it, the brackets, the
/// statement, the declaration with its comments, the file.
pub fn selections(view: FileView<'_>, offset: u32) -> Vec<Span> {
    let text = view.text();
    let (tokens, comments) = presync::tokens(text);
    let mut spans: Vec<Span> = Vec::new();
    let around = |span: Span| span.start <= offset && offset <= span.end;
    let own = tokens
        .iter()
        .map(|token| token.span)
        .chain(comments.iter().map(|comment| comment.span));
    spans.extend(own.filter(|span| around(*span)));
    let mut open: Vec<Span> = Vec::new();
    for token in &tokens {
        match token.kind {
            TokenKind::Open => open.push(token.span),
            TokenKind::Close => {
                if let Some(start) = open.pop() {
                    let inside = Span {
                        start: start.end,
                        end: token.span.start,
                    };
                    spans.extend([inside, start.to(token.span)]);
                }
            }
            TokenKind::Word
            | TokenKind::Text
            | TokenKind::Number
            | TokenKind::Symbol
            | TokenKind::Bad => {}
        }
    }
    for node in &view.tree().declarations {
        spans.extend([node.span, node.before.with_doc(node.span)]);
        if around(node.span) {
            items(&node.kind, &mut spans);
        }
    }
    spans.push(Span::new(0, text.len()));
    spans.retain(|span| around(*span));
    spans.sort_by_key(|span| (span.end - span.start, span.start));
    // Each contains the one before it.
    let mut nested: Vec<Span> = Vec::new();
    for span in spans {
        if nested
            .last()
            .is_none_or(|last| *last != span && span.contains(*last))
        {
            nested.push(span);
        }
    }
    nested
}

/// The statements of a declaration.
fn items(kind: &presync::tree::DeclarationKind, spans: &mut Vec<Span>) {
    use presync::tree::{DeclarationKind as Kind, Item, ItemKind, SystemItem, TestItem};
    fn of_block(items: &[Item], spans: &mut Vec<Span>) {
        for item in items {
            spans.push(item.span);
            if let ItemKind::When(when) = &item.kind {
                spans.extend(when.heads.iter().map(|head| head.condition.span));
                of_block(&when.body, spans);
            }
        }
    }
    match kind {
        Kind::Mapping { items, .. } | Kind::Profile { items, .. } => of_block(items, spans),
        Kind::System { items, .. } | Kind::Extend { items, .. } => {
            spans.extend(items.iter().filter_map(|item| match item {
                SystemItem::State(state) => Some(state.span),
                _ => None,
            }));
        }
        Kind::Test { items, .. } => {
            spans.extend(items.iter().filter_map(|item| match item {
                TestItem::Expect(expect) => Some(expect.span),
                _ => None,
            }));
        }
        Kind::Scenario { steps, .. } => spans.extend(steps.iter().map(|step| step.span)),
        Kind::Condition { condition, .. } => spans.push(condition.span),
        _ => {}
    }
}
