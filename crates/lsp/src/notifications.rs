//! What the client reports: opened, changed and closed documents, changed files and folders.

use lsp_types as t;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use presync::SourceFile;
use presync_ide::settings;

use crate::convert;
use crate::documents::path_of;
use crate::server::Server;

/// Runs a notification. Unknown ones and those with wrong parameters are ignored: nobody waits for an answer.
pub fn run(server: &mut Server, method: &str, params: Value) {
    match method {
        "initialized" => server.register(),
        "textDocument/didOpen" => with(params, |params| server.opened(params)),
        "textDocument/didChange" => with(params, |params| server.changed(params)),
        "textDocument/didClose" => with(params, |params| server.closed(params)),
        "textDocument/didSave" => with(params, |params: t::DidSaveTextDocumentParams| {
            // Settings are read from disk, even if an editor has them open.
            let path = path_of(&params.text_document.uri);
            if path.file_name().is_some_and(|name| name == settings::NAME) {
                server.changed_on_disk(None);
            }
        }),
        "workspace/didChangeWatchedFiles" => {
            with(params, |params: t::DidChangeWatchedFilesParams| {
                let paths = params.changes.iter().map(|change| path_of(&change.uri));
                let paths: Vec<_> = paths.collect();
                server.changed_on_disk(Some(&paths));
            });
        }
        "workspace/didChangeWorkspaceFolders" => with(params, |params| server.folders(params)),
        _ => {}
    }
}

fn with<P: DeserializeOwned>(params: Value, run: impl FnOnce(P)) {
    if let Ok(params) = serde_json::from_value(params) {
        run(params);
    }
}

impl Server {
    /// Asks the client to report changes of files.
    fn register(&mut self) {
        if !self.client.watches {
            return;
        }
        let watchers = ["**/*.presync", "**/presync.toml", "**/.gitignore"];
        let watchers: Vec<Value> = watchers
            .iter()
            .map(|pattern| json!({ "globPattern": pattern }))
            .collect();
        self.ask(
            "client/registerCapability",
            json!({ "registrations": [{
                "id": "watch",
                "method": "workspace/didChangeWatchedFiles",
                "registerOptions": { "watchers": watchers },
            }]}),
        );
    }

    fn opened(&mut self, params: t::DidOpenTextDocumentParams) {
        let document = params.text_document;
        // Other schemes show what is known anyway, such as an older version of a file.
        if !["file", "untitled"].contains(&document.uri.scheme()) {
            return;
        }
        // A copy of a vocabulary, or a page about a program, is not checked.
        if self.virtual_document(&document.uri).is_some() {
            return;
        }
        let path = path_of(&document.uri);
        if !presync_ide::is_program(&path)
            && document.language_id != t::LanguageKind::Custom("presync".into())
        {
            return;
        }
        self.analysis.set_text(&path, document.text);
        let path = self.analysis.canonical(&path);
        self.documents
            .open(path.clone(), document.uri, document.version);
        self.unpublished.edited.insert(path);
    }

    fn changed(&mut self, params: t::DidChangeTextDocumentParams) {
        let uri = params.text_document.text_document_identifier.uri;
        let path = self.analysis.canonical(&path_of(&uri));
        let Some(text) = self.analysis.text(&path) else {
            return;
        };
        let mut text = text.to_owned();
        for change in params.content_changes {
            match change {
                t::TextDocumentContentChangeEvent::TextDocumentContentChangePartial(change) => {
                    // Positions are those of the text after the changes before.
                    let file = SourceFile::new("", text.into_bytes(), false);
                    let span = convert::span(self.client.encoding, &file, change.range);
                    text = file.text;
                    text.replace_range(span.start as usize..span.end as usize, &change.text);
                }
                t::TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(
                    change,
                ) => text = change.text,
            }
        }
        self.analysis.set_text(&path, text);
        self.documents
            .set_version(&path, &uri, params.text_document.version);
        // Also if the text is the same: the diagnostics are those of this version.
        self.unpublished.edited.insert(path);
    }

    fn closed(&mut self, params: t::DidCloseTextDocumentParams) {
        let uri = params.text_document.uri;
        let path = self.analysis.canonical(&path_of(&uri));
        if self.documents.close(&path, &uri) {
            self.analysis.close(&path);
            self.tokens.remove(&path);
        }
        self.unpublished.edited.insert(path);
    }

    fn folders(&mut self, params: t::DidChangeWorkspaceFoldersParams) {
        let paths = |folders: &[t::WorkspaceFolder]| {
            let paths = folders.iter().map(|folder| path_of(&folder.uri));
            paths.collect::<Vec<_>>()
        };
        let removed = paths(&params.event.removed);
        let mut folders = self.analysis.folders().to_vec();
        folders.retain(|folder| !removed.contains(folder));
        folders.extend(paths(&params.event.added));
        self.analysis.set_folders(folders);
        self.unpublished.elsewhere = true;
    }
}
