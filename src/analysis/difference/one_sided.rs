//! In: two schemas. Out: what only one of them declares, and what they declare differently.

use std::collections::BTreeSet;

use presync_engine::{FactKind, Schema, State, System};

/// Declarations of only one side, and declarations that differ.
pub(super) fn one_sided(old: &Schema, new: &Schema) -> Vec<String> {
    let mut found = Vec::new();
    let (old_roles, new_roles) = (old.roles(), new.roles());
    only(
        &mut found,
        "role",
        old_roles.map(|(_, role)| &role.name),
        new_roles.map(|(_, role)| &role.name),
    );
    let (old_systems, new_systems) = (old.systems(), new.systems());
    only(
        &mut found,
        "system",
        old_systems.map(|(_, system)| &system.name),
        new_systems.map(|(_, system)| &system.name),
    );
    let (old_facts, new_facts) = (old.facts(), new.facts());
    only(
        &mut found,
        "fact",
        old_facts.map(|(_, fact)| &fact.name),
        new_facts.map(|(_, fact)| &fact.name),
    );
    for (_, system) in old.systems() {
        let Some(other) = new.find_system(&system.name).map(|at| new.system(at)) else {
            continue;
        };
        let what = format!("state of {}", system.name);
        let names = |of: &'_ System| -> Vec<String> {
            of.states.iter().map(|state| state.name.clone()).collect()
        };
        let (olds, news) = (names(system), names(other));
        only(&mut found, &what, olds.iter(), news.iter());
        let (was, is) = (system.echo_seconds(), other.echo_seconds());
        if was != is {
            let of = &system.name;
            found.push(format!("the echo of {of} changed from {was} s to {is} s"));
        }
        for state in &system.states {
            let mut others = other.states.iter();
            let Some(same) = others.find(|other| other.name == state.name) else {
                continue;
            };
            let of = format!("`{}` of {}", state.name, system.name);
            if state.wire() != same.wire() {
                let (was, is) = (state.wire(), same.wire());
                found.push(format!("the id of {of} changed from `{was}` to `{is}`"));
            }
            let (was, is) = (reported(system, state), reported(other, same));
            if was != is {
                found.push(format!("{of} is now reported as `{is}`, before as `{was}`"));
            }
            for (what, was, is) in [
                ("read_only", state.read_only, same.read_only),
                ("other", state.other, same.other),
            ] {
                if was != is {
                    let side = if is { "new" } else { "old" };
                    found.push(format!("{of} is `{what}` only in the {side} program"));
                }
            }
        }
    }
    for (_, fact) in old.facts() {
        let Some(other) = new.find_fact(&fact.name).map(|at| new.fact(at)) else {
            continue;
        };
        match (&fact.kind, &other.kind) {
            (FactKind::Flag, FactKind::Flag) => {}
            (
                FactKind::Choice { values, default },
                FactKind::Choice {
                    values: others,
                    default: other,
                },
            ) => {
                let what = format!("value of {}", fact.name);
                only(&mut found, &what, values.iter(), others.iter());
                let name = |values: &[String], default: &Option<u32>| {
                    default.and_then(|at| values.get(at as usize).cloned())
                };
                let (was, is) = (name(values, default), name(others, other));
                if was != is {
                    let shown = |name: Option<String>| {
                        name.map_or_else(|| "none".to_owned(), |name| format!("`{name}`"))
                    };
                    found.push(format!(
                        "the default of `{}` changed from {} to {}",
                        fact.name,
                        shown(was),
                        shown(is)
                    ));
                }
            }
            _ => found.push(format!(
                "`{}` is a flag in one program and a choice in the other",
                fact.name
            )),
        }
    }
    let default = |schema: &Schema| {
        let role = schema.default_role().map(|role| schema.role(role));
        role.map(|role| role.name.clone())
    };
    if let (Some(was), Some(is)) = (default(old), default(new))
        && was != is
    {
        found.push(format!("the default role changed from `{was}` to `{is}`"));
    }
    found
}

/// The name of the state that is reported once this one is set.
fn reported<'s>(system: &'s System, state: &'s State) -> &'s str {
    let reads = state.reads.and_then(|at| system.states.get(at as usize));
    &reads.unwrap_or(state).name
}

fn only<'a>(
    found: &mut Vec<String>,
    what: &str,
    old: impl Iterator<Item = &'a String>,
    new: impl Iterator<Item = &'a String>,
) {
    let (old, new): (BTreeSet<&String>, BTreeSet<&String>) = (old.collect(), new.collect());
    found.extend(
        old.difference(&new)
            .map(|name| format!("{what} `{name}` is only in the old program")),
    );
    found.extend(
        new.difference(&old)
            .map(|name| format!("{what} `{name}` is only in the new program")),
    );
}
