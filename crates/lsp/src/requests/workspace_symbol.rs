//! `workspace/symbol`.

use lsp_types as t;
use presync_ide::symbols::find;

use crate::requests::document_symbol::kind;
use crate::requests::{Handler, RequestRefusal};
use crate::server::Server;

pub struct WorkspaceSymbols;

/// More are not looked at by anybody.
const MOST: usize = 1_000;

impl Handler for WorkspaceSymbols {
    type Request = t::WorkspaceSymbolRequest;

    fn run(
        server: &mut Server,
        params: t::WorkspaceSymbolParams,
    ) -> Result<Option<t::WorkspaceSymbolResponse>, RequestRefusal> {
        let found = find(&server.analysis, &params.query);
        let symbols = found.iter().take(MOST).filter_map(|found| {
            Some(t::WorkspaceSymbol {
                location: server.location(&found.place)?.into(),
                data: None,
                base_symbol_information: t::BaseSymbolInformation {
                    name: found.symbol.name.clone(),
                    kind: kind(found.symbol.kind),
                    tags: None,
                    container_name: Some(found.symbol.kind.to_owned()),
                },
            })
        });
        Ok(Some(t::WorkspaceSymbolResponse::WorkspaceSymbolList(
            symbols.collect(),
        )))
    }
}
