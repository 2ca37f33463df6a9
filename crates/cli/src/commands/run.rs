//! `presync run`: reads events, writes commands.

mod durable;
mod sinks;
mod source;

use std::collections::HashMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{HumanCount, ProgressBar, ProgressState, ProgressStyle};

use crate::error::{CommandAnswer, CommandError, CommandResult};
use crate::store::{Store, Stored};
use crate::terminal::Terminal;
use crate::{files, loading};
use presync::visible;
use presync_engine::{RoleId, SessionEngine};
use presync_stream::{BlockOutput, Counts, Position, Stream, Word};
use sinks::Sinks;
use source::Source;

/// Process events (JSON Lines) and write commands.
#[derive(Args)]
pub struct Arguments {
    /// A program, a directory with one, or a tables.json.
    path: PathBuf,
    /// Read events from FILE instead of standard input.
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Write rejected events to FILE instead of standard error.
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Write what happened to each event, and why, to FILE.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Assign roles from a CSV file with the columns user and role; users in the state keep their role.
    #[arg(long, value_name = "FILE.csv")]
    users: Option<PathBuf>,
    /// Load sessions from FILE at start and save them; with --events, resume where the last run stopped.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Number of worker threads; the events of each user stay in order.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    #[arg(long, hide = true, value_name = "SECONDS")]
    echo_seconds: Option<String>,
}

pub fn run(arguments: &Arguments, terminal: &Terminal) -> CommandResult {
    if arguments.path.as_os_str() == "-" && arguments.events.is_none() {
        return Err(CommandError::Usage(
            "program and events cannot both come from standard input: use `--events`".to_owned(),
        ));
    }
    if arguments.echo_seconds.is_some() {
        return Err(CommandError::Usage(
            "`--echo-seconds` no longer exists: write `echo 5m` in each system that is slower or faster than 60 s"
                .to_owned(),
        ));
    }
    let (tables, program) = loading::tables(&arguments.path, terminal)?;
    distinct(
        arguments,
        &loading::sources(&arguments.path, program.as_ref()),
    )?;
    let mut stream = Stream::new(
        SessionEngine::new(tables),
        usize::from(arguments.jobs),
        arguments.trace.is_some(),
    );
    let stored = match &arguments.state {
        Some(file) => Some(open_state(file, &mut stream, terminal)?),
        None => None,
    };
    if let Some(users) = &arguments.users {
        let others = give_roles(users, &mut stream, terminal)?;
        if others > 0 {
            terminal.status(&format!(
                "{} a different role in the state than in `{}` and keep{} it: send an event with `role` to change it",
                if others == 1 { "1 user has".to_owned() } else { format!("{others} users have") },
                users.display(),
                if others == 1 { "s" } else { "" }
            ));
        }
    }
    let mut source = Source::open(arguments.events.as_deref())?;
    source.keeps_torn_line = arguments.state.is_some();
    let position = stored
        .as_ref()
        .and_then(|(_, stored)| stored.position.as_ref());
    if let Some(position) = position.filter(|_| source.is_file) {
        go_on(&mut source, position, &mut stream, terminal)?;
    }
    let mut sinks = Sinks::open(arguments, terminal)?;
    let bar = progress(terminal);
    let mut totals = Totals::default();
    let stopped = match &stored {
        Some((store, stored)) => {
            write_again(&stored.unwritten, &sinks, terminal)?;
            durable::run(source, &mut stream, store, &mut sinks, &mut totals, &bar)?
        }
        None => without_state(source, &mut stream, &mut sinks, &mut totals, &bar)?,
    };
    bar.finish_and_clear();
    if stopped {
        terminal.status("stopped by a signal: everything that was read is in the state");
    }
    summary(&totals, terminal);
    Ok(CommandAnswer::no_if(totals.counts.of(Word::Rejected) > 0))
}

/// Refuses outputs that are an input or another output.
fn distinct(arguments: &Arguments, sources: &[PathBuf]) -> Result<(), CommandError> {
    let mut inputs: Vec<(&str, &Path)> = sources
        .iter()
        .map(|path| ("the program", path.as_path()))
        .collect();
    fn named<'a>(name: &'a str, path: &'a Option<PathBuf>) -> Option<(&'a str, &'a Path)> {
        Some((name, path.as_deref()?))
    }
    inputs.extend(named("`--events`", &arguments.events));
    inputs.extend(named("`--users`", &arguments.users));
    let outputs: Vec<_> = [
        named("`--rejects`", &arguments.rejects),
        named("`--trace`", &arguments.trace),
        named("`--state`", &arguments.state),
    ]
    .into_iter()
    .flatten()
    .collect();
    files::distinct(&inputs, &outputs)
}

/// Opens a state and loads its sessions.
fn open_state(
    file: &Path,
    stream: &mut Stream,
    terminal: &Terminal,
) -> Result<(Store, Stored), CommandError> {
    let (store, stored) = Store::open(file, stream)?;
    for (what, count) in &stored.lost {
        terminal.status(&format!(
            "{what} no longer exists; ignored in {}",
            if *count == 1 {
                "1 session".to_owned()
            } else {
                format!("{count} sessions")
            }
        ));
    }
    stream.record_changes();
    Ok((store, stored))
}

/// Skips the events that earlier runs have read, if the file still begins with them.
fn go_on(
    source: &mut Source,
    position: &Position,
    stream: &mut Stream,
    terminal: &Terminal,
) -> Result<(), CommandError> {
    if source.skip(position)? {
        stream.skip_lines(position.lines);
    } else {
        terminal.status(
            "the events file is not the one the state was saved with: starting at its beginning",
        );
    }
    Ok(())
}

/// Writes the commands that an earlier run recorded and may not have written.
fn write_again(
    unwritten: &[u8],
    sinks: &Sinks<'_>,
    terminal: &Terminal,
) -> Result<(), CommandError> {
    if unwritten.is_empty() {
        return Ok(());
    }
    durable::written(unwritten, sinks)?;
    let count = unwritten.iter().filter(|byte| **byte == b'\n').count();
    terminal.status(&format!(
        "{} again that an earlier run may not have written",
        if count == 1 {
            "wrote 1 command".to_owned()
        } else {
            format!("wrote {count} commands")
        }
    ));
    Ok(())
}

/// Reads all events; once nobody reads the commands, only what is in a file, for the exit code.
fn without_state(
    mut source: Source,
    stream: &mut Stream,
    sinks: &mut Sinks<'_>,
    totals: &mut Totals,
    bar: &ProgressBar,
) -> Result<bool, CommandError> {
    let is_file = source.is_file;
    let terminal = sinks.terminal;
    let read = |block: &mut Vec<u8>| {
        let more = source.next_block(block)?;
        Ok(more && (is_file || !terminal.is_closed()))
    };
    let write = |output: &BlockOutput| {
        totals.add(output, bar);
        sinks.others(output, bar)?;
        sinks.commands(&output.commands)
    };
    stream.run(read, write)?;
    sinks.flush()?;
    Ok(false)
}

/// What happened, and which events were rejected why.
fn summary(totals: &Totals, terminal: &Terminal) {
    let of = |count: u64, one: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{} {one}s", HumanCount(count)),
    };
    let (events, commands) = (of(totals.events, "event"), of(totals.sent, "command"));
    terminal.status(&format!("{events}, {commands}"));
    let words = Word::ALL.iter().filter(|word| **word != Word::Rejected);
    let words = words.map(|word| (totals.counts.of(*word), word.text()));
    let rejected = totals.counts.rejected.iter();
    let rejected = rejected.map(|(code, count)| (*count, *code));
    let mut lines: Vec<(u64, String)> = words
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| (count, word.to_owned()))
        .collect();
    lines.extend(rejected.map(|(count, code)| (count, format!("rejected: {code}"))));
    let shown = |count: &u64| HumanCount(*count).to_string();
    let width = lines.iter().map(|(count, _)| shown(count).len()).max();
    let width = width.unwrap_or(0);
    for (count, what) in &lines {
        terminal.status(&format!("  {:>width$} {what}", shown(count)));
    }
}

/// What a run has done so far.
#[derive(Default)]
pub struct Totals {
    events: u64,
    sent: u64,
    counts: Counts,
    /// The time of the last event that caused a command, as events write it.
    time: Option<String>,
}

impl Totals {
    fn add(&mut self, output: &BlockOutput, bar: &ProgressBar) {
        self.events += output.events;
        self.sent += output.sent;
        self.counts.add(&output.counts);
        if !bar.is_hidden() {
            self.time = last_time(&output.commands).or(self.time.take());
            let rejected = self.counts.rejected.iter();
            let rejected: Vec<String> = rejected
                .map(|(code, count)| format!(", {} rejected: {code}", HumanCount(*count)))
                .collect();
            let time = self
                .time
                .as_ref()
                .map_or_else(String::new, |time| format!(" up to {time}"));
            bar.set_message(format!(
                "{} events{time}, {} commands{}",
                HumanCount(self.events),
                HumanCount(self.sent),
                rejected.concat()
            ));
        }
        bar.inc(output.events);
    }
}

/// The time of the last command, if it has one.
fn last_time(commands: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Timed {
        at: String,
    }
    let mut lines = commands.rsplit(|byte| *byte == b'\n');
    // The last line is empty.
    let last = lines.find(|line| !line.is_empty())?;
    Some(serde_json::from_slice::<Timed>(last).ok()?.at)
}

fn progress(terminal: &Terminal) -> ProgressBar {
    if terminal.quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    let rate = |state: &ProgressState, text: &mut dyn std::fmt::Write| {
        // What cannot be written is not shown.
        let _ = write!(text, "{}/s", HumanCount(state.per_sec().round() as u64));
    };
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({rate})") {
        let style = style.with_key("rate", rate);
        bar.set_style(style);
    }
    bar
}

/// Assigns roles. Users in the state keep their role, so that consecutive runs have the same result
/// as a single one. Returns how many of them have a different role than in the file.
fn give_roles(
    file: &Path,
    stream: &mut Stream,
    terminal: &Terminal,
) -> Result<usize, CommandError> {
    let cannot = |error: csv::Error| CommandError::Usage(format!("`{}`: {error}", file.display()));
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(file)
        .map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(error) => files::cannot_read(file, &error),
            other => CommandError::Usage(format!("`{}`: {other:?}", file.display())),
        })?;
    let headers = reader.headers().map_err(cannot)?.clone();
    let column = |name: &str| {
        let at = headers.iter().position(|header| {
            header
                .trim_start_matches('\u{feff}')
                .eq_ignore_ascii_case(name)
        });
        at.ok_or_else(|| {
            CommandError::Usage(format!(
                "`{}` has no column `{name}`: its first line is `{}`, expected `user,role`",
                file.display(),
                visible(&headers.iter().collect::<Vec<_>>().join(","))
            ))
        })
    };
    let (user, role) = (column("user")?, column("role")?);
    let others = headers
        .iter()
        .enumerate()
        .filter(|(at, _)| ![user, role].contains(at));
    let others: Vec<String> = others
        .map(|(_, heading)| format!("`{}`", visible(heading)))
        .collect();
    if !others.is_empty() {
        terminal.status(&format!(
            "`{}`: only the columns user and role are used, not {}",
            file.display(),
            others.join(", ")
        ));
    }
    let mut given: HashMap<String, (RoleId, u64)> = HashMap::new();
    let mut others = 0;
    for record in reader.records() {
        let record = record.map_err(cannot)?;
        let line = record.position().map_or(0, csv::Position::line);
        let (user, role) = (
            record.get(user).unwrap_or_default(),
            record.get(role).unwrap_or_default(),
        );
        let schema = stream.engine().schema();
        let at = schema.role_named(role).map_err(|unknown| {
            CommandError::Usage(format!(
                "`{}` line {line}: unknown role `{role}`; known roles are {}",
                file.display(),
                unknown.known().join(", ")
            ))
        })?;
        if let Some((_, first)) = given
            .insert(user.to_owned(), (at, line))
            .filter(|(before, _)| *before != at)
        {
            return Err(CommandError::Usage(format!(
                "`{}` line {line}: user `{user}` has a different role in line {first}: keep only one",
                file.display()
            )));
        }
        let mut session = stream
            .session(user)
            .unwrap_or_else(|| stream.engine().session());
        if let Some(known) = session.role {
            others += usize::from(known != at);
            continue;
        }
        session.role = Some(at);
        stream.put(user, &session).map_err(|full| {
            CommandError::Usage(format!("`{}` line {line}: {}", file.display(), full))
        })?;
    }
    Ok(others)
}
