//! `duplicate-rule`: two rules of a profile say the same in some situation.

use std::collections::BTreeMap;

use crate::lint::{Context, Level, Lint, shown, with_situation};
use crate::model::{self, ProfileId, StateId, SystemId, Target, WrittenId};
use crate::space::diagram::Ref;

pub(super) const LINT: Lint = Lint {
    code: "duplicate-rule",
    default: Level::Warn,
    summary: "two rules say the same in some situation",
    explanation: "Two written rules of one profile, with the same direction and rank, are candidates together and agree. \
That is harmless until one of them is changed: then they are in conflict. Let one of them say it.",
    bad: "use cic_lync
profile \"P\" {
    cic \"At Lunch\" | \"Gone Home\" -> lync Away
    when in_queue: cic \"At Lunch\" -> lync Away
}
",
    good: "use cic_lync
profile \"P\" { cic \"At Lunch\" | \"Gone Home\" -> lync Away }
",
    find,
};

/// The union of more nodes than this is not built.
const BUDGET: usize = 200_000;

fn find(context: &mut Context<'_>) {
    let program = context.program;
    let mut known: BTreeMap<(WrittenId, WrittenId), ()> = BTreeMap::new();
    for profile in program.profile_ids() {
        for (from, to) in program.directions() {
            if context.space.has_direction(profile, from, to) {
                for state in program.system(from).states() {
                    change(context, profile, (from, to, state), &mut known);
                }
            }
        }
    }
}

fn change(context: &mut Context<'_>, profile: ProfileId, (from, to, state): (SystemId, SystemId, StateId), known: &mut BTreeMap<(WrittenId, WrittenId), ()>) {
    let program = context.program;
    let rules = &program.profile(profile).rules;
    let mut alike: BTreeMap<(model::Level, Target), Vec<u32>> = BTreeMap::new();
    for at in context.space.rules_for(profile, from, to, state) {
        let rule = &rules[at as usize];
        alike.entry((rule.level, rule.target)).or_default().push(at);
    }
    for group in alike.values().filter(|group| group.len() > 1) {
        let mut seen = Ref::ZERO;
        for &at in group {
            let rule = &rules[at as usize];
            let holds = context.space.condition_in(rule.condition, from, state);
            let met = context.space.diagrams.mask(holds, seen);
            for leaf in context.space.diagrams.leaves(met) {
                let Some(other) = leaf.checked_sub(1).map(|other| &rules[other as usize]) else { continue };
                if other.written != rule.written && known.insert((other.written, rule.written), ()).is_none() {
                    let situation = context.space.witness(met, Some((from, state)), &|found| found == leaf);
                    let finding = context
                        .finding(format!("two rules say the same about {} for {}", shown(program, from, state), program.system(to).name))
                        .label(context.rule_location(rule.written), "this rule")
                        .label(context.rule_location(other.written), "and this one")
                        .help("take the state or the situation out of one of them");
                    context.report(with_situation(finding, situation));
                }
            }
            let joined = context.space.diagrams.within(BUDGET, |diagrams| {
                let candidate = diagrams.mask(holds, Ref::leaf(at + 1));
                diagrams.or_else(seen, candidate)
            });
            match joined {
                Some(joined) => seen = joined,
                None => {
                    let role = program.role_ids().find(|role| program.role(*role).profiles.contains(&profile));
                    return role.into_iter().for_each(|role| context.cut_short(role));
                }
            }
        }
    }
}
