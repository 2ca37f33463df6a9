//! `presync check`: parse, type-check, lint, and tell everything that is wrong; or repair, record, allow it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::cli::baseline::{self, Applied};
use crate::cli::findings::Findings;
use crate::cli::output::Output;
use crate::cli::report::{self, Format, Found};
use crate::cli::{Done, Stop, add_allow, config, edit, fix, input, render, watch};
use crate::diagnostic::Severity;

/// Find everything that is wrong with programs.
#[derive(Args)]
pub(super) struct Arguments {
    /// Files, directories, or `-` for standard input; without any, those of `presync.toml`, else this directory.
    paths: Vec<PathBuf>,
    /// How findings are printed; else as `presync.toml` says, else for people.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Set a lint to allow, warn or deny.
    #[arg(long = "level", value_name = "CODE=LEVEL")]
    levels: Vec<String>,
    /// Exit with 1 on warnings, too.
    #[arg(long)]
    deny_warnings: bool,
    /// Repair what can be repaired without changing a decision, which is proved each time.
    #[arg(long)]
    fix: bool,
    /// With `--fix`: repair also what changes decisions.
    #[arg(long = "unsafe", conflicts_with = "add_allow")]
    allow_unsafe: bool,
    /// Show what `--fix` would do instead of doing it.
    #[arg(long, conflicts_with = "add_allow")]
    diff: bool,
    /// Write `@allow` before whatever a lint finds, with this reason.
    #[arg(long, value_name = "REASON", num_args = 0..=1, require_equals = true, default_missing_value = "", conflicts_with = "fix")]
    add_allow: Option<String>,
    /// Tell only what is not in this record of known findings; without the file, record all that there are.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Count the findings by code instead of showing them.
    #[arg(long)]
    statistics: bool,
    /// Check again whenever a file changes.
    #[arg(long, conflicts_with_all = ["fix", "diff", "add_allow"])]
    watch: bool,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Done {
    if let Some(path) =
        arguments.paths.iter().find(|path| path.extension().is_some_and(|extension| extension == "json"))
    {
        return Err(Stop::Usage(format!("`{}` is no program: check reads `.presync` files", path.display())));
    }
    if arguments.allow_unsafe && !arguments.fix && !arguments.diff {
        return Err(Stop::Usage("--unsafe says what --fix or --diff may do: add one of them".to_owned()));
    }
    if arguments.watch {
        return watch::watch(&config::paths(&arguments.paths)?, output, &|| once(arguments, output));
    }
    once(arguments, output)
}

fn once(arguments: &Arguments, output: &Output) -> Done {
    let paths = config::paths(&arguments.paths)?;
    let roots = input::roots(&paths)?;
    if arguments.fix || arguments.diff {
        let fixed = fix::fix(&paths, &roots, &arguments.levels, (arguments.allow_unsafe, output.reach))?;
        if arguments.diff {
            return show(&fixed, output);
        }
        write(&fixed, output)?;
        // What standard input held has been repaired; it cannot be read again.
        if fixed.changed.contains_key(std::path::Path::new("-")) {
            return Ok(ExitCode::SUCCESS);
        }
    }
    let mut findings = Findings::collect(&roots, &arguments.levels, None, output.reach)?;
    if let Some(reason) = &arguments.add_allow {
        return add_allow::add_allow(&findings, reason, output);
    }
    if let Some(path) = &arguments.baseline {
        match baseline::apply(path, &mut findings)? {
            Applied::Recorded(count) => output.say(&format!("recorded {} in {}", findings_text(count), path.display())),
            Applied::Known(0, 0) => {}
            Applied::Known(known, 0) => output.say(&format!("not shown, because known: {}", findings_text(known))),
            Applied::Known(known, gone) => output.say(&format!(
                "not shown, because known: {}; {gone} of the record are gone: delete {} and record it anew",
                findings_text(known),
                path.display()
            )),
        }
    }
    tell(arguments, &findings, output)
}

fn tell(arguments: &Arguments, findings: &Findings, output: &Output) -> Done {
    let format = match arguments.format {
        Some(format) => format,
        None => match findings.programs.first() {
            Some((root, ..)) => config::format(root)?.unwrap_or(Format::Human),
            None => Format::Human,
        },
    };
    let found: Vec<Found<'_>> = findings.iter().collect();
    if arguments.statistics {
        if arguments.format.is_some_and(|format| !matches!(format, Format::Human | Format::Plain)) {
            return Err(Stop::Usage("--statistics is for people: leave --format out".to_owned()));
        }
        output.data(&report::statistics(&found))?;
    } else {
        let files: Vec<String> = findings.files().into_iter().collect();
        report::print(format, &found, &files, output)?;
    }
    if arguments.statistics || matches!(format, Format::Human | Format::Plain) {
        let count = findings.programs.len();
        let programs = if count == 1 { "1 program".to_owned() } else { format!("{count} programs") };
        let summary = render::summary(found.iter().map(|found| found.diagnostic));
        output.say(&format!("checked {programs}: {summary}{}", repairs(&found)));
    }
    let fails = report::count(&found, Severity::Error) > 0
        || (arguments.deny_warnings && report::count(&found, Severity::Warning) > 0);
    Ok(if fails { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// `; 2 can be repaired with --fix`
fn repairs(found: &[Found<'_>]) -> String {
    let has = |found: &&Found<'_>, safe: bool| found.diagnostic.fixes.iter().any(|fix| fix.safe == safe);
    let safe = found.iter().filter(|found| has(found, true)).count();
    let others = found.iter().filter(|found| has(found, false)).count();
    match (safe, others) {
        (0, 0) => String::new(),
        (safe, 0) => format!("; --fix repairs {safe}"),
        (0, others) => format!("; --fix --unsafe repairs {others}, which changes decisions: see --diff --unsafe"),
        (safe, others) => format!("; --fix repairs {safe}, --fix --unsafe {others} more, which changes decisions"),
    }
}

fn findings_text(count: usize) -> String {
    if count == 1 { "1 finding".to_owned() } else { format!("{count} findings") }
}

fn show(fixed: &fix::Fixed, output: &Output) -> Done {
    for (shown, before, after) in fixed.changed.values() {
        output.data(&edit::unified(&shown.display().to_string(), before, after))?;
    }
    output.say(&format!("{} would be repaired", findings_text(fixed.fixed)));
    Ok(if fixed.changed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn write(fixed: &fix::Fixed, output: &Output) -> Result<(), Stop> {
    for (path, (_, _, after)) in &fixed.changed {
        if path.as_os_str() == "-" {
            output.data(after)?;
        } else {
            input::write_atomically(path, after.as_bytes())?;
        }
    }
    if fixed.fixed > 0 {
        output.say(&format!("repaired {}", findings_text(fixed.fixed)));
    }
    Ok(())
}
