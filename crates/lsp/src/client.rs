//! What the client can, from its `initialize`.

use presync_ide::Encoding;
use serde_json::Value;

/// The abilities of a client that make a difference.
#[derive(Debug, Default)]
pub struct ClientAbilities {
    pub encoding: Encoding,
    /// It asks for diagnostics; otherwise they are published.
    pub pulls: bool,
    /// It accepts diagnostics of other files with those it asked for.
    pub related_documents: bool,
    pub refreshes_lenses: bool,
    pub refreshes_hints: bool,
    pub refreshes_tokens: bool,
    /// It reports changes of files that the server names.
    pub watches: bool,
    pub snippets: bool,
    pub nested_symbols: bool,
    pub document_changes: bool,
    /// It asks for the contents of documents that no file has.
    pub virtual_documents: bool,
    pub shows_documents: bool,
    pub links: bool,
    pub related_information: bool,
    pub code_links: bool,
    pub markdown_hover: bool,
    pub markdown_documentation: bool,
    pub link_tooltips: bool,
    /// It asks for the edits of an action when somebody chooses it.
    pub resolves_actions: bool,
    pub action_literals: bool,
    /// It asks for a change, and what is given, for [`crate::requests::ASK_WHAT_IF`].
    pub asks_what_if: bool,
    /// It shows lenses.
    pub lenses: bool,
    pub prepares_renames: bool,
}

impl ClientAbilities {
    pub fn new(capabilities: &Value) -> Self {
        let is = |path: &str| capabilities.pointer(path).and_then(Value::as_bool) == Some(true);
        let has = |path: &str| {
            capabilities
                .pointer(path)
                .is_some_and(|value| !value.is_null())
        };
        let lists = |path: &str, wanted: &str| {
            let list = capabilities.pointer(path).and_then(Value::as_array);
            list.is_some_and(|list| list.iter().any(|one| one == wanted))
        };
        let encodings = capabilities
            .pointer("/general/positionEncodings")
            .and_then(Value::as_array);
        // In the order in which the client prefers them.
        let mut known = encodings
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .filter_map(|name| match name {
                "utf-8" => Some(Encoding::Utf8),
                "utf-16" => Some(Encoding::Utf16),
                "utf-32" => Some(Encoding::Utf32),
                _ => None,
            });
        Self {
            encoding: known.next().unwrap_or_default(),
            // Without a refresh, findings in a file would stay as they were when another file changes.
            pulls: has("/textDocument/diagnostic") && is("/workspace/diagnostics/refreshSupport"),
            related_documents: is("/textDocument/diagnostic/relatedDocumentSupport"),
            refreshes_lenses: is("/workspace/codeLens/refreshSupport"),
            refreshes_hints: is("/workspace/inlayHint/refreshSupport"),
            refreshes_tokens: is("/workspace/semanticTokens/refreshSupport"),
            watches: is("/workspace/didChangeWatchedFiles/dynamicRegistration"),
            snippets: is("/textDocument/completion/completionItem/snippetSupport"),
            nested_symbols: is("/textDocument/documentSymbol/hierarchicalDocumentSymbolSupport"),
            document_changes: is("/workspace/workspaceEdit/documentChanges"),
            virtual_documents: has("/workspace/textDocumentContent"),
            shows_documents: is("/window/showDocument/support"),
            links: is("/textDocument/definition/linkSupport"),
            related_information: is("/textDocument/publishDiagnostics/relatedInformation")
                || is("/textDocument/diagnostic/relatedInformation"),
            code_links: is("/textDocument/publishDiagnostics/codeDescriptionSupport")
                || is("/textDocument/diagnostic/codeDescriptionSupport"),
            markdown_hover: lists("/textDocument/hover/contentFormat", "markdown"),
            markdown_documentation: lists(
                "/textDocument/completion/completionItem/documentationFormat",
                "markdown",
            ),
            link_tooltips: is("/textDocument/documentLink/tooltipSupport"),
            resolves_actions: lists("/textDocument/codeAction/resolveSupport/properties", "edit")
                && is("/textDocument/codeAction/dataSupport"),
            action_literals: has("/textDocument/codeAction/codeActionLiteralSupport"),
            asks_what_if: lists(
                "/experimental/commands/commands",
                crate::requests::ASK_WHAT_IF,
            ),
            lenses: has("/textDocument/codeLens"),
            prepares_renames: is("/textDocument/rename/prepareSupport"),
        }
    }
}
