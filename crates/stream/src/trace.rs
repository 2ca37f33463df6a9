//! In: an event and its result. Out: a line of the trace that explains it.

use serde::Serialize;
use serde_json::value::RawValue;

use presync_engine::{
    Delivery, Effect, Event, Rejection, Schema, SessionEngine, StateId, SystemDecision,
};

use crate::output::write_line;

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
    let result = "rejected";
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

pub(crate) fn carried_out(
    out: &mut Vec<u8>,
    engine: &SessionEngine,
    traced: &Traced<'_>,
    effect: Effect,
    decided: &[SystemDecision<'_>],
) {
    let schema = engine.schema();
    let (result, why) = explain(schema, traced.event, effect, decided);
    let decisions = decided.iter().map(|decided| {
        let outcome = &decided.decision.outcome;
        let origin = decided.decision.origin.as_ref();
        TraceDecision {
            to: &schema.system(decided.to).name,
            result: name(decided.delivery),
            state: outcome
                .state()
                .map(|state| schema.state(state).name.as_str()),
            append: engine.append_texts(decided.append),
            profile: origin.map(|origin| origin.profile.as_str()),
            rule: origin.map(|origin| origin.rule.as_str()),
        }
    });
    let decisions = decisions.collect();
    let id = traced
        .id
        .and_then(|id| RawValue::from_string(id.to_owned()).ok());
    let (line, user) = (traced.line, Some(traced.user));
    write_line(
        out,
        &TraceLine {
            line,
            user,
            id,
            result,
            why,
            decisions,
        },
    );
}

fn name(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Sent => "sent",
        Delivery::Same => "same",
        Delivery::Unchanged => "unchanged",
        Delivery::Unmapped => "unmapped",
    }
}

/// The result of an event in one word, and the reason.
fn explain(
    schema: &Schema,
    event: &Event,
    effect: Effect,
    decided: &[SystemDecision<'_>],
) -> (&'static str, String) {
    let order = [
        Delivery::Sent,
        Delivery::Same,
        Delivery::Unchanged,
        Delivery::Unmapped,
    ];
    let is_there = |wanted: &Delivery| decided.iter().any(|one| one.delivery == *wanted);
    if let Some(delivery) = order.into_iter().find(is_there) {
        let concerned = decided
            .iter()
            .filter(|decided| decided.delivery == delivery);
        let mut names: Vec<&str> = concerned
            .map(|decided| schema.system(decided.to).name.as_str())
            .collect();
        names.dedup();
        let names = names.join(" and ");
        let why = match delivery {
            Delivery::Sent => format!("command sent to {names}"),
            Delivery::Same => format!("state of {names} is already correct"),
            Delivery::Unchanged => format!("a rule leaves {names} unchanged"),
            Delivery::Unmapped => format!("no profile maps this for {names}"),
        };
        return (name(delivery), why);
    }
    let state = |state: StateId| {
        format!(
            "{} `{}`",
            schema.system(state.system()).name,
            schema.state(state).name
        )
    };
    let changed = event.change.map(state).unwrap_or_default();
    match effect {
        Effect::Echo => ("echo", format!("echo of our own command to {changed}")),
        Effect::Same => ("same", format!("state of {changed} unchanged")),
        Effect::Unknown => ("unmapped", "the state to resync is unknown".to_owned()),
        Effect::Recorded => ("recorded", "nothing to decide".to_owned()),
    }
}
