//! Converts the published shape to tables, with the schema that it declares.

use std::sync::{Arc, Mutex, PoisonError};

use crate::flat_diagram::{FlatDiagram, FlatNode, Next};
use crate::ids::{Direction, StateId, SystemId};
use crate::json::document::{
    Cell, DiagramDocument, Document, FactDocument, OutcomeDocument, OutcomeKind, RowDocument,
    StateDocument, SystemDocument, TableDocument, When,
};
use crate::json::{DiagramFault, TableFault, TablesError};
use crate::lookup::Cells;
use crate::lookup::CoverError;
use crate::names::{NameKind, UnknownName};
use crate::schema::{Column, Fact, FactKind, Role, Schema, State, System};
use crate::table::{Decision, Origin, OriginPart, Outcome, Row, Table};
use crate::tables::{Tables, TooComplex};

pub(super) fn tables(document: Document) -> Result<Tables, TablesError> {
    let facts = document
        .facts
        .into_iter()
        .map(fact)
        .collect::<Result<Vec<_>, _>>()?;
    let system = |document| system(document, &facts);
    let systems = document
        .systems
        .into_iter()
        .map(system)
        .collect::<Result<Vec<_>, _>>()?;
    let role = |role: &crate::json::document::RoleDocument| Role {
        name: role.name.clone(),
        implicit: role.implicit,
    };
    let roles = document.roles.iter().map(role).collect();
    let schema = Arc::new(Schema::new(systems, facts, roles)?);
    let reader = TableReader { schema: &schema };
    let mut all = Vec::with_capacity(document.roles.len());
    for role in document.roles {
        let tables = role
            .tables
            .into_iter()
            .map(|table| reader.table(table, &role.name));
        let tables: Vec<Table> = tables.collect::<Result<_, _>>()?;
        if !tables.iter().map(Table::direction).eq(schema.directions()) {
            return Err(TablesError::Directions { role: role.name });
        }
        all.push(Some(tables));
    }
    // Everything is already read; a role is only handed over on first use.
    let all = Mutex::new(all);
    let names = schema.clone();
    Ok(Tables::new(schema, move |role| {
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        let tables = all.get_mut(role.index()).and_then(Option::take);
        tables.ok_or_else(|| TooComplex {
            role: names.role(role).name.clone(),
        })
    }))
}

struct TableReader<'s> {
    schema: &'s Arc<Schema>,
}

impl TableReader<'_> {
    fn table(&self, document: TableDocument, role: &str) -> Result<Table, TablesError> {
        let (from, to) = (self.system(&document.from)?, self.system(&document.to)?);
        let wrong = |fault| {
            let place = format!("role `{role}`, {} → {}", document.from, document.to);
            TablesError::Table { place, fault }
        };
        let same = || TablesError::Directions {
            role: role.to_owned(),
        };
        let direction = Direction::new(from, to).ok_or_else(same)?;
        let columns = self.columns(&document.columns)?;
        let origin_columns = self.columns(&document.origin_columns)?;
        match (document.rows, document.diagrams) {
            (Some(rows), None) => {
                let all: Vec<Column> = columns.iter().chain(&origin_columns).copied().collect();
                let rows = rows
                    .into_iter()
                    .map(|row| self.row(row, direction, &columns, &all));
                let rows = rows.collect::<Result<Vec<_>, _>>()?;
                let table =
                    Table::from_rows(self.schema, direction, (columns, origin_columns), rows);
                table.map_err(|error| match error {
                    CoverError::Overlap => wrong(TableFault::Overlap),
                    CoverError::Gap => wrong(TableFault::Gap),
                })
            }
            (None, Some(diagrams)) => {
                let decisions = document.decisions.iter().map(|decision| {
                    let outcome = self.outcome(to, &decision.outcome)?;
                    let origin = decision.profile.clone().zip(decision.rule.clone());
                    let origin = origin.map(|(profile, rule)| Origin { profile, rule });
                    Ok(Decision { outcome, origin })
                });
                let decisions = decisions.collect::<Result<Vec<_>, TablesError>>()?;
                let count = diagrams.len();
                let diagrams = diagrams.into_iter().enumerate().map(|(at, diagram)| {
                    self.diagram(diagram, from, decisions.len(), at + 1 < count)
                });
                let diagrams = diagrams.collect::<Result<Vec<_>, _>>()?;
                if diagrams.is_empty() {
                    return Err(wrong(TableFault::NoDiagram));
                }
                let columns = (columns, origin_columns);
                Ok(Table::from_diagrams(
                    self.schema,
                    direction,
                    columns,
                    diagrams,
                    decisions,
                ))
            }
            _ => Err(wrong(TableFault::Body)),
        }
    }

    fn row(
        &self,
        row: RowDocument,
        direction: Direction,
        columns: &[Column],
        all: &[Column],
    ) -> Result<Row, TablesError> {
        let from = direction.from();
        let origins = row.origin.into_iter().map(|part| {
            Ok(OriginPart {
                when: self.cells(&part.when, all)?,
                from: part
                    .from
                    .map(|states| self.states(from, &states))
                    .transpose()?,
                origin: Origin {
                    profile: part.profile,
                    rule: part.rule,
                },
            })
        });
        Ok(Row {
            when: self.cells(&row.when, columns)?,
            from: self.states(from, &row.from)?,
            outcome: self.outcome(direction.to(), &row.outcome)?,
            origins: origins.collect::<Result<_, TablesError>>()?,
        })
    }

    fn cells(&self, when: &When, columns: &[Column]) -> Result<Cells, TablesError> {
        let mut cells = vec![None; columns.len()];
        for (name, values) in when {
            let column = self.column(name)?;
            let at = columns.iter().position(|known| *known == column);
            let foreign = || TablesError::ForeignColumn {
                column: name.clone(),
            };
            let at = at.ok_or_else(foreign)?;
            let values = values.iter().map(|value| self.value(column, value));
            let mut values = values.collect::<Result<Vec<_>, _>>()?;
            values.sort_unstable();
            values.dedup();
            cells[at] = Some(values.into());
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

    fn columns(&self, names: &[String]) -> Result<Vec<Column>, TablesError> {
        names.iter().map(|name| self.column(name)).collect()
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
        let state = self.schema.find_state(system, name)?;
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

    fn outcome(&self, to: SystemId, outcome: &OutcomeDocument) -> Result<Outcome, TablesError> {
        Ok(match (outcome.outcome, &outcome.state) {
            (OutcomeKind::Unmapped, None) => Outcome::Unmapped,
            (OutcomeKind::Unchanged, None) => Outcome::Unchanged,
            (OutcomeKind::Set, Some(name)) => {
                let states = self.states(to, std::slice::from_ref(name))?;
                let [state] = *states else {
                    return Err(TablesError::Outcome);
                };
                Outcome::Set {
                    state,
                    append: outcome.append.clone().into(),
                }
            }
            _ => return Err(TablesError::Outcome),
        })
    }

    fn diagram(
        &self,
        document: DiagramDocument,
        from: SystemId,
        decisions: usize,
        may_pass: bool,
    ) -> Result<FlatDiagram, TablesError> {
        let count = document.nodes.len() as i64;
        let next = |after: i64, number: Option<i64>| match number {
            None if may_pass => Ok(Next::Pass),
            Some(number) if number < 0 && number.unsigned_abs() <= decisions as u64 => {
                Ok(Next::Decision((-number - 1) as u32))
            }
            Some(number) if number > after && number < count => Ok(Next::Node(number as u32)),
            Some(number) => Err(DiagramFault::Next(number)),
            None => Err(DiagramFault::Pass),
        };
        let mut nodes = Vec::with_capacity(document.nodes.len());
        for (at, node) in document.nodes.iter().enumerate() {
            let ask = node
                .ask
                .as_deref()
                .map(|name| self.column(name))
                .transpose()?;
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
        Ok(FlatDiagram {
            root: next(-1, document.root)?,
            nodes,
        })
    }
}

fn system(document: SystemDocument, facts: &[Fact]) -> Result<System, TablesError> {
    let online = document.online.map(|name| {
        let at = facts
            .iter()
            .position(|fact| fact.name == name && fact.is_flag());
        let known = facts.iter().map(|fact| fact.name.as_str());
        at.map(crate::ids::FactId::from_index)
            .ok_or_else(|| UnknownName::new(NameKind::Fact, &name, known))
    });
    let known = document.attributes;
    let state = |state: StateDocument| {
        let attributes = state.attributes.iter().map(|name| {
            let at = known.iter().position(|known| known == name);
            at.map(|at| at as u32)
                .ok_or_else(|| TablesError::UnknownValue {
                    column: document.name.clone(),
                    value: format!("{name:?}"),
                })
        });
        let mut attributes = attributes.collect::<Result<Vec<_>, _>>()?;
        attributes.sort_unstable();
        Ok::<_, TablesError>(State {
            id: (state.id != state.name).then_some(state.id),
            attributes,
            name: state.name,
            read_only: state.read_only,
        })
    };
    let states = document
        .states
        .into_iter()
        .map(state)
        .collect::<Result<_, _>>()?;
    Ok(System {
        online: online.transpose()?,
        title: document.title,
        states,
        text: document.text,
        name: document.name.clone(),
        attributes: known,
    })
}

fn fact(document: FactDocument) -> Result<Fact, TablesError> {
    match document {
        FactDocument::Flag { name } => Ok(Fact {
            name,
            kind: FactKind::Flag,
        }),
        FactDocument::Choice {
            name,
            values,
            default,
        } => {
            let place = |default: String| {
                let at = values.iter().position(|value| *value == default);
                let known = values.iter().map(String::as_str);
                let unknown = || UnknownName::new(NameKind::Value(name.clone()), &default, known);
                at.map(|at| at as u32).ok_or_else(unknown)
            };
            let default = default.map(place).transpose()?;
            Ok(Fact {
                name,
                kind: FactKind::Choice { values, default },
            })
        }
    }
}
