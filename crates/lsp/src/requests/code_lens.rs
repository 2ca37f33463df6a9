//! `textDocument/codeLens`, `codeLens/resolve`.

use lsp_types as t;
use presync_ide::lenses::{Lens, LensKind, lenses, rules_text, run_test, verdict_text};
use presync_ide::{Analysis, FileView};
use serde_json::{Value, json};

use crate::convert::{range, span};
use crate::documents::path_of;
use crate::requests::execute_command::{RUN_TEST, SHOW_TABLE};
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
        LensKind::Rules { within } => (rules_text(view, *within)?, "", Vec::new()),
    };
    Some(t::Command {
        title,
        tooltip: None,
        command: command.to_owned(),
        arguments: (!arguments.is_empty()).then_some(arguments),
    })
}
