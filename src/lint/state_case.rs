//! `state-case`: a state name that matches only if case is ignored.

use std::collections::BTreeSet;

use crate::diagnostic::{Code, Fix, Level};
use crate::lint::{Context, Lint};
use crate::quote::quote;

pub(super) static LINT: Lint = Lint {
    code: Code {
        name: "state-case",
        default: Some(Level::Warn),
        summary: "a state is written in a different case than declared",
        explanation: "Systems ignore the case of names, so the program works. But a search for the name of the state will not find \
this line.",
        bad: "use cic_lync
profile \"P\" { cic \"at lunch\" -> lync Away }
",
        good: "use cic_lync
profile \"P\" { cic \"At Lunch\" -> lync Away }
",
    },
    of_all_programs: false,
    waits: false,
    find,
};

fn find(context: &mut Context<'_>) {
    let program = context.program;
    // A mapping that is applied `with` other systems is read several times.
    let mut known = BTreeSet::new();
    for mismatch in &program.case_mismatches {
        if !known.insert(mismatch.location) {
            continue;
        }
        let right = quote(&program.state(mismatch.state).name);
        let finding = context
            .finding_about(
                format!("the state is declared as `{right}`"),
                None,
                None,
                &[mismatch.state],
            )
            .label(mismatch.location, "different case")
            .help(format!("replace with `{right}`"))
            .fix(Fix {
                message: format!("replace with `{right}`"),
                safe: true,
                edits: vec![(mismatch.location, right.clone())],
            });
        context.report(finding);
    }
}
