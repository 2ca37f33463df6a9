//! In: variables, cubes and decisions. Out: how the language writes them.

use crate::diagram::{Cube, Diagram};
use crate::program::{Column, FactKind, Target};
use crate::quote::{choice_literal, quote, quote_text, state_literal};
use crate::space::precedence::{Precedence, RoleDecision};
use crate::space::situation::SituationSpace;

impl SituationSpace<'_> {
    /// See [`DiagramStore::cover`](crate::diagram::DiagramStore::cover). Cubes may contain situations that do not exist.
    pub fn cover(&mut self, region: Diagram, most: usize) -> Option<Vec<Cube>> {
        let defaults = self.defaults().to_vec();
        let impossible = self.impossible();
        let needed = self.diagrams.without(region, impossible);
        let allowed = self.diagrams.or_else(region, impossible);
        let cubes = self
            .diagrams
            .cover_within(needed, allowed, &defaults, most)?;
        Some(cubes)
    }

    /// Where an unknown state is by hand.
    fn impossible(&mut self) -> Diagram {
        let mut impossible = Diagram::ZERO;
        for system in self.program.schema.system_ids() {
            let Some(by_hand) = self.of_hand(system) else {
                continue;
            };
            let by_hand = self.diagrams.literal(by_hand, [1]);
            let unknown = self.diagrams.literal(self.of_system(system), [0]);
            let both = self.diagrams.and_then(by_hand, unknown);
            impossible = self.diagrams.or_else(impossible, both);
        }
        impossible
    }

    /// A cube as a condition of the language; empty if it always holds.
    pub fn condition_text(&self, cube: &Cube) -> String {
        self.condition_terms(cube).join(" and ")
    }

    /// The conditions that a cube joins with `and`.
    pub fn condition_terms(&self, cube: &Cube) -> Vec<String> {
        let literals = cube.0.iter();
        let mut literals: Vec<(Column, &Vec<u32>)> = literals
            .map(|(variable, values)| (self.variables()[*variable as usize], values))
            .collect();
        literals.sort_by_key(|(variable, _)| *variable);
        literals
            .into_iter()
            .map(|(variable, values)| self.value_text(variable, values))
            .collect()
    }

    /// A variable restricted to some of its values, as a condition of the language.
    pub fn value_text(&self, variable: Column, values: &[u32]) -> String {
        match variable {
            Column::Fact(fact) => {
                let fact = self.program.fact(fact);
                let name = quote(&fact.name);
                match &fact.kind {
                    FactKind::Flag if values == [1] => name,
                    FactKind::Flag => format!("not {name}"),
                    FactKind::Choice { values: names, .. } => choice_literal(&name, names, values),
                }
            }
            Column::ByHand(system) => {
                let name = quote(&self.program.system(system).name);
                let not = if values == [1] { "" } else { "not " };
                format!("{not}{name} by hand")
            }
            Column::State(system) => {
                let system = self.program.system(system);
                let states: Vec<&str> = system
                    .states
                    .iter()
                    .map(|state| state.name.as_str())
                    .collect();
                state_literal(&quote(&system.name), &states, values)
            }
        }
    }
}

impl Precedence<'_> {
    /// The outcome of a decision (0: unmapped) with its texts, as a test expects it; an empty appendix is written
    /// only if `decorated`.
    pub fn outcome_text(
        &self,
        decided: &RoleDecision,
        leaf: u32,
        texts: &[&str],
        decorated: bool,
    ) -> String {
        let Some(decision) = self.decision_of(decided, leaf) else {
            return "unmapped".to_owned();
        };
        let name = match self.rule_of(decision).target {
            Target::Set(state) => quote(&self.program.state(state).name),
            Target::Previous => "previous".to_owned(),
            Target::Unchanged => return "unchanged".to_owned(),
        };
        let texts: Vec<String> = texts.iter().map(|text| quote_text(text)).collect();
        match (decorated, texts.as_slice()) {
            (false, []) => name,
            (true, []) => format!("{name} append nothing"),
            _ => format!("{name} append {}", texts.join(", ")),
        }
    }
}
