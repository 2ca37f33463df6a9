//! In: a scenario. Out: nothing if every step sends the expected commands, else the first step that does not.
//! Also reports each decided change with its situation. Runs the session of the engine, over the tables.

use presync_engine::{Delivery, Event, Seen, Session, SessionEngine, SystemDecision, Tables};

use crate::analysis::targets::RoleChange;
use crate::diagnostic::Diagnostic;
use crate::errors::failed_test::{self, StepLine};
use crate::program::{
    Change, ExpectedCommand, Program, RoleId, Scenario, Step, StepKind, SystemId, ValueId,
};
use crate::quote::{on_one_line, quote, quote_text};
use crate::space::SituationSpace;

/// A situation of the session: the known facts and states.
#[derive(Default)]
pub(super) struct SeenSituation {
    facts: Vec<ValueId>,
    /// The state of each system, and whether it is by hand.
    states: Vec<(SystemId, Option<Seen>)>,
}

impl SeenSituation {
    /// The known values, as variables of a space.
    pub fn variables(&self, space: &SituationSpace<'_>) -> Vec<(u32, Vec<u32>)> {
        let facts = self.facts.iter();
        let facts = facts.map(|value| (space.of_fact(value.fact()), vec![value.value()]));
        let states = self.states.iter().map(|(system, seen)| {
            let state = seen.map_or(0, |seen| seen.state.value());
            (space.of_system(*system), vec![state])
        });
        let by_hand = self.states.iter().filter_map(|(system, seen)| {
            let by_hand = seen.is_some_and(|seen| seen.by_hand);
            Some((space.of_hand(*system)?, vec![u32::from(by_hand)]))
        });
        facts.chain(states).chain(by_hand).collect()
    }
}

pub(super) fn run(
    program: &Program,
    tables: &Tables,
    scenario: &Scenario,
    decided_in: &mut dyn FnMut(RoleChange, &SeenSituation),
) -> Vec<Diagnostic> {
    let engine = SessionEngine::new(tables.clone());
    let mut session = engine.session();
    if let Some(role) = scenario.role {
        session.role = Some(role);
    }
    // Milliseconds since the scenario began.
    let mut now = 0;
    let mut lines: Vec<StepLine> = Vec::new();
    for step in &scenario.steps {
        let written = program.sources.text(step.location);
        let (event_text, expected) = written.split_once("=>").unwrap_or((written, ""));
        let line = |got: String| StepLine {
            event: on_one_line(event_text),
            expected: on_one_line(expected),
            got,
        };
        let failed = |lines: &[StepLine]| {
            let failure = failed_test::steps(&scenario.name, lines, step.location);
            vec![failure]
        };
        if let StepKind::Wait(seconds) = step.kind {
            now += i64::from(seconds) * 1000;
        }
        // Steps come in order: none is stale.
        session.forget_times();
        let before = session.clone();
        let step_event = Event {
            at: Some(now),
            ..event(step)
        };
        let decided = match engine.apply(&mut session, &step_event) {
            Ok(applied) => applied.decisions,
            Err(rejection) => {
                lines.push(line(format!("rejected: {rejection}")));
                return failed(&lines);
            }
        };
        for decided in &decided {
            let after = (&session, engine.role_of(&session));
            report(program, step, &before, after, decided.to, decided_in);
        }
        let sent: Vec<&SystemDecision<'_>> = decided
            .iter()
            .filter(|decided| decided.delivery == Delivery::Sent)
            .collect();
        let texts: Vec<String> = sent.iter().map(|decided| text(&engine, decided)).collect();
        let got = if texts.is_empty() {
            "nothing".to_owned()
        } else {
            texts.join(", ")
        };
        lines.push(line(got));
        if let Some(wanted) = &step.commands
            && !matches(&engine, wanted, &sent)
        {
            return failed(&lines);
        }
    }
    Vec::new()
}

fn event(step: &Step) -> Event {
    match &step.kind {
        StepKind::Role(role) => Event::in_role(*role),
        StepKind::Set(values) => Event::setting(values.iter().copied()),
        StepKind::Observe(observed) => Event {
            observe: observed.iter().copied().collect(),
            ..Event::default()
        },
        StepKind::Resync(Some(system)) => Event::resync(*system),
        StepKind::Resync(None) => Event::resync_by_hand_last(),
        // Time passes; lapses are noticed.
        StepKind::Wait(_) => Event::default(),
        StepKind::Change(entered) => Event::changed(*entered),
    }
}

/// Reports the situation in which a decision for `to` was made.
fn report(
    program: &Program,
    step: &Step,
    before: &Session,
    (after, role): (&Session, Option<RoleId>),
    to: SystemId,
    decided_in: &mut dyn FnMut(RoleChange, &SeenSituation),
) {
    let cause = match &step.kind {
        StepKind::Change(entered) => Some(*entered),
        StepKind::Resync(from) => {
            let from = from.or(after.by_hand_last);
            let reported = from.and_then(|from| after.systems[from.index()].reported);
            reported.map(|reported| reported.state)
        }
        StepKind::Role(_) | StepKind::Set(_) | StepKind::Observe(_) | StepKind::Wait(_) => {
            after.systems[to.index()].last.map(|last| last.cause)
        }
    };
    let change = cause.and_then(|entered| Change::new(entered, to));
    let (Some(change), Some(role)) = (change, role) else {
        return;
    };
    let resync = matches!(step.kind, StepKind::Resync(_));
    let shown = |system: SystemId| {
        let view = &before.systems[system.index()];
        if resync {
            view.last_reported()
        } else {
            view.current(&program.schema)
        }
    };
    let states = program.system_ids().map(|system| {
        let entered = Some(change.entered()).filter(|entered| entered.system() == system);
        let entered = entered.map(|state| Seen {
            state,
            by_hand: true,
        });
        (system, entered.or_else(|| shown(system)))
    });
    let facts = program
        .schema
        .facts()
        .filter_map(|(fact, _)| after.value(fact));
    let seen = SeenSituation {
        facts: facts.collect(),
        states: states.collect(),
    };
    decided_in(RoleChange { role, change }, &seen);
}

/// Whether the commands are exactly the wanted ones, in any order.
fn matches(
    engine: &SessionEngine,
    wanted: &[ExpectedCommand],
    sent: &[&SystemDecision<'_>],
) -> bool {
    let is = |command: &ExpectedCommand, decided: &SystemDecision<'_>| {
        let texts = command.append.as_ref();
        decided.state == Some(command.state)
            && texts.is_none_or(|texts| *texts == engine.append_texts(decided.append))
    };
    wanted.len() == sent.len()
        && wanted
            .iter()
            .all(|command| sent.iter().any(|decided| is(command, decided)))
        && sent
            .iter()
            .all(|decided| wanted.iter().any(|command| is(command, decided)))
}

fn text(engine: &SessionEngine, decided: &SystemDecision<'_>) -> String {
    let schema = engine.schema();
    let state = decided
        .state
        .map(|state| quote(&schema.state(state).name))
        .unwrap_or_default();
    let texts = engine.append_texts(decided.append);
    let texts: Vec<String> = texts.iter().map(|text| quote_text(text)).collect();
    let append = if texts.is_empty() {
        String::new()
    } else {
        format!(" append {}", texts.join(", "))
    };
    format!("{} {state}{append}", quote(&schema.system(decided.to).name))
}
