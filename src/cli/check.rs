//! `presync check`: parse, type-check, and tell everything that is wrong.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::cli::output::Output;
use crate::cli::{Done, input, render};
use crate::diagnostic::{Diagnostic, Severity};

/// Find everything that is wrong with programs.
#[derive(Args)]
pub(super) struct Arguments {
    /// Files, directories, or `-` for standard input.
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,
    /// How findings are printed.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Done {
    let roots = input::roots(&arguments.paths)?;
    let mut found: Vec<Diagnostic> = Vec::new();
    let mut json: Vec<serde_json::Value> = Vec::new();
    for root in &roots {
        let (program, diagnostics) = crate::check::check(input::parse(root)?);
        match arguments.format {
            Format::Human if diagnostics.is_empty() => {}
            Format::Human => output.write(&render::human(&diagnostics, &program.sources, output)),
            Format::Json => {
                for diagnostic in &diagnostics {
                    let value = serde_json::to_value(render::json(diagnostic, &program.sources))
                        .map_err(std::io::Error::from)?;
                    // A file that several programs use is told of once.
                    if !json.contains(&value) {
                        json.push(value);
                    }
                }
            }
        }
        found.extend(diagnostics);
    }
    let errors = found.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
    let warnings = found.iter().filter(|diagnostic| diagnostic.severity == Severity::Warning).count();
    match arguments.format {
        Format::Human => {
            let programs = if roots.len() == 1 { "1 program".to_owned() } else { format!("{} programs", roots.len()) };
            output.say(&format!("checked {programs}: {}", render::summary(&found)));
        }
        Format::Json => {
            let document =
                serde_json::json!({ "diagnostics": json, "summary": { "errors": errors, "warnings": warnings } });
            output.data(&format!("{document}\n"))?;
        }
    }
    Ok(if errors > 0 { ExitCode::from(1) } else { ExitCode::SUCCESS })
}
