//! The thread that owns the [`Core`], and the handle through which others give it work.
//! What waits together becomes one transaction. A queue that is full refuses work at once, instead of growing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use presync_engine::Tables;
use tokio::sync::{mpsc, oneshot, watch};

use crate::core::{Core, EventAnswer};
use crate::record::{NumberedCommand, UserRecord};
use crate::store::{RecordStore, StoreError};

/// The number of requests that may wait.
const QUEUE: usize = 1_024;

/// The number of events that become one transaction, at most.
const BATCH: usize = 4_096;

/// Reads the time; given from outside, so that tests have their own.
pub type Now = fn() -> jiff::Timestamp;

/// Too much work waits: try again later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too much work waits: try again in a moment")]
pub struct Busy;

/// Why work was not done.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WorkError {
    #[error(transparent)]
    Busy(#[from] Busy),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the service is ending")]
    Ending,
}

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

enum CoreWork {
    Events(Vec<String>, Reply<Vec<EventAnswer>>),
    Acknowledge {
        user: String,
        number: u64,
        reply: Reply<bool>,
    },
    Forget(String, Reply<bool>),
    User(String, Reply<Option<UserRecord>>),
    CommandsAfter {
        number: u64,
        most: usize,
        reply: Reply<Vec<NumberedCommand>>,
    },
    Waiting(usize, Reply<Vec<NumberedCommand>>),
    Swap(Tables, oneshot::Sender<()>),
}

/// Gives work to the core. Clones share it.
#[derive(Clone)]
pub struct CoreHandle {
    work: mpsc::Sender<CoreWork>,
    /// The number of the newest command that is durable.
    newest: watch::Receiver<u64>,
    waiting: Arc<AtomicUsize>,
}

/// Starts the thread. It ends when the last handle is dropped, after all work.
pub fn start<S: RecordStore>(core: Core<S>, now: Now) -> CoreHandle {
    let (work, receiver) = mpsc::channel(QUEUE);
    let (newest, watched) = watch::channel(core.number());
    let waiting = Arc::new(AtomicUsize::new(0));
    thread::spawn({
        let waiting = waiting.clone();
        move || run(core, receiver, &newest, &waiting, now)
    });
    CoreHandle {
        work,
        newest: watched,
        waiting,
    }
}

fn run<S: RecordStore>(
    mut core: Core<S>,
    mut work: mpsc::Receiver<CoreWork>,
    newest: &watch::Sender<u64>,
    waiting: &AtomicUsize,
    now: Now,
) {
    let mut next = work.blocking_recv();
    while let Some(first) = next.take() {
        let mut events: Vec<String> = Vec::new();
        let mut replies: Vec<(usize, Reply<Vec<EventAnswer>>)> = Vec::new();
        let mut other = None;
        let mut this = Some(first);
        // Events that wait one after the other are applied together.
        while let Some(one) = this.take() {
            match one {
                CoreWork::Events(some, reply) => {
                    replies.push((some.len(), reply));
                    events.extend(some);
                    if events.len() < BATCH {
                        this = work.try_recv().ok();
                    }
                }
                one => other = Some(one),
            }
        }
        let taken = replies.len() + usize::from(other.is_some());
        waiting.fetch_sub(taken, Ordering::Relaxed);
        if !replies.is_empty() {
            let applied = core.apply(&events, now());
            newest.send_replace(core.number());
            match applied {
                Ok(answers) => {
                    let mut answers = answers.into_iter();
                    for (count, reply) in replies {
                        // Somebody who does not wait any more gets no answer.
                        let _ = reply.send(Ok(answers.by_ref().take(count).collect()));
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "events were not applied");
                    for (_, reply) in replies {
                        let _ = reply.send(Err(error.clone()));
                    }
                }
            }
        }
        if let Some(other) = other {
            answer(&mut core, other);
        }
        next = work.blocking_recv();
    }
}

fn answer<S: RecordStore>(core: &mut Core<S>, work: CoreWork) {
    match work {
        CoreWork::Events(..) => {}
        CoreWork::Acknowledge {
            user,
            number,
            reply,
        } => drop(reply.send(core.acknowledge(&user, number))),
        CoreWork::Forget(user, reply) => drop(reply.send(core.forget(&user))),
        CoreWork::User(user, reply) => drop(reply.send(core.store().load(&user))),
        CoreWork::CommandsAfter {
            number,
            most,
            reply,
        } => drop(reply.send(core.store().commands_after(number, most))),
        CoreWork::Waiting(most, reply) => drop(reply.send(core.store().waiting(most))),
        CoreWork::Swap(tables, reply) => {
            core.swap(tables);
            let _ = reply.send(());
        }
    }
}

impl CoreHandle {
    /// Applies events, each a line of JSON; the answers are durable.
    ///
    /// # Errors
    /// Too much work waits, or the store fails: then none of them has been applied.
    pub async fn events(&self, events: Vec<String>) -> Result<Vec<EventAnswer>, WorkError> {
        self.ask(|reply| CoreWork::Events(events, reply)).await
    }

    /// Says that a command was carried out. Returns whether it waited.
    ///
    /// # Errors
    /// As for events.
    pub async fn acknowledge(&self, user: String, number: u64) -> Result<bool, WorkError> {
        self.ask(|reply| CoreWork::Acknowledge {
            user,
            number,
            reply,
        })
        .await
    }

    /// Forgets a user. Returns whether there was one.
    ///
    /// # Errors
    /// As for events.
    pub async fn forget(&self, user: String) -> Result<bool, WorkError> {
        self.ask(|reply| CoreWork::Forget(user, reply)).await
    }

    /// # Errors
    /// As for events.
    pub async fn user(&self, user: String) -> Result<Option<UserRecord>, WorkError> {
        self.ask(|reply| CoreWork::User(user, reply)).await
    }

    /// The commands after a number, in order.
    ///
    /// # Errors
    /// As for events.
    pub async fn commands_after(
        &self,
        number: u64,
        most: usize,
    ) -> Result<Vec<NumberedCommand>, WorkError> {
        self.ask(|reply| CoreWork::CommandsAfter {
            number,
            most,
            reply,
        })
        .await
    }

    /// The newest commands that nobody has carried out.
    ///
    /// # Errors
    /// As for events.
    pub async fn waiting(&self, most: usize) -> Result<Vec<NumberedCommand>, WorkError> {
        self.ask(|reply| CoreWork::Waiting(most, reply)).await
    }

    /// Switches to other tables.
    ///
    /// # Errors
    /// Too much work waits.
    pub async fn swap(&self, tables: Tables) -> Result<(), WorkError> {
        let (reply, answer) = oneshot::channel();
        self.send(CoreWork::Swap(tables, reply))?;
        answer.await.map_err(|_| WorkError::Ending)
    }

    /// Waits until there is a newer command than one.
    ///
    /// # Errors
    /// The service is ending.
    pub async fn newer_than(&self, number: u64) -> Result<(), WorkError> {
        let mut newest = self.newest.clone();
        let found = newest.wait_for(|newest| *newest > number).await;
        found.map(|_| ()).map_err(|_| WorkError::Ending)
    }

    /// The number of the newest command that is durable.
    pub fn newest(&self) -> u64 {
        *self.newest.borrow()
    }

    /// The number of requests that wait.
    pub fn queued(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    async fn ask<T>(&self, work: impl FnOnce(Reply<T>) -> CoreWork) -> Result<T, WorkError> {
        let (reply, answer) = oneshot::channel();
        self.send(work(reply))?;
        Ok(answer.await.map_err(|_| WorkError::Ending)??)
    }

    fn send(&self, work: CoreWork) -> Result<(), WorkError> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.work.try_send(work).map_err(|error| {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            match error {
                mpsc::error::TrySendError::Full(_) => WorkError::Busy(Busy),
                mpsc::error::TrySendError::Closed(_) => WorkError::Ending,
            }
        })
    }
}
