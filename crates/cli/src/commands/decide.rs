//! `presync decide`: decides one change.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::error::{CommandAnswer, CommandError, CommandResult};
use crate::loading;
use crate::terminal::Terminal;
use presync_engine::Decided;
use presync_ide::what_if::{WhatIf, WhatIfError, ask};

/// Decide one change of state.
#[derive(Args)]
pub struct Arguments {
    /// A program, a directory with one, `-`, or a tables.json.
    path: PathBuf,
    /// The change: a system and the state entered.
    #[arg(
        value_name = "CHANGE",
        help = "The change, for example 'cic \"At Lunch\"'"
    )]
    change: String,
    /// The role; required if there are several and none is the default.
    #[arg(long)]
    role: Option<String>,
    /// Facts and states, for example `in_queue,user_type=im,lync=Busy by hand,own lync=Away`.
    #[arg(long, value_name = "F[=V],…")]
    given: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Explain which rule decides and why others do not.
    #[arg(long, conflicts_with = "json")]
    explain: bool,
}

#[derive(Serialize)]
struct DecideOutput<'a> {
    role: &'a str,
    from: &'a str,
    state: &'a str,
    decisions: Vec<Decided<'a>>,
}

pub fn run(arguments: &Arguments, terminal: &Terminal) -> CommandResult {
    let (tables, program) = loading::tables(&arguments.path, terminal)?;
    let question = WhatIf {
        tables: &tables,
        program: program.as_ref(),
        role: arguments.role.as_deref(),
        change: &arguments.change,
        given: &arguments.given,
    };
    let answer = ask(&question).map_err(|error| {
        CommandError::Usage(match error {
            WhatIfError::SeveralRoles(names) => format!(
                "the program has several roles and none is the default: use `--role` with one of {names}"
            ),
            WhatIfError::Given(wrong) => format!("--given: {wrong}"),
            WhatIfError::Unset { name, forms } => {
                format!("`{name}` has no value: add `--given` with one of {forms}")
            }
            WhatIfError::Other(wrong) => wrong,
        })
    })?;
    if arguments.json {
        let schema = tables.schema();
        let decisions = DecideOutput {
            role: answer.role.name(),
            from: &schema.system(answer.entered.system()).name,
            state: &schema.state(answer.entered).name,
            decisions: answer.decided,
        };
        let text = serde_json::to_string(&decisions).map_err(std::io::Error::from)?;
        terminal.stdout(format!("{text}\n"))?;
        return Ok(CommandAnswer::Yes);
    }
    terminal.stdout(answer.lines())?;
    if arguments.explain {
        let Some(program) = &program else {
            return Err(CommandError::Usage(
                "a tables.json contains no rules to explain: name the program instead".to_owned(),
            ));
        };
        terminal.stdout(answer.explanation(program))?;
    }
    Ok(CommandAnswer::Yes)
}
