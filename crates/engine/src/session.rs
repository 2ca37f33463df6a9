//! In: a user's session and an event. Out: the session after it, the commands, and what became of each system.
//! Errors: a rejection; the session is as it was.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use indexmap::IndexSet;
use serde_json::json;
use smallvec::SmallVec;

use crate::event::Event;
use crate::ids::{FactId, RoleId, StateId, SystemId, ValueId};
use crate::rejection::Rejection;
use crate::schema::Schema;
use crate::situation::UNSET;
use crate::table::{Decision, Outcome, Table};
use crate::tables::{RoleTables, Tables, TooComplex};

/// Unconfirmed commands that are remembered for each system of a user; the oldest is forgotten.
pub const MAX_UNCONFIRMED: usize = 8;

/// What sessions run on: tables, with what their decisions come to. Carries events out over sessions that its owner keeps.
#[derive(Debug)]
pub struct SessionEngine {
    tables: Tables,
    /// How long a command waits for its echo, in milliseconds of event time.
    echo: i64,
    /// By role, made when it is first asked for.
    roles: Vec<OnceLock<Result<Routes, TooComplex>>>,
    /// Appendices by number; 0 is the empty one.
    appends: Mutex<IndexSet<Box<[String]>>>,
}

/// The tables of a role.
#[derive(Debug)]
struct Routes {
    tables: RoleTables,
    /// For each table.
    routes: Vec<Route>,
    /// How many tables a system has.
    others: usize,
}

/// What a table's decisions come to.
#[derive(Debug)]
struct Route {
    /// Choices that it asks for and that may have no value.
    choices: Box<[FactId]>,
    /// By decision.
    outcomes: Box<[CompiledOutcome]>,
}

#[derive(Debug)]
enum CompiledOutcome {
    Unmapped,
    Unchanged,
    Set {
        state: StateId,
        append: AppendId,
        /// The end of the command's line, which is the same each time.
        end: Box<[u8]>,
    },
}

/// A list of appended texts, by its number in the engine that made it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AppendId(u32);

impl AppendId {
    #[doc(hidden)]
    #[inline]
    pub fn number(self) -> u32 {
        self.0
    }

    #[doc(hidden)]
    #[inline]
    pub fn from_number(number: u32) -> Self {
        Self(number)
    }
}

/// A state with what is appended to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shown {
    pub state: StateId,
    pub append: AppendId,
}

/// What is known of one user. Made by an engine, and of use with that engine alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub role: Option<RoleId>,
    /// By fact: the number of its value, or [`UNSET`].
    facts: Vec<u32>,
    pub systems: Vec<SystemView>,
}

/// What is known of one system of a user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SystemView {
    /// What was last reported or confirmed.
    pub reported: Option<Shown>,
    /// Commands that have not been confirmed, oldest first.
    pub unconfirmed: SmallVec<[PendingCommand; 1]>,
    /// The last command, until the system shows something else by itself.
    pub last: Option<LastCommand>,
}

/// A command and the change that it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastCommand {
    pub shown: Shown,
    /// What had changed.
    pub cause: StateId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingCommand {
    pub shown: Shown,
    /// In milliseconds since 1970, where the event said when.
    pub at: Option<i64>,
}

impl Session {
    /// `None` for a choice that has no value.
    pub fn value(&self, fact: FactId) -> Option<ValueId> {
        let number = *self.facts.get(fact.index())?;
        (number != UNSET).then(|| ValueId::from_index(fact, number as usize))
    }

    /// Gives a fact a value; of another schema's id, nothing changes.
    #[inline]
    pub fn set(&mut self, value: ValueId) {
        if let Some(fact) = self.facts.get_mut(value.fact().index()) {
            *fact = value.value();
        }
    }

    /// By fact: the number of its value, or the largest number where there is none.
    #[doc(hidden)]
    #[inline]
    pub fn raw_facts(&self) -> &[u32] {
        &self.facts
    }

    #[doc(hidden)]
    #[inline]
    pub fn raw_facts_mut(&mut self) -> &mut Vec<u32> {
        &mut self.facts
    }
}

impl SystemView {
    /// The last unconfirmed command, else what was last reported or confirmed.
    pub fn current(&self) -> Option<Shown> {
        self.unconfirmed
            .last()
            .map(|pending| pending.shown)
            .or(self.reported)
    }

    /// Takes a report in; says what it was.
    fn report(&mut self, state: StateId) -> Effect {
        let echo = self
            .unconfirmed
            .iter()
            .position(|pending| pending.shown.state == state);
        if let Some(at) = echo {
            self.reported = Some(self.unconfirmed[at].shown);
            self.unconfirmed.drain(..=at);
            return Effect::Echo;
        }
        if self.is_reported(state) {
            self.forget_last_command(state);
            return Effect::Same;
        }
        self.unconfirmed.clear();
        self.reported = Some(Shown {
            state,
            append: AppendId::default(),
        });
        self.last = None;
        Effect::Recorded
    }

    /// Records what is shown, without a word on whose doing it is: commands stay under way.
    fn observe(&mut self, state: Option<StateId>) {
        let Some(state) = state else {
            *self = Self::default();
            return;
        };
        self.forget_last_command(state);
        if !self.is_reported(state) {
            self.reported = Some(Shown {
                state,
                append: AppendId::default(),
            });
        }
    }

    /// Forgets the last command when the system shows another state. One that it showed before may still be seen while
    /// the command is under way.
    fn forget_last_command(&mut self, state: StateId) {
        let late = self.is_reported(state) && !self.unconfirmed.is_empty();
        if !late && self.last.is_some_and(|last| last.shown.state != state) {
            self.last = None;
        }
    }

    fn is_reported(&self, state: StateId) -> bool {
        self.reported.is_some_and(|shown| shown.state == state)
    }
}

/// What an event was to the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
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
pub enum Delivery {
    Sent,
    /// It shows the outcome already.
    Same,
    Unchanged,
    Unmapped,
}

/// One decision that an event led to.
#[derive(Debug, Clone, Copy)]
pub struct SystemDecision<'e> {
    pub to: SystemId,
    pub delivery: Delivery,
    pub decision: &'e Decision,
    /// `,"set":{"lync":"Away"},"append":[],"profile":"Voice","rule":"agents.presync:14"`, of what is sent.
    #[doc(hidden)]
    pub end: &'e [u8],
}

/// The decisions of one event.
pub type SystemDecisions<'e> = SmallVec<[SystemDecision<'e>; 2]>;

/// What is decided for the sake of whom.
struct Cause {
    role: RoleId,
    entered: StateId,
    at: Option<i64>,
    /// Whether systems count as they last reported, not as they were commanded.
    reported: bool,
}

impl SessionEngine {
    /// `echo_seconds`: how long a command waits for its echo, by the events' `at`.
    pub fn new(tables: Tables, echo_seconds: u32) -> Self {
        let roles = tables.schema().roles().map(|_| OnceLock::new()).collect();
        let appends = Mutex::new(IndexSet::from([Box::default()]));
        Self {
            tables,
            echo: i64::from(echo_seconds) * 1000,
            roles,
            appends,
        }
    }

    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    pub fn schema(&self) -> &Schema {
        self.tables.schema()
    }

    /// The session of a user of whom nothing is known.
    pub fn session(&self) -> Session {
        let schema = self.schema();
        let initial = |fact| schema.initial(fact).map_or(UNSET, ValueId::value);
        Session {
            role: schema.implicit_role(),
            facts: schema.facts().map(|(fact, _)| initial(fact)).collect(),
            systems: schema.systems().map(|_| SystemView::default()).collect(),
        }
    }

    /// The number of an appendix, which need not be one of the tables'.
    pub fn append(&self, texts: &[String]) -> AppendId {
        let mut appends = self.appends();
        let known = appends.get_index_of(texts);
        AppendId(known.unwrap_or_else(|| appends.insert_full(texts.into()).0) as u32)
    }

    /// The texts of an appendix; of another engine's, none.
    pub fn append_texts(&self, append: AppendId) -> Vec<String> {
        self.appends()
            .get_index(append.0 as usize)
            .map(|texts| texts.to_vec())
            .unwrap_or_default()
    }

    fn appends(&self) -> MutexGuard<'_, IndexSet<Box<[String]>>> {
        self.appends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn routes(&self, role: RoleId) -> Result<&Routes, Rejection> {
        let cell = self.roles.get(role.index()).ok_or(Rejection::Foreign)?;
        let routes = cell.get_or_init(|| self.compile(role));
        routes.as_ref().map_err(|complex| complex.clone().into())
    }

    fn compile(&self, role: RoleId) -> Result<Routes, TooComplex> {
        let schema = self.schema();
        let tables = self.tables.of_role(role)?.clone();
        let may_be_unset = |fact: &FactId| schema.initial(*fact).is_none();
        let route = |table: &Table| Route {
            choices: table
                .choices()
                .iter()
                .copied()
                .filter(may_be_unset)
                .collect(),
            outcomes: table
                .decisions()
                .iter()
                .map(|decision| self.outcome(decision))
                .collect(),
        };
        let routes = tables.iter().map(route).collect();
        Ok(Routes {
            tables,
            routes,
            others: schema.systems().len().saturating_sub(1),
        })
    }

    fn outcome(&self, decision: &Decision) -> CompiledOutcome {
        match &decision.outcome {
            Outcome::Unmapped => CompiledOutcome::Unmapped,
            Outcome::Unchanged => CompiledOutcome::Unchanged,
            Outcome::Set { state, append } => CompiledOutcome::Set {
                state: *state,
                append: self.append(append),
                end: end_of_command(self.schema(), *state, append, decision),
            },
        }
    }

    /// Carries an event out; a rejected one changes nothing.
    ///
    /// # Errors
    /// The user has no role, a choice has no value that a decision needs, the event or session is of other tables, or the
    /// role is too complex.
    pub fn apply(
        &self,
        session: &mut Session,
        event: &Event,
    ) -> Result<(Effect, SystemDecisions<'_>), Rejection> {
        let schema = self.schema();
        let of_here = session.systems.len() == schema.systems().len()
            && session.facts.len() == schema.facts().len();
        if !of_here || !event.is_of(schema) {
            return Err(Rejection::Foreign);
        }
        let role = event.role.or(session.role).ok_or(Rejection::NoRole)?;
        let routes = self.routes(role)?;
        for from in event
            .change
            .map(StateId::system)
            .into_iter()
            .chain(event.resync)
        {
            refuse_unset(schema, routes, session, event, from)?;
        }
        session.role = Some(role);
        event.set.iter().for_each(|value| session.set(*value));
        let at = event.at;
        if let Some(now) = at {
            self.expire_commands(session, now);
        }
        let mut decided = SmallVec::new();
        if !event.set.is_empty() || event.role.is_some() {
            refresh_appendices(routes, session, at, &mut decided);
        }
        for (system, state) in &event.observe {
            session.systems[system.index()].observe(*state);
        }
        let mut effect = Effect::Recorded;
        if let Some(entered) = event.change {
            effect = session.systems[entered.system().index()].report(entered);
            if effect == Effect::Recorded {
                let cause = Cause {
                    role,
                    entered,
                    at,
                    reported: false,
                };
                decide(routes, session, &cause, &mut decided);
            }
        }
        if let Some(from) = event.resync {
            match session.systems[from.index()].reported {
                Some(shown) => {
                    let cause = Cause {
                        role,
                        entered: shown.state,
                        at,
                        reported: true,
                    };
                    decide(routes, session, &cause, &mut decided);
                }
                None => effect = Effect::Unknown,
            }
        }
        Ok((effect, decided))
    }

    /// Forgets commands whose echo is overdue, and those before them.
    fn expire_commands(&self, session: &mut Session, now: i64) {
        let overdue = |pending: &PendingCommand| {
            pending
                .at
                .is_some_and(|at| now.saturating_sub(at) > self.echo)
        };
        for view in &mut session.systems {
            if let Some(last) = view.unconfirmed.iter().rposition(overdue) {
                view.unconfirmed.drain(..=last);
            }
        }
    }
}

impl Routes {
    /// The tables for changes of a system.
    #[inline]
    fn from(&self, system: SystemId) -> impl Iterator<Item = (&Table, &Route)> {
        let start = system.index() * self.others;
        self.tables[start..start + self.others]
            .iter()
            .zip(&self.routes[start..])
    }
}

fn refuse_unset(
    schema: &Schema,
    routes: &Routes,
    session: &Session,
    event: &Event,
    from: SystemId,
) -> Result<(), Rejection> {
    for (_, route) in routes.from(from) {
        // What this event sets counts.
        let set = |fact: FactId| event.set.iter().any(|value| value.fact() == fact);
        let is_unset = |fact: &&FactId| session.facts[fact.index()] == UNSET;
        let mut unset = route.choices.iter().filter(is_unset);
        if let Some(fact) = unset.find(|fact| !set(**fact)) {
            return Err(Rejection::UnsetChoice {
                fact: schema.fact(*fact).name.clone(),
            });
        }
    }
    Ok(())
}

/// Decides a change for every other system. All see the situation as it is before any of the commands.
fn decide<'e>(
    routes: &'e Routes,
    session: &mut Session,
    cause: &Cause,
    decided: &mut SystemDecisions<'e>,
) {
    debug_assert_eq!(
        session.role,
        Some(cause.role),
        "who decides is who was asked"
    );
    let shown = |view: &SystemView| {
        if cause.reported {
            view.reported
        } else {
            view.current()
        }
    };
    let values = session
        .systems
        .iter()
        .map(|view| shown(view).map_or(0, |at| at.state.value()));
    let mut states: SmallVec<[u32; 4]> = values.collect();
    states[cause.entered.system().index()] = cause.entered.value();
    for (table, route) in routes.from(cause.entered.system()) {
        let id = table.find(&session.facts, &states, cause.entered);
        let to = table.direction().to();
        let view = &mut session.systems[to.index()];
        let mut end: &[u8] = &[];
        let delivery = match &route.outcomes[id.index()] {
            CompiledOutcome::Unmapped => Delivery::Unmapped,
            CompiledOutcome::Unchanged => Delivery::Unchanged,
            CompiledOutcome::Set {
                state,
                append,
                end: text,
            } => {
                let wanted = Shown {
                    state: *state,
                    append: *append,
                };
                if shown(view) == Some(wanted) {
                    Delivery::Same
                } else {
                    end = text;
                    send(view, wanted, cause.entered, cause.at);
                    Delivery::Sent
                }
            }
        };
        decided.push(SystemDecision {
            to,
            delivery,
            decision: table.decision(id),
            end,
        });
    }
}

/// The changes behind the last commands once more, because facts have changed: only the same state with another appendix
/// is sent.
fn refresh_appendices<'e>(
    routes: &'e Routes,
    session: &mut Session,
    at: Option<i64>,
    decided: &mut SystemDecisions<'e>,
) {
    let values = session
        .systems
        .iter()
        .map(|view| view.current().map_or(0, |at| at.state.value()));
    let current: SmallVec<[u32; 4]> = values.collect();
    for to in 0..session.systems.len() {
        let Some(LastCommand { shown, cause }) = session.systems[to].last else {
            continue;
        };
        let mut tables = routes.from(cause.system());
        let table = tables.find(|(table, _)| table.direction().to().index() == to);
        let Some((table, route)) = table else {
            continue;
        };
        if route
            .choices
            .iter()
            .any(|fact| session.facts[fact.index()] == UNSET)
        {
            continue;
        }
        let mut states = current.clone();
        states[cause.system().index()] = cause.value();
        let id = table.find(&session.facts, &states, cause);
        let CompiledOutcome::Set { state, append, end } = &route.outcomes[id.index()] else {
            continue;
        };
        if shown.state == *state && shown.append != *append {
            let wanted = Shown {
                state: *state,
                append: *append,
            };
            send(&mut session.systems[to], wanted, cause, at);
            decided.push(SystemDecision {
                to: table.direction().to(),
                delivery: Delivery::Sent,
                decision: table.decision(id),
                end,
            });
        }
    }
}

fn end_of_command(
    schema: &Schema,
    state: StateId,
    append: &[String],
    decision: &Decision,
) -> Box<[u8]> {
    let (name, wire) = (
        json!(schema.system(state.system()).name),
        json!(schema.state(state).wire()),
    );
    let origin = decision.origin.as_ref();
    let (profile, rule) = (
        json!(origin.map(|origin| &origin.profile)),
        json!(origin.map(|origin| &origin.rule)),
    );
    let append = json!(append);
    let text =
        format!(r#","set":{{{name}:{wire}}},"append":{append},"profile":{profile},"rule":{rule}"#);
    text.into_bytes().into()
}

fn send(view: &mut SystemView, shown: Shown, cause: StateId, at: Option<i64>) {
    if view.unconfirmed.len() == MAX_UNCONFIRMED {
        view.unconfirmed.remove(0);
    }
    view.unconfirmed.push(PendingCommand { shown, at });
    view.last = Some(LastCommand { shown, cause });
}
