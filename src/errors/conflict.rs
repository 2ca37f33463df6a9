//! `conflict`: two rules of one rank disagree in some situation.

use crate::diagnostic::{Code, Diagnostic, Witness};
use crate::quote::quote;
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "conflict",
    default: None,
    summary: "two rules of one rank disagree in some situation",
    explanation: "The order of writing never matters, so two rules of one profile that both apply and say different things \
leave no answer. The situation is an example. Make the conditions exclude each other, or put `override` before the \
rule that is to win.",
    bad: "use cic_lync
profile \"P\" {
    cic \"At Lunch\" -> lync Away
    when in_queue: cic \"At Lunch\" -> lync Busy
}
",
    good: "use cic_lync
profile \"P\" {
    cic \"At Lunch\" -> lync Away
    when in_queue: override cic \"At Lunch\" -> lync Busy
}
",
};

/// What one of the rules does.
pub(crate) struct Disagreeing<'a> {
    pub rule: Location,
    /// `None`: it leaves the system unchanged.
    pub target: Option<&'a str>,
}

/// Rules of one rank of a profile that disagree on what a state means for another system.
pub(crate) fn rules(
    profile: &str,
    (from, state): (&str, &str),
    to: &str,
    rules: &[Disagreeing<'_>],
    witness: Witness,
) -> Diagnostic {
    let (count, all) = match rules.len() {
        2 => ("two rules".to_owned(), "both"),
        more => (format!("{more} rules"), "all"),
    };
    let message = format!(
        "{count} disagree on what {from} {} means for {to}",
        quote(state)
    );
    let mut error = Diagnostic::error(&CODE, message)
        .way(from, to)
        .state(from, state)
        .about(profile);
    for Disagreeing { rule, target } in rules {
        let what = match target {
            Some(target) => format!("sets {to} {}", quote(target)),
            None => format!("leaves {to} unchanged"),
        };
        error = error.rule(*rule, what);
        if let Some(target) = target {
            error = error.state(to, target);
        }
    }
    error
        .note(format!("{all} belong to profile `{profile}` and have the same rank"))
        .help("make their conditions exclude each other, or put `override` before the one that is to win")
        .situation(Some(witness))
}
