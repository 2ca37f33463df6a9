//! `workspace/executeCommand`: run a test, show the tables of a role.

use lsp_types as t;
use presync_ide::lenses::{run_test, verdict_text};
use serde_json::{Value, json};

use crate::documents::path_of;
use crate::requests::{Handler, RequestRefusal};
use crate::server::Server;
use crate::virtual_document::VirtualDocument;

/// Proves a test or runs a scenario. Argument: `{"uri", "name"}`. Answer: `{"passed", "summary", "failures"}`.
pub const RUN_TEST: &str = "presync.runTest";

/// Opens the tables of a role. Argument: `{"uri", "role"}`. Answer: `{"uri"}`.
pub const SHOW_TABLE: &str = "presync.showTable";

pub const COMMANDS: [&str; 2] = [RUN_TEST, SHOW_TABLE];

pub struct CommandHandler;

impl Handler for CommandHandler {
    type Request = t::ExecuteCommandRequest;

    fn run(
        server: &mut Server,
        params: t::ExecuteCommandParams,
    ) -> Result<Option<Value>, RequestRefusal> {
        let argument = params.arguments.unwrap_or_default().into_iter().next();
        let argument = argument.unwrap_or(Value::Null);
        let text = |key: &str| {
            argument
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let uri = t::Uri::parse(text("uri")).map_err(|_| {
            RequestRefusal::because(format!("`{}` needs the address of a file", params.command))
        })?;
        match params.command.as_str() {
            RUN_TEST => test(server, &uri, text("name")).map(Some),
            SHOW_TABLE => table(server, uri, text("role")).map(Some),
            other => Err(RequestRefusal::because(format!(
                "the command `{other}` is unknown"
            ))),
        }
    }
}

fn test(server: &mut Server, uri: &t::Uri, name: &str) -> Result<Value, RequestRefusal> {
    let view = server
        .view(uri)
        .ok_or_else(|| RequestRefusal::because(format!("`{uri}` does not exist")))?;
    let Some((view, verdict)) = run_test(&server.analysis, &path_of(uri), name) else {
        return Err(match view.checked() {
            Some(_) => RequestRefusal::because(format!("no test is called `{name}`")),
            None => RequestRefusal::because("the program has errors"),
        });
    };
    let summary = verdict_text(verdict);
    let failures: Vec<Value> = verdict
        .failures
        .iter()
        .map(|failure| {
            let situation = presync_ide::situation(failure);
            let more = situation.into_iter().chain(failure.notes.clone());
            let more = more.chain(failure.help.clone());
            let line = failure.location().map(|at| {
                let file = view.sources().file(at.file);
                file.line(at.span.start)
            });
            json!({
                "message": failure.message,
                "line": line,
                "more": more.collect::<Vec<_>>(),
            })
        })
        .collect();
    let passed = failures.is_empty();
    let mut shown = format!("{name}: {summary}");
    for failure in &failures {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        shown.push_str(&format!("\n{}", text(&failure["message"])));
        for more in failure["more"].as_array().into_iter().flatten() {
            shown.push_str(&format!("\n{}", text(more)));
        }
    }
    let kind = if passed {
        t::MessageType::Info
    } else {
        t::MessageType::Warning
    };
    server.tell(kind, &shown);
    Ok(json!({ "passed": passed, "summary": summary, "failures": failures }))
}

fn table(server: &mut Server, uri: t::Uri, role: &str) -> Result<Value, RequestRefusal> {
    let document = VirtualDocument::Table {
        role: role.to_owned(),
        root: uri,
    };
    if server.content(&document).is_none() {
        return Err(RequestRefusal::because(
            "cannot show a table: the program has too many errors, or the role does not exist any more",
        ));
    }
    let address = server
        .open_address(&document)
        .ok_or_else(|| RequestRefusal::because("the table cannot be written to a file"))?;
    if server.client.shows_documents {
        server.ask(
            "window/showDocument",
            json!({ "uri": address, "takeFocus": true }),
        );
    }
    Ok(json!({ "uri": address }))
}
