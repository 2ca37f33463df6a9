//! `textDocument/foldingRange`.

use lsp_types as t;
use presync_ide::structure::folds;

use crate::convert::range;
use crate::requests::{Handler, RequestRefusal};
use crate::server::Server;

pub struct FoldingRanges;

impl Handler for FoldingRanges {
    type Request = t::FoldingRangeRequest;

    fn run(
        server: &mut Server,
        params: t::FoldingRangeParams,
    ) -> Result<Option<Vec<t::FoldingRange>>, RequestRefusal> {
        let Some(view) = server.view(&params.text_document.uri) else {
            return Ok(None);
        };
        let folds = folds(view).into_iter().map(|fold| {
            let range = range(server.client.encoding, view.source(), fold.span);
            t::FoldingRange {
                start_line: range.start.line,
                start_character: None,
                // The closing brace stays visible.
                end_line: if fold.is_comment || fold.is_use {
                    range.end.line
                } else {
                    range.end.line.saturating_sub(1).max(range.start.line)
                },
                end_character: None,
                kind: match (fold.is_comment, fold.is_use) {
                    (true, _) => Some(t::FoldingRangeKind::Comment),
                    (_, true) => Some(t::FoldingRangeKind::Imports),
                    _ => None,
                },
                collapsed_text: None,
            }
        });
        Ok(Some(folds.collect()))
    }
}
