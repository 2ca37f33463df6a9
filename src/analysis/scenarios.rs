//! In: a scenario. Out: nothing if every step sends the expected commands, else the first step that does not; or all that
//! happens in it. Also reports each decided change with its situation. Runs the session of the engine, over the tables.

use presync_engine::{
    AppliedEvent, Delivery, Effect, Event, Rejection, Seen, Session, SessionEngine, SystemDecision,
    Tables,
};

use crate::analysis::targets::RoleChange;
use crate::diagnostic::Diagnostic;
use crate::errors::failed_test::{self, StepLine};
use crate::program::{
    Change, ExpectedCommand, Program, RoleId, Scenario, StateId, Step, StepKind, SystemId, ValueId,
};
use crate::quote::{on_one_line, quote, quote_text};
use crate::source::Location;
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

/// A scenario as a session runs it, to draw it.
#[derive(Debug)]
pub struct ScenarioRun {
    pub name: String,
    pub location: Location,
    pub steps: Vec<ScenarioStep>,
}

/// A step of a scenario, and what followed.
#[derive(Debug)]
pub struct ScenarioStep {
    /// As written, without what is expected: `cic "At Lunch"`, `wait 5 minutes`.
    pub event: String,
    /// The systems that report a state; none if the role, facts or the time change.
    pub from: Vec<SystemId>,
    /// The commands that are sent.
    pub sent: Vec<SentState>,
    /// Why nothing is sent, or what was noticed: `echo of our command`, `unchanged`, `the command to lync has lapsed`,
    /// `rejected: …`.
    pub note: Option<String>,
    /// Whether the states are observed, which decides nothing.
    pub observes: bool,
    /// By system, the state that it shows after the step, if that is known.
    pub shown: Vec<Option<StepState>>,
}

/// A state after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepState {
    pub state: StateId,
    /// It was sent, and the system has not reported it yet.
    pub sent: bool,
}

/// A state that is set, and the texts with it.
#[derive(Debug)]
pub struct SentState {
    pub state: StateId,
    pub texts: Vec<String>,
}

/// Runs every scenario, also those whose expectations fail, to the end or to the first rejected step.
pub fn scenario_runs(program: &Program, tables: &Tables) -> Vec<ScenarioRun> {
    let scenarios = program.scenarios.iter();
    let runs = scenarios.map(|scenario| {
        let engine = SessionEngine::new(tables.clone());
        let mut play = Play::new(program, &engine, scenario);
        let mut shown: Vec<Option<StepState>> = program.system_ids().map(|_| None).collect();
        let mut steps = Vec::new();
        for step in &scenario.steps {
            let played = play.step(step, &mut |_, _| {});
            let rejected = played.is_err();
            steps.push(drawn(program, &engine, step, &mut shown, played));
            if rejected {
                break;
            }
        }
        ScenarioRun {
            name: scenario.name.clone(),
            location: scenario.location,
            steps,
        }
    });
    runs.collect()
}

/// A step, and in `shown` the states that the systems show then.
fn drawn(
    program: &Program,
    engine: &SessionEngine,
    step: &Step,
    shown: &mut [Option<StepState>],
    played: Result<AppliedEvent<'_>, Rejection>,
) -> ScenarioStep {
    let reported: Vec<(SystemId, Option<StateId>)> = match &step.kind {
        StepKind::Change(entered) => vec![(entered.system(), Some(*entered))],
        StepKind::Observe(observed) => observed.clone(),
        StepKind::Role(_) | StepKind::Set(_) | StepKind::Resync(_) | StepKind::Wait(_) => {
            Vec::new()
        }
    };
    for (system, state) in &reported {
        shown[system.index()] = state.map(|state| StepState { state, sent: false });
    }
    let mut sent = Vec::new();
    let note = match played {
        Err(rejection) => Some(format!("rejected: {rejection}")),
        Ok(applied) => {
            let mut why: Vec<&str> = Vec::new();
            for decided in &applied.decisions {
                let word = match decided.delivery {
                    Delivery::Sent => {
                        if let Some(state) = decided.state {
                            shown[decided.to.index()] = Some(StepState { state, sent: true });
                            let texts = engine.append_texts(decided.append);
                            sent.push(SentState { state, texts });
                        }
                        continue;
                    }
                    Delivery::Same => "already shown",
                    Delivery::Unchanged => "unchanged",
                    Delivery::Unmapped => "unmapped",
                };
                if !why.contains(&word) {
                    why.push(word);
                }
            }
            let lapsed = applied.lapsed.iter().map(|lapse| {
                let system = &program.system(lapse.command.state.system()).name;
                format!("the command to {system} has lapsed")
            });
            let mut notes: Vec<String> = lapsed.collect();
            notes.dedup();
            match applied.effect {
                Effect::Echo => notes.push("echo of our command".to_owned()),
                Effect::LateEcho => notes.push("late echo of our command".to_owned()),
                Effect::Unknown => notes.push("the state is unknown".to_owned()),
                Effect::Same => notes.push("known already".to_owned()),
                _ if !sent.is_empty() || why.is_empty() => {}
                _ => notes.push(why.join(", ")),
            }
            (!notes.is_empty()).then(|| notes.join("; "))
        }
    };
    ScenarioStep {
        event: on_one_line(written(program, step).0),
        from: reported.into_iter().map(|(system, _)| system).collect(),
        sent,
        observes: matches!(step.kind, StepKind::Observe(_)),
        note,
        shown: shown.to_vec(),
    }
}

/// The source of a step: its event, and what is expected.
fn written<'p>(program: &'p Program, step: &Step) -> (&'p str, &'p str) {
    let written = program.sources.text(step.location);
    written.split_once("=>").unwrap_or((written, ""))
}

/// A scenario in the middle of its run.
struct Play<'p, 'e> {
    program: &'p Program,
    engine: &'e SessionEngine,
    session: Session,
    /// Milliseconds since the scenario began.
    now: i64,
}

impl<'p, 'e> Play<'p, 'e> {
    fn new(program: &'p Program, engine: &'e SessionEngine, scenario: &Scenario) -> Self {
        let mut session = engine.session();
        if let Some(role) = scenario.role {
            session.role = Some(role);
        }
        Self {
            program,
            engine,
            session,
            now: 0,
        }
    }

    /// Runs one step, and reports each decision with its situation.
    fn step(
        &mut self,
        step: &Step,
        decided_in: &mut dyn FnMut(RoleChange, &SeenSituation),
    ) -> Result<AppliedEvent<'e>, Rejection> {
        if let StepKind::Wait(seconds) = step.kind {
            self.now += i64::from(seconds) * 1000;
        }
        // Steps come in order: none is stale.
        self.session.forget_times();
        let before = self.session.clone();
        let step_event = Event {
            at: Some(self.now),
            ..event(step)
        };
        let applied = self.engine.apply(&mut self.session, &step_event)?;
        for decided in &applied.decisions {
            let after = (&self.session, self.engine.role_of(&self.session));
            report(self.program, step, &before, after, decided.to, decided_in);
        }
        Ok(applied)
    }
}

pub(super) fn run(
    program: &Program,
    tables: &Tables,
    scenario: &Scenario,
    decided_in: &mut dyn FnMut(RoleChange, &SeenSituation),
) -> Vec<Diagnostic> {
    let engine = SessionEngine::new(tables.clone());
    let mut play = Play::new(program, &engine, scenario);
    let mut lines: Vec<StepLine> = Vec::new();
    for step in &scenario.steps {
        let (event_text, expected) = written(program, step);
        let line = |got: String| StepLine {
            event: on_one_line(event_text),
            expected: on_one_line(expected),
            got,
        };
        let failed = |lines: &[StepLine]| {
            let failure = failed_test::steps(&scenario.name, lines, step.location);
            vec![failure]
        };
        let decided = match play.step(step, decided_in) {
            Ok(applied) => applied.decisions,
            Err(rejection) => {
                lines.push(line(format!("rejected: {rejection}")));
                return failed(&lines);
            }
        };
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
