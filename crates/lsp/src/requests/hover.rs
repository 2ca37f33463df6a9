//! `textDocument/hover`.

use lsp_types as t;

use crate::convert::{markup, range};
use crate::requests::{Handler, RequestRefusal};
use crate::server::Server;

pub struct HoverHandler;

impl Handler for HoverHandler {
    type Request = t::HoverRequest;

    fn run(
        server: &mut Server,
        params: t::HoverParams,
    ) -> Result<Option<t::Hover>, RequestRefusal> {
        let Some((view, offset)) = server.place(&params.text_document_position_params) else {
            return Ok(None);
        };
        let hover = presync_ide::hover::hover(view, offset);
        Ok(hover.map(|hover| t::Hover {
            contents: markup(hover.markdown, server.client.markdown_hover).into(),
            range: Some(range(server.client.encoding, view.source(), hover.span)),
        }))
    }
}
