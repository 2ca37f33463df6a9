//! Shrinks a program that shows a difference, until nothing more can be removed without losing the difference.

use crate::spec::{Cond, Item, Spec};

/// `differs` returns the difference for a program, if any.
pub fn shrink(mut spec: Spec, differs: &dyn Fn(&Spec) -> Option<String>) -> Spec {
    'again: loop {
        for smaller in smaller(&spec) {
            if differs(&smaller).is_some() {
                spec = smaller;
                continue 'again;
            }
        }
        return spec;
    }
}

fn smaller(spec: &Spec) -> Vec<Spec> {
    let mut found = Vec::new();
    let mut with = |change: &dyn Fn(&mut Spec)| {
        let mut changed = spec.clone();
        change(&mut changed);
        found.push(changed);
    };
    for at in 0..spec.roles.len() {
        with(&|spec| {
            spec.roles.remove(at);
            spec.default_role = None;
        });
    }
    for at in 0..spec.profiles.len() {
        if spec.profiles.len() > 1 {
            with(&|spec| without_profile(spec, at));
        }
        with(&|spec| spec.profiles[at].when = None);
        for items in fewer(&spec.profiles[at].items) {
            with(&|spec| spec.profiles[at].items = items.clone());
        }
        for when in spec.profiles[at].when.iter().flat_map(parts) {
            with(&|spec| spec.profiles[at].when = Some(when.clone()));
        }
    }
    for at in 0..spec.mappings.len() {
        for items in fewer(&spec.mappings[at].1) {
            with(&|spec| spec.mappings[at].1 = items.clone());
        }
    }
    for at in 0..spec.conditions.len() {
        for part in parts(&spec.conditions[at].1) {
            with(&|spec| spec.conditions[at].1 = part.clone());
        }
    }
    // Remove the last item of a list, if it is not used.
    with(&|spec| drop(spec.conditions.pop()));
    with(&|spec| drop(spec.mappings.pop()));
    with(&|spec| drop(spec.choices.pop()));
    with(&|spec| drop(spec.flags.pop()));
    for at in 0..spec.systems.len() {
        with(&|spec| drop(spec.systems[at].groups.pop()));
        with(&|spec| drop(spec.systems[at].states.pop()));
    }
    let size = |spec: &Spec| spec.text().0.len();
    let now = size(spec);
    found.retain(|smaller| sound(smaller) && size(smaller) < now);
    found
}

fn without_profile(spec: &mut Spec, at: usize) {
    spec.profiles.remove(at);
    for (_, profiles) in &mut spec.roles {
        profiles.retain(|profile| *profile != at);
        profiles
            .iter_mut()
            .filter(|profile| **profile > at)
            .for_each(|profile| *profile -= 1);
    }
    spec.roles.retain(|(_, profiles)| !profiles.is_empty());
}

/// All lists with one item fewer, or with one smaller item.
fn fewer(items: &[Item]) -> Vec<Vec<Item>> {
    let mut found = Vec::new();
    for at in 0..items.len() {
        let mut with = |instead: Vec<Item>| {
            let mut changed = items.to_vec();
            changed.splice(at..=at, instead);
            if !changed.is_empty() {
                found.push(changed);
            }
        };
        with(Vec::new());
        if let Item::When { condition, items } = &items[at] {
            with(items.clone());
            for items in fewer(items) {
                with(vec![Item::When {
                    condition: condition.clone(),
                    items,
                }]);
            }
            for condition in parts(condition) {
                with(vec![Item::When {
                    condition,
                    items: items.clone(),
                }]);
            }
        }
    }
    found
}

fn parts(condition: &Cond) -> Vec<Cond> {
    match condition {
        Cond::Not(part) => vec![(**part).clone()],
        Cond::And(parts) | Cond::Or(parts) => parts.clone(),
        _ => Vec::new(),
    }
}

/// Whether everything that is used is declared.
fn sound(spec: &Spec) -> bool {
    std::panic::catch_unwind(|| spec.text()).is_ok()
}
