//! The inputs that both sides of a comparison have, with the values that both know.

use std::collections::BTreeSet;

use presync_engine::{Column, FactKind, Schema};

use crate::analysis::difference::ComparedProgram;

/// An input that both sides have, with the values that both know.
pub(super) struct ComparedInput {
    pub name: String,
    pub kind: InputKind,
    /// The names of the values; the first of a state is "not known".
    pub values: Vec<String>,
    /// The initial value.
    pub usual: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum InputKind {
    Flag,
    Choice,
    State,
    ByHand,
}

/// An input by name, if both sides have it as the same kind.
pub(super) fn input(old: &Schema, new: &Schema, name: String) -> Option<ComparedInput> {
    if let (Some(a), Some(b)) = (old.find_fact(&name), new.find_fact(&name)) {
        return match (&old.fact(a).kind, &new.fact(b).kind) {
            (FactKind::Flag, FactKind::Flag) => {
                let values = vec!["false".to_owned(), "true".to_owned()];
                Some(ComparedInput {
                    name,
                    kind: InputKind::Flag,
                    values,
                    usual: 0,
                })
            }
            (FactKind::Choice { values, default }, FactKind::Choice { values: others, .. }) => {
                let usual = default.and_then(|at| values.get(at as usize));
                let common = values.iter().filter(|value| others.contains(value));
                let common: Vec<String> = common.cloned().collect();
                let usual = usual.and_then(|usual| common.iter().position(|one| one == usual));
                let usual = usual.unwrap_or(0) as u32;
                let input = ComparedInput {
                    name,
                    kind: InputKind::Choice,
                    values: common,
                    usual,
                };
                (!input.values.is_empty()).then_some(input)
            }
            _ => None,
        };
    }
    let (a, b) = (old.find_system(&name)?, new.find_system(&name)?);
    let others: BTreeSet<&String> = new
        .system(b)
        .states
        .iter()
        .map(|state| &state.name)
        .collect();
    let states = old.system(a).states.iter().map(|state| &state.name);
    let states = states.filter(|name| others.contains(name)).cloned();
    let values = std::iter::once(UNKNOWN.to_owned()).chain(states).collect();
    Some(ComparedInput {
        name,
        kind: InputKind::State,
        values,
        usual: 0,
    })
}

impl ComparedInput {
    /// Whether the state of the system is by hand, instead of the state.
    pub fn by_hand(self) -> Self {
        Self {
            kind: InputKind::ByHand,
            values: vec!["false".to_owned(), "true".to_owned()],
            ..self
        }
    }
}

/// The name of "not known" among a state's values; no state can have it.
pub(super) const UNKNOWN: &str = "\u{0}";

pub(super) fn value_name(schema: &Schema, column: Column, value: u32) -> String {
    use presync_engine::Input;
    match schema.inputs(column, &[value]).next() {
        Some(Input::Flag(flag)) => flag.to_string(),
        Some(Input::Name(name)) => name.to_owned(),
        Some(Input::Unknown) | None => UNKNOWN.to_owned(),
    }
}

/// The assumed value of an input that only one side has.
pub(super) fn initial(side: ComparedProgram<'_>, column: Column) -> u32 {
    match column {
        Column::Fact(fact) => side.schema.initial(fact).map_or(0, |value| value.value()),
        Column::State(_) | Column::ByHand(_) => 0,
    }
}
