//! `workspace/textDocumentContent`: documents that no file has.

use lsp_types as t;

use crate::requests::{Handler, RequestRefusal};
use crate::server::Server;
use crate::virtual_document::VirtualDocument;

pub struct ContentHandler;

impl Handler for ContentHandler {
    type Request = t::TextDocumentContentRequest;

    fn run(
        server: &mut Server,
        params: t::TextDocumentContentParams,
    ) -> Result<t::TextDocumentContentResult, RequestRefusal> {
        let document = VirtualDocument::parse(&params.uri);
        let text = document
            .as_ref()
            .and_then(|document| server.content(document));
        let text = text
            .ok_or_else(|| RequestRefusal::because(format!("`{}` does not exist", params.uri)))?;
        if let Some(VirtualDocument::Table { .. }) = document {
            let shown = &mut server.shown_tables;
            shown.insert(params.uri.to_string(), text.clone());
        }
        Ok(t::TextDocumentContentResult { text })
    }
}
