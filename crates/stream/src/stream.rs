//! In: blocks of JSON Lines. Out: for each block the commands, the rejected events and the trace, in the order of the
//! lines whatever the number of threads. Errors are rejected events: the stream goes on.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::batch::{self, Batch, Line, Said};
use crate::session_table::Users;
use crate::{parallel, trace};
use presync_engine::event::Rejection;
use presync_engine::session::{Engine, Session, Verdict};

/// So much of a block is read before it is carried out, so that what was read is still in the cache.
const PIECE: usize = 1 << 15;

/// Everyone's sessions, split so that each thread has its own users.
pub struct Stream<'t> {
    pub engine: Engine<'t>,
    shards: Vec<Users>,
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

impl<'t> Stream<'t> {
    /// `jobs`: how many threads work on it.
    pub fn new(engine: Engine<'t>, jobs: usize, trace: bool) -> Self {
        let shards = (0..jobs.max(1))
            .map(|_| Users::new(engine.tables))
            .collect();
        Self {
            engine,
            shards,
            trace,
            lines: 0,
        }
    }

    /// Gives a user a session, in place of the one there may be.
    ///
    /// # Errors
    /// There is no room for the session of another user.
    pub fn put(&mut self, user: &str, session: &Session) -> Result<(), Rejection> {
        let hash = batch::hash(user);
        let shard = batch::shard(hash, self.shards.len());
        let users = &mut self.shards[shard];
        match users.find(user.as_bytes(), hash) {
            Some(number) => users.store(number, session),
            None if users.is_full(user) => return Err(full()),
            None => users.add(user, hash, session),
        }
        Ok(())
    }

    pub fn session(&self, user: &str) -> Option<Session> {
        let hash = batch::hash(user);
        let users = &self.shards[batch::shard(hash, self.shards.len())];
        users
            .find(user.as_bytes(), hash)
            .map(|number| self.unpack(users, number))
    }

    /// All sessions, by the users' names.
    pub fn sessions(&self) -> Vec<(String, Session)> {
        let mut all: Vec<(String, Session)> = Vec::new();
        for users in &self.shards {
            for number in 0..users.len() {
                all.push((users.name(number), self.unpack(users, number)));
            }
        }
        all.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        all
    }

    fn unpack(&self, users: &Users, number: u32) -> Session {
        let mut session = self.engine.session();
        users.load(number, &mut session);
        session
    }

    /// The number of lines that have been read, over all blocks.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Counts lines that an earlier run has read.
    pub fn skip_lines(&mut self, lines: u64) {
        self.lines += lines;
    }

    /// Carries out a block of whole lines, less than 4 GiB of them.
    pub fn block(&mut self, block: &[u8]) -> Output {
        let mut once = Some(block.to_vec());
        let mut whole = Output::default();
        let read = |into: &mut Vec<u8>| {
            let block = once.take();
            let more = block.is_some();
            *into = block.unwrap_or_default();
            Ok::<bool, std::convert::Infallible>(more)
        };
        let write = |output: &Output| {
            whole.add(output);
            Ok(())
        };
        match self.run(read, write) {
            Ok(()) => whole,
            Err(never) => match never {},
        }
    }

    /// Carries out block after block. `read` puts the next one, whole lines and less than 4 GiB, into what it is given
    /// and says whether there was one; `write` gets what each came to, in order.
    ///
    /// # Errors
    /// What `read` or `write` says; blocks that were read by then may have been carried out.
    pub fn run<E: Send>(
        &mut self,
        mut read: impl FnMut(&mut Vec<u8>) -> Result<bool, E>,
        mut write: impl FnMut(&Output) -> Result<(), E> + Send,
    ) -> Result<(), E> {
        let mut first = self.lines == 0;
        let mut read = |block: &mut Vec<u8>| {
            let more = read(block)?;
            // A byte order mark, as some programs put before everything that they write.
            if std::mem::take(&mut first) && block.starts_with("\u{feff}".as_bytes()) {
                block.drain(.."\u{feff}".len());
            }
            Ok(more)
        };
        let Self {
            engine,
            shards,
            trace,
            lines,
        } = self;
        let fresh = engine.session();
        let worker = Worker {
            engine,
            fresh: &fresh,
            trace: *trace,
        };
        if shards.len() > 1 {
            return parallel::run(worker, shards, lines, read, write);
        }
        let users = &mut shards[0];
        let mut block = Vec::new();
        let mut batch = Batch::new(1);
        let mut session = engine.session();
        let mut output = Output::default();
        while read(&mut block)? {
            output.clear();
            let mut rest = block.as_slice();
            while !rest.is_empty() {
                let end = rest
                    .iter()
                    .skip(PIECE)
                    .position(|byte| *byte == b'\n')
                    .map_or(rest.len(), |at| PIECE + at + 1);
                let (piece, behind) = rest.split_at(end.min(rest.len()));
                batch.read(piece, engine.tables);
                let mut desk = Desk {
                    users,
                    session: &mut session,
                    output: &mut output,
                    marks: None,
                };
                worker.carry_out((piece, &batch), (0, *lines + 1), &mut desk);
                *lines += batch.lines;
                output.events += batch.events;
                rest = behind;
            }
            write(&output)?;
        }
        Ok(())
    }
}

impl Output {
    /// How much is in the three of them.
    fn ends(&self) -> (usize, usize, usize) {
        (self.commands.len(), self.rejects.len(), self.trace.len())
    }

    fn clear(&mut self) {
        let Self {
            commands,
            rejects,
            trace,
            events,
            sent,
            rejected,
        } = self;
        [commands, rejects, trace].into_iter().for_each(Vec::clear);
        [events, sent, rejected]
            .into_iter()
            .for_each(|count| *count = 0);
    }

    fn add(&mut self, other: &Self) {
        self.commands.extend_from_slice(&other.commands);
        self.rejects.extend_from_slice(&other.rejects);
        self.trace.extend_from_slice(&other.trace);
        self.events += other.events;
        self.sent += other.sent;
        self.rejected += other.rejected;
    }
}

/// The ends of what a line has added to the three outputs.
pub(super) struct Mark {
    pub line: u32,
    pub commands: usize,
    pub rejects: usize,
    pub trace: usize,
}

/// What events are carried out on, and where their results go.
pub(super) struct Desk<'a> {
    pub users: &'a mut Users,
    /// Where a session is unpacked.
    pub session: &'a mut Session,
    pub output: &'a mut Output,
    /// Lines that have put something out leave a mark, where anybody wants to know.
    pub marks: Option<Vec<Mark>>,
}

/// What carries events out.
#[derive(Clone, Copy)]
pub(super) struct Worker<'e, 't> {
    pub engine: &'e Engine<'t>,
    /// The session of somebody who was not there before.
    pub fresh: &'e Session,
    pub trace: bool,
}

/// The sessions of so many lines are looked at together: they do not wait for each other to come from memory.
const TOGETHER: usize = 32;

impl<'t> Worker<'_, 't> {
    /// Carries out one shard's lines of a batch; `first` is the number of its first line.
    pub fn carry_out(
        &self,
        (block, batch): (&[u8], &Batch),
        (shard, first): (usize, u64),
        at: &mut Desk<'_>,
    ) {
        for lines in batch.shards[shard].chunks(TOGETHER) {
            let hashes = || {
                lines
                    .iter()
                    .filter_map(|line| line.said.as_ref().ok())
                    .map(|said| said.hash)
            };
            let noted = hashes().fold(0, |all, hash| all ^ at.users.touch(hash));
            let sessions = hashes().fold(noted, |all, hash| all ^ at.users.touch_session(hash));
            std::hint::black_box(sessions);
            for line in lines {
                let before = at.output.ends();
                self.line((block, batch), first, line, at);
                let (commands, rejects, trace) = at.output.ends();
                if let Some(marks) = &mut at.marks
                    && (commands, rejects, trace) != before
                {
                    marks.push(Mark {
                        line: line.number,
                        commands,
                        rejects,
                        trace,
                    });
                }
            }
        }
    }

    fn line(&self, (block, batch): (&[u8], &Batch), first: u64, line: &Line, at: &mut Desk<'_>) {
        let number = first + u64::from(line.number);
        let text = &block[line.start as usize..line.end as usize];
        match &line.said {
            Ok(said) => {
                if let Err(rejection) = self.event((block, batch), number, said, at) {
                    let user = batch.text(block, said.user);
                    self.reject(number, text, Some(user), &rejection, at.output);
                }
            }
            Err(refused) => self.reject(
                number,
                text,
                refused.user.as_deref(),
                &refused.rejection,
                at.output,
            ),
        }
    }

    fn event(
        &self,
        (block, batch): (&[u8], &Batch),
        number: u64,
        said: &Said,
        at: &mut Desk<'_>,
    ) -> Result<(), Rejection> {
        let Desk {
            users,
            session,
            output,
            ..
        } = at;
        let name = batch.bytes(block, said.user);
        let known = users.find(name, said.hash);
        match known {
            Some(user) => users.load(user, session),
            None if users.is_full(batch.text(block, said.user)) => {
                return Err(full());
            }
            None => session.clone_from(self.fresh),
        }
        // A user is entered only once an event has been accepted.
        let (happened, decided) = self.engine.apply(session, &said.event)?;
        match known {
            Some(user) => users.store(user, session),
            None => users.add(batch.text(block, said.user), said.hash, session),
        }
        for decided in decided
            .iter()
            .filter(|decided| decided.verdict == Verdict::Sent)
        {
            output.sent += 1;
            let out = &mut output.commands;
            out.extend_from_slice(b"{\"user\":");
            if said.user.is_verbatim() {
                out.push(b'"');
                out.extend_from_slice(name);
                out.push(b'"');
            } else {
                write_json(out, batch.text(block, said.user));
            }
            out.extend_from_slice(self.engine.end_of_command(decided));
            if let Some(id) = said.id {
                out.extend_from_slice(b",\"cause\":");
                out.extend_from_slice(batch.bytes(block, id));
            }
            if let Some(at) = said.at {
                out.extend_from_slice(b",\"at\":");
                out.extend_from_slice(batch.bytes(block, at));
            }
            out.extend_from_slice(b"}\n");
        }
        if self.trace {
            let about = (
                batch.text(block, said.user),
                said.id.map(|id| batch.text(block, id)),
            );
            trace::carried_out(
                &mut output.trace,
                self.engine,
                number,
                about,
                &said.event,
                (happened, &decided),
            );
        }
        Ok(())
    }

    fn reject(
        &self,
        number: u64,
        line: &[u8],
        user: Option<&str>,
        rejection: &Rejection,
        output: &mut Output,
    ) {
        output.rejected += 1;
        let event = match serde_json::from_slice::<&RawValue>(line) {
            Ok(json) => Original::Json(json),
            Err(_) => Original::Text(String::from_utf8_lossy(line).into_owned()),
        };
        let reject = RejectLine {
            line: number,
            error: rejection.code,
            message: &rejection.message,
            event,
        };
        write_line(&mut output.rejects, &reject);
        if self.trace {
            trace::rejected(&mut output.trace, number, user, rejection);
        }
    }
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

fn write_json(out: &mut Vec<u8>, text: &str) {
    // Writing a string into memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

pub(super) fn write_line(out: &mut Vec<u8>, line: &impl Serialize) {
    // Writing JSON of plain strings into memory cannot fail.
    let _ = serde_json::to_writer(&mut *out, line);
    out.push(b'\n');
}

fn full() -> Rejection {
    Rejection::new(
        "too-many-users",
        "there is no room for the session of another user",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use presync_engine::table::Tables;

    #[test]
    fn users_beyond_the_most_are_rejected_and_the_others_go_on() {
        let tables =
            Tables::from_json(include_str!("../../../examples/contact-centre/tables.json"))
                .expect("it is one");
        for jobs in [1, 2] {
            let mut stream = Stream::new(Engine::new(&tables, 60), jobs, false);
            let session = stream.engine.session();
            // All of one shard.
            let mut names = (0..)
                .map(|at| format!("user{at}"))
                .filter(|name| batch::shard(batch::hash(name), jobs) == 0);
            let [first, second, third] = [(); 3].map(|()| names.next().expect("there are more"));
            stream.shards[0].most = 2;
            let line = |user: &str| {
                format!(
                    "{{\"user\":\"{user}\",\"role\":\"Agents\",\"set\":{{\"user_type\":\"im\"}}}}\n"
                )
            };
            let block: String = [&first, &second, &third, &first]
                .map(|user| line(user))
                .concat();
            let output = stream.block(block.as_bytes());
            assert_eq!((output.events, output.rejected), (4, 1));
            let rejects = String::from_utf8(output.rejects).expect("it is text");
            assert!(
                rejects.contains("too-many-users") && rejects.contains(&third),
                "{rejects}"
            );
            assert!(stream.session(&third).is_none() && stream.session(&first).is_some());
            assert_eq!(stream.put(&third, &session), Err(full()));
            assert_eq!(stream.put(&second, &session), Ok(()));
        }
    }
}
