//! The digest of a program's meaning: the names that events can use, and each table as a function.
//!
//! A function is represented by its value at a point derived from the names. The weights
//! w(column, value) add up to one over the values of a column. The value of the function is the sum
//! over all situations of the product of their weights times a number for the outcome. Irrelevant
//! columns drop out, and the value is the same for any rows, any column order and any diagram, so
//! no canonical form is needed. Different functions collide with a probability below 2^-100 (two
//! fields of 2^61 - 1).
//!
//! For a table in several diagrams, each diagram has its own value, in order, with a separate
//! number for passing. Different tables still get different digests, but a refactoring may change
//! the digest, too.

use std::collections::HashMap;
use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::flat_diagram::{FlatDiagram, Next};
use crate::ids::SystemId;
use crate::lookup::Cells;
use crate::schema::{Column, FactKind, Schema};
use crate::table::{Outcome, Table, TableBody};
use crate::tables::{Tables, TooComplex};

/// The prime modulus of the sums.
const FIELD: u64 = (1 << 61) - 1;

impl Tables {
    /// `sha256:...` of the meaning: the same for programs that make the same decisions, unless a table
    /// needs several diagrams. Compiles every role.
    ///
    /// # Errors
    /// A role is too complex to compile.
    pub fn digest(&self) -> Result<&str, TooComplex> {
        let digest = self.0.digest.get_or_init(|| digest(self));
        digest.as_deref().map_err(Clone::clone)
    }
}

fn digest(tables: &Tables) -> Result<String, TooComplex> {
    let schema = tables.schema();
    let mut hasher = Sha256::new();
    let mut part = |text: &str| {
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    for (_, system) in schema.systems() {
        part("system");
        part(&system.name);
        for state in &system.states {
            part(&state.name);
            part(state.wire());
        }
    }
    for (_, fact) in schema.facts() {
        part("fact");
        part(&fact.name);
        if let FactKind::Choice { values, default } = &fact.kind {
            values.iter().for_each(|value| part(value));
            part("default");
            let default = default.and_then(|at| values.get(at as usize));
            part(default.map_or("", String::as_str));
        }
    }
    let mut weights = Weights {
        schema,
        known: HashMap::new(),
    };
    for role in tables.roles() {
        part("role");
        part(role.name());
        for table in role.tables()? {
            for [a, b] in weights.table(table) {
                part(&format!("{a:016x}{b:016x}"));
            }
        }
    }
    let digits = hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>();
    Ok(format!("sha256:{digits}"))
}

struct Weights<'a> {
    schema: &'a Schema,
    /// The weight of each value, for each column and for the state entered.
    known: HashMap<WeightInput, Vec<[u64; 2]>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum WeightInput {
    Column(Column),
    From(SystemId),
}

impl Weights<'_> {
    fn table(&mut self, table: &Table) -> Vec<[u64; 2]> {
        if let Some(diagrams) = table.diagrams() {
            let diagrams = diagrams.iter().map(|diagram| self.diagram(table, diagram));
            return diagrams.collect();
        }
        match table.body() {
            TableBody::Rows(rows) => vec![rows.iter().fold([0, 0], |sum, row| {
                let from = row.from.iter().map(|state| state.index()).collect();
                let cube = self.cube(table, &row.when, from);
                let outcome = self.outcome(&row.outcome);
                [0, 1].map(|f| add(sum[f], multiply(cube[f], outcome[f])))
            })],
            TableBody::Diagrams(diagrams) => diagrams
                .iter()
                .map(|diagram| self.diagram(table, diagram))
                .collect(),
        }
    }

    fn cube(&mut self, table: &Table, when: &Cells, from: Vec<usize>) -> [u64; 2] {
        let columns = table
            .columns()
            .iter()
            .map(|column| WeightInput::Column(*column));
        let cells = columns.zip(when).filter_map(|(input, values)| {
            Some((
                input,
                values
                    .as_ref()?
                    .iter()
                    .map(|value| *value as usize)
                    .collect(),
            ))
        });
        let entered: (WeightInput, Vec<usize>) =
            (WeightInput::From(table.direction().from()), from);
        cells
            .chain([entered])
            .fold([1, 1], |product, (input, values)| {
                let weights = self.weights(input);
                [0, 1].map(|f| {
                    let sum = values
                        .iter()
                        .fold(0, |sum, value| add(sum, weights[*value][f]));
                    multiply(product[f], sum)
                })
            })
    }

    fn diagram(&mut self, table: &Table, diagram: &FlatDiagram) -> [u64; 2] {
        let mut of_node = vec![[0, 0]; diagram.nodes.len()];
        let outcomes: Vec<[u64; 2]> = table
            .decisions()
            .iter()
            .map(|decision| self.outcome(&decision.outcome))
            .collect();
        let pass = point(&["pass"]);
        let get = |of_node: &[[u64; 2]], next: Next| match next {
            Next::Node(at) => of_node[at as usize],
            Next::Decision(at) => outcomes[at as usize],
            Next::Pass => pass,
        };
        for (at, node) in diagram.nodes.iter().enumerate().rev() {
            let input = node.ask.map_or(
                WeightInput::From(table.direction().from()),
                WeightInput::Column,
            );
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

    fn outcome(&self, outcome: &Outcome) -> [u64; 2] {
        let mut text = String::new();
        match outcome {
            Outcome::Unmapped => text.push('0'),
            Outcome::Unchanged => text.push('1'),
            Outcome::Set { state, append } => {
                let name = &self.schema.state(*state).name;
                for part in std::iter::once(name).chain(append) {
                    // Writing into a string cannot fail.
                    let _ = write!(text, "{}:{part}", part.len());
                }
            }
        }
        point(&["outcome", &text])
    }

    fn weights(&mut self, input: WeightInput) -> &[[u64; 2]] {
        let schema = self.schema;
        self.known.entry(input).or_insert_with(|| {
            let (kind, name, values): (_, _, Vec<&str>) = match input {
                WeightInput::From(system) => {
                    let system = schema.system(system);
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
                WeightInput::Column(Column::Fact(fact)) => {
                    let fact = schema.fact(fact);
                    let values = match &fact.kind {
                        FactKind::Flag => vec!["false", "true"],
                        FactKind::Choice { values, .. } => {
                            values.iter().map(String::as_str).collect()
                        }
                    };
                    ("fact", &fact.name, values)
                }
                WeightInput::Column(Column::State(system)) => {
                    let system = schema.system(system);
                    // The first value is the unknown state, under a name that no state has.
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

/// Hashes words to a number in each of the two fields.
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

/// The modular inverse, by Fermat: a^(p-2).
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
