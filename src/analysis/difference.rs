//! In: two sets of tables. Out: exactly the situations that they decide differently, in few rows, with counts.
//! Compares what both have and lists what only one has. Enumerates nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::diagram::{Diagram, DiagramStore};
use crate::quote::{choice_literal, quote, quote_text, state_literal};
use presync_engine::{
    Cells, Column, Decision, Direction, FactKind, FlatDiagram, Next, Outcome, Row, Schema, StateId,
    Table, TableBody, Tables, TooComplex,
};

/// Node limit for one direction.
const NODE_LIMIT: usize = 5_000_000;

/// Limit of printed rows.
const MAX_ROWS: usize = 20;

/// The differences between two sets of tables.
#[derive(Debug, Default)]
pub struct Differences {
    /// Declarations of only one side, as sentences.
    pub one_sided: Vec<String>,
    /// By role, direction and outcomes.
    pub changes: Vec<DecisionChange>,
    /// Directions of roles that are too complex to compare.
    pub skipped: Vec<String>,
}

impl Differences {
    pub fn is_empty(&self) -> bool {
        self.one_sided.is_empty() && self.changes.is_empty() && self.skipped.is_empty()
    }
}

/// Situations of one role and direction in which one outcome has become another.
#[derive(Debug)]
pub struct DecisionChange {
    pub role: String,
    pub from: String,
    pub to: String,
    /// `Away append "in queue"`, `unchanged`, `unmapped`
    pub old: String,
    pub new: String,
    /// The number of these situations, out of `total` that the two tables distinguish.
    pub count: u128,
    pub total: u128,
    /// Conditions and entered states, as `when c: cic A | B`; `None` if there are too many.
    pub rows: Option<Vec<String>>,
    /// One of the situations, as conditions, and the entered state.
    pub witness: String,
    /// The rules that decide there: profile and place.
    pub old_rules: Vec<String>,
    pub new_rules: Vec<String>,
}

/// Compares two sets of tables.
///
/// # Errors
/// A role is too complex to compile.
pub fn diff(old: &Tables, new: &Tables) -> Result<Differences, TooComplex> {
    let (old_schema, new_schema) = (old.schema(), new.schema());
    let one_sided = one_sided(old_schema, new_schema);
    let mut found = Differences {
        one_sided,
        ..Differences::default()
    };
    for role in old.roles() {
        let Ok(other_role) = new.role(role.name()) else {
            continue;
        };
        for table in role.tables()? {
            let end = |system| new_schema.find_system(&old_schema.system(system).name);
            let (from, to) = (end(table.direction().from()), end(table.direction().to()));
            let Some(direction) = from.zip(to).and_then(|(from, to)| Direction::new(from, to))
            else {
                continue;
            };
            let Some(other) = other_role.table(direction)? else {
                continue;
            };
            let (old, new) = (
                ComparedProgram {
                    schema: old_schema,
                    table,
                },
                ComparedProgram {
                    schema: new_schema,
                    table: other,
                },
            );
            match Comparison::new(old, new).changes(role.name()) {
                Some(changes) => found.changes.extend(changes),
                None => found.skipped.push(format!(
                    "role `{}`, {} → {}: too complex to compare",
                    role.name(),
                    old_schema.system(table.direction().from()).name,
                    old_schema.system(table.direction().to()).name
                )),
            }
        }
    }
    Ok(found)
}

/// Declarations of only one side, and declarations that differ.
fn one_sided(old: &Schema, new: &Schema) -> Vec<String> {
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
        let names = |of: &'_ presync_engine::System| -> Vec<String> {
            of.states.iter().map(|state| state.name.clone()).collect()
        };
        let (olds, news) = (names(system), names(other));
        only(&mut found, &what, olds.iter(), news.iter());
        for state in &system.states {
            let mut others = other.states.iter();
            let same = others.find(|other| other.name == state.name);
            if let Some(renamed) = same.filter(|other| other.wire() != state.wire()) {
                found.push(format!(
                    "the id of `{}` of {} changed from `{}` to `{}`",
                    state.name,
                    system.name,
                    state.wire(),
                    renamed.wire()
                ));
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
                if name(values, default) != name(others, other) {
                    found.push(format!("the default of `{}` changed", fact.name));
                }
            }
            _ => found.push(format!(
                "`{}` is a flag in one program and a choice in the other",
                fact.name
            )),
        }
    }
    found
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

/// One side of a comparison.
#[derive(Clone, Copy)]
struct ComparedProgram<'a> {
    schema: &'a Schema,
    table: &'a Table,
}

/// An input that both sides have, with the values that both know.
struct ComparedInput {
    name: String,
    is_state: bool,
    /// The names of the values; the first of a state is "not known".
    values: Vec<String>,
    flag: bool,
    /// The initial value.
    usual: u32,
}

/// Both tables over their common inputs: variable 0 is the entered state, then the inputs.
struct Comparison<'a> {
    old: ComparedProgram<'a>,
    new: ComparedProgram<'a>,
    entered: Vec<String>,
    inputs: Vec<ComparedInput>,
    diagrams: DiagramStore,
}

impl<'a> Comparison<'a> {
    fn new(old: ComparedProgram<'a>, new: ComparedProgram<'a>) -> Self {
        let names = |side: ComparedProgram<'_>| {
            let columns = side
                .table
                .columns()
                .iter()
                .chain(side.table.origin_columns());
            columns
                .map(|column| side.schema.column_name(*column).to_owned())
                .collect::<BTreeSet<String>>()
        };
        let all: BTreeSet<String> = names(old).union(&names(new)).cloned().collect();
        let inputs: Vec<ComparedInput> = all
            .into_iter()
            .filter_map(|name| input(old.schema, new.schema, name))
            .collect();
        let states = |side: ComparedProgram<'_>| {
            let system = side.schema.system(side.table.direction().from());
            system
                .states
                .iter()
                .map(|state| state.name.clone())
                .collect::<Vec<_>>()
        };
        let others = states(new);
        let entered: Vec<String> = states(old)
            .into_iter()
            .filter(|name| others.contains(name))
            .collect();
        let sizes = std::iter::once(entered.len())
            .chain(inputs.iter().map(|input| input.values.len()))
            .map(|size| size as u32)
            .collect();
        Self {
            old,
            new,
            entered,
            inputs,
            diagrams: DiagramStore::new(sizes, NODE_LIMIT),
        }
    }

    /// `None` if the diagrams overflow.
    fn changes(mut self, role: &str) -> Option<Vec<DecisionChange>> {
        // No common states: `one_sided` already reports the different states of the systems.
        if self.entered.is_empty() {
            return Some(Vec::new());
        }
        let (old, new) = (self.function(self.old), self.function(self.new));
        let (old_table, new_table) = (self.old.table, self.new.table);
        let mut pairs: Vec<(u32, u32)> = Vec::new();
        let mut numbers: HashMap<(u32, u32), u32> = HashMap::new();
        let texts = |side: ComparedProgram<'_>| -> Vec<String> {
            side.table
                .decisions()
                .iter()
                .map(|decision| outcome(side, decision))
                .collect()
        };
        let (old_texts, new_texts) = (texts(self.old), texts(self.new));
        let different = self.diagrams.product(old, new, &mut |old, new| {
            if old_texts[old as usize] == new_texts[new as usize] {
                return 0;
            }
            *numbers.entry((old, new)).or_insert_with(|| {
                pairs.push((old, new));
                pairs.len() as u32
            })
        });
        if self.diagrams.overflowed() {
            return None;
        }
        let mut groups: BTreeMap<(String, String), Vec<u32>> = BTreeMap::new();
        for (at, (old, new)) in pairs.iter().enumerate() {
            let outcomes = (
                old_texts[*old as usize].clone(),
                new_texts[*new as usize].clone(),
            );
            groups.entry(outcomes).or_default().push(at as u32 + 1);
        }
        let usual: Vec<u32> = std::iter::once(0)
            .chain(self.inputs.iter().map(|input| input.usual))
            .collect();
        let total = self.diagrams.count(Diagram::ONE, &|_| true);
        let mut changes = Vec::new();
        for ((old, new), leaves) in groups {
            let region = self
                .diagrams
                .map(different, &mut |leaf| u32::from(leaves.contains(&leaf)));
            let rules = |side: &Table, of: &dyn Fn(&(u32, u32)) -> u32| {
                let decisions = leaves
                    .iter()
                    .map(|leaf| &side.decisions()[of(&pairs[*leaf as usize - 1]) as usize]);
                let rules: BTreeSet<String> = decisions.filter_map(rule).collect();
                rules.into_iter().collect()
            };
            let (old_rules, new_rules) = (
                rules(old_table, &|pair| pair.0),
                rules(new_table, &|pair| pair.1),
            );
            let witness = self.diagrams.witness(region, &usual, &|leaf| leaf == 1)?;
            let cube: Vec<(u32, Vec<u32>)> = witness
                .iter()
                .enumerate()
                .filter_map(|(at, value)| Some((at as u32, vec![(*value)?])))
                .collect();
            let rows = self.diagrams.cover(region, &usual, MAX_ROWS);
            changes.push(DecisionChange {
                role: role.to_owned(),
                from: self
                    .old
                    .schema
                    .system(old_table.direction().from())
                    .name
                    .clone(),
                to: self
                    .old
                    .schema
                    .system(old_table.direction().to())
                    .name
                    .clone(),
                count: self.diagrams.count(region, &|leaf| leaf == 1),
                total,
                rows: rows.map(|rows| rows.iter().map(|cube| self.text(&cube.0)).collect()),
                witness: self.text(&cube),
                old,
                new,
                old_rules,
                new_rules,
            });
        }
        Some(changes)
    }

    /// A side's decisions over the common inputs.
    fn function(&mut self, side: ComparedProgram<'_>) -> Diagram {
        match side.table.body() {
            TableBody::Rows(rows) => {
                let mut parts = Vec::with_capacity(rows.len());
                for RowPart {
                    decision,
                    when,
                    from,
                } in row_parts(side.table, rows)
                {
                    if let Some(cube) = self.cube(side, &when, &from) {
                        let holds = self.diagrams.product_of(&cube);
                        parts.push(self.diagrams.and_then(holds, Diagram::leaf(decision + 1)));
                    }
                }
                let all = self.diagrams.union(parts);
                self.diagrams.map(all, &mut |leaf| leaf.saturating_sub(1))
            }
            TableBody::Diagrams(diagrams) => {
                let mut parts = Vec::with_capacity(diagrams.len());
                for diagram in diagrams.iter() {
                    parts.push(self.walk(side, diagram));
                }
                let all = self.diagrams.union(parts);
                self.diagrams.map(all, &mut |leaf| leaf.saturating_sub(1))
            }
        }
    }

    /// A row's cells as common variables and values; `None` if no common situation matches.
    fn cube(
        &self,
        side: ComparedProgram<'_>,
        when: &Cells,
        from: &[StateId],
    ) -> Option<Vec<(u32, Vec<u32>)>> {
        let entered = from.iter().filter_map(|state| {
            self.entered
                .iter()
                .position(|name| *name == side.schema.state(*state).name)
        });
        let mut cube = vec![(0, entered.map(|at| at as u32).collect::<Vec<u32>>())];
        let columns = side
            .table
            .columns()
            .iter()
            .chain(side.table.origin_columns());
        for (column, cell) in columns.zip(when) {
            let Some(values) = cell else { continue };
            match self.variable(side, *column) {
                Some(at) => {
                    let known = values
                        .iter()
                        .filter_map(|value| self.value(side, *column, at, *value))
                        .collect();
                    cube.push((at as u32 + 1, known));
                }
                // Only this side has it: it keeps its initial value.
                None if !values.contains(&initial(side, *column)) => return None,
                None => {}
            }
        }
        cube.iter()
            .all(|(_, values)| !values.is_empty())
            .then_some(cube)
    }

    fn walk(&mut self, side: ComparedProgram<'_>, diagram: &FlatDiagram) -> Diagram {
        let mut made: Vec<Diagram> = vec![Diagram::ZERO; diagram.nodes.len()];
        let get = |made: &[Diagram], next: Next| match next {
            Next::Node(at) => made[at as usize],
            Next::Decision(decision) => Diagram::leaf(decision + 1),
            Next::Pass => Diagram::ZERO,
        };
        for (at, node) in diagram.nodes.iter().enumerate().rev() {
            let mut parts = Vec::with_capacity(node.next.len());
            for (value, next) in node.next.iter().enumerate() {
                let child = get(&made, *next);
                let place = match node.ask {
                    None => {
                        let name =
                            &side.schema.system(side.table.direction().from()).states[value].name;
                        self.entered
                            .iter()
                            .position(|known| *known == *name)
                            .map(|value| (0, value as u32))
                    }
                    Some(column) => match self.variable(side, column) {
                        Some(input) => self
                            .value(side, column, input, value as u32)
                            .map(|value| (input as u32 + 1, value)),
                        None if value as u32 == initial(side, column) => {
                            parts.push(child);
                            None
                        }
                        None => None,
                    },
                };
                if let Some((variable, value)) = place {
                    let test = self.diagrams.literal(variable, [value]);
                    parts.push(self.diagrams.and_then(test, child));
                }
            }
            made[at] = self.diagrams.union(parts);
        }
        get(&made, diagram.root)
    }

    /// The place of a column among the common inputs.
    fn variable(&self, side: ComparedProgram<'_>, column: Column) -> Option<usize> {
        let name = side.schema.column_name(column);
        self.inputs.iter().position(|input| input.name == *name)
    }

    /// A side's value as the common value.
    fn value(
        &self,
        side: ComparedProgram<'_>,
        column: Column,
        input: usize,
        value: u32,
    ) -> Option<u32> {
        let name = value_name(side.schema, column, value);
        self.inputs[input]
            .values
            .iter()
            .position(|known| *known == name)
            .map(|at| at as u32)
    }

    /// `when in_queue: cic A | B`
    fn text(&self, cube: &[(u32, Vec<u32>)]) -> String {
        let from = &self
            .old
            .schema
            .system(self.old.table.direction().from())
            .name;
        let mut states = "any".to_owned();
        let mut conditions = Vec::new();
        for (variable, values) in cube {
            let Some(input) = (*variable as usize)
                .checked_sub(1)
                .map(|at| &self.inputs[at])
            else {
                let names: Vec<String> = values
                    .iter()
                    .map(|value| quote(&self.entered[*value as usize]))
                    .collect();
                states = names.join(" | ");
                continue;
            };
            let name = quote(&input.name);
            conditions.push(match (input.is_state, input.flag) {
                (true, _) => {
                    let states: Vec<&str> = input.values[1..].iter().map(String::as_str).collect();
                    state_literal(&name, &states, values)
                }
                (false, true) => {
                    if values == &[1] {
                        name
                    } else {
                        format!("not {name}")
                    }
                }
                (false, false) => choice_literal(&name, &input.values, values),
            });
        }
        let when = if conditions.is_empty() {
            String::new()
        } else {
            format!("when {}: ", conditions.join(" and "))
        };
        format!("{when}{} {states}", quote(from))
    }
}

/// A part of a row: its decision, cells and entered states.
struct RowPart {
    decision: u32,
    when: Cells,
    from: Box<[StateId]>,
}

/// The parts of a table's rows; the first matching part of a row decides.
fn row_parts(table: &Table, rows: &[Row]) -> Vec<RowPart> {
    let width = table.columns().len() + table.origin_columns().len();
    let number = |decision: &Decision| {
        let at = table.decisions().iter().position(|known| known == decision);
        at.unwrap_or_default() as u32
    };
    let mut found = Vec::new();
    for row in rows {
        let mut when = row.when.clone();
        when.resize(width, None);
        if row.origins.is_empty() {
            let decision = number(&Decision {
                outcome: row.outcome.clone(),
                origin: None,
            });
            found.push(RowPart {
                decision,
                when,
                from: row.from.clone(),
            });
            continue;
        }
        for part in &row.origins {
            let origin = Some(part.origin.clone());
            let decision = number(&Decision {
                outcome: row.outcome.clone(),
                origin,
            });
            let cells = part.when.iter().zip(&when);
            let when = cells
                .map(|(own, row)| own.clone().or_else(|| row.clone()))
                .collect();
            let from = part.from.clone().unwrap_or_else(|| row.from.clone());
            found.push(RowPart {
                decision,
                when,
                from,
            });
        }
    }
    found
}

/// An input by name, if both sides have it as the same kind.
fn input(old: &Schema, new: &Schema, name: String) -> Option<ComparedInput> {
    if let (Some(a), Some(b)) = (old.find_fact(&name), new.find_fact(&name)) {
        return match (&old.fact(a).kind, &new.fact(b).kind) {
            (FactKind::Flag, FactKind::Flag) => {
                let values = vec!["false".to_owned(), "true".to_owned()];
                Some(ComparedInput {
                    name,
                    is_state: false,
                    values,
                    flag: true,
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
                    is_state: false,
                    values: common,
                    flag: false,
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
        is_state: true,
        values,
        flag: false,
        usual: 0,
    })
}

/// The name of "not known" among a state's values; no state can have it.
const UNKNOWN: &str = "\u{0}";

fn value_name(schema: &Schema, column: Column, value: u32) -> String {
    use presync_engine::Input;
    match schema.inputs(column, &[value]).next() {
        Some(Input::Flag(flag)) => flag.to_string(),
        Some(Input::Name(name)) => name.to_owned(),
        Some(Input::Unknown) | None => UNKNOWN.to_owned(),
    }
}

/// The assumed value of an input that only one side has.
fn initial(side: ComparedProgram<'_>, column: Column) -> u32 {
    match column {
        Column::Fact(fact) => side.schema.initial(fact).map_or(0, |value| value.value()),
        Column::State(_) => 0,
    }
}

fn outcome(side: ComparedProgram<'_>, decision: &Decision) -> String {
    match &decision.outcome {
        Outcome::Unmapped => "unmapped".to_owned(),
        Outcome::Unchanged => "unchanged".to_owned(),
        Outcome::Set { state, append } => {
            let name = quote(&side.schema.state(*state).name);
            let texts: Vec<String> = append.iter().map(|text| quote_text(text)).collect();
            if texts.is_empty() {
                name
            } else {
                format!("{name} append {}", texts.join(", "))
            }
        }
    }
}

fn rule(decision: &Decision) -> Option<String> {
    let origin = decision.origin.as_ref()?;
    Some(format!("{} ({})", quote_text(&origin.profile), origin.rule))
}
