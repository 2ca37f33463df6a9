//! User sessions, implemented literally from the "session" section of the language reference. Events are data and JSON.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Map, Value, json};

use crate::meaning::{Decided, Meaning, Outcome, Situation};
use crate::random::Random;
use crate::spec::Spec;

pub const ECHO_SECONDS: i64 = 60;
const MOST_UNCONFIRMED: usize = 8;

#[derive(Debug, Clone, Default)]
pub struct Event {
    pub user: usize,
    pub role: Option<usize>,
    pub flags: Vec<(usize, bool)>,
    pub values: Vec<(usize, usize)>,
    pub observe: Vec<(usize, Option<usize>)>,
    pub change: Option<(usize, usize)>,
    pub resync: Option<usize>,
    /// The time in seconds.
    pub at: Option<i64>,
    /// An index of `BROKEN`: makes the event invalid, instead of all other members.
    pub broken: Option<usize>,
    /// How states are written: by name, by id, or in capitals.
    pub spelling: usize,
}

/// Members that make an event invalid, with the codes of the error.
const BROKEN: [(&str, &str); 9] = [
    (r#""role":"nobody""#, "unknown-role"),
    (r#""change":{"nowhere":"x"}"#, "unknown-system"),
    (r#""change":{"cic":"no such state"}"#, "unknown-state"),
    (r#""state":{"lync":"no such state"}"#, "unknown-state"),
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
            *clock += *random.pick(&[0, 1, 5, 20, 61]);
            event.at = Some(*clock);
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
        event.resync = random.chance(8).then_some(system);
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
                0 => state.name.clone(),
                1 => state.id.clone().unwrap_or_else(|| state.name.clone()),
                _ => state.name.to_ascii_uppercase(),
            }
        };
        if let Some((system, state)) = self.observe.first() {
            object.insert(
                "state".to_owned(),
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
            object.insert("resync".to_owned(), json!(spec.systems[system].name));
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
    role: Option<usize>,
    flags: Vec<bool>,
    values: Vec<Option<usize>>,
    shown: Vec<Shown>,
}

#[derive(Clone, Default)]
struct Shown {
    reported: Option<(usize, Vec<String>)>,
    unconfirmed: VecDeque<Command>,
    last: Option<(Command, usize, usize)>,
}

#[derive(Clone)]
struct Command {
    state: usize,
    texts: Vec<String>,
    at: Option<i64>,
}

impl Shown {
    fn current(&self) -> Option<(usize, Vec<String>)> {
        self.unconfirmed
            .back()
            .map(|sent| (sent.state, sent.texts.clone()))
            .or_else(|| self.reported.clone())
    }

    /// Whether the state was known already. Forgets the last command if the state shows that it is obsolete.
    fn sees(&mut self, state: usize) -> bool {
        let known = matches!(&self.reported, Some((reported, _)) if *reported == state);
        let over = !known || self.unconfirmed.is_empty();
        self.last = self
            .last
            .take()
            .filter(|(command, ..)| command.state == state || !over);
        known
    }
}

/// All users, and the choices that decisions depend on.
pub struct Sessions<'m> {
    meaning: &'m Meaning<'m>,
    users: BTreeMap<usize, User>,
    /// By role and changed system.
    needed: Vec<Vec<Vec<usize>>>,
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
        Self {
            meaning,
            users: BTreeMap::new(),
            needed,
        }
    }

    fn user(&self, number: usize) -> User {
        let spec: &Spec = self.meaning.spec;
        self.users.get(&number).cloned().unwrap_or_else(|| User {
            role: spec.roles.is_empty().then_some(0),
            flags: vec![false; spec.flags.len()],
            values: spec.choices.iter().map(|choice| choice.default).collect(),
            shown: vec![Shown::default(); spec.systems.len()],
        })
    }

    /// The commands of an event, or the possible codes of its rejection.
    pub fn apply(&mut self, event: &Event, number: usize) -> Result<Vec<Value>, Vec<&'static str>> {
        if let Some(at) = event.broken {
            return Err(BROKEN[at].1.split(' ').collect());
        }
        let mut user = self.user(event.user);
        user.role = event.role.or(user.role);
        let role = user.role.ok_or(vec!["no-role"])?;
        event
            .flags
            .iter()
            .for_each(|(at, value)| user.flags[*at] = *value);
        event
            .values
            .iter()
            .for_each(|(at, value)| user.values[*at] = Some(*value));
        let starts = event
            .change
            .map(|(from, _)| from)
            .into_iter()
            .chain(event.resync);
        if starts.into_iter().any(|from| {
            self.needed[role][from]
                .iter()
                .any(|choice| user.values[*choice].is_none())
        }) {
            return Err(vec!["unset-choice"]);
        }
        if let Some(now) = event.at {
            for shown in &mut user.shown {
                let overdue = |sent: &Command| sent.at.is_some_and(|at| now - at > ECHO_SECONDS);
                // Earlier commands are older, so they expire, too.
                if let Some(last) = shown.unconfirmed.iter().rposition(overdue) {
                    shown.unconfirmed.drain(..=last);
                }
            }
        }
        let mut commands = Vec::new();
        if event.role.is_some() || !event.flags.is_empty() || !event.values.is_empty() {
            self.again(&mut user, role, event, number, &mut commands);
        }
        for (system, state) in &event.observe {
            let shown = &mut user.shown[*system];
            match state {
                None => *shown = Shown::default(),
                Some(state) => {
                    let known = shown.sees(*state);
                    if !known {
                        shown.reported = Some((*state, Vec::new()));
                    }
                }
            }
        }
        if let Some((system, state)) = event.change {
            let shown = &mut user.shown[system];
            if let Some(at) = shown
                .unconfirmed
                .iter()
                .position(|sent| sent.state == state)
            {
                let echo = shown
                    .unconfirmed
                    .drain(..=at)
                    .next_back()
                    .expect("the drained range has a command");
                shown.reported = Some((state, echo.texts));
            } else if !shown.sees(state) {
                *shown = Shown {
                    reported: Some((state, Vec::new())),
                    ..Shown::default()
                };
                self.decide(
                    &mut user,
                    role,
                    (system, state),
                    false,
                    event,
                    number,
                    &mut commands,
                );
            }
        }
        if let Some(system) = event.resync
            && let Some((state, _)) = user.shown[system].reported.clone()
        {
            self.decide(
                &mut user,
                role,
                (system, state),
                true,
                event,
                number,
                &mut commands,
            );
        }
        self.users.insert(event.user, user);
        Ok(commands)
    }

    fn situation(user: &User, known: impl Fn(&Shown) -> Option<usize>) -> Situation {
        Situation {
            flags: user.flags.clone(),
            // No decision depends on choices that are not set, so any value will do.
            values: user
                .values
                .iter()
                .map(|value| Some(value.unwrap_or(0)))
                .collect(),
            states: user.shown.iter().map(known).collect(),
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn decide(
        &self,
        user: &mut User,
        role: usize,
        (from, state): (usize, usize),
        reported: bool,
        event: &Event,
        number: usize,
        commands: &mut Vec<Value>,
    ) {
        let known = |shown: &Shown| {
            if reported {
                shown.reported.clone()
            } else {
                shown.current()
            }
        };
        let mut situation = Self::situation(user, |shown| known(shown).map(|(state, _)| state));
        situation.states[from] = Some(state);
        for to in 0..user.shown.len() {
            if to == from {
                continue;
            }
            let decided = self.meaning.decide(role, &situation, from, to);
            let Outcome::Set(target, texts) = &decided.outcome else {
                continue;
            };
            if known(&user.shown[to]) != Some((*target, texts.clone())) {
                commands.push(self.send(
                    &mut user.shown[to],
                    to,
                    &decided,
                    (from, state),
                    event,
                    number,
                ));
            }
        }
    }

    fn again(
        &self,
        user: &mut User,
        role: usize,
        event: &Event,
        number: usize,
        commands: &mut Vec<Value>,
    ) {
        let situation = Self::situation(user, |shown| shown.current().map(|(state, _)| state));
        for to in 0..user.shown.len() {
            let Some((last, from, state)) = user.shown[to].last.clone() else {
                continue;
            };
            if self.needed[role][from]
                .iter()
                .any(|choice| user.values[*choice].is_none())
            {
                continue;
            }
            let mut situation = situation.clone();
            situation.states[from] = Some(state);
            let decided = self.meaning.decide(role, &situation, from, to);
            let Outcome::Set(target, texts) = &decided.outcome else {
                continue;
            };
            if *target == last.state && *texts != last.texts {
                commands.push(self.send(
                    &mut user.shown[to],
                    to,
                    &decided,
                    (from, state),
                    event,
                    number,
                ));
            }
        }
    }

    fn send(
        &self,
        shown: &mut Shown,
        to: usize,
        decided: &Decided,
        (from, state): (usize, usize),
        event: &Event,
        number: usize,
    ) -> Value {
        let Outcome::Set(target, texts) = &decided.outcome else {
            unreachable!("only outcomes that set a state are sent")
        };
        let sent = Command {
            state: *target,
            texts: texts.clone(),
            at: event.at,
        };
        if shown.unconfirmed.len() == MOST_UNCONFIRMED {
            shown.unconfirmed.pop_front();
        }
        shown.unconfirmed.push_back(sent.clone());
        shown.last = Some((sent, from, state));
        let system = &self.meaning.spec.systems[to];
        let wire = system.states[*target]
            .id
            .as_ref()
            .unwrap_or(&system.states[*target].name);
        let (profile, line) = decided
            .origin
            .clone()
            .expect("an outcome that sets a state has an origin");
        let mut command = json!({
            "user": format!("u{}", event.user), "set": { system.name.clone(): wire }, "append": texts,
            "profile": profile, "rule": format!("main.presync:{line}"), "cause": number,
        });
        if let Some(at) = event.at {
            command["at"] = json!(time(at));
        }
        command
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
