//! `presync check`: parse, type-check, lint, and tell everything that is wrong.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::cli::output::Output;
use crate::cli::{Done, Stop, config, input, render};
use crate::diagnostic::{Diagnostic, Severity};
use crate::model::Program;

/// Find everything that is wrong with programs.
#[derive(Args)]
pub(super) struct Arguments {
    /// Files, directories, or `-` for standard input.
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,
    /// How findings are printed.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Set a lint to allow, warn or deny.
    #[arg(long = "level", value_name = "CODE=LEVEL")]
    levels: Vec<String>,
    /// Exit with 1 on warnings, too.
    #[arg(long)]
    deny_warnings: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Done {
    if let Some(path) =
        arguments.paths.iter().find(|path| path.extension().is_some_and(|extension| extension == "json"))
    {
        return Err(Stop::Usage(format!("`{}` is no program: check reads `.presync` files", path.display())));
    }
    let roots = input::roots(&arguments.paths)?;
    let mut programs: Vec<(Program, Vec<Diagnostic>)> = Vec::with_capacity(roots.len());
    for root in &roots {
        let levels = config::levels(root, &arguments.levels)?;
        let (program, mut found) = crate::check::check(input::parse(root)?);
        if found.is_empty() {
            found = crate::lint::run(&program, &levels);
        }
        programs.push((program, found));
    }
    used_elsewhere(&mut programs);
    let mut json: Vec<serde_json::Value> = Vec::new();
    let mut told: HashSet<String> = HashSet::new();
    let mut found: Vec<Diagnostic> = Vec::new();
    for (program, diagnostics) in programs {
        let mut own = Vec::new();
        for diagnostic in diagnostics {
            let value =
                serde_json::to_value(render::json(&diagnostic, &program.sources)).map_err(std::io::Error::from)?;
            // A file that several programs use is told of once.
            if told.insert(value.to_string()) {
                json.push(value);
                own.push(diagnostic);
            }
        }
        if arguments.format == Format::Human && !own.is_empty() {
            output.write(&render::human(&own, &program.sources, output));
        }
        found.extend(own);
    }
    let count = |severity: Severity| found.iter().filter(|diagnostic| diagnostic.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
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
    let fails = errors > 0 || (arguments.deny_warnings && warnings > 0);
    Ok(if fails { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// What one program leaves unused counts only if no other program that has the file uses it.
fn used_elsewhere(programs: &mut [(Program, Vec<Diagnostic>)]) {
    let place = |program: &Program, diagnostic: &Diagnostic| {
        let location = diagnostic.location()?;
        Some((program.sources.shown_path(location.file), location.span.start))
    };
    let mut unused: BTreeMap<(String, u32), usize> = BTreeMap::new();
    let mut having: BTreeMap<String, usize> = BTreeMap::new();
    for (program, diagnostics) in programs.iter() {
        for (id, _) in program.sources.iter() {
            *having.entry(program.sources.shown_path(id)).or_default() += 1;
        }
        for place in diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.code == "unused")
            .filter_map(|diagnostic| place(program, diagnostic))
        {
            *unused.entry(place).or_default() += 1;
        }
    }
    for (program, diagnostics) in programs {
        diagnostics.retain(|diagnostic| {
            let known = place(program, diagnostic).filter(|_| diagnostic.code == "unused");
            known.is_none_or(|place| having.get(&place.0) == unused.get(&place))
        });
    }
}
