//! In: a user's session and an event. Out: the session after it, the commands, and what happened to each system.
//! Errors: a rejection; the session is as it was.

use indexmap::IndexSet;
use serde_json::json;
use smallvec::SmallVec;

use crate::event::{Event, Rejection};
use crate::table::{Column, Decision, Outcome, System, Table, Tables, UNSET};

/// Unconfirmed commands that are remembered for each system of a user; the oldest is forgotten.
pub const MAX_UNCONFIRMED: usize = 8;

/// What sessions run on.
#[derive(Debug)]
pub struct Engine<'t> {
    pub tables: &'t Tables,
    /// How long a command waits for its echo, in milliseconds of event time.
    pub echo_milliseconds: i64,
    /// By role and the system that changes: the tables to ask.
    ways: Vec<Box<[Way<'t>]>>,
    /// Appendices by number; 0 is the empty one.
    appends: IndexSet<Box<[String]>>,
}

/// A table, and what its decisions come to.
#[derive(Debug)]
struct Way<'t> {
    table: &'t Table,
    /// Facts that it asks for and that may have no value.
    choices: Box<[usize]>,
    /// By decision.
    fates: Box<[Fate]>,
}

/// What a decision comes to.
#[derive(Debug)]
enum Fate {
    Unmapped,
    Unchanged,
    Set {
        state: u32,
        append: u32,
        /// The end of the command's line, which is the same each time.
        end: Box<[u8]>,
    },
}

/// What is known of one user. Appendices are numbers of the engine that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub role: Option<usize>,
    /// A value for each fact.
    pub facts: Vec<u32>,
    pub systems: Vec<Shown>,
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
        self.unconfirmed
            .last()
            .map(|sent| (sent.state, sent.append))
            .or(self.reported)
    }

    /// Takes a report in; says what it was.
    fn report(&mut self, state: u32) -> Happened {
        if let Some(at) = self.unconfirmed.iter().position(|sent| sent.state == state) {
            let append = self.unconfirmed[at].append;
            self.unconfirmed.drain(..=at);
            self.reported = Some((state, append));
            return Happened::Echo;
        }
        if self.is_reported(state) {
            self.leave(state);
            return Happened::Same;
        }
        self.unconfirmed.clear();
        self.reported = Some((state, 0));
        self.last = None;
        Happened::Recorded
    }

    /// Records what is shown, without a word on whose doing it is: commands stay under way.
    fn observe(&mut self, state: Option<u32>) {
        let Some(state) = state else {
            *self = Self::default();
            return;
        };
        self.leave(state);
        if !self.is_reported(state) {
            self.reported = Some((state, 0));
        }
    }

    /// Forgets the last command when the system shows another state. One that it showed before may still be seen while
    /// the command is under way.
    fn leave(&mut self, state: u32) {
        let late = self.is_reported(state) && !self.unconfirmed.is_empty();
        if !late && self.last.is_some_and(|last| last.state != state) {
            self.last = None;
        }
    }

    fn is_reported(&self, state: u32) -> bool {
        self.reported.is_some_and(|(reported, _)| reported == state)
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
    /// Where the command's line is kept: the way's number within its role and system, the decision's within its table.
    way: (usize, usize, u32),
}

/// Those of one event.
pub type Decisions<'t> = SmallVec<[Decided<'t>; 2]>;

/// What goes out to a system.
pub type Command<'t> = Decided<'t>;

impl<'t> Engine<'t> {
    pub fn new(tables: &'t Tables, echo_seconds: u32) -> Self {
        let mut appends = IndexSet::new();
        appends.insert(Box::default());
        let mut way = |table: &'t Table| {
            let unset = |column: &Column| match column {
                Column::Fact(fact) => {
                    Some(*fact).filter(|fact| tables.facts[*fact].initial() == UNSET)
                }
                Column::State(_) => None,
            };
            let fates = table
                .decisions
                .iter()
                .map(|decision| match &decision.outcome {
                    Outcome::Unmapped => Fate::Unmapped,
                    Outcome::Unchanged => Fate::Unchanged,
                    Outcome::Set { state, append } => Fate::Set {
                        state: *state,
                        append: appends.insert_full(append.clone()).0 as u32,
                        end: end(&tables.systems[table.to], *state, append, decision),
                    },
                });
            Way {
                table,
                choices: table.columns.iter().filter_map(unset).collect(),
                fates: fates.collect(),
            }
        };
        let mut ways = Vec::with_capacity(tables.roles.len() * tables.systems.len());
        for role in 0..tables.roles.len() {
            for from in 0..tables.systems.len() {
                ways.push(tables.from(role, from).iter().map(&mut way).collect());
            }
        }
        Self {
            tables,
            echo_milliseconds: i64::from(echo_seconds) * 1000,
            ways,
            appends,
        }
    }

    fn ways(&self, role: usize, from: usize) -> &[Way<'t>] {
        &self.ways[role * self.tables.systems.len() + from]
    }

    /// `,"set":{"lync":"Away"},"append":[],"profile":"Voice","rule":"agents.presync:14"`
    pub fn end_of_command(&self, decided: &Decided<'t>) -> &[u8] {
        let (at, way, decision) = decided.way;
        match &self.ways[at][way].fates[decision as usize] {
            Fate::Set { end, .. } => end,
            _ => &[],
        }
    }

    pub fn session(&self) -> Session {
        Session {
            role: self.tables.implicit_role(),
            facts: self
                .tables
                .facts
                .iter()
                .map(crate::table::Fact::initial)
                .collect(),
            systems: self
                .tables
                .systems
                .iter()
                .map(|_| Shown::default())
                .collect(),
        }
    }

    /// The number of an appendix, which need not be one of the tables'.
    pub fn append(&mut self, texts: &[String]) -> u32 {
        match self.appends.get_index_of(texts) {
            Some(known) => known as u32,
            None => self.appends.insert_full(texts.into()).0 as u32,
        }
    }

    pub fn append_texts(&self, append: u32) -> Vec<String> {
        self.appends
            .get_index(append as usize)
            .map(|texts| texts.to_vec())
            .unwrap_or_default()
    }

    /// Carries an event out; a rejected one changes nothing.
    pub fn apply(
        &self,
        session: &mut Session,
        event: &Event,
    ) -> Result<(Happened, Decisions<'t>), Rejection> {
        let role = event
            .role
            .map(|role| role as usize)
            .or(session.role)
            .ok_or_else(|| {
                Rejection::new(
                    "no-role",
                    "no event has given this user a role: send one with `role`, or use `--users`",
                )
            })?;
        for from in event
            .change
            .map(|(from, _)| from)
            .into_iter()
            .chain(event.resync)
        {
            self.refuse_unset(session, event, role, from as usize)?;
        }
        session.role = Some(role);
        for (fact, value) in &event.set {
            session.facts[*fact as usize] = *value;
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
            session.systems[*system as usize].observe(*state);
        }
        let mut happened = Happened::Recorded;
        if let Some((from, state)) = event.change {
            let from = from as usize;
            happened = session.systems[from].report(state);
            if happened == Happened::Recorded {
                self.decide(session, role, (from, state), at, false, &mut decided);
            }
        }
        if let Some(from) = event.resync {
            let from = from as usize;
            match session.systems[from].reported {
                Some((state, _)) => {
                    self.decide(session, role, (from, state), at, true, &mut decided)
                }
                None => happened = Happened::Unknown,
            }
        }
        Ok((happened, decided))
    }

    fn refuse_unset(
        &self,
        session: &Session,
        event: &Event,
        role: usize,
        from: usize,
    ) -> Result<(), Rejection> {
        for way in self.ways(role, from) {
            // What this event sets counts.
            let set = |fact: usize| event.set.iter().any(|(known, _)| *known as usize == fact);
            let mut unset = way
                .choices
                .iter()
                .filter(|fact| session.facts[**fact] == UNSET);
            if let Some(fact) = unset.find(|fact| !set(**fact)) {
                let name = &self.tables.facts[*fact].name;
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
        let overdue = |sent: &Sent| {
            sent.at
                .is_some_and(|at| now.saturating_sub(at) > self.echo_milliseconds)
        };
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
        let shown = |shown: &Shown| {
            if reported {
                shown.reported
            } else {
                shown.current()
            }
        };
        let mut states: SmallVec<[u32; 4]> = session
            .systems
            .iter()
            .map(|system| shown(system).map_or(0, |(state, _)| state + 1))
            .collect();
        states[from] = state + 1;
        let at_ways = role * self.tables.systems.len() + from;
        for (place, way) in self.ways[at_ways].iter().enumerate() {
            let decision = way.table.lookup.find(&session.facts, &states, state);
            let system = &mut session.systems[way.table.to];
            let verdict = match way.fates[decision as usize] {
                Fate::Unmapped => Verdict::Unmapped,
                Fate::Unchanged => Verdict::Unchanged,
                Fate::Set {
                    state: target,
                    append,
                    ..
                } => {
                    if shown(system) == Some((target, append)) {
                        Verdict::Same
                    } else {
                        send(system, (target, append), (from, state), at);
                        Verdict::Sent
                    }
                }
            };
            decided.push(Decided {
                to: way.table.to,
                verdict,
                decision: &way.table.decisions[decision as usize],
                way: (at_ways, place, decision),
            });
        }
    }

    /// The changes behind the last commands once more, because facts have changed: only the same state with another
    /// appendix is sent.
    fn decide_again(
        &self,
        session: &mut Session,
        role: usize,
        at: Option<i64>,
        decided: &mut Decisions<'t>,
    ) {
        let current: SmallVec<[u32; 4]> = session
            .systems
            .iter()
            .map(|system| system.current().map_or(0, |(state, _)| state + 1))
            .collect();
        for to in 0..session.systems.len() {
            let Some(Last {
                state: shown,
                append: decorated,
                cause: (from, state),
            }) = session.systems[to].last
            else {
                continue;
            };
            let at_ways = role * self.tables.systems.len() + from;
            let Some(place) = self.ways[at_ways].iter().position(|way| way.table.to == to) else {
                continue;
            };
            let way = &self.ways[at_ways][place];
            if way.choices.iter().any(|fact| session.facts[*fact] == UNSET) {
                continue;
            }
            let mut states = current.clone();
            states[from] = state + 1;
            let decision = way.table.lookup.find(&session.facts, &states, state);
            let Fate::Set {
                state: target,
                append,
                ..
            } = way.fates[decision as usize]
            else {
                continue;
            };
            if shown == target && decorated != append {
                send(
                    &mut session.systems[to],
                    (target, append),
                    (from, state),
                    at,
                );
                decided.push(Decided {
                    to,
                    verdict: Verdict::Sent,
                    decision: &way.table.decisions[decision as usize],
                    way: (at_ways, place, decision),
                });
            }
        }
    }
}

fn end(system: &System, state: u32, append: &[String], decision: &Decision) -> Box<[u8]> {
    let (name, wire) = (
        json!(system.name),
        json!(system.states[state as usize].wire()),
    );
    let (append, profile, rule) = (json!(append), json!(decision.profile), json!(decision.rule));
    let text =
        format!(r#","set":{{{name}:{wire}}},"append":{append},"profile":{profile},"rule":{rule}"#);
    text.into_bytes().into()
}

fn send(system: &mut Shown, (state, append): (u32, u32), cause: (usize, u32), at: Option<i64>) {
    if system.unconfirmed.len() == MAX_UNCONFIRMED {
        system.unconfirmed.remove(0);
    }
    system.unconfirmed.push(Sent { state, append, at });
    system.last = Some(Last {
        state,
        append,
        cause,
    });
}
