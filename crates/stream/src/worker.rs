//! In: one shard's lines of a batch, and its users' sessions. Out: the updated sessions, and the output.

use serde::Serialize;
use serde_json::value::RawValue;

use presync_engine::{Delivery, Rejection, Session, SessionEngine};

use crate::batch::{AcceptedLine, Batch, BatchLine};
use crate::output::{BlockOutput, LineEnd, write_json, write_line};
use crate::session_table::SessionTable;
use crate::trace::{self, Traced};

/// Applies events.
#[derive(Clone, Copy)]
pub(crate) struct Worker<'e> {
    pub engine: &'e SessionEngine,
    /// The session of a new user.
    pub fresh: &'e Session,
    pub trace: bool,
}

/// The sessions that events are applied to, and the output.
pub(crate) struct WorkerState<'a> {
    pub sessions: &'a mut SessionTable,
    /// A buffer for the unpacked session.
    pub session: &'a mut Session,
    pub output: &'a mut BlockOutput,
    /// The ends of lines that produced output, if needed.
    pub ends: Option<Vec<LineEnd>>,
}

/// One shard's part of a batch.
#[derive(Clone, Copy)]
pub(crate) struct ShardLines<'b> {
    pub block: &'b [u8],
    pub batch: &'b Batch,
    pub shard: usize,
    /// The number of the batch's first line.
    pub first: u64,
}

/// The number of lines whose sessions are prefetched together, so that their memory accesses overlap.
const TOGETHER: usize = 32;

impl Worker<'_> {
    pub fn carry_out(&self, part: ShardLines<'_>, at: &mut WorkerState<'_>) {
        for lines in part.batch.shards[part.shard].chunks(TOGETHER) {
            let accepted = || lines.iter().filter_map(|line| line.content.as_ref().ok());
            let hashes = || accepted().map(|line| line.hash);
            let noted = hashes().fold(0, |all, hash| all ^ at.sessions.prefetch(hash));
            let found = hashes().fold(noted, |all, hash| all ^ at.sessions.prefetch_session(hash));
            std::hint::black_box(found);
            for line in lines {
                let before = at.output.offsets();
                self.line(part, line, at);
                let offsets = at.output.offsets();
                if let Some(ends) = &mut at.ends
                    && offsets != before
                {
                    ends.push(LineEnd {
                        line: line.number,
                        offsets,
                    });
                }
            }
        }
    }

    fn line(&self, part: ShardLines<'_>, line: &BatchLine, at: &mut WorkerState<'_>) {
        let number = part.first + u64::from(line.number);
        let text = &part.block[line.start as usize..line.end as usize];
        match &line.content {
            Ok(accepted) => {
                if let Err(rejection) = self.event(part, number, accepted, at) {
                    let user = part.batch.text(part.block, accepted.user);
                    self.reject(number, text, Some(user), &rejection, at.output);
                }
            }
            Err(rejected) => {
                let user = rejected.user.as_deref();
                self.reject(number, text, user, &rejected.rejection, at.output);
            }
        }
    }

    fn event(
        &self,
        part: ShardLines<'_>,
        number: u64,
        line: &AcceptedLine,
        at: &mut WorkerState<'_>,
    ) -> Result<(), Rejection> {
        let ShardLines { block, batch, .. } = part;
        let WorkerState {
            sessions,
            session,
            output,
            ..
        } = at;
        let name = batch.bytes(block, line.user);
        let known = sessions.find(name, line.hash);
        match known {
            Some(user) => sessions.load(user, session),
            None if sessions.is_full(batch.text(block, line.user)) => {
                return Err(Rejection::TooManyUsers);
            }
            None => session.clone_from(self.fresh),
        }
        // Add a user only after an event is accepted.
        let applied = self.engine.apply(session, &line.event)?;
        match known {
            Some(user) => sessions.store(user, session),
            None => sessions.add(batch.text(block, line.user), line.hash, session),
        }
        for decided in applied
            .decisions
            .iter()
            .filter(|decided| decided.delivery == Delivery::Sent)
        {
            output.sent += 1;
            let out = &mut output.commands;
            out.extend_from_slice(b"{\"user\":");
            if line.user.is_verbatim() {
                out.push(b'"');
                out.extend_from_slice(name);
                out.push(b'"');
            } else {
                write_json(out, batch.text(block, line.user));
            }
            out.extend_from_slice(&decided.end);
            if let Some(id) = line.id {
                out.extend_from_slice(b",\"cause\":");
                out.extend_from_slice(batch.bytes(block, id));
            }
            if let Some(at) = line.at {
                out.extend_from_slice(b",\"at\":");
                out.extend_from_slice(batch.bytes(block, at));
            }
            out.extend_from_slice(b"}\n");
        }
        trace::count(&mut output.counts, &line.event, &applied);
        if self.trace {
            let traced = Traced {
                line: number,
                user: batch.text(block, line.user),
                id: line.id.map(|id| batch.text(block, id)),
                event: &line.event,
            };
            trace::carried_out(&mut output.trace, self.engine, &traced, &applied);
        }
        Ok(())
    }

    fn reject(
        &self,
        number: u64,
        line: &[u8],
        user: Option<&str>,
        rejection: &Rejection,
        output: &mut BlockOutput,
    ) {
        output.counts.reject(rejection.code());
        // A raw value can still be what other parsers refuse: half of a surrogate pair, a very deep array.
        let readable = serde_json::from_slice::<serde_json::Value>(line).is_ok();
        let event = match serde_json::from_slice::<&RawValue>(line) {
            Ok(json) if readable => Original::Json(json),
            _ => Original::Text(String::from_utf8_lossy(line).into_owned()),
        };
        let message = rejection.to_string();
        let reject = RejectLine {
            line: number,
            error: rejection.code(),
            message,
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
    message: String,
    event: Original<'a>,
}

/// The original event: as JSON if it is valid, else as text.
#[derive(Serialize)]
#[serde(untagged)]
enum Original<'a> {
    Json(&'a RawValue),
    Text(String),
}
