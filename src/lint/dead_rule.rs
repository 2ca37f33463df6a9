//! `dead-rule`: a rule that never decides in any situation.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;
use smallvec::SmallVec;

use crate::diagnostic::{Code, Level};
use crate::lint::alive::{OneWay, Ways, alive};
use crate::lint::{Context, Lint};
use crate::program::{self, Change, ProfileId, Rank, RoleId, RuleSourceId};

pub(super) static LINT: Lint = Lint {
    code: Code {
        name: "dead-rule",
        default: Some(Level::Warn),
        summary: "a rule never decides a change",
        explanation: "The rule decides in no role and no situation: its condition is never true, or other rules always take \
precedence. Several rules together can cover a rule that none of them covers alone; all of them are shown. \
Delete the rule or correct its condition.",
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
    },
    of_all_programs: true,
    waits: false,
    find,
};

fn find(context: &mut Context<'_>) {
    let alive = alive(context);
    // Each direction of a rule that is in some role but never decides, with its instances there.
    let mut dead: BTreeMap<OneWay, SmallVec<[RuleInRole; 1]>> = BTreeMap::new();
    for (key, instance) in instances(context).filter(|(key, _)| !alive.rules.contains(key)) {
        dead.entry(key).or_default().push(instance);
    }
    if dead.is_empty() {
        return;
    }
    let mut ways = Ways::default();
    instances(context).for_each(|(key, _)| ways.insert(key));
    let overridden = overridden(context.program);
    let lost = context.lost;
    // A rule of a mapping may decide in a profile that lost the `apply`.
    let waits = |(_, profile, at): &RuleInRole| {
        let rule = &context.program.profile(*profile).rules[*at as usize];
        lost.of_profile(*profile) || (rule.applied.is_some() && lost.of_any_profile())
    };
    dead.retain(|_, instances| !instances.iter().any(waits));
    for (key, instances) in &dead {
        match instances
            .iter()
            .find(|(role, ..)| alive.unknown.contains(role))
        {
            Some((role, ..)) => context.cut_short(*role),
            None => dead_rule(context, *key, instances, ways.both(key.0), &overridden),
        }
    }
}

/// The changes for which a profile has an `override`.
type Overridden = FxHashSet<(ProfileId, Change)>;

fn overridden(program: &program::Program) -> Overridden {
    let of_profile = |profile: ProfileId| {
        let rules = program
            .profile(profile)
            .rules
            .iter()
            .filter(|rule| rule.rank == Rank::Override);
        rules.flat_map(move |rule| {
            rule.states
                .iter()
                .map(move |state| (profile, Change::of(rule.direction, *state)))
        })
    };
    program.profile_ids().flat_map(of_profile).collect()
}

/// A rule in a profile of a role.
type RuleInRole = (RoleId, ProfileId, u32);

fn instances<'p>(context: &Context<'p>) -> impl Iterator<Item = (OneWay, RuleInRole)> + use<'p> {
    let program = context.program;
    let profiles = move |role: RoleId| {
        program
            .role(role)
            .profiles
            .iter()
            .map(move |profile| (role, *profile))
    };
    program
        .role_ids()
        .flat_map(profiles)
        .flat_map(move |(role, profile)| {
            let rules = program.profile(profile).rules.iter().enumerate();
            rules.map(move |(at, rule)| ((rule.source, rule.direction), (role, profile, at as u32)))
        })
}

fn dead_rule(
    context: &mut Context<'_>,
    (source, direction): OneWay,
    instances: &[RuleInRole],
    other_way: bool,
    overridden: &Overridden,
) {
    let program = context.program;
    let mut covering: Vec<(RuleSourceId, String)> = Vec::new();
    let mut possible = false;
    for (role, profile, at) in instances {
        let rule = &program.profile(*profile).rules[*at as usize];
        let deciders = context.space.deciders(*role, rule);
        possible |= deciders.is_some();
        for decider in deciders.into_iter().flatten() {
            let by = context.space.rule_of(decider).source;
            if !covering.iter().any(|(known, _)| *known == by) {
                covering.push((by, context.profile_name(decider.profile).to_owned()));
            }
        }
    }
    covering.sort();
    let which = if other_way {
        format!(
            " for {} -> {}",
            program.system(direction.from()).name,
            program.system(direction.to()).name
        )
    } else {
        String::new()
    };
    let label = if possible {
        "never decides a change"
    } else {
        "its condition is never true"
    };
    let role = match instances {
        [(role, ..)] => Some(*role),
        _ => None,
    };
    let message = format!("this rule never decides a change{which}");
    let mut finding = context
        .finding_about(message, role, Some(direction), &[])
        .rule(context.rule_location(source), label);
    if possible {
        let together = if covering.len() > 1 {
            " together with the other rules"
        } else {
            ""
        };
        for (by, profile) in &covering {
            finding = finding.rule(
                context.rule_location(*by),
                format!("takes precedence{together}, in profile `{profile}`"),
            );
        }
    }
    let own = instances
        .first()
        .map(|(_, profile, _)| context.profile_name(*profile));
    let before = covering
        .iter()
        .find(|(_, profile)| Some(profile.as_str()) != own);
    let help = match (before, own) {
        (Some((_, before)), Some(own)) => format!(
            "put profile `{own}` before `{before}` in the role if it should decide; or narrow the rules that take precedence, or \
delete this one"
        ),
        _ if possible => "narrow the rules that take precedence, or delete this one".to_owned(),
        _ => "fix its condition, or delete the rule".to_owned(),
    };
    // The other direction of a `<->` may decide, an `override` may need a rule to override, and deleting an `override`
    // may let the rules it overrides conflict.
    let needed = instances.iter().any(|(_, profile, at)| {
        let rule = &program.profile(*profile).rules[*at as usize];
        match rule.rank {
            Rank::Override => possible,
            Rank::Plain => rule
                .states
                .iter()
                .any(|state| overridden.contains(&(*profile, Change::of(direction, *state)))),
            Rank::Otherwise => false,
        }
    });
    let fix = Some(program.rule_source(source).item).filter(|_| !other_way && !needed);
    let fix = fix.and_then(|item| context.deletion(item, false));
    context.report(finding.help(help).fix(fix));
}
