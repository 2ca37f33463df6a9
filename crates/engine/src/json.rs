//! tables.json: the published form of the tables. In: tables, or a file's text. Out: the other one.
//! Errors: a file that is cut short, of another version, changed by hand, or not what the schema says.

pub mod document;

use serde::Deserialize;

use crate::json::document::{
    Cell, DecisionDocument, DiagramDocument, Document, FactDocument, NodeDocument, OriginDocument,
    OutcomeDocument, OutcomeKind, RoleDocument, RowDocument, StateDocument, SystemDocument,
    TableDocument, When,
};
use crate::lookup::{CoverError, Cube};
use crate::table::{
    self, Body, Cells, Column, Decision, Diagram, FactKind, Lookup, Next, Outcome, Row, Table,
    Tables,
};

pub const FORMAT: &str = "presync-tables";
pub const VERSION: u32 = 1;

/// Why a file is not a set of tables.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    #[error("line {line}, column {column}: {message}")]
    Syntax {
        line: usize,
        column: usize,
        message: String,
    },
    #[error("this is not a tables.json: it has no `\"format\": \"{FORMAT}\"`")]
    Format,
    #[error("the file has version {0}, this program reads version {VERSION}: export it again")]
    Version(u64),
    #[error("{0}")]
    Invalid(String),
    #[error(
        "the digest does not fit the tables: the file was changed after its export, export it again"
    )]
    Digest,
}

/// The JSON Schema of tables.json.
pub fn schema() -> String {
    let schema = schemars::schema_for!(Document);
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is always JSON");
    text.push('\n');
    text
}

impl Tables {
    /// The published form, with a newline at its end.
    pub fn to_json(&self) -> String {
        let mut text =
            serde_json::to_string_pretty(&self.to_document()).expect("tables are always JSON");
        text.push('\n');
        text
    }

    /// Reads what [`Tables::to_json`] has written.
    pub fn from_json(text: &str) -> Result<Self, TableError> {
        #[derive(Deserialize)]
        struct Header {
            format: Option<serde_json::Value>,
            version: Option<u64>,
        }
        let syntax = |error: serde_json::Error| {
            let (line, column) = (error.line(), error.column());
            let message = error.to_string();
            let message = message
                .split(" at line ")
                .next()
                .unwrap_or_default()
                .to_owned();
            TableError::Syntax {
                line,
                column,
                message,
            }
        };
        let header: Header = serde_json::from_str(text).map_err(syntax)?;
        if header.format.as_ref().and_then(|format| format.as_str()) != Some(FORMAT) {
            return Err(TableError::Format);
        }
        match header.version {
            Some(version) if version == u64::from(VERSION) => {}
            Some(version) => return Err(TableError::Version(version)),
            None => return Err(TableError::Invalid("the file has no version".to_owned())),
        }
        let document: Document = serde_json::from_str(text).map_err(syntax)?;
        let digest = document.digest.clone();
        let tables = Self::from_document(document)?;
        if tables.digest == digest {
            Ok(tables)
        } else {
            Err(TableError::Digest)
        }
    }

    /// Tables from their published shape, whatever digest it has.
    ///
    /// # Errors
    /// Names that are nowhere declared, rows that overlap or leave a situation open.
    pub fn from_document(document: Document) -> Result<Self, TableError> {
        Reader::tables(document)
    }

    fn to_document(&self) -> Document {
        Document {
            format: FORMAT.to_owned(),
            version: VERSION,
            digest: self.digest.clone(),
            systems: self.systems.iter().map(system_document).collect(),
            facts: self.facts.iter().map(fact_document).collect(),
            roles: self
                .roles
                .iter()
                .map(|role| RoleDocument {
                    name: role.name.clone(),
                    implicit: role.implicit,
                    tables: role
                        .tables
                        .iter()
                        .map(|table| self.table_document(table))
                        .collect(),
                })
                .collect(),
        }
    }

    fn table_document(&self, table: &Table) -> TableDocument {
        let names = |columns: &[Column]| {
            columns
                .iter()
                .map(|column| self.column_name(*column).to_owned())
                .collect()
        };
        let (rows, diagrams, decisions) = match &table.body {
            Body::Rows(rows) => (
                Some(
                    rows.iter()
                        .map(|row| self.row_document(table, row))
                        .collect(),
                ),
                None,
                Vec::new(),
            ),
            Body::Diagrams(diagrams) => {
                let diagrams = diagrams
                    .iter()
                    .map(|diagram| self.diagram_document(diagram))
                    .collect();
                let decisions = table
                    .decisions
                    .iter()
                    .map(|decision| self.decision_document(table.to, decision))
                    .collect();
                (None, Some(diagrams), decisions)
            }
        };
        TableDocument {
            from: self.systems[table.from].name.clone(),
            to: self.systems[table.to].name.clone(),
            hit_policy: "UNIQUE".to_owned(),
            columns: names(&table.columns),
            origin_columns: names(&table.origin_columns),
            rows,
            diagrams,
            decisions,
        }
    }

    fn row_document(&self, table: &Table, row: &Row) -> RowDocument {
        let all: Vec<Column> = table
            .columns
            .iter()
            .chain(&table.origin_columns)
            .copied()
            .collect();
        let states = |states: &[u32]| {
            states
                .iter()
                .map(|state| {
                    self.systems[table.from].states[*state as usize]
                        .name
                        .clone()
                })
                .collect()
        };
        RowDocument {
            when: self.when(&table.columns, &row.when),
            from: states(&row.from),
            outcome: self.outcome_document(table.to, &row.outcome),
            origin: row
                .origins
                .iter()
                .map(|origin| OriginDocument {
                    when: self.when(&all, &origin.when),
                    from: origin.from.as_deref().map(states),
                    profile: origin.profile.clone(),
                    rule: origin.rule.clone(),
                })
                .collect(),
        }
    }

    fn when(&self, columns: &[Column], cells: &Cells) -> When {
        let constrained = columns
            .iter()
            .zip(cells)
            .filter_map(|(column, cell)| Some((column, cell.as_ref()?)));
        constrained
            .map(|(column, values)| {
                let cells = values
                    .iter()
                    .map(|value| self.cell(*column, *value))
                    .collect();
                (self.column_name(*column).to_owned(), cells)
            })
            .collect()
    }

    /// A value of an input as the published form has it.
    pub fn cell(&self, column: Column, value: u32) -> Cell {
        match column {
            Column::Fact(fact) => match &self.facts[fact].kind {
                FactKind::Flag => Cell::Flag(value == 1),
                FactKind::Choice { values, .. } => Cell::Name(values[value as usize].clone()),
            },
            Column::State(system) => match value.checked_sub(1) {
                Some(state) => Cell::Name(self.systems[system].states[state as usize].name.clone()),
                None => Cell::Unknown(()),
            },
        }
    }

    fn outcome_document(&self, to: usize, outcome: &Outcome) -> OutcomeDocument {
        let empty = |outcome| OutcomeDocument {
            outcome,
            state: None,
            append: Vec::new(),
        };
        match outcome {
            Outcome::Unmapped => empty(OutcomeKind::Unmapped),
            Outcome::Unchanged => empty(OutcomeKind::Unchanged),
            Outcome::Set { state, append } => OutcomeDocument {
                outcome: OutcomeKind::Set,
                state: Some(self.systems[to].states[*state as usize].name.clone()),
                append: append.to_vec(),
            },
        }
    }

    fn diagram_document(&self, diagram: &Diagram) -> DiagramDocument {
        let number = |next: Next| match next {
            Next::Node(at) => Some(i64::from(at)),
            Next::Decision(at) => Some(-i64::from(at) - 1),
            Next::Pass => None,
        };
        let nodes = diagram.nodes.iter().map(|node| NodeDocument {
            ask: node.ask.map(|column| self.column_name(column).to_owned()),
            next: node.next.iter().map(|next| number(*next)).collect(),
        });
        DiagramDocument {
            root: number(diagram.root),
            nodes: nodes.collect(),
        }
    }

    fn decision_document(&self, to: usize, decision: &Decision) -> DecisionDocument {
        DecisionDocument {
            outcome: self.outcome_document(to, &decision.outcome),
            profile: decision.profile.clone(),
            rule: decision.rule.clone(),
        }
    }
}

fn system_document(system: &table::System) -> SystemDocument {
    let state = |state: &table::State| StateDocument {
        name: state.name.clone(),
        id: state.wire().to_owned(),
        attributes: state.attributes.clone(),
        read_only: state.read_only,
    };
    SystemDocument {
        name: system.name.clone(),
        title: system.title.clone(),
        online: system.online.clone(),
        text: system.text,
        attributes: system.attributes.clone(),
        states: system.states.iter().map(state).collect(),
    }
}

fn fact_document(fact: &table::Fact) -> FactDocument {
    let name = fact.name.clone();
    match &fact.kind {
        FactKind::Flag => FactDocument::Flag { name },
        FactKind::Choice { values, default } => FactDocument::Choice {
            name,
            values: values.clone(),
            default: default.map(|at| values[at as usize].clone()),
        },
    }
}

/// Reads a document with the names that it declares itself.
struct Reader {
    /// The tables so far, for looking names up; without roles.
    names: Tables,
}

impl Reader {
    fn tables(document: Document) -> Result<Tables, TableError> {
        let systems: Vec<table::System> = document.systems.into_iter().map(system).collect();
        let facts = document
            .facts
            .into_iter()
            .map(fact)
            .collect::<Result<Vec<_>, _>>()?;
        let reader = Self {
            names: Tables::new(systems, facts, Vec::new()),
        };
        let mut roles = Vec::with_capacity(document.roles.len());
        for role in document.roles {
            let tables: Vec<Table> = role
                .tables
                .into_iter()
                .map(|table| reader.table(table, &role.name))
                .collect::<Result<_, _>>()?;
            let count = reader.names.systems.len();
            let pairs = (0..count).flat_map(|from| {
                (0..count)
                    .filter(move |to| *to != from)
                    .map(move |to| (from, to))
            });
            if !tables.iter().map(|table| (table.from, table.to)).eq(pairs) {
                return Err(TableError::Invalid(format!(
                    "role `{}` does not have one table for each pair of systems, in order",
                    role.name
                )));
            }
            roles.push(table::Role {
                name: role.name,
                implicit: role.implicit,
                tables,
            });
        }
        Ok(Tables::new(reader.names.systems, reader.names.facts, roles))
    }

    fn table(&self, document: TableDocument, role: &str) -> Result<Table, TableError> {
        let (from, to) = (self.system(&document.from)?, self.system(&document.to)?);
        let place = format!("role `{role}`, {} → {}", document.from, document.to);
        let columns = document
            .columns
            .iter()
            .map(|name| self.column(name))
            .collect::<Result<Vec<_>, _>>()?;
        let origin_columns = document
            .origin_columns
            .iter()
            .map(|name| self.column(name))
            .collect::<Result<Vec<_>, _>>()?;
        match (document.rows, document.diagrams) {
            (Some(rows), None) => {
                let all: Vec<Column> = columns.iter().chain(&origin_columns).copied().collect();
                let rows = rows
                    .into_iter()
                    .map(|row| self.row(row, from, to, &columns, &all))
                    .collect::<Result<Vec<_>, _>>()?;
                Table::from_rows(
                    &self.names.systems,
                    &self.names.facts,
                    from,
                    to,
                    columns,
                    origin_columns,
                    rows,
                )
                .map_err(|error| {
                    TableError::Invalid(match error {
                        CoverError::Overlap => {
                            format!("{place}: two rows match the same situation")
                        }
                        CoverError::Gap => format!("{place}: no row matches some situation"),
                    })
                })
            }
            (None, Some(diagrams)) => {
                let decisions = document.decisions.iter().map(|decision| {
                    let outcome = self.outcome(to, &decision.outcome)?;
                    Ok(Decision {
                        outcome,
                        profile: decision.profile.clone(),
                        rule: decision.rule.clone(),
                    })
                });
                let decisions = decisions.collect::<Result<Vec<_>, TableError>>()?;
                let count = diagrams.len();
                let diagrams = diagrams.into_iter().enumerate().map(|(at, diagram)| {
                    self.diagram(diagram, from, decisions.len(), at + 1 < count)
                });
                let diagrams = diagrams.collect::<Result<Vec<_>, _>>()?;
                if diagrams.is_empty() {
                    return Err(TableError::Invalid(format!("{place}: there is no diagram")));
                }
                let lookup = Lookup::Diagrams(diagrams.clone());
                Ok(Table {
                    from,
                    to,
                    columns,
                    origin_columns,
                    body: Body::Diagrams(diagrams),
                    decisions,
                    lookup,
                })
            }
            _ => Err(TableError::Invalid(format!(
                "{place}: a table has either rows or diagrams"
            ))),
        }
    }

    fn row(
        &self,
        row: RowDocument,
        from: usize,
        to: usize,
        columns: &[Column],
        all: &[Column],
    ) -> Result<Row, TableError> {
        let origins = row.origin.into_iter().map(|origin| {
            Ok(table::Origin {
                when: self.cells(&origin.when, all)?,
                from: origin
                    .from
                    .map(|states| self.states(from, &states))
                    .transpose()?,
                profile: origin.profile,
                rule: origin.rule,
            })
        });
        Ok(Row {
            when: self.cells(&row.when, columns)?,
            from: self.states(from, &row.from)?,
            outcome: self.outcome(to, &row.outcome)?,
            origins: origins.collect::<Result<_, TableError>>()?,
        })
    }

    fn cells(&self, when: &When, columns: &[Column]) -> Result<Cells, TableError> {
        let mut cells = vec![None; columns.len()];
        for (name, values) in when {
            let column = self.column(name)?;
            let at = columns.iter().position(|known| *known == column);
            let at = at.ok_or_else(|| {
                TableError::Invalid(format!("`{name}` is not among the columns of its table"))
            })?;
            let mut values = values
                .iter()
                .map(|value| self.value(column, value))
                .collect::<Result<Vec<_>, _>>()?;
            values.sort_unstable();
            values.dedup();
            cells[at] = Some(values.into());
        }
        Ok(cells)
    }

    fn value(&self, column: Column, cell: &Cell) -> Result<u32, TableError> {
        let found = match (column, cell) {
            (Column::Fact(fact), Cell::Flag(value))
                if self.names.facts[fact].kind == FactKind::Flag =>
            {
                Some(u32::from(*value))
            }
            (Column::Fact(fact), Cell::Name(name)) => self.names.value(fact, name),
            (Column::State(_), Cell::Unknown(())) => Some(0),
            (Column::State(system), Cell::Name(name)) => {
                self.state_named(system, name).map(|state| state + 1)
            }
            _ => None,
        };
        let shown = || serde_json::to_string(cell).unwrap_or_default();
        found.ok_or_else(|| {
            TableError::Invalid(format!(
                "`{}` has no value {}",
                self.names.column_name(column),
                shown()
            ))
        })
    }

    fn column(&self, name: &str) -> Result<Column, TableError> {
        let fact = self.names.fact(name).map(Column::Fact);
        let column = fact.or_else(|| self.names.system(name).map(Column::State));
        column.ok_or_else(|| TableError::Invalid(format!("no fact or system is called `{name}`")))
    }

    fn system(&self, name: &str) -> Result<usize, TableError> {
        self.names
            .system(name)
            .ok_or_else(|| TableError::Invalid(format!("no system is called `{name}`")))
    }

    /// By its name alone, not by its id.
    fn state_named(&self, system: usize, name: &str) -> Option<u32> {
        self.names
            .state(system, name)
            .filter(|state| self.names.systems[system].states[*state as usize].name == name)
    }

    fn states(&self, system: usize, names: &[String]) -> Result<Box<[u32]>, TableError> {
        let mut states = names
            .iter()
            .map(|name| {
                let found = self.state_named(system, name);
                found.ok_or_else(|| {
                    TableError::Invalid(format!(
                        "{} has no state `{name}`",
                        self.names.systems[system].name
                    ))
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        states.sort_unstable();
        states.dedup();
        Ok(states.into())
    }

    fn outcome(&self, to: usize, outcome: &OutcomeDocument) -> Result<Outcome, TableError> {
        Ok(match (outcome.outcome, &outcome.state) {
            (OutcomeKind::Unmapped, None) => Outcome::Unmapped,
            (OutcomeKind::Unchanged, None) => Outcome::Unchanged,
            (OutcomeKind::Set, Some(name)) => {
                let state = self.states(to, std::slice::from_ref(name))?[0];
                Outcome::Set {
                    state,
                    append: outcome.append.clone().into(),
                }
            }
            _ => {
                return Err(TableError::Invalid(
                    "exactly the outcome `set` has a state".to_owned(),
                ));
            }
        })
    }

    fn diagram(
        &self,
        document: DiagramDocument,
        from: usize,
        decisions: usize,
        may_pass: bool,
    ) -> Result<Diagram, TableError> {
        let count = document.nodes.len() as i64;
        let next = |after: i64, number: Option<i64>| match number {
            None if may_pass => Ok(Next::Pass),
            Some(number) if number < 0 && number.unsigned_abs() <= decisions as u64 => {
                Ok(Next::Decision((-number - 1) as u32))
            }
            Some(number) if number > after && number < count => Ok(Next::Node(number as u32)),
            Some(number) => Err(TableError::Invalid(format!(
                "a diagram goes on with {number}, which is not a later node or a decision"
            ))),
            None => Err(TableError::Invalid(
                "the last diagram of a table passes on".to_owned(),
            )),
        };
        let mut nodes = Vec::with_capacity(document.nodes.len());
        for (at, node) in document.nodes.iter().enumerate() {
            let ask = node
                .ask
                .as_deref()
                .map(|name| self.column(name))
                .transpose()?;
            let size = ask.map_or(self.names.systems[from].states.len(), |column| {
                self.names.size(column) as usize
            });
            if node.next.len() != size || size == 0 {
                return Err(TableError::Invalid(format!(
                    "a node has {} ways on, its input {size} values",
                    node.next.len()
                )));
            }
            let next = node
                .next
                .iter()
                .map(|number| next(at as i64, *number))
                .collect::<Result<_, _>>()?;
            nodes.push(table::Node { ask, next });
        }
        Ok(Diagram {
            root: next(-1, document.root)?,
            nodes,
        })
    }
}

fn system(document: SystemDocument) -> table::System {
    let state = |state: StateDocument| table::State {
        id: (state.id != state.name).then_some(state.id),
        name: state.name,
        attributes: state.attributes,
        read_only: state.read_only,
    };
    table::System {
        name: document.name,
        title: document.title,
        states: document.states.into_iter().map(state).collect(),
        attributes: document.attributes,
        online: document.online,
        text: document.text,
    }
}

fn fact(document: FactDocument) -> Result<table::Fact, TableError> {
    match document {
        FactDocument::Flag { name } => Ok(table::Fact {
            name,
            kind: FactKind::Flag,
        }),
        FactDocument::Choice {
            name,
            values,
            default,
        } => {
            let default = match default {
                None => None,
                Some(default) => {
                    let at = values.iter().position(|value| *value == default);
                    let unknown =
                        || TableError::Invalid(format!("`{name}` has no value `{default}`"));
                    Some(at.ok_or_else(unknown)? as u32)
                }
            };
            Ok(table::Fact {
                name,
                kind: FactKind::Choice { values, default },
            })
        }
    }
}

impl Table {
    /// Puts a table together from its rows, which must cover every situation once.
    pub fn from_rows(
        systems: &[table::System],
        facts: &[table::Fact],
        from: usize,
        to: usize,
        columns: Vec<Column>,
        origin_columns: Vec<Column>,
        rows: Vec<Row>,
    ) -> Result<Self, CoverError> {
        let inputs: Vec<Column> = columns.iter().chain(&origin_columns).copied().collect();
        let sizes: Vec<u32> = inputs
            .iter()
            .map(|column| table::column_size(systems, facts, *column))
            .collect();
        let mut decisions: indexmap::IndexSet<Decision> = indexmap::IndexSet::new();
        let mut cubes = Vec::with_capacity(rows.len());
        for (at, row) in (0..).zip(&rows) {
            let mut when = row.when.clone();
            when.resize(inputs.len(), None);
            let mut add =
                |when: Cells, from: &[u32], profile: Option<&String>, rule: Option<&String>| {
                    let decision = Decision {
                        outcome: row.outcome.clone(),
                        profile: profile.cloned(),
                        rule: rule.cloned(),
                    };
                    let decision = decisions.insert_full(decision).0 as u32;
                    cubes.push(Cube {
                        row: at,
                        when,
                        from: Some(from.into()),
                        decision,
                    });
                };
            if row.origins.is_empty() {
                add(when, &row.from, None, None);
                continue;
            }
            for origin in &row.origins {
                let narrowed = origin
                    .when
                    .iter()
                    .zip(&when)
                    .map(|(own, rows)| own.clone().or_else(|| rows.clone()))
                    .collect();
                add(
                    narrowed,
                    origin.from.as_deref().unwrap_or(&row.from),
                    Some(&origin.profile),
                    Some(&origin.rule),
                );
            }
        }
        let states = systems[from].states.len() as u32;
        let lookup = Lookup::from_cubes(&inputs, &sizes, states, &cubes)?;
        let decisions = decisions.into_iter().collect();
        Ok(Self {
            from,
            to,
            columns,
            origin_columns,
            body: Body::Rows(rows),
            decisions,
            lookup,
        })
    }
}
