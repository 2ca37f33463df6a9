//! `presync run`: reads events, writes commands.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use sha2::{Digest, Sha256};

use crate::error::{CommandError, CommandResult};
use crate::terminal::Terminal;
use crate::{files, loading};
use presync::visible;
use presync_engine::{RoleId, SessionEngine};
use presync_stream::{BlockOutput, Counts, Position, StateFile, Stream, Word};

/// Bytes to read at a time; data that a pipe has ready is processed at once.
const BLOCK: usize = 1 << 18;

/// A longer line is rejected without being kept.
const MAX_LINE: usize = 16 << 20;

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
    let (tables, _) = loading::tables(&arguments.path, terminal)?;
    let engine = SessionEngine::new(tables);
    let mut stream = Stream::new(
        engine,
        usize::from(arguments.jobs),
        arguments.trace.is_some(),
    );
    let stored = load_state(arguments, &mut stream, terminal)?;
    if let Some(users) = &arguments.users {
        let others = give_roles(users, &mut stream)?;
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
    if let Some(position) = stored.as_ref().filter(|_| source.is_file) {
        if source.skip(position)? {
            stream.skip_lines(position.lines);
        } else {
            terminal.status(
                "the events file is not the one the state was saved with: starting at its beginning",
            );
        }
    }
    let mut sinks = Sinks::open(arguments)?;
    let bar = progress(terminal);
    let mut totals = Totals::default();
    let read = |block: &mut Vec<u8>| source.next_block(block).map_err(RunError::Read);
    let write = |block: &BlockOutput| {
        totals.events += block.events;
        totals.sent += block.sent;
        totals.counts.add(&block.counts);
        sinks.write(block, &bar).map_err(RunError::Write)?;
        bar.set_message(format!(
            "{} events, {} commands, {} rejected",
            HumanCount(totals.events),
            HumanCount(totals.sent),
            HumanCount(totals.counts.of(Word::Rejected))
        ));
        bar.inc(block.events);
        Ok(())
    };
    let done = stream.run(read, write);
    bar.finish_and_clear();
    match done {
        Ok(()) => {}
        Err(RunError::Read(stop)) => return Err(stop),
        Err(RunError::Write(error)) => return closed(error, arguments, terminal),
    }
    if let Err(error) = sinks.finish() {
        return closed(error, arguments, terminal);
    }
    if let Some(file) = &arguments.state {
        // Events from standard input do not move the position in the events file.
        let position = source.position(stream.lines()).or(stored);
        files::write_atomically(
            file,
            StateFile::save(&stream, position).to_json().as_bytes(),
        )?;
    }
    let rejected = totals.counts.of(Word::Rejected);
    terminal.status(&format!(
        "{} events, {} commands, {rejected} rejected",
        totals.events, totals.sent
    ));
    let counted = Word::ALL.map(|word| (word.text(), totals.counts.of(word)));
    let counted = counted.iter().filter(|(_, count)| *count > 0);
    let counted: Vec<String> = counted
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    if !counted.is_empty() {
        terminal.status(&counted.join(", "));
    }
    Ok(if rejected > 0 {
        ExitCode::from(1)
    } else {
        ExitCode::SUCCESS
    })
}

enum RunError {
    Read(CommandError),
    Write(SinkError),
}

#[derive(Default)]
struct Totals {
    events: u64,
    sent: u64,
    counts: Counts,
}

fn progress(terminal: &Terminal) -> ProgressBar {
    if terminal.quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({per_sec})") {
        bar.set_style(style);
    }
    bar
}

/// Ends the run after output could not be written, without saving the state. Closed standard output
/// is not an error.
fn closed(error: SinkError, arguments: &Arguments, terminal: &Terminal) -> CommandResult {
    if let SinkError::Stdout(error) = &error
        && error.kind() == std::io::ErrorKind::BrokenPipe
    {
        if arguments.state.is_some() {
            terminal.status(
                "standard output was closed: the state was not saved, so no command is lost",
            );
        }
        return Err(CommandError::Closed);
    }
    Err(CommandError::Usage(match error {
        SinkError::Stdout(error) => format!("cannot write commands: {error}"),
        SinkError::File(file, error) => format!("cannot write `{}`: {error}", file.display()),
    }))
}

fn load_state(
    arguments: &Arguments,
    stream: &mut Stream,
    terminal: &Terminal,
) -> Result<Option<Position>, CommandError> {
    let Some(file) = &arguments.state else {
        return Ok(None);
    };
    if files::is_special(file) {
        return Err(CommandError::Usage(format!(
            "cannot save the state to `{}`: not a regular file",
            file.display()
        )));
    }
    files::can_write_beside(file)?;
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        // The first run: there is no state yet.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(files::cannot_read(file, &error)),
    };
    let stored = StateFile::parse(&text)
        .map_err(|error| CommandError::Usage(format!("`{}`: {error}", file.display())))?;
    let position = stored.position.clone();
    let lost = stored
        .load(stream)
        .map_err(|full| CommandError::Usage(format!("`{}`: {}", file.display(), full)))?;
    for (what, count) in lost {
        terminal.status(&format!(
            "{what} no longer exists; removed from {count} sessions"
        ));
    }
    Ok(position)
}

/// Assigns roles. Users in the state keep their role, so that consecutive runs have the same result
/// as a single one. Returns how many of them have a different role than in the file.
fn give_roles(file: &Path, stream: &mut Stream) -> Result<usize, CommandError> {
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

/// The source of events, read in whole lines.
struct Source {
    input: Box<dyn BufRead>,
    path: PathBuf,
    /// A pipe has no position, even if it has a path.
    is_file: bool,
    rest: Vec<u8>,
    ended: bool,
    /// Leave an incomplete last line (no newline, not valid JSON yet) for the next run.
    keeps_torn_line: bool,
    bytes: u64,
    hasher: Sha256,
}

impl Source {
    fn open(file: Option<&Path>) -> Result<Self, CommandError> {
        let input: Box<dyn BufRead> = match file {
            Some(file) => {
                if file.is_dir() {
                    return Err(CommandError::Usage(format!(
                        "cannot read `{}`: it is a directory",
                        file.display()
                    )));
                }
                Box::new(BufReader::with_capacity(
                    BLOCK,
                    File::open(file).map_err(|error| files::cannot_read(file, &error))?,
                ))
            }
            None => Box::new(BufReader::with_capacity(BLOCK, std::io::stdin())),
        };
        Ok(Self {
            input,
            path: file.map_or_else(|| PathBuf::from("standard input"), Path::to_path_buf),
            is_file: file.is_some_and(Path::is_file),
            rest: Vec::new(),
            ended: false,
            keeps_torn_line: false,
            bytes: 0,
            hasher: Sha256::new(),
        })
    }

    /// Skips a prefix if the file still begins with it; otherwise returns to the beginning.
    fn skip(&mut self, position: &Position) -> Result<bool, CommandError> {
        let mut hasher = Sha256::new();
        let mut left = position.bytes;
        let mut buffer = vec![0; BLOCK];
        while left > 0 {
            let most = buffer
                .len()
                .min(usize::try_from(left).unwrap_or(usize::MAX));
            let read = self
                .input
                .read(&mut buffer[..most])
                .map_err(|error| files::cannot_read(&self.path, &error))?;
            if read == 0 {
                break;
            }
            hasher.update(&buffer[..read]);
            left -= read as u64;
        }
        if left == 0 && hex(hasher.clone()) == position.sha256 {
            self.hasher = hasher;
            self.bytes = position.bytes;
            return Ok(true);
        }
        *self = Self {
            keeps_torn_line: self.keeps_torn_line,
            ..Self::open(Some(&self.path.clone()))?
        };
        Ok(false)
    }

    /// Reads until there is at least one whole line; `false` at the end.
    fn next_block(&mut self, block: &mut Vec<u8>) -> Result<bool, CommandError> {
        if self.ended {
            return Ok(false);
        }
        block.clear();
        block.append(&mut self.rest);
        loop {
            let read = self
                .input
                .fill_buf()
                .map_err(|error| files::cannot_read(&self.path, &error))?;
            if read.is_empty() {
                self.ended = true;
                let torn = serde_json::from_slice::<serde::de::IgnoredAny>(block).is_err();
                if self.keeps_torn_line && self.is_file && torn {
                    block.clear();
                }
                break;
            }
            let length = read.len();
            let newline = read.iter().rposition(|byte| *byte == b'\n');
            block.extend_from_slice(read);
            self.input.consume(length);
            if let Some(at) = newline {
                let behind = length - at - 1;
                let whole = block.len() - behind;
                self.rest.extend_from_slice(&block[whole..]);
                block.truncate(whole);
                break;
            }
            if block.len() > MAX_LINE {
                self.cut_long_line(block)?;
                return Ok(true);
            }
        }
        self.taken(block);
        Ok(!block.is_empty())
    }

    /// Records consumed input; the hash is only needed to save a state.
    fn taken(&mut self, bytes: &[u8]) {
        if self.is_file && self.keeps_torn_line {
            self.hasher.update(bytes);
        }
        self.bytes += bytes.len() as u64;
    }

    /// Discards the rest of an overlong line; its beginning is rejected as invalid JSON.
    fn cut_long_line(&mut self, block: &mut Vec<u8>) -> Result<(), CommandError> {
        self.taken(block);
        block.truncate(1 << 16);
        block.push(b'\n');
        loop {
            let read = self
                .input
                .fill_buf()
                .map_err(|error| files::cannot_read(&self.path, &error))?;
            if read.is_empty() {
                self.ended = true;
                return Ok(());
            }
            let newline = read.iter().position(|byte| *byte == b'\n');
            let length = newline.map_or(read.len(), |at| at + 1);
            let passed = read[..length].to_vec();
            self.input.consume(length);
            self.taken(&passed);
            if newline.is_some() {
                return Ok(());
            }
        }
    }

    /// The position in a file; standard input has none.
    fn position(&self, lines: u64) -> Option<Position> {
        self.is_file.then(|| Position {
            bytes: self.bytes,
            lines,
            sha256: hex(self.hasher.clone()),
        })
    }
}

fn hex(hasher: Sha256) -> String {
    hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

enum SinkError {
    Stdout(std::io::Error),
    File(PathBuf, std::io::Error),
}

/// The outputs for commands, rejected events and the trace.
struct Sinks {
    rejects: Option<(PathBuf, BufWriter<File>)>,
    trace: Option<(PathBuf, BufWriter<File>)>,
}

impl Sinks {
    fn open(arguments: &Arguments) -> Result<Self, CommandError> {
        let create = |file: &Option<PathBuf>| match file {
            None => Ok(None),
            Some(file) => match File::create(file) {
                Ok(open) => Ok(Some((file.clone(), BufWriter::new(open)))),
                Err(error) => Err(CommandError::Usage(format!(
                    "cannot write `{}`: {error}",
                    file.display()
                ))),
            },
        };
        Ok(Self {
            rejects: create(&arguments.rejects)?,
            trace: create(&arguments.trace)?,
        })
    }

    fn write(&mut self, block: &BlockOutput, bar: &ProgressBar) -> Result<(), SinkError> {
        match &mut self.rejects {
            Some((path, file)) => file
                .write_all(&block.rejects)
                .map_err(|error| SinkError::File(path.clone(), error))?,
            None if block.rejects.is_empty() => {}
            // Ignore errors: stderr may be closed.
            None => bar.suspend(|| {
                std::io::stderr()
                    .lock()
                    .write_all(&block.rejects)
                    .unwrap_or_default();
            }),
        }
        if let Some((path, file)) = &mut self.trace {
            file.write_all(&block.trace)
                .map_err(|error| SinkError::File(path.clone(), error))?;
        }
        let mut stdout = std::io::stdout().lock();
        stdout
            .write_all(&block.commands)
            .and_then(|()| stdout.flush())
            .map_err(SinkError::Stdout)
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        for (path, file) in [&mut self.rejects, &mut self.trace].into_iter().flatten() {
            file.flush()
                .map_err(|error| SinkError::File(path.clone(), error))?;
        }
        Ok(())
    }
}
