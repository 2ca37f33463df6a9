//! Converts the published shape to tables, with the schema that it declares.

mod declarations;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::flat_diagram::{FlatDiagram, FlatNode, Next};
use crate::ids::{Direction, RoleId, StateId, SystemId};
use crate::json::document::{
    AppendixDocument, ByHand, Cell, ConditionDocument, DiagramDocument, DirectionDocument,
    Document, InputDocument, OutcomeKind, TableDocument, When,
};
use crate::json::read::declarations::schema;
use crate::json::{DiagramFault, TableFault, TablesError};
use crate::names::{NameKind, UnknownName};
use crate::partition::{Overlap, RowCube, partition};
use crate::schema::{Column, Schema};
use crate::table::{
    Appendices, Appendix, Cells, Decision, Link, Origin, Outcome, Table, TableParts,
};
use crate::tables::{TableSource, Tables, TooComplex};

/// The tables of a document. The rows are read when a role is first used.
pub(super) fn tables(document: Arc<Document>) -> Result<Tables, TablesError> {
    let schema = schema(&document)?;
    let directions: Vec<Direction> = schema.directions().collect();
    for role in &document.roles {
        let wrong = || TablesError::Directions {
            role: role.name.clone(),
        };
        if role.directions.len() != directions.len() {
            return Err(wrong());
        }
        for (number, direction) in role.directions.iter().zip(&directions) {
            let of = document.directions.get(*number).ok_or_else(wrong)?;
            let name = |system| &schema.system(system).name;
            let names = (name(direction.from()), name(direction.to()));
            let here = |number: &usize| {
                let table = document.tables.get(*number);
                table.is_some_and(|table| (&table.from, &table.to) == names)
            };
            if (&of.from, &of.to) != names || !of.tables.iter().all(here) {
                return Err(wrong());
            }
        }
    }
    let order = order(&schema, &document)?;
    let read = document.tables.iter().map(|_| OnceLock::new()).collect();
    let source = ReadSource {
        schema: schema.clone(),
        order,
        document,
        read,
        known: Mutex::default(),
    };
    Ok(Tables::new(schema, source))
}

/// Reads all tables, to find the faults of a document from elsewhere.
pub(super) fn validate(document: &Document) -> Result<(), TablesError> {
    let schema = schema(document)?;
    let order = order(&schema, document)?;
    let reader = TableReader {
        schema: &schema,
        order: &order,
    };
    for direction in &document.directions {
        reader.columns(direction)?;
    }
    for table in &document.tables {
        reader.table(table)?;
    }
    Ok(())
}

/// A document that becomes tables.
struct ReadSource {
    schema: Arc<Schema>,
    order: Vec<Column>,
    document: Arc<Document>,
    /// By number of the table: roles share what they have in common.
    read: Vec<OnceLock<Option<ReadTable>>>,
    /// By numbers of the directions: roles with the same ones share their tables.
    known: Mutex<HashMap<Vec<usize>, Arc<[Table]>>>,
}

/// A table of a document.
#[derive(Clone)]
struct ReadTable {
    /// The inputs that it tests, in order.
    inputs: Vec<Column>,
    diagram: Arc<FlatDiagram>,
    decisions: Vec<Decision>,
    appendices: Appendices,
}

impl TableSource for ReadSource {
    fn role(&self, role: RoleId) -> Result<Arc<[Table]>, TooComplex> {
        // The document was written by this program, or has been validated.
        let broken = || TooComplex {
            role: self.schema.role(role).name.clone(),
        };
        let of = self.document.roles.get(role.index()).ok_or_else(broken)?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tables) = known.get(&of.directions) {
            return Ok(tables.clone());
        }
        let tables = of.directions.iter().map(|number| {
            let direction = self.document.directions.get(*number)?;
            self.table(direction)
        });
        let tables: Option<Arc<[Table]>> = tables.collect();
        let tables = tables.ok_or_else(broken)?;
        known.insert(of.directions.clone(), tables.clone());
        Ok(tables)
    }

    fn document(&self, tables: &Tables) -> Result<Document, TooComplex> {
        let mut document = (*self.document).clone();
        document.digest = tables.digest()?.to_owned();
        document.content = document.checksum();
        Ok(document)
    }
}

impl ReadSource {
    fn table(&self, document: &DirectionDocument) -> Option<Table> {
        let reader = TableReader {
            schema: &self.schema,
            order: &self.order,
        };
        let direction = reader.direction(&document.from, &document.to).ok()?;
        let mut parts = TableParts {
            columns: reader.columns(document).ok()?,
            brings_back: !document.own.is_empty(),
            ..TableParts::unmapped(direction)
        };
        let mut order = BTreeSet::new();
        for number in &document.tables {
            let read = self.read.get(*number)?.get_or_init(|| {
                let table = self.document.tables.get(*number)?;
                reader.table(table).ok()
            });
            let read = read.as_ref()?;
            order.extend(read.inputs.iter().copied());
            parts.links.push(Link {
                diagram: read.diagram.clone(),
                first: parts.decisions.len() as u32,
            });
            let group = (!read.appendices.is_empty()).then(|| {
                parts.appendices.push(read.appendices.clone());
                parts.appendices.len() as u32 - 1
            });
            for decision in &read.decisions {
                let sets = decision.outcome.commands();
                parts.appends.push(group.filter(|_| sets));
                parts.decisions.push(decision.clone());
            }
        }
        parts.order = reader.in_order(order);
        Some(Table::new(&self.schema, parts))
    }
}

struct TableReader<'s> {
    schema: &'s Arc<Schema>,
    /// All inputs, in the order in which diagrams test them.
    order: &'s [Column],
}

/// The inputs in the order in which diagrams test them.
fn order(schema: &Arc<Schema>, document: &Document) -> Result<Vec<Column>, TablesError> {
    let reader = TableReader { schema, order: &[] };
    let named = document.order.iter().map(|input| reader.input(input));
    let mut order = named.collect::<Result<Vec<_>, _>>()?;
    let facts = schema.facts().map(|(fact, _)| Column::Fact(fact));
    let all = facts
        .chain(schema.system_ids().map(Column::State))
        .chain(schema.system_ids().map(Column::ByHand));
    let known: BTreeSet<Column> = order.iter().copied().collect();
    order.extend(all.filter(|column| !known.contains(column)));
    Ok(order)
}

impl TableReader<'_> {
    fn in_order(&self, inputs: BTreeSet<Column>) -> Vec<Column> {
        let order = self.order.iter();
        order
            .copied()
            .filter(|column| inputs.contains(column))
            .collect()
    }

    fn direction(&self, from: &str, to: &str) -> Result<Direction, TablesError> {
        let same = || TablesError::SameSystem(from.to_owned());
        Direction::new(self.system(from)?, self.system(to)?).ok_or_else(same)
    }

    fn columns(&self, document: &DirectionDocument) -> Result<Vec<Column>, TablesError> {
        let by_hand = document.by_hand.iter();
        let by_hand = by_hand.map(|name| self.system(name).map(Column::ByHand));
        let columns = document.columns.iter().map(|name| self.column(name));
        let columns = columns.chain(by_hand);
        let mut columns = columns.collect::<Result<Vec<_>, _>>()?;
        columns.sort_unstable();
        columns.dedup();
        Ok(columns)
    }

    fn table(&self, document: &TableDocument) -> Result<ReadTable, TablesError> {
        let direction = self.direction(&document.from, &document.to)?;
        let wrong = |fault| TablesError::Table {
            profile: document.profile.clone().unwrap_or_default(),
            from: document.from.clone(),
            to: document.to.clone(),
            fault,
        };
        let as_rows = document.diagram.is_none() && document.decisions.is_empty();
        let as_diagram = document.diagram.is_some() && document.blocks.is_empty();
        if !as_rows && !as_diagram {
            return Err(wrong(TableFault::Body));
        }
        let mut inputs = BTreeSet::new();
        self.inputs(&document.when, &ByHand::new(), &mut inputs)?;
        for block in &document.blocks {
            self.inputs(&block.when, &block.by_hand, &mut inputs)?;
        }
        for condition in document
            .append
            .iter()
            .flat_map(|text| text.rows.iter().flatten())
        {
            self.inputs(&condition.when, &condition.by_hand, &mut inputs)?;
        }
        let of_append = document
            .append
            .iter()
            .filter_map(|text| text.diagram.as_ref());
        for diagram in document.diagram.iter().chain(of_append) {
            for input in diagram.nodes.iter().filter_map(|node| node.ask.as_ref()) {
                inputs.insert(self.input(input)?);
            }
        }
        let inputs = self.in_order(inputs);
        let decision = |outcome, state: Option<&String>, rule: Option<&String>| {
            let outcome = self.outcome(direction.to(), outcome, state)?;
            let profile = document.profile.clone();
            let origin = profile.zip(rule.cloned());
            let origin = origin.map(|(profile, rule)| Origin { profile, rule });
            Ok::<_, TablesError>(Decision { outcome, origin })
        };
        let mut decisions = Vec::new();
        let diagram = match &document.diagram {
            Some(diagram) => {
                for document in &document.decisions {
                    let (state, rule) = (document.state.as_ref(), document.rule.as_ref());
                    decisions.push(decision(document.outcome, state, rule)?);
                }
                self.diagram(diagram, direction.from(), decisions.len(), &inputs)?
            }
            None => {
                let always = self.cells(&document.when, &ByHand::new(), &inputs)?;
                let mut cubes = Vec::new();
                for block in &document.blocks {
                    let mut when = self.cells(&block.when, &block.by_hand, &inputs)?;
                    for (cell, always) in when.iter_mut().zip(&always) {
                        narrow(cell, always.as_deref());
                    }
                    for row in &block.rows {
                        let made = decision(row.outcome, row.state.as_ref(), row.rule.as_ref())?;
                        decisions.push(made);
                        cubes.push(RowCube {
                            when: when.clone(),
                            from: self.entered(direction, row.from.as_deref())?,
                            decision: decisions.len() as u32 - 1,
                        });
                    }
                }
                partition(self.schema, direction.from(), &inputs, &cubes, true)
                    .map_err(|Overlap| wrong(TableFault::Overlap))?
            }
        };
        let appendices = document.append.iter();
        let appendices = appendices.map(|text| self.appendix(text, direction, &inputs));
        Ok(ReadTable {
            diagram: Arc::new(diagram),
            decisions,
            appendices: appendices.collect::<Result<_, _>>()?,
            inputs,
        })
    }

    fn appendix(
        &self,
        document: &AppendixDocument,
        direction: Direction,
        inputs: &[Column],
    ) -> Result<Appendix, TablesError> {
        let holds = match (&document.diagram, &document.rows) {
            (Some(diagram), _) => self.diagram(diagram, direction.from(), 1, inputs)?,
            (None, None) => FlatDiagram {
                root: Next::Decision(0),
                nodes: Vec::new(),
            },
            (None, Some(rows)) => {
                let cubes = rows.iter().map(|row| self.cube(row, direction, inputs));
                let cubes = cubes.collect::<Result<Vec<_>, _>>()?;
                let joined = partition(self.schema, direction.from(), inputs, &cubes, false);
                joined.unwrap_or_else(|Overlap| unreachable!("all rows have the same decision"))
            }
        };
        let text = document.text.clone();
        Ok(Appendix { text, holds })
    }

    fn cube(
        &self,
        row: &ConditionDocument,
        direction: Direction,
        inputs: &[Column],
    ) -> Result<RowCube, TablesError> {
        Ok(RowCube {
            when: self.cells(&row.when, &row.by_hand, inputs)?,
            from: self.entered(direction, row.from.as_deref())?,
            decision: 0,
        })
    }

    fn entered(
        &self,
        direction: Direction,
        from: Option<&[String]>,
    ) -> Result<Option<Box<[u32]>>, TablesError> {
        let states = from.map(|names| self.states(direction.from(), names));
        let states = states.transpose()?;
        let numbers = |states: Box<[StateId]>| {
            let numbers = states.iter().map(|state| state.index() as u32);
            numbers.collect()
        };
        Ok(states.map(numbers))
    }

    fn inputs(
        &self,
        when: &When,
        by_hand: &ByHand,
        into: &mut BTreeSet<Column>,
    ) -> Result<(), TablesError> {
        for name in when.keys() {
            into.insert(self.column(name)?);
        }
        for name in by_hand.keys() {
            into.insert(Column::ByHand(self.system(name)?));
        }
        Ok(())
    }

    fn cells(
        &self,
        when: &When,
        by_hand: &ByHand,
        columns: &[Column],
    ) -> Result<Cells, TablesError> {
        let mut cells = vec![None; columns.len()];
        let mut set = |column: Column, mut values: Vec<u32>| {
            let at = columns.iter().position(|known| *known == column);
            let foreign = || TablesError::ForeignColumn {
                column: self.schema.column_name(column).to_owned(),
            };
            let at = at.ok_or_else(foreign)?;
            values.sort_unstable();
            values.dedup();
            cells[at] = Some(values.into());
            Ok::<_, TablesError>(())
        };
        for (name, values) in when {
            let column = self.column(name)?;
            let values = values.iter().map(|value| self.value(column, value));
            set(column, values.collect::<Result<_, _>>()?)?;
        }
        for (name, values) in by_hand {
            let values = values.iter().map(|value| u32::from(*value));
            set(Column::ByHand(self.system(name)?), values.collect())?;
        }
        Ok(cells)
    }

    /// The number of a value in its column.
    fn value(&self, column: Column, cell: &Cell) -> Result<u32, TablesError> {
        let found = match (column, cell) {
            (Column::Fact(fact), Cell::Flag(value)) if self.schema.fact(fact).is_flag() => {
                Some(u32::from(*value))
            }
            (Column::Fact(fact), Cell::Name(name)) => self
                .schema
                .find_value(fact, name)
                .map(|value| value.value()),
            (Column::State(_), Cell::Unknown(())) => Some(0),
            (Column::State(system), Cell::Name(name)) => {
                self.state_named(system, name).map(StateId::value)
            }
            _ => None,
        };
        found.ok_or_else(|| TablesError::UnknownValue {
            column: self.schema.column_name(column).to_owned(),
            value: serde_json::to_string(cell).unwrap_or_default(),
        })
    }

    fn input(&self, input: &InputDocument) -> Result<Column, TablesError> {
        match input {
            InputDocument::Name(name) => self.column(name),
            InputDocument::ByHand { by_hand } => Ok(Column::ByHand(self.system(by_hand)?)),
        }
    }

    fn column(&self, name: &str) -> Result<Column, TablesError> {
        let fact = self.schema.find_fact(name).map(Column::Fact);
        let column = fact.or_else(|| self.schema.find_system(name).map(Column::State));
        column.ok_or_else(|| TablesError::UnknownColumn(name.to_owned()))
    }

    fn system(&self, name: &str) -> Result<SystemId, TablesError> {
        Ok(self.schema.system_named(name)?)
    }

    /// Finds a state by its name only, not by its id.
    fn state_named(&self, system: SystemId, name: &str) -> Option<StateId> {
        let state = self.schema.find_declared_state(system, name)?;
        (self.schema.state(state).name == name).then_some(state)
    }

    fn states(&self, system: SystemId, names: &[String]) -> Result<Box<[StateId]>, TablesError> {
        let states = names.iter().map(|name| {
            self.state_named(system, name).ok_or_else(|| {
                let of = self.schema.system(system);
                let known = of.states.iter().map(|state| state.name.as_str());
                UnknownName::new(NameKind::State(of.name.clone()), name, known)
            })
        });
        let mut states = states.collect::<Result<Vec<_>, _>>()?;
        states.sort_unstable();
        states.dedup();
        Ok(states.into())
    }

    fn outcome(
        &self,
        to: SystemId,
        outcome: OutcomeKind,
        state: Option<&String>,
    ) -> Result<Outcome, TablesError> {
        Ok(match (outcome, state) {
            (OutcomeKind::Unchanged, None) => Outcome::Unchanged,
            (OutcomeKind::Previous, None) => Outcome::Previous,
            (OutcomeKind::Set, Some(name)) => {
                let states = self.states(to, std::slice::from_ref(name))?;
                let [state] = *states else {
                    return Err(TablesError::Outcome);
                };
                Outcome::Set(state)
            }
            _ => return Err(TablesError::Outcome),
        })
    }

    /// `inputs`: in the order in which nodes must test them.
    fn diagram(
        &self,
        document: &DiagramDocument,
        from: SystemId,
        decisions: usize,
        inputs: &[Column],
    ) -> Result<FlatDiagram, TablesError> {
        let count = document.nodes.len() as i64;
        let next = |after: i64, number: Option<i64>| match number {
            None => Ok(Next::Pass),
            Some(number) if number < 0 && number.unsigned_abs() <= decisions as u64 => {
                Ok(Next::Decision((-number - 1) as u32))
            }
            Some(number) if number > after && number < count => Ok(Next::Node(number as u32)),
            Some(number) => Err(DiagramFault::Next(number)),
        };
        let mut nodes = Vec::with_capacity(document.nodes.len());
        for (at, node) in document.nodes.iter().enumerate() {
            let ask = node.ask.as_ref();
            let ask = ask.map(|input| self.input(input)).transpose()?;
            let entered = || self.schema.system(from).states.len();
            let values =
                ask.map_or_else(entered, |column| self.schema.column_size(column) as usize);
            if node.next.len() != values || values == 0 {
                return Err(DiagramFault::Size {
                    next: node.next.len(),
                    values,
                }
                .into());
            }
            let next = node.next.iter().map(|number| next(at as i64, *number));
            nodes.push(FlatNode {
                ask,
                next: next.collect::<Result<_, _>>()?,
            });
        }
        // The state entered comes first.
        let place = |node: &FlatNode| inputs.iter().position(|input| Some(*input) == node.ask);
        for node in &nodes {
            let follows = |next: &Next| match next {
                Next::Node(at) => place(&nodes[*at as usize]) > place(node),
                Next::Decision(_) | Next::Pass => true,
            };
            if !node.next.iter().all(follows) {
                return Err(DiagramFault::Order.into());
            }
        }
        Ok(FlatDiagram {
            root: next(-1, document.root)?,
            nodes,
        })
    }
}

/// Keeps the values that another cell also has.
fn narrow(cell: &mut Option<Box<[u32]>>, other: Option<&[u32]>) {
    let Some(other) = other else { return };
    *cell = Some(match cell {
        None => other.into(),
        Some(values) => values
            .iter()
            .copied()
            .filter(|value| other.contains(value))
            .collect(),
    });
}
