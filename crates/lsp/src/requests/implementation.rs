//! `textDocument/implementation`: where a declaration is put to use.

use lsp_types as t;
use presync_ide::navigate::implementations;

use crate::requests::{Handler, RequestRefusal};
use crate::server::Server;

pub struct ImplementationHandler;

impl Handler for ImplementationHandler {
    type Request = t::ImplementationRequest;

    fn run(
        server: &mut Server,
        params: t::ImplementationParams,
    ) -> Result<Option<t::ImplementationResponse>, RequestRefusal> {
        let Some((view, offset)) = server.place(&params.text_document_position_params) else {
            return Ok(None);
        };
        let places = implementations(&server.analysis, view, offset);
        let locations = places.iter().filter_map(|place| server.location(place));
        let locations: Vec<t::Location> = locations.collect();
        Ok(Some(t::ImplementationResponse::Definition(
            locations.into(),
        )))
    }
}
