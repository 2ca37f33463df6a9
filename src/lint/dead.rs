//! `dead-rule` and `dead-profile`: what never decides, in no situation at all.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::lint::{Context, Level, Lint};
use crate::model::{self, ProfileId, RoleId, StateId, SystemId, WrittenId};
use crate::space::Layers;
use crate::space::diagram::Ref;

pub(super) const RULE: Lint = Lint {
    code: "dead-rule",
    default: Level::Warn,
    summary: "a rule never decides",
    explanation: "In no role and no situation is the rule among those that decide: its condition cannot hold, or \
stronger rules together decide everywhere where it would. Several rules can cover one that none of them covers alone; \
all of them are named. Delete the rule, or give it the condition that it was meant to have.",
    bad: "use cic_lync
profile \"First\" {
    when in_queue: cic Available -> lync Busy
    when not in_queue: cic Available -> lync Away
}
profile \"Second\" { cic Available -> lync Available }
role \"Agents\" uses \"First\", \"Second\"
",
    good: "use cic_lync
profile \"First\" { when in_queue: cic Available -> lync Busy }
profile \"Second\" { cic Available -> lync Available }
role \"Agents\" uses \"First\", \"Second\"
",
    find: find_rules,
};

pub(super) const PROFILE: Lint = Lint {
    code: "dead-profile",
    default: Level::Warn,
    summary: "a profile of a role never decides",
    explanation: "The profiles before it in the role decide everywhere where it would, or its condition cannot hold. \
Take it out of the role, or put it before the others.",
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
    find: find_profiles,
};

/// One direction of a written rule.
type OneWay = (WrittenId, SystemId, SystemId);

/// More nodes than this for one question are too many.
const BUDGET: usize = 50_000;

/// After so many questions without an answer a role is given up.
const MAX_FAILURES: usize = 10;

/// What decides somewhere.
#[derive(Default)]
pub(super) struct Alive {
    rules: BTreeSet<OneWay>,
    profiles: BTreeSet<(RoleId, ProfileId)>,
    /// Roles in which not every question had an answer.
    unknown: BTreeSet<RoleId>,
}

/// Worked out once for both lints.
fn alive(context: &mut Context<'_>) -> Rc<Alive> {
    if let Some(known) = &context.alive {
        return known.clone();
    }
    let program = context.program;
    let mut alive = Alive::default();
    for role in program.role_ids() {
        let mut failures = 0;
        for (from, to) in program.directions() {
            for state in context.space.kinds_in(role, from, to) {
                change(context, role, (from, to, state), &mut alive, &mut failures);
            }
        }
    }
    let alive = Rc::new(alive);
    context.alive = Some(alive.clone());
    alive
}

fn change(
    context: &mut Context<'_>,
    role: RoleId,
    (from, to, state): (SystemId, SystemId, StateId),
    alive: &mut Alive,
    failures: &mut usize,
) {
    let program = context.program;
    // What the profiles before have decided.
    let mut before = Layers::default();
    for &profile in &program.role(role).profiles {
        let rules = context.space.rules_for(profile, from, to, state);
        if rules.is_empty() {
            continue;
        }
        let levels = context.space.levels(profile, from, to, state);
        for &at in &*rules {
            let rule = &program.profile(profile).rules[at as usize];
            let key = (rule.written, from, to);
            if alive.rules.contains(&key) && alive.profiles.contains(&(role, profile)) {
                continue;
            }
            if *failures >= MAX_FAILURES {
                alive.unknown.insert(role);
                return;
            }
            let stronger: &[&[Ref]] = match rule.level {
                model::Level::Override => &[],
                model::Level::Plain => &[&levels.overriding],
                model::Level::Otherwise => &[&levels.overriding, &levels.plain],
            };
            let holds = context.space.condition_in(rule.condition, from, state);
            let covers: Vec<Ref> = before.parts().iter().chain(stronger.iter().copied().flatten()).copied().collect();
            let left = context.space.diagrams.within(BUDGET, |diagrams| {
                covers
                    .iter()
                    .fold(holds, |left, cover| if left == Ref::ZERO { left } else { diagrams.without(left, *cover) })
            });
            match left {
                Some(Ref::ZERO) => {}
                Some(_) => {
                    alive.rules.insert(key);
                    alive.profiles.insert((role, profile));
                }
                None => {
                    alive.unknown.insert(role);
                    *failures += 1;
                }
            }
        }
        for part in context.space.decider(profile, from, to, state).iter() {
            before.push(&mut context.space.diagrams, *part);
        }
    }
}

fn find_rules(context: &mut Context<'_>) {
    let program = context.program;
    let alive = alive(context);
    // Every direction of a rule that occurs in some role, with its instances there.
    let mut occurring: BTreeMap<OneWay, Vec<(RoleId, ProfileId, u32)>> = BTreeMap::new();
    for role in program.role_ids() {
        for &profile in &program.role(role).profiles {
            for (at, rule) in program.profile(profile).rules.iter().enumerate() {
                occurring.entry((rule.written, rule.from, rule.to)).or_default().push((role, profile, at as u32));
            }
        }
    }
    for (key, instances) in &occurring {
        let unknown = instances.iter().find(|(role, ..)| alive.unknown.contains(role));
        if alive.rules.contains(key) {
            continue;
        }
        match unknown {
            Some((role, ..)) => context.cut_short(*role),
            None => dead_rule(context, *key, instances, &occurring),
        }
    }
}

fn dead_rule(
    context: &mut Context<'_>,
    (written, from, to): OneWay,
    instances: &[(RoleId, ProfileId, u32)],
    occurring: &BTreeMap<OneWay, Vec<(RoleId, ProfileId, u32)>>,
) {
    let program = context.program;
    let mut covering: Vec<(WrittenId, String)> = Vec::new();
    let mut possible = false;
    for (role, profile, at) in instances {
        let rule = &program.profile(*profile).rules[*at as usize];
        for state in &rule.source {
            let holds = context.space.condition_in(rule.condition, from, *state);
            possible |= holds != Ref::ZERO;
            for part in context.space.decision(*role, from, to, *state).iter() {
                let within = context.space.diagrams.mask(holds, *part);
                for leaf in context.space.diagrams.leaves(within) {
                    let Some(decision) = context.space.decision_of(leaf) else { continue };
                    let Some(by) = context.written(leaf) else { continue };
                    if !covering.iter().any(|(known, _)| *known == by) {
                        covering.push((by, context.profile_name(decision.profile).to_owned()));
                    }
                }
            }
        }
    }
    covering.sort();
    let ways = occurring.range((written, SystemId(0), SystemId(0))..).take_while(|((other, ..), _)| *other == written);
    let other_way = ways.into_iter().any(|((_, other_from, _), _)| *other_from != from);
    let which = if other_way {
        format!(" on the way {} → {}", program.system(from).name, program.system(to).name)
    } else {
        String::new()
    };
    let label = if possible { "never decides" } else { "its condition cannot hold" };
    let mut finding =
        context.finding(format!("this rule never decides{which}")).label(context.rule_location(written), label);
    if possible {
        let together = if covering.len() > 1 { " together with the others" } else { "" };
        for (by, profile) in &covering {
            finding =
                finding.label(context.rule_location(*by), format!("decides instead{together}, in profile `{profile}`"));
        }
    }
    let help = if possible { "delete it, or narrow what covers it" } else { "delete it, or mend its condition" };
    // The other direction of a `<->` may decide, an `override` may need what it beats, and one that goes may let those
    // that it beat disagree.
    let needed = instances.iter().any(|(_, profile, at)| {
        let rules = &program.profile(*profile).rules;
        let rule = &rules[*at as usize];
        let beaten = |other: &model::Rule| {
            other.level == model::Level::Override
                && (other.from, other.to) == (from, to)
                && other.source.iter().any(|state| rule.source.contains(state))
        };
        match rule.level {
            model::Level::Override => possible,
            model::Level::Plain => rules.iter().any(beaten),
            model::Level::Otherwise => false,
        }
    });
    let fix = Some(program.written(written).item).filter(|_| !other_way && !needed);
    let fix = fix.and_then(|item| context.deletion(item, true));
    context.report(finding.help(help).fix(fix));
}

fn find_profiles(context: &mut Context<'_>) {
    let program = context.program;
    let alive = alive(context);
    for role in program.role_ids() {
        for &profile in &program.role(role).profiles {
            if alive.profiles.contains(&(role, profile)) {
                continue;
            }
            if alive.unknown.contains(&role) {
                context.cut_short(role);
                continue;
            }
            let empty = program.profile(profile).rules.is_empty();
            let name = context.profile_name(profile).to_owned();
            let why = if empty {
                "it has no rules"
            } else {
                "the profiles before it decide everywhere, or its conditions cannot hold"
            };
            let mut finding = context
                .finding(format!("profile `{name}` never decides in role `{}`", program.role(role).name))
                .label(program.profile(profile).location, why);
            if let Some(location) = program.role(role).location {
                finding = finding.label(location, "in this role");
            }
            context.report(finding.help("take it out of the role, or put it before those that decide in its place"));
        }
    }
}
