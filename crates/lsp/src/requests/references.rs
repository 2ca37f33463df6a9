//! `textDocument/references`.

use lsp_types as t;
use presync_ide::navigate::{is_declaration, references};

use crate::requests::{Handler, RequestRefusal};
use crate::server::Server;

pub struct ReferencesHandler;

impl Handler for ReferencesHandler {
    type Request = t::ReferencesRequest;

    fn run(
        server: &mut Server,
        params: t::ReferenceParams,
    ) -> Result<Option<Vec<t::Location>>, RequestRefusal> {
        let Some((view, offset)) = server.place(&params.text_document_position_params) else {
            return Ok(None);
        };
        let mut places = references(&server.analysis, view, offset);
        if !params.context.include_declaration {
            places.retain(|place| !is_declaration(place.view, place.location));
        }
        let locations = places.iter().filter_map(|place| server.location(place));
        Ok(Some(locations.collect()))
    }
}
