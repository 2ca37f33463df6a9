//! In: blocks of JSON Lines. Out: the commands, rejected events and trace of each block, in line order.
//! The output does not depend on the number of threads. Errors are rejected events; the stream continues.

use presync_engine::{Rejection, Session, SessionEngine};

use crate::batch::{self, Batch};
use crate::output::BlockOutput;
use crate::parallel;
use crate::session_table::SessionTable;
use crate::worker::{ShardLines, Worker, WorkerState};

/// The number of bytes to parse before applying the events, small enough to still be in the cache.
const PIECE: usize = 1 << 15;

/// All sessions, divided so that each thread has its own users.
pub struct Stream {
    engine: SessionEngine,
    shards: Vec<SessionTable>,
    trace: bool,
    lines: u64,
}

impl Stream {
    /// `jobs`: the number of worker threads.
    pub fn new(engine: SessionEngine, jobs: usize, trace: bool) -> Self {
        let shards = (0..jobs.max(1))
            .map(|_| SessionTable::new(engine.schema()))
            .collect();
        Self {
            engine,
            shards,
            trace,
            lines: 0,
        }
    }

    pub fn engine(&self) -> &SessionEngine {
        &self.engine
    }

    /// Sets the session of a user, replacing the previous one.
    ///
    /// # Errors
    /// The stream has no room for another user.
    pub fn put(&mut self, user: &str, session: &Session) -> Result<(), Rejection> {
        let hash = batch::hash(user);
        let shard = batch::shard(hash, self.shards.len());
        let sessions = &mut self.shards[shard];
        match sessions.find(user.as_bytes(), hash) {
            Some(number) => sessions.store(number, session),
            None if sessions.is_full(user) => return Err(Rejection::TooManyUsers),
            None => sessions.add(user, hash, session),
        }
        Ok(())
    }

    pub fn session(&self, user: &str) -> Option<Session> {
        let hash = batch::hash(user);
        let sessions = &self.shards[batch::shard(hash, self.shards.len())];
        let number = sessions.find(user.as_bytes(), hash)?;
        Some(self.unpack(sessions, number))
    }

    /// All sessions with their users, sorted by user name.
    pub fn sessions(&self) -> Vec<(String, Session)> {
        let mut all: Vec<(String, Session)> = Vec::new();
        for sessions in &self.shards {
            for number in 0..sessions.len() {
                all.push((sessions.name(number), self.unpack(sessions, number)));
            }
        }
        all.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        all
    }

    /// Keeps a record of the users whose sessions change, for [`Stream::changed`].
    pub fn record_changes(&mut self) {
        for sessions in &mut self.shards {
            sessions.stored.get_or_insert_default();
        }
    }

    /// The sessions that were set since the last call, each once; nothing unless [`Stream::record_changes`] was called.
    pub fn changed(&mut self) -> Vec<(String, Session)> {
        let mut changed = Vec::new();
        for at in 0..self.shards.len() {
            let sessions = &mut self.shards[at];
            let Some(mut stored) = sessions.stored.as_mut().map(std::mem::take) else {
                continue;
            };
            stored.sort_unstable();
            stored.dedup();
            let sessions = &self.shards[at];
            let session = |number| (sessions.name(number), self.unpack(sessions, number));
            changed.extend(stored.into_iter().map(session));
        }
        changed
    }

    fn unpack(&self, sessions: &SessionTable, number: u32) -> Session {
        let mut session = self.engine.session();
        sessions.load(number, &mut session);
        session
    }

    /// The number of lines read so far, over all blocks.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Adds lines that an earlier run has read to the count.
    pub fn skip_lines(&mut self, lines: u64) {
        self.lines += lines;
    }

    /// Applies a block of whole lines, less than 4 GiB.
    pub fn block(&mut self, block: &[u8]) -> BlockOutput {
        let mut once = Some(block.to_vec());
        let mut whole = BlockOutput::default();
        let read = |into: &mut Vec<u8>| {
            let block = once.take();
            let more = block.is_some();
            *into = block.unwrap_or_default();
            Ok::<bool, std::convert::Infallible>(more)
        };
        let write = |output: &BlockOutput| {
            whole.add(output);
            Ok(())
        };
        match self.run(read, write) {
            Ok(()) => whole,
            Err(never) => match never {},
        }
    }

    /// Applies blocks until there are no more. `read` puts the next block (whole lines, less than 4
    /// GiB) into its buffer and returns whether there was one. `write` gets the output of each
    /// block, in order.
    ///
    /// # Errors
    /// An error of `read` or `write`. Blocks read before the error may have been applied.
    pub fn run<E: Send>(
        &mut self,
        mut read: impl FnMut(&mut Vec<u8>) -> Result<bool, E>,
        mut write: impl FnMut(&BlockOutput) -> Result<(), E> + Send,
    ) -> Result<(), E> {
        let mut first = self.lines == 0;
        let mut read = |block: &mut Vec<u8>| {
            let more = read(block)?;
            // Skip the byte order mark that some programs write at the start.
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
        let sessions = &mut shards[0];
        let mut block = Vec::new();
        let mut batch = Batch::new(1);
        let mut session = engine.session();
        let mut output = BlockOutput::default();
        while read(&mut block)? {
            output.clear();
            let mut rest = block.as_slice();
            while !rest.is_empty() {
                let newline = rest.iter().skip(PIECE).position(|byte| *byte == b'\n');
                let end = newline.map_or(rest.len(), |at| PIECE + at + 1);
                let (piece, behind) = rest.split_at(end.min(rest.len()));
                batch.read(piece, engine.schema());
                let part = ShardLines {
                    block: piece,
                    batch: &batch,
                    shard: 0,
                    first: *lines + 1,
                };
                let (session, output_so_far) = (&mut session, &mut output);
                worker.carry_out(
                    part,
                    &mut WorkerState {
                        sessions,
                        session,
                        output: output_so_far,
                        ends: None,
                    },
                );
                *lines += batch.lines;
                output.events += batch.events;
                rest = behind;
            }
            write(&output)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An event that decides nothing is counted, whichever part it has.
    #[test]
    fn what_only_records_is_counted_as_observed() {
        let tables = presync_engine::Tables::from_json(include_str!(
            "../../../examples/contact-centre/tables.json"
        ))
        .expect("it is one");
        let mut stream = Stream::new(SessionEngine::new(tables), 1, false);
        for part in [
            r#""role":"Agents""#,
            r#""set":{"in_queue":true}"#,
            r#""observe":{"cic":"At Lunch"}"#,
            r#""role":"Agents","set":{"in_queue":true},"observe":{"cic":"At Lunch"}"#,
        ] {
            let line = format!("{{\"user\":\"ann\",{part}}}\n");
            let output = stream.block(line.as_bytes());
            assert_eq!(output.counts.of(crate::Word::Observed), 1, "{part}");
        }
    }

    #[test]
    fn users_beyond_the_most_are_rejected_and_the_others_go_on() {
        let tables = presync_engine::Tables::from_json(include_str!(
            "../../../examples/contact-centre/tables.json"
        ))
        .expect("it is one");
        for jobs in [1, 2] {
            let mut stream = Stream::new(SessionEngine::new(tables.clone()), jobs, false);
            let session = stream.engine().session();
            // All in one shard.
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
            assert_eq!(
                (output.events, output.counts.of(crate::Word::Rejected)),
                (4, 1)
            );
            let rejects = String::from_utf8(output.rejects).expect("it is text");
            assert!(
                rejects.contains("too-many-users") && rejects.contains(&third),
                "{rejects}"
            );
            assert!(stream.session(&third).is_none() && stream.session(&first).is_some());
            assert_eq!(stream.put(&third, &session), Err(Rejection::TooManyUsers));
            assert_eq!(stream.put(&second, &session), Ok(()));
        }
    }
}
