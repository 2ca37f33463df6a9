//! `workspace/executeCommand`: run a test, show the tables of a role, changes since the last commit, or a decision.

use lsp_types as t;
use presync_ide::lenses::{run_test, verdict_text};
use serde_json::{Value, json};

use crate::documents::path_of;
use crate::requests::{Handler, RequestRefusal};
use crate::server::Server;
use crate::virtual_document::{ProgramText, VirtualDocument};

/// Proves a test or runs a scenario. Argument: `{"uri", "name"}`. Answer: `{"passed", "summary", "failures"}`.
pub const RUN_TEST: &str = "presync.runTest";

/// Opens the tables of a role. Argument: `{"uri", "role"}`. Answer: `{"uri"}`.
pub const SHOW_TABLE: &str = "presync.showTable";

/// Opens what a profile decides differently since the last commit; an empty profile: all of them. Argument:
/// `{"uri", "profile"}`. Answer: `{"uri"}`.
pub const SHOW_CHANGES: &str = "presync.showChanges";

/// Opens what is decided, and why. Argument: `{"uri", "role", "change", "given"}`, as `presync decide` takes them; an empty role
/// is the default one. Answer: `{"uri"}`.
pub const WHAT_IF: &str = "presync.whatIf";

/// A command of the client, for lenses: asks for a change and calls [`WHAT_IF`]. Argument: `{"uri", "role"}`. The client lists
/// it in `experimental.commands.commands` of its capabilities.
pub const ASK_WHAT_IF: &str = "presync.askWhatIf";

pub const COMMANDS: [&str; 4] = [RUN_TEST, SHOW_TABLE, SHOW_CHANGES, WHAT_IF];

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
            SHOW_TABLE => {
                let role = text("role").to_owned();
                show(server, uri, ProgramText::Table { role }).map(Some)
            }
            SHOW_CHANGES => {
                let profile = text("profile").to_owned();
                show(server, uri, ProgramText::Changes { profile }).map(Some)
            }
            WHAT_IF => {
                let what = ProgramText::WhatIf {
                    role: text("role").to_owned(),
                    change: text("change").to_owned(),
                    given: text("given").to_owned(),
                };
                show(server, uri, what).map(Some)
            }
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
            Some(_) => RequestRefusal::because(format!("no test has the name `{name}`")),
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

/// Opens a text about the program of a file.
fn show(server: &mut Server, root: t::Uri, what: ProgramText) -> Result<Value, RequestRefusal> {
    let why = match what {
        ProgramText::Table { .. } => {
            "cannot show a table: the program has too many errors, or the role does not exist any more"
        }
        ProgramText::Changes { .. } => {
            "cannot compare with the last commit: the file is not in a git repository, nothing was committed yet, or a role is too complex"
        }
        ProgramText::WhatIf { .. } => "no program has this file",
    };
    let document = VirtualDocument::Program { root, what };
    let text = server
        .content(&document)
        .ok_or_else(|| RequestRefusal::because(why))?;
    let address = server
        .open_address_of(&document, text)
        .ok_or_else(|| RequestRefusal::because("the text cannot be written to a file"))?;
    if server.client.shows_documents {
        server.ask(
            "window/showDocument",
            json!({ "uri": address, "takeFocus": true }),
        );
    }
    Ok(json!({ "uri": address }))
}
