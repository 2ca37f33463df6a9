//! `constant-condition`: a condition that always or never holds.

use crate::diagnostic::{Code, Level};
use crate::diagram::Ref;
use crate::lint::{Context, Lint};

pub(super) static LINT: Lint = Lint {
    code: Code {
        name: "constant-condition",
        default: Some(Level::Warn),
        summary: "a condition always or never holds",
        explanation: "Taken by itself, over all situations, the condition has only one outcome. Exclusive values of a \
choice that are joined with `and` never hold, all of them joined with `or` always do.",
        bad: "use cic_lync
profile \"P\" when enterprise_voice and im { cic Available -> lync Available }
",
        good: "use cic_lync
profile \"P\" when enterprise_voice or im { cic Available -> lync Available }
",
    },
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
            Ref::ZERO => ("never", "delete what it guards, or fix it"),
            Ref::ONE => ("always", "leave it out, or fix it"),
            _ => continue,
        };
        let finding = context
            .finding(format!("this condition {what} holds"))
            .label(
                written.location,
                format!("{what} true, whatever the facts and states"),
            )
            .help(help);
        context.report(finding);
    }
}
