//! In: a cube of situations and entered states. Out: the same as values, and as text of the language.

use presync_engine::document::{Cell, ConditionDocument};

use crate::analysis::difference::Comparison;
use crate::analysis::difference::inputs::{InputKind, UNKNOWN};
use crate::quote::{choice_literal, quote, state_literal};

/// A part of the situations, with the states entered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChangedPart {
    pub values: ConditionDocument,
    /// `when in_queue`, `always`
    pub when: String,
    /// `when in_queue: cic A | B`
    pub text: String,
}

impl Comparison<'_> {
    pub(super) fn part(&self, cube: &[(u32, Vec<u32>)]) -> ChangedPart {
        let mut part = ConditionDocument::default();
        let mut conditions = Vec::new();
        for (variable, values) in cube {
            let Some(input) = (*variable as usize).checked_sub(1) else {
                let name = |value: &u32| self.entered[*value as usize].clone();
                part.from = Some(values.iter().map(name).collect());
                continue;
            };
            let input = &self.inputs[input];
            let name = quote(&input.name);
            let not = if values == &[1] { "" } else { "not " };
            conditions.push(match input.kind {
                InputKind::State => {
                    let states: Vec<&str> = input.values[1..].iter().map(String::as_str).collect();
                    state_literal(&name, &states, values)
                }
                InputKind::ByHand => format!("{not}{name} by hand"),
                InputKind::Flag => format!("{not}{name}"),
                InputKind::Choice => choice_literal(&name, &input.values, values),
            });
            if input.kind == InputKind::ByHand {
                let values = values.iter().map(|value| *value == 1).collect();
                part.by_hand.insert(input.name.clone(), values);
                continue;
            }
            let cell = |value: &u32| match input.kind {
                InputKind::Flag => Cell::Flag(*value == 1),
                _ => match &input.values[*value as usize] {
                    name if name == UNKNOWN => Cell::Unknown(()),
                    name => Cell::Name(name.clone()),
                },
            };
            let cells = values.iter().map(cell).collect();
            part.when.insert(input.name.clone(), cells);
        }
        let (when, before) = if conditions.is_empty() {
            ("always".to_owned(), String::new())
        } else {
            let when = format!("when {}", conditions.join(" and "));
            (when.clone(), format!("{when}: "))
        };
        let states = part.from.iter().flatten().map(|state| quote(state));
        let states = match &part.from {
            Some(_) => states.collect::<Vec<_>>().join(" | "),
            None => "any".to_owned(),
        };
        let from = self.old.table.direction().from();
        let from = quote(&self.old.schema.system(from).name);
        ChangedPart {
            values: part,
            text: format!("{before}{from} {states}"),
            when,
        }
    }
}
