//! A system in memory, and one behind a program of `exec`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use presync_connect::{
    CommandSink, ConnectError, Connection, Connector, ConnectorPlace, ConnectorSettings,
    ReportKind, ReportSource, Secret, SetOutcome, SystemCommand, SystemReport, SystemUser, drive,
};
use tokio::sync::mpsc;

use crate::host::TestHost;
use crate::systems::PlayedSystem;

pub const STATES: [&str; 2] = ["Free", "Away"];

/// What a played system knows.
#[derive(Default)]
pub struct Played {
    pub shown: BTreeMap<String, String>,
    pub times: BTreeMap<String, usize>,
    pub refuses: bool,
    pub is_busy: bool,
    pub loses: bool,
    pub is_cut: bool,
    /// How many of the next requests are not answered.
    pub unanswered: usize,
}

impl Played {
    /// Users `ann` and `bob`, who show this.
    pub fn with(state: &str) -> Self {
        let shown = ["ann", "bob"].map(|user| (user.to_owned(), state.to_owned()));
        Self {
            shown: shown.into(),
            ..Self::default()
        }
    }

    /// What becomes of a command; whether the state has changed.
    pub fn set(&mut self, user: &str, state: &str) -> (SetOutcome, bool) {
        *self.times.entry(user.to_owned()).or_default() += 1;
        let is_known = self.shown.contains_key(user);
        if self.refuses || !is_known {
            return (SetOutcome::Refused("no right".to_owned()), false);
        }
        if self.is_busy {
            let why = "too many requests".to_owned();
            return (SetOutcome::Later { after: None, why }, false);
        }
        if self.loses {
            return (SetOutcome::Done, false);
        }
        self.shown.insert(user.to_owned(), state.to_owned());
        (SetOutcome::Done, true)
    }
}

type Shared = Arc<Mutex<Played>>;

fn lock(played: &Shared) -> MutexGuard<'_, Played> {
    played.lock().unwrap_or_else(PoisonError::into_inner)
}

type Reports = Result<Vec<SystemReport>, ConnectError>;

/// A system in memory.
#[derive(Clone)]
pub struct PlayedMemory {
    played: Shared,
    reports: Arc<Mutex<Option<mpsc::UnboundedSender<Reports>>>>,
}

impl Default for PlayedMemory {
    fn default() -> Self {
        Self {
            played: Arc::new(Mutex::new(Played::with(STATES[0]))),
            reports: Arc::default(),
        }
    }
}

impl PlayedMemory {
    fn say(&self, reports: Reports) {
        let sender = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = &*sender {
            let _ = sender.send(reports);
        }
    }

    fn is_answered(&self) -> Result<(), ConnectError> {
        let mut played = lock(&self.played);
        if played.unanswered == 0 {
            return Ok(());
        }
        played.unanswered -= 1;
        Err(ConnectError::NoAnswer("not in time".to_owned()))
    }
}

/// A request without an answer is made again; the other users keep their connection.
#[tokio::test]
async fn a_request_without_an_answer_is_made_again() {
    let system = PlayedMemory::default();
    let host = TestHost::new();
    let mut connector = system.connector();
    let test = async {
        host.until("both are observed", |host| host.observed.len() == 2)
            .await;
        lock(&system.played).unanswered = 2;
        let number = host.command("ann", STATES[1]);
        host.until("it is done", |host| host.done.contains(&(number, None)))
            .await;
        assert_eq!(system.shown("ann"), STATES[1]);
        // Nor does a question.
        lock(&system.played).loses = true;
        let number = host.command("ann", STATES[0]);
        host.until("it is done", |host| host.done.contains(&(number, None)))
            .await;
        lock(&system.played).unanswered = 1;
        host.unconfirmed("ann", STATES[0]);
        host.until("it was read", |host| host.again > 0).await;
        assert!(host.seen(|host| host.lost == 0));
    };
    tokio::select! {
        never = drive("pbx", &mut *connector, &host, crate::settings()) => never,
        () = test => {}
    }
}

#[async_trait]
impl PlayedSystem for PlayedMemory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn connector(&self) -> Box<dyn Connector> {
        Box::new(self.clone())
    }

    fn states(&self) -> [&'static str; 2] {
        STATES
    }

    async fn choose(&self, user: &str, state: &str) {
        if let Some(shown) = lock(&self.played).shown.get_mut(user) {
            state.clone_into(shown);
        }
        let kind = ReportKind::Changed(state.to_owned());
        self.say(Ok(vec![SystemReport::new(user, kind)]));
    }

    fn shown(&self, user: &str) -> String {
        lock(&self.played)
            .shown
            .get(user)
            .cloned()
            .unwrap_or_default()
    }

    fn times_set(&self, user: &str) -> usize {
        lock(&self.played)
            .times
            .get(user)
            .copied()
            .unwrap_or_default()
    }

    fn refuse(&self, refuse: bool) {
        lock(&self.played).refuses = refuse;
    }

    fn busy(&self, busy: bool) {
        lock(&self.played).is_busy = busy;
    }

    fn lose(&self, lose: bool) {
        lock(&self.played).loses = lose;
    }

    async fn cut(&self) {
        lock(&self.played).is_cut = true;
        self.say(Err(ConnectError::lost("cut")));
        *self.reports.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn mend(&self) {
        lock(&self.played).is_cut = false;
    }
}

#[async_trait]
impl Connector for PlayedMemory {
    async fn connect(&mut self, users: &[SystemUser]) -> Result<Connection, ConnectError> {
        if lock(&self.played).is_cut {
            return Err(ConnectError::lost("cut"));
        }
        let (sender, receiver) = mpsc::unbounded_channel();
        let first = users.iter().map(|user| {
            let state = lock(&self.played).shown.get(&user.id).cloned();
            SystemReport::new(&user.id, ReportKind::Observed(state))
        });
        let _ = sender.send(Ok(first.collect()));
        *self.reports.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        Ok(Connection {
            source: Box::new(MemorySource(receiver)),
            sink: Box::new(self.clone()),
        })
    }
}

struct MemorySource(mpsc::UnboundedReceiver<Reports>);

#[async_trait]
impl ReportSource for MemorySource {
    async fn next(&mut self) -> Reports {
        let next = self.0.recv().await;
        next.unwrap_or_else(|| Err(ConnectError::lost("ended")))
    }
}

#[async_trait]
impl CommandSink for PlayedMemory {
    async fn set(&self, command: &SystemCommand) -> Result<SetOutcome, ConnectError> {
        self.is_answered()?;
        let (outcome, changed) = lock(&self.played).set(&command.user, &command.state);
        if changed {
            let kind = ReportKind::Changed(command.state.clone());
            self.say(Ok(vec![SystemReport::new(&command.user, kind)]));
        }
        Ok(outcome)
    }

    async fn read(&self, user: &str) -> Result<Option<SystemReport>, ConnectError> {
        self.is_answered()?;
        let state = lock(&self.played).shown.get(user).cloned();
        Ok(Some(SystemReport::new(user, ReportKind::Observed(state))))
    }
}

/// An adapter of `exec`, which files in a folder direct.
pub struct PlayedAdapter {
    folder: tempfile::TempDir,
}

const ADAPTER: &str = include_str!("adapter.py");

impl PlayedAdapter {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("there is room");
        let played = Self { folder };
        played.write("adapter.py", ADAPTER);
        for user in ["ann", "bob"] {
            played.write(&format!("shown-{user}"), STATES[0]);
        }
        played
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        // As a whole, because the adapter looks at any time.
        let new = self.at(&format!("{name}.new"));
        std::fs::write(&new, text).expect("there is room");
        std::fs::rename(new, self.at(name)).expect("there is room");
    }

    fn flag(&self, name: &str, on: bool) {
        if on {
            self.write(name, "");
        } else {
            let _ = std::fs::remove_file(self.at(name));
        }
    }
}

#[async_trait]
impl PlayedSystem for PlayedAdapter {
    fn name(&self) -> &'static str {
        "exec"
    }

    fn connector(&self) -> Box<dyn Connector> {
        let settings =
            serde_json::json!({ "connector": "exec", "command": ["python3", "adapter.py"] });
        let settings: ConnectorSettings = serde_json::from_value(settings).expect("they are right");
        let place = ConnectorPlace {
            system: "pbx",
            folder: self.folder.path(),
            secrets: &|_| Ok(Secret::from("")),
            has_program: &|_| true,
        };
        settings.make(&place).expect("it can be made")
    }

    fn states(&self) -> [&'static str; 2] {
        STATES
    }

    async fn choose(&self, user: &str, state: &str) {
        let name = format!("shown-{user}");
        if self.at(&name).exists() {
            self.write(&name, state);
        }
    }

    fn shown(&self, user: &str) -> String {
        std::fs::read_to_string(self.at(&format!("shown-{user}"))).unwrap_or_default()
    }

    fn times_set(&self, user: &str) -> usize {
        let times = std::fs::read_to_string(self.at(&format!("times-{user}")));
        times.unwrap_or_default().len()
    }

    fn refuse(&self, refuse: bool) {
        self.flag("refuse", refuse);
    }

    fn busy(&self, busy: bool) {
        self.flag("busy", busy);
    }

    fn lose(&self, lose: bool) {
        self.flag("lose", lose);
    }

    async fn cut(&self) {
        self.flag("cut", true);
    }

    fn mend(&self) {
        self.flag("cut", false);
    }

    fn can_be_read(&self) -> bool {
        false
    }
}
