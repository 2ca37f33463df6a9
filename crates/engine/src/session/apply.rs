//! One event applied to a session.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::event::{Event, Resync};
use crate::ids::{FactId, RoleId, StateId, SystemId};
use crate::rejection::Rejection;
use crate::schema::Schema;
use crate::session::routes::{CompiledEnd, CompiledOutcome, Routes, SessionEngine};
use crate::session::{
    AppendId, LastCommand, MAX_PENDING, PendingCommand, Seen, Session, ShownState, SystemView,
    is_stale,
};
use crate::situation::{SessionInputs, UNSET};
use crate::table::Decision;

/// What an event led to.
#[derive(Debug)]
pub struct AppliedEvent<'e> {
    pub effect: Effect,
    pub decisions: SystemDecisions<'e>,
    /// The commands that have waited too long, noticed with this event.
    pub lapsed: SmallVec<[Lapse; 1]>,
    /// The parts of the event that are not news.
    pub stale: SmallVec<[StalePart; 1]>,
}

/// The effect of an event's change or resync; of an event without them, that it was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Facts, a role, states or a change were recorded.
    Recorded,
    /// The change was the echo of our own command.
    Echo,
    /// The change was the echo of a command that had lapsed.
    LateEcho,
    /// The state was already known.
    Same,
    /// The state to resync is unknown.
    Unknown,
    /// Something newer is known, or just this.
    Stale,
}

/// A command that waited longer than its system's `echo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lapse {
    pub command: ShownState,
    /// The time of the event that caused the command, in milliseconds since 1970.
    pub at: Option<i64>,
}

/// A part of an event that is not news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StalePart {
    Role,
    Fact(FactId),
    /// An observed state.
    Observed(SystemId),
    Change(SystemId),
    Resync,
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
    /// The state that is set; for `previous`, the own state.
    pub state: Option<StateId>,
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
    entered: StateId,
    at: Option<i64>,
    /// Whether to use the states that systems last reported instead of unconfirmed commands.
    reported: bool,
    /// Whether some choice may have no value.
    unset: bool,
}

impl SessionEngine {
    /// Applies an event to a session. A rejected event changes nothing.
    ///
    /// # Errors
    /// The user has no role, a decision needs a choice without a value, the event or session
    /// belongs to other tables, or the role is too complex to compile.
    pub fn apply(
        &self,
        session: &mut Session,
        event: &Event,
    ) -> Result<AppliedEvent<'_>, Rejection> {
        let schema = self.schema();
        let of_here = session.systems.len() == schema.systems().len()
            && session.facts.len() == schema.facts().len()
            && session.times.len() == session.facts.len() + 1;
        if !of_here || !event.is_of(schema) {
            return Err(Rejection::Foreign);
        }
        let given = event
            .role
            .filter(|role| !is_stale_role(session, event, *role));
        let role = given.or_else(|| self.role_of(session));
        let Some(role) = role else {
            return Err(Rejection::NoRole);
        };
        let routes = self.routes(role)?;
        let mut applied = AppliedEvent {
            effect: Effect::Recorded,
            decisions: SmallVec::new(),
            lapsed: SmallVec::new(),
            stale: SmallVec::new(),
        };
        let mut from = may_be_decided(session, event);
        if from.any(|from| unset_choice(routes, session, event, from).is_some()) {
            // Only what is decided needs the choice. Nothing may change if it turns out to be needed.
            let mut trial = session.clone();
            self.carry_out((role, routes), &mut trial, event, true, &mut applied)?;
            *session = trial;
        } else {
            self.carry_out((role, routes), session, event, false, &mut applied)?;
        }
        Ok(applied)
    }

    fn carry_out<'e>(
        &'e self,
        (role, routes): (RoleId, &'e Routes),
        session: &mut Session,
        event: &Event,
        unset: bool,
        applied: &mut AppliedEvent<'e>,
    ) -> Result<(), Rejection> {
        let at = event.at;
        if let Some(now) = at {
            self.lapse(session, now, &mut applied.lapsed);
        }
        let recorded = record_facts(session, event, &mut applied.stale);
        if recorded {
            self.refresh_appendices(routes, session, at, &mut applied.decisions);
        }
        for (system, state) in &event.observe {
            let view = &mut session.systems[system.index()];
            if view.is_stale(at, *state) {
                applied.stale.push(StalePart::Observed(*system));
            } else if observe(self.schema(), view, *state, at) {
                session.by_hand_last = Some(*system);
            }
        }
        if let Some(entered) = event.change {
            applied.effect = self.change(session, entered, at);
            match applied.effect {
                Effect::Stale => applied.stale.push(StalePart::Change(entered.system())),
                Effect::Recorded => {
                    let cause = Cause {
                        entered,
                        at,
                        reported: false,
                        unset,
                    };
                    self.decide(role, routes, session, &cause, &mut applied.decisions)?;
                }
                _ => {}
            }
        }
        if let Some(resync) = event.resync {
            let newer = |view: &SystemView| is_stale(at, view.at, false);
            if session.systems.iter().any(newer) {
                applied.stale.push(StalePart::Resync);
                applied.effect = Effect::Stale;
                return Ok(());
            }
            let from = match resync {
                Resync::System(from) => Some(from),
                Resync::ByHandLast => session.by_hand_last,
            };
            let reported = from.and_then(|from| session.systems[from.index()].reported);
            match reported {
                Some(reported) => {
                    let cause = Cause {
                        entered: reported.state,
                        at,
                        reported: true,
                        unset,
                    };
                    self.decide(role, routes, session, &cause, &mut applied.decisions)?;
                }
                None => applied.effect = Effect::Unknown,
            }
        }
        Ok(())
    }

    /// Records a change and returns its effect.
    fn change(&self, session: &mut Session, entered: StateId, at: Option<i64>) -> Effect {
        let view = &mut session.systems[entered.system().index()];
        if view.is_stale(at, Some(entered)) {
            return Effect::Stale;
        }
        view.at = at.or(view.at);
        if let Some(lapsed) = view.confirm(self.schema(), entered) {
            return if lapsed {
                Effect::LateEcho
            } else {
                Effect::Echo
            };
        }
        if view.is_reported(entered) {
            return Effect::Same;
        }
        view.pending.clear();
        view.record_by_hand(self.schema(), entered);
        session.by_hand_last = Some(entered.system());
        Effect::Recorded
    }

    /// Decides a change for every other system, always in the situation before any of the commands.
    fn decide<'e>(
        &'e self,
        role: RoleId,
        routes: &'e Routes,
        session: &mut Session,
        cause: &Cause,
        decided: &mut SystemDecisions<'e>,
    ) -> Result<(), Rejection> {
        debug_assert_eq!(
            self.role_of(session),
            Some(role),
            "who decides is who was asked"
        );
        let schema = self.schema();
        let from = cause.entered.system();
        if cause.unset
            && let Some(fact) = unset_choice(routes, session, &Event::default(), from)
        {
            return Err(Rejection::UnsetChoice {
                fact: schema.fact(fact).name.clone(),
            });
        }
        let seen = |view: &SystemView| {
            if cause.reported {
                view.last_reported()
            } else {
                view.current(schema)
            }
        };
        let mut seen_states = SeenStates::of(session, seen);
        seen_states.enter(cause.entered);
        let Session { facts, systems, .. } = session;
        let inputs = seen_states.inputs(facts);
        for (table, route) in routes.from(from) {
            let id = table.find(&inputs, cause.entered);
            let to = table.direction().to();
            let (mut append, mut end) = (AppendId::default(), Cow::Borrowed(&[][..]));
            let mut set = None;
            let view = &mut systems[to.index()];
            let delivery = match set_by(&route.outcomes[id.index()], view) {
                Wanted::Nothing(delivery) => delivery,
                Wanted::State(state, always) => {
                    let (texts, line) = match always {
                        Some(always) => (always.append, Cow::Borrowed(&*always.end)),
                        None => self.ask_texts(table, id, state, &inputs, cause.entered),
                    };
                    (append, set) = (texts, Some(state));
                    let wanted = ShownState { state, append };
                    if !route.has_previous {
                        view.record_own(schema, state);
                    }
                    let known = match view.last_pending() {
                        Some(pending) if !cause.reported => Some(pending.shown),
                        _ => view.reported.map(|reported| reported.shown()),
                    };
                    if known == Some(wanted) && !view.is_doubtful() {
                        Delivery::Same
                    } else {
                        end = line;
                        let by_hand = stays_by_hand(schema, seen(view), state);
                        send(view, wanted, cause.entered, cause.at, by_hand);
                        Delivery::Sent
                    }
                }
            };
            decided.push(SystemDecision {
                to,
                delivery,
                decision: table.decision(id),
                state: set,
                append,
                end,
            });
        }
        Ok(())
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
        let schema = self.schema();
        let before = SeenStates::of(session, |view| view.current(schema));
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
            let mut seen_states = before.clone();
            seen_states.enter(cause);
            let inputs = seen_states.inputs(&session.facts);
            let id = table.find(&inputs, cause);
            let outcome = &route.outcomes[id.index()];
            let (state, always) = match set_by(outcome, &session.systems[to]) {
                Wanted::State(state, always) if state == shown.state => (state, always),
                _ => continue,
            };
            let (append, end) = match always {
                Some(always) => (always.append, Cow::Borrowed(&*always.end)),
                None => self.ask_texts(table, id, state, &inputs, cause),
            };
            if shown.append != append {
                let wanted = ShownState { state, append };
                let view = &mut session.systems[to];
                let by_hand = stays_by_hand(schema, view.current(schema), state);
                send(view, wanted, cause, at, by_hand);
                decided.push(SystemDecision {
                    to: table.direction().to(),
                    delivery: Delivery::Sent,
                    decision: table.decision(id),
                    state: Some(state),
                    append,
                    end,
                });
            }
        }
    }

    /// Marks commands that have waited longer than their system's `echo`, and those before them.
    fn lapse(&self, session: &mut Session, now: i64, lapsed: &mut SmallVec<[Lapse; 1]>) {
        for (view, echo) in session.systems.iter_mut().zip(&self.echo) {
            let overdue = |pending: &PendingCommand| {
                !pending.lapsed && pending.at.is_some_and(|at| now.saturating_sub(at) > *echo)
            };
            let Some(last) = view.pending.iter().rposition(overdue) else {
                continue;
            };
            for pending in &mut view.pending[..=last] {
                if !std::mem::replace(&mut pending.lapsed, true) {
                    lapsed.push(Lapse {
                        command: pending.shown,
                        at: pending.at,
                    });
                }
            }
        }
    }
}

/// The states of all systems as conditions see them.
#[derive(Clone)]
struct SeenStates {
    /// By system: the number of its state plus one; 0 if unknown.
    states: SmallVec<[u32; 4]>,
    by_hand: SmallVec<[u32; 4]>,
}

impl SeenStates {
    #[inline]
    fn of(session: &Session, seen: impl Fn(&SystemView) -> Option<Seen>) -> Self {
        let mut states = SmallVec::with_capacity(session.systems.len());
        let mut by_hand = SmallVec::with_capacity(session.systems.len());
        for view in &session.systems {
            let seen = seen(view);
            states.push(seen.map_or(0, |seen| seen.state.value()));
            by_hand.push(seen.map_or(0, |seen| u32::from(seen.by_hand)));
        }
        Self { states, by_hand }
    }

    /// The change to decide always counts as by hand.
    #[inline]
    fn enter(&mut self, entered: StateId) {
        let from = entered.system().index();
        (self.states[from], self.by_hand[from]) = (entered.value(), 1);
    }

    fn inputs<'a>(&'a self, facts: &'a [u32]) -> SessionInputs<'a> {
        SessionInputs {
            facts,
            states: &self.states,
            by_hand: &self.by_hand,
        }
    }
}

/// What an outcome wants of a system.
enum Wanted<'r> {
    Nothing(Delivery),
    /// The texts are `None` if they depend on the situation.
    State(StateId, Option<&'r CompiledEnd>),
}

#[inline]
fn set_by<'r>(outcome: &'r CompiledOutcome, view: &SystemView) -> Wanted<'r> {
    match outcome {
        CompiledOutcome::Unmapped => Wanted::Nothing(Delivery::Unmapped),
        CompiledOutcome::Unchanged => Wanted::Nothing(Delivery::Unchanged),
        CompiledOutcome::Previous => match view.own {
            Some(own) => Wanted::State(own, None),
            None => Wanted::Nothing(Delivery::Unchanged),
        },
        CompiledOutcome::Set { state, always } => Wanted::State(*state, always.as_ref()),
    }
}

/// The systems whose state an event may decide.
fn may_be_decided<'e>(
    session: &Session,
    event: &'e Event,
) -> impl Iterator<Item = SystemId> + use<'e> {
    let (named, last) = match event.resync {
        Some(Resync::System(system)) => (Some(system), None),
        Some(Resync::ByHandLast) => (session.by_hand_last, Some(&event.observe)),
        None => (None, None),
    };
    // What the event itself reports may be by hand.
    let observed = last.into_iter().flatten().map(|(system, _)| *system);
    let change = event.change.map(StateId::system);
    change.into_iter().chain(named).chain(observed)
}

fn is_stale_role(session: &Session, event: &Event, role: RoleId) -> bool {
    is_stale(event.at, session.role_time(), session.role == Some(role))
}

/// Records the role and facts that are news. Returns whether there are any.
fn record_facts(
    session: &mut Session,
    event: &Event,
    stale: &mut SmallVec<[StalePart; 1]>,
) -> bool {
    let mut recorded = false;
    if let Some(role) = event.role {
        if is_stale_role(session, event, role) {
            stale.push(StalePart::Role);
        } else {
            session.role = Some(role);
            session.set_role_time(event.at);
            recorded = true;
        }
    }
    for value in &event.set {
        let fact = value.fact();
        let same = session.value(fact) == Some(*value);
        if is_stale(event.at, session.fact_time(fact), same) {
            stale.push(StalePart::Fact(fact));
        } else {
            session.set(*value);
            session.set_fact_time(fact, event.at);
            recorded = true;
        }
    }
    recorded
}

/// Records an observed state; `None`: it is not known any more. Returns whether it is by hand and was not known.
fn observe(
    schema: &Schema,
    view: &mut SystemView,
    state: Option<StateId>,
    at: Option<i64>,
) -> bool {
    let Some(state) = state else {
        *view = SystemView {
            at,
            own: view.own,
            ..SystemView::default()
        };
        return false;
    };
    view.at = at.or(view.at);
    let known = view.confirm(schema, state).is_some() || view.is_reported(state);
    if !known {
        view.record_by_hand(schema, state);
    }
    view.pending.retain(|pending| !pending.lapsed);
    !known
}

/// A choice without a value that decisions about a system depend on. A value that the event sets counts.
fn unset_choice(
    routes: &Routes,
    session: &Session,
    event: &Event,
    from: SystemId,
) -> Option<FactId> {
    let set = |fact: FactId| event.set.iter().any(|value| value.fact() == fact);
    let is_unset = |fact: &FactId| session.facts[fact.index()] == UNSET && !set(*fact);
    let choices = routes.from(from).flat_map(|(_, route)| &route.choices);
    choices.copied().find(is_unset)
}

/// Whether a command only changes the text of a state that was chosen by hand.
fn stays_by_hand(schema: &Schema, seen: Option<Seen>, state: StateId) -> bool {
    seen.is_some_and(|seen| seen.by_hand && seen.state == schema.reads(state))
}

fn send(view: &mut SystemView, shown: ShownState, cause: StateId, at: Option<i64>, by_hand: bool) {
    if view.pending.len() == MAX_PENDING {
        view.pending.remove(0);
    }
    view.pending.push(PendingCommand {
        shown,
        at,
        lapsed: false,
        by_hand,
    });
    view.last = Some(LastCommand { shown, cause });
}
