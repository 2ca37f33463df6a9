//! `presync check`: parses, checks and lints programs, then reports, fixes, records or allows the findings.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};

use super::InputArguments;
use crate::baseline::{self, KnownFindings};
use crate::error::{CommandAnswer, CommandError, CommandResult};
use crate::git::Revision;
use crate::loading;
use crate::places::Disk;
use crate::project::Selection;
use crate::terminal::{OutputStream, Terminal};
use crate::{add_allow, edit, files, watch};
use presync::{ParseCache, Severity};
use presync_ide::{Findings, Fixed, Fixes, Texts, settings};
use presync_report::{FORMATS, Finding, Report};

/// Check programs for errors and lint findings.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    inputs: InputArguments,
    /// Output format [default: `format` of presync.toml, or human].
    #[arg(long, value_parser = PossibleValuesParser::new(FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.description))))]
    format: Option<String>,
    /// Set a lint to off, warn or error.
    #[arg(long = "level", value_name = "CODE=LEVEL")]
    levels: Vec<String>,
    /// Exit with 1 if there are warnings.
    #[arg(long)]
    deny_warnings: bool,
    /// Apply fixes that are proven not to change any decision.
    #[arg(long)]
    fix: bool,
    /// With `--fix` or `--diff`, include fixes that change decisions.
    #[arg(long = "unsafe", conflicts_with = "add_allow")]
    allow_unsafe: bool,
    /// Show what `--fix` would change, without writing.
    #[arg(long, conflicts_with = "add_allow")]
    diff: bool,
    /// Write `@allow` with this reason before each finding.
    #[arg(long, value_name = "REASON", num_args = 0..=1, require_equals = true, default_missing_value = "", conflicts_with = "fix")]
    add_allow: Option<String>,
    /// Report only findings that are not recorded in FILE.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Report only findings that are not in a revision of git, for example `main`.
    #[arg(long, value_name = "REVISION", conflicts_with_all = ["baseline", "add_allow"])]
    since: Option<String>,
    /// Record all findings in the file of `--baseline`.
    #[arg(long, requires = "baseline")]
    write_baseline: bool,
    /// Show the number of findings by code.
    #[arg(long)]
    statistics: bool,
    /// Check again when a file changes.
    #[arg(long, conflicts_with_all = ["fix", "diff", "add_allow"])]
    watch: bool,
}

pub fn run(arguments: &Arguments, terminal: &Terminal) -> CommandResult {
    if arguments.allow_unsafe && !arguments.fix && !arguments.diff {
        return Err(CommandError::Usage(
            "`--unsafe` needs `--fix` or `--diff`".to_owned(),
        ));
    }
    if arguments.watch {
        let selection = arguments.inputs.selection(terminal)?;
        let cache = ParseCache::default();
        return watch::watch(&selection.paths, terminal, &|| {
            once(arguments, Some(&cache), terminal)
        });
    }
    once(arguments, None, terminal)
}

fn once(arguments: &Arguments, cache: Option<&ParseCache>, terminal: &Terminal) -> CommandResult {
    let selection = arguments.inputs.selection(terminal)?;
    if arguments.fix || arguments.add_allow.is_some() {
        selection.pass_excluded_stdin(terminal)?;
    }
    let roots = selection.roots(terminal)?;
    let access = &terminal.file_access;
    // With `--fix -`, stdout has only the fixed text, and findings refer to that text.
    let mut texts = Texts::new();
    let mut stream = OutputStream::Stdout;
    if arguments.fix || arguments.diff {
        // Most of a file is the same from round to round.
        let rounds = ParseCache::default();
        let named = selection.paths.iter().map(|path| files::canonical(path));
        let fixed = Fixes {
            check: &|texts| {
                loading::findings(
                    &roots,
                    &arguments.levels,
                    texts,
                    access,
                    Some(&rounds),
                    terminal,
                )
            },
            canonical: &files::canonical,
            named: named.collect(),
            allow_unsafe: arguments.allow_unsafe,
        }
        .apply()?;
        if arguments.diff {
            return show(&fixed, terminal);
        }
        write(&fixed)?;
        if let Some(root) = roots.iter().find(|root| root.as_os_str() == "-") {
            match fixed.changed.get(root) {
                Some((.., after)) => {
                    terminal.stdout(files::marked(&files::stdin()?, after))?;
                    texts.insert(root.clone(), after.clone());
                }
                None => terminal.stdout(files::stdin()?)?,
            }
            stream = OutputStream::Stderr;
        }
        if fixed.fixed > 0 {
            terminal.status(&format!("fixed {}", findings_text(fixed.fixed)));
        }
    }
    let mut findings =
        loading::findings(&roots, &arguments.levels, &texts, access, cache, terminal)?;
    if let Some(reason) = &arguments.add_allow {
        return add_allow::add_allow(&findings, reason, terminal);
    }
    if let Some(revision) = &arguments.since {
        since(revision, arguments, &selection, &mut findings, terminal)?;
    }
    if let Some(path) = &arguments.baseline {
        known(path, arguments.write_baseline, &mut findings, terminal)?;
    }
    report(arguments, &findings, stream, terminal)
}

/// Removes the findings that a revision has, too.
fn since(
    revision: &str,
    arguments: &Arguments,
    selection: &Selection,
    findings: &mut Findings,
    terminal: &Terminal,
) -> Result<(), CommandError> {
    let near = selection
        .paths
        .first()
        .map_or(Path::new("."), |path| terminal.file_access.place(path));
    let earlier = Revision::checkout(revision, near, Path::new(""))?;
    let mut roots = Vec::new();
    for program in &findings.programs {
        let before = earlier.path(terminal.file_access.place(&program.root.path))?;
        // A new program has no earlier findings.
        if before.is_file() {
            roots.push(before);
        }
    }
    let access = earlier.access(&terminal.file_access);
    let mut before = loading::findings(
        &roots,
        &arguments.levels,
        &Texts::new(),
        &access,
        None,
        terminal,
    )?;
    let label = format!("{revision}:");
    for found in &mut before.found {
        let file = found.subject.file.strip_prefix(&label);
        found.subject.file = file.unwrap_or_default().to_owned();
    }
    let known = baseline::remove_earlier(before, findings).known;
    if known > 0 {
        terminal.status(&format!(
            "{} already in {revision}, not shown",
            findings_text(known)
        ));
    }
    Ok(())
}

/// Records the findings in a baseline, or removes those that it records.
fn known(
    path: &Path,
    write: bool,
    findings: &mut Findings,
    terminal: &Terminal,
) -> Result<(), CommandError> {
    if write {
        let count = baseline::write(path, findings)?;
        terminal.status(&format!(
            "recorded {} in {}",
            findings_text(count),
            path.display()
        ));
        return Ok(());
    }
    let KnownFindings { known, gone } = baseline::apply(path, findings)?;
    let gone = match gone {
        0 => String::new(),
        1 => "; 1 in the baseline no longer occurs: write it again with `--write-baseline`"
            .to_owned(),
        gone => format!(
            "; {gone} in the baseline no longer occur: write it again with `--write-baseline`"
        ),
    };
    if known > 0 || !gone.is_empty() {
        terminal.status(&format!(
            "in the baseline, not shown: {}{gone}",
            findings_text(known)
        ));
    }
    Ok(())
}

fn report(
    arguments: &Arguments,
    findings: &Findings,
    stream: OutputStream,
    terminal: &Terminal,
) -> CommandResult {
    let named = arguments.format.as_deref().and_then(settings::format_named);
    let format = match (named, findings.programs.first()) {
        (Some(format), _) => format,
        (None, Some(program)) => {
            let place = terminal.file_access.place(&program.root.path);
            let found = settings::find(&Disk, place)?;
            found
                .and_then(|found| found.format())
                .unwrap_or(&FORMATS[0])
        }
        (None, None) => &FORMATS[0],
    };
    let found: Vec<Finding<'_>> = findings.iter().collect();
    if arguments.statistics {
        if named.is_some_and(|format| !format.for_people) {
            return Err(CommandError::Usage(
                "`--statistics` cannot be combined with `--format`".to_owned(),
            ));
        }
        print(&presync_report::statistics(&found), stream, terminal)?;
    } else {
        let files: Vec<String> = findings.files().into_iter().collect();
        let report = Report {
            findings: &found,
            files: &files,
            style: terminal.style(stream),
            places: &Disk,
            deny_warnings: arguments.deny_warnings,
        };
        let text =
            (format.write)(&report).map_err(|error| CommandError::Usage(error.to_string()))?;
        // A blank line before the summary.
        let end = if format.name == "human" && !found.is_empty() {
            "\n"
        } else {
            ""
        };
        print(&format!("{text}{end}"), stream, terminal)?;
    }
    if arguments.statistics || format.for_people {
        let count = findings.programs.len();
        let programs = if count == 1 {
            "1 program".to_owned()
        } else {
            format!("{count} programs")
        };
        let summary = presync_report::summary(found.iter().map(|found| found.diagnostic));
        terminal.status(&format!("checked {programs}: {summary}{}", fixable(&found)));
    }
    let fails = presync_report::count(&found, Severity::Error) > 0
        || (arguments.deny_warnings && presync_report::count(&found, Severity::Warning) > 0);
    Ok(CommandAnswer::no_if(fails))
}

fn print(text: &str, stream: OutputStream, terminal: &Terminal) -> Result<(), CommandError> {
    match stream {
        OutputStream::Stdout => Ok(terminal.stdout(text)?),
        OutputStream::Stderr if text.is_empty() => Ok(()),
        OutputStream::Stderr => {
            terminal.stderr(text.strip_suffix('\n').unwrap_or(text));
            Ok(())
        }
    }
}

/// `` ; 2 fixable with `--fix` ``
fn fixable(found: &[Finding<'_>]) -> String {
    let has = |found: &&Finding<'_>, safe: bool| {
        found.diagnostic.fixes.iter().any(|fix| fix.safe == safe)
    };
    let safe = found.iter().filter(|found| has(found, true)).count();
    let others = found.iter().filter(|found| has(found, false)).count();
    match (safe, others) {
        (0, 0) => String::new(),
        (safe, 0) => format!("; {safe} fixable with `--fix`"),
        (0, others) => format!(
            "; {others} fixable with `--fix --unsafe` (may change decisions; preview with `--diff --unsafe`)"
        ),
        (safe, others) => {
            format!(
                "; {safe} fixable with `--fix`, {others} more with `--fix --unsafe` (may change decisions; preview with `--diff \
--unsafe`)"
            )
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

fn show(fixed: &Fixed, terminal: &Terminal) -> CommandResult {
    for (shown, before, after) in fixed.changed.values() {
        terminal.stdout(edit::unified(&shown.display().to_string(), before, after))?;
    }
    terminal.status(&format!("{} would be fixed", findings_text(fixed.fixed)));
    Ok(CommandAnswer::no_if(!fixed.changed.is_empty()))
}

fn write(fixed: &Fixed) -> Result<(), CommandError> {
    for (path, (_, _, after)) in &fixed.changed {
        if path.as_os_str() != "-" {
            files::rewrite(path, after)?;
        }
    }
    Ok(())
}
