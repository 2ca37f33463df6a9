//! `textDocument/codeLens`, `codeLens/resolve`.

use lsp_types as t;
use presync_ide::lenses::{
    Lens, LensKind, coverage_text, lenses, rules_text, run_test, verdict_text,
};
use presync_ide::{Analysis, FileView};
use serde_json::{Value, json};

use crate::convert::{range, span};
use crate::documents::path_of;
use crate::requests::execute_command::{ASK_WHAT_IF, RUN_TEST, SHOW_CHANGES, SHOW_TABLE};
use crate::requests::{Handler, RequestRefusal};
use crate::server::Server;

pub struct CodeLenses;

impl Handler for CodeLenses {
    type Request = t::CodeLensRequest;

    fn run(
        server: &mut Server,
        params: t::CodeLensParams,
    ) -> Result<Option<Vec<t::CodeLens>>, RequestRefusal> {
        let uri = params.text_document.uri;
        let Some(view) = server.view(&uri) else {
            return Ok(None);
        };
        let lenses = lenses(view).into_iter().enumerate();
        let is_offered = server.offered(view);
        let lenses = lenses.filter(|(_, lens)| is_offered(lens));
        let lenses = lenses.map(|(number, lens)| t::CodeLens {
            range: range(server.client.encoding, view.source(), lens.span),
            command: None,
            data: Some(json!({ "uri": uri, "number": number })),
        });
        Ok(Some(lenses.collect()))
    }
}

/// What a lens says and does is found out for those that are seen.
pub struct ResolveLens;

impl Handler for ResolveLens {
    type Request = t::CodeLensResolveRequest;

    fn run(server: &mut Server, mut lens: t::CodeLens) -> Result<t::CodeLens, RequestRefusal> {
        let data = lens.data.take().unwrap_or(Value::Null);
        let uri = data
            .get("uri")
            .and_then(|uri| t::Uri::parse(uri.as_str()?).ok());
        let number = data.get("number").and_then(Value::as_u64);
        let found = uri.and_then(|uri| {
            let view = server.view(&uri)?;
            let span = span(server.client.encoding, view.source(), lens.range);
            let same = lenses(view).into_iter().nth(number? as usize)?;
            // Else the text has changed since.
            (same.span == span).then_some(())?;
            command(&server.analysis, view, &uri, &same)
        });
        // The text has changed since: the client will ask again.
        lens.command = found.or_else(|| {
            Some(t::Command {
                title: String::new(),
                tooltip: None,
                command: String::new(),
                arguments: None,
            })
        });
        Ok(lens)
    }
}

impl Server {
    /// Which lenses can be used in a file.
    pub fn offered(&self, view: FileView<'_>) -> impl Fn(&Lens) -> bool + use<> {
        let files = self.analysis.files();
        let folders = view.program.root.folder.ancestors();
        let mut gits = folders.map(|folder| folder.join(".git"));
        // In a worktree, it is a file.
        let has_commits = gits.any(|git| files.is_folder(&git) || files.is_file(&git));
        let asks_what_if = self.client.asks_what_if;
        move |lens| match lens.what {
            LensKind::Changes { .. } => has_commits,
            LensKind::WhatIf { .. } => asks_what_if,
            LensKind::Test { .. } | LensKind::Table { .. } | LensKind::Rules { .. } => true,
        }
    }
}

/// What a lens says and does.
pub fn command(
    analysis: &Analysis,
    view: FileView<'_>,
    uri: &t::Uri,
    lens: &Lens,
) -> Option<t::Command> {
    let (title, command, arguments) = match &lens.what {
        LensKind::Test { name } => {
            let title = match run_test(analysis, &path_of(uri), name) {
                Some((_, verdict)) => format!("run test: {}", verdict_text(verdict)),
                None => "run test".to_owned(),
            };
            (title, RUN_TEST, vec![json!({ "uri": uri, "name": name })])
        }
        LensKind::Table { role } => (
            "show table".to_owned(),
            SHOW_TABLE,
            vec![json!({ "uri": uri, "role": role })],
        ),
        LensKind::Rules { within } => {
            let mut title = rules_text(view, *within)?;
            if let Some(coverage) = coverage_text(view, *within) {
                title = format!("{title}, {coverage}");
            }
            (title, "", Vec::new())
        }
        LensKind::Changes { profile } => (
            "show changes since the last commit".to_owned(),
            SHOW_CHANGES,
            vec![json!({ "uri": uri, "profile": profile })],
        ),
        // The client asks for the change.
        LensKind::WhatIf { role } => (
            "what if …".to_owned(),
            ASK_WHAT_IF,
            vec![json!({ "uri": uri, "role": role })],
        ),
    };
    Some(t::Command {
        title,
        tooltip: None,
        command: command.to_owned(),
        arguments: (!arguments.is_empty()).then_some(arguments),
    })
}
