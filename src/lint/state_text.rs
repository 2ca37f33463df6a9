//! In: states and systems. Out: source text for messages and fixes.

use std::collections::BTreeSet;

use crate::program::{Program, StateId, SystemId};
use crate::quote::quote;

/// A state as source text, with its system.
pub(super) fn shown(program: &Program, state: StateId) -> String {
    format!(
        "{} {}",
        system_name(program, state.system()),
        state_name(program, state)
    )
}

/// The name of a system as source text.
pub(super) fn system_name(program: &Program, system: SystemId) -> String {
    quote(&program.system(system).name)
}

/// The name of a state as source text.
pub(super) fn state_name(program: &Program, state: StateId) -> String {
    quote(&program.state(state).name)
}

/// States of one system as source text, with the groups that fit: `free | "At Lunch"`.
pub(super) fn states_text(program: &Program, states: &BTreeSet<StateId>) -> String {
    let mut left = states.clone();
    let fits =
        |group: &&crate::program::StateGroup| group.states.iter().all(|at| states.contains(at));
    let mut groups: Vec<_> = program.groups.iter().filter(fits).collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.states.len()));
    let mut terms: Vec<String> = Vec::new();
    for group in groups {
        let new = group.states.iter().filter(|state| left.contains(state));
        if new.count() > 1 {
            group.states.iter().for_each(|state| {
                left.remove(state);
            });
            terms.push(quote(&group.name));
        }
    }
    terms.extend(left.iter().map(|state| state_name(program, *state)));
    terms.join(" | ")
}
