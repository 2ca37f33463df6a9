//! `text-too-long`: a state with its appendices is longer than the system allows.

use std::collections::BTreeSet;

use crate::diagnostic::{Code, Level};
use crate::lint::{Context, Lint, shown};
use crate::program::{Change, Target};

pub(super) static LINT: Lint = Lint {
    code: Code {
        name: "text-too-long",
        default: Some(Level::Warn),
        summary: "a state with its appendices is longer than the `text` of the system",
        explanation: "The system shows the name of the state and its appendices, joined with commas, and cuts or refuses anything \
longer than its `text`. Only appendices that can occur together in some situation count.",
        bad: "use cic_lync
profile \"P\" {
    cic \"Do Not Disturb\" -> lync \"Do Not Disturb\"
    append \"please write an e-mail to the duty manager instead\" to lync
}
",
        good: "use cic_lync
profile \"P\" {
    cic \"Do Not Disturb\" -> lync \"Do Not Disturb\"
    append \"please write an e-mail\" to lync
}
",
    },
    find,
};

fn find(context: &mut Context<'_>) {
    let program = context.program;
    let mut known = BTreeSet::new();
    for role in program.role_ids() {
        for direction in program.directions() {
            let Some(limit) = program.system(direction.to()).text else {
                continue;
            };
            for state in context.space.state_classes_of_role(role, direction) {
                let decided = context.space.decision(role, Change::of(direction, state));
                for part in decided.parts.iter() {
                    for leaf in context.space.leaves(*part).iter() {
                        let Some(decision) = context.space.decision_of(&decided, *leaf) else {
                            continue;
                        };
                        let rule = context.space.rule_of(decision);
                        let Target::Set(target) = rule.target else {
                            continue;
                        };
                        if !known.insert((target, decision.append)) {
                            continue;
                        }
                        let texts = context.space.append_texts(decision.append).to_vec();
                        let name = &program.state(target).name;
                        let text = std::iter::once(name)
                            .chain(&texts)
                            .cloned()
                            .collect::<Vec<_>>()
                            .join(", ");
                        let length = text.chars().count();
                        if length <= limit as usize {
                            continue;
                        }
                        let mut finding = context
                            .finding_about(
                                format!(
                                    "{} shows {length} characters, but {} allows {limit}",
                                    shown(program, target),
                                    program.system(direction.to()).name
                                ),
                                None,
                                Some(direction),
                                &[target],
                            )
                            .about(text.as_str())
                            .rule(context.rule_location(rule.source), format!("`{text}`"));
                        let appends = program.profile(decision.profile).appends.iter();
                        for append in appends.filter(|append| {
                            append.to == direction.to() && texts.contains(&append.text)
                        }) {
                            finding = finding.label(append.location, "appended here");
                        }
                        let help = if texts.is_empty() {
                            "set a state with a shorter name"
                        } else {
                            "shorten the appendices, or append them in fewer situations"
                        };
                        context.report(finding.help(help));
                    }
                }
            }
        }
    }
}
