//! The digest of the meaning alone: everything that an event can name, and each table as a function.
//!
//! A function is summed up by its value at a point that is derived from the names: with weights w(column, value) that
//! add up to one over the values of a column, the sum over all situations of the product of their weights times a
//! number for the outcome. Columns that do not matter drop out, and it is the same for any rows, any order of columns
//! and any diagram, so that nothing has to be brought into a canonical form first. Two functions that differ agree by
//! chance in less than one of 2^100 cases (two fields of 2^61 - 1).
//!
//! A table in several diagrams has no such number; there each diagram has one, in order, with a number of its own for
//! passing on. Tables that differ still differ, but a refactoring may change the digest, too.

use std::collections::HashMap;
use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::table::{Body, Cells, Column, Diagram, FactKind, Next, Outcome, Table, Tables};

/// A prime: the field of the sums.
const FIELD: u64 = (1 << 61) - 1;

pub(crate) fn digest(tables: &Tables) -> String {
    let mut hasher = Sha256::new();
    let mut part = |text: &str| {
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    for system in &tables.systems {
        part("system");
        part(&system.name);
        for state in &system.states {
            part(&state.name);
            part(state.wire());
        }
    }
    for fact in &tables.facts {
        part("fact");
        part(&fact.name);
        if let FactKind::Choice { values, default } = &fact.kind {
            values.iter().for_each(|value| part(value));
            part("default");
            part(default.map_or("", |at| &values[at as usize]));
        }
    }
    let mut weights = Weights {
        tables,
        known: HashMap::new(),
    };
    for role in &tables.roles {
        part("role");
        part(&role.name);
        for table in &role.tables {
            for [a, b] in weights.table(table) {
                part(&format!("{a:016x}{b:016x}"));
            }
        }
    }
    hasher
        .finalize()
        .iter()
        .fold("sha256:".to_owned(), |mut text, byte| {
            // Writing into a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

struct Weights<'a> {
    tables: &'a Tables,
    /// For each column, and for the state entered, the weight of each value.
    known: HashMap<Input, Vec<[u64; 2]>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Input {
    Column(Column),
    From(usize),
}

impl Weights<'_> {
    fn table(&mut self, table: &Table) -> Vec<[u64; 2]> {
        match &table.body {
            Body::Rows(rows) => vec![rows.iter().fold([0, 0], |sum, row| {
                let from = Some(row.from.clone());
                let cube = self.cube(&table.columns, &row.when, table.from, &from);
                let outcome = self.outcome(table.to, &row.outcome);
                [0, 1].map(|f| add(sum[f], multiply(cube[f], outcome[f])))
            })],
            Body::Diagrams(diagrams) => diagrams
                .iter()
                .map(|diagram| self.diagram(table, diagram))
                .collect(),
        }
    }

    fn cube(
        &mut self,
        columns: &[Column],
        when: &Cells,
        from: usize,
        states: &Option<Box<[u32]>>,
    ) -> [u64; 2] {
        let cells = columns
            .iter()
            .map(|column| Input::Column(*column))
            .zip(when)
            .chain([(Input::From(from), states)]);
        cells.fold([1, 1], |product, (input, values)| {
            let Some(values) = values else { return product };
            let weights = self.weights(input);
            [0, 1].map(|f| {
                let sum = values
                    .iter()
                    .fold(0, |sum, value| add(sum, weights[*value as usize][f]));
                multiply(product[f], sum)
            })
        })
    }

    fn diagram(&mut self, table: &Table, diagram: &Diagram) -> [u64; 2] {
        let mut of_node = vec![[0, 0]; diagram.nodes.len()];
        let outcomes: Vec<[u64; 2]> = table
            .decisions
            .iter()
            .map(|decision| self.outcome(table.to, &decision.outcome))
            .collect();
        let pass = point(&["pass"]);
        let get = |of_node: &[[u64; 2]], next: Next| match next {
            Next::Node(at) => of_node[at as usize],
            Next::Decision(at) => outcomes[at as usize],
            Next::Pass => pass,
        };
        for (at, node) in diagram.nodes.iter().enumerate().rev() {
            let input = node.ask.map_or(Input::From(table.from), Input::Column);
            let weights = self.weights(input);
            let value = node
                .next
                .iter()
                .zip(weights)
                .fold([0, 0], |sum, (next, weight)| {
                    let child = get(&of_node, *next);
                    [0, 1].map(|f| add(sum[f], multiply(weight[f], child[f])))
                });
            of_node[at] = value;
        }
        get(&of_node, diagram.root)
    }

    fn outcome(&self, to: usize, outcome: &Outcome) -> [u64; 2] {
        let mut text = String::new();
        match outcome {
            Outcome::Unmapped => text.push('0'),
            Outcome::Unchanged => text.push('1'),
            Outcome::Set { state, append } => {
                let name = &self.tables.systems[to].states[*state as usize].name;
                for part in std::iter::once(name).chain(append) {
                    // Writing into a string cannot fail.
                    let _ = write!(text, "{}:{part}", part.len());
                }
            }
        }
        point(&["outcome", &text])
    }

    fn weights(&mut self, input: Input) -> &[[u64; 2]] {
        let tables = self.tables;
        self.known.entry(input).or_insert_with(|| {
            let (kind, name, values): (_, _, Vec<&str>) = match input {
                Input::From(system) => {
                    let system = &tables.systems[system];
                    (
                        "from",
                        &system.name,
                        system
                            .states
                            .iter()
                            .map(|state| state.name.as_str())
                            .collect(),
                    )
                }
                Input::Column(Column::Fact(fact)) => {
                    let fact = &tables.facts[fact];
                    let values = match &fact.kind {
                        FactKind::Flag => vec!["false", "true"],
                        FactKind::Choice { values, .. } => {
                            values.iter().map(String::as_str).collect()
                        }
                    };
                    ("fact", &fact.name, values)
                }
                Input::Column(Column::State(system)) => {
                    let system = &tables.systems[system];
                    // No state has an empty name with this kind: the first value is "not known".
                    let names = system.states.iter().map(|state| state.name.as_str());
                    (
                        "state",
                        &system.name,
                        std::iter::once("\u{0}unknown").chain(names).collect(),
                    )
                }
            };
            let raw: Vec<[u64; 2]> = values
                .iter()
                .map(|value| point(&[kind, name, value]))
                .collect();
            let scale =
                [0, 1].map(|f| inverse(raw.iter().fold(0, |sum, weight| add(sum, weight[f]))));
            raw.into_iter()
                .map(|weight| [0, 1].map(|f| multiply(weight[f], scale[f])))
                .collect()
        })
    }
}

/// Two numbers of the field for some words.
fn point(words: &[&str]) -> [u64; 2] {
    let mut hasher = Sha256::new();
    for word in words {
        hasher.update((word.len() as u64).to_le_bytes());
        hasher.update(word.as_bytes());
    }
    let hash = hasher.finalize();
    let number = |at: usize| {
        let bytes: [u8; 8] = std::array::from_fn(|byte| hash[at + byte]);
        u64::from_le_bytes(bytes) % FIELD
    };
    [number(0), number(8)]
}

fn add(a: u64, b: u64) -> u64 {
    (a + b) % FIELD
}

fn multiply(a: u64, b: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(FIELD)) as u64
}

/// By Fermat: a^(p-2).
fn inverse(a: u64) -> u64 {
    let (mut result, mut base, mut exponent) = (1, a, FIELD - 2);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = multiply(result, base);
        }
        base = multiply(base, base);
        exponent >>= 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_is_one() {
        for a in [1, 2, 12_345, FIELD - 1] {
            assert_eq!(multiply(a, inverse(a)), 1);
        }
    }
}
