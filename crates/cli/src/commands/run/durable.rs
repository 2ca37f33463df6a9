//! A run with a state: sessions and commands are recorded before the commands are written, so that none is lost.

#[cfg(unix)]
use std::sync::Arc;
#[cfg(unix)]
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use presync_stream::{BlockOutput, Position, Stream};

use super::Totals;
use super::sinks::Sinks;
use super::source::Source;
use crate::error::CommandError;
use crate::store::Store;

/// The time between two commits, unless there is much to record. An event that comes alone is committed at once.
const PAUSE: Duration = Duration::from_millis(100);

/// The bytes of events after which the pause is cut short.
const MOST_UNCOMMITTED: usize = 64 << 20;

/// Blocks that are read ahead.
const AHEAD: usize = 2;

enum RunInput {
    /// Whole lines, and the position behind them without the number of lines.
    Block(Vec<u8>, Option<Position>),
    End(Result<(), CommandError>),
    /// SIGINT or SIGTERM.
    Stop,
}

/// Reads events until they end or a signal comes; returns whether a signal came.
pub fn run(
    source: Source,
    stream: &mut Stream,
    store: &Store,
    sinks: &mut Sinks<'_>,
    totals: &mut Totals,
    bar: &ProgressBar,
) -> Result<bool, CommandError> {
    let (sender, inputs) = sync_channel(AHEAD);
    stop_on_signals(sender.clone())?;
    std::thread::spawn(move || read(source, &sender));
    let mut group = Uncommitted::default();
    let mut committed: Option<Instant> = None;
    let ended = loop {
        let input = match (group.bytes, committed) {
            (1.., Some(last)) => inputs.recv_timeout(PAUSE.saturating_sub(last.elapsed())),
            _ => inputs.recv().map_err(RecvTimeoutError::from),
        };
        match input {
            Ok(RunInput::Block(block, position)) => {
                let output = stream.block(&block);
                totals.add(&output, bar);
                group.add(&block, output, position, stream.lines());
                let pausing = committed.is_some_and(|last| last.elapsed() < PAUSE);
                if pausing && group.bytes < MOST_UNCOMMITTED {
                    continue;
                }
            }
            Ok(RunInput::End(ended)) => break ended.map(|()| false),
            Ok(RunInput::Stop) => break Ok(true),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                break Err(CommandError::Usage("reading events stopped".to_owned()));
            }
        }
        group.commit(stream, store, sinks, bar)?;
        committed = Some(Instant::now());
    };
    group.commit(stream, store, sinks, bar)?;
    // Everything is written.
    store.commit(Vec::new(), None, b"")?;
    ended
}

fn read(mut source: Source, sender: &SyncSender<RunInput>) {
    loop {
        let mut block = Vec::new();
        let input = match source.next_block(&mut block) {
            Ok(true) => RunInput::Block(block, source.position(0)),
            Ok(false) => RunInput::End(Ok(())),
            Err(error) => RunInput::End(Err(error)),
        };
        let ended = matches!(input, RunInput::End(_));
        // The run may have stopped.
        if sender.send(input).is_err() || ended {
            return;
        }
    }
}

#[cfg(unix)]
fn stop_on_signals(sender: SyncSender<RunInput>) -> Result<(), CommandError> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    // A second signal ends a run that waits for a reader.
    let stopping = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, stopping.clone())?;
        signal_hook::flag::register(signal, stopping.clone())?;
    }
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    std::thread::spawn(move || {
        for _ in signals.forever() {
            // The run may have ended.
            let _ = sender.send(RunInput::Stop);
        }
    });
    Ok(())
}

#[cfg(not(unix))]
fn stop_on_signals(_: SyncSender<RunInput>) -> Result<(), CommandError> {
    Ok(())
}

/// Blocks that are applied and not recorded yet.
#[derive(Default)]
struct Uncommitted {
    bytes: usize,
    output: BlockOutput,
    position: Option<Position>,
}

impl Uncommitted {
    fn add(&mut self, block: &[u8], output: BlockOutput, position: Option<Position>, lines: u64) {
        self.bytes += block.len();
        self.output.add(&output);
        self.position = position.map(|position| Position { lines, ..position });
    }

    /// Records the sessions and commands, then writes the commands.
    fn commit(
        &mut self,
        stream: &mut Stream,
        store: &Store,
        sinks: &mut Sinks<'_>,
        bar: &ProgressBar,
    ) -> Result<(), CommandError> {
        let group = std::mem::take(self);
        sinks.others(&group.output, bar)?;
        sinks.flush()?;
        let changed = stream.changed();
        let changed = changed.into_iter().map(|(user, session)| {
            let saved = stream.engine().save(&session);
            (user, saved)
        });
        store.commit(
            changed.collect(),
            group.position.as_ref(),
            &group.output.commands,
        )?;
        written(&group.output.commands, sinks)
    }
}

/// Writes recorded commands.
///
/// # Errors
/// They cannot be written, or nobody reads them any more. They stay in the state.
pub fn written(commands: &[u8], sinks: &Sinks<'_>) -> Result<(), CommandError> {
    sinks.commands(commands)?;
    if sinks.terminal.is_closed() {
        return Err(CommandError::Usage(
            "standard output was closed: the commands that were not read are in the state, and the next run begins with them"
                .to_owned(),
        ));
    }
    Ok(())
}
