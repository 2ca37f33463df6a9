//! In: blocks of JSON Lines. Out: for each block the commands, the rejected events and the trace, in the order of the
//! lines whatever the number of threads. Errors are rejected events: the stream goes on.

use std::hash::BuildHasher;

use compact_str::CompactString;
use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::run::event::{Event, RawEvent, Rejection};
use crate::run::session::{Decided, Engine, Happened, Session, Verdict};
use crate::table::Outcome;

/// Everyone's sessions, split so that each thread has its own users.
pub struct Stream<'t> {
    pub engine: Engine<'t>,
    shards: Vec<IndexMap<CompactString, Session, FxBuildHasher>>,
    trace: bool,
    lines: u64,
}

/// What a block came to.
#[derive(Debug, Default)]
pub struct Output {
    pub commands: Vec<u8>,
    pub rejects: Vec<u8>,
    pub trace: Vec<u8>,
    pub events: u64,
    pub sent: u64,
    pub rejected: u64,
}

/// The ends of what a line has added to the three outputs.
struct Mark {
    line: usize,
    commands: usize,
    rejects: usize,
    trace: usize,
}

#[derive(Serialize)]
struct RejectLine<'a> {
    line: u64,
    error: &'a str,
    message: &'a str,
    event: Original<'a>,
}

/// The event as it came: as JSON where it is, else as a text.
#[derive(Serialize)]
#[serde(untagged)]
enum Original<'a> {
    Json(&'a RawValue),
    Text(String),
}

#[derive(Serialize)]
struct TraceLine<'a> {
    line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Box<RawValue>>,
    result: &'a str,
    why: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    decisions: Vec<TraceDecision<'a>>,
}

#[derive(Serialize)]
struct TraceDecision<'a> {
    to: &'a str,
    result: &'a str,
    state: Option<&'a str>,
    append: &'a [String],
    profile: &'a Option<String>,
    rule: &'a Option<String>,
}

impl<'t> Stream<'t> {
    /// `jobs`: how many threads work on a block.
    pub fn new(engine: Engine<'t>, jobs: usize, trace: bool) -> Self {
        let shards = (0..jobs.max(1)).map(|_| IndexMap::default()).collect();
        Self { engine, shards, trace, lines: 0 }
    }

    /// Gives a user a session, in place of the one there may be.
    pub fn put(&mut self, user: &str, session: Session) {
        let shard = shard(user, self.shards.len());
        self.shards[shard].insert(user.into(), session);
    }

    pub fn session(&self, user: &str) -> Option<&Session> {
        self.shards[shard(user, self.shards.len())].get(user)
    }

    /// All sessions, by the users' names.
    pub fn sessions(&self) -> Vec<(&str, &Session)> {
        let mut all: Vec<(&str, &Session)> =
            self.shards.iter().flatten().map(|(user, session)| (user.as_str(), session)).collect();
        all.sort_unstable_by_key(|(user, _)| *user);
        all
    }

    /// The number of lines that have been read, over all blocks.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Counts lines that an earlier run has read.
    pub fn skip_lines(&mut self, lines: u64) {
        self.lines += lines;
    }

    /// Carries out a block of whole lines.
    pub fn block(&mut self, block: &[u8]) -> Output {
        let marked = block.strip_prefix("\u{feff}".as_bytes()).filter(|_| self.lines == 0);
        let block = marked.unwrap_or(block);
        let lines: Vec<&[u8]> = block.strip_suffix(b"\n").unwrap_or(block).split(|byte| *byte == b'\n').collect();
        let first = self.lines + 1;
        if !block.is_empty() {
            self.lines += lines.len() as u64;
        }
        if let [shard] = self.shards.as_mut_slice() {
            let mut worker = Worker { engine: &self.engine, trace: self.trace, output: Output::default(), marks: None };
            for (at, line) in lines.iter().enumerate() {
                worker.line(first, at, line, RawEvent::parse, shard);
            }
            return worker.output;
        }
        self.parallel(first, &lines)
    }

    /// Parses pieces of the block side by side, then lets each thread carry out the events of its users.
    fn parallel(&mut self, first: u64, lines: &[&[u8]]) -> Output {
        let jobs = self.shards.len();
        let piece = lines.len().div_ceil(jobs).max(1);
        let parsed: Vec<Result<RawEvent<'_>, Rejection>> = std::thread::scope(|scope| {
            let pieces: Vec<_> = lines
                .chunks(piece)
                .map(|piece| {
                    scope.spawn(move || piece.iter().map(|line| RawEvent::parse(trim(line))).collect::<Vec<_>>())
                })
                .collect();
            pieces
                .into_iter()
                .flat_map(|piece| piece.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        let (engine, trace, parsed) = (&self.engine, self.trace, &parsed);
        let parts: Vec<(Output, Vec<Mark>)> = std::thread::scope(|scope| {
            let workers: Vec<_> = self
                .shards
                .iter_mut()
                .enumerate()
                .map(|(own, shard_of)| {
                    scope.spawn(move || {
                        let mut worker = Worker { engine, trace, output: Output::default(), marks: Some(Vec::new()) };
                        for (at, event) in parsed.iter().enumerate() {
                            let of = event.as_ref().map_or(at % jobs, |event| shard(&event.user, jobs));
                            if of == own {
                                worker.line(first, at, lines[at], |_| event.as_ref().map_err(Clone::clone), shard_of);
                            }
                        }
                        (worker.output, worker.marks.unwrap_or_default())
                    })
                })
                .collect();
            workers
                .into_iter()
                .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        merge(lines.len(), parts)
    }
}

fn shard(user: &str, shards: usize) -> usize {
    // The upper bits: the lower ones choose the place within the shard's map.
    (FxBuildHasher.hash_one(user) >> 32) as usize % shards
}

fn trim(line: &[u8]) -> &[u8] {
    line.trim_ascii()
}

/// Puts the parts of several threads into the order of the lines.
fn merge(lines: usize, parts: Vec<(Output, Vec<Mark>)>) -> Output {
    let mut whole = Output::default();
    let mut order: Vec<(usize, usize)> = vec![(usize::MAX, 0); lines];
    for (part, (output, marks)) in parts.iter().enumerate() {
        whole.events += output.events;
        whole.sent += output.sent;
        whole.rejected += output.rejected;
        for (at, mark) in marks.iter().enumerate() {
            order[mark.line] = (part, at);
        }
    }
    for (part, at) in order {
        let Some((output, marks)) = parts.get(part) else { continue };
        let end = &marks[at];
        let start = at.checked_sub(1).map(|before| &marks[before]);
        let from = |of: fn(&Mark) -> usize| start.map_or(0, of);
        whole.commands.extend_from_slice(&output.commands[from(|mark| mark.commands)..end.commands]);
        whole.rejects.extend_from_slice(&output.rejects[from(|mark| mark.rejects)..end.rejects]);
        whole.trace.extend_from_slice(&output.trace[from(|mark| mark.trace)..end.trace]);
    }
    whole
}

struct Worker<'e, 't> {
    engine: &'e Engine<'t>,
    trace: bool,
    output: Output,
    marks: Option<Vec<Mark>>,
}

type Shard = IndexMap<CompactString, Session, FxBuildHasher>;

impl<'t> Worker<'_, 't> {
    fn line<'a, E: std::borrow::Borrow<RawEvent<'a>>>(
        &mut self,
        first: u64,
        at: usize,
        line: &'a [u8],
        parse: impl FnOnce(&'a [u8]) -> Result<E, Rejection>,
        sessions: &mut Shard,
    ) {
        let line = trim(line);
        if !line.is_empty() {
            self.output.events += 1;
            let number = first + at as u64;
            match parse(line) {
                Ok(raw) => {
                    if let Err(rejection) = self.event(number, raw.borrow(), sessions) {
                        self.reject(number, line, Some(&raw.borrow().user), &rejection);
                    }
                }
                Err(rejection) => self.reject(number, line, None, &rejection),
            }
        }
        if let Some(marks) = &mut self.marks {
            let (commands, rejects, trace) =
                (self.output.commands.len(), self.output.rejects.len(), self.output.trace.len());
            marks.push(Mark { line: at, commands, rejects, trace });
        }
    }

    fn event(&mut self, number: u64, raw: &RawEvent<'_>, sessions: &mut Shard) -> Result<(), Rejection> {
        let event = raw.resolve(self.engine.tables)?;
        let user: &str = &raw.user;
        // A user is entered only once an event has been accepted.
        let (happened, decided) = match sessions.get_mut(user) {
            Some(session) => self.engine.apply(session, &event)?,
            None => {
                let mut session = self.engine.session();
                let done = self.engine.apply(&mut session, &event)?;
                sessions.insert(user.into(), session);
                done
            }
        };
        for decided in decided.iter().filter(|decided| decided.verdict == Verdict::Sent) {
            self.command(user, raw, decided);
        }
        if self.trace {
            self.trace_event(number, raw, &event, happened, &decided);
        }
        Ok(())
    }

    fn command(&mut self, user: &str, raw: &RawEvent<'_>, decided: &Decided<'t>) {
        let out = &mut self.output.commands;
        out.extend_from_slice(b"{\"user\":");
        write_json(out, user);
        out.extend_from_slice(self.engine.end_of_command(decided.decision));
        if let Some(id) = raw.id {
            out.extend_from_slice(b",\"cause\":");
            out.extend_from_slice(id.as_bytes());
        }
        if let Some(at) = &raw.at {
            out.extend_from_slice(b",\"at\":");
            write_json(out, at);
        }
        out.extend_from_slice(b"}\n");
        self.output.sent += 1;
    }

    fn reject(&mut self, number: u64, line: &[u8], user: Option<&str>, rejection: &Rejection) {
        self.output.rejected += 1;
        let event = match serde_json::from_slice::<&RawValue>(line) {
            Ok(json) => Original::Json(json),
            Err(_) => Original::Text(String::from_utf8_lossy(line).into_owned()),
        };
        write_line(
            &mut self.output.rejects,
            &RejectLine { line: number, error: rejection.code, message: &rejection.message, event },
        );
        if self.trace {
            let why = format!("{}: {}", rejection.code, rejection.message);
            write_line(
                &mut self.output.trace,
                &TraceLine { line: number, user, id: None, result: "rejected", why, decisions: Vec::new() },
            );
        }
    }

    fn trace_event(
        &mut self,
        number: u64,
        raw: &RawEvent<'_>,
        event: &Event,
        happened: Happened,
        decided: &[Decided<'t>],
    ) {
        let tables = self.engine.tables;
        let (result, why) = explain(self.engine, event, happened, decided);
        let decisions = decided
            .iter()
            .map(|decided| {
                let (state, append) = match &decided.decision.outcome {
                    Outcome::Set { state, append } => {
                        (Some(tables.systems[decided.to].states[*state as usize].name.as_str()), &**append)
                    }
                    _ => (None, &[] as &[String]),
                };
                let to = tables.systems[decided.to].name.as_str();
                let (profile, rule) = (&decided.decision.profile, &decided.decision.rule);
                TraceDecision { to, result: name(decided.verdict), state, append, profile, rule }
            })
            .collect();
        let id = raw.id.and_then(|id| RawValue::from_string(id.to_owned()).ok());
        write_line(
            &mut self.output.trace,
            &TraceLine { line: number, user: Some(&raw.user), id, result, why, decisions },
        );
    }
}

fn name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Sent => "sent",
        Verdict::Same => "same",
        Verdict::Unchanged => "unchanged",
        Verdict::Unmapped => "unmapped",
    }
}

/// The one word for an event, and the sentence.
fn explain(engine: &Engine<'_>, event: &Event, happened: Happened, decided: &[Decided<'_>]) -> (&'static str, String) {
    let tables = engine.tables;
    let state = |(system, state): (usize, u32)| {
        let system = &tables.systems[system];
        format!("{} `{}`", system.name, system.states[state as usize].name)
    };
    let order = [Verdict::Sent, Verdict::Same, Verdict::Unchanged, Verdict::Unmapped];
    let strongest = order.into_iter().find(|verdict| decided.iter().any(|decided| decided.verdict == *verdict));
    match (happened, strongest) {
        (_, Some(verdict)) => {
            let systems = |wanted: Verdict| {
                let names: Vec<&str> = decided
                    .iter()
                    .filter(|decided| decided.verdict == wanted)
                    .map(|decided| tables.systems[decided.to].name.as_str())
                    .collect();
                let mut names = names;
                names.dedup();
                let verb = if names.len() == 1 { "is" } else { "are" };
                (names.join(" and "), verb)
            };
            let (names, verb) = systems(verdict);
            let why = match verdict {
                Verdict::Sent => format!("{names} {verb} to follow"),
                Verdict::Same => format!("the outcome is shown by {names} already"),
                Verdict::Unchanged => format!("a rule leaves {names} unchanged"),
                Verdict::Unmapped => format!("no profile maps this for {names}"),
            };
            (name(verdict), why)
        }
        (Happened::Echo, None) => ("echo", format!("{} is what we sent", event.change.map(state).unwrap_or_default())),
        (Happened::Same, None) => {
            ("same", format!("{} was known already", event.change.map(state).unwrap_or_default()))
        }
        (Happened::Unknown, None) => ("unmapped", "the state to decide again is not known".to_owned()),
        (Happened::Recorded, None) => ("recorded", "nothing to decide".to_owned()),
    }
}

fn write_json(out: &mut Vec<u8>, text: &str) {
    // Writing a string into memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

fn write_line(out: &mut Vec<u8>, line: &impl Serialize) {
    // Writing JSON of plain strings into memory cannot fail.
    let _ = serde_json::to_writer(&mut *out, line);
    out.push(b'\n');
}
