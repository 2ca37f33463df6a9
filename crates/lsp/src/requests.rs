//! One file a request: its handler. This file lists them, and says what the server can.

mod code_action;
mod code_lens;
mod completion;
mod content;
mod definition;
mod diagnostic;
mod document_link;
mod document_symbol;
mod execute_command;
mod folding_range;
mod formatting;
mod highlight;
mod hover;
mod implementation;
mod inlay_hint;
mod references;
mod rename;
mod selection_range;
mod semantic_tokens;
mod signature_help;
mod workspace_symbol;

pub(crate) use execute_command::ASK_WHAT_IF;
use lsp_server::ErrorCode;
use lsp_types as t;
use serde_json::{Value, json};

use crate::client::ClientAbilities;
use crate::server::Server;
use crate::virtual_document::SCHEME;

/// What is answered.
pub type RequestAnswer = Result<Value, RequestRefusal>;

/// Why a request is refused.
#[derive(Debug)]
pub struct RequestRefusal {
    pub code: i32,
    /// For people.
    pub message: String,
}

impl RequestRefusal {
    /// The request cannot be done, for a reason that people can understand.
    pub fn because(reason: impl ToString) -> Self {
        Self {
            code: ErrorCode::RequestFailed as i32,
            message: reason.to_string(),
        }
    }
}

/// A request that the server answers.
pub trait Handler {
    type Request: t::Request;

    /// Answers it.
    ///
    /// # Errors
    /// It cannot be done.
    fn run(
        server: &mut Server,
        params: <Self::Request as t::Request>::Params,
    ) -> Result<<Self::Request as t::Request>::Result, RequestRefusal>;
}

fn answer<H: Handler>(server: &mut Server, params: Value) -> RequestAnswer {
    let params = serde_json::from_value(params).map_err(|error| RequestRefusal {
        code: ErrorCode::InvalidParams as i32,
        message: error.to_string(),
    })?;
    let result = H::run(server, params)?;
    serde_json::to_value(result).map_err(RequestRefusal::because)
}

type Run = fn(&mut Server, Value) -> RequestAnswer;

const fn entry<H: Handler>() -> (t::LspRequestMethod<'static>, Run) {
    (<H::Request as t::Request>::METHOD, answer::<H>)
}

/// Every request.
static HANDLERS: &[(t::LspRequestMethod<'static>, Run)] = &[
    entry::<diagnostic::DiagnosticsOfDocument>(),
    entry::<diagnostic::DiagnosticsOfWorkspace>(),
    entry::<completion::CompletionHandler>(),
    entry::<completion::ResolveCompletion>(),
    entry::<hover::HoverHandler>(),
    entry::<signature_help::SignatureHandler>(),
    entry::<definition::DefinitionHandler>(),
    entry::<references::ReferencesHandler>(),
    entry::<implementation::ImplementationHandler>(),
    entry::<highlight::HighlightHandler>(),
    entry::<document_symbol::DocumentSymbols>(),
    entry::<workspace_symbol::WorkspaceSymbols>(),
    entry::<document_link::DocumentLinks>(),
    entry::<content::ContentHandler>(),
    entry::<rename::PrepareRename>(),
    entry::<rename::RenameHandler>(),
    entry::<formatting::FormatWhole>(),
    entry::<formatting::FormatRange>(),
    entry::<code_action::ActionsHandler>(),
    entry::<code_action::ResolveAction>(),
    entry::<semantic_tokens::AllTokens>(),
    entry::<semantic_tokens::TokensDelta>(),
    entry::<semantic_tokens::TokensInRange>(),
    entry::<folding_range::FoldingRanges>(),
    entry::<selection_range::SelectionRanges>(),
    entry::<inlay_hint::InlayHints>(),
    entry::<code_lens::CodeLenses>(),
    entry::<code_lens::ResolveLens>(),
    entry::<execute_command::CommandHandler>(),
];

/// The handler of a method.
pub fn find(method: &str) -> Option<Run> {
    let found = HANDLERS.iter().find(|(known, _)| known.as_str() == method);
    found.map(|(_, run)| *run)
}

/// What the server can, for a client.
pub fn capabilities(client: &ClientAbilities) -> Value {
    let encoding = match client.encoding {
        presync_ide::Encoding::Utf8 => "utf-8",
        presync_ide::Encoding::Utf16 => "utf-16",
        presync_ide::Encoding::Utf32 => "utf-32",
    };
    let mut all = json!({
        "positionEncoding": encoding,
        "textDocumentSync": { "openClose": true, "change": 2, "save": true },
        "completionProvider": {
            "triggerCharacters": [" ", "\"", ".", "|", ">", "(", ":"],
            "resolveProvider": true,
        },
        "hoverProvider": true,
        "signatureHelpProvider": { "triggerCharacters": [" "] },
        "definitionProvider": true,
        "referencesProvider": true,
        "implementationProvider": true,
        "documentHighlightProvider": true,
        "documentSymbolProvider": true,
        "workspaceSymbolProvider": true,
        "documentLinkProvider": {},
        "renameProvider": if client.prepares_renames { json!({ "prepareProvider": true }) } else { json!(true) },
        "documentFormattingProvider": true,
        "documentRangeFormattingProvider": true,
        "codeActionProvider": if client.action_literals { json!({ "codeActionKinds": code_action::KINDS, "resolveProvider": true }) } else { json!(true) },
        "semanticTokensProvider": {
            "legend": semantic_tokens::legend(),
            "range": true,
            "full": { "delta": true },
        },
        "foldingRangeProvider": true,
        "selectionRangeProvider": true,
        "inlayHintProvider": true,
        "codeLensProvider": { "resolveProvider": true },
        "executeCommandProvider": { "commands": execute_command::COMMANDS },
        "workspace": {
            "workspaceFolders": { "supported": true, "changeNotifications": true },
            "textDocumentContent": { "schemes": [SCHEME] },
        },
    });
    if client.pulls {
        all["diagnosticProvider"] = json!({
            "identifier": "presync",
            "interFileDependencies": true,
            "workspaceDiagnostics": true,
        });
    }
    all
}

/// An enumeration of the protocol, as its parameters write it.
pub(crate) fn action_kind(kind: &t::CodeActionKind) -> String {
    json!(kind).as_str().unwrap_or_default().to_owned()
}
