//! In: an event and its result. Out: a line of the trace that explains it.

use serde::Serialize;
use serde_json::value::RawValue;

use presync_engine::{
    AppliedEvent, Delivery, Effect, Event, Lapse, Rejection, Schema, SessionEngine, StalePart,
    StateId,
};

use crate::output::{Counts, Word, write_line};

#[derive(Serialize)]
struct TraceLine<'a> {
    line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Box<RawValue>>,
    result: &'a str,
    why: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    decisions: Vec<TraceDecision<'a>>,
}

#[derive(Serialize)]
struct TraceDecision<'a> {
    to: &'a str,
    result: &'a str,
    state: Option<&'a str>,
    append: Vec<String>,
    profile: Option<&'a str>,
    rule: Option<&'a str>,
}

/// A line of the event stream and its user.
pub(crate) struct Traced<'a> {
    pub line: u64,
    pub user: &'a str,
    /// As JSON.
    pub id: Option<&'a str>,
    pub event: &'a Event,
}

pub(crate) fn rejected(out: &mut Vec<u8>, line: u64, user: Option<&str>, rejection: &Rejection) {
    let why = format!("{}: {rejection}", rejection.code());
    let result = Word::Rejected.text();
    write_line(
        out,
        &TraceLine {
            line,
            user,
            id: None,
            result,
            why,
            decisions: Vec::new(),
        },
    );
}

/// Counts what an event led to, in the words of the trace.
#[inline]
pub(crate) fn count(counts: &mut Counts, event: &Event, applied: &AppliedEvent<'_>) {
    applied
        .lapsed
        .iter()
        .for_each(|_| counts.count(Word::Lapsed));
    applied.stale.iter().for_each(|_| counts.count(Word::Stale));
    if let Some(word) = main_word(event, applied) {
        counts.count(word);
    }
}

/// Writes a line for each lapsed command, one for each part of the event that is stale, and one for the rest.
pub(crate) fn carried_out(
    out: &mut Vec<u8>,
    engine: &SessionEngine,
    traced: &Traced<'_>,
    applied: &AppliedEvent<'_>,
) {
    let schema = engine.schema();
    let id = || {
        traced
            .id
            .and_then(|id| RawValue::from_string(id.to_owned()).ok())
    };
    let mut line = |word: Word, why: String, decisions| {
        let line = TraceLine {
            line: traced.line,
            user: Some(traced.user),
            id: id(),
            result: word.text(),
            why,
            decisions,
        };
        write_line(out, &line);
    };
    for lapse in &applied.lapsed {
        line(Word::Lapsed, why_lapsed(schema, lapse), Vec::new());
    }
    for part in &applied.stale {
        let why = why_stale(schema, *part);
        line(Word::Stale, why, Vec::new());
    }
    let Some(word) = main_word(traced.event, applied) else {
        return;
    };
    let decisions = applied.decisions.iter().map(|decided| {
        let origin = decided.decision.origin.as_ref();
        TraceDecision {
            to: &schema.system(decided.to).name,
            result: word_of(decided.delivery).text(),
            state: decided.state.map(|state| schema.state(state).name.as_str()),
            append: engine.append_texts(decided.append),
            profile: origin.map(|origin| origin.profile.as_str()),
            rule: origin.map(|origin| origin.rule.as_str()),
        }
    });
    let decisions = decisions.collect();
    line(word, why(schema, traced.event, applied), decisions);
}

fn word_of(delivery: Delivery) -> Word {
    match delivery {
        Delivery::Sent => Word::Sent,
        Delivery::Same => Word::Same,
        Delivery::Unchanged => Word::Unchanged,
        Delivery::Unmapped => Word::Unmapped,
    }
}

/// The most important of the decisions.
fn main_delivery(applied: &AppliedEvent<'_>) -> Option<Delivery> {
    let order = [
        Delivery::Sent,
        Delivery::Same,
        Delivery::Unchanged,
        Delivery::Unmapped,
    ];
    let is_there = |wanted: &Delivery| {
        let mut decisions = applied.decisions.iter();
        decisions.any(|decided| decided.delivery == *wanted)
    };
    order.into_iter().find(is_there)
}

/// The result of what is not stale in an event, in one word; `None` if there is nothing.
#[inline]
fn main_word(event: &Event, applied: &AppliedEvent<'_>) -> Option<Word> {
    if let Some(delivery) = main_delivery(applied) {
        return Some(word_of(delivery));
    }
    match applied.effect {
        Effect::Echo => return Some(Word::Echo),
        Effect::LateEcho => return Some(Word::LateEcho),
        Effect::Same => return Some(Word::Same),
        Effect::Unknown => return Some(Word::Unmapped),
        Effect::Recorded | Effect::Stale => {}
    }
    let parts = usize::from(event.role.is_some())
        + event.set.len()
        + event.observe.len()
        + usize::from(event.change.is_some())
        + usize::from(event.resync.is_some());
    (applied.stale.len() < parts).then_some(Word::Observed)
}

fn why_lapsed(schema: &Schema, lapse: &Lapse) -> String {
    let state = lapse.command.state;
    let system = schema.system(state.system());
    let limit = system.echo_seconds();
    format!(
        "{} has not reported {} within {limit} s: the command may be lost",
        system.name,
        schema.state(state).name
    )
}

fn why_stale(schema: &Schema, part: StalePart) -> String {
    let of_system = |system| format!("the state of {}", schema.system(system).name);
    let what = match part {
        StalePart::Role => "the role".to_owned(),
        StalePart::Fact(fact) => format!("`{}`", schema.fact(fact).name),
        StalePart::Observed(system) | StalePart::Change(system) => of_system(system),
        StalePart::Resync => {
            return "a system has reported something newer than this resync".to_owned();
        }
    };
    format!("{what} was already set by an event of the same or a later time")
}

/// The reason for the main word.
fn why(schema: &Schema, event: &Event, applied: &AppliedEvent<'_>) -> String {
    if let Some(delivery) = main_delivery(applied) {
        let decisions = applied.decisions.iter();
        let concerned = decisions.filter(|decided| decided.delivery == delivery);
        let mut names: Vec<&str> = concerned
            .map(|decided| schema.system(decided.to).name.as_str())
            .collect();
        names.dedup();
        let names = names.join(" and ");
        return match delivery {
            Delivery::Sent => format!("command sent to {names}"),
            Delivery::Same => format!("state of {names} is already correct"),
            Delivery::Unchanged => format!("a rule leaves {names} unchanged"),
            Delivery::Unmapped => format!("no profile maps this for {names}"),
        };
    }
    let state = |state: StateId| {
        format!(
            "{} `{}`",
            schema.system(state.system()).name,
            schema.state(state).name
        )
    };
    let changed = event.change.map(state).unwrap_or_default();
    match applied.effect {
        Effect::Echo => format!("echo of our own command to {changed}"),
        Effect::LateEcho => format!("late echo of our own command to {changed}, which had lapsed"),
        Effect::Same => format!("state of {changed} unchanged"),
        Effect::Unknown => "the state to resync is unknown".to_owned(),
        Effect::Recorded | Effect::Stale => "nothing to decide".to_owned(),
    }
}
