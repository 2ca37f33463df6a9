//! `failed-test`: a test fails, or a scenario sends other commands than expected.

use crate::diagnostic::{Code, Diagnostic, Witness};
use crate::quote::{quote, quote_text};
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "failed-test",
    default: None,
    summary: "a test or scenario fails",
    explanation: "A test passes if its expectation holds in every situation that its conditions allow. The situation shown is \
the smallest counterexample, with the rule that decides it. A scenario passes if each step sends the expected \
commands.",
    bad: "use cic_lync
profile \"P\" { when in_queue: cic Available -> lync Available }
test \"available\" { cic Available => lync Available }
",
    good: "use cic_lync
profile \"P\" { when in_queue: cic Available -> lync Available }
test \"available\" { given in_queue cic Available => lync Available }
",
};

/// A test whose conditions are never true together.
pub(crate) fn impossible(test: &str, given: Location) -> Diagnostic {
    Diagnostic::error(
        &CODE,
        format!("no situation satisfies the conditions of test `{test}`"),
    )
    .label(given, "never true")
    .help("remove the condition that contradicts the others")
    .about(test)
}

/// An expectation whose change the conditions exclude.
pub(crate) fn excluded(test: &str, expected: Location, given: Location) -> Diagnostic {
    Diagnostic::error(
        &CODE,
        format!("the conditions of test `{test}` exclude this change"),
    )
    .label(expected, "excluded by the conditions")
    .label(given, "while this is true")
    .help("remove the condition on the system that changes: a system is always in the state it has just entered")
    .about(test)
}

/// A change that a test covers.
pub(crate) struct TestedChange<'a> {
    pub test: &'a str,
    pub from: &'a str,
    pub state: &'a str,
    pub to: &'a str,
    pub expected: Location,
    /// The role, if the test is about all.
    pub role: Option<&'a str>,
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
            "test `{}` cannot be proved: the decisions for {} are too complex to analyze",
            self.test,
            self.change()
        ))
        .label(self.expected, "neither proved nor disproved")
        .help("add conditions to the test so that fewer situations remain")
    }

    /// `decides`: the deciding rule and its profile.
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
            .of_role(self.role.map(str::to_owned))
            .label(self.expected, "expected here");
        if let Some(role) = self.role {
            error = error.note(format!("in role {}", quote_text(role)));
        }
        if let Some((rule, profile)) = decides {
            error = error.rule(
                rule,
                format!("decided by this rule of profile {}", quote_text(profile)),
            );
        }
        error.situation(Some(witness))
    }
}

/// How a step of a scenario failed.
pub(crate) enum StepFailure {
    /// Why the event is rejected.
    Rejected(String),
    /// The commands sent instead.
    Sends(Vec<String>),
}

/// `step`: counts from 1.
pub(crate) fn step(scenario: &str, step: usize, failure: &StepFailure, at: Location) -> Diagnostic {
    let why = match failure {
        StepFailure::Rejected(why) => format!("the event is rejected: {why}"),
        StepFailure::Sends(commands) if commands.is_empty() => "got no command".to_owned(),
        StepFailure::Sends(commands) => format!("got {}", commands.join(", ")),
    };
    Diagnostic::error(
        &CODE,
        format!("scenario `{scenario}` fails at step {step}: {why}"),
    )
    .label(at, "expected here")
    .about(scenario)
}
