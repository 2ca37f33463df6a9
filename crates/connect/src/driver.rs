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
use crate::host::{ConnectorHost, HostError};
use crate::report::{ReportKind, SystemCommand, SystemReport};

/// How a system is treated.
#[derive(Debug, Clone, Copy)]
pub struct DriverSettings {
    /// How long the system may take to confirm a command.
    pub echo: Duration,
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
            echo: Duration::from_secs(60),
            per_second: 10,
            retry: (Duration::from_millis(500), Duration::from_secs(60)),
            patience: Duration::from_secs(30),
        }
    }
}

/// How often a command that is not confirmed leads to another decision.
const MOST_READINGS: u32 = 5;

/// Keeps a system connected. Does not end by itself.
pub async fn drive(
    system: &str,
    connector: &mut dyn Connector,
    host: &dyn ConnectorHost,
    settings: DriverSettings,
) -> ! {
    let mut attempts = 0;
    loop {
        let users = host.users(system);
        let connecting = timeout(settings.patience, connector.connect(&users)).await;
        let ended = match connecting {
            Err(_) => Err(ConnectError::lost("no answer")),
            Ok(Err(error)) => Err(error),
            Ok(Ok(connection)) => {
                host.connected(system);
                let since = Instant::now();
                let concurrency = connector.concurrency();
                let ended = connected(system, connection, concurrency, host, settings).await;
                // A connection that breaks at once is not a success.
                if since.elapsed() > settings.retry.0 {
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
            ConnectError::TryAfter { after, .. } => after.max(settings.retry.0),
            ConnectError::Lost(_) | ConnectError::Settings(_) => delay(attempts, settings),
        };
        attempts += 1;
        sleep(wait).await;
    }
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
    concurrency: usize,
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
        in_flight: HashSet::new(),
        delayed: HashMap::new(),
        unconfirmed: HashMap::new(),
        next_slot: Instant::now(),
    };
    tokio::select! {
        error = listen(system, source, host, &delivery) => Err(error),
        error = commands.run() => Err(error),
        () = host.users_changed(system) => Ok(()),
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
        users.extend(reports.iter().map(|report| report.user.clone()));
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
        users.contains(user)
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
            match &report.kind {
                ReportKind::Changed(state) if !seen.contains(&report.user) => {
                    report.kind = ReportKind::Observed(Some(state.clone()));
                    seen.insert(report.user.clone());
                }
                ReportKind::Observed(_) => drop(seen.insert(report.user.clone())),
                ReportKind::Changed(_) | ReportKind::Online(_) | ReportKind::Facts(_) => {}
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
    /// The users of commands that are being carried out.
    in_flight: HashSet<String>,
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

impl CommandQueue<'_> {
    async fn run(&mut self) -> ConnectError {
        let (sink, host, system) = (self.sink, self.host, self.system);
        let (delivery, patience) = (self.delivery, self.settings.patience);
        let mut flights = FuturesUnordered::new();
        let mut backlog = VecDeque::new();
        let mut asks = true;
        loop {
            if std::mem::take(&mut asks) {
                match host.commands(system).await {
                    Ok(commands) => backlog = commands.into(),
                    Err(error) => {
                        tracing::warn!(system, %error, "commands could not be read: this is tried again");
                        sleep(Duration::from_secs(1)).await;
                        asks = true;
                        continue;
                    }
                }
            }
            while self.in_flight.len() < self.concurrency
                && let Some(command) = backlog.pop_front()
            {
                if let Some(slot) = self.slot(&command) {
                    flights.push(async move {
                        let carried =
                            carry_out(system, sink, host, delivery, &command, (slot, patience));
                        let carried = carried.await;
                        (command, carried)
                    });
                }
            }
            let due = self.due();
            tokio::select! {
                Some((command, carried)) = flights.next() => {
                    if let Err(error) = self.landed(command, carried).await {
                        return error;
                    }
                    asks = backlog.is_empty();
                }
                () = host.more_commands(system) => asks = true,
                () = sleep_until(due.unwrap_or_else(far)), if due.is_some() => {
                    if let Err(error) = self.check_unconfirmed().await {
                        return error;
                    }
                    asks = true;
                }
            }
        }
    }

    /// When a command can be sent; `None` if not now.
    fn slot(&mut self, command: &SystemCommand) -> Option<Instant> {
        let now = Instant::now();
        let is_delayed = self
            .delayed
            .get(&command.user)
            .is_some_and(|(number, until, _)| *number == command.number && *until > now);
        if is_delayed || !self.in_flight.insert(command.user.clone()) {
            return None;
        }
        // What was not used in the last second may be used at once.
        let unused = now.checked_sub(Duration::from_secs(1)).unwrap_or(now);
        self.next_slot =
            self.next_slot.max(unused) + Duration::from_secs(1) / self.settings.per_second.max(1);
        Some(self.next_slot)
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
                let least = self.settings.retry.0;
                let wait =
                    after.map_or_else(|| delay(tried, self.settings), |after| after.max(least));
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
            let until = Instant::now() + self.settings.echo;
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

    /// Reads the states that should have been confirmed by now, and decides again where they are something else.
    async fn check_unconfirmed(&mut self) -> Result<(), ConnectError> {
        let now = Instant::now();
        let due = self
            .unconfirmed
            .iter()
            .filter(|(_, (until, _))| *until <= now);
        let due: Vec<(String, u32)> = due
            .map(|(user, (_, readings))| (user.clone(), *readings))
            .collect();
        for (user, readings) in due {
            let wait = self.settings.echo * 2_u32.saturating_pow(readings.min(8));
            let again = (now + wait, readings + 1);
            match self.host.unconfirmed(self.system, &user).await {
                Ok(Some(wanted)) if readings < MOST_READINGS => {
                    let read = timeout(self.settings.patience, self.sink.read(&user));
                    let read = read.await.map_err(|_| ConnectError::lost("no answer"))??;
                    let Some(report) = read else {
                        self.unconfirmed.remove(&user);
                        continue;
                    };
                    self.unconfirmed.insert(user.clone(), again);
                    if let Err(error) = self.decide_again(&user, &wanted, report).await {
                        tracing::warn!(system = self.system, user, %error, "an unconfirmed command was not decided again");
                    }
                }
                Ok(_) => drop(self.unconfirmed.remove(&user)),
                Err(_) => drop(self.unconfirmed.insert(user, again)),
            }
        }
        Ok(())
    }

    /// The report ends the wait for the command, whatever it says.
    async fn decide_again(
        &self,
        user: &str,
        wanted: &str,
        report: SystemReport,
    ) -> Result<(), HostError> {
        let has_worked =
            matches!(&report.kind, ReportKind::Observed(Some(state)) if state == wanted);
        self.host.report(self.system, vec![report]).await?;
        if has_worked {
            return Ok(());
        }
        self.host.decide_again(self.system, user).await
    }
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
