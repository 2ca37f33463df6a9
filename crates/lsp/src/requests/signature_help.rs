//! `textDocument/signatureHelp`.

use lsp_types as t;
use presync_ide::signature::signature;

use crate::requests::{Handler, RequestRefusal};
use crate::server::Server;

pub struct SignatureHandler;

impl Handler for SignatureHandler {
    type Request = t::SignatureHelpRequest;

    fn run(
        server: &mut Server,
        params: t::SignatureHelpParams,
    ) -> Result<Option<t::SignatureHelp>, RequestRefusal> {
        let Some((view, offset)) = server.place(&params.text_document_position_params) else {
            return Ok(None);
        };
        let found = signature(view, offset);
        Ok(found.map(|found| t::SignatureHelp {
            signatures: vec![t::SignatureInformation {
                label: found.label(),
                documentation: None,
                parameters: Some(
                    found
                        .parts
                        .iter()
                        .map(|part| t::ParameterInformation {
                            label: (*part).to_owned().into(),
                            documentation: None,
                        })
                        .collect(),
                ),
                active_parameter: None,
            }],
            active_signature: Some(0),
            active_parameter: Some((found.active as u32).into()),
        }))
    }
}
