//! `duplicate-rule`: two rules of a profile have the same outcome in some situation.

use std::collections::BTreeMap;

use smallvec::SmallVec;

use crate::diagnostic::{Code, Level, Witness};
use crate::diagram::{Diagram, SearchResult};
use crate::lint::{Context, Lint, shown};
use crate::program::{Change, ProfileId, Rank, RuleSourceId, Target};

pub(super) static LINT: Lint = Lint {
    code: Code {
        name: "duplicate-rule",
        default: Some(Level::Warn),
        summary: "two rules have the same outcome in some situation",
        explanation: "Two rules of one profile, with the same direction and rank, apply to the same change and have the same \
outcome. Once one of them is edited, they conflict. Keep only one of them for each situation.",
        bad: "use cic_lync
profile \"P\" {
    cic \"At Lunch\" | \"Gone Home\" -> lync Away
    when in_queue: cic \"At Lunch\" -> lync Away
}
",
        good: "use cic_lync
profile \"P\" { cic \"At Lunch\" | \"Gone Home\" -> lync Away }
",
    },
    of_all_programs: false,
    waits: false,
    find,
};

/// Maximum number of nodes of a union.
const BUDGET: usize = 50_000;

/// Offer no more fixes after this many rules for which it is unknown whether they are superfluous.
const MAX_FAILURES: usize = 10;

/// Offer no more fixes after this many comparisons of two rules.
const MAX_COMPARED: usize = 20_000_000;

/// Maximum number of other rules with the same outcome that are shown.
const MAX_NAMED: usize = 5;

/// Groups of up to this many rules are compared in pairs, which works no matter how complex their conditions are.
const MAX_PAIRED: usize = 256;

fn find(context: &mut Context<'_>) {
    let program = context.program;
    let mut known = Known::new();
    for profile in program.profile_ids() {
        for direction in program.directions() {
            for state in context.space.state_classes_of_profile(profile, direction) {
                one_change(context, profile, Change::of(direction, state), &mut known);
            }
        }
    }
    // A map that was filled in order has room for twice its elements.
    let known: Vec<_> = known.into_iter().collect();
    let is_known = |written: RuleSourceId| {
        known
            .binary_search_by_key(&written, |(rule, _)| *rule)
            .is_ok()
    };
    let mut instances: Vec<RuleInProfile> = Vec::with_capacity(known.len());
    for profile in program.profile_ids().filter(|_| !known.is_empty()) {
        let rules = program.profile(profile).rules.iter().enumerate();
        let rules = rules.filter(|(_, rule)| is_known(rule.source));
        instances.extend(rules.map(|(at, rule)| (rule.source, profile, at as u32)));
    }
    instances.sort_unstable();
    let mut effort = Effort::default();
    for (rule, (others, change, (met, wanted))) in known {
        let entered = Some(change.entered());
        let situation = context
            .space
            .witness(met, entered, &|found| found == wanted);
        let superfluous = effort.failures < MAX_FAILURES
            && effort.compared < MAX_COMPARED
            && instances[instances.partition_point(|(written, ..)| *written < rule)..]
                .iter()
                .take_while(|(written, ..)| *written == rule)
                .all(|(_, profile, at)| is_superfluous(context, (*profile, *at), &mut effort));
        report(context, rule, &others, (change, situation), superfluous);
    }
}

/// The effort spent on fixes.
#[derive(Default)]
struct Effort {
    failures: usize,
    compared: usize,
}

/// For each rule, the earlier ones it repeats and the first place where: a change, and the leaf of a diagram that marks
/// the other rule.
type Known = BTreeMap<RuleSourceId, (Others, Change, (Diagram, u32))>;

/// Ascending; usually one.
type Others = SmallVec<[RuleSourceId; 4]>;

/// A written rule, a profile that contains it, and its index there.
type RuleInProfile = (RuleSourceId, ProfileId, u32);

fn one_change(context: &mut Context<'_>, profile: ProfileId, change: Change, known: &mut Known) {
    let program = context.program;
    let Some(shape) = context.space.shape(profile, change) else {
        return;
    };
    if !context.space.overlapping(&shape) {
        return;
    }
    let rules = &program.profile(profile).rules;
    let mut by_outcome: BTreeMap<(Rank, Target), Vec<u32>> = BTreeMap::new();
    for &at in &*context.space.rules_for(profile, change) {
        let rule = &rules[at as usize];
        by_outcome
            .entry((rule.rank, rule.target))
            .or_default()
            .push(at);
    }
    for group in by_outcome.values().filter(|group| group.len() > 1) {
        if group.len() <= MAX_PAIRED {
            for (place, &at) in group.iter().enumerate() {
                for &other in &group[..place] {
                    let (later, earlier) = (&rules[at as usize], &rules[other as usize]);
                    if later.source == earlier.source {
                        continue;
                    }
                    let holds = context
                        .space
                        .condition_in(later.condition, change.entered());
                    let also = context
                        .space
                        .condition_in(earlier.condition, change.entered());
                    let both = context.space.diagrams.and_then(holds, also);
                    if both != Diagram::ZERO {
                        note(known, change, (later.source, earlier.source), (both, 1));
                    }
                }
            }
            continue;
        }
        let mut seen = Diagram::ZERO;
        for &at in group {
            let rule = &rules[at as usize];
            let holds = context.space.condition_in(rule.condition, change.entered());
            let met = context.space.diagrams.and_then(holds, seen);
            for leaf in context.space.diagrams.leaves(met) {
                let Some(other) = leaf.checked_sub(1).map(|other| &rules[other as usize]) else {
                    continue;
                };
                if other.source != rule.source {
                    note(known, change, (rule.source, other.source), (met, leaf));
                }
            }
            let joined = context.space.diagrams.with_budget(BUDGET, |diagrams| {
                // Where earlier rules hold as well, it adds nothing.
                if diagrams.without(holds, seen) == Diagram::ZERO {
                    return seen;
                }
                let candidate = diagrams.and_then(holds, Diagram::leaf(at + 1));
                diagrams.or_else(seen, candidate)
            });
            match joined.filter(|joined| context.space.diagrams.size(*joined) < BUDGET) {
                Some(joined) => seen = joined,
                None => {
                    let role = program
                        .role_ids()
                        .find(|role| program.role(*role).profiles.contains(&profile));
                    return role.into_iter().for_each(|role| context.cut_short(role));
                }
            }
        }
    }
}

fn note(
    known: &mut Known,
    change: Change,
    (rule, other): (RuleSourceId, RuleSourceId),
    place: (Diagram, u32),
) {
    let (others, ..) = known
        .entry(rule)
        .or_insert_with(|| (Others::new(), change, place));
    if let Err(at) = others.binary_search(&other) {
        others.insert(at, other);
    }
}

/// Whether other rules have the same outcome wherever this one holds; counts a failure if that is too complex.
fn is_superfluous(
    context: &mut Context<'_>,
    (profile, at): (ProfileId, u32),
    effort: &mut Effort,
) -> bool {
    let rules = &context.program.profile(profile).rules;
    let rule = &rules[at as usize];
    rule.states.iter().all(|state| {
        let holds = context.space.condition_in(rule.condition, *state);
        let mut others = Vec::new();
        for &other in &*context
            .space
            .rules_for(profile, Change::of(rule.direction, *state))
        {
            effort.compared += 1;
            let other = &rules[other as usize];
            if other.source != rule.source && (other.rank, other.target) == (rule.rank, rule.target)
            {
                let also = context.space.condition_in(other.condition, *state);
                if also == holds {
                    return true;
                }
                others.push(also);
            }
        }
        // Usually the rule is the only one in some situation, which is found quickly.
        match context
            .space
            .diagrams
            .find(&[holds], &others, context.space.defaults())
        {
            SearchResult::Here(_) => false,
            SearchResult::Nowhere => true,
            SearchResult::Unknown => {
                let left = context.space.diagrams.with_budget(BUDGET, |diagrams| {
                    others
                        .iter()
                        .fold(holds, |left, other| diagrams.without(left, *other))
                });
                effort.failures += usize::from(left.is_none());
                left == Some(Diagram::ZERO)
            }
        }
    })
}

fn report(
    context: &mut Context<'_>,
    rule: RuleSourceId,
    others: &[RuleSourceId],
    (change, situation): (Change, Option<Witness>),
    superfluous: bool,
) {
    let program = context.program;
    let count = if others.len() == 1 {
        "two rules have".to_owned()
    } else {
        format!("{} rules have", others.len() + 1)
    };
    let message = format!(
        "{count} the same outcome for {} -> {}",
        shown(program, change.entered()),
        program.system(change.to()).name
    );
    let way = Some(change.direction());
    let mut finding = context
        .finding_about(message, None, way, &[change.entered()])
        .rule(context.rule_location(rule), "this rule");
    for other in others.iter().take(MAX_NAMED) {
        finding = finding.rule(context.rule_location(*other), "already covered here");
    }
    if others.len() > MAX_NAMED {
        finding = finding.note(format!("and {} more", others.len() - MAX_NAMED));
    }
    let finding = finding
        .help("keep one rule for this state, or make the conditions exclude each other")
        .fix(
            superfluous
                .then(|| context.deletion(program.rule_source(rule).item, true))
                .flatten(),
        );
    context.report(finding.situation(situation));
}
