//! `constant-condition`: a condition that is always true or always false.

use crate::diagnostic::{Code, Level};
use crate::diagram::Diagram;
use crate::lint::{Context, Lint};

pub(super) static LINT: Lint = Lint {
    code: Code {
        name: "constant-condition",
        default: Some(Level::Warn),
        summary: "a condition is always true or always false",
        explanation: "The condition has the same value in every situation. For example, two values of one choice joined with `and` \
are never true together, and all values of a choice joined with `or` are always true.",
        bad: "use cic_lync
profile \"P\" when enterprise_voice and im { cic Available -> lync Available }
",
        good: "use cic_lync
profile \"P\" when enterprise_voice or im { cic Available -> lync Available }
",
    },
    of_all_programs: false,
    waits: false,
    find,
};

fn find(context: &mut Context<'_>) {
    let program = context.program;
    for written in &program.condition_sites {
        if program.sources.file(written.location.file).bundled {
            continue;
        }
        let holds = context.space.condition(written.condition);
        let (what, help) = match holds {
            Diagram::ZERO => ("false", "fix the condition, or delete the rules under it"),
            Diagram::ONE => ("true", "fix the condition, or remove it"),
            _ => continue,
        };
        let finding = context
            .finding(format!("this condition is always {what}"))
            .label(written.location, format!("{what} in every situation"))
            .help(help);
        context.report(finding);
    }
}
