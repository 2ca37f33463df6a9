//! Findings as diagnostics, published or on request: one of both in a session, by what the client can.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use lsp_types as t;
use presync::{Diagnostic, Level, Location, Severity};
use presync_ide::navigate::{DocumentName, FoundPlace};
use presync_ide::{FileFinding, FileView};
use serde_json::json;

use crate::convert::range;
use crate::server::Server;
use crate::virtual_document::VirtualDocument;

impl Server {
    /// Sends the diagnostics that changed, or says that some did.
    pub(crate) fn publish(&mut self) {
        self.tell_failures();
        let changed = std::mem::take(&mut self.unpublished);
        if changed.is_empty() {
            return;
        }
        if self.client.pulls {
            if changed
                .iter()
                .any(|path| self.documents.version(path).is_none())
                || changed.len() > 1
            {
                self.ask("workspace/diagnostic/refresh", serde_json::Value::Null);
            }
        } else {
            for path in &changed {
                let diagnostics = self.of_file(path);
                let is_empty = diagnostics.is_empty();
                let is_open = self.documents.version(path).is_some();
                if is_empty && !is_open && !self.published.contains(path) {
                    continue;
                }
                let Some(uri) = self.documents.uri(path) else {
                    continue;
                };
                if is_empty {
                    self.published.remove(path);
                } else {
                    self.published.insert(path.clone());
                }
                let params = t::PublishDiagnosticsParams {
                    uri,
                    version: self.documents.version(path),
                    diagnostics,
                };
                self.notify("textDocument/publishDiagnostics", json!(params));
            }
        }
        // What else was shown is not of these texts any more; the open file is asked for anyway.
        if changed.len() > 1 {
            if self.client.refreshes_lenses {
                self.ask("workspace/codeLens/refresh", serde_json::Value::Null);
            }
            if self.client.refreshes_hints {
                self.ask("workspace/inlayHint/refresh", serde_json::Value::Null);
            }
            if self.client.refreshes_tokens {
                self.ask("workspace/semanticTokens/refresh", serde_json::Value::Null);
            }
        }
    }

    /// Says once why a program cannot be checked.
    fn tell_failures(&mut self) {
        let failed: Vec<String> = self.analysis.failed().values().cloned().collect();
        for message in &failed {
            if !self.reported.contains(message) {
                self.tell(t::MessageType::Error, &format!("presync: {message}"));
            }
        }
        self.reported = failed.into_iter().collect();
    }

    /// The diagnostics of a file.
    pub(crate) fn of_file(&self, path: &Path) -> Vec<t::Diagnostic> {
        let findings = self.analysis.findings().get(path);
        let findings = findings.into_iter().flatten();
        findings
            .filter_map(|finding| self.diagnostic(finding))
            .collect()
    }

    /// An id that is the same as long as the diagnostics of a file are.
    pub(crate) fn result_id(&self, path: &Path) -> String {
        let mut hasher = DefaultHasher::new();
        json!(self.of_file(path)).to_string().hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }

    pub(crate) fn diagnostic(&self, finding: &FileFinding) -> Option<t::Diagnostic> {
        let found: &Diagnostic = &finding.diagnostic;
        let program = &finding.program;
        let at = found.location()?;
        let view = FileView {
            program,
            file: at.file,
        };
        let encoding = self.client.encoding;
        let mut message = found.message.clone();
        // What is true of this place, where others are named, too.
        if let [first, _, ..] = &*found.labels
            && !first.message.is_empty()
        {
            message = format!("{message}: {}", first.message);
        }
        let mut more: Vec<String> = found.notes.clone();
        let situation = presync_ide::situation(found);
        more.extend(found.help.clone());
        let mut related: Vec<t::DiagnosticRelatedInformation> = Vec::new();
        if self.client.related_information {
            related.extend(
                situation
                    .iter()
                    .filter_map(|situation| self.related(view, at, situation)),
            );
            related.extend(
                found
                    .labels
                    .iter()
                    .skip(1)
                    .filter_map(|label| self.related(view, label.location, &label.message)),
            );
        } else {
            more.splice(0..0, situation);
        }
        for text in more {
            message = format!("{message}\n{text}");
        }
        Some(t::Diagnostic {
            range: range(encoding, view.source(), at.span),
            severity: Some(match found.severity {
                Severity::Error => t::DiagnosticSeverity::Error,
                Severity::Warning => t::DiagnosticSeverity::Warning,
                Severity::Info => t::DiagnosticSeverity::Information,
            }),
            code: Some(t::Code::String(found.code.name.to_owned())),
            code_description: self
                .client
                .code_links
                .then(|| self.open_address(&VirtualDocument::Code(found.code.name)))
                .flatten()
                .map(|href| t::CodeDescription { href }),
            source: Some("presync".to_owned()),
            message: t::Message::String(message),
            tags: is_unnecessary(found).then(|| vec![t::DiagnosticTag::Unnecessary]),
            related_information: (!related.is_empty()).then_some(related),
            data: None,
        })
    }

    fn related(
        &self,
        view: FileView<'_>,
        location: Location,
        message: &str,
    ) -> Option<t::DiagnosticRelatedInformation> {
        let place = FoundPlace { view, location };
        // A vocabulary is opened when somebody follows the link.
        if matches!(place.document(), DocumentName::Vocabulary(_)) && !self.client.virtual_documents
        {
            return None;
        }
        Some(t::DiagnosticRelatedInformation {
            location: self.location(&place)?,
            message: message.to_owned(),
        })
    }
}

/// Whether the program decides the same without it.
fn is_unnecessary(found: &Diagnostic) -> bool {
    found.code.default.is_some_and(|level| level != Level::Off)
        && matches!(
            found.code.name,
            "unused" | "unused-allow" | "dead-rule" | "dead-profile" | "duplicate-rule"
        )
}
