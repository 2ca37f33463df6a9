//! Values of the protocol from plain ones, and the other way around.

use lsp_types as t;
use presync::{SourceFile, Span};
use presync_ide::navigate::FoundPlace;
use presync_ide::{EditorPosition, Encoding, FileEdits};

use crate::server::Server;

pub fn position(encoding: Encoding, file: &SourceFile, offset: u32) -> t::Position {
    let EditorPosition { line, column } = encoding.position(file, offset);
    t::Position {
        line,
        character: column,
    }
}

pub fn range(encoding: Encoding, file: &SourceFile, span: Span) -> t::Range {
    t::Range {
        start: position(encoding, file, span.start),
        end: position(encoding, file, span.end),
    }
}

pub fn offset(encoding: Encoding, file: &SourceFile, at: t::Position) -> u32 {
    encoding.offset(file, editor_position(at))
}

pub fn span(encoding: Encoding, file: &SourceFile, range: t::Range) -> Span {
    encoding.span(
        file,
        editor_position(range.start),
        editor_position(range.end),
    )
}

fn editor_position(at: t::Position) -> EditorPosition {
    EditorPosition {
        line: at.line,
        column: at.character,
    }
}

impl Server {
    /// Where a place is; `None` if the client cannot open it.
    pub fn location(&self, place: &FoundPlace<'_>) -> Option<t::Location> {
        let view = place.file_view();
        Some(t::Location {
            uri: self.uri_of(&place.document())?,
            range: range(self.client.encoding, view.source(), place.location.span),
        })
    }

    pub fn text_edits(&self, file: &SourceFile, edits: &[(Span, String)]) -> Vec<t::TextEdit> {
        let edit = |(span, text): &(Span, String)| t::TextEdit {
            range: range(self.client.encoding, file, *span),
            new_text: text.clone(),
        };
        edits.iter().map(edit).collect()
    }

    /// Edits of files, with the versions that they are for.
    pub fn workspace_edit(&self, edits: &FileEdits) -> t::WorkspaceEdit {
        let mut of_files = Vec::new();
        for (path, edits) in edits {
            let (Some(view), Some(uri)) = (self.analysis.view(path), self.documents.uri(path))
            else {
                continue;
            };
            let edits = self.text_edits(view.source(), edits);
            of_files.push((uri, self.documents.version(path), edits));
        }
        if !self.client.document_changes {
            let changes = of_files.into_iter().map(|(uri, _, edits)| (uri, edits));
            return t::WorkspaceEdit {
                changes: Some(changes.collect()),
                ..t::WorkspaceEdit::default()
            };
        }
        let changes = of_files.into_iter().map(|(uri, version, edits)| {
            t::DocumentChange::TextDocumentEdit(t::TextDocumentEdit {
                text_document: t::OptionalVersionedTextDocumentIdentifier {
                    version,
                    text_document_identifier: t::TextDocumentIdentifier { uri },
                },
                edits: edits.into_iter().map(t::Edit::TextEdit).collect(),
            })
        });
        t::WorkspaceEdit {
            document_changes: Some(changes.collect()),
            ..t::WorkspaceEdit::default()
        }
    }
}

/// Text for people, as Markdown or plain.
pub fn markup(markdown: String, is_shown: bool) -> t::MarkupContent {
    if is_shown {
        return t::MarkupContent {
            kind: t::MarkupKind::Markdown,
            value: markdown,
        };
    }
    t::MarkupContent {
        kind: t::MarkupKind::PlainText,
        value: plain(&markdown),
    }
}

/// Markdown without its signs.
fn plain(markdown: &str) -> String {
    let lines = markdown.lines().filter(|line| !line.starts_with("```"));
    let lines = lines.map(|line| line.replace("**", "").replace('`', ""));
    lines.collect::<Vec<_>>().join("\n")
}
