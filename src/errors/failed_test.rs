//! `failed-test`: a test fails, or a scenario sends other commands than expected.

use crate::diagnostic::{Code, Diagnostic, Witness, WitnessValue};
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
    /// The expectation, as written.
    pub wanted: &'a str,
    /// The role of the situation; `None` in a program without roles.
    pub role: Option<&'a str>,
    /// Whether the test is about several roles.
    pub several_roles: bool,
    /// The program.
    pub path: &'a str,
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
            .error(format!("test `{}` fails for {}", self.test, self.change()))
            .label(self.expected, "expected here");
        if let Some(role) = self.role.filter(|_| self.several_roles) {
            error = error
                .of_role(Some(role.to_owned()))
                .note(format!("in role {}", quote_text(role)));
        }
        error = error
            .note(format!("expected: {}", self.wanted))
            .note(format!("got:      {} {outcome}", self.to));
        if let Some((rule, profile)) = decides {
            error = error.rule(
                rule,
                format!("decided by this rule of profile {}", quote_text(profile)),
            );
        }
        let help = format!("see why:\n    {}", self.command(&witness));
        error.situation(Some(witness)).help(help)
    }

    /// The command that explains the decision.
    fn command(&self, witness: &Witness) -> String {
        let facts = witness
            .facts
            .iter()
            .filter_map(|(name, value)| match value {
                WitnessValue::Flag(true) => Some(quote(name)),
                WitnessValue::Flag(false) => None,
                WitnessValue::Choice(value) => Some(format!("{}={}", quote(name), quote(value))),
            });
        let states = witness.states.iter().filter_map(|(system, state)| {
            let state = state.as_ref().filter(|_| system != self.from)?;
            let by_hand = witness.by_hand.contains(&(system.clone(), true));
            let by_hand = if by_hand { " by hand" } else { "" };
            Some(format!("{}={}{by_hand}", quote(system), quote(state)))
        });
        let own = witness.own.iter().filter_map(|(system, state)| {
            let state = state.as_ref()?;
            Some(format!("own {}={}", quote(system), quote(state)))
        });
        let given: Vec<String> = facts.chain(states).chain(own).collect();
        let change = format!("{} {}", quote(self.from), quote(self.state));
        let path = if self.path == "<stdin>" {
            "-"
        } else {
            self.path
        };
        let mut command = format!("presync decide {} {}", word(path), word(&change));
        if let Some(role) = self.role {
            command += &format!(" --role {}", word(role));
        }
        if !given.is_empty() {
            command += &format!(" --given {}", word(&given.join(",")));
        }
        command + " --explain"
    }
}

/// A word of a command line, in quotes where a shell needs them.
fn word(text: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "_-./=,:".contains(char);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// A step of a scenario, in words.
pub(crate) struct StepLine {
    pub event: String,
    pub expected: String,
    pub got: String,
}

/// `steps`: all steps up to the one that failed, which is the last.
pub(crate) fn steps(scenario: &str, steps: &[StepLine], at: Location) -> Diagnostic {
    let width = |text: fn(&StepLine) -> &String, title: &str| {
        let lengths = steps.iter().map(|step| text(step).chars().count());
        lengths.max().unwrap_or(0).max(title.len())
    };
    let event = width(|step| &step.event, "event");
    let expected = width(|step| &step.expected, "expected");
    let last = steps.len();
    let mut table = format!(
        "    step  {:event$}  {:expected$}  got",
        "event", "expected"
    );
    for (number, step) in (1..).zip(steps) {
        let mark = if number == last { "✗" } else { " " };
        table += &format!(
            "\n {mark}{number:>4}  {:event$}  {:expected$}  {}",
            step.event, step.expected, step.got
        );
    }
    let error = Diagnostic::error(&CODE, format!("scenario `{scenario}` fails at step {last}"));
    error.label(at, "expected here").note(table).about(scenario)
}
