//! `textDocument/documentLink`: the files and vocabularies of `use`.

use lsp_types as t;

use crate::convert::range;
use crate::requests::{Handler, RequestRefusal};
use crate::server::Server;

pub struct DocumentLinks;

impl Handler for DocumentLinks {
    type Request = t::DocumentLinkRequest;

    fn run(
        server: &mut Server,
        params: t::DocumentLinkParams,
    ) -> Result<Option<Vec<t::DocumentLink>>, RequestRefusal> {
        let Some(view) = server.view(&params.text_document.uri) else {
            return Ok(None);
        };
        let uses = view.sources().uses.iter();
        let own = uses.filter(|used| used.location.file == view.file);
        let links = own.filter_map(|used| {
            Some(t::DocumentLink {
                range: range(server.client.encoding, view.source(), used.location.span),
                target: Some(server.uri_of(&view.document(used.file))?),
                tooltip: server
                    .client
                    .link_tooltips
                    .then(|| format!("open {}", used.name)),
                data: None,
            })
        });
        Ok(Some(links.collect()))
    }
}
