//! What is the same for all connectors.
//!
//! - A lost connection is made again, each time a little later.
//! - The first state of a user after connecting is observed, not followed.
//! - Only the newest command of a user is sent, one at a time, and not while a report of that user is on its way to the host.
//! - A command that may work later is tried again; one that is refused is not.
//! - A command that was not confirmed in time: the state is read, and decided again.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::connector::{
    CommandSink, ConnectError, Connection, Connector, ReportSource, SetOutcome,
};
use crate::host::ConnectorHost;
use crate::report::{ReportKind, SystemCommand, SystemReport};

/// How a system is treated.
#[derive(Debug, Clone, Copy)]
pub struct DriverSettings {
    /// The number of commands in a second.
    pub per_second: u32,
    /// The first and the longest time before something is tried again.
    pub retry: (Duration, Duration),
    /// How long connecting, or carrying out a command, may take.
    pub patience: Duration,
}

impl Default for DriverSettings {
    fn default() -> Self {
        Self {
            per_second: 10,
            retry: (Duration::from_millis(500), Duration::from_secs(60)),
            patience: Duration::from_secs(30),
        }
    }
}

/// How often a command that is not confirmed leads to another decision.
const MOST_READINGS: u32 = 5;

/// The longest time that a system may ask us to wait.
const MOST_ASKED: Duration = Duration::from_secs(3_600);

/// When the host has failed.
const HOST_AGAIN: Duration = Duration::from_secs(1);

/// Keeps a system connected. Does not end by itself.
pub async fn drive(
    system: &str,
    connector: &mut dyn Connector,
    host: &dyn ConnectorHost,
    settings: DriverSettings,
) -> ! {
    let mut attempts = 0;
    loop {
        let users = match host.users(system).await {
            Ok(users) => users,
            Err(error) => {
                tracing::warn!(system, %error, "users could not be read: this is tried again");
                sleep(HOST_AGAIN).await;
                continue;
            }
        };
        let connecting = timeout(settings.patience, connector.connect(&users)).await;
        let ended = match connecting {
            Err(_) => Err(ConnectError::lost("no answer")),
            Ok(Err(error)) => Err(error),
            Ok(Ok(connection)) => {
                host.connected(system);
                let since = Instant::now();
                let concurrency = connector.concurrency();
                let users: Vec<String> = users.into_iter().map(|user| user.id).collect();
                let ended =
                    connected(system, connection, (&users, concurrency), host, settings).await;
                // A connection that breaks soon is not a success.
                if since.elapsed() > settings.retry.1 {
                    attempts = 0;
                }
                ended
            }
        };
        let Err(error) = ended else {
            // With other users.
            continue;
        };
        host.lost(system, &error.to_string());
        let wait = match error {
            ConnectError::TryAfter { after, .. } => asked(after, settings),
            ConnectError::Lost(_) | ConnectError::NoAnswer(_) | ConnectError::Settings(_) => {
                delay(attempts, settings)
            }
        };
        attempts += 1;
        sleep(wait).await;
    }
}

/// The wait that a system asks for, within limits.
fn asked(after: Duration, settings: DriverSettings) -> Duration {
    after.max(settings.retry.0).min(MOST_ASKED)
}

/// Each time twice as long, up to the most; by chance up to a quarter less, so that not everybody comes back at once.
fn delay(attempts: u32, settings: DriverSettings) -> Duration {
    let (first, most) = settings.retry;
    let whole = first.saturating_mul(1 << attempts.min(16)).min(most);
    whole.mul_f64(1.0 - 0.25 * fastrand::f64())
}

/// Until the connection is lost, or the users have changed.
async fn connected(
    system: &str,
    connection: Connection,
    (users, concurrency): (&[String], usize),
    host: &dyn ConnectorHost,
    settings: DriverSettings,
) -> Result<(), ConnectError> {
    let Connection { source, sink } = connection;
    let delivery = ReportDelivery::default();
    let mut commands = CommandQueue {
        system,
        sink: &*sink,
        host,
        settings,
        concurrency,
        delivery: &delivery,
        in_flight: HashMap::new(),
        delayed: HashMap::new(),
        unconfirmed: HashMap::new(),
        next_slot: Instant::now(),
    };
    tokio::select! {
        error = listen(system, source, host, &delivery) => Err(error),
        error = commands.run() => Err(error),
        () = host.users_changed(system, users) => Ok(()),
    }
}

/// The users of whom reports are on their way to the host.
#[derive(Default)]
struct ReportDelivery {
    users: Mutex<HashSet<String>>,
    ended: Notify,
}

impl ReportDelivery {
    fn of(&self, reports: &[SystemReport]) {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        users.extend(reports.iter().map(|report| report.user.to_lowercase()));
    }

    fn end(&self) {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        users.clear();
        self.ended.notify_waiters();
    }

    /// Waits until none is of this user.
    async fn wait(&self, user: &str) {
        loop {
            let ended = self.ended.notified();
            if !self.has(user) {
                return;
            }
            ended.await;
        }
    }

    fn has(&self, user: &str) -> bool {
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        users.contains(&user.to_lowercase())
    }
}

async fn listen(
    system: &str,
    mut source: Box<dyn ReportSource>,
    host: &dyn ConnectorHost,
    delivery: &ReportDelivery,
) -> ConnectError {
    let mut seen = HashSet::new();
    loop {
        let mut reports = match source.next().await {
            Ok(reports) => reports,
            Err(error) => return error,
        };
        for report in &mut reports {
            let user = report.user.to_lowercase();
            match &report.kind {
                ReportKind::Changed(state) if !seen.contains(&user) => {
                    report.kind = ReportKind::Observed(Some(state.clone()));
                    seen.insert(user);
                }
                ReportKind::Observed(_) => drop(seen.insert(user)),
                _ => {}
            }
        }
        delivery.of(&reports);
        while let Err(error) = host.report(system, reports.clone()).await {
            tracing::warn!(system, %error, "reports could not be stored: they are tried again");
            sleep(Duration::from_secs(1)).await;
        }
        source.taken().await;
        delivery.end();
    }
}

/// The commands of a system while it is connected.
struct CommandQueue<'a> {
    system: &'a str,
    sink: &'a dyn CommandSink,
    host: &'a dyn ConnectorHost,
    settings: DriverSettings,
    concurrency: usize,
    delivery: &'a ReportDelivery,
    /// By user: the command that is being carried out.
    in_flight: HashMap<String, u64>,
    /// By user: a command that is tried again, when, and how often it was tried.
    delayed: HashMap<String, (u64, Instant, u32)>,
    /// By user: when a command should be confirmed, and how often it was read and decided again.
    unconfirmed: HashMap<String, (Instant, u32)>,
    /// When the next command may be sent.
    next_slot: Instant,
}

/// What became of a command on its way.
enum Carried {
    Outcome(SetOutcome),
    /// A newer one has replaced it.
    Outdated,
    Lost(ConnectError),
}

/// A state that was read, because a command that should lead to it was not confirmed.
struct ReadState {
    user: String,
    wanted: String,
    /// `None`: the system cannot be asked. An error: not now.
    report: Result<Option<SystemReport>, String>,
}

impl CommandQueue<'_> {
    async fn run(&mut self) -> ConnectError {
        let (sink, host, system) = (self.sink, self.host, self.system);
        let (delivery, patience) = (self.delivery, self.settings.patience);
        let mut flights = FuturesUnordered::new();
        let mut readings = FuturesUnordered::new();
        let mut backlog: VecDeque<SystemCommand> = VecDeque::new();
        let mut ask_at = Some(Instant::now());
        loop {
            if ask_at.is_some_and(|at| at <= Instant::now()) {
                ask_at = match host.commands(system, self.known()).await {
                    Ok(commands) => {
                        backlog = commands.into();
                        None
                    }
                    Err(error) => {
                        tracing::warn!(system, %error, "commands could not be read: this is tried again");
                        Some(Instant::now() + HOST_AGAIN)
                    }
                };
            }
            while let Some(command) = self.next(&mut backlog) {
                let slot = self.slot();
                self.in_flight.insert(command.user.clone(), command.number);
                flights.push(async move {
                    let carried =
                        carry_out(system, sink, host, delivery, &command, (slot, patience));
                    let carried = carried.await;
                    (command, carried)
                });
            }
            let due = self.due();
            let wake = due.into_iter().chain(ask_at).min();
            tokio::select! {
                Some((command, carried)) = flights.next() => {
                    if let Err(error) = self.landed(command, carried).await {
                        return error;
                    }
                    // There may be more than were answered.
                    if backlog.is_empty() {
                        ask_at = ask_at.or(Some(Instant::now()));
                    }
                }
                Some(read) = readings.next() => {
                    if let Err(error) = self.read(read).await {
                        return error;
                    }
                }
                () = host.more_commands(system) => ask_at = Some(Instant::now()),
                () = sleep_until(wake.unwrap_or_else(far)), if wake.is_some() => {
                    for (user, wanted) in self.overdue().await {
                        readings.push(read_state(sink, user, wanted, patience));
                    }
                    if due.is_some_and(|due| due <= Instant::now()) {
                        ask_at = Some(Instant::now());
                    }
                }
            }
        }
    }

    /// The next command that can be sent now.
    fn next(&self, backlog: &mut VecDeque<SystemCommand>) -> Option<SystemCommand> {
        if self.in_flight.len() >= self.concurrency {
            return None;
        }
        let at = backlog
            .iter()
            .position(|command| !self.in_flight.contains_key(&command.user))?;
        backlog.remove(at)
    }

    /// The commands that are not to be answered now: by user, the number.
    fn known(&self) -> HashMap<String, u64> {
        let now = Instant::now();
        let delayed = self
            .delayed
            .iter()
            .filter(|(_, (_, until, _))| *until > now);
        let delayed = delayed.map(|(user, (number, ..))| (user.clone(), *number));
        let in_flight = self.in_flight.iter();
        let in_flight = in_flight.map(|(user, number)| (user.clone(), *number));
        delayed.chain(in_flight).collect()
    }

    /// When the next command can be sent.
    fn slot(&mut self) -> Instant {
        let now = Instant::now();
        // What was not used in the last second may be used at once.
        let unused = now.checked_sub(Duration::from_secs(1)).unwrap_or(now);
        self.next_slot =
            self.next_slot.max(unused) + Duration::from_secs(1) / self.settings.per_second.max(1);
        self.next_slot
    }

    /// When there is something to do again.
    fn due(&self) -> Option<Instant> {
        let delayed = self.delayed.values().map(|(_, until, _)| *until);
        let delayed = delayed.filter(|until| *until > Instant::now());
        let unconfirmed = self.unconfirmed.values().map(|(until, _)| *until);
        delayed.chain(unconfirmed).min()
    }

    async fn landed(
        &mut self,
        command: SystemCommand,
        carried: Carried,
    ) -> Result<(), ConnectError> {
        self.in_flight.remove(&command.user);
        let refused = match carried {
            Carried::Lost(error) => return Err(error),
            Carried::Outdated => return Ok(()),
            Carried::Outcome(SetOutcome::Later { after, why }) => {
                let tried = self.delayed.get(&command.user);
                let tried = tried.filter(|(number, ..)| *number == command.number);
                let tried = tried.map_or(0, |(.., tried)| *tried);
                let wait = after.map_or_else(
                    || delay(tried, self.settings),
                    |after| asked(after, self.settings),
                );
                tracing::info!(
                    system = self.system,
                    user = command.user,
                    why,
                    "a command waits"
                );
                self.delayed.insert(
                    command.user,
                    (command.number, Instant::now() + wait, tried + 1),
                );
                return Ok(());
            }
            Carried::Outcome(SetOutcome::Done) => None,
            Carried::Outcome(SetOutcome::Refused(why)) => Some(why),
        };
        self.delayed.remove(&command.user);
        if refused.is_none() {
            let readings = self.unconfirmed.get(&command.user);
            let readings = readings.map_or(0, |(_, readings)| *readings);
            let until = Instant::now() + self.host.echo(self.system);
            self.unconfirmed
                .insert(command.user.clone(), (until, readings));
        }
        let done = |refused: Option<String>| {
            let (host, system, command) = (self.host, self.system, &command);
            async move { host.done(system, command, refused.as_deref()).await }
        };
        while let Err(error) = done(refused.clone()).await {
            tracing::warn!(system = self.system, %error, "a command was sent, but the store cannot record it: this is tried again");
            sleep(Duration::from_secs(1)).await;
        }
        Ok(())
    }

    /// The users whose commands should have been confirmed by now, with what their states should be.
    async fn overdue(&mut self) -> Vec<(String, String)> {
        let now = Instant::now();
        let due = self
            .unconfirmed
            .iter()
            .filter(|(_, (until, _))| *until <= now);
        let due: Vec<(String, u32)> = due
            .map(|(user, (_, readings))| (user.clone(), *readings))
            .collect();
        let mut overdue = Vec::new();
        for (user, readings) in due {
            let wait = self.host.echo(self.system) * 2_u32.saturating_pow(readings.min(8));
            let again = (now + wait, readings + 1);
            match self.host.unconfirmed(self.system, &user).await {
                Ok(Some(wanted)) if readings < MOST_READINGS => {
                    self.unconfirmed.insert(user.clone(), again);
                    overdue.push((user, wanted));
                }
                Ok(_) => drop(self.unconfirmed.remove(&user)),
                Err(_) => drop(self.unconfirmed.insert(user, again)),
            }
        }
        overdue
    }

    /// Takes a state that was read, and decides again if it is not what it should be.
    async fn read(&mut self, read: Result<ReadState, ConnectError>) -> Result<(), ConnectError> {
        let ReadState {
            user,
            wanted,
            report,
        } = read?;
        let (system, host) = (self.system, self.host);
        let report = match report {
            Ok(Some(report)) => report,
            Ok(None) => {
                self.unconfirmed.remove(&user);
                return Ok(());
            }
            Err(why) => {
                tracing::warn!(
                    system,
                    user,
                    why,
                    "an unconfirmed state could not be read: this is tried again"
                );
                return Ok(());
            }
        };
        let has_worked = match &report.kind {
            ReportKind::Observed(Some(state)) => *state == wanted,
            // Whatever has changed is decided by itself.
            ReportKind::Changed(_) => true,
            _ => false,
        };
        // The report ends the wait for the command, whatever it says.
        match host.report(system, vec![report]).await {
            Ok(()) if has_worked => {}
            Ok(()) => host.decide_again(system, &user),
            Err(error) => {
                tracing::warn!(system, user, %error, "a state could not be stored: it is read again");
            }
        }
        Ok(())
    }
}

async fn read_state(
    sink: &dyn CommandSink,
    user: String,
    wanted: String,
    patience: Duration,
) -> Result<ReadState, ConnectError> {
    let report = match timeout(patience, sink.read(&user)).await {
        Ok(Err(ConnectError::NoAnswer(why))) => Err(why),
        Ok(report) => Ok(report?),
        Err(_) => Err("no answer".to_owned()),
    };
    Ok(ReadState {
        user,
        wanted,
        report,
    })
}

async fn carry_out(
    system: &str,
    sink: &dyn CommandSink,
    host: &dyn ConnectorHost,
    delivery: &ReportDelivery,
    command: &SystemCommand,
    (slot, patience): (Instant, Duration),
) -> Carried {
    sleep_until(slot).await;
    delivery.wait(&command.user).await;
    match host.is_newest(system, command).await {
        Ok(true) => {}
        Ok(false) => return Carried::Outdated,
        Err(error) => {
            return Carried::Outcome(SetOutcome::Later {
                after: None,
                why: error.to_string(),
            });
        }
    }
    match timeout(patience, sink.set(command)).await {
        Ok(Ok(outcome)) => Carried::Outcome(outcome),
        Ok(Err(ConnectError::NoAnswer(why))) => {
            Carried::Outcome(SetOutcome::Later { after: None, why })
        }
        Ok(Err(error)) => Carried::Lost(error),
        Err(_) => Carried::Outcome(SetOutcome::Later {
            after: None,
            why: "no answer".to_owned(),
        }),
    }
}

fn far() -> Instant {
    Instant::now() + Duration::from_secs(86_400)
}
