//! `absent-target`: a rule sets a system that the user is not logged in to.

use std::collections::BTreeSet;

use crate::diagnostic::{Code, Level};
use crate::diagram::Diagram;
use crate::lint::{Context, Lint};
use crate::program::Target;

pub(super) static LINT: Lint = Lint {
    code: Code {
        name: "absent-target",
        default: Some(Level::Off),
        summary: "a rule sets a system only while the user is logged out of it",
        explanation: "`online` names the flag that is true while the user is logged in to a system. This rule applies only while \
that flag is false, so the command goes to a client that is not running and is refused or lost.",
        bad: "use cic_lync
profile \"P\" when cic_logged_in and not lync_logged_in { cic Available -> lync Available }
",
        good: "use cic_lync
profile \"P\" when both_logged_in { cic Available -> lync Available }
",
    },
    of_all_programs: false,
    waits: false,
    find,
};

fn find(context: &mut Context<'_>) {
    let program = context.program;
    let mut known = BTreeSet::new();
    for profile in &program.profiles {
        for rule in &profile.rules {
            let (Some(online), Target::Set(_) | Target::Previous) =
                (program.system(rule.direction.to()).online, rule.target)
            else {
                continue;
            };
            let holds = context.space.condition(rule.condition);
            let flag = context.space.of_fact(online);
            let logged_in = context.space.diagrams.restrict(holds, flag, 1);
            if holds != Diagram::ZERO && logged_in == Diagram::ZERO && known.insert(rule.source) {
                let (to, flag) = (
                    &program.system(rule.direction.to()).name,
                    crate::quote::quote(&program.fact(online).name),
                );
                let finding = context
                    .finding_about(
                        format!("this rule sets {to} only while the user is logged out of it"),
                        None,
                        Some(rule.direction),
                        &[],
                    )
                    .rule(
                        context.rule_location(rule.source),
                        format!("the conditions exclude `{flag}`"),
                    )
                    .help(format!(
                        "require `{flag}` in the conditions instead of its opposite"
                    ));
                context.report(finding);
            }
        }
    }
}
