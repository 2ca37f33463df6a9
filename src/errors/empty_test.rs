//! `empty-test`: a test or scenario that cannot fail, or contradicts itself.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Location;

pub(crate) static CODE: Code = Code {
    name: "empty-test",
    default: None,
    summary: "a test that proves nothing",
    explanation: "A test without an expectation, or with one for an empty group, always passes, and a step that sets a fact \
to two values contradicts itself. Such a test hides that something is not tested.",
    bad: "use cic_lync
profile \"P\" { cic \"At Lunch\" -> lync Away }
test \"lunch\" { given both_logged_in }
",
    good: "use cic_lync
profile \"P\" { cic \"At Lunch\" -> lync Away }
test \"lunch\" { given both_logged_in  cic \"At Lunch\" => lync Away }
",
};

/// `what`: `test` or `scenario`.
pub(crate) fn no_expectation(what: &str, name: &str, at: Location) -> Diagnostic {
    let help = if what == "test" {
        "add an expectation: `cic \"At Lunch\" => lync Away`"
    } else {
        "say which commands a step sends: `cic \"At Lunch\" => lync Away`, or `=> nothing`"
    };
    Diagnostic::error(&CODE, format!("{what} `{name}` has no expectation"))
        .label(at, "it has no `=>`")
        .help(help)
        .about(name)
}

/// An expectation on a group or attribute without states.
pub(crate) fn no_state(system: &str, at: Location) -> Diagnostic {
    Diagnostic::error(
        &CODE,
        format!("this expectation covers no state of {system}"),
    )
    .label(at, "no state is meant here")
    .help("name a state, or a group that contains one")
    .about(system)
}

/// A step that sets a fact twice.
pub(crate) fn both_ways(fact: &str, first: Location, again: Location) -> Diagnostic {
    Diagnostic::error(&CODE, format!("this step sets `{fact}` to two values"))
        .label(again, "and another value here")
        .label(first, "one value here")
        .help("delete one of them, or write two steps")
        .about(fact)
}
