//! `textDocument/documentSymbol`.

use lsp_types as t;
use presync_ide::FileView;
use presync_ide::symbols::{Symbol, outline};

use crate::convert::range;
use crate::requests::{Handler, RequestRefusal};
use crate::server::Server;

pub struct DocumentSymbols;

impl Handler for DocumentSymbols {
    type Request = t::DocumentSymbolRequest;

    #[allow(deprecated, reason = "the type has a deprecated field")]
    fn run(
        server: &mut Server,
        params: t::DocumentSymbolParams,
    ) -> Result<Option<t::DocumentSymbolResponse>, RequestRefusal> {
        let uri = params.text_document.uri;
        let Some(view) = server.view(&uri) else {
            return Ok(None);
        };
        let symbols = outline(view);
        if server.client.nested_symbols {
            let nested = symbols.iter().map(|symbol| nested(server, view, symbol));
            return Ok(Some(t::DocumentSymbolResponse::DocumentSymbolList(
                nested.collect(),
            )));
        }
        let mut flat = Vec::new();
        for symbol in &symbols {
            let all = std::iter::once((symbol, None));
            let children = symbol
                .children
                .iter()
                .map(|child| (child, Some(&symbol.name)));
            for (symbol, container) in all.chain(children) {
                flat.push(t::SymbolInformation {
                    deprecated: None,
                    location: t::Location {
                        uri: uri.clone(),
                        range: range(server.client.encoding, view.source(), symbol.whole),
                    },
                    base_symbol_information: t::BaseSymbolInformation {
                        name: symbol.name.clone(),
                        kind: kind(symbol.kind),
                        tags: None,
                        container_name: container.cloned(),
                    },
                });
            }
        }
        Ok(Some(t::DocumentSymbolResponse::SymbolInformationList(flat)))
    }
}

#[allow(deprecated, reason = "the type has a deprecated field")]
fn nested(server: &Server, view: FileView<'_>, symbol: &Symbol) -> t::DocumentSymbol {
    let of = |span| range(server.client.encoding, view.source(), span);
    let children = symbol.children.iter();
    let children: Vec<_> = children.map(|child| nested(server, view, child)).collect();
    t::DocumentSymbol {
        name: symbol.name.clone(),
        detail: Some(symbol.kind.to_owned()),
        kind: kind(symbol.kind),
        tags: None,
        deprecated: None,
        range: of(symbol.whole),
        selection_range: of(symbol.name_span),
        children: (!children.is_empty()).then_some(children),
    }
}

/// The kind of the protocol that comes closest.
pub(super) fn kind(kind: &str) -> t::SymbolKind {
    match kind {
        "use" => t::SymbolKind::File,
        "system" | "extend" => t::SymbolKind::Module,
        "state" | "value" => t::SymbolKind::EnumMember,
        "group" | "choice" => t::SymbolKind::Enum,
        "flag" => t::SymbolKind::Boolean,
        "condition" => t::SymbolKind::Function,
        "mapping" => t::SymbolKind::Interface,
        "profile" => t::SymbolKind::Class,
        "role" => t::SymbolKind::Struct,
        "test" | "scenario" => t::SymbolKind::Method,
        _ => t::SymbolKind::Variable,
    }
}
