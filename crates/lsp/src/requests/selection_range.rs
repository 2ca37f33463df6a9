//! `textDocument/selectionRange`.

use lsp_types as t;
use presync_ide::structure::selections;

use crate::convert::{offset, range};
use crate::requests::{Handler, RequestRefusal};
use crate::server::Server;

pub struct SelectionRanges;

impl Handler for SelectionRanges {
    type Request = t::SelectionRangeRequest;

    fn run(
        server: &mut Server,
        params: t::SelectionRangeParams,
    ) -> Result<Option<Vec<t::SelectionRange>>, RequestRefusal> {
        let Some(view) = server.view(&params.text_document.uri) else {
            return Ok(None);
        };
        let encoding = server.client.encoding;
        let of = params.positions.into_iter().map(|at| {
            let offset = offset(encoding, view.source(), at);
            // From the outermost to the innermost, each with the one around it.
            let all = selections(view, offset).into_iter().rev();
            let nested = all.fold(None, |parent, span| {
                Some(t::SelectionRange {
                    range: range(encoding, view.source(), span),
                    parent: parent.map(Box::new),
                })
            });
            nested.unwrap_or(t::SelectionRange {
                range: t::Range { start: at, end: at },
                parent: None,
            })
        });
        Ok(Some(of.collect()))
    }
}
