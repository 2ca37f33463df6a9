//! Batches of events say what the engine says of each event, whatever they are cut into, and a store goes on where it was.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;
use std::rc::Rc;

use presync_engine::{Command, Engine, EngineError, EventMessage, SavedSession, SessionStore};
use presync_service::store::{EmbeddedStore, RecordStore};
use presync_service::{Core, EventAnswer, NumberedCommand};

use crate::{Numbers, events, tables};

/// Sessions that can be looked at.
#[derive(Clone, Default)]
struct SharedSessions(Rc<RefCell<BTreeMap<String, SavedSession>>>);

impl SessionStore for SharedSessions {
    type Error = Infallible;

    fn load(&mut self, user: &str) -> Result<Option<SavedSession>, Infallible> {
        Ok(self.0.borrow().get(user).cloned())
    }

    fn store(&mut self, user: &str, session: SavedSession) -> Result<(), Infallible> {
        self.0.borrow_mut().insert(user.to_owned(), session);
        Ok(())
    }
}

fn open(path: &Path) -> Core<EmbeddedStore> {
    let store = EmbeddedStore::open(path).expect("the store opens");
    Core::new(tables(), store).expect("the store can be read")
}

#[test]
fn batches_say_what_the_engine_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store");
    let tables = tables();
    let mut numbers = Numbers(3);
    let lines = events(&tables, 3_000, 17, &mut numbers);
    let sessions = SharedSessions::default();
    let mut engine = Engine::new(tables.clone(), sessions.clone());
    let expected: Vec<Result<Vec<Command>, &'static str>> = lines
        .iter()
        .map(|line| {
            let message = EventMessage::parse(line).map_err(|rejection| rejection.code())?;
            engine.receive(&message).map_err(|error| match error {
                EngineError::Rejected(rejection) => rejection.code(),
                EngineError::Store(_) => "store",
            })
        })
        .collect();
    let mut core = open(&path);
    let mut answers: Vec<EventAnswer> = Vec::new();
    let mut rest = &lines[..];
    while !rest.is_empty() {
        let (batch, more) = rest.split_at((1 + numbers.below(100)).min(rest.len()));
        answers.extend(
            core.apply(batch, jiff::Timestamp::UNIX_EPOCH)
                .expect("the store works"),
        );
        rest = more;
        if numbers.below(5) == 0 {
            // tests/live/kills.py ends the process instead.
            drop(core);
            core = open(&path);
        }
    }
    let mut all: Vec<NumberedCommand> = Vec::new();
    let (mut sent, mut rejected) = (0, 0);
    for ((line, answer), expected) in lines.iter().zip(&answers).zip(&expected) {
        match (answer, expected) {
            (EventAnswer::Applied { commands, .. }, Ok(expected)) => {
                let plain: Vec<Command> = commands.iter().map(|one| one.command.clone()).collect();
                assert_eq!(plain, *expected, "{line}");
                sent += plain.len();
                all.extend(commands.iter().cloned());
            }
            (EventAnswer::Rejected { error, .. }, Err(code)) => {
                assert_eq!(error, code, "{line}");
                rejected += 1;
            }
            other => panic!("{line}: {other:?}"),
        }
    }
    assert!(
        sent > 300 && rejected > 100,
        "{sent} sent, {rejected} rejected"
    );
    // The stream has all commands in order, numbered from 1.
    assert_eq!(
        core.store()
            .commands_after(0, usize::MAX)
            .expect("the store works"),
        all
    );
    assert!(all.iter().map(|one| one.number).eq(1..=all.len() as u64));
    // What waits is the newest of each user and system, unless it was confirmed or overruled by hand.
    let mut newest: BTreeMap<(String, String), NumberedCommand> = BTreeMap::new();
    for command in all {
        let system = command.command.set.keys().next().cloned();
        let system = system.unwrap_or_default();
        newest.insert((command.command.user.clone(), system), command);
    }
    let sent = newest.len();
    newest.retain(|(user, system), _| {
        let session = serde_json::to_value(&sessions.0.borrow()[user]).expect("it is JSON");
        !session["systems"][system]["unconfirmed"].is_null()
    });
    assert!(
        !newest.is_empty() && newest.len() < sent,
        "{} of {sent}",
        newest.len()
    );
    let mut newest: Vec<NumberedCommand> = newest.into_values().collect();
    newest.sort_by_key(|one| one.number);
    assert_eq!(
        core.store()
            .waiting(&|_| true, usize::MAX)
            .expect("the store works"),
        newest
    );
    // Carried out, they do not wait any more; twice makes no difference.
    for command in &newest {
        let user = &command.command.user;
        assert!(
            core.acknowledge(user, command.number)
                .expect("the store works")
        );
        assert!(
            !core
                .acknowledge(user, command.number)
                .expect("the store works")
        );
    }
    assert!(
        core.store()
            .waiting(&|_| true, usize::MAX)
            .expect("the store works")
            .is_empty()
    );
}

#[test]
fn a_user_can_be_forgotten() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut core = open(&folder.path().join("store"));
    let lines = events(&tables(), 200, 2, &mut Numbers(9));
    core.apply(&lines, jiff::Timestamp::UNIX_EPOCH)
        .expect("the store works");
    assert!(core.forget("user 0").expect("the store works"));
    assert!(!core.forget("user 0").expect("the store works"));
    assert_eq!(core.store().load("user 0").expect("the store works"), None);
    let waiting = core
        .store()
        .waiting(&|_| true, usize::MAX)
        .expect("the store works");
    assert!(waiting.iter().all(|one| one.command.user == "user 1"));
}

#[test]
fn another_file_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store");
    std::fs::write(&path, "not a store").expect("the folder is writable");
    assert!(EmbeddedStore::open(&path).is_err());
    let path = folder.path().join("other");
    let _one = EmbeddedStore::open(&path).expect("the store opens");
    // Another process has it.
    assert!(EmbeddedStore::open(&path).is_err());
}
