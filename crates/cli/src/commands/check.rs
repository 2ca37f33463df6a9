//! `presync check`: parse, type-check, lint, and tell everything that is wrong; or repair, record, allow it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};

use crate::baseline::{self, Applied};
use crate::error::{CommandError, CommandResult};
use crate::findings::Findings;
use crate::places::Disk;
use crate::terminal::Terminal;
use crate::{add_allow, config, edit, files, fix, project, watch};
use presync::Severity;
use presync_report::{FORMATS, Finding, Format, Report};

/// Find everything that is wrong with programs.
#[derive(Args)]
pub struct Arguments {
    /// Files, directories, or `-` for standard input; without any, those of `presync.toml`, else this directory.
    paths: Vec<PathBuf>,
    /// How findings are printed; else as `presync.toml` says, else for people.
    #[arg(long, value_parser = PossibleValuesParser::new(FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.description))))]
    format: Option<String>,
    /// Set a lint to off, warn or error.
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

pub fn run(arguments: &Arguments, terminal: &Terminal) -> CommandResult {
    if let Some(path) = arguments.paths.iter().find(|path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    }) {
        return Err(CommandError::Usage(format!(
            "`{}` is no program: check reads `.presync` files",
            path.display()
        )));
    }
    if arguments.allow_unsafe && !arguments.fix && !arguments.diff {
        return Err(CommandError::Usage(
            "--unsafe says what --fix or --diff may do: add one of them".to_owned(),
        ));
    }
    if arguments.watch {
        return watch::watch(&config::paths(&arguments.paths)?, terminal, &|| {
            once(arguments, terminal)
        });
    }
    once(arguments, terminal)
}

fn once(arguments: &Arguments, terminal: &Terminal) -> CommandResult {
    let paths = config::paths(&arguments.paths)?;
    let roots = project::roots(&paths)?;
    if arguments.fix || arguments.diff {
        let fixed = fix::fix(
            &paths,
            &roots,
            &arguments.levels,
            (arguments.allow_unsafe, terminal.file_access),
        )?;
        if arguments.diff {
            return show(&fixed, terminal);
        }
        write(&fixed, terminal)?;
        // What standard input held has been repaired; it cannot be read again.
        if fixed.changed.contains_key(std::path::Path::new("-")) {
            return Ok(ExitCode::SUCCESS);
        }
    }
    let mut findings = Findings::collect(&roots, &arguments.levels, None, terminal.file_access)?;
    if let Some(reason) = &arguments.add_allow {
        return add_allow::add_allow(&findings, reason, terminal);
    }
    if let Some(path) = &arguments.baseline {
        match baseline::apply(path, &mut findings)? {
            Applied::Recorded(count) => {
                terminal.say(&format!("recorded {} in {}", findings_text(count), path.display()));
            }
            Applied::Known(0, 0) => {}
            Applied::Known(known, 0) => terminal.say(&format!("not shown, because known: {}", findings_text(known))),
            Applied::Known(known, gone) => terminal.say(&format!(
                "not shown, because known: {}; {gone} of the record are gone: delete {} and record it anew",
                findings_text(known),
                path.display()
            )),
        }
    }
    tell(arguments, &findings, terminal)
}

fn tell(arguments: &Arguments, findings: &Findings, terminal: &Terminal) -> CommandResult {
    let named = arguments.format.as_deref().and_then(config::format_named);
    let format = match (named, findings.programs.first()) {
        (Some(format), _) => format,
        (None, Some((root, ..))) => config::format(root)?.unwrap_or(&FORMATS[0]),
        (None, None) => &FORMATS[0],
    };
    let found: Vec<Finding<'_>> = findings.iter().collect();
    if arguments.statistics {
        if named.is_some_and(|format| !format.for_people) {
            return Err(CommandError::Usage(
                "--statistics is for people: leave --format out".to_owned(),
            ));
        }
        terminal.data(&presync_report::statistics(&found))?;
    } else {
        let files: Vec<String> = findings.files().into_iter().collect();
        print(format, &found, &files, terminal)?;
    }
    if arguments.statistics || format.for_people {
        let count = findings.programs.len();
        let programs = if count == 1 {
            "1 program".to_owned()
        } else {
            format!("{count} programs")
        };
        let summary = presync_report::summary(found.iter().map(|found| found.diagnostic));
        terminal.say(&format!("checked {programs}: {summary}{}", repairs(&found)));
    }
    let fails = presync_report::count(&found, Severity::Error) > 0
        || (arguments.deny_warnings && presync_report::count(&found, Severity::Warning) > 0);
    Ok(if fails {
        ExitCode::from(1)
    } else {
        ExitCode::SUCCESS
    })
}

/// Prints findings: those for people to stderr, the others to stdout.
fn print(
    format: &Format,
    found: &[Finding<'_>],
    files: &[String],
    terminal: &Terminal,
) -> Result<(), CommandError> {
    let report = Report {
        findings: found,
        files,
        style: terminal.style(),
        places: &Disk,
    };
    let text = (format.write)(&report).map_err(|error| CommandError::Usage(error.to_string()))?;
    if format.name == "human" {
        if !found.is_empty() {
            terminal.write(&text);
        }
        return Ok(());
    }
    Ok(terminal.data(&text)?)
}

/// `; 2 can be repaired with --fix`
fn repairs(found: &[Finding<'_>]) -> String {
    let has = |found: &&Finding<'_>, safe: bool| {
        found.diagnostic.fixes.iter().any(|fix| fix.safe == safe)
    };
    let safe = found.iter().filter(|found| has(found, true)).count();
    let others = found.iter().filter(|found| has(found, false)).count();
    match (safe, others) {
        (0, 0) => String::new(),
        (safe, 0) => format!("; --fix repairs {safe}"),
        (0, others) => format!(
            "; --fix --unsafe repairs {others}, which changes decisions: see --diff --unsafe"
        ),
        (safe, others) => {
            format!("; --fix repairs {safe}, --fix --unsafe {others} more, which changes decisions")
        }
    }
}

fn findings_text(count: usize) -> String {
    if count == 1 {
        "1 finding".to_owned()
    } else {
        format!("{count} findings")
    }
}

fn show(fixed: &fix::Fixed, terminal: &Terminal) -> CommandResult {
    for (shown, before, after) in fixed.changed.values() {
        terminal.data(&edit::unified(&shown.display().to_string(), before, after))?;
    }
    terminal.say(&format!("{} would be repaired", findings_text(fixed.fixed)));
    Ok(if fixed.changed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

fn write(fixed: &fix::Fixed, terminal: &Terminal) -> Result<(), CommandError> {
    for (path, (_, _, after)) in &fixed.changed {
        if path.as_os_str() == "-" {
            terminal.data(after)?;
        } else {
            files::write_atomically(path, after.as_bytes())?;
        }
    }
    if fixed.fixed > 0 {
        terminal.say(&format!("repaired {}", findings_text(fixed.fixed)));
    }
    Ok(())
}
