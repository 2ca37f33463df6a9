//! `presync test`: prove the tests, run the scenarios, and say what they leave out.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::coverage::Total;
use crate::error::{CommandError, CommandResult};
use crate::terminal::Terminal;
use crate::{config, loading, project};
use presync::SourceFile;
use presync::visible;

/// Prove tests over all situations, and run scenarios.
#[derive(Args)]
pub struct Arguments {
    /// Files, directories, or `-` for standard input; without any, those of `presync.toml`, else this directory.
    paths: Vec<PathBuf>,
    /// Also tell which rules and which outcomes of conditions no test exercises; with `lcov`, standard output carries
    /// a tracefile for other tools.
    #[arg(long, value_enum, value_name = "FORMAT", num_args = 0..=1, require_equals = true, default_missing_value = "human")]
    coverage: Option<Coverage>,
    /// Fail if less than this many percent of the rules and outcomes are exercised.
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    fail_under: Option<f64>,
    /// Write tests, as source, for what no test exercises yet.
    #[arg(long, conflicts_with_all = ["coverage", "fail_under"])]
    generate: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Coverage {
    Human,
    Lcov,
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text
        .trim_end_matches('%')
        .parse()
        .ok()
        .filter(|number| (0.0..=100.0).contains(number));
    number.ok_or_else(|| "a number from 0 to 100 is wanted".to_owned())
}

pub fn run(arguments: &Arguments, terminal: &Terminal) -> CommandResult {
    let roots = project::roots(&config::paths(&arguments.paths)?)?;
    if arguments.generate {
        return generate(&roots, terminal);
    }
    let (mut passed, mut failed) = (0, 0);
    let mut total = Total::default();
    for root in roots {
        let program = loading::program(&root, terminal)?;
        let tables = program.compile()?;
        let mut lines = String::new();
        let mut failures = Vec::new();
        for verdict in presync::prove(&program, &tables) {
            let holds = verdict.failures.is_empty();
            if holds {
                passed += 1;
            } else {
                failed += 1;
            }
            lines.push_str(&format!(
                "{} {}\n",
                if holds { "✓" } else { "✗" },
                visible(&verdict.name)
            ));
            failures.extend(verdict.failures);
        }
        if arguments.coverage == Some(Coverage::Lcov) {
            terminal.say(lines.trim_end());
        } else {
            terminal.data(&lines)?;
        }
        if !failures.is_empty() {
            terminal.draw(&failures, &program.sources);
        }
        if arguments.coverage.is_some() || arguments.fail_under.is_some() {
            total.add(&program, presync::coverage(&program, &tables));
        }
    }
    if passed + failed == 0 {
        return Err(CommandError::Usage(
            "there is no test and no scenario: `presync test --generate` proposes some".to_owned(),
        ));
    }
    match arguments.coverage {
        Some(Coverage::Human) => terminal.data(&total.human())?,
        Some(Coverage::Lcov) => terminal.data(&total.lcov())?,
        None => {}
    }
    terminal.say(&format!("{passed} passed, {failed} failed"));
    let covered = total.percent();
    let short = arguments.fail_under.filter(|wanted| covered < *wanted);
    if let Some(wanted) = short {
        terminal.write(&format!(
            "coverage is {covered:.2} %, under the {wanted} % that are wanted"
        ));
    }
    Ok(if failed > 0 || short.is_some() {
        ExitCode::from(1)
    } else {
        ExitCode::SUCCESS
    })
}

fn generate(roots: &[PathBuf], terminal: &Terminal) -> CommandResult {
    let [root] = roots else {
        let message = format!(
            "tests are proposed for one program at a time; these are {}",
            roots.len()
        );
        return Err(CommandError::Usage(message));
    };
    let program = loading::program(root, terminal)?;
    let tables = program.compile()?;
    let proposal = presync::propose_tests(&program, &tables);
    let source = SourceFile::new("", proposal.source.clone().into_bytes(), false);
    let source = presync::format(&source).unwrap_or(proposal.source);
    terminal.data(source.trim_start_matches('\n'))?;
    if proposal.left > 0 {
        terminal.say(&format!(
            "{} rules and outcomes are left out: their conditions are too entangled",
            proposal.left
        ));
    }
    if proposal.tests == 0 && proposal.left == 0 {
        terminal.say("nothing to add: the tests exercise every rule and every condition both ways");
    } else if proposal.tests > 0 {
        let tests = if proposal.tests == 1 {
            "1 test".to_owned()
        } else {
            format!("{} tests", proposal.tests)
        };
        let fewest = match proposal.at_least {
            Some(least) if least == proposal.tests => " (fewer situations cannot)".to_owned(),
            Some(least) => format!(" (fewer than {least} situations cannot)"),
            None => String::new(),
        };
        terminal.say(&format!(
            "{tests} for {} rules and outcomes of conditions that no test exercises{fewest}; \
             they say what the program does today: read them before you keep them",
            proposal.exercises
        ));
    }
    Ok(ExitCode::SUCCESS)
}
