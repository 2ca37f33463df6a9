//! `presync test`: proves the tests, runs the scenarios, and reports coverage.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::InputArguments;
use crate::coverage::Total;
use crate::error::{CommandAnswer, CommandError, CommandResult};
use crate::loading;
use crate::terminal::{OutputStream, Terminal};
use presync::SourceFile;
use presync::visible;

/// Prove tests over all situations, and run scenarios.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    inputs: InputArguments,
    /// Report rules and branches that no test covers; with `lcov`, print a tracefile for other tools.
    #[arg(long, value_enum, value_name = "FORMAT", num_args = 0..=1, require_equals = true, default_missing_value = "human")]
    coverage: Option<CoverageFormat>,
    /// Fail if coverage of rules and branches is below this percentage.
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    fail_under: Option<f64>,
    /// Print tests, as source, for rules and branches not covered yet.
    #[arg(long, conflicts_with_all = ["coverage", "fail_under"])]
    generate: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CoverageFormat {
    Human,
    Lcov,
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text
        .trim_end_matches('%')
        .parse()
        .ok()
        .filter(|number| (0.0..=100.0).contains(number));
    number.ok_or_else(|| "expected a number from 0 to 100".to_owned())
}

pub fn run(arguments: &Arguments, terminal: &Terminal) -> CommandResult {
    let roots = arguments.inputs.selection(terminal)?.roots(terminal)?;
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
        if arguments.coverage == Some(CoverageFormat::Lcov) {
            terminal.status(lines.trim_end());
        } else {
            terminal.stdout(&lines)?;
        }
        if !failures.is_empty() {
            let stream = match arguments.coverage {
                Some(CoverageFormat::Lcov) => OutputStream::Stderr,
                _ => OutputStream::Stdout,
            };
            terminal.draw(&failures, &program.sources, stream)?;
        }
        if arguments.coverage.is_some() || arguments.fail_under.is_some() {
            total.add(&program, presync::coverage(&program, &tables));
        }
    }
    if passed + failed == 0 {
        return Err(CommandError::Usage(
            "no tests or scenarios found; `presync test --generate` proposes some".to_owned(),
        ));
    }
    match arguments.coverage {
        Some(CoverageFormat::Human) => terminal.stdout(total.human())?,
        Some(CoverageFormat::Lcov) => terminal.stdout(total.lcov())?,
        None => {}
    }
    terminal.status(&format!("{passed} passed, {failed} failed"));
    let covered = total.percent();
    let short = arguments.fail_under.filter(|wanted| covered < *wanted);
    if let Some(wanted) = short {
        terminal.stderr(&format!(
            "coverage {covered:.2}% is below the required {wanted}%"
        ));
    }
    Ok(CommandAnswer::no_if(failed > 0 || short.is_some()))
}

fn generate(roots: &[PathBuf], terminal: &Terminal) -> CommandResult {
    let [root] = roots else {
        let message = format!(
            "`--generate` needs exactly one program, found {}",
            roots.len()
        );
        return Err(CommandError::Usage(message));
    };
    let program = loading::program(root, terminal)?;
    let tables = program.compile()?;
    let proposal = presync::propose_tests(&program, &tables);
    let source = SourceFile::new("", proposal.source.clone().into_bytes(), false);
    let source = presync::format(&source).unwrap_or(proposal.source);
    terminal.stdout(source.trim_start_matches('\n'))?;
    if proposal.left > 0 {
        terminal.status(&format!(
            "{} rules and branches skipped: their conditions are too complex to analyze",
            proposal.left
        ));
    }
    if proposal.tests == 0 && proposal.left == 0 {
        terminal.status("nothing to add: the tests cover every rule and branch");
    } else if proposal.tests > 0 {
        let tests = if proposal.tests == 1 {
            "1 test".to_owned()
        } else {
            format!("{} tests", proposal.tests)
        };
        let fewest = match proposal.at_least {
            Some(least) if least == proposal.tests => {
                " (this is the minimum number of tests)".to_owned()
            }
            Some(least) => format!(" (the minimum is at least {least})"),
            None => String::new(),
        };
        terminal.status(&format!(
            "{tests} for {} uncovered rules and branches{fewest}. They record current behavior: review them before \
committing.",
            proposal.exercises
        ));
    }
    Ok(CommandAnswer::Yes)
}
