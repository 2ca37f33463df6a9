//! `failed-test`: a test does not hold, or a scenario sends something else.

use crate::diagnostic::{Code, Diagnostic, Witness};
use crate::quote::{quote, quote_always};
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "failed-test",
    default: None,
    summary: "a test does not hold, or a scenario sends something else",
    explanation: "A test holds if it does in every situation that its conditions leave open; what is shown is the smallest \
counterexample, with the rule that decides there.",
    bad: "use cic_lync
profile \"P\" { when in_queue: cic Available -> lync Available }
test \"available\" { cic Available => lync Available }
",
    good: "use cic_lync
profile \"P\" { when in_queue: cic Available -> lync Available }
test \"available\" { given in_queue cic Available => lync Available }
",
};

/// A test whose conditions never hold together.
pub(crate) fn impossible(test: &str, given: Location) -> Diagnostic {
    Diagnostic::error(
        &CODE,
        format!("test `{test}` proves nothing: its conditions never hold together"),
    )
    .label(given, "cannot hold")
    .help("leave out what contradicts the rest")
    .about(test)
}

/// An expectation whose change the conditions exclude.
pub(crate) fn excluded(test: &str, expected: Location, given: Location) -> Diagnostic {
    Diagnostic::error(
        &CODE,
        format!("test `{test}` proves nothing here: its conditions exclude the change"),
    )
    .label(expected, "cannot happen")
    .label(given, "where this holds")
    .help("leave the condition on the system that changes out: it holds once the state is entered")
    .about(test)
}

/// A change that a test speaks of.
pub(crate) struct TestedChange<'a> {
    pub test: &'a str,
    pub from: &'a str,
    pub state: &'a str,
    pub to: &'a str,
    pub expected: Location,
}

impl TestedChange<'_> {
    fn change(&self) -> String {
        format!("{} {}", self.from, quote(self.state))
    }

    fn error(&self, message: String) -> Diagnostic {
        Diagnostic::error(&CODE, message)
            .about(self.test)
            .way(self.from, self.to)
            .state(self.from, self.state)
    }

    pub(crate) fn entangled(&self) -> Diagnostic {
        self.error(format!(
            "test `{}` cannot be proved: what {} gives is too entangled",
            self.test,
            self.change()
        ))
        .label(self.expected, "neither proved nor refuted")
        .help("give more conditions: fewer situations are left then")
    }

    /// `decides`: the rule that does, and its profile.
    pub(crate) fn refuted(
        &self,
        outcome: &str,
        decides: Option<(Location, &str)>,
        witness: Witness,
    ) -> Diagnostic {
        let mut error = self
            .error(format!(
                "test `{}` fails: {} gives {} {outcome}",
                self.test,
                self.change(),
                self.to
            ))
            .label(self.expected, "expected here");
        if let Some((rule, profile)) = decides {
            error = error.rule(
                rule,
                format!("decides, in profile {}", quote_always(profile)),
            );
        }
        error.situation(Some(witness))
    }
}

/// What went otherwise than a scenario says.
pub(crate) enum StepFailure {
    /// Why the event is rejected.
    Rejected(String),
    /// The commands that are sent instead.
    Sends(Vec<String>),
}

/// `step`: from 1.
pub(crate) fn step(scenario: &str, step: usize, failure: &StepFailure, at: Location) -> Diagnostic {
    let why = match failure {
        StepFailure::Rejected(why) => format!("the event is rejected, {why}"),
        StepFailure::Sends(commands) if commands.is_empty() => "it sends nothing".to_owned(),
        StepFailure::Sends(commands) => format!("it sends {}", commands.join(", ")),
    };
    Diagnostic::error(
        &CODE,
        format!("scenario `{scenario}` fails at step {step}: {why}"),
    )
    .label(at, "this step")
    .about(scenario)
}
