//! In: a user's session and an event. Out: the session after it, the commands, and what happened to each system.
//! Errors: a rejection; the session is as it was.

use std::sync::RwLock;

use indexmap::IndexSet;
use rustc_hash::FxHashMap;
use serde_json::json;
use smallvec::SmallVec;

use crate::run::event::{Event, Rejection};
use crate::table::{Decision, Outcome, System, Table, Tables};

/// Unconfirmed commands that are remembered for each system of a user; the oldest is forgotten.
pub const MAX_UNCONFIRMED: usize = 8;

/// What sessions run on.
#[derive(Debug)]
pub struct Engine<'t> {
    pub tables: &'t Tables,
    /// How long a command waits for its echo, in milliseconds of event time.
    pub echo_milliseconds: i64,
    /// For each decision that sets something, by its address: the end of its command's line.
    ends: FxHashMap<usize, Box<[u8]>>,
    /// Appendices by number; 0 is the empty one.
    appends: RwLock<IndexSet<Box<[String]>>>,
}

/// What is known of one user, in one place in memory for the usual sizes: a stream goes from user to user, and each place
/// that it has to look at costs as much as parsing does. Appendices are numbers of the engine that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub role: Option<usize>,
    /// A value for each fact.
    pub facts: SmallVec<[u32; 8]>,
    pub systems: SmallVec<[Shown; 2]>,
}

/// What is known of one system of a user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// The state last reported or confirmed, with its appendix.
    pub reported: Option<(u32, u32)>,
    /// Commands that have not been confirmed, oldest first.
    pub unconfirmed: SmallVec<[Sent; 1]>,
    /// The last command, until the system shows something else by itself.
    pub last: Option<Last>,
}

/// A command and the change that it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Last {
    pub state: u32,
    pub append: u32,
    /// The system that had changed, and what to.
    pub cause: (usize, u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    pub state: u32,
    pub append: u32,
    /// In milliseconds since 1970, where the event said when.
    pub at: Option<i64>,
}

impl Shown {
    /// The last unconfirmed command, else what was last reported or confirmed.
    pub fn current(&self) -> Option<(u32, u32)> {
        self.unconfirmed.last().map(|sent| (sent.state, sent.append)).or(self.reported)
    }

    /// Takes a report in; says what it was.
    fn report(&mut self, state: u32) -> Happened {
        if let Some(at) = self.unconfirmed.iter().position(|sent| sent.state == state) {
            let append = self.unconfirmed[at].append;
            self.unconfirmed.drain(..=at);
            self.reported = Some((state, append));
            return Happened::Echo;
        }
        if self.reported.is_some_and(|(reported, _)| reported == state) {
            return Happened::Same;
        }
        self.unconfirmed.clear();
        self.reported = Some((state, 0));
        self.last = None;
        Happened::Recorded
    }

    /// Records what is shown, without a word on whose doing it is: commands stay under way.
    fn observe(&mut self, state: Option<u32>) {
        match state {
            None => *self = Self::default(),
            Some(state) if self.reported.is_some_and(|(reported, _)| reported == state) => {}
            Some(state) => self.reported = Some((state, 0)),
        }
    }
}

/// What an event was to the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happened {
    /// Facts, a role or states were recorded, or a change was.
    Recorded,
    /// Our own command came back.
    Echo,
    /// The state was known already.
    Same,
    /// There is no state to decide again.
    Unknown,
}

/// What became of one system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Sent,
    /// It shows the outcome already.
    Same,
    Unchanged,
    Unmapped,
}

/// One decision that an event led to.
#[derive(Debug)]
pub struct Decided<'t> {
    pub to: usize,
    pub verdict: Verdict,
    pub decision: &'t Decision,
}

/// Those of one event.
pub type Decisions<'t> = SmallVec<[Decided<'t>; 2]>;

/// What goes out to a system.
pub type Command<'t> = Decided<'t>;

impl<'t> Engine<'t> {
    pub fn new(tables: &'t Tables, echo_seconds: u32) -> Self {
        let mut appends = IndexSet::new();
        appends.insert(Box::default());
        let tables_of = tables.roles.iter().flat_map(|role| &role.tables);
        let decisions = tables_of.flat_map(|table| table.decisions.iter().map(|decision| (table.to, decision)));
        let ends =
            decisions.filter_map(|(to, decision)| Some((address(decision), end(&tables.systems[to], decision)?)));
        Self {
            tables,
            echo_milliseconds: i64::from(echo_seconds) * 1000,
            ends: ends.collect(),
            appends: RwLock::new(appends),
        }
    }

    /// `,"set":{"lync":"Away"},"append":[],"profile":"Voice","rule":"agents.presync:14"`, which is the same each time.
    pub(super) fn end_of_command(&self, decision: &'t Decision) -> &[u8] {
        self.ends.get(&address(decision)).map_or(&[], |end| end)
    }

    pub fn session(&self) -> Session {
        Session {
            role: self.tables.implicit_role(),
            facts: self.tables.facts.iter().map(crate::table::Fact::initial).collect(),
            systems: self.tables.systems.iter().map(|_| Shown::default()).collect(),
        }
    }

    /// The number of an appendix.
    pub fn append(&self, texts: &[String]) -> u32 {
        if texts.is_empty() {
            return 0;
        }
        let poisoned = "no thread panics while it holds the appendices";
        if let Some(at) = self.appends.read().expect(poisoned).get_index_of(texts) {
            return at as u32;
        }
        self.appends.write().expect(poisoned).insert_full(texts.into()).0 as u32
    }

    pub fn append_texts(&self, append: u32) -> Vec<String> {
        let appends = self.appends.read().expect("no thread panics while it holds the appendices");
        appends.get_index(append as usize).map(|texts| texts.to_vec()).unwrap_or_default()
    }

    /// Carries an event out; a rejected one changes nothing.
    pub fn apply(&self, session: &mut Session, event: &Event) -> Result<(Happened, Decisions<'t>), Rejection> {
        let role = event.role.or(session.role).ok_or_else(|| {
            Rejection::new("no-role", "no event has given this user a role: send one with `role`, or use `--users`")
        })?;
        for from in event.change.map(|(from, _)| from).into_iter().chain(event.resync) {
            self.refuse_unset(session, event, role, from)?;
        }
        session.role = Some(role);
        for (fact, value) in &event.set {
            session.facts[*fact] = *value;
        }
        let at = event.at;
        if let Some(now) = at {
            self.lapse(session, now);
        }
        let mut decided = SmallVec::new();
        if !event.set.is_empty() || event.role.is_some() {
            self.decide_again(session, role, at, &mut decided);
        }
        for (system, state) in &event.observe {
            session.systems[*system].observe(*state);
        }
        let mut happened = Happened::Recorded;
        if let Some((from, state)) = event.change {
            happened = session.systems[from].report(state);
            if happened == Happened::Recorded {
                self.decide(session, role, (from, state), at, false, &mut decided);
            }
        }
        if let Some(from) = event.resync {
            match session.systems[from].reported {
                Some((state, _)) => self.decide(session, role, (from, state), at, true, &mut decided),
                None => happened = Happened::Unknown,
            }
        }
        Ok((happened, decided))
    }

    fn refuse_unset(&self, session: &Session, event: &Event, role: usize, from: usize) -> Result<(), Rejection> {
        for table in self.tables.from(role, from) {
            // What this event sets counts.
            let set = |fact: usize| event.set.iter().any(|(known, _)| *known == fact);
            if let Some(fact) = table.unset(&session.facts).find(|fact| !set(*fact)) {
                let name = &self.tables.facts[fact].name;
                return Err(Rejection::new(
                    "unset-choice",
                    format!("`{name}` has no value yet: send one with `set` first"),
                ));
            }
        }
        Ok(())
    }

    /// Forgets commands whose echo is overdue, and those before them.
    fn lapse(&self, session: &mut Session, now: i64) {
        let overdue = |sent: &Sent| sent.at.is_some_and(|at| now.saturating_sub(at) > self.echo_milliseconds);
        for shown in &mut session.systems {
            if let Some(last) = shown.unconfirmed.iter().rposition(overdue) {
                shown.unconfirmed.drain(..=last);
            }
        }
    }

    /// Decides a change for every other system. All see the situation as it is before any of the commands; with
    /// `reported`, as the systems last reported it.
    fn decide(
        &self,
        session: &mut Session,
        role: usize,
        (from, state): (usize, u32),
        at: Option<i64>,
        reported: bool,
        decided: &mut Decisions<'t>,
    ) {
        let shown = |shown: &Shown| if reported { shown.reported } else { shown.current() };
        let mut states: SmallVec<[u32; 4]> =
            session.systems.iter().map(|system| shown(system).map_or(0, |(state, _)| state + 1)).collect();
        states[from] = state + 1;
        for table in self.tables.from(role, from) {
            let decision = table.decide(&session.facts, &states, state);
            let system = &mut session.systems[table.to];
            let verdict = match &decision.outcome {
                Outcome::Unmapped => Verdict::Unmapped,
                Outcome::Unchanged => Verdict::Unchanged,
                Outcome::Set { state: target, append } => {
                    let wanted = (*target, self.append(append));
                    if shown(system) == Some(wanted) {
                        Verdict::Same
                    } else {
                        send(system, wanted, (from, state), at);
                        Verdict::Sent
                    }
                }
            };
            decided.push(Decided { to: table.to, verdict, decision });
        }
    }

    /// The changes behind the last commands once more, because facts have changed: only the same state with another
    /// appendix is sent.
    fn decide_again(&self, session: &mut Session, role: usize, at: Option<i64>, decided: &mut Decisions<'t>) {
        let current: SmallVec<[u32; 4]> =
            session.systems.iter().map(|system| system.current().map_or(0, |(state, _)| state + 1)).collect();
        for to in 0..session.systems.len() {
            let Some(Last { state: shown, append: decorated, cause: (from, state) }) = session.systems[to].last else {
                continue;
            };
            let table: &Table = self.tables.table(role, from, to);
            if table.unset(&session.facts).next().is_some() {
                continue;
            }
            let mut states = current.clone();
            states[from] = state + 1;
            let decision = table.decide(&session.facts, &states, state);
            let Outcome::Set { state: target, append } = &decision.outcome else { continue };
            let wanted = (*target, self.append(append));
            if shown == wanted.0 && decorated != wanted.1 {
                send(&mut session.systems[to], wanted, (from, state), at);
                decided.push(Decided { to, verdict: Verdict::Sent, decision });
            }
        }
    }
}

fn address(decision: &Decision) -> usize {
    std::ptr::from_ref(decision).addr()
}

fn end(system: &System, decision: &Decision) -> Option<Box<[u8]>> {
    let Outcome::Set { state, append } = &decision.outcome else { return None };
    let (name, wire) = (json!(system.name), json!(system.states[*state as usize].wire()));
    let (append, profile, rule) = (json!(append), json!(decision.profile), json!(decision.rule));
    let text = format!(r#","set":{{{name}:{wire}}},"append":{append},"profile":{profile},"rule":{rule}"#);
    Some(text.into_bytes().into())
}

fn send(system: &mut Shown, (state, append): (u32, u32), cause: (usize, u32), at: Option<i64>) {
    if system.unconfirmed.len() == MAX_UNCONFIRMED {
        system.unconfirmed.remove(0);
    }
    system.unconfirmed.push(Sent { state, append, at });
    system.last = Some(Last { state, append, cause });
}
