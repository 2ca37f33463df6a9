//! In: blocks in sequence. Out: the output of each block, in the order of blocks and lines.
//! Each worker thread has its own users. It applies their events of the next block as soon as that block is parsed,
//! and otherwise parses a waiting block. A separate thread merges the parts and writes them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use crate::batch::Batch;
use crate::output::{BlockOutput, LineEnd, Offsets};
use crate::session_table::SessionTable;
use crate::worker::{ShardLines, Worker, WorkerState};

/// A block and its parsed lines.
type ReadChunk = (Vec<u8>, Batch);

/// The output of one shard for a block.
type ChunkPart = (BlockOutput, Vec<LineEnd>);

/// The blocks in progress.
struct Work {
    /// Not parsed yet, with their numbers.
    waiting: VecDeque<(u64, Vec<u8>)>,
    /// Parsed, by number, with the number of their first line once known.
    read: BTreeMap<u64, (Arc<ReadChunk>, Option<u64>)>,
    /// Output by block number and shard.
    parts: BTreeMap<u64, Vec<Option<ChunkPart>>>,
    /// The last block whose first line is known, and the number of that line.
    counted: (u64, u64),
    written: u64,
    /// The total number of blocks, once known.
    total: Option<u64>,
    stopped: bool,
}

struct Shared {
    work: Mutex<Work>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Work> {
        // Ignore poisoning: a panic is propagated when its thread is joined.
        self.work
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn wait<'w>(&self, work: MutexGuard<'w, Work>) -> MutexGuard<'w, Work> {
        self.changed
            .wait(work)
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }
}

/// Stops the other threads when one panics.
struct StopOnPanic<'s>(&'s Shared);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
    }
}

/// See [`crate::Stream::run`].
pub(super) fn run<E: Send>(
    worker: Worker<'_>,
    shards: &mut [SessionTable],
    lines: &mut u64,
    mut read: impl FnMut(&mut Vec<u8>) -> Result<bool, E>,
    mut write: impl FnMut(&BlockOutput) -> Result<(), E> + Send,
) -> Result<(), E> {
    let count = shards.len();
    let most = count as u64 * 2 + 2;
    let work = Work {
        waiting: VecDeque::new(),
        read: BTreeMap::new(),
        parts: BTreeMap::new(),
        counted: (0, *lines + 1),
        written: 0,
        total: None,
        stopped: false,
    };
    let shared = Shared {
        work: Mutex::new(work),
        changed: Condvar::new(),
    };
    let result = std::thread::scope(|scope| {
        for (shard, users) in shards.iter_mut().enumerate() {
            let shared = &shared;
            scope.spawn(move || work_on(worker, shared, (shard, count), users));
        }
        let writer = scope.spawn(|| {
            let _guard = StopOnPanic(&shared);
            let written = write_all(&shared, count, &mut write);
            if written.is_err() {
                shared.stop();
            }
            written
        });
        let _guard = StopOnPanic(&shared);
        let reading = read_all(&shared, most, &mut read);
        let writing = writer
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        reading.and(writing)
    });
    *lines = shared.lock().counted.1 - 1;
    result
}

fn read_all<E>(
    shared: &Shared,
    most: u64,
    read: &mut impl FnMut(&mut Vec<u8>) -> Result<bool, E>,
) -> Result<(), E> {
    let mut number = 0;
    loop {
        let mut block = Vec::new();
        // Blocks read before are still completed, even if reading fails.
        let more = read(&mut block);
        let mut work = shared.lock();
        if !matches!(more, Ok(true)) {
            work.total = Some(number);
            shared.changed.notify_all();
            return more.map(|_| ());
        }
        while number - work.written >= most && !work.stopped {
            work = shared.wait(work);
        }
        if work.stopped {
            return Ok(());
        }
        work.waiting.push_back((number, block));
        number += 1;
        shared.changed.notify_all();
    }
}

fn work_on(
    worker: Worker<'_>,
    shared: &Shared,
    (shard, shards): (usize, usize),
    users: &mut SessionTable,
) {
    let _guard = StopOnPanic(shared);
    let mut session = worker.engine.session();
    let mut next = 0;
    let mut work = shared.lock();
    loop {
        if work.stopped || work.total == Some(next) {
            return;
        }
        if let Some((read, Some(first))) = work.read.get(&next) {
            let (read, first) = (read.clone(), *first);
            drop(work);
            let mut output = BlockOutput::default();
            let mut state = WorkerState {
                sessions: &mut *users,
                session: &mut session,
                output: &mut output,
                ends: Some(Vec::new()),
            };
            let part = ShardLines {
                block: &read.0,
                batch: &read.1,
                shard,
                first,
            };
            worker.carry_out(part, &mut state);
            let ends = state.ends.unwrap_or_default();
            drop(read);
            work = shared.lock();
            let parts = work
                .parts
                .entry(next)
                .or_insert_with(|| (0..shards).map(|_| None).collect());
            parts[shard] = Some((output, ends));
            if parts.iter().all(Option::is_some) {
                shared.changed.notify_all();
            }
            next += 1;
        } else if let Some((number, block)) = work.waiting.pop_front() {
            drop(work);
            let mut batch = Batch::new(shards);
            batch.read(&block, worker.engine.schema());
            let batch = Arc::new((block, batch));
            work = shared.lock();
            work.read.insert(number, (batch, None));
            work.count();
            shared.changed.notify_all();
        } else {
            work = shared.wait(work);
        }
    }
}

impl Work {
    /// Numbers the lines of parsed blocks, up to the first block that is not parsed yet.
    fn count(&mut self) {
        let (mut number, mut line) = self.counted;
        while let Some((batch, first)) = self.read.get_mut(&number) {
            *first = Some(line);
            line += batch.1.lines;
            number += 1;
        }
        self.counted = (number, line);
    }
}

fn write_all<E>(
    shared: &Shared,
    shards: usize,
    write: &mut impl FnMut(&BlockOutput) -> Result<(), E>,
) -> Result<(), E> {
    let mut work = shared.lock();
    loop {
        let number = work.written;
        if work.stopped || work.total == Some(number) {
            return Ok(());
        }
        let done = work
            .parts
            .get(&number)
            .is_some_and(|parts| parts.iter().all(Option::is_some));
        if !done {
            work = shared.wait(work);
            continue;
        }
        let parts: Vec<ChunkPart> = work
            .parts
            .remove(&number)
            .into_iter()
            .flatten()
            .flatten()
            .collect();
        debug_assert_eq!(parts.len(), shards, "every shard has had the block");
        let batch = work.read.remove(&number);
        drop(work);
        let mut output = merge(parts);
        output.events = batch.map_or(0, |(batch, _)| batch.1.events);
        write(&output)?;
        work = shared.lock();
        work.written += 1;
        shared.changed.notify_all();
    }
}

/// Merges the parts of several shards in line order.
fn merge(parts: Vec<ChunkPart>) -> BlockOutput {
    let mut whole = BlockOutput::default();
    let mut order: Vec<(u32, usize, usize)> = Vec::new();
    for (part, (output, ends)) in parts.iter().enumerate() {
        whole.sent += output.sent;
        whole.counts.add(&output.counts);
        order.extend(
            ends.iter()
                .enumerate()
                .map(|(at, end)| (end.line, part, at)),
        );
    }
    // Each part is already sorted, which this sort exploits.
    order.sort();
    whole
        .commands
        .reserve(parts.iter().map(|(output, _)| output.commands.len()).sum());
    for (_, part, at) in order {
        let (output, ends) = &parts[part];
        let to = ends[at].offsets;
        let from = at
            .checked_sub(1)
            .map_or(Offsets::default(), |before| ends[before].offsets);
        whole
            .commands
            .extend_from_slice(&output.commands[from.commands..to.commands]);
        whole
            .rejects
            .extend_from_slice(&output.rejects[from.rejects..to.rejects]);
        whole
            .trace
            .extend_from_slice(&output.trace[from.trace..to.trace]);
    }
    whole
}
