//! `workspace/textDocumentContent`: documents that no file has.

use lsp_types as t;

use crate::requests::{Handler, RequestRefusal};
use crate::server::Server;
use crate::virtual_document::{ProgramText, VirtualDocument};

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
        // A commit is compared when somebody asks for it.
        let follows = |what: &ProgramText| !matches!(what, ProgramText::Changes { .. });
        if let Some(VirtualDocument::Program { what, .. }) = &document
            && follows(what)
        {
            let shown = &mut server.shown;
            shown.insert(params.uri.to_string(), text.clone());
        }
        Ok(t::TextDocumentContentResult { text })
    }
}
