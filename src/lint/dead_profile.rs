//! `dead-profile`: a profile that never decides in a role.

use crate::diagnostic::{Code, Level};
use crate::lint::alive::alive;
use crate::lint::{Context, Lint};

pub(super) static LINT: Lint = Lint {
    code: Code {
        name: "dead-profile",
        default: Some(Level::Warn),
        summary: "a profile never decides a change in its role",
        explanation: "The profiles before it in the role decide every change it could decide, or its conditions are never true. \
Remove it from the role, or move it before the others.",
        bad: "use cic_lync
profile \"All\" { cic any -> lync Away }
profile \"Voice\" { cic Available -> lync Available }
role \"Agents\" uses \"All\", \"Voice\"
",
        good: "use cic_lync
profile \"All\" { cic any -> lync Away }
profile \"Voice\" { cic Available -> lync Available }
role \"Agents\" uses \"Voice\", \"All\"
",
    },
    of_all_programs: false,
    waits: false,
    find,
};

fn find(context: &mut Context<'_>) {
    let program = context.program;
    let alive = alive(context);
    for role in program.role_ids() {
        for &profile in &program.role(role).profiles {
            if alive.profiles.contains(&(role, profile)) || context.lost.of_profile(profile) {
                continue;
            }
            // Nobody has put it into the role that is not declared, and nobody can change it.
            let file = program.profile(profile).location.file;
            if program.role(role).location.is_none() && program.sources.file(file).bundled {
                continue;
            }
            if alive.unknown.contains(&role) {
                context.cut_short(role);
                continue;
            }
            let empty = program.profile(profile).rules.is_empty();
            let name = context.profile_name(profile).to_owned();
            let decorates = !program.profile(profile).appends.is_empty();
            let why = if empty && decorates {
                "it has no rules, and `append` decorates only what its own profile sets"
            } else if empty {
                "it has no rules"
            } else {
                "the profiles before it decide every change, or its conditions are never true"
            };
            let message = format!(
                "profile `{name}` never decides a change in role `{}`",
                program.role_name(role)
            );
            let mut finding = context
                .finding_about(message, Some(role), None, &[])
                .about(name)
                .label(program.profile(profile).location, why);
            if let Some(location) = program.role(role).location {
                finding = finding.label(location, "in this role");
            }
            context.report(finding.help(if empty && decorates {
                "move the `append` into the profile that sets the states, or remove this one from the role"
            } else if empty {
                "add rules, or remove it from the role"
            } else {
                "move it before the profiles that decide instead, or remove it from the role"
            }));
        }
    }
}
