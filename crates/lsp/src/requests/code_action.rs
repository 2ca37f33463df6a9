//! `textDocument/codeAction`: fixes of findings, `@allow`, all safe fixes at once, and what lenses offer.

use lsp_types as t;
use presync_ide::actions::{actions, fix_all};
use presync_ide::lenses::{LensKind, lenses};
use presync_ide::refactor::{RefactoringKind, prove, refactorings};
use serde_json::{Value, json};

use crate::convert::span;
use crate::documents::path_of;
use crate::requests::code_lens::command;
use crate::requests::{Handler, RequestRefusal, action_kind};
use crate::server::Server;

/// What is offered.
pub const KINDS: [&str; 6] = [
    "quickfix",
    "source.fixAll.presync",
    "source",
    "refactor.extract",
    "refactor.inline",
    "refactor.rewrite",
];

pub struct ActionsHandler;

impl Handler for ActionsHandler {
    type Request = t::CodeActionRequest;

    fn run(
        server: &mut Server,
        params: t::CodeActionParams,
    ) -> Result<Option<Vec<t::CodeActionResponse>>, RequestRefusal> {
        let uri = params.text_document.uri;
        let Some(view) = server.view(&uri) else {
            return Ok(None);
        };
        let wanted = params.context.only.as_ref();
        // A client that wants `source` takes `source.fixAll`, too.
        let wants = |kind: &str| {
            wanted.is_none_or(|only| {
                only.iter().map(action_kind).any(|only| {
                    only.is_empty() || kind == only || kind.starts_with(&format!("{only}."))
                })
            })
        };
        let span = span(server.client.encoding, view.source(), params.range);
        let mut found: Vec<t::CodeActionResponse> = Vec::new();
        if !server.client.lenses && wants("source") {
            let is_offered = server.offered(view);
            let lenses = lenses(view).into_iter().filter(|lens| {
                let is_here = lens.span.start <= span.end && span.start <= lens.span.end;
                // What is only read cannot be chosen.
                is_here && !matches!(lens.what, LensKind::Rules { .. }) && is_offered(lens)
            });
            let commands = lenses.filter_map(|lens| command(&server.analysis, view, &uri, &lens));
            for command in commands {
                found.push(if server.client.action_literals {
                    let action = t::CodeAction {
                        title: command.title.clone(),
                        kind: Some(t::CodeActionKind::Source),
                        command: Some(command),
                        ..t::CodeAction::default()
                    };
                    action.into()
                } else {
                    command.into()
                });
            }
        }
        if !server.client.action_literals {
            // All others are edits, which it could not take.
            return Ok(Some(found));
        }
        if wants("quickfix") {
            for action in actions(&server.analysis, view, span) {
                let diagnostic = server.diagnostic(&action.finding);
                found.push(
                    t::CodeAction {
                        title: action.title.clone(),
                        kind: Some(t::CodeActionKind::QuickFix),
                        diagnostics: diagnostic.map(|diagnostic| vec![diagnostic]),
                        is_preferred: Some(action.is_preferred),
                        edit: Some(server.workspace_edit(&action.edits)),
                        ..t::CodeAction::default()
                    }
                    .into(),
                );
            }
        }
        let path = path_of(&uri);
        for refactoring in refactorings(view, span) {
            let kind = kind(refactoring.kind);
            if !wants(&action_kind(&kind)) {
                continue;
            }
            // The proof takes a check: it is made for what is chosen, if the client can wait for it.
            let edit = if server.client.resolves_actions {
                None
            } else {
                match prove(&server.analysis, view, &refactoring) {
                    Ok(edits) => Some(server.workspace_edit(&edits)),
                    Err(_) => continue,
                }
            };
            found.push(
                t::CodeAction {
                    title: refactoring.title.clone(),
                    kind: Some(kind),
                    edit,
                    data: Some(json!({
                        "uri": uri,
                        "range": params.range,
                        "version": server.documents.version(&server.analysis.canonical(&path)),
                    })),
                    ..t::CodeAction::default()
                }
                .into(),
            );
        }
        // Only when asked for: it checks the programs several times.
        let asks = wanted.is_some_and(|only| {
            only.iter()
                .map(action_kind)
                .any(|only| only.starts_with("source"))
        });
        if asks
            && wants(KINDS[1])
            && let Some(edits) = fix_all(&server.analysis, view)
        {
            found.push(
                t::CodeAction {
                    title: "apply all safe fixes".to_owned(),
                    kind: Some(t::CodeActionKind::Custom(KINDS[1].into())),
                    edit: Some(server.workspace_edit(&edits)),
                    ..t::CodeAction::default()
                }
                .into(),
            );
        }
        Ok(Some(found))
    }
}

fn kind(kind: RefactoringKind) -> t::CodeActionKind {
    match kind {
        RefactoringKind::Extract => t::CodeActionKind::RefactorExtract,
        RefactoringKind::Inline => t::CodeActionKind::RefactorInline,
        RefactoringKind::Rewrite => t::CodeActionKind::RefactorRewrite,
    }
}

/// Makes and proves the edits of a refactoring.
pub struct ResolveAction;

impl Handler for ResolveAction {
    type Request = t::CodeActionResolveRequest;

    fn run(
        server: &mut Server,
        mut action: t::CodeAction,
    ) -> Result<t::CodeAction, RequestRefusal> {
        let data = action.data.take().unwrap_or(Value::Null);
        let uri = data
            .get("uri")
            .and_then(|uri| t::Uri::parse(uri.as_str()?).ok());
        let range = data.get("range");
        let range = range.and_then(|range| serde_json::from_value(range.clone()).ok());
        let (Some(uri), Some(range)) = (uri, range) else {
            // It has all it needs.
            return Ok(action);
        };
        let path = server.analysis.canonical(&path_of(&uri));
        if data.get("version") != Some(&json!(server.documents.version(&path))) {
            return Err(RequestRefusal::because(
                "the text changed after this was offered: ask again",
            ));
        }
        let Some(view) = server.view(&uri) else {
            return Ok(action);
        };
        let span = span(server.client.encoding, view.source(), range);
        let mut all = refactorings(view, span).into_iter();
        if let Some(chosen) = all.find(|one| one.title == action.title) {
            let edits = prove(&server.analysis, view, &chosen);
            let edits = edits.map_err(RequestRefusal::because)?;
            action.edit = Some(server.workspace_edit(&edits));
        }
        Ok(action)
    }
}
