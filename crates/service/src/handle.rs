//! The thread that owns the [`Core`], and the handle through which others give it work.
//! What waits together becomes one transaction. A queue that is full refuses work at once, instead of growing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use presync_engine::Tables;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::audit::AuditLog;
use crate::core::{AgainRequest, Core, EventAnswer};
use crate::metrics::Metrics;
use crate::pause::{PauseTarget, Paused};
use crate::record::{NumberedCommand, UserRecord};
use crate::store::{CommandPlace, RecordStore, StoreError, backup};

/// The number of requests that may wait.
const QUEUE: usize = 1_024;

/// The number of bytes of all events that may wait.
const QUEUED_BYTES: usize = 64 << 20;

/// With this number of events, no more requests join a transaction.
const BATCH: usize = 4_096;

/// Reads the time; given from outside, so that tests have their own.
pub type Now = fn() -> jiff::Timestamp;

/// Whether a command is wanted.
pub type WantedCommand = dyn Fn(CommandPlace<'_>) -> bool + Send;

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
    DecideAgain(Vec<AgainRequest>, Reply<Vec<String>>),
    Remember {
        system: String,
        /// By user.
        memories: Vec<(String, String)>,
        reply: Reply<()>,
    },
    Memories {
        system: String,
        users: Vec<String>,
        reply: Reply<Vec<Option<String>>>,
    },
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
    Waiting {
        is_wanted: Box<WantedCommand>,
        most: usize,
        reply: Reply<Vec<NumberedCommand>>,
    },
    Unconfirmed {
        user: String,
        system: String,
        reply: Reply<Option<String>>,
    },
    Probe(Reply<()>),
    Backup(Reply<String>),
    Pause(PauseTarget, bool, Reply<()>),
    Swap(Tables, oneshot::Sender<()>),
}

/// Gives work to the core. Clones share it.
#[derive(Clone)]
pub struct CoreHandle {
    work: mpsc::Sender<CoreWork>,
    /// The number of the newest command that is durable.
    newest: watch::Receiver<u64>,
    /// What decides now.
    tables: watch::Receiver<Tables>,
    paused: watch::Receiver<Paused>,
    state: Arc<CoreState>,
    metrics: Metrics,
}

/// What the thread and its handles share.
#[derive(Default)]
struct CoreState {
    /// The number of requests that wait, and of the bytes of their events.
    queued: AtomicUsize,
    queued_bytes: AtomicUsize,
    /// Whether the last write failed.
    failing: AtomicBool,
}

/// Starts the thread. It ends when the last handle is dropped, after all work. `audit`: where commands are written down.
///
/// # Errors
/// Nothing can be counted.
pub fn start<S: RecordStore>(
    core: Core<S>,
    now: Now,
    audit: AuditLog,
) -> prometheus::Result<CoreHandle> {
    let (work, receiver) = mpsc::channel(QUEUE);
    let (newest, watched) = watch::channel(core.number());
    let (tables, current) = watch::channel(core.tables().clone());
    let (paused, pausing) = watch::channel(core.paused().clone());
    let state = Arc::new(CoreState::default());
    let metrics = Metrics::new()?;
    let mut thread = CoreThread {
        core,
        newest,
        tables,
        paused,
        state: state.clone(),
        metrics: metrics.clone(),
        audit,
        now,
    };
    thread::spawn(move || thread.run(receiver));
    Ok(CoreHandle {
        work,
        newest: watched,
        tables: current,
        paused: pausing,
        state,
        metrics,
    })
}

struct CoreThread<S> {
    core: Core<S>,
    newest: watch::Sender<u64>,
    tables: watch::Sender<Tables>,
    paused: watch::Sender<Paused>,
    state: Arc<CoreState>,
    metrics: Metrics,
    audit: AuditLog,
    now: Now,
}

impl<S: RecordStore> CoreThread<S> {
    fn run(&mut self, mut work: mpsc::Receiver<CoreWork>) {
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
            self.state.queued.fetch_sub(taken, Ordering::Relaxed);
            let bytes = size(&events);
            self.state.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
            if !replies.is_empty() {
                self.events(&events, replies);
            }
            if let Some(other) = other {
                self.answer(other);
            }
            next = work.blocking_recv();
        }
    }

    fn events(&mut self, events: &[String], replies: Vec<(usize, Reply<Vec<EventAnswer>>)>) {
        let now = (self.now)();
        let start = Instant::now();
        let applied = self.core.apply(events, now);
        if let Ok(answers) = &applied {
            self.metrics.count(answers, start.elapsed());
            let commands = answers.iter().filter_map(EventAnswer::commands).flatten();
            let commands: Vec<&NumberedCommand> = commands.collect();
            self.wrote(&commands, now);
        }
        self.newest.send_replace(self.core.number());
        match self.noticed(applied) {
            Ok(answers) => {
                let mut answers = answers.into_iter();
                for (count, reply) in replies {
                    // Somebody who does not wait any more gets no answer.
                    let _ = reply.send(Ok(answers.by_ref().take(count).collect()));
                }
            }
            Err(error) => {
                for (_, reply) in replies {
                    let _ = reply.send(Err(error.clone()));
                }
            }
        }
    }

    /// Writes down the commands that are durable now.
    fn wrote(&mut self, commands: &[&NumberedCommand], now: jiff::Timestamp) {
        if !commands.is_empty() {
            self.audit.write(commands, self.core.tables(), now);
        }
    }

    /// Remembers whether a write failed, and says why.
    fn noticed<T>(&self, written: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(error) = &written {
            tracing::error!(%error, "nothing was changed");
            self.state.failing.store(true, Ordering::Relaxed);
        }
        written
    }

    fn answer(&mut self, work: CoreWork) {
        match work {
            CoreWork::Events(..) => {}
            CoreWork::DecideAgain(requests, reply) => {
                let (now, start) = ((self.now)(), Instant::now());
                let done = self.core.decide_again(&requests, now);
                if let Ok((_, answers)) = &done {
                    self.metrics.count(answers, start.elapsed());
                    let commands = answers.iter().filter_map(EventAnswer::commands).flatten();
                    let commands: Vec<&NumberedCommand> = commands.collect();
                    self.wrote(&commands, now);
                }
                self.newest.send_replace(self.core.number());
                let _ = reply.send(self.noticed(done.map(|(waiting, _)| waiting)));
            }
            CoreWork::Remember {
                system,
                memories,
                reply,
            } => {
                let done = self.core.remember(&system, memories);
                let _ = reply.send(self.noticed(done));
            }
            CoreWork::Memories {
                system,
                users,
                reply,
            } => drop(reply.send(self.core.memories(&system, &users))),
            CoreWork::Acknowledge {
                user,
                number,
                reply,
            } => {
                let done = self.core.acknowledge(&user, number);
                let _ = reply.send(self.noticed(done));
            }
            CoreWork::Forget(user, reply) => {
                let done = self.core.forget(&user);
                let _ = reply.send(self.noticed(done));
            }
            CoreWork::Probe(reply) => {
                let done = self.core.probe();
                let done = self.noticed(done);
                self.state.failing.store(done.is_err(), Ordering::Relaxed);
                let _ = reply.send(done);
            }
            CoreWork::Backup(reply) => drop(reply.send(backup(self.core.store()))),
            CoreWork::Unconfirmed {
                user,
                system,
                reply,
            } => drop(reply.send(self.core.unconfirmed(&user, &system))),
            CoreWork::User(user, reply) => drop(reply.send(self.core.store().load(&user))),
            CoreWork::CommandsAfter {
                number,
                most,
                reply,
            } => drop(reply.send(self.core.store().commands_after(number, most))),
            CoreWork::Waiting {
                is_wanted,
                most,
                reply,
            } => drop(reply.send(self.core.waiting(&*is_wanted, most))),
            CoreWork::Pause(target, pause, reply) => {
                let done = self.core.pause(&target, pause);
                let done = self.noticed(done);
                self.paused.send_replace(self.core.paused().clone());
                let _ = reply.send(done);
            }
            CoreWork::Swap(tables, reply) => {
                self.core.swap(tables.clone());
                self.tables.send_replace(tables);
                let _ = reply.send(());
            }
        }
    }
}

fn size(events: &[String]) -> usize {
    events.iter().map(String::len).sum()
}

impl CoreHandle {
    /// Applies events, each a line of JSON; the answers are durable.
    ///
    /// # Errors
    /// Too much work waits, or the store fails: then none of them has been applied.
    pub async fn events(&self, events: Vec<String>) -> Result<Vec<EventAnswer>, WorkError> {
        let bytes = size(&events);
        let queued = &self.state.queued_bytes;
        if queued.fetch_add(bytes, Ordering::Relaxed) > QUEUED_BYTES {
            queued.fetch_sub(bytes, Ordering::Relaxed);
            return Err(WorkError::Busy(Busy));
        }
        let (reply, answer) = oneshot::channel();
        if let Err(error) = self.send(CoreWork::Events(events, reply)) {
            queued.fetch_sub(bytes, Ordering::Relaxed);
            return Err(error);
        }
        Ok(answer.await.map_err(|_| WorkError::Ending)??)
    }

    /// Decides again what the systems of users should show. Returns those for whom a command is on its way.
    ///
    /// # Errors
    /// As for events.
    pub async fn decide_again(
        &self,
        requests: Vec<AgainRequest>,
    ) -> Result<Vec<String>, WorkError> {
        self.ask(|reply| CoreWork::DecideAgain(requests, reply))
            .await
    }

    /// Keeps what the connector of a system wants to know about users when it connects again.
    ///
    /// # Errors
    /// As for events.
    pub async fn remember(
        &self,
        system: String,
        memories: Vec<(String, String)>,
    ) -> Result<(), WorkError> {
        self.ask(|reply| CoreWork::Remember {
            system,
            memories,
            reply,
        })
        .await
    }

    /// What the connector of a system has remembered of users, in their order.
    ///
    /// # Errors
    /// As for events.
    pub async fn memories(
        &self,
        system: String,
        users: Vec<String>,
    ) -> Result<Vec<Option<String>>, WorkError> {
        self.ask(|reply| CoreWork::Memories {
            system,
            users,
            reply,
        })
        .await
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

    /// The newest commands that nobody has carried out: those that are wanted; none of what is paused.
    ///
    /// # Errors
    /// As for events.
    pub async fn waiting(
        &self,
        is_wanted: Box<WantedCommand>,
        most: usize,
    ) -> Result<Vec<NumberedCommand>, WorkError> {
        self.ask(|reply| CoreWork::Waiting {
            is_wanted,
            most,
            reply,
        })
        .await
    }

    /// The state that a system should show by a command that it has not confirmed.
    ///
    /// # Errors
    /// As for events.
    pub async fn unconfirmed(
        &self,
        user: String,
        system: String,
    ) -> Result<Option<String>, WorkError> {
        self.ask(|reply| CoreWork::Unconfirmed {
            user,
            system,
            reply,
        })
        .await
    }

    /// The store as JSON Lines.
    ///
    /// # Errors
    /// As for events.
    pub async fn backup(&self) -> Result<String, WorkError> {
        self.ask(CoreWork::Backup).await
    }

    /// Whether the store works. After a failed write, another one is tried.
    ///
    /// # Errors
    /// It does not, or too much work waits.
    pub async fn check(&self) -> Result<(), WorkError> {
        if self.work.is_closed() {
            return Err(WorkError::Ending);
        }
        if self.state.failing.load(Ordering::Relaxed) {
            return self.ask(CoreWork::Probe).await;
        }
        Ok(())
    }

    /// Pauses something, or goes on with it.
    ///
    /// # Errors
    /// As for events.
    pub async fn pause(&self, target: PauseTarget, pause: bool) -> Result<(), WorkError> {
        self.ask(|reply| CoreWork::Pause(target, pause, reply))
            .await
    }

    /// What is paused now.
    pub fn paused(&self) -> Paused {
        self.paused.borrow().clone()
    }

    /// Waits until something else is paused than this.
    ///
    /// # Errors
    /// The service is ending.
    pub async fn paused_differently(&self, before: &Paused) -> Result<(), WorkError> {
        let mut paused = self.paused.clone();
        let found = paused.wait_for(|now| now != before).await;
        found.map(|_| ()).map_err(|_| WorkError::Ending)
    }

    /// What decides now.
    pub fn tables(&self) -> Tables {
        self.tables.borrow().clone()
    }

    /// Switches to other tables, after what waits already.
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

    /// Waits until the thread has ended, which it does by itself only after a failure.
    pub async fn ended(&self) {
        self.work.closed().await;
    }

    /// The number of the newest command that is durable.
    pub fn newest(&self) -> u64 {
        *self.newest.borrow()
    }

    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The number of requests that wait.
    pub fn queued(&self) -> usize {
        self.state.queued.load(Ordering::Relaxed)
    }

    async fn ask<T>(&self, work: impl FnOnce(Reply<T>) -> CoreWork) -> Result<T, WorkError> {
        let (reply, answer) = oneshot::channel();
        self.send(work(reply))?;
        Ok(answer.await.map_err(|_| WorkError::Ending)??)
    }

    fn send(&self, work: CoreWork) -> Result<(), WorkError> {
        self.state.queued.fetch_add(1, Ordering::Relaxed);
        self.work.try_send(work).map_err(|error| {
            self.state.queued.fetch_sub(1, Ordering::Relaxed);
            match error {
                mpsc::error::TrySendError::Full(_) => WorkError::Busy(Busy),
                mpsc::error::TrySendError::Closed(_) => WorkError::Ending,
            }
        })
    }
}
