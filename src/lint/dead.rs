//! `dead-rule` and `dead-profile`: what never decides, in no situation at all.

use std::collections::BTreeMap;
use std::rc::Rc;

use rustc_hash::FxHashSet;
use smallvec::SmallVec;

use crate::diagram::{Cascade, Ref};
use crate::lint::{Context, Level, Lint};
use crate::program::{self, Change, Direction, ProfileId, Rank, RoleId, RuleSourceId};
use crate::space::Shape;

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
type OneWay = (RuleSourceId, Direction);

/// A set of them: a rule lies between two systems, so that there are two ways.
#[derive(Default)]
struct Ways(Vec<[bool; 2]>);

impl Ways {
    fn insert(&mut self, (source, direction): OneWay) {
        if self.0.len() <= source.index() {
            self.0.resize(source.index() + 1, [false; 2]);
        }
        self.0[source.index()][usize::from(direction.from() > direction.to())] = true;
    }

    fn both(&self, source: RuleSourceId) -> bool {
        self.0.get(source.index()) == Some(&[true; 2])
    }

    fn contains(&self, (source, direction): &OneWay) -> bool {
        self.0
            .get(source.index())
            .is_some_and(|ways| ways[usize::from(direction.from() > direction.to())])
    }
}

/// More nodes than this for one question are too many.
const BUDGET: usize = 50_000;

/// After so many questions without an answer a role is given up.
const MAX_FAILURES: usize = 10;

/// What decides somewhere.
#[derive(Default)]
pub(super) struct Alive {
    rules: Ways,
    profiles: FxHashSet<(RoleId, ProfileId)>,
    /// Roles in which not every question had an answer.
    unknown: FxHashSet<RoleId>,
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
        for direction in program.directions() {
            for state in context.space.state_classes_of_role(role, direction) {
                one_change(
                    context,
                    role,
                    Change::of(direction, state),
                    &mut alive,
                    &mut failures,
                );
            }
        }
    }
    let alive = Rc::new(alive);
    context.alive = Some(alive.clone());
    alive
}

fn one_change(
    context: &mut Context<'_>,
    role: RoleId,
    change: Change,
    alive: &mut Alive,
    failures: &mut usize,
) {
    let program = context.program;
    // Who is the origin somewhere decides; the others may still agree with one that is, or never come to it.
    let decided = context.space.decision(role, change);
    for leaf in decided
        .parts
        .first()
        .map(|part| context.space.leaves(*part))
        .iter()
        .flat_map(|leaves| leaves.iter())
    {
        if let Some(decision) = context.space.decision_of(&decided, *leaf) {
            let source = context.space.rule_of(decision).source;
            alive.rules.insert((source, change.direction()));
            alive.profiles.insert((role, decision.profile));
        }
    }
    // What the profiles before have decided, as far as somebody has asked.
    let mut before = Cascade::default();
    let mut passed: Vec<Rc<Shape>> = Vec::new();
    for &profile in &program.role(role).profiles {
        let Some(shape) = context.space.shape(profile, change) else {
            continue;
        };
        let rules = context.space.rules_for(profile, change);
        for (at, (level, holds)) in rules.iter().zip(shape.candidates.iter()) {
            let rule = &program.profile(profile).rules[*at as usize];
            let key = (rule.source, change.direction());
            if alive.rules.contains(&key) && alive.profiles.contains(&(role, profile)) {
                continue;
            }
            if *failures >= MAX_FAILURES {
                alive.unknown.insert(role);
                return;
            }
            for shape in passed.drain(..) {
                shape
                    .decider
                    .iter()
                    .for_each(|part| before.push(&mut context.space.diagrams, *part));
            }
            let stronger: &[&[Ref]] = match level {
                Rank::Override => &[],
                Rank::Plain => &[&shape.overriding],
                Rank::Otherwise => &[&shape.overriding, &shape.plain],
            };
            let covers: Vec<Ref> = before
                .parts()
                .iter()
                .chain(stronger.iter().copied().flatten())
                .copied()
                .collect();
            let left = context.space.diagrams.within(BUDGET, |diagrams| {
                covers.iter().fold(*holds, |left, cover| {
                    if left == Ref::ZERO {
                        left
                    } else {
                        diagrams.without(left, *cover)
                    }
                })
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
        passed.push(shape);
    }
}

fn find_rules(context: &mut Context<'_>) {
    let alive = alive(context);
    // Every direction of a rule that occurs in some role but never decides, with its instances there.
    let mut dead: BTreeMap<OneWay, SmallVec<[Instance; 1]>> = BTreeMap::new();
    for (key, instance) in instances(context).filter(|(key, _)| !alive.rules.contains(key)) {
        dead.entry(key).or_default().push(instance);
    }
    if dead.is_empty() {
        return;
    }
    let mut ways = Ways::default();
    instances(context).for_each(|(key, _)| ways.insert(key));
    let overridden = overridden(context.program);
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

/// The changes for which a profile has a rule that overrides others.
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
type Instance = (RoleId, ProfileId, u32);

fn instances<'p>(context: &Context<'p>) -> impl Iterator<Item = (OneWay, Instance)> + use<'p> {
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
    instances: &[Instance],
    other_way: bool,
    overridden: &Overridden,
) {
    let program = context.program;
    let mut covering: Vec<(RuleSourceId, String)> = Vec::new();
    let mut possible = false;
    for (role, profile, at) in instances {
        let rule = &program.profile(*profile).rules[*at as usize];
        for state in rule.states.iter() {
            let holds = context.space.condition_in(rule.condition, *state);
            possible |= holds != Ref::ZERO;
            let decided = context.space.decision(*role, Change::of(direction, *state));
            for part in decided.parts.iter() {
                let within = context.space.diagrams.mask(holds, *part);
                for leaf in context.space.diagrams.leaves(within) {
                    let Some(decision) = context.space.decision_of(&decided, leaf) else {
                        continue;
                    };
                    let Some(by) = context.rule_behind(&decided, leaf) else {
                        continue;
                    };
                    if !covering.iter().any(|(known, _)| *known == by) {
                        covering.push((by, context.profile_name(decision.profile).to_owned()));
                    }
                }
            }
        }
    }
    covering.sort();
    let which = if other_way {
        format!(
            " on the way {} → {}",
            program.system(direction.from()).name,
            program.system(direction.to()).name
        )
    } else {
        String::new()
    };
    let label = if possible {
        "never decides"
    } else {
        "its condition cannot hold"
    };
    let mut finding = context
        .finding(format!("this rule never decides{which}"))
        .label(context.rule_location(source), label);
    if possible {
        let together = if covering.len() > 1 {
            " together with the others"
        } else {
            ""
        };
        for (by, profile) in &covering {
            finding = finding.label(
                context.rule_location(*by),
                format!("decides instead{together}, in profile `{profile}`"),
            );
        }
    }
    let help = if possible {
        "delete it, or narrow what covers it"
    } else {
        "delete it, or mend its condition"
    };
    // The other direction of a `<->` may decide, an `override` may need what it beats, and one that goes may let those
    // that it beat disagree.
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
                .finding(format!(
                    "profile `{name}` never decides in role `{}`",
                    program.role_name(role)
                ))
                .label(program.profile(profile).location, why);
            if let Some(location) = program.role(role).location {
                finding = finding.label(location, "in this role");
            }
            context.report(
                finding.help(
                    "take it out of the role, or put it before those that decide in its place",
                ),
            );
        }
    }
}
