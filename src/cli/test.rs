//! `presync test`: prove the tests, run the scenarios.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::cli::output::{Output, visible};
use crate::cli::{Done, Stop, input, render};

/// Prove tests over all situations, and run scenarios.
#[derive(Args)]
pub(super) struct Arguments {
    /// Files, directories, or `-` for standard input.
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Done {
    let (mut passed, mut failed) = (0, 0);
    for root in input::roots(&arguments.paths)? {
        let program = input::program(&root, output)?;
        let tables = crate::compile::compile(&program).map_err(|error| Stop::Usage(error.to_string()))?;
        let mut lines = String::new();
        let mut failures = Vec::new();
        for verdict in crate::prove::prove(&program, &tables) {
            let holds = verdict.failures.is_empty();
            if holds {
                passed += 1
            } else {
                failed += 1
            }
            lines.push_str(&format!("{} {}\n", if holds { "✓" } else { "✗" }, visible(&verdict.name)));
            failures.extend(verdict.failures);
        }
        output.data(&lines)?;
        if !failures.is_empty() {
            output.write(&render::human(&failures, &program.sources, output));
        }
    }
    if passed + failed == 0 {
        return Err(Stop::Usage("there is no test and no scenario".to_owned()));
    }
    output.say(&format!("{passed} passed, {failed} failed"));
    Ok(if failed > 0 { ExitCode::from(1) } else { ExitCode::SUCCESS })
}
