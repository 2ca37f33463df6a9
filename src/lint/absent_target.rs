//! `absent-target`: a rule sets a system that the user is not logged in to.

use std::collections::BTreeSet;

use crate::diagnostic::{Code, Level};
use crate::diagram::Ref;
use crate::lint::{Context, Lint};
use crate::program::Target;

pub(super) static LINT: Lint = Lint {
    code: Code {
        name: "absent-target",
        default: Some(Level::Off),
        summary: "a rule sets a system while its conditions say the user is logged out of it",
        explanation: "A system says with `online` which flag tells that the user is logged in. Under this rule's conditions \
that flag does not hold, and a command to a client that is not there is refused or lost.",
        bad: "use cic_lync
profile \"P\" when cic_logged_in and not lync_logged_in { cic Available -> lync Available }
",
        good: "use cic_lync
profile \"P\" when both_logged_in { cic Available -> lync Available }
",
    },
    find,
};

fn find(context: &mut Context<'_>) {
    let program = context.program;
    let mut known = BTreeSet::new();
    for profile in &program.profiles {
        for rule in &profile.rules {
            let (Some(online), Target::Set(_)) =
                (program.system(rule.direction.to()).online, rule.target)
            else {
                continue;
            };
            let holds = context.space.condition(rule.condition);
            let flag = context.space.of_fact(online);
            let logged_in = context.space.diagrams.restrict(holds, flag, 1);
            if holds != Ref::ZERO && logged_in == Ref::ZERO && known.insert(rule.source) {
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
                        format!("its conditions exclude `{flag}`"),
                    )
                    .help(format!(
                        "add `{flag}` to its conditions in place of the opposite"
                    ));
                context.report(finding);
            }
        }
    }
}
