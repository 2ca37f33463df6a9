//! Events applied to records, in batches: each batch is one transaction of the store, so that one write to the disk is shared by
//! all events that wait together.

use std::collections::BTreeMap;

use presync_engine::{
    Delivery, Effect, Event, EventMessage, Rejection, SessionEngine, SystemDecision, Tables,
};
use serde::Serialize;

use crate::pause::{PauseTarget, Paused};
use crate::record::{DecisionNote, MOST_DECISIONS, NumberedCommand, UserRecord};
use crate::store::{Changes, RecordStore, StoreError};

/// What an event led to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum EventAnswer {
    Applied {
        /// What became of its change: `recorded`, `echo`, `late-echo`, `same`, `unknown`, `stale`; `paused`: it was observed.
        effect: &'static str,
        commands: Vec<NumberedCommand>,
        /// The number of commands that have waited too long.
        #[serde(skip_serializing_if = "is_zero")]
        lapsed: usize,
    },
    /// It changed nothing.
    Rejected {
        /// The code of the rejection, as `run` writes it.
        error: &'static str,
        message: String,
    },
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// See the module.
pub struct Core<S> {
    engine: SessionEngine,
    store: S,
    /// Of the newest command.
    number: u64,
    paused: Paused,
}

impl<S: RecordStore> Core<S> {
    /// # Errors
    /// The store cannot be read.
    pub fn new(tables: Tables, store: S) -> Result<Self, StoreError> {
        let number = store.last_number()?;
        let paused = store.paused()?;
        Ok(Self {
            engine: SessionEngine::new(tables),
            store,
            number,
            paused,
        })
    }

    /// The number of the newest command that is durable.
    pub fn number(&self) -> u64 {
        self.number
    }

    pub fn store(&self) -> &S {
        &self.store
    }

    pub fn paused(&self) -> &Paused {
        &self.paused
    }

    /// Pauses something, or goes on with it.
    ///
    /// # Errors
    /// The store fails: then it is as before.
    pub fn pause(&mut self, target: &PauseTarget, pause: bool) -> Result<(), StoreError> {
        let paused = self.paused.with(target, pause);
        self.store.set_paused(&paused)?;
        self.paused = paused;
        Ok(())
    }

    /// The newest commands that nobody has carried out: those that are wanted, by user and system; none of what is paused.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn waiting(
        &self,
        is_wanted: &dyn Fn(&str, &str) -> bool,
        most: usize,
    ) -> Result<Vec<NumberedCommand>, StoreError> {
        let is_sent =
            |user: &str, system: &str| is_wanted(user, system) && !self.paused.holds(user, system);
        self.store.waiting(&is_sent, most)
    }

    pub fn tables(&self) -> &Tables {
        self.engine.tables()
    }

    /// Switches to other tables between two batches. Sessions are kept by names.
    pub fn swap(&mut self, tables: Tables) {
        self.engine = SessionEngine::new(tables);
    }

    /// Applies events in order and makes their results durable; each event is a line of JSON. `now`: the time of the service.
    ///
    /// # Errors
    /// The store fails: then no event has been applied.
    pub fn apply(
        &mut self,
        events: &[String],
        now: jiff::Timestamp,
    ) -> Result<Vec<EventAnswer>, StoreError> {
        let mut batch = EventBatch {
            engine: &self.engine,
            store: &self.store,
            paused: &self.paused,
            number: self.number,
            now,
            records: BTreeMap::new(),
            commands: Vec::new(),
        };
        let answers: Result<Vec<EventAnswer>, StoreError> =
            events.iter().map(|event| batch.event(event)).collect();
        let answers = answers?;
        let (number, commands) = (batch.number, batch.commands);
        let records = batch.records;
        let changed = records.iter().filter(|(_, record)| record.changed);
        let changes = Changes {
            records: changed
                .map(|(user, record)| (user.as_str(), Some(&record.record)))
                .collect(),
            commands,
            durable: true,
        };
        if !changes.records.is_empty() {
            self.store.commit(&changes)?;
        }
        self.number = number;
        Ok(answers)
    }

    /// Whether the store has room for what comes.
    ///
    /// # Errors
    /// It has not.
    pub fn probe(&mut self) -> Result<(), StoreError> {
        self.store.probe()
    }

    /// The state that a system should show by a command that it has not confirmed; `None` if none is left.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn unconfirmed(&self, user: &str, system: &str) -> Result<Option<String>, StoreError> {
        let schema = self.engine.schema();
        let Some(record) = self.store.load(user)? else {
            return Ok(None);
        };
        let session = self.engine.load(record.session, &mut |_| {});
        let view = schema
            .find_system(system)
            .and_then(|id| session.systems.get(id.index()));
        let pending = view.and_then(|view| view.pending.last());
        Ok(pending.map(|pending| {
            let shown = schema.reads(pending.shown.state);
            schema.state(shown).wire().to_owned()
        }))
    }

    /// A command was carried out: nobody sends it again. Returns whether it waited.
    ///
    /// # Errors
    /// The store fails.
    pub fn acknowledge(&mut self, user: &str, number: u64) -> Result<bool, StoreError> {
        let Some(mut record) = self.store.load(user)? else {
            return Ok(false);
        };
        let before = record.waiting.len();
        record.waiting.retain(|_, waiting| waiting.number != number);
        if record.waiting.len() == before {
            return Ok(false);
        }
        let changes = Changes {
            records: vec![(user, Some(&record))],
            ..Changes::default()
        };
        self.store.commit(&changes)?;
        Ok(true)
    }

    /// Forgets a user, and what is kept of the commands to this user. Returns whether there was one.
    ///
    /// # Errors
    /// The store fails.
    pub fn forget(&mut self, user: &str) -> Result<bool, StoreError> {
        if self.store.load(user)?.is_none() {
            return Ok(false);
        }
        let changes = Changes {
            records: vec![(user, None)],
            durable: true,
            ..Changes::default()
        };
        self.store.commit(&changes)?;
        Ok(true)
    }
}

/// Events that become durable together.
struct EventBatch<'a, S> {
    engine: &'a SessionEngine,
    store: &'a S,
    paused: &'a Paused,
    number: u64,
    now: jiff::Timestamp,
    /// By user.
    records: BTreeMap<String, LoadedRecord>,
    commands: Vec<NumberedCommand>,
}

struct LoadedRecord {
    record: UserRecord,
    changed: bool,
}

impl<S: RecordStore> EventBatch<'_, S> {
    fn event(&mut self, text: &str) -> Result<EventAnswer, StoreError> {
        let rejected = |rejection: &Rejection| EventAnswer::Rejected {
            error: rejection.code(),
            message: rejection.to_string(),
        };
        let message = match EventMessage::parse(text) {
            Ok(message) => message,
            Err(rejection) => return Ok(rejected(&rejection)),
        };
        let mut event = match message.resolve(self.engine.schema()) {
            Ok(event) => event,
            Err(rejection) => return Ok(rejected(&rejection)),
        };
        let user = message.user.as_ref();
        let is_held = self.hold(user, &mut event);
        if !self.records.contains_key(user) {
            let known = self.store.load(user)?;
            let loaded = LoadedRecord {
                record: known.unwrap_or_default(),
                changed: false,
            };
            self.records.insert(user.to_owned(), loaded);
        }
        let loaded = self.records.get_mut(user);
        let loaded = loaded.ok_or_else(|| StoreError("a record was lost".to_owned()))?;
        // Names that the tables no longer have are ignored: there is nothing left to do for them.
        let saved = loaded.record.session.clone();
        let mut session = self.engine.load(saved, &mut |_| {});
        let applied = match self.engine.apply(&mut session, &event) {
            Ok(applied) => applied,
            Err(rejection) => return Ok(rejected(&rejection)),
        };
        loaded.changed = true;
        loaded.record.session = self.engine.save(&session);
        let mut commands = Vec::new();
        for decided in &applied.decisions {
            let cause = message.id.and_then(|id| serde_json::from_str(id).ok());
            let to = &self.engine.schema().system(decided.to).name;
            let is_sent = decided.delivery == Delivery::Sent && !self.paused.holds(user, to);
            let sent = is_sent.then(|| {
                self.engine
                    .command(user, decided, cause, message.at.clone())
            });
            if let Some(command) = sent.flatten() {
                self.number += 1;
                let numbered = NumberedCommand {
                    number: self.number,
                    command,
                };
                let system = self.engine.schema().system(decided.to).name.clone();
                loaded.record.waiting.insert(system, numbered.clone());
                commands.push(numbered);
            }
            let note = note(self.engine, decided, self.now);
            loaded.record.decisions.push_back(note);
        }
        // What the system has confirmed, or somebody has overruled by hand, is not to be carried out any more.
        let systems = self.engine.schema().systems().zip(&session.systems);
        for ((_, system), view) in systems {
            if view.pending.is_empty() {
                loaded.record.waiting.remove(&system.name);
            }
        }
        while loaded.record.decisions.len() > MOST_DECISIONS {
            loaded.record.decisions.pop_front();
        }
        self.commands.extend(commands.iter().cloned());
        Ok(EventAnswer::Applied {
            effect: if is_held {
                "paused"
            } else {
                effect(applied.effect)
            },
            commands,
            lapsed: applied.lapsed.len(),
        })
    }
}

impl<S> EventBatch<'_, S> {
    /// What is paused is observed: nothing is decided. Returns whether the event was a change of it.
    fn hold(&self, user: &str, event: &mut Event) -> bool {
        let schema = self.engine.schema();
        let holds = |system| self.paused.holds(user, &schema.system(system).name);
        let held = event.change.filter(|state| holds(state.system()));
        if let Some(state) = held {
            event.change = None;
            event.observe.push((state.system(), Some(state)));
        }
        if self.paused.all || self.paused.users.contains(user) {
            event.resync = None;
        }
        held.is_some()
    }
}

fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Recorded => "recorded",
        Effect::Echo => "echo",
        Effect::LateEcho => "late-echo",
        Effect::Same => "same",
        Effect::Unknown => "unknown",
        Effect::Stale => "stale",
    }
}

fn note(
    engine: &SessionEngine,
    decided: &SystemDecision<'_>,
    now: jiff::Timestamp,
) -> DecisionNote {
    let schema = engine.schema();
    let origin = decided.decision.origin.as_ref();
    DecisionNote {
        at: now,
        system: schema.system(decided.to).name.clone(),
        outcome: match decided.delivery {
            Delivery::Sent => "sent",
            Delivery::Same => "same",
            Delivery::Unchanged => "unchanged",
            Delivery::Unmapped => "unmapped",
        }
        .to_owned(),
        state: decided.state.map(|state| schema.state(state).name.clone()),
        profile: origin.map(|origin| origin.profile.clone()),
        rule: origin.map(|origin| origin.rule.clone()),
    }
}
