//! A program that is started and talked to: events out of it, commands into it, one JSON object a line.
//!
//! Out: events as those of `presync run`, with the ids of the system and the state of this system only
//! (`{"user":"17","change":{"pbx":"Away"}}`, `observe`, `set` for facts), and for each command `{"done":17}`,
//! `{"refused":17,"why":"..."}` or `{"later":17,"seconds":5}`.
//! In: `{"users":["17"]}` at the start, then commands: `{"number":17,"user":"17","state":"Away","append":["Lunch"]}`.
//! A program that ends is started again. What it writes to its standard error goes to the log.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{mpsc, oneshot};

use crate::connector::{
    CommandSink, ConnectError, Connection, Connector, ReportSource, SetOutcome,
};
use crate::connectors::adapter_event::AdapterEvent;
use crate::connectors::{ConnectorPlace, MakeError};
use crate::report::{SystemCommand, SystemReport, SystemUser};

/// The settings of the connector `exec`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExecSettings {
    /// The program and its arguments. It runs in the folder of the settings.
    command: Vec<String>,
}

/// The longest line.
const MOST_BYTES: u64 = 1 << 20;

pub struct ExecConnector {
    system: String,
    command: Vec<String>,
    folder: PathBuf,
}

impl ExecConnector {
    pub fn new(settings: &ExecSettings, place: &ConnectorPlace<'_>) -> Result<Self, MakeError> {
        let Some(program) = settings.command.first() else {
            return Err(MakeError::Setting(
                "`command` is empty: name a program".to_owned(),
            ));
        };
        if !(place.has_program)(program) {
            let what = if program.contains('/') {
                format!("`command`: `{program}` is not in the folder of the settings")
            } else {
                format!(
                    "`command`: the program `{program}` was not found: write `./{program}` for a file beside the settings"
                )
            };
            return Err(MakeError::Setting(what));
        }
        Ok(Self {
            system: place.system.to_owned(),
            command: settings.command.clone(),
            folder: place.folder.to_path_buf(),
        })
    }
}

#[async_trait]
impl Connector for ExecConnector {
    async fn connect(&mut self, users: &[SystemUser]) -> Result<Connection, ConnectError> {
        let Some((program, arguments)) = self.command.split_first() else {
            return Err(ConnectError::Settings("`command` is empty".to_owned()));
        };
        // A path is relative to the settings, like every other.
        let path = if program.contains('/') {
            self.folder.join(program)
        } else {
            PathBuf::from(program)
        };
        let child = Command::new(path)
            .args(arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let cannot = |why: &dyn std::fmt::Display| {
            ConnectError::Settings(format!("`{program}` cannot be started: {why}"))
        };
        let mut child = child.map_err(|error| cannot(&error))?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(cannot(&"it has no pipes"));
        };
        log_lines(self.system.clone(), stderr);
        let waiting = Waiting::default();
        let sink = ExecSink {
            input: write_lines(stdin),
            waiting: waiting.clone(),
        };
        let users: Vec<&str> = users.iter().map(|user| &*user.id).collect();
        sink.send(&json!({ "users": users })).await?;
        let source = ExecSource {
            system: self.system.clone(),
            child,
            lines: Lines(BufReader::new(stdout)),
            waiting,
        };
        Ok(Connection {
            source: Box::new(source),
            sink: Box::new(sink),
        })
    }
}

/// Lines that are not too long.
struct Lines<R>(BufReader<R>);

impl<R: AsyncRead + Unpin> Lines<R> {
    /// The next one; `None` at the end.
    async fn next(&mut self) -> Result<Option<String>, ConnectError> {
        let mut line = Vec::new();
        let read = (&mut self.0)
            .take(MOST_BYTES)
            .read_until(b'\n', &mut line)
            .await
            .map_err(ConnectError::lost)?;
        if read == 0 {
            return Ok(None);
        }
        if read as u64 == MOST_BYTES {
            return Err(ConnectError::lost(
                "the adapter wrote a line of more than 1 MB",
            ));
        }
        Ok(Some(String::from_utf8_lossy(&line).trim_end().to_owned()))
    }
}

fn log_lines(system: String, stderr: impl AsyncRead + Unpin + Send + 'static) {
    tokio::spawn(async move {
        let mut lines = Lines(BufReader::new(stderr));
        while let Ok(Some(line)) = lines.next().await {
            tracing::info!(system, line, "the adapter says");
        }
    });
}

/// The commands that the adapter has not answered yet, by number.
type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<SetOutcome>>>>;

struct ExecSource {
    system: String,
    child: Child,
    lines: Lines<tokio::process::ChildStdout>,
    waiting: Waiting,
}

/// A line of an adapter.
#[derive(Deserialize)]
#[serde(untagged)]
enum AdapterLine {
    Outcome(AdapterOutcome),
    Event(AdapterEvent),
}

/// What became of a command.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdapterOutcome {
    done: Option<u64>,
    refused: Option<u64>,
    why: Option<String>,
    later: Option<u64>,
    seconds: Option<f64>,
}

#[async_trait]
impl ReportSource for ExecSource {
    async fn next(&mut self) -> Result<Vec<SystemReport>, ConnectError> {
        loop {
            let Some(line) = self.lines.next().await? else {
                let ended = self.child.wait().await.map_err(ConnectError::lost)?;
                return Err(ConnectError::lost(format!("the adapter ended: {ended}")));
            };
            if line.is_empty() {
                continue;
            }
            // An array would be read as the members in their order.
            let parsed = if line.starts_with('{') {
                serde_json::from_str(&line).ok()
            } else {
                None
            };
            let reports = match parsed {
                Some(AdapterLine::Event(event)) => event.reports(&self.system),
                Some(AdapterLine::Outcome(outcome)) => self.ended(outcome).map(|()| Vec::new()),
                None => Err("it is neither an event nor the end of a command".to_owned()),
            };
            match reports {
                Ok(reports) if reports.is_empty() => {}
                Ok(reports) => return Ok(reports),
                Err(why) => {
                    tracing::warn!(
                        system = self.system,
                        line,
                        why,
                        "a line of the adapter was ignored"
                    );
                }
            }
        }
    }
}

impl ExecSource {
    /// Passes on what became of a command to the one that waits for it.
    fn ended(&self, outcome: AdapterOutcome) -> Result<(), String> {
        let why = |default: &str| outcome.why.clone().unwrap_or_else(|| default.to_owned());
        let (number, outcome) = match (outcome.done, outcome.refused, outcome.later) {
            (Some(number), ..) => (number, SetOutcome::Done),
            (_, Some(number), _) => (number, SetOutcome::Refused(why("refused"))),
            (.., Some(number)) => {
                let seconds = outcome.seconds;
                let after = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                let why = why("not now");
                (number, SetOutcome::Later { after, why })
            }
            _ => return Err("it names no command".to_owned()),
        };
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reply) = waiting.remove(&number) {
            // Nobody waits any more if it took too long.
            let _ = reply.send(outcome);
        }
        Ok(())
    }
}

struct ExecSink {
    /// Lines for the adapter.
    input: mpsc::Sender<String>,
    waiting: Waiting,
}

impl ExecSink {
    async fn send(&self, line: &Value) -> Result<(), ConnectError> {
        let sent = self.input.send(format!("{line}\n")).await;
        sent.map_err(|_| ConnectError::lost("the adapter does not read commands"))
    }
}

/// Writes each line as a whole, also when nobody waits for it any more.
fn write_lines(mut stdin: ChildStdin) -> mpsc::Sender<String> {
    let (sender, mut lines) = mpsc::channel::<String>(16);
    tokio::spawn(async move {
        while let Some(line) = lines.recv().await {
            if stdin.write_all(line.as_bytes()).await.is_err() {
                return;
            }
        }
    });
    sender
}

/// Nobody waits for the end of a command any more.
struct WaitEnd<'a>(&'a Waiting, u64);

impl Drop for WaitEnd<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.remove(&self.1);
    }
}

#[async_trait]
impl CommandSink for ExecSink {
    async fn set(&self, command: &SystemCommand) -> Result<SetOutcome, ConnectError> {
        let (reply, outcome) = oneshot::channel();
        {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.insert(command.number, reply);
        }
        let _end = WaitEnd(&self.waiting, command.number);
        let line = serde_json::to_value(command).map_err(ConnectError::lost)?;
        self.send(&line).await?;
        outcome
            .await
            .map_err(|_| ConnectError::lost("the adapter has ended"))
    }
}
