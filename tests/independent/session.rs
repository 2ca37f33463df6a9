//! User sessions, implemented literally from the "session" section of the language reference. Events are data and JSON.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Map, Value, json};

use crate::meaning::{Decided, Meaning, Outcome, Situation};
use crate::random::Random;
use crate::spec::Spec;

/// How long a command may take to be reported back where the system does not say.
const ECHO_SECONDS: i64 = 60;
const MOST_UNCONFIRMED: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Resync {
    System(usize),
    ByHandLast,
}

#[derive(Debug, Clone, Default)]
pub struct Event {
    pub user: usize,
    pub role: Option<usize>,
    pub flags: Vec<(usize, bool)>,
    pub values: Vec<(usize, usize)>,
    pub observe: Vec<(usize, Option<usize>)>,
    pub change: Option<(usize, usize)>,
    pub resync: Option<Resync>,
    /// The time in seconds.
    pub at: Option<i64>,
    /// An index of `BROKEN`: makes the event invalid, instead of all other members.
    pub broken: Option<usize>,
    /// How states are written: by name, by id, or in capitals.
    pub spelling: usize,
}

/// Members that make an event invalid, with the codes of the error.
const BROKEN: [(&str, &str); 17] = [
    (r#""role":"nobody""#, "unknown-role"),
    (r#""change":{"nowhere":"x"}"#, "unknown-system"),
    (r#""change":{"cic":7}"#, "malformed"),
    (r#""observe":{"lync":["a"]}"#, "malformed"),
    (r#""state":{"lync":"s0"}"#, "malformed"),
    (r#""chnage":{"lync":"s0"}"#, "malformed"),
    (r#""Set":{"f0":true}"#, "malformed"),
    (r#""set":{"f0":true,"f0":true}"#, "malformed"),
    (r#""set":{"f0":true},"set":{"f0":true}"#, "malformed"),
    (r#""resync":false"#, "malformed"),
    (r#""note":{"set":1}"#, "empty-event"),
    (r#""set":{},"change":null"#, "empty-event"),
    (r#""set":{"nothing":true}"#, "unknown-fact"),
    (r#""set":{"f0":"yes"}"#, "unknown-value"),
    (r#""change":"cic""#, "malformed"),
    (r#""at":"yesterday""#, "malformed"),
    (
        r#""change":{"cic":"a","lync":"b"}"#,
        "unknown-state several-systems",
    ),
];

impl Event {
    pub fn random(random: &mut Random, meaning: &Meaning<'_>, clock: &mut i64) -> Self {
        let spec = meaning.spec;
        let mut event = Self {
            user: random.below(3),
            spelling: random.below(3),
            ..Self::default()
        };
        if random.chance(60) {
            *clock += *random.pick(&[0, 0, 1, 5, 20, 61, 121]);
            // Some events come late.
            let late = *random.pick(&[0, 0, 0, 0, 1, 6, 70]);
            event.at = Some((*clock - late).max(0));
        }
        if random.chance(4) {
            event.broken = Some(random.below(BROKEN.len()));
            return event;
        }
        event.role = random.chance(10).then(|| random.below(meaning.roles.len()));
        if random.chance(25) {
            event.flags = vec![(random.below(spec.flags.len()), random.chance(50))];
        }
        if random.chance(20) && !spec.choices.is_empty() {
            let at = random.below(spec.choices.len());
            event.values = vec![(at, random.below(spec.choices[at].values.len()))];
        }
        let state =
            |random: &mut Random, system: usize| random.below(spec.systems[system].states.len());
        let system = random.below(spec.systems.len());
        if random.chance(10) {
            event.observe = vec![(system, random.chance(70).then(|| state(random, system)))];
        }
        let system = random.below(spec.systems.len());
        if random.chance(60) {
            event.change = Some((system, state(random, system)));
        }
        let system = random.below(spec.systems.len());
        let resync = [Resync::System(system), Resync::ByHandLast];
        event.resync = random.chance(8).then(|| *random.pick(&resync));
        event
    }

    /// The event as a line of JSON, with its number as id.
    pub fn json(&self, meaning: &Meaning<'_>, number: usize) -> String {
        let spec = meaning.spec;
        if let Some(at) = self.broken {
            return format!(
                "{{\"user\":\"u{}\",\"id\":{number},{}}}",
                self.user, BROKEN[at].0
            );
        }
        let mut object = Map::new();
        object.insert("user".to_owned(), json!(format!("u{}", self.user)));
        object.insert("id".to_owned(), json!(number));
        if let Some(role) = self.role {
            object.insert("role".to_owned(), json!(meaning.roles[role].0));
        }
        let mut set = Map::new();
        set.extend(
            self.flags
                .iter()
                .map(|(at, value)| (spec.flags[*at].clone(), json!(value))),
        );
        let value = |at: usize, value: usize| json!(spec.choices[at].values[value]);
        set.extend(
            self.values
                .iter()
                .map(|(at, number)| (spec.choices[*at].name.clone(), value(*at, *number))),
        );
        if !set.is_empty() {
            object.insert("set".to_owned(), set.into());
        }
        let name = |system: usize, state: usize| {
            let state = &spec.systems[system].states[state];
            match self.spelling {
                // Any name that no state has.
                _ if state.other && self.user > 0 => format!("odd {}", self.spelling),
                0 => state.name.clone(),
                1 => state.id.clone().unwrap_or_else(|| state.name.clone()),
                _ => state.name.to_ascii_uppercase(),
            }
        };
        if let Some((system, state)) = self.observe.first() {
            object.insert(
                "observe".to_owned(),
                json!({ spec.systems[*system].name.clone(): state.map(|state| name(*system, state)) }),
            );
        }
        if let Some((system, state)) = self.change {
            object.insert(
                "change".to_owned(),
                json!({ spec.systems[system].name.clone(): name(system, state) }),
            );
        }
        if let Some(system) = self.resync {
            let resync = match system {
                Resync::System(system) => json!(spec.systems[system].name),
                Resync::ByHandLast => json!(true),
            };
            object.insert("resync".to_owned(), resync);
        }
        if let Some(at) = self.at {
            object.insert("at".to_owned(), json!(time(at)));
        }
        Value::Object(object).to_string()
    }
}

fn time(seconds: i64) -> String {
    format!(
        "2026-11-22T{:02}:{:02}:{:02}Z",
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60
    )
}

#[derive(Clone)]
struct User {
    role: Told<Option<usize>>,
    flags: Vec<Told<bool>>,
    values: Vec<Told<Option<usize>>>,
    shown: Vec<Shown>,
    changed_by_hand_last: Option<usize>,
}

/// A value, and when it was said.
#[derive(Clone, Copy)]
struct Told<T> {
    value: T,
    at: Option<i64>,
}

impl<T: PartialEq + Copy> Told<T> {
    fn new(value: T) -> Self {
        Self { value, at: None }
    }

    /// Whether it is news.
    fn hears(&mut self, value: T, at: Option<i64>) -> bool {
        if stale(at, self.at, self.value == value) {
            return false;
        }
        self.value = value;
        self.at = at.or(self.at);
        true
    }
}

/// Whether something newer is known, or just this.
fn stale(at: Option<i64>, known: Option<i64>, same: bool) -> bool {
    match (at, known) {
        (Some(at), Some(known)) => at < known || at == known && same,
        _ => false,
    }
}

#[derive(Clone, Default)]
struct Shown {
    /// What the system last reported.
    reported: Option<Report>,
    at: Option<i64>,
    own: Option<usize>,
    unconfirmed: VecDeque<Command>,
    /// The last command, and the change behind it.
    last: Option<(usize, Vec<String>, (usize, usize))>,
}

#[derive(Clone)]
struct Report {
    state: usize,
    by_hand: bool,
    /// The state and texts of the command that it shows.
    command: Option<(usize, Vec<String>)>,
}

#[derive(Clone)]
struct Command {
    state: usize,
    texts: Vec<String>,
    at: Option<i64>,
    lapsed: bool,
    by_hand: bool,
}

/// All users, and the choices that decisions depend on.
pub struct Sessions<'m> {
    meaning: &'m Meaning<'m>,
    users: BTreeMap<usize, User>,
    /// By role and changed system.
    needed: Vec<Vec<Vec<usize>>>,
    /// By role, changed system and the other: whether it is ever brought back.
    brings_back: Vec<Vec<Vec<bool>>>,
}

/// The event that is applied.
struct Applying<'e> {
    event: &'e Event,
    number: usize,
    role: usize,
    commands: Vec<Value>,
}

impl<'m> Sessions<'m> {
    pub fn new(meaning: &'m Meaning<'m>) -> Self {
        let roles = 0..meaning.roles.len();
        let systems = 0..meaning.spec.systems.len();
        let needed = roles
            .map(|role| {
                systems
                    .clone()
                    .map(|from| needed(meaning, role, from))
                    .collect()
            })
            .collect();
        let count = meaning.spec.systems.len();
        let of = |role: usize, from: usize| {
            let others = (0..count).map(|to| from != to && meaning.brings_back(role, from, to));
            others.collect()
        };
        let roles = 0..meaning.roles.len();
        let brings_back = roles.map(|role| (0..count).map(|from| of(role, from)).collect());
        Self {
            meaning,
            users: BTreeMap::new(),
            needed,
            brings_back: brings_back.collect(),
        }
    }

    fn user(&self, number: usize) -> User {
        let spec: &Spec = self.meaning.spec;
        let default = |choice: &crate::spec::Choice| Told::new(choice.default);
        self.users.get(&number).cloned().unwrap_or_else(|| User {
            role: Told::new(None),
            flags: vec![Told::new(false); spec.flags.len()],
            values: spec.choices.iter().map(default).collect(),
            shown: vec![Shown::default(); spec.systems.len()],
            changed_by_hand_last: None,
        })
    }

    fn default_role(&self) -> Option<usize> {
        let only = (self.meaning.roles.len() == 1).then_some(0);
        self.meaning.spec.default_role.or(only)
    }

    fn reads(&self, system: usize, state: usize) -> usize {
        self.meaning.spec.systems[system].states[state]
            .reads
            .unwrap_or(state)
    }

    /// The commands of an event, or the possible codes of its rejection.
    pub fn apply(&mut self, event: &Event, number: usize) -> Result<Vec<Value>, Vec<&'static str>> {
        if let Some(at) = event.broken {
            return Err(BROKEN[at].1.split(' ').collect());
        }
        let says = event.role.is_some()
            || !event.flags.is_empty()
            || !event.values.is_empty()
            || !event.observe.is_empty()
            || event.change.is_some()
            || event.resync.is_some();
        if !says {
            return Err(vec!["empty-event"]);
        }
        let mut user = self.user(event.user);
        let mut news = false;
        if let Some(role) = event.role {
            news |= user.role.hears(Some(role), event.at);
        }
        let role = user.role.value.or(self.default_role());
        let role = role.ok_or(vec!["no-role"])?;
        for (at, value) in &event.flags {
            news |= user.flags[*at].hears(*value, event.at);
        }
        for (at, value) in &event.values {
            news |= user.values[*at].hears(Some(*value), event.at);
        }
        if let Some(now) = event.at {
            self.lapse(&mut user, now);
        }
        let mut applying = Applying {
            event,
            number,
            role,
            commands: Vec::new(),
        };
        if news {
            self.again(&mut user, &mut applying);
        }
        for (system, state) in &event.observe {
            self.observe(&mut user, *system, *state, event.at);
        }
        if let Some((system, state)) = event.change {
            self.change(&mut user, &mut applying, (system, state))?;
        }
        if let Some(resync) = event.resync {
            self.resync(&mut user, &mut applying, resync)?;
        }
        self.users.insert(event.user, user);
        Ok(applying.commands)
    }

    /// A command lapses, and those before it, when it has waited longer than its system's `echo`.
    fn lapse(&self, user: &mut User, now: i64) {
        for (system, shown) in user.shown.iter_mut().enumerate() {
            let echo = self.meaning.spec.systems[system]
                .echo
                .unwrap_or(ECHO_SECONDS);
            for at in (0..shown.unconfirmed.len()).rev() {
                let late = shown.unconfirmed[at]
                    .at
                    .is_some_and(|sent| now - sent > echo);
                if late {
                    shown
                        .unconfirmed
                        .iter_mut()
                        .take(at + 1)
                        .for_each(|command| command.lapsed = true);
                    break;
                }
            }
        }
    }

    /// Confirms the oldest command that leads to the state and those before it.
    fn confirm(&self, shown: &mut Shown, system: usize, state: usize) -> bool {
        let leads = |command: &Command| {
            command.state == state || self.reads(system, command.state) == state
        };
        let Some(at) = shown.unconfirmed.iter().position(leads) else {
            return false;
        };
        let confirmed = shown.unconfirmed.drain(..=at).next_back();
        let confirmed = confirmed.expect("the drained range has a command");
        shown.reported = Some(Report {
            state,
            by_hand: confirmed.by_hand,
            command: Some((confirmed.state, confirmed.texts)),
        });
        true
    }

    fn by_hand(&self, user: &mut User, system: usize, state: usize) {
        let shown = &mut user.shown[system];
        shown.reported = Some(Report {
            state,
            by_hand: true,
            command: None,
        });
        shown.last = None;
        if !self.meaning.spec.systems[system].states[state].read_only {
            shown.own = Some(state);
        }
        user.changed_by_hand_last = Some(system);
    }

    fn observe(&self, user: &mut User, system: usize, state: Option<usize>, at: Option<i64>) {
        let shown = &mut user.shown[system];
        let known = shown.reported.as_ref().map(|report| report.state);
        if stale(at, shown.at, known == state) {
            return;
        }
        let Some(state) = state else {
            *shown = Shown {
                own: shown.own,
                at,
                ..Shown::default()
            };
            return;
        };
        shown.at = at.or(shown.at);
        let confirmed = self.confirm(shown, system, state);
        if !confirmed && known != Some(state) {
            self.by_hand(user, system, state);
        }
        user.shown[system]
            .unconfirmed
            .retain(|command| !command.lapsed);
    }

    fn change(
        &self,
        user: &mut User,
        applying: &mut Applying<'_>,
        (system, state): (usize, usize),
    ) -> Result<(), Vec<&'static str>> {
        let shown = &mut user.shown[system];
        let at = applying.event.at;
        let known = shown.reported.as_ref().map(|report| report.state);
        if stale(at, shown.at, known == Some(state)) {
            return Ok(());
        }
        shown.at = at.or(shown.at);
        if self.confirm(shown, system, state) || known == Some(state) {
            return Ok(());
        }
        shown.unconfirmed.clear();
        self.by_hand(user, system, state);
        self.decide(user, applying, (system, state), false)
    }

    fn resync(
        &self,
        user: &mut User,
        applying: &mut Applying<'_>,
        resync: Resync,
    ) -> Result<(), Vec<&'static str>> {
        let at = applying.event.at;
        if user.shown.iter().any(|shown| stale(at, shown.at, false)) {
            return Ok(());
        }
        let system = match resync {
            Resync::System(system) => Some(system),
            Resync::ByHandLast => user.changed_by_hand_last,
        };
        let Some(system) = system else { return Ok(()) };
        match user.shown[system]
            .reported
            .as_ref()
            .map(|report| report.state)
        {
            Some(state) => self.decide(user, applying, (system, state), true),
            None => Ok(()),
        }
    }

    /// The state and whether it is by hand, as conditions see them.
    fn seen(&self, shown: &Shown, system: usize, reported: bool) -> Option<(usize, bool)> {
        let last = shown
            .unconfirmed
            .back()
            .filter(|last| !last.lapsed && !reported);
        match last {
            Some(last) => Some((self.reads(system, last.state), last.by_hand)),
            None => shown
                .reported
                .as_ref()
                .map(|report| (report.state, report.by_hand)),
        }
    }

    fn situation(&self, user: &User, reported: bool) -> Situation {
        let seen = user.shown.iter().enumerate();
        let seen: Vec<_> = seen
            .map(|(system, shown)| self.seen(shown, system, reported))
            .collect();
        Situation {
            flags: user.flags.iter().map(|flag| flag.value).collect(),
            // No decision depends on choices that are not set, so any value will do.
            values: user
                .values
                .iter()
                .map(|value| Some(value.value.unwrap_or(0)))
                .collect(),
            states: seen
                .iter()
                .map(|seen| seen.map(|(state, _)| state))
                .collect(),
            by_hand: seen
                .iter()
                .map(|seen| seen.is_some_and(|(_, by_hand)| by_hand))
                .collect(),
        }
    }

    /// What an outcome wants of a system: a state with its texts.
    fn wanted(outcome: &Outcome, shown: &Shown) -> Option<(usize, Vec<String>)> {
        match outcome {
            Outcome::Set(state, texts) => Some((*state, texts.clone())),
            Outcome::Previous(texts) => shown.own.map(|own| (own, texts.clone())),
            Outcome::Unmapped | Outcome::Unchanged => None,
        }
    }

    fn decide(
        &self,
        user: &mut User,
        applying: &mut Applying<'_>,
        (from, state): (usize, usize),
        reported: bool,
    ) -> Result<(), Vec<&'static str>> {
        let unset = |choice: &usize| user.values[*choice].value.is_none();
        if self.needed[applying.role][from].iter().any(unset) {
            return Err(vec!["unset-choice"]);
        }
        let mut situation = self.situation(user, reported);
        situation.states[from] = Some(state);
        for to in 0..user.shown.len() {
            if to == from {
                continue;
            }
            let decided = self.meaning.decide(applying.role, &situation, from, to);
            let Some((target, texts)) = Self::wanted(&decided.outcome, &user.shown[to]) else {
                continue;
            };
            let shown = &mut user.shown[to];
            let read_only = self.meaning.spec.systems[to].states[target].read_only;
            if !self.brings_back[applying.role][from][to] && !read_only {
                shown.own = Some(target);
            }
            let last = shown
                .unconfirmed
                .back()
                .filter(|last| !last.lapsed && !reported);
            let compared = match (last, &shown.reported) {
                (Some(last), _) => Some((last.state, last.texts.clone())),
                (None, Some(report)) => {
                    Some(report.command.clone().unwrap_or((report.state, Vec::new())))
                }
                (None, None) => None,
            };
            let doubtful = shown.unconfirmed.iter().any(|command| command.lapsed);
            if doubtful || compared.as_ref() != Some(&(target, texts.clone())) {
                let seen = self.seen(&user.shown[to], to, reported);
                self.send(
                    user,
                    applying,
                    (to, target, texts),
                    seen,
                    &decided,
                    (from, state),
                );
            }
        }
        Ok(())
    }

    fn again(&self, user: &mut User, applying: &mut Applying<'_>) {
        let situation = self.situation(user, false);
        for to in 0..user.shown.len() {
            let Some((state, texts, (from, entered))) = user.shown[to].last.clone() else {
                continue;
            };
            if self.needed[applying.role][from]
                .iter()
                .any(|choice| user.values[*choice].value.is_none())
            {
                continue;
            }
            let mut situation = situation.clone();
            situation.states[from] = Some(entered);
            let decided = self.meaning.decide(applying.role, &situation, from, to);
            let wanted = Self::wanted(&decided.outcome, &user.shown[to]);
            let Some((target, other)) = wanted else {
                continue;
            };
            if target == state && other != texts {
                let seen = self.seen(&user.shown[to], to, false);
                self.send(
                    user,
                    applying,
                    (to, target, other),
                    seen,
                    &decided,
                    (from, entered),
                );
            }
        }
    }

    fn send(
        &self,
        user: &mut User,
        applying: &mut Applying<'_>,
        (to, target, texts): (usize, usize, Vec<String>),
        seen: Option<(usize, bool)>,
        decided: &Decided,
        behind: (usize, usize),
    ) {
        let event = applying.event;
        let shown = &mut user.shown[to];
        if shown.unconfirmed.len() == MOST_UNCONFIRMED {
            shown.unconfirmed.pop_front();
        }
        shown.unconfirmed.push_back(Command {
            state: target,
            texts: texts.clone(),
            at: event.at,
            lapsed: false,
            // A command for the state that is seen by hand already leaves it by hand.
            by_hand: seen == Some((self.reads(to, target), true)),
        });
        shown.last = Some((target, texts.clone(), behind));
        let system = &self.meaning.spec.systems[to];
        let wire = system.states[target]
            .id
            .as_ref()
            .unwrap_or(&system.states[target].name);
        let (profile, line) = decided
            .origin
            .clone()
            .expect("an outcome that sets a state has an origin");
        let mut command = json!({
            "user": format!("u{}", event.user), "set": { system.name.clone(): wire }, "append": texts,
            "profile": profile, "rule": format!("main.presync:{line}"), "cause": applying.number,
        });
        if let Some(at) = event.at {
            command["at"] = json!(time(at));
        }
        applying.commands.push(command);
    }
}

/// The choices on which the decisions of a role for changes of a system depend.
fn needed(meaning: &Meaning<'_>, role: usize, from: usize) -> Vec<usize> {
    let choices = 0..meaning.spec.choices.len();
    let depends = |choice: &usize| {
        let mut found = false;
        let mut none = |_: usize| 0;
        meaning.each(usize::MAX, &mut none, &mut |situation| {
            if found || situation.values[*choice] != Some(0) || situation.states[from].is_none() {
                return;
            }
            for to in (0..meaning.spec.systems.len()).filter(|to| *to != from) {
                let outcome = meaning.decide(role, situation, from, to).outcome;
                for value in 1..meaning.spec.choices[*choice].values.len() {
                    let mut other = situation.clone();
                    other.values[*choice] = Some(value);
                    found |= meaning.decide(role, &other, from, to).outcome != outcome;
                }
            }
        });
        found
    };
    choices.filter(depends).collect()
}
