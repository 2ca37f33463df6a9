//! `textDocument/prepareRename`, `textDocument/rename`.

use lsp_types as t;
use presync_ide::rename::{RenameRefusal, prepare, rename};

use crate::convert::range;
use crate::requests::{Handler, RequestRefusal};
use crate::server::Server;

pub struct PrepareRename;

impl Handler for PrepareRename {
    type Request = t::PrepareRenameRequest;

    fn run(
        server: &mut Server,
        params: t::PrepareRenameParams,
    ) -> Result<Option<t::PrepareRenameResult>, RequestRefusal> {
        let Some((view, offset)) = server.place(&params.text_document_position_params) else {
            return Ok(None);
        };
        match prepare(view, offset) {
            Ok((span, placeholder)) => Ok(Some(
                t::PrepareRenamePlaceholder {
                    range: range(server.client.encoding, view.source(), span),
                    placeholder,
                }
                .into(),
            )),
            Err(RenameRefusal::NoName) => Ok(None),
            Err(refusal) => Err(RequestRefusal::because(refusal)),
        }
    }
}

pub struct RenameHandler;

impl Handler for RenameHandler {
    type Request = t::RenameRequest;

    fn run(
        server: &mut Server,
        params: t::RenameParams,
    ) -> Result<Option<t::WorkspaceEdit>, RequestRefusal> {
        let Some((view, offset)) = server.place(&params.text_document_position_params) else {
            return Ok(None);
        };
        let edits = rename(&server.analysis, view, offset, &params.new_name);
        let edits = edits.map_err(RequestRefusal::because)?;
        Ok(Some(server.workspace_edit(&edits)))
    }
}
