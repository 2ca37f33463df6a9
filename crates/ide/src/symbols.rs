//! The declarations of a file as an outline, and those of all programs by name.

use presync::{Location, Span, tree};

use crate::analysis::{Analysis, FileView};
use crate::declaration::{declared_name, keyword};
use crate::navigate::{DocumentName, FoundPlace};

/// A declaration, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    pub name: String,
    /// `profile`, `state`, ...
    pub kind: &'static str,
    pub whole: Span,
    pub name_span: Span,
    pub children: Vec<Symbol>,
}

/// The outline of a file.
pub fn outline(view: FileView<'_>) -> Vec<Symbol> {
    let nodes = view.tree().declarations.iter();
    nodes.map(symbol).collect()
}

fn symbol(node: &tree::Declaration) -> Symbol {
    use tree::DeclarationKind as Kind;
    let name = match &node.kind {
        Kind::Use(name) | Kind::Extend { system: name, .. } => Some(name),
        _ => declared_name(node),
    };
    let whole = node.before.with_doc(node.span);
    let (name, name_span) = match name {
        Some(name) => (name.text.to_string(), name.span),
        None => (String::new(), node.span),
    };
    let name = match &node.kind {
        Kind::Group { system, .. } => format!("{}.{name}", system.text),
        // A name in an outline is never empty.
        _ if name.is_empty() => "\"\"".to_owned(),
        _ => name,
    };
    let child = |kind: &'static str, name: &tree::Name, whole: Span| Symbol {
        name: if name.text.is_empty() {
            "\"\"".to_owned()
        } else {
            name.text.to_string()
        },
        kind,
        whole,
        name_span: name.span,
        children: Vec::new(),
    };
    let children = match &node.kind {
        Kind::System { items, .. } | Kind::Extend { items, .. } => {
            let states = items.iter().filter_map(|item| match item {
                tree::SystemItem::State(state) => Some(child("state", &state.name, state.span)),
                _ => None,
            });
            states.collect()
        }
        Kind::Choice { values, .. } => {
            let values = values.iter();
            values.map(|name| child("value", name, name.span)).collect()
        }
        _ => Vec::new(),
    };
    Symbol {
        name,
        kind: keyword(node),
        whole,
        name_span,
        children,
    }
}

/// A declaration somewhere in the programs.
pub struct FoundSymbol<'a> {
    pub place: FoundPlace<'a>,
    pub symbol: Symbol,
}

/// The declarations whose name contains the letters of a query in this order; all for an empty query. Not those of bundled
/// vocabularies.
pub fn find<'a>(analysis: &'a Analysis, query: &str) -> Vec<FoundSymbol<'a>> {
    let mut found = Vec::new();
    for path in analysis.findings().keys() {
        let Some(view) = analysis.view(path) else {
            continue;
        };
        if matches!(view.document(view.file), DocumentName::Vocabulary(_)) {
            continue;
        }
        let mut symbols = outline(view);
        symbols.retain(|symbol| symbol.kind != "use");
        let parts: Vec<Symbol> = symbols
            .iter_mut()
            .flat_map(|symbol| std::mem::take(&mut symbol.children))
            .collect();
        for symbol in symbols.into_iter().chain(parts) {
            if !matches(&symbol.name, query) {
                continue;
            }
            let location = Location {
                file: view.file,
                span: symbol.name_span,
            };
            let place = FoundPlace { view, location };
            found.push(FoundSymbol { place, symbol });
        }
    }
    found
}

/// Whether a name contains these letters in this order, whatever their case.
fn matches(name: &str, query: &str) -> bool {
    let mut letters = name.chars().flat_map(char::to_lowercase);
    query
        .chars()
        .filter(|char| !char.is_whitespace())
        .flat_map(char::to_lowercase)
        .all(|wanted| letters.any(|letter| letter == wanted))
}
