//! Events applied to records, in batches: each batch is one transaction of the store, so that one write to the disk is shared by
//! all events that wait together.

use std::collections::BTreeMap;

use presync_engine::{
    Delivery, Effect, Event, EventMessage, Rejection, Resync, Session, SessionEngine,
    SystemDecision, Tables,
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::pause::{PauseTarget, Paused};
use crate::record::{DecisionNote, MOST_DECISIONS, NumberedCommand, UserRecord};
use crate::store::{Changes, CommandPlace, RecordStore, StoreError};

/// What an event led to.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum EventAnswer {
    Applied {
        /// What became of its change: `recorded`, `echo`, `late-echo`, `same`, `unknown`, `stale`; `paused`: it was observed.
        effect: &'static str,
        commands: Vec<NumberedCommand>,
        /// What became of each decision: `sent`, `same`, `unchanged`, `unmapped`; `held` if it is paused.
        #[serde(skip)]
        outcomes: Vec<&'static str>,
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

impl EventAnswer {
    /// The commands of an event that was applied.
    pub fn commands(&self) -> Option<&[NumberedCommand]> {
        match self {
            Self::Applied { commands, .. } => Some(commands),
            Self::Rejected { .. } => None,
        }
    }
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// Decide again what a user's systems should show.
#[derive(Debug, Clone)]
pub struct AgainRequest {
    pub user: String,
    /// Not while a command is on its way.
    pub waits_for_echo: bool,
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

    /// The newest commands that nobody has carried out: those that are wanted; none of what is paused.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn waiting(
        &self,
        is_wanted: &dyn Fn(CommandPlace<'_>) -> bool,
        most: usize,
    ) -> Result<Vec<NumberedCommand>, StoreError> {
        let is_sent = |place: CommandPlace<'_>| {
            is_wanted(place) && !self.paused.holds(place.user, place.system)
        };
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
        self.batch(now, |batch| {
            let answers = events.iter().map(|event| batch.event(event));
            answers.collect()
        })
    }

    /// Decides again what the systems of users should show, and makes it durable. It compares with what the systems have reported
    /// last, so the echo of a command on its way has to come first: returns the users for whom one is, and what became of the others.
    ///
    /// # Errors
    /// The store fails: then nothing was decided.
    pub fn decide_again(
        &mut self,
        requests: &[AgainRequest],
        now: jiff::Timestamp,
    ) -> Result<(Vec<String>, Vec<EventAnswer>), StoreError> {
        self.batch(now, |batch| {
            let (mut waiting, mut answers) = (Vec::new(), Vec::new());
            for request in requests {
                match batch.decide_again(request)? {
                    Some(answer) => answers.push(answer),
                    None => waiting.push(request.user.clone()),
                }
            }
            Ok((waiting, answers))
        })
    }

    /// Does something with records, and makes it durable as a whole.
    fn batch<T>(
        &mut self,
        now: jiff::Timestamp,
        work: impl FnOnce(&mut EventBatch<'_, S>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut batch = EventBatch {
            engine: &self.engine,
            store: &self.store,
            paused: &self.paused,
            number: self.number,
            now,
            records: BTreeMap::new(),
            commands: Vec::new(),
        };
        let done = work(&mut batch)?;
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
        Ok(done)
    }

    /// Keeps what the connector of a system wants to know about users when it connects again. What may be lost is what the
    /// connector says within a moment before a crash.
    ///
    /// # Errors
    /// The store fails.
    pub fn remember(
        &mut self,
        system: &str,
        memories: Vec<(String, String)>,
    ) -> Result<(), StoreError> {
        let mut records = BTreeMap::new();
        for (user, memory) in memories {
            if !records.contains_key(&user) {
                let record = self.store.load(&user)?.unwrap_or_default();
                records.insert(user.clone(), record);
            }
            if let Some(record) = records.get_mut(&user) {
                record.memories.insert(system.to_owned(), memory);
            }
        }
        let records = records
            .iter()
            .map(|(user, record)| (user.as_str(), Some(record)));
        self.store.commit(&Changes {
            records: records.collect(),
            ..Changes::default()
        })
    }

    /// What the connector of a system has remembered of users, in their order.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn memories(
        &self,
        system: &str,
        users: &[String],
    ) -> Result<Vec<Option<String>>, StoreError> {
        let memory = |user: &String| {
            let record = self.store.load(user)?;
            Ok(record.and_then(|mut record| record.memories.remove(system)))
        };
        users.iter().map(memory).collect()
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
        let event = match message.resolve(self.engine.schema()) {
            Ok(event) => event,
            Err(rejection) => return Ok(rejected(&rejection)),
        };
        let cause = message.id.and_then(|id| serde_json::from_str(id).ok());
        self.apply(message.user.as_ref(), event, (cause, message.at))
    }

    /// `None` if a command is on its way that is to be waited for.
    fn decide_again(&mut self, request: &AgainRequest) -> Result<Option<EventAnswer>, StoreError> {
        let user = &*request.user;
        let saved = self.record(user)?.record.session.clone();
        let session = self.engine.load(saved, &mut |_| {});
        let mut systems = session.systems.iter();
        let is_on_its_way = systems.any(|view| view.pending.iter().any(|one| !one.lapsed));
        if request.waits_for_echo && is_on_its_way {
            return Ok(None);
        }
        // A system whose clock is ahead makes nothing older than what it said.
        let newest = session.systems.iter().filter_map(|view| view.at).max();
        let newest = newest.and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
        let at = newest.map_or(self.now, |newest| newest.max(self.now));
        let mut event = Event::resync_by_hand_last();
        event.at = Some(at.as_millisecond());
        let answer = self.apply(user, event, (None, Some(at.to_string())))?;
        if let EventAnswer::Rejected { message, .. } = &answer {
            tracing::warn!(user, message, "a user's systems were not decided again");
        }
        Ok(Some(answer))
    }

    fn record(&mut self, user: &str) -> Result<&mut LoadedRecord, StoreError> {
        if !self.records.contains_key(user) {
            let known = self.store.load(user)?;
            let loaded = LoadedRecord {
                record: known.unwrap_or_default(),
                changed: false,
            };
            self.records.insert(user.to_owned(), loaded);
        }
        let loaded = self.records.get_mut(user);
        loaded.ok_or_else(|| StoreError("a record was lost".to_owned()))
    }

    fn apply(
        &mut self,
        user: &str,
        mut event: Event,
        (cause, at): (Option<serde_json::Value>, Option<String>),
    ) -> Result<EventAnswer, StoreError> {
        let engine = self.engine;
        // Names that the tables no longer have are ignored: there is nothing left to do for them.
        let saved = self.record(user)?.record.session.clone();
        let mut session = engine.load(saved, &mut |_| {});
        let is_held = self.hold(user, &session, &mut event);
        let applied = match engine.apply(&mut session, &event) {
            Ok(applied) => applied,
            Err(rejection) => {
                return Ok(EventAnswer::Rejected {
                    error: rejection.code(),
                    message: rejection.to_string(),
                });
            }
        };
        let (paused, now, mut number) = (self.paused, self.now, self.number);
        let loaded = self.record(user)?;
        let record = &mut loaded.record;
        loaded.changed = true;
        let mut commands = Vec::new();
        let mut outcomes = Vec::new();
        for decided in &applied.decisions {
            outcomes.push(outcome(decided.delivery));
            let system = &engine.schema().system(decided.to).name;
            record.decisions.push_back(note(engine, decided, now));
            if decided.delivery != Delivery::Sent {
                continue;
            }
            if paused.holds(user, system) {
                // It is decided again later. An older one may be on its way: its echo is still recognized.
                outcomes.pop();
                outcomes.push("held");
                let pending = &mut session.systems[decided.to.index()].pending;
                pending.pop();
                if record.waiting.remove(system).is_some() {
                    pending.iter_mut().for_each(|older| older.lapsed = true);
                }
                continue;
            }
            let command = engine.command(user, decided, cause.clone(), at.clone());
            if let Some(command) = command {
                number += 1;
                let numbered = NumberedCommand { number, command };
                record.waiting.insert(system.clone(), numbered.clone());
                commands.push(numbered);
            }
        }
        record.session = engine.save(&session);
        // What the system has confirmed, or somebody has overruled by hand, is not to be carried out any more.
        let systems = engine.schema().systems().zip(&session.systems);
        for ((_, system), view) in systems {
            if view.pending.is_empty() {
                record.waiting.remove(&system.name);
            }
        }
        while record.decisions.len() > MOST_DECISIONS {
            record.decisions.pop_front();
        }
        self.number = number;
        self.commands.extend(commands.iter().cloned());
        Ok(EventAnswer::Applied {
            effect: if is_held {
                "paused"
            } else {
                effect(applied.effect)
            },
            commands,
            outcomes,
            lapsed: applied.lapsed.len(),
        })
    }
}

impl<S> EventBatch<'_, S> {
    /// What is paused is observed: nothing is decided from it. Returns whether the event wanted that.
    fn hold(&self, user: &str, session: &Session, event: &mut Event) -> bool {
        let schema = self.engine.schema();
        let holds = |system| self.paused.holds(user, &schema.system(system).name);
        let change = event.change.filter(|state| holds(state.system()));
        if let Some(state) = change {
            event.change = None;
            event.observe.push((state.system(), Some(state)));
        }
        let resync = event.resync.filter(|resync| match resync {
            Resync::System(system) => holds(*system),
            // What the event itself observes may be the newest.
            Resync::ByHandLast => {
                let observed = event.observe.iter().map(|(system, _)| *system);
                session.by_hand_last.into_iter().chain(observed).any(holds)
            }
        });
        if resync.is_some() {
            event.resync = None;
        }
        change.is_some() || resync.is_some()
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

fn outcome(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Sent => "sent",
        Delivery::Same => "same",
        Delivery::Unchanged => "unchanged",
        Delivery::Unmapped => "unmapped",
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
        outcome: outcome(decided.delivery).to_owned(),
        state: decided.state.map(|state| schema.state(state).name.clone()),
        profile: origin.map(|origin| origin.profile.clone()),
        rule: origin.map(|origin| origin.rule.clone()),
    }
}
