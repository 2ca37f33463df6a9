//! In: a user's session and an event. Out: the updated session, the commands, and the result for each system.
//! Errors: a rejection, which leaves the session unchanged.

use std::borrow::Cow;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use indexmap::IndexSet;
use serde_json::json;
use smallvec::SmallVec;

use crate::event::Event;
use crate::ids::{FactId, RoleId, StateId, SystemId, ValueId};
use crate::rejection::Rejection;
use crate::schema::Schema;
use crate::situation::UNSET;
use crate::table::{Appended, Decision, DecisionId, Outcome, Table};
use crate::tables::{Tables, TablesOfRole, TooComplex};

/// The maximum number of pending commands per user and system. Beyond it, the oldest is dropped.
pub const MAX_PENDING: usize = 8;

/// Applies events to sessions that the caller keeps. Has the tables and their compiled outcomes.
#[derive(Debug)]
pub struct SessionEngine {
    tables: Tables,
    /// How long a command stays pending without its echo, in milliseconds of event time.
    echo: i64,
    /// By role, compiled on first use.
    roles: Vec<OnceLock<Result<Routes, TooComplex>>>,
    /// Appendices by number; 0 is the empty one.
    appends: Mutex<IndexSet<Box<[String]>>>,
}

/// The tables of a role with their compiled outcomes.
#[derive(Debug)]
struct Routes {
    tables: TablesOfRole,
    /// One for each table.
    routes: Vec<Route>,
    /// The number of tables for changes in one system.
    others: usize,
}

/// The compiled outcomes of a table.
#[derive(Debug)]
struct Route {
    /// Choices among the table's inputs that may have no value.
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
        /// `None`: the texts depend on the situation.
        always: Option<CompiledEnd>,
    },
}

/// The texts of a command, and the end of its JSON line.
#[derive(Debug)]
struct CompiledEnd {
    append: AppendId,
    end: Box<[u8]>,
}

/// Identifies an appendix, a list of texts, within the engine that created it.
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

/// A state with its appendix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ShownState {
    pub state: StateId,
    pub append: AppendId,
}

/// The known role, facts and states of one user. Use it only with the engine that created it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub role: Option<RoleId>,
    /// By fact: the number of its value, or [`UNSET`].
    facts: Vec<u32>,
    pub systems: Vec<SystemView>,
}

/// The known states and commands of one system of a user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SystemView {
    /// The state last reported or confirmed.
    pub reported: Option<ShownState>,
    /// The pending commands, oldest first.
    pub pending: SmallVec<[PendingCommand; 1]>,
    /// The last command, until the system shows another state on its own.
    pub last: Option<LastCommand>,
}

/// A command and the change that caused it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastCommand {
    pub shown: ShownState,
    /// The state that was entered.
    pub cause: StateId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingCommand {
    pub shown: ShownState,
    /// The time of the event, in milliseconds since 1970, if the event had one.
    pub at: Option<i64>,
}

impl Session {
    /// The value of a fact; `None` for a choice without a value.
    pub fn value(&self, fact: FactId) -> Option<ValueId> {
        let number = *self.facts.get(fact.index())?;
        (number != UNSET).then(|| ValueId::from_index(fact, number as usize))
    }

    /// Sets a fact. Ignores facts that the schema does not have.
    #[inline]
    pub fn set(&mut self, value: ValueId) {
        if let Some(fact) = self.facts.get_mut(value.fact().index()) {
            *fact = value.value();
        }
    }

    /// By fact: the number of its value, or `u32::MAX` if it has none.
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
    /// The last pending command, or else the state last reported or confirmed.
    pub fn current(&self) -> Option<ShownState> {
        self.pending
            .last()
            .map(|pending| pending.shown)
            .or(self.reported)
    }

    /// Records a reported state and returns its effect.
    fn report(&mut self, state: StateId) -> Effect {
        let echo = self
            .pending
            .iter()
            .position(|pending| pending.shown.state == state);
        if let Some(at) = echo {
            self.reported = Some(self.pending[at].shown);
            self.pending.drain(..=at);
            return Effect::Echo;
        }
        if self.is_reported(state) {
            self.forget_last_command(state);
            return Effect::Same;
        }
        self.pending.clear();
        self.reported = Some(ShownState {
            state,
            append: AppendId::default(),
        });
        self.last = None;
        Effect::Recorded
    }

    /// Records an observed state without attributing it to anyone: commands stay pending. `None`
    /// forgets everything.
    fn observe(&mut self, state: Option<StateId>) {
        let Some(state) = state else {
            *self = Self::default();
            return;
        };
        self.forget_last_command(state);
        if !self.is_reported(state) {
            self.reported = Some(ShownState {
                state,
                append: AppendId::default(),
            });
        }
    }

    /// Forgets the last command if the system shows another state, but not if it still shows the
    /// previous state while a command is pending.
    fn forget_last_command(&mut self, state: StateId) {
        let late = self.is_reported(state) && !self.pending.is_empty();
        if !late && self.last.is_some_and(|last| last.shown.state != state) {
            self.last = None;
        }
    }

    fn is_reported(&self, state: StateId) -> bool {
        self.reported.is_some_and(|shown| shown.state == state)
    }
}

/// The effect of an event on the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Facts, a role, states or a change were recorded.
    Recorded,
    /// The change was the echo of our own command.
    Echo,
    /// The state was already known.
    Same,
    /// The state to resync is unknown.
    Unknown,
}

/// The result of a decision for one system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    Sent,
    /// The system already shows the outcome.
    Same,
    Unchanged,
    Unmapped,
}

/// A decision that an event caused.
#[derive(Debug, Clone)]
pub struct SystemDecision<'e> {
    pub to: SystemId,
    pub delivery: Delivery,
    pub decision: &'e Decision,
    /// The texts to append.
    pub append: AppendId,
    /// `,"set":{"lync":"Away"},"append":[],"profile":"Voice","rule":"agents.presync:14"`; empty
    /// unless sent.
    #[doc(hidden)]
    pub end: Cow<'e, [u8]>,
}

/// The decisions of one event.
pub type SystemDecisions<'e> = SmallVec<[SystemDecision<'e>; 2]>;

/// The change to decide, and how.
struct Cause {
    role: RoleId,
    entered: StateId,
    at: Option<i64>,
    /// Whether to use the states that systems last reported instead of pending commands.
    reported: bool,
}

impl SessionEngine {
    /// `echo_seconds`: how long a command stays pending without its echo, by the events' `at`.
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

    /// The session of a new user.
    pub fn session(&self) -> Session {
        let schema = self.schema();
        let initial = |fact| schema.initial(fact).map_or(UNSET, ValueId::value);
        Session {
            role: schema.implicit_role(),
            facts: schema.facts().map(|(fact, _)| initial(fact)).collect(),
            systems: schema.systems().map(|_| SystemView::default()).collect(),
        }
    }

    /// Returns the id of an appendix, which need not occur in the tables.
    pub fn append<T: AsRef<str>>(&self, texts: &[T]) -> AppendId {
        if texts.is_empty() {
            return AppendId::default();
        }
        let texts: Box<[String]> = texts.iter().map(|text| text.as_ref().to_owned()).collect();
        AppendId(self.appends().insert_full(texts).0 as u32)
    }

    /// The texts of an appendix; empty for an unknown id.
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
            outcomes: (0..table.decisions().len() as u32)
                .map(|at| self.outcome(table, DecisionId(at)))
                .collect(),
        };
        let routes = tables.iter().map(route).collect();
        Ok(Routes {
            tables,
            routes,
            others: schema.systems().len().saturating_sub(1),
        })
    }

    fn outcome(&self, table: &Table, id: DecisionId) -> CompiledOutcome {
        let decision = table.decision(id);
        let state = match decision.outcome {
            Outcome::Unmapped => return CompiledOutcome::Unmapped,
            Outcome::Unchanged => return CompiledOutcome::Unchanged,
            Outcome::Set(state) => state,
        };
        let always = match table.appended(id) {
            Appended::Nothing => Some(self.end(state, decision, &[])),
            Appended::Known(group, texts) => {
                let texts = texts.iter().map(|at| group[*at as usize].text.as_str());
                Some(self.end(state, decision, &texts.collect::<Vec<_>>()))
            }
            Appended::Asked(_) => None,
        };
        CompiledOutcome::Set { state, always }
    }

    fn end(&self, state: StateId, decision: &Decision, texts: &[&str]) -> CompiledEnd {
        CompiledEnd {
            append: self.append(texts),
            end: end_of_command(self.schema(), state, texts, decision),
        }
    }

    /// Applies an event to a session. A rejected event changes nothing.
    ///
    /// # Errors
    /// The user has no role, a decision needs a choice without a value, the event or session
    /// belongs to other tables, or the role is too complex to compile.
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
            self.refresh_appendices(routes, session, at, &mut decided);
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
                self.decide(routes, session, &cause, &mut decided);
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
                    self.decide(routes, session, &cause, &mut decided);
                }
                None => effect = Effect::Unknown,
            }
        }
        Ok((effect, decided))
    }

    /// Decides a change for every other system, always in the situation before any of the commands.
    fn decide<'e>(
        &'e self,
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
            let (mut append, mut end) = (AppendId::default(), Cow::Borrowed(&[][..]));
            let delivery = match &route.outcomes[id.index()] {
                CompiledOutcome::Unmapped => Delivery::Unmapped,
                CompiledOutcome::Unchanged => Delivery::Unchanged,
                CompiledOutcome::Set { state, always } => {
                    let (texts, line) = match always {
                        Some(always) => (always.append, Cow::Borrowed(&*always.end)),
                        None => {
                            let situation = (&*session.facts, &*states, cause.entered);
                            self.ask_texts(table, id, *state, situation)
                        }
                    };
                    append = texts;
                    let wanted = ShownState {
                        state: *state,
                        append,
                    };
                    let view = &mut session.systems[to.index()];
                    if shown(view) == Some(wanted) {
                        Delivery::Same
                    } else {
                        end = line;
                        send(view, wanted, cause.entered, cause.at);
                        Delivery::Sent
                    }
                }
            };
            decided.push(SystemDecision {
                to,
                delivery,
                decision: table.decision(id),
                append,
                end,
            });
        }
    }

    /// Decides the changes that caused the last commands again, after the facts or the role changed.
    /// Sends a command only for the same state with another appendix.
    fn refresh_appendices<'e>(
        &'e self,
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
            let CompiledOutcome::Set { state, always } = &route.outcomes[id.index()] else {
                continue;
            };
            if shown.state != *state {
                continue;
            }
            let (append, end) = match always {
                Some(always) => (always.append, Cow::Borrowed(&*always.end)),
                None => {
                    let situation = (&*session.facts, &*states, cause);
                    self.ask_texts(table, id, *state, situation)
                }
            };
            if shown.append != append {
                let wanted = ShownState {
                    state: *state,
                    append,
                };
                send(&mut session.systems[to], wanted, cause, at);
                decided.push(SystemDecision {
                    to: table.direction().to(),
                    delivery: Delivery::Sent,
                    decision: table.decision(id),
                    append,
                    end,
                });
            }
        }
    }

    /// The texts that join a decision in a situation, and the end of its command. Out of line: most decisions know theirs.
    #[inline(never)]
    fn ask_texts(
        &self,
        table: &Table,
        id: DecisionId,
        state: StateId,
        (facts, states, entered): (&[u32], &[u32], StateId),
    ) -> (AppendId, Cow<'_, [u8]>) {
        let texts = table.texts_of(id, facts, states, entered);
        let end = self.end(state, table.decision(id), &texts);
        (end.append, Cow::Owned(end.end.into()))
    }

    /// Drops pending commands whose echo is overdue, and those before them.
    fn expire_commands(&self, session: &mut Session, now: i64) {
        let overdue = |pending: &PendingCommand| {
            pending
                .at
                .is_some_and(|at| now.saturating_sub(at) > self.echo)
        };
        for view in &mut session.systems {
            if let Some(last) = view.pending.iter().rposition(overdue) {
                view.pending.drain(..=last);
            }
        }
    }
}

impl Routes {
    /// The tables for changes in a system.
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
        // A value that this event sets counts.
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

fn end_of_command(
    schema: &Schema,
    state: StateId,
    append: &[&str],
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

fn send(view: &mut SystemView, shown: ShownState, cause: StateId, at: Option<i64>) {
    if view.pending.len() == MAX_PENDING {
        view.pending.remove(0);
    }
    view.pending.push(PendingCommand { shown, at });
    view.last = Some(LastCommand { shown, cause });
}
