//! Findings as diagnostics, published or on request: one of both in a session, by what the client can.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use lsp_types as t;
use presync::{Diagnostic, Level, Location, Severity, SourceFile, Span};
use presync_ide::navigate::{DocumentName, FoundPlace};
use presync_ide::settings::SettingsPlace;
use presync_ide::{FileFinding, FileView};
use serde_json::{Value, json};

use crate::convert::range;
use crate::server::Server;
use crate::virtual_document::VirtualDocument;

impl Server {
    /// Sends the diagnostics that changed, or says that some did.
    pub(crate) fn publish(&mut self) {
        self.tell_problems();
        let news = std::mem::take(&mut self.unpublished);
        let is_elsewhere = news.elsewhere || !news.changed.is_subset(&news.edited);
        if self.client.pulls {
            if is_elsewhere {
                self.ask("workspace/diagnostic/refresh", Value::Null);
            }
        } else {
            for path in news.changed.union(&news.edited) {
                self.publish_file(path);
            }
        }
        if is_elsewhere || !news.edited.is_empty() {
            self.refresh_texts();
        }
        // The client asks again for what it shows of an edited file, and not for what it shows of others.
        if is_elsewhere || self.shows_more_of(&news.edited) {
            for (refreshes, what) in [
                (self.client.refreshes_lenses, "codeLens"),
                (self.client.refreshes_hints, "inlayHint"),
                (self.client.refreshes_tokens, "semanticTokens"),
            ] {
                if refreshes {
                    self.ask(&format!("workspace/{what}/refresh"), Value::Null);
                }
            }
        }
    }

    /// Tells the client which of the texts about programs that it shows are not the same any more.
    fn refresh_texts(&mut self) {
        let is_new = |(uri, text): (&String, &String)| {
            let document = t::Uri::parse(uri)
                .ok()
                .and_then(|uri| VirtualDocument::parse(&uri))?;
            // A text stays as it was while its program cannot be compiled.
            let now = self.content(&document)?;
            (now != *text).then(|| uri.clone())
        };
        let changed: Vec<String> = self.shown.iter().filter_map(is_new).collect();
        for uri in changed {
            // It asks again if it still shows it.
            self.shown.remove(&uri);
            self.ask(
                "workspace/textDocumentContent/refresh",
                json!({ "uri": uri }),
            );
        }
    }

    fn publish_file(&mut self, path: &Path) {
        let diagnostics = self.of_file(path);
        let Some(uri) = self.documents.uri(path) else {
            return;
        };
        let before = self.published.remove(path);
        let was_published = before.as_ref() == Some(&uri);
        if let Some(old) = before.filter(|old| *old != uri) {
            self.send_diagnostics(old, None, Vec::new());
        }
        let version = self.documents.version(path);
        if !diagnostics.is_empty() {
            self.published.insert(path.to_path_buf(), uri.clone());
        } else if version.is_none() && !was_published {
            return;
        }
        self.send_diagnostics(uri, version, diagnostics);
    }

    fn send_diagnostics(
        &mut self,
        uri: t::Uri,
        version: Option<i32>,
        diagnostics: Vec<t::Diagnostic>,
    ) {
        let params = t::PublishDiagnosticsParams {
            uri,
            version,
            diagnostics,
        };
        self.notify("textDocument/publishDiagnostics", json!(params));
    }

    /// Whether the client has open another file of a program with one of these.
    fn shows_more_of(&self, edited: &BTreeSet<PathBuf>) -> bool {
        let mut views = edited.iter().flat_map(|path| self.analysis.views(path));
        views.any(|view| {
            let mut open = self
                .documents
                .paths()
                .filter(|path| !edited.contains(*path));
            open.any(|path| view.program.file(path).is_some())
        })
    }

    /// Says once why a program cannot be checked, or is checked without its settings.
    fn tell_problems(&mut self) {
        let problems = self.analysis.problems().into_iter();
        let problems: BTreeSet<String> = problems.map(|problem| problem.message).collect();
        for message in &problems {
            if !self.reported.contains(message) {
                self.tell(t::MessageType::Error, &format!("presync: {message}"));
            }
        }
        self.reported = problems;
    }

    /// The diagnostics of a file.
    pub(crate) fn of_file(&self, path: &Path) -> Vec<t::Diagnostic> {
        let findings = self.analysis.findings().get(path);
        let findings = findings.into_iter().flatten();
        findings
            .filter_map(|finding| self.diagnostic(finding))
            .chain(self.of_settings(path))
            .collect()
    }

    /// What is wrong in settings.
    fn of_settings(&self, path: &Path) -> Vec<t::Diagnostic> {
        let Some(places) = self.analysis.misplaced().get(path) else {
            return Vec::new();
        };
        let text = self.analysis.files().read(path).unwrap_or_default();
        let file = SourceFile::new("", text, false);
        let diagnostic = |place: &SettingsPlace| {
            let length = file.text.len();
            let [start, end] = [place.start, place.end].map(|at| at.min(length) as u32);
            t::Diagnostic {
                range: range(self.client.encoding, &file, Span { start, end }),
                severity: Some(t::DiagnosticSeverity::Error),
                code: None,
                code_description: None,
                source: Some("presync".to_owned()),
                message: t::Message::String(place.what.clone()),
                tags: None,
                related_information: None,
                data: None,
            }
        };
        places.iter().map(diagnostic).collect()
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
