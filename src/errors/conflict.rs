//! `conflict`: two rules of the same rank disagree in some situation.

use crate::diagnostic::{Code, Diagnostic, Witness};
use crate::quote::quote;
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "conflict",
    default: None,
    summary: "two rules of the same rank conflict in some situation",
    explanation: "The order of rules in a profile never matters. If two rules of the same rank apply to a change and have \
different outcomes, the outcome is undefined. The situation shown is one example. Make the conditions exclude each \
other, or put `override` before the rule that should win.",
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

/// One of the conflicting rules.
pub(crate) struct Disagreeing<'a> {
    pub rule: Location,
    pub target: DisagreeingTarget<'a>,
}

pub(crate) enum DisagreeingTarget<'a> {
    Set(&'a str),
    Previous,
    Unchanged,
}

/// What can decide between the rules.
#[derive(Clone, Copy)]
pub(crate) enum ConflictRemedy {
    /// `override` before one of them.
    Override,
    /// Nothing: they all say `override`.
    Exclude,
    /// States instead of `otherwise` in one of them.
    NameStates,
}

/// Rules of one profile and rank that map a state of one system differently to another system.
pub(crate) fn rules(
    profile: &str,
    (from, state): (&str, &str),
    to: &str,
    (rules, remedy): (&[Disagreeing<'_>], ConflictRemedy),
    witness: Witness,
) -> Diagnostic {
    let all = if rules.len() == 2 { "both" } else { "all" };
    let message = format!("conflicting rules for {from} {} -> {to}", quote(state));
    let mut error = Diagnostic::error(&CODE, message)
        .way(from, to)
        .state(from, state)
        .about(profile);
    for Disagreeing { rule, target } in rules {
        let what = match target {
            DisagreeingTarget::Set(target) => format!("sets {to} {}", quote(target)),
            DisagreeingTarget::Previous => format!("restores the previous state of {to}"),
            DisagreeingTarget::Unchanged => format!("leaves {to} unchanged"),
        };
        error = error.rule(*rule, what);
        if let DisagreeingTarget::Set(target) = target {
            error = error.state(to, target);
        }
    }
    error
        .note(format!("{all} belong to profile `{profile}` and have the same rank"))
        .help(match remedy {
            ConflictRemedy::Override => "make their conditions exclude each other, or put `override` before the rule that should win",
            ConflictRemedy::Exclude => "make their conditions exclude each other: nothing takes precedence over `override`",
            ConflictRemedy::NameStates => {
                "make their conditions exclude each other, or name the states of one of them: then it takes precedence over \
`otherwise`"
            }
        })
        .situation(Some(witness))
}
