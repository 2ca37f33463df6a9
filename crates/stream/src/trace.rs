//! In: an event and what became of it. Out: a line that says so, for the trace.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::stream::write_line;
use presync_engine::event::{Event, Rejection};
use presync_engine::session::{Decided, Engine, Happened, Verdict};
use presync_engine::table::Outcome;

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
    append: &'a [String],
    profile: &'a Option<String>,
    rule: &'a Option<String>,
}

pub(super) fn rejected(out: &mut Vec<u8>, line: u64, user: Option<&str>, rejection: &Rejection) {
    let why = format!("{}: {}", rejection.code, rejection.message);
    write_line(
        out,
        &TraceLine {
            line,
            user,
            id: None,
            result: "rejected",
            why,
            decisions: Vec::new(),
        },
    );
}

pub(super) fn carried_out(
    out: &mut Vec<u8>,
    engine: &Engine<'_>,
    line: u64,
    (user, id): (&str, Option<&str>),
    event: &Event,
    (happened, decided): (Happened, &[Decided<'_>]),
) {
    let tables = engine.tables;
    let (result, why) = explain(engine, event, happened, decided);
    let decisions = decided
        .iter()
        .map(|decided| {
            let (state, append) = match &decided.decision.outcome {
                Outcome::Set { state, append } => (
                    Some(
                        tables.systems[decided.to].states[*state as usize]
                            .name
                            .as_str(),
                    ),
                    &**append,
                ),
                _ => (None, &[] as &[String]),
            };
            let to = tables.systems[decided.to].name.as_str();
            let (profile, rule) = (&decided.decision.profile, &decided.decision.rule);
            TraceDecision {
                to,
                result: name(decided.verdict),
                state,
                append,
                profile,
                rule,
            }
        })
        .collect();
    let id = id.and_then(|id| RawValue::from_string(id.to_owned()).ok());
    write_line(
        out,
        &TraceLine {
            line,
            user: Some(user),
            id,
            result,
            why,
            decisions,
        },
    );
}

fn name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Sent => "sent",
        Verdict::Same => "same",
        Verdict::Unchanged => "unchanged",
        Verdict::Unmapped => "unmapped",
    }
}

/// The one word for an event, and the sentence.
fn explain(
    engine: &Engine<'_>,
    event: &Event,
    happened: Happened,
    decided: &[Decided<'_>],
) -> (&'static str, String) {
    let tables = engine.tables;
    let state = |(system, state): (u32, u32)| {
        let system = &tables.systems[system as usize];
        format!("{} `{}`", system.name, system.states[state as usize].name)
    };
    let order = [
        Verdict::Sent,
        Verdict::Same,
        Verdict::Unchanged,
        Verdict::Unmapped,
    ];
    let strongest = order
        .into_iter()
        .find(|verdict| decided.iter().any(|decided| decided.verdict == *verdict));
    match (happened, strongest) {
        (_, Some(verdict)) => {
            let systems = |wanted: Verdict| {
                let names: Vec<&str> = decided
                    .iter()
                    .filter(|decided| decided.verdict == wanted)
                    .map(|decided| tables.systems[decided.to].name.as_str())
                    .collect();
                let mut names = names;
                names.dedup();
                let verb = if names.len() == 1 { "is" } else { "are" };
                (names.join(" and "), verb)
            };
            let (names, verb) = systems(verdict);
            let why = match verdict {
                Verdict::Sent => format!("{names} {verb} to follow"),
                Verdict::Same => format!("the outcome is shown by {names} already"),
                Verdict::Unchanged => format!("a rule leaves {names} unchanged"),
                Verdict::Unmapped => format!("no profile maps this for {names}"),
            };
            (name(verdict), why)
        }
        (Happened::Echo, None) => (
            "echo",
            format!(
                "{} is what we sent",
                event.change.map(state).unwrap_or_default()
            ),
        ),
        (Happened::Same, None) => (
            "same",
            format!(
                "{} was known already",
                event.change.map(state).unwrap_or_default()
            ),
        ),
        (Happened::Unknown, None) => (
            "unmapped",
            "the state to decide again is not known".to_owned(),
        ),
        (Happened::Recorded, None) => ("recorded", "nothing to decide".to_owned()),
    }
}
