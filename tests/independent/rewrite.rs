//! Rewrites programs: with the same meaning, or with a change that may affect it.

use crate::random::Random;
use crate::spec::{Cond, Item, Pick, Source, Spec, Target};

/// Reorders, splits, renames and inlines, without changing any decision.
pub fn rewrite(spec: &Spec, random: &mut Random) -> Spec {
    let mut spec = spec.clone();
    let mut next = 1_000_000;
    for at in 0..spec.profiles.len() {
        spec.profiles[at].name = format!("Renamed {at}");
        let items = std::mem::take(&mut spec.profiles[at].items);
        let items = rewritten(items, &spec, random, &mut next);
        let when = spec.profiles[at].when.take();
        match when {
            // The condition of a profile is equivalent to a `when` around all its items.
            Some(condition) if random.chance(50) => {
                spec.profiles[at].items = vec![Item::When { condition, items }];
            }
            when => (spec.profiles[at].when, spec.profiles[at].items) = (when, items),
        }
    }
    for (at, (name, _)) in spec.mappings.iter_mut().enumerate() {
        *name = format!("renamed_mapping_{at}");
    }
    for (at, (name, condition)) in spec.conditions.iter_mut().enumerate() {
        *name = format!("renamed_{at}");
        *condition = Cond::Not(Box::new(Cond::Not(Box::new(condition.clone()))));
    }
    for system in &mut spec.systems {
        for (at, (name, _)) in system.groups.iter_mut().enumerate() {
            *name = format!("renamed_group_{at}");
        }
    }
    // A program without roles has an implicit one, which can be made explicit.
    if spec.roles.is_empty() && !spec.profiles.is_empty() && random.chance(50) {
        spec.roles
            .push(("default".to_owned(), (0..spec.profiles.len()).collect()));
    }
    spec.roles.reverse();
    let last = spec.roles.len().saturating_sub(1);
    spec.default_role = spec.default_role.map(|at| last - at);
    // The only role is the default anyway.
    if spec.roles.len() == 1 && random.chance(50) {
        spec.default_role = Some(0);
    }
    spec
}

fn rewritten(items: Vec<Item>, spec: &Spec, random: &mut Random, next: &mut usize) -> Vec<Item> {
    let mut all = Vec::new();
    for item in items {
        match item {
            Item::When { condition, items } => {
                let items = rewritten(items, spec, random, next);
                match condition {
                    Cond::And(mut parts) if random.chance(50) => {
                        let last = parts.pop().expect("a conjunction has parts");
                        let inner = vec![Item::When {
                            condition: last,
                            items,
                        }];
                        all.push(Item::When {
                            condition: Cond::And(parts),
                            items: inner,
                        });
                    }
                    // One half of an override might have no effect.
                    Cond::Or(parts) if random.chance(50) && !overrides(&items, spec) => {
                        for condition in parts {
                            all.push(Item::When {
                                condition,
                                items: fresh(&items, next),
                            });
                        }
                    }
                    condition => all.push(Item::When { condition, items }),
                }
            }
            // Once inlined, an override needs an effect in each place.
            Item::Apply {
                mapping,
                with: None,
                direction: None,
            } if random.chance(50) && !overrides(&spec.mappings[mapping].1, spec) => {
                let inner = fresh(&spec.mappings[mapping].1, next);
                all.extend(rewritten(inner, spec, random, next));
            }
            Item::Rule {
                id,
                overrides: false,
                from,
                source: Source::States(picks),
                to,
                target,
            } => {
                if random.chance(50) {
                    all.push(Item::Rule {
                        id,
                        overrides: false,
                        from,
                        source: Source::States(picks),
                        to,
                        target,
                    });
                    continue;
                }
                for pick in picks {
                    *next += 1;
                    let source = Source::States(vec![pick]);
                    all.push(Item::Rule {
                        id: *next,
                        overrides: false,
                        from,
                        source,
                        to,
                        target,
                    });
                }
            }
            Item::Both { left, right, .. } if random.chance(50) => {
                for (from, to) in [(left, right), (right, left)] {
                    *next += 1;
                    let source = Source::States(vec![Pick::State(from.1)]);
                    let target = Target::Set(to.1);
                    all.push(Item::Rule {
                        id: *next,
                        overrides: false,
                        from: from.0,
                        source,
                        to: to.0,
                        target,
                    });
                }
            }
            other => all.push(other),
        }
    }
    // The order matters only for appendices.
    for _ in 0..all.len() {
        let at = random.below(all.len());
        let other = random.below(all.len());
        let (low, high) = (at.min(other), at.max(other));
        if !all[low..=high].iter().any(appends) {
            all.swap(low, high);
        }
    }
    all
}

fn appends(item: &Item) -> bool {
    match item {
        Item::Append { .. } => true,
        Item::When { items, .. } => items.iter().any(appends),
        _ => false,
    }
}

fn overrides(items: &[Item], spec: &Spec) -> bool {
    items.iter().any(|item| match item {
        Item::Rule { overrides, .. } => *overrides,
        Item::When { items, .. } => overrides(items, spec),
        Item::Apply { mapping, .. } => overrides(&spec.mappings[*mapping].1, spec),
        _ => false,
    })
}

/// Copies items, with new ids for the rules.
fn fresh(items: &[Item], next: &mut usize) -> Vec<Item> {
    let mut items = items.to_vec();
    for item in &mut items {
        match item {
            Item::Rule { id, .. } | Item::Both { id, .. } => {
                *next += 1;
                *id = *next;
            }
            Item::When { items, .. } => *items = fresh(items, next),
            _ => {}
        }
    }
    items
}

/// Makes one small change, which may or may not affect decisions.
pub fn mutate(spec: &Spec, random: &mut Random) -> Spec {
    let mut spec = spec.clone();
    let at = random.below(spec.profiles.len());
    let first = spec
        .systems
        .iter()
        .map(|system| system.states.len())
        .min()
        .unwrap_or(1);
    match random.below(6) {
        0 => spec.profiles[at].when = None,
        1 if spec.profiles[at].items.len() > 1 => {
            let item = random.below(spec.profiles[at].items.len());
            spec.profiles[at].items.remove(item);
        }
        2 if !spec.roles.is_empty() => {
            let role = random.below(spec.roles.len());
            spec.roles[role].1.rotate_left(1);
        }
        3 if !spec.conditions.is_empty() => {
            let condition = random.below(spec.conditions.len());
            let was = spec.conditions[condition].1.clone();
            spec.conditions[condition].1 = Cond::Not(Box::new(was));
        }
        _ => one(&mut spec.profiles[at].items, random, first),
    }
    spec
}

fn one(items: &mut [Item], random: &mut Random, states: usize) {
    if items.is_empty() {
        return;
    }
    let at = random.below(items.len());
    match &mut items[at] {
        Item::When { condition, items } if random.chance(70) => {
            if random.chance(70) {
                one(items, random, states);
            } else {
                *condition = Cond::Or(vec![condition.clone(), Cond::Flag(0)]);
            }
        }
        Item::When { condition, .. } => *condition = Cond::Not(Box::new(condition.clone())),
        Item::Rule { target, .. } if random.chance(60) => {
            *target = match target {
                Target::Unchanged => Target::Previous,
                _ => Target::Unchanged,
            }
        }
        Item::Rule {
            source: Source::States(picks),
            ..
        } => picks.push(Pick::State(random.below(states))),
        Item::Append { text, .. } => text.push('!'),
        _ => {}
    }
}
