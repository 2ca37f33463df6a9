//! In: a scenario. Out: nothing if every step sends the expected commands, else the first step that does not.
//! Also reports each decided change with its situation. Runs the session of the engine, over the tables.

use presync_engine::{Delivery, Event, Session, SessionEngine, SystemDecision, Tables};

use crate::analysis::targets::RoleChange;
use crate::diagnostic::Diagnostic;
use crate::errors::failed_test::{self, StepFailure};
use crate::program::{
    Change, ExpectedCommand, Program, Scenario, StateId, Step, StepKind, SystemId, ValueId,
};
use crate::quote::{quote, quote_text};
use crate::space::SituationSpace;

/// Echoes never expire here: steps have no time.
const ECHO_SECONDS: u32 = 60;

/// A situation of the session: the known facts and states.
#[derive(Default)]
pub(super) struct Seen {
    facts: Vec<ValueId>,
    states: Vec<(SystemId, Option<StateId>)>,
}

impl Seen {
    /// The known values, as variables of a space.
    pub fn variables(&self, space: &SituationSpace<'_>) -> Vec<(u32, Vec<u32>)> {
        let facts = self.facts.iter();
        let facts = facts.map(|value| (space.of_fact(value.fact()), vec![value.value()]));
        let states = self.states.iter().map(|(system, state)| {
            (
                space.of_system(*system),
                vec![state.map_or(0, StateId::value)],
            )
        });
        facts.chain(states).collect()
    }
}

pub(super) fn run(
    program: &Program,
    tables: &Tables,
    scenario: &Scenario,
    decided_in: &mut dyn FnMut(RoleChange, &Seen),
) -> Vec<Diagnostic> {
    let engine = SessionEngine::new(tables.clone(), ECHO_SECONDS);
    let mut session = engine.session();
    if let Some(role) = scenario.role {
        session.role = Some(role);
    }
    for (at, step) in scenario.steps.iter().enumerate() {
        let failed = |failure: StepFailure| {
            vec![failed_test::step(
                &scenario.name,
                at + 1,
                &failure,
                step.location,
            )]
        };
        let before = session.clone();
        let decided = match engine.apply(&mut session, &event(step)) {
            Ok((_, decided)) => decided,
            Err(rejection) => return failed(StepFailure::Rejected(rejection.to_string())),
        };
        for decided in &decided {
            report(program, step, (&before, &session), decided.to, decided_in);
        }
        let sent: Vec<&SystemDecision<'_>> = decided
            .iter()
            .filter(|decided| decided.delivery == Delivery::Sent)
            .collect();
        if let Some(wanted) = &step.commands
            && !matches(&engine, wanted, &sent)
        {
            let texts: Vec<String> = sent.iter().map(|decided| text(&engine, decided)).collect();
            return failed(StepFailure::Sends(texts));
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
        StepKind::Resync(system) => Event::resync(*system),
        StepKind::Change(entered) => Event::changed(*entered),
    }
}

/// Reports the situation in which a decision for `to` was made.
fn report(
    program: &Program,
    step: &Step,
    (before, after): (&Session, &Session),
    to: SystemId,
    decided_in: &mut dyn FnMut(RoleChange, &Seen),
) {
    let cause = match &step.kind {
        StepKind::Change(entered) => Some(*entered),
        StepKind::Resync(from) => after.systems[from.index()]
            .reported
            .map(|shown| shown.state),
        StepKind::Role(_) | StepKind::Set(_) | StepKind::Observe(_) => {
            after.systems[to.index()].last.map(|last| last.cause)
        }
    };
    let change = cause.and_then(|entered| Change::new(entered, to));
    let (Some(change), Some(role)) = (change, after.role) else {
        return;
    };
    let resync = matches!(step.kind, StepKind::Resync(_));
    let shown = |system: SystemId| {
        let view = &before.systems[system.index()];
        let shown = if resync {
            view.reported
        } else {
            view.current()
        };
        shown.map(|shown| shown.state)
    };
    let states = program.system_ids().map(|system| {
        let entered = Some(change.entered()).filter(|entered| entered.system() == system);
        (system, entered.or_else(|| shown(system)))
    });
    let facts = program
        .schema
        .facts()
        .filter_map(|(fact, _)| after.value(fact));
    let seen = Seen {
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
        decided.decision.outcome.state() == Some(command.state)
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
    let state = decided.decision.outcome.state();
    let state = state
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
