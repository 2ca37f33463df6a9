//! `presync test`: proves the tests, runs the scenarios, and reports coverage.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Args, ValueEnum};

use super::InputArguments;
use crate::coverage::Total;
use crate::error::{CommandAnswer, CommandError, CommandResult};
use crate::places::Disk;
use crate::terminal::{OutputStream, Terminal};
use crate::{loading, watch};
use presync::{Program, SourceFile, Verdict};
use presync_report::{TEST_FORMATS, TestReport, TestedProgram};

/// Prove tests over all situations, and run scenarios.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    inputs: InputArguments,
    /// Output format.
    #[arg(long, default_value = "human", value_parser = PossibleValuesParser::new(TEST_FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.description))))]
    format: String,
    /// Only tests and scenarios with this text in their names.
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["coverage", "fail_under", "generate"])]
    filter: Option<String>,
    /// Test again when a file changes.
    #[arg(long, conflicts_with = "generate")]
    watch: bool,
    /// Report rules and branches that no test covers, in each role; `lcov`: print a tracefile for other tools; `html`: print a
    /// page with the source in colors.
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
    /// A page with the source in colors.
    Html,
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
    if arguments.watch {
        let selection = arguments.inputs.selection(terminal)?;
        return watch::watch(&selection.paths, terminal, &|| once(arguments, terminal));
    }
    once(arguments, terminal)
}

fn once(arguments: &Arguments, terminal: &Terminal) -> CommandResult {
    let started = Instant::now();
    let roots = arguments.inputs.selection(terminal)?.roots(terminal)?;
    if arguments.generate {
        return generate(&roots, terminal);
    }
    let mut total = Total::default();
    let mut programs: Vec<(Program, Vec<Verdict>)> = Vec::new();
    let count = roots.len();
    for root in roots {
        match prove(&root, arguments, &mut total, terminal) {
            Ok(proved) => programs.push(proved),
            Err(error) => terminal.skip(&error),
        }
    }
    let verdicts = || programs.iter().flat_map(|(_, verdicts)| verdicts);
    if verdicts().next().is_none() && programs.len() == count {
        return Err(CommandError::Usage(match &arguments.filter {
            Some(text) => format!("no test or scenario has `{text}` in its name"),
            None => {
                "no tests or scenarios found; `presync test --generate` proposes some".to_owned()
            }
        }));
    }
    let tested: Vec<TestedProgram<'_>> = programs
        .iter()
        .map(|(program, verdicts)| TestedProgram {
            verdicts,
            sources: &program.sources,
        })
        .collect();
    let format = TEST_FORMATS
        .iter()
        .find(|format| format.name == arguments.format);
    let format = format.unwrap_or(&TEST_FORMATS[0]);
    // A tracefile or page is read by other tools, which read nothing else.
    let alone = matches!(
        arguments.coverage,
        Some(CoverageFormat::Lcov | CoverageFormat::Html)
    );
    let stream = if alone {
        OutputStream::Stderr
    } else {
        OutputStream::Stdout
    };
    let report = TestReport {
        programs: &tested,
        style: terminal.style(stream),
        places: &Disk,
    };
    let text = (format.write)(&report).map_err(|error| CommandError::Usage(error.to_string()))?;
    match stream {
        OutputStream::Stdout => terminal.stdout(text)?,
        OutputStream::Stderr => terminal.status(text.trim_end()),
    }
    match arguments.coverage {
        Some(CoverageFormat::Human) => terminal.stdout(total.human())?,
        Some(CoverageFormat::Lcov) => terminal.stdout(total.lcov(&Disk))?,
        Some(CoverageFormat::Html) => terminal.stdout(total.html())?,
        None => {}
    }
    let failed = verdicts()
        .filter(|verdict| !verdict.failures.is_empty())
        .count();
    let passed = verdicts().count() - failed;
    // Not in files and pipes: there, the same tests print the same.
    let time = if std::io::stderr().is_terminal() {
        format!(" in {:.2} s", started.elapsed().as_secs_f64())
    } else {
        String::new()
    };
    terminal.status(&format!("{passed} passed, {failed} failed{time}"));
    let covered = total.percent();
    let short = arguments.fail_under.filter(|wanted| covered < *wanted);
    if let Some(wanted) = short {
        terminal.stderr(&format!(
            "coverage {covered:.2}% is below the required {wanted}%"
        ));
    }
    Ok(CommandAnswer::no_if(failed > 0 || short.is_some()))
}

/// Proves the tests and runs the scenarios of one program.
fn prove(
    root: &Path,
    arguments: &Arguments,
    total: &mut Total,
    terminal: &Terminal,
) -> Result<(Program, Vec<Verdict>), CommandError> {
    let program = loading::program(root, terminal)?;
    let tables = program.compile()?;
    let mut verdicts = presync::prove(&program, &tables);
    if let Some(text) = &arguments.filter {
        verdicts.retain(|verdict| verdict.name.contains(text));
    }
    if arguments.coverage.is_some() || arguments.fail_under.is_some() {
        total.add(&program, presync::coverage(&program, &tables));
    }
    Ok((program, verdicts))
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
            "{tests} for {}{fewest}. They record current behavior: review them before \
committing.",
            match proposal.exercises {
                1 => "1 uncovered rule or branch".to_owned(),
                count => format!("{count} uncovered rules and branches"),
            }
        ));
    }
    Ok(CommandAnswer::Yes)
}
