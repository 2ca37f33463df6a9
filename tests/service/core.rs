//! Batches of events say what the engine says of each event, whatever they are cut into, and a store goes on where it was.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;
use std::rc::Rc;

use presync_engine::{Command, Engine, EngineError, EventMessage, SavedSession, SessionStore};
use presync_service::store::{EmbeddedStore, RecordStore, backup, restore};
use presync_service::{Core, EventAnswer, NumberedCommand, PauseTarget};

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

/// A store that begins with a backup goes on like the old one.
#[test]
fn a_backup_begins_a_new_store() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = |name: &str| EmbeddedStore::open(&folder.path().join(name)).expect("it opens");
    let mut old = Core::new(tables(), open("old")).expect("it can be read");
    let all = events(&tables(), 2_000, 30, &mut Numbers(5));
    let (first, second) = all.split_at(1_500);
    old.apply(first, jiff::Timestamp::UNIX_EPOCH)
        .expect("it works");
    let target = PauseTarget {
        user: Some("user 3".to_owned()),
        ..PauseTarget::default()
    };
    old.pause(&target, true).expect("it works");
    let text = backup(old.store()).expect("it can be read");
    let mut store = open("new");
    assert_eq!(restore(&mut store, &text).expect("it is whole"), 30);
    let mut new = Core::new(tables(), store).expect("it can be read");
    assert_eq!((new.number(), new.paused()), (old.number(), old.paused()));
    let answers = [&mut old, &mut new].map(|core| {
        let answers = core.apply(second, jiff::Timestamp::UNIX_EPOCH);
        let waiting = core.waiting(&|_| true, usize::MAX);
        (answers.expect("it works"), waiting.expect("it works"))
    });
    assert_eq!(answers[0], answers[1]);
    // A part of it, or something else.
    let cut = text.lines().take(20).collect::<Vec<_>>().join("\n");
    for (text, wanted) in [
        ("", "the backup is empty"),
        (&*cut, "it is not whole"),
        ("{}", "an error in line 1: missing field `format`"),
        (&text[..text.len() - 9], "an error in line 31"),
        (
            &text.replace("presync-backup 1", "presync-backup 2"),
            "this version reads `presync-backup 1`",
        ),
    ] {
        let error = restore(&mut open("other"), text).expect_err("it is refused");
        assert!(error.to_string().contains(wanted), "{error}");
    }
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
