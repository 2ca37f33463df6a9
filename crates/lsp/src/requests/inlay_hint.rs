//! `textDocument/inlayHint`.

use lsp_types as t;
use presync_ide::hints::hints;

use crate::convert::{position, span};
use crate::requests::{Handler, RequestRefusal};
use crate::server::Server;

pub struct InlayHints;

impl Handler for InlayHints {
    type Request = t::InlayHintRequest;

    fn run(
        server: &mut Server,
        params: t::InlayHintParams,
    ) -> Result<Option<Vec<t::InlayHint>>, RequestRefusal> {
        let Some(view) = server.view(&params.text_document.uri) else {
            return Ok(None);
        };
        let encoding = server.client.encoding;
        let within = span(encoding, view.source(), params.range);
        let hints = hints(view, within).into_iter().map(|hint| t::InlayHint {
            position: position(encoding, view.source(), hint.offset),
            label: t::Label::String(hint.label),
            kind: None,
            text_edits: None,
            tooltip: hint.tooltip.map(t::Tooltip::String),
            padding_left: Some(true),
            padding_right: None,
            data: None,
        });
        Ok(Some(hints.collect()))
    }
}
