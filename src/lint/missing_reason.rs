//! `missing-reason`: an `@allow` without a reason.

use crate::diagnostic::{Code, Level};
use crate::lint::{Context, Lint};

pub(super) static LINT: Lint = Lint {
    code: Code {
        name: "missing-reason",
        default: Some(Level::Off),
        summary: "an `@allow` without a reason",
        explanation: "A reason explains why the finding is harmless here, so that a later reader can check whether that is still true. Enable \
this lint if you review suppressions.",
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
    of_all_programs: false,
    waits: false,
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
                "this `@allow` gives no reason for allowing `{}`",
                allow.code
            ))
            .about(allow.code.as_str())
            .label(allow.location, "no reason")
            .help(format!("add a reason: `@allow({}, \"why\")`", allow.code));
        context.report(finding);
    }
}
