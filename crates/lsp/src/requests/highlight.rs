//! `textDocument/documentHighlight`.

use lsp_types as t;
use presync_ide::navigate::{highlights, is_declaration};

use crate::convert::range;
use crate::requests::{Handler, RequestRefusal};
use crate::server::Server;

pub struct HighlightHandler;

impl Handler for HighlightHandler {
    type Request = t::DocumentHighlightRequest;

    fn run(
        server: &mut Server,
        params: t::DocumentHighlightParams,
    ) -> Result<Option<Vec<t::DocumentHighlight>>, RequestRefusal> {
        let Some((view, offset)) = server.place(&params.text_document_position_params) else {
            return Ok(None);
        };
        let highlights = highlights(view, offset).into_iter();
        let highlights = highlights.map(|location| t::DocumentHighlight {
            range: range(server.client.encoding, view.source(), location.span),
            kind: Some(if is_declaration(view, location) {
                t::DocumentHighlightKind::Write
            } else {
                t::DocumentHighlightKind::Read
            }),
        });
        Ok(Some(highlights.collect()))
    }
}
