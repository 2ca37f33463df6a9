//! In: a scenario. Out: nothing if every step sends what it should, else the first step that does not; on the way, each
//! change that was decided, with its situation. Runs the session of `presync_engine`, over the tables.

use crate::analysis::targets::Change;
use crate::diagnostic::Diagnostic;
use crate::program::{
    Command, FactId, FactKind, Program, RoleId, Scenario, StateId, Step, StepKind, SystemId,
};
use crate::quote::{quote, quote_always};
use crate::space::Space;
use presync_engine::event::Event;
use presync_engine::session::{Decided, Engine, Session, Verdict};
use presync_engine::table::{self, Outcome, Tables};

/// Echoes do not lapse: steps have no time.
const ECHO_SECONDS: u32 = 60;

/// A situation of the session: by the model's ids, what is known.
#[derive(Default)]
pub(super) struct Seen {
    facts: Vec<(FactId, u32)>,
    states: Vec<(SystemId, Option<StateId>)>,
}

impl Seen {
    /// What is known, as variables of a space with their values.
    pub fn variables(&self, space: &Space<'_>) -> Vec<(u32, Vec<u32>)> {
        let facts = self
            .facts
            .iter()
            .map(|(fact, value)| (space.of_fact(*fact), vec![*value]));
        let states = self.states.iter().map(|(system, state)| {
            (
                space.of_system(*system),
                vec![state.map_or(0, |state| state.0 + 1)],
            )
        });
        facts.chain(states).collect()
    }
}

pub(super) fn run(
    program: &Program,
    tables: &Tables,
    scenario: &Scenario,
    decided_in: &mut dyn FnMut(Change, &Seen),
) -> Vec<Diagnostic> {
    let engine = Engine::new(tables, ECHO_SECONDS);
    let names = Names { program, tables };
    let mut session: Session = engine.session();
    if let Some(role) = scenario.role {
        session.role = tables.role(&program.role(role).name);
    }
    for (at, step) in scenario.steps.iter().enumerate() {
        let failed = |message: String| {
            let message = format!(
                "scenario `{}` fails at step {}: {message}",
                scenario.name,
                at + 1
            );
            vec![Diagnostic::error("failed-test", message).label(step.location, "this step")]
        };
        let before = session.clone();
        let decided = match engine.apply(&mut session, &names.event(step)) {
            Ok((_, decided)) => decided,
            Err(rejection) => {
                return failed(format!("the event is rejected, {}", rejection.message));
            }
        };
        for decided in &decided {
            names.tell(step, (&before, &session), decided.to, decided_in);
        }
        let sent: Vec<&Decided<'_>> = decided
            .iter()
            .filter(|decided| decided.verdict == Verdict::Sent)
            .collect();
        if let Some(wanted) = &step.commands
            && !names.matches(wanted, &sent)
        {
            let said = if sent.is_empty() {
                "nothing".to_owned()
            } else {
                sent.iter()
                    .map(|decided| names.text(decided))
                    .collect::<Vec<_>>()
                    .join(", ")
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
        self.tables
            .system(&self.program.system(id).name)
            .expect("the tables have every system")
    }

    fn state(&self, system: SystemId, id: StateId) -> u32 {
        let name = &self.program.system(system).state(id).name;
        self.tables
            .state(self.system(system), name)
            .expect("the tables have every state")
    }

    fn event(&self, step: &Step) -> Event {
        let mut event = Event::default();
        match &step.kind {
            StepKind::Role(role) => {
                event.role = self
                    .tables
                    .role(&self.program.role(*role).name)
                    .map(|role| role as u32)
            }
            StepKind::Set(assignments) => {
                for assignment in assignments {
                    let fact = self.program.fact(assignment.fact);
                    let at = self
                        .tables
                        .fact(&fact.name)
                        .expect("the tables have every fact");
                    let value = match &fact.kind {
                        FactKind::Flag => assignment.value,
                        FactKind::Choice { values, .. } => self
                            .tables
                            .value(at, &values[assignment.value as usize])
                            .expect("the tables have every value"),
                    };
                    event.set.push((at as u32, value));
                }
            }
            StepKind::Observe(observed) => {
                event.observe = observed
                    .iter()
                    .map(|(system, state)| {
                        (
                            self.system(*system) as u32,
                            state.map(|state| self.state(*system, state)),
                        )
                    })
                    .collect();
            }
            StepKind::Resync(system) => event.resync = Some(self.system(*system) as u32),
            StepKind::Change(system, state) => {
                event.change = Some((self.system(*system) as u32, self.state(*system, *state)))
            }
        }
        event
    }

    /// Tells of a decision for `to` in which situation it was taken.
    fn tell(
        &self,
        step: &Step,
        (before, after): (&Session, &Session),
        to: usize,
        decided_in: &mut dyn FnMut(Change, &Seen),
    ) {
        let cause = match &step.kind {
            StepKind::Change(from, state) => Some((*from, *state)),
            StepKind::Resync(from) => {
                let reported = after.systems[self.system(*from)].reported;
                reported.map(|(state, _)| (*from, self.model_state(*from, state)))
            }
            _ => after.systems[to].last.map(|last| {
                let from = self.model_system(last.cause.0);
                (from, self.model_state(from, last.cause.1))
            }),
        };
        let (Some((from, state)), Some(role)) = (cause, after.role) else {
            return;
        };
        let role = self
            .program
            .roles
            .iter()
            .position(|known| known.name == self.tables.roles[role].name);
        let Some(role) = role else { return };
        let change = Change {
            role: RoleId(role as u32),
            from,
            to: self.model_system(to),
            state,
        };
        let resync = matches!(step.kind, StepKind::Resync(_));
        let shown = |system: SystemId| {
            let shown = &before.systems[self.system(system)];
            if resync {
                shown.reported
            } else {
                shown.current()
            }
        };
        let states = self.program.system_ids().map(|system| {
            let entered = (system == from).then_some(state);
            (
                system,
                entered.or_else(|| shown(system).map(|(state, _)| self.model_state(system, state))),
            )
        });
        let facts = (0..self.program.facts.len()).filter_map(|at| {
            let fact = &self.program.facts[at];
            let in_tables = self
                .tables
                .fact(&fact.name)
                .expect("the tables have every fact");
            let value = after.facts[in_tables];
            let value = match (&fact.kind, &self.tables.facts[in_tables].kind) {
                (
                    FactKind::Choice { values, .. },
                    table::FactKind::Choice { values: sorted, .. },
                ) => {
                    let name = sorted.get(value as usize)?;
                    values.iter().position(|value| value == name)? as u32
                }
                _ => value,
            };
            Some((FactId(at as u32), value))
        });
        decided_in(
            change,
            &Seen {
                facts: facts.collect(),
                states: states.collect(),
            },
        );
    }

    fn model_system(&self, at: usize) -> SystemId {
        let name = &self.tables.systems[at].name;
        let found = self
            .program
            .system_ids()
            .find(|id| self.program.system(*id).name == *name);
        found.expect("the tables have no other systems")
    }

    fn model_state(&self, system: SystemId, at: u32) -> StateId {
        let name = &self.tables.systems[self.system(system)].states[at as usize].name;
        let system = self.program.system(system);
        let found = system.states().find(|id| system.state(*id).name == *name);
        found.expect("the tables have no other states")
    }

    /// Whether the commands are exactly those, in whatever order.
    fn matches(&self, wanted: &[Command], sent: &[&Decided<'_>]) -> bool {
        let is = |command: &Command, decided: &Decided<'_>| match &decided.decision.outcome {
            Outcome::Set { state, append } => {
                decided.to == self.system(command.to)
                    && *state == self.state(command.to, command.state)
                    && command
                        .append
                        .as_ref()
                        .is_none_or(|texts| texts.as_slice() == &**append)
            }
            _ => false,
        };
        wanted.len() == sent.len()
            && wanted
                .iter()
                .all(|command| sent.iter().any(|decided| is(command, decided)))
            && sent
                .iter()
                .all(|decided| wanted.iter().any(|command| is(command, decided)))
    }

    fn text(&self, decided: &Decided<'_>) -> String {
        let system = &self.tables.systems[decided.to];
        match &decided.decision.outcome {
            Outcome::Set { state, append } => {
                let texts: Vec<String> = append.iter().map(|text| quote_always(text)).collect();
                let append = if texts.is_empty() {
                    String::new()
                } else {
                    format!(" append {}", texts.join(", "))
                };
                format!(
                    "{} {}{append}",
                    quote(&system.name),
                    quote(&system.states[*state as usize].name)
                )
            }
            _ => quote(&system.name),
        }
    }
}
