//! The digest of a program's meaning: the names that events can use, and each table as a function.
//!
//! A function is represented by its value at a point derived from the names. The weights
//! w(column, value) add up to one over the values of a column. The value of the function is the sum
//! over all situations of the product of their weights times a number for the outcome. Irrelevant
//! columns drop out, and the value is the same for any rows, any column order and any diagram, so
//! no canonical form is needed. Different functions collide with a probability below 2^-100 (two
//! fields of 2^61 - 1).
//!
//! Each appended text is a function of its own, and so is the order of two texts where it is not always the same.
//!
//! Links that are too complex to evaluate together have a value each, with a number for passing. Different tables still get
//! different digests, but a refactoring may change the digest, too.

mod product;

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest, Sha256};

use crate::digest::product::Product;
use crate::flat_diagram::{FlatDiagram, Next};
use crate::ids::SystemId;
use crate::schema::{Column, FactKind, Schema};
use crate::table::{Appendix, Outcome, Table};
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
        part(&system.echo_seconds().to_string());
        for state in &system.states {
            part(&state.name);
            part(state.wire());
            let reads = state.reads.and_then(|at| system.states.get(at as usize));
            part(reads.map_or("", |state| &state.name));
            part(if state.read_only { "read_only" } else { "" });
            part(if state.other { "other" } else { "" });
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
    if let Some(role) = schema.default_role() {
        part("default");
        part(&schema.role(role).name);
    }
    let mut words: HashMap<*const Table, Vec<String>> = HashMap::new();
    for role in tables.roles() {
        part("role");
        part(role.name());
        for table in role.tables()? {
            // Roles with the same profiles share their tables.
            let words = words.entry(std::ptr::from_ref(table));
            let words = words.or_insert_with(|| weights.table(table));
            words.iter().for_each(|word| part(word));
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
    fn table(&mut self, table: &Table) -> Vec<String> {
        let numbers = table
            .decisions()
            .iter()
            .map(|decision| self.outcome(decision.outcome));
        let numbers: Vec<[u64; 2]> = numbers.collect();
        let appending = Appending::of(table);
        let outcome = match table.links() {
            [link] => Some(self.diagram(
                table,
                &link.diagram,
                &numbers[link.first as usize..],
                numbers[0],
            )),
            _ => {
                let diagrams = appending.with(&[]);
                let decided = |found: &[Option<u32>]| numbers[appending.decision(found)];
                Product::new(self, table, &diagrams).value(&decided)
            }
        };
        let words = outcome.and_then(|outcome| {
            let mut words = vec![word(outcome)];
            words.extend(self.texts(table, &appending)?);
            Some(words)
        });
        words.unwrap_or_else(|| self.parts(table, &appending, numbers))
    }

    /// The value of each link and each appendix.
    fn parts(
        &mut self,
        table: &Table,
        appending: &Appending<'_>,
        mut numbers: Vec<[u64; 2]>,
    ) -> Vec<String> {
        for (number, group) in numbers.iter_mut().zip(&appending.group_of) {
            if let Some(group) = group {
                *number = point(&["group", &format!("{number:?} {group}")]);
            }
        }
        let pass = point(&["pass"]);
        let links = appending.links.iter();
        let mut words: Vec<String> = links
            .map(|(diagram, first)| {
                word(self.diagram(table, diagram, &numbers[*first as usize..], pass))
            })
            .collect();
        for (group, appendices) in appending.groups.iter().enumerate() {
            for appendix in *appendices {
                let value = self.diagram(table, &appendix.holds, &[[1, 1]], [0, 0]);
                words.push(format!("append {group} {}", appendix.text));
                words.push(word(value));
            }
        }
        words
    }

    /// The appended texts, sorted, each with its value, and the order of those that join together.
    /// `None` if that is too complex.
    fn texts(&mut self, table: &Table, appending: &Appending<'_>) -> Option<Vec<String>> {
        let mut words = Vec::new();
        let mut entries: Vec<(usize, &Appendix)> = Vec::new();
        for (group, appendices) in appending.groups.iter().enumerate() {
            entries.extend(appendices.iter().map(|appendix| (group, appendix)));
        }
        let mut of_text: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, (_, appendix)) in entries.iter().enumerate() {
            of_text.entry(&appendix.text).or_default().push(at);
        }
        let mut joining: Vec<&str> = Vec::new();
        for (text, places) in &of_text {
            // Often every profile appends a text in the same situations.
            let mut alike: Vec<(&Appendix, Vec<usize>)> = Vec::new();
            for at in places {
                let (group, appendix) = entries[*at];
                let mut known = alike.iter_mut();
                match known.find(|(known, _)| known.holds == appendix.holds) {
                    Some((_, groups)) => groups.push(group),
                    None => alike.push((appendix, vec![group])),
                }
            }
            let mut sum = [0, 0];
            for (appendix, groups) in alike {
                let value = self.joining(table, appending, &groups, &[appendix])?;
                sum = [0, 1].map(|f| add(sum[f], value[f]));
            }
            if sum != [0, 0] {
                words.push(format!("append {text}"));
                words.push(word(sum));
                joining.push(text);
            }
        }
        for (at, one) in joining.iter().enumerate() {
            for other in &joining[at + 1..] {
                let mut orders: [Vec<(usize, usize)>; 2] = Default::default();
                for first in &of_text[one] {
                    for second in &of_text[other] {
                        let (group, other_group) = (entries[*first].0, entries[*second].0);
                        if group == other_group
                            && self.meet(
                                table,
                                appending,
                                group,
                                [entries[*first].1, entries[*second].1],
                            )
                        {
                            orders[usize::from(first > second)].push((*first, *second));
                        }
                    }
                }
                match &orders {
                    [first, second] if first.is_empty() && second.is_empty() => {}
                    [_, second] if second.is_empty() => words.push(ordered(one, other)),
                    [first, _] if first.is_empty() => words.push(ordered(other, one)),
                    [first, _] => {
                        let mut sum = [0, 0];
                        for (first, second) in first {
                            let (group, appendix) = entries[*first];
                            let both = [appendix, entries[*second].1];
                            let value = self.joining(table, appending, &[group], &both)?;
                            sum = [0, 1].map(|f| add(sum[f], value[f]));
                        }
                        words.extend([ordered(one, other), word(sum)]);
                    }
                }
            }
        }
        Some(words)
    }

    /// The value of: a decision of these groups is made, and the appendices all join. `None` if that is too complex.
    fn joining(
        &mut self,
        table: &Table,
        appending: &Appending<'_>,
        groups: &[usize],
        all: &[&Appendix],
    ) -> Option<[u64; 2]> {
        let diagrams = appending.with(all);
        let mut product = Product::new(self, table, &diagrams);
        let holds = |found: &[Option<u32>]| {
            if appending.join(found, groups) {
                [1, 1]
            } else {
                [0, 0]
            }
        };
        product.value(&holds)
    }

    /// Whether two appendices of a group ever join together.
    fn meet(
        &mut self,
        table: &Table,
        appending: &Appending<'_>,
        group: usize,
        both: [&Appendix; 2],
    ) -> bool {
        let diagrams = appending.with(&both);
        Product::new(self, table, &diagrams).reaches(&|found| appending.join(found, &[group]))
    }

    /// The value of one diagram.
    fn diagram(
        &mut self,
        table: &Table,
        diagram: &FlatDiagram,
        numbers: &[[u64; 2]],
        pass: [u64; 2],
    ) -> [u64; 2] {
        let mut of_node = vec![[0, 0]; diagram.nodes.len()];
        let get = |of_node: &[[u64; 2]], next: Next| match next {
            Next::Node(at) => of_node[at as usize],
            Next::Decision(at) => numbers[at as usize],
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

    fn outcome(&self, outcome: Outcome) -> [u64; 2] {
        let mut text = String::new();
        match outcome {
            Outcome::Unmapped => text.push('0'),
            Outcome::Unchanged => text.push('1'),
            Outcome::Previous => text.push('2'),
            Outcome::Set(state) => {
                let name = &self.schema.state(state).name;
                text = format!("{}:{name}", name.len());
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
                WeightInput::Column(Column::ByHand(system)) => {
                    let system = schema.system(system);
                    ("by hand", &system.name, vec!["false", "true"])
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

/// The appendices of a table and the diagrams that say when they are asked.
struct Appending<'a> {
    links: Vec<(&'a FlatDiagram, u32)>,
    /// By group: its appendices.
    groups: Vec<&'a [Appendix]>,
    /// By decision: the group of a decision that sets a state.
    group_of: Vec<Option<usize>>,
}

impl<'a> Appending<'a> {
    fn of(table: &'a Table) -> Self {
        let group_of = table.decision_ids().map(|id| {
            let sets = table.decision(id).outcome.commands();
            table.appended_to(id).filter(|_| sets)
        });
        let groups = table.appendices().iter().map(|group| &**group);
        let links = table
            .links()
            .iter()
            .map(|link| (&*link.diagram, link.first));
        Self {
            links: links.collect(),
            groups: groups.collect(),
            group_of: group_of.collect(),
        }
    }

    /// The diagrams of the links, then those of some appendices.
    fn with(&self, appendices: &[&'a Appendix]) -> Vec<&'a FlatDiagram> {
        let links = self.links.iter().map(|(diagram, _)| *diagram);
        links
            .chain(appendices.iter().map(|appendix| &appendix.holds))
            .collect()
    }

    /// Whether a decision of the groups is made and all appendices hold.
    fn join(&self, found: &[Option<u32>], groups: &[usize]) -> bool {
        let appendices = &found[self.links.len()..];
        let group = self.group_of[self.decision(found)];
        group.is_some_and(|group| groups.contains(&group)) && appendices.iter().all(Option::is_some)
    }

    /// The decision of the first link that does not pass.
    fn decision(&self, found: &[Option<u32>]) -> usize {
        let mut decided = found.iter().zip(&self.links);
        let decision = decided.find_map(|(found, (_, first))| Some(first + (*found)?));
        decision.unwrap_or_default() as usize
    }
}

/// Two texts that join in this order. The length tells them apart.
fn ordered(first: &str, second: &str) -> String {
    format!("order {} {first}{second}", first.len())
}

fn word([a, b]: [u64; 2]) -> String {
    format!("{a:016x}{b:016x}")
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
