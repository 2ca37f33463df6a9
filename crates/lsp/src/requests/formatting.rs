//! `textDocument/formatting`, `textDocument/rangeFormatting`.

use lsp_types as t;
use presync_ide::format_file::{format, format_range};

use crate::convert::span;
use crate::requests::{Handler, RequestRefusal};
use crate::server::Server;

pub struct FormatWhole;

impl Handler for FormatWhole {
    type Request = t::DocumentFormattingRequest;

    fn run(
        server: &mut Server,
        params: t::DocumentFormattingParams,
    ) -> Result<Option<Vec<t::TextEdit>>, RequestRefusal> {
        let Some(view) = server.view(&params.text_document.uri) else {
            return Ok(None);
        };
        let edits = format(view);
        Ok(edits.map(|edits| server.text_edits(view.source(), &edits)))
    }
}

pub struct FormatRange;

impl Handler for FormatRange {
    type Request = t::DocumentRangeFormattingRequest;

    fn run(
        server: &mut Server,
        params: t::DocumentRangeFormattingParams,
    ) -> Result<Option<Vec<t::TextEdit>>, RequestRefusal> {
        let Some(view) = server.view(&params.text_document.uri) else {
            return Ok(None);
        };
        let span = span(server.client.encoding, view.source(), params.range);
        let edits = format_range(view, span);
        Ok(edits.map(|edits| server.text_edits(view.source(), &edits)))
    }
}
