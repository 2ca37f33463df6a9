//! In: a user's session and an event. Out: the updated session, the commands, and what happened.
//! Errors: a rejection, which leaves the session unchanged.

mod apply;
mod routes;

use smallvec::SmallVec;

use crate::ids::{FactId, RoleId, StateId, SystemId, ValueId};
use crate::schema::Schema;
use crate::situation::UNSET;

pub use apply::{
    AppliedEvent, Delivery, Effect, Lapse, StalePart, SystemDecision, SystemDecisions,
};
pub use routes::SessionEngine;

/// The maximum number of unconfirmed commands per user and system. Beyond it, the oldest is forgotten.
pub const MAX_PENDING: usize = 8;

/// In [`Session::times`]: no event with a time has set it.
const NO_TIME: i64 = i64::MIN;

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

/// A state that a command sets, with its appendix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ShownState {
    pub state: StateId,
    pub append: AppendId,
}

/// The known role, facts and states of one user. Use it only with the engine that created it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The role that an event has given.
    pub role: Option<RoleId>,
    /// By fact: the number of its value, or [`UNSET`].
    facts: Vec<u32>,
    /// When the role and each fact were last set, in milliseconds since 1970, or [`NO_TIME`].
    times: Vec<i64>,
    pub systems: Vec<SystemView>,
    /// The system that changed by hand last.
    pub by_hand_last: Option<SystemId>,
}

/// The known states and commands of one system of a user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SystemView {
    /// The state last reported.
    pub reported: Option<Reported>,
    /// The time of the last word of this system, in milliseconds since 1970.
    pub at: Option<i64>,
    /// Its own state, which `previous` brings back: the last one that it showed by hand, or that a system without such a
    /// rule decided for it. Only of [`Schema::previous`].
    pub own: Option<StateId>,
    /// The unconfirmed commands, oldest first. The lapsed ones are the first.
    pub pending: SmallVec<[PendingCommand; 1]>,
    /// The last command, until the system changes by hand.
    pub last: Option<LastCommand>,
}

/// A reported state, and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reported {
    pub state: StateId,
    /// Whether the user or some other program has chosen it.
    pub by_hand: bool,
    /// The command that it shows. A state by hand has one if we have set its text.
    pub command: Option<ShownState>,
}

impl Reported {
    /// A state that did not come from us.
    pub fn by_hand(state: StateId) -> Self {
        Self {
            state,
            by_hand: true,
            command: None,
        }
    }

    /// What a command is compared with: the command that is shown, else the state.
    fn shown(self) -> ShownState {
        self.command.unwrap_or(ShownState {
            state: self.state,
            append: AppendId::default(),
        })
    }
}

/// A command and the change that caused it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastCommand {
    pub shown: ShownState,
    /// The state that was entered.
    pub cause: StateId,
}

/// A command that has not been reported back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingCommand {
    pub shown: ShownState,
    /// The time of the event, in milliseconds since 1970, if the event had one.
    pub at: Option<i64>,
    /// It waited too long and does not count any more, except to recognize a late echo.
    pub lapsed: bool,
    /// It only changes the text of a state that was chosen by hand.
    pub by_hand: bool,
}

/// A state as conditions see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    pub state: StateId,
    pub by_hand: bool,
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

    /// When the role (first) and each fact were last set, in milliseconds since 1970, or `i64::MIN`.
    #[doc(hidden)]
    #[inline]
    pub fn raw_times(&self) -> &[i64] {
        &self.times
    }

    #[doc(hidden)]
    #[inline]
    pub fn raw_times_mut(&mut self) -> &mut Vec<i64> {
        &mut self.times
    }

    /// Forgets when everything was set, so that no later event is stale.
    #[doc(hidden)]
    pub fn forget_times(&mut self) {
        self.times.fill(NO_TIME);
        self.systems.iter_mut().for_each(|view| view.at = None);
    }

    fn time(&self, at: usize) -> Option<i64> {
        self.times.get(at).copied().filter(|time| *time != NO_TIME)
    }

    pub(crate) fn role_time(&self) -> Option<i64> {
        self.time(0)
    }

    pub(crate) fn fact_time(&self, fact: FactId) -> Option<i64> {
        self.time(fact.index() + 1)
    }

    pub(crate) fn set_role_time(&mut self, at: Option<i64>) {
        if let (Some(time), Some(at)) = (self.times.first_mut(), at) {
            *time = at;
        }
    }

    pub(crate) fn set_fact_time(&mut self, fact: FactId, at: Option<i64>) {
        if let (Some(time), Some(at)) = (self.times.get_mut(fact.index() + 1), at) {
            *time = at;
        }
    }
}

impl SystemView {
    /// The state as conditions see it: that of the last command that has neither been confirmed nor lapsed, or else the
    /// state last reported.
    pub fn current(&self, schema: &Schema) -> Option<Seen> {
        match self.last_pending() {
            Some(pending) => Some(Seen {
                state: schema.reads(pending.shown.state),
                by_hand: pending.by_hand,
            }),
            None => self.last_reported(),
        }
    }

    /// The state last reported.
    pub fn last_reported(&self) -> Option<Seen> {
        self.reported.map(|reported| Seen {
            state: reported.state,
            by_hand: reported.by_hand,
        })
    }

    /// Whether a lapsed command is remembered, so that it is not known what the system shows.
    pub fn is_doubtful(&self) -> bool {
        self.pending.first().is_some_and(|pending| pending.lapsed)
    }

    /// The last command that has neither been confirmed nor lapsed.
    fn last_pending(&self) -> Option<&PendingCommand> {
        self.pending.last().filter(|pending| !pending.lapsed)
    }

    /// If `state` is what an unconfirmed command leads to, confirms the oldest such command and those before it. Returns
    /// whether that command had lapsed.
    fn confirm(&mut self, schema: &Schema, state: StateId) -> Option<bool> {
        let leads_here = |pending: &PendingCommand| {
            pending.shown.state == state || schema.reads(pending.shown.state) == state
        };
        let at = self.pending.iter().position(leads_here)?;
        let confirmed = self.pending[at];
        self.reported = Some(Reported {
            state,
            by_hand: confirmed.by_hand,
            command: Some(confirmed.shown),
        });
        self.pending.drain(..=at);
        Some(confirmed.lapsed)
    }

    /// Records a state that did not come from us.
    fn record_by_hand(&mut self, schema: &Schema, state: StateId) {
        self.reported = Some(Reported::by_hand(state));
        self.last = None;
        self.record_own(schema, state);
    }

    /// States that cannot be set are passed over.
    fn record_own(&mut self, schema: &Schema, state: StateId) {
        if schema.has_previous(state.system()) && !schema.state(state).read_only {
            self.own = Some(state);
        }
    }

    fn is_reported(&self, state: StateId) -> bool {
        self.reported
            .is_some_and(|reported| reported.state == state)
    }

    /// Whether an event of this time is not news: something newer is known, or just this.
    fn is_stale(&self, at: Option<i64>, state: Option<StateId>) -> bool {
        let same = self.reported.map(|reported| reported.state) == state;
        is_stale(at, self.at, same)
    }
}

/// Whether what an event of the time `at` says is not news, where the last word was `known`.
fn is_stale(at: Option<i64>, known: Option<i64>, same: bool) -> bool {
    match (at, known) {
        (Some(at), Some(known)) => known > at || known == at && same,
        _ => false,
    }
}
