//! `textDocument/definition`.

use lsp_types as t;
use presync_ide::navigate;

use crate::convert::range;
use crate::requests::{Handler, RequestRefusal};
use crate::server::Server;

pub struct DefinitionHandler;

impl Handler for DefinitionHandler {
    type Request = t::DefinitionRequest;

    fn run(
        server: &mut Server,
        params: t::DefinitionParams,
    ) -> Result<Option<t::DefinitionResponse>, RequestRefusal> {
        let Some((view, offset)) = server.place(&params.text_document_position_params) else {
            return Ok(None);
        };
        let Some(place) = navigate::definition(view, offset) else {
            return Ok(None);
        };
        let Some(target) = server.location(&place) else {
            return Ok(None);
        };
        if !server.client.links {
            return Ok(Some(t::DefinitionResponse::Definition(target.into())));
        }
        let of = place.file_view();
        let whole = presync_ide::declaration::declaration_at(of, place.location.span)
            .map_or(place.location.span, |node| node.span);
        let encoding = server.client.encoding;
        let origin = view.name_at(offset).map(|name| name.location.span);
        Ok(Some(t::DefinitionResponse::DefinitionLinkList(vec![
            t::LocationLink {
                origin_selection_range: origin.map(|span| range(encoding, view.source(), span)),
                target_uri: target.uri,
                target_range: range(encoding, of.source(), whole),
                target_selection_range: target.range,
            },
        ])))
    }
}
