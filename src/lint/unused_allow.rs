//! `unused-allow`: an `@allow` that suppresses nothing.

use crate::diagnostic::{Code, Diagnostic, Fix, Level};
use crate::lint::{Context, Lint, UnknownLint, lint_named, renamed};

pub(super) static LINT: Lint = Lint {
    code: Code {
        name: "unused-allow",
        default: Some(Level::Warn),
        summary: "an `@allow` or a `// presync:` comment has no effect",
        explanation: "The finding no longer exists, or the code is not a lint: errors cannot be allowed. An `@allow` of a lint that \
is off is not reported.",
        bad: "use cic_lync
@allow(dead-rule, \"kept for the night shift\")
profile \"P\" { cic Available -> lync Available }
",
        good: "use cic_lync
profile \"P\" { cic Available -> lync Available }
",
    },
    of_all_programs: true,
    waits: true,
    find,
};

/// Reports each `@allow` with the old name of a lint, as an error at any level of this lint: it does not suppress the
/// findings it was written for.
pub(super) fn refuse_old_names(context: &mut Context<'_>) {
    let program = context.program;
    for allow in &program.allows {
        let Some(now) = renamed(&allow.code) else {
            continue;
        };
        let written = program.sources.text(allow.location);
        let fixed = written.replacen(&allow.code, now, 1);
        let message = format!("the lint `{}` is now called `{now}`", allow.code);
        let finding = Diagnostic::error(&LINT.code, message)
            .about(allow.code.as_str())
            .about(now)
            .label(allow.location, "old name")
            .help(format!("replace with `{fixed}`"))
            .fix(Fix {
                message: format!("replace with `{now}`"),
                safe: true,
                edits: vec![(allow.location, fixed.clone())],
            });
        context.findings.push(finding);
    }
}

fn find(context: &mut Context<'_>) {
    let program = context.program;
    for (at, allow) in program.allows.iter().enumerate() {
        let is_old = renamed(&allow.code).is_some();
        if context.used_allows[at] || allow.code == LINT.code.name || is_old {
            continue;
        }
        let finding = match lint_named(&allow.code) {
            Ok(lint) if context.settings.at(lint, Some(allow.location)) == Level::Off => continue,
            Ok(_) => context
                .finding(format!(
                    "this `@allow` suppresses no finding of `{}`",
                    allow.code
                ))
                .label(allow.location, "nothing to suppress")
                .help(format!("delete `{}`", allow.code)),
            Err(unknown) => {
                let help = match &unknown {
                    UnknownLint::Near { near, .. } => format!("did you mean `{near}`?"),
                    _ => "errors cannot be allowed, only lints".to_owned(),
                };
                context
                    .finding(format!("`{}` is not a lint", allow.code))
                    .label(allow.location, "suppresses nothing")
                    .help(help)
            }
        };
        let fix = if allow.without.is_empty() {
            context.deletion(allow.location, true)
        } else {
            Some(Fix {
                message: format!("delete `{}`", allow.code),
                safe: true,
                edits: vec![(allow.location, allow.without.clone())],
            })
        };
        context.report(finding.about(allow.code.as_str()).fix(fix));
    }
    for (location, why) in &program.wrong_directives {
        let finding = context
            .finding(format!("this comment has no effect: {why}"))
            .about(program.sources.text(*location))
            .label(*location, "no effect")
            .help("directives are `// presync: allow CODE, CODE \"reason\"` before the first declaration, and `// presync: fmt off` and `on`");
        context.report(finding);
    }
}
