//! `missing-reason`: an `@allow` that does not say why.

use crate::diagnostic::{Code, Level};
use crate::lint::{Context, Lint};

pub(super) static LINT: Lint = Lint {
    code: Code {
        name: "missing-reason",
        default: Some(Level::Off),
        summary: "an `@allow` without a reason",
        explanation: "Whoever reads it later has to know why the finding does no harm here, and whether that still holds. \
Switch this on where suppressions are reviewed.",
        bad: "use cic_lync
@allow(unused)
flag on_call
profile \"P\" { cic Available -> lync Available }
",
        good: "use cic_lync
@allow(unused, \"set by the telephone system, profiles follow\")
flag on_call
profile \"P\" { cic Available -> lync Available }
",
    },
    find,
};

fn find(context: &mut Context<'_>) {
    for allow in context
        .program
        .allows
        .iter()
        .filter(|allow| allow.reason.is_none())
    {
        let finding = context
            .finding(format!(
                "this `@allow` does not say why `{}` does no harm here",
                allow.code
            ))
            .about(allow.code.as_str())
            .label(allow.location, "no reason")
            .help(format!("write `@allow({}, \"why\")`", allow.code));
        context.report(finding);
    }
}
