//! `textDocument/diagnostic`, `workspace/diagnostic`.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use lsp_types as t;

use crate::documents::path_of;
use crate::requests::{Handler, RequestRefusal};
use crate::server::Server;

pub struct DiagnosticsOfDocument;

impl Handler for DiagnosticsOfDocument {
    type Request = t::DocumentDiagnosticRequest;

    fn run(
        server: &mut Server,
        params: t::DocumentDiagnosticParams,
    ) -> Result<t::DocumentDiagnosticReport, RequestRefusal> {
        let path = server
            .analysis
            .canonical(&path_of(&params.text_document.uri));
        server.unpublished.told(&path);
        let related = server
            .client
            .related_documents
            .then(|| server.related_documents(&path));
        let id = server.result_id(&path);
        if params.previous_result_id.as_ref() == Some(&id) {
            return Ok(t::RelatedUnchangedDocumentDiagnosticReport {
                related_documents: related,
                unchanged_document_diagnostic_report: t::UnchangedDocumentDiagnosticReport {
                    result_id: id,
                },
            }
            .into());
        }
        Ok(t::RelatedFullDocumentDiagnosticReport {
            related_documents: related,
            full_document_diagnostic_report: server.full(&path, id),
        }
        .into())
    }
}

pub struct DiagnosticsOfWorkspace;

impl Handler for DiagnosticsOfWorkspace {
    type Request = t::WorkspaceDiagnosticRequest;

    fn run(
        server: &mut Server,
        params: t::WorkspaceDiagnosticParams,
    ) -> Result<t::WorkspaceDiagnosticReport, RequestRefusal> {
        let known: HashMap<PathBuf, String> = params
            .previous_result_ids
            .into_iter()
            .map(|known| (server.analysis.canonical(&path_of(&known.uri)), known.value))
            .collect();
        // A file that is gone has no more diagnostics.
        let paths: BTreeSet<PathBuf> = server
            .analysis
            .findings()
            .keys()
            .chain(server.analysis.misplaced().keys())
            .chain(known.keys())
            .cloned()
            .collect();
        let mut items: Vec<t::WorkspaceDocumentDiagnosticReport> = Vec::new();
        for path in paths {
            let Some(uri) = server.documents.uri(&path) else {
                continue;
            };
            let version = server.documents.version(&path);
            let id = server.result_id(&path);
            items.push(if known.get(&path) == Some(&id) {
                t::WorkspaceUnchangedDocumentDiagnosticReport {
                    uri,
                    version,
                    unchanged_document_diagnostic_report: t::UnchangedDocumentDiagnosticReport {
                        result_id: id,
                    },
                }
                .into()
            } else {
                t::WorkspaceFullDocumentDiagnosticReport {
                    uri,
                    version,
                    full_document_diagnostic_report: server.full(&path, id),
                }
                .into()
            });
        }
        Ok(t::WorkspaceDiagnosticReport { items })
    }
}

impl Server {
    fn full(&self, path: &Path, id: String) -> t::FullDocumentDiagnosticReport {
        t::FullDocumentDiagnosticReport {
            result_id: Some(id),
            items: self.of_file(path),
        }
    }

    /// The diagnostics of the other files of the programs that have a file.
    fn related_documents(&self, path: &Path) -> HashMap<t::Uri, t::RelatedDocument> {
        let programs = self.analysis.views(path).map(|view| view.program);
        let others: BTreeSet<PathBuf> = programs
            .flat_map(|program| program.paths.iter().flatten().cloned())
            .filter(|other| other != path)
            .collect();
        let reports = others.iter().filter_map(|other| {
            let report = self.full(other, self.result_id(other));
            Some((self.documents.uri(other)?, report.into()))
        });
        reports.collect()
    }
}
