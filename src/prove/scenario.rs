//! In: a scenario. Out: nothing if every step sends what it should, else the first step that does not.
//! Runs the session of `crate::run`, over the tables.

use crate::diagnostic::Diagnostic;
use crate::model::{Command, FactKind, Program, Scenario, StateId, Step, StepKind, SystemId};
use crate::names::{quote, quote_always};
use crate::run::{Decided, Engine, Event, Session, Verdict};
use crate::table::{Outcome, Tables};

/// Echoes do not lapse: steps have no time.
const ECHO_SECONDS: u32 = 60;

pub(super) fn run(program: &Program, tables: &Tables, scenario: &Scenario) -> Vec<Diagnostic> {
    let engine = Engine::new(tables, ECHO_SECONDS);
    let names = Names { program, tables };
    let mut session: Session = engine.session();
    if let Some(role) = scenario.role {
        session.role = tables.role(&program.role(role).name);
    }
    for (at, step) in scenario.steps.iter().enumerate() {
        let failed = |message: String| {
            let message = format!("scenario `{}` fails at step {}: {message}", scenario.name, at + 1);
            vec![Diagnostic::error("failed-test", message).label(step.location, "this step")]
        };
        let decided = match engine.apply(&mut session, &names.event(step)) {
            Ok((_, decided)) => decided,
            Err(rejection) => return failed(format!("the event is rejected, {}", rejection.message)),
        };
        let sent: Vec<&Decided<'_>> = decided.iter().filter(|decided| decided.verdict == Verdict::Sent).collect();
        if let Some(wanted) = &step.commands
            && !names.matches(wanted, &sent)
        {
            let said = if sent.is_empty() {
                "nothing".to_owned()
            } else {
                sent.iter().map(|decided| names.text(decided)).collect::<Vec<_>>().join(", ")
            };
            return failed(format!("it sends {said}"));
        }
    }
    Vec::new()
}

/// The model's ids as the tables' indices.
struct Names<'a> {
    program: &'a Program,
    tables: &'a Tables,
}

impl Names<'_> {
    fn system(&self, id: SystemId) -> usize {
        self.tables.system(&self.program.system(id).name).expect("the tables have every system")
    }

    fn state(&self, system: SystemId, id: StateId) -> u32 {
        let name = &self.program.system(system).state(id).name;
        self.tables.state(self.system(system), name).expect("the tables have every state")
    }

    fn event(&self, step: &Step) -> Event {
        let mut event = Event::default();
        match &step.kind {
            StepKind::Role(role) => event.role = self.tables.role(&self.program.role(*role).name),
            StepKind::Set(assignments) => {
                for assignment in assignments {
                    let fact = self.program.fact(assignment.fact);
                    let at = self.tables.fact(&fact.name).expect("the tables have every fact");
                    let value = match &fact.kind {
                        FactKind::Flag => assignment.value,
                        FactKind::Choice { values, .. } => self
                            .tables
                            .value(at, &values[assignment.value as usize])
                            .expect("the tables have every value"),
                    };
                    event.set.push((at, value));
                }
            }
            StepKind::Observe(observed) => {
                event.observe = observed
                    .iter()
                    .map(|(system, state)| (self.system(*system), state.map(|state| self.state(*system, state))))
                    .collect();
            }
            StepKind::Resync(system) => event.resync = Some(self.system(*system)),
            StepKind::Change(system, state) => event.change = Some((self.system(*system), self.state(*system, *state))),
        }
        event
    }

    /// Whether the commands are exactly those, in whatever order.
    fn matches(&self, wanted: &[Command], sent: &[&Decided<'_>]) -> bool {
        let is = |command: &Command, decided: &Decided<'_>| match &decided.decision.outcome {
            Outcome::Set { state, append } => {
                decided.to == self.system(command.to)
                    && *state == self.state(command.to, command.state)
                    && command.append.as_ref().is_none_or(|texts| texts.as_slice() == &**append)
            }
            _ => false,
        };
        wanted.len() == sent.len()
            && wanted.iter().all(|command| sent.iter().any(|decided| is(command, decided)))
            && sent.iter().all(|decided| wanted.iter().any(|command| is(command, decided)))
    }

    fn text(&self, decided: &Decided<'_>) -> String {
        let system = &self.tables.systems[decided.to];
        match &decided.decision.outcome {
            Outcome::Set { state, append } => {
                let texts: Vec<String> = append.iter().map(|text| quote_always(text)).collect();
                let append = if texts.is_empty() { String::new() } else { format!(" append {}", texts.join(", ")) };
                format!("{} {}{append}", quote(&system.name), quote(&system.states[*state as usize].name))
            }
            _ => quote(&system.name),
        }
    }
}
