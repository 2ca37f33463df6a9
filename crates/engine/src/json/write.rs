//! Converts tables to their published shape.

use crate::flat_diagram::{FlatDiagram, Next};
use crate::ids::StateId;
use crate::json::document::{
    Cell, DecisionDocument, DiagramDocument, Document, FactDocument, NodeDocument, OriginDocument,
    OutcomeDocument, OutcomeKind, RoleDocument, RowDocument, StateDocument, SystemDocument,
    TableDocument, When,
};
use crate::json::{FORMAT, VERSION};
use crate::lookup::Cells;
use crate::schema::{Column, Fact, FactKind, Input, Schema, System};
use crate::table::{Decision, Outcome, Row, Table, TableBody};
use crate::tables::{Tables, TooComplex};

pub(super) fn document(tables: &Tables) -> Result<Document, TooComplex> {
    let schema = tables.schema();
    let writer = Writer { schema };
    let roles = tables.roles().map(|role| {
        Ok(RoleDocument {
            name: role.name().to_owned(),
            implicit: role.is_implicit(),
            tables: role
                .tables()?
                .iter()
                .map(|table| writer.table(table))
                .collect(),
        })
    });
    Ok(Document {
        format: FORMAT.to_owned(),
        version: VERSION,
        digest: tables.digest()?.to_owned(),
        systems: schema
            .systems()
            .map(|(_, system)| writer.system(system))
            .collect(),
        facts: schema
            .facts()
            .map(|(_, fact)| fact_document(fact))
            .collect(),
        roles: roles.collect::<Result<_, _>>()?,
    })
}

struct Writer<'s> {
    schema: &'s Schema,
}

impl Writer<'_> {
    fn system(&self, system: &System) -> SystemDocument {
        let states = system.states.iter().map(|state| {
            let mut attributes: Vec<String> =
                system.attributes_of(state).map(str::to_owned).collect();
            attributes.sort();
            StateDocument {
                name: state.name.clone(),
                id: state.wire().to_owned(),
                attributes,
                read_only: state.read_only,
            }
        });
        let mut attributes = system.attributes.clone();
        attributes.sort();
        SystemDocument {
            name: system.name.clone(),
            title: system.title.clone(),
            online: system
                .online
                .map(|flag| self.schema.fact(flag).name.clone()),
            text: system.text,
            attributes,
            states: states.collect(),
        }
    }

    fn table(&self, table: &Table) -> TableDocument {
        let names =
            |columns: &[Column]| columns.iter().map(|column| self.column(*column)).collect();
        let (rows, diagrams, decisions) = match table.body() {
            TableBody::Rows(rows) => (
                Some(rows.iter().map(|row| self.row(table, row)).collect()),
                None,
                Vec::new(),
            ),
            TableBody::Diagrams(diagrams) => {
                let diagrams = diagrams
                    .iter()
                    .map(|diagram| self.diagram(diagram))
                    .collect();
                let decisions = table
                    .decisions()
                    .iter()
                    .map(|decision| self.decision(decision));
                (None, Some(diagrams), decisions.collect())
            }
        };
        TableDocument {
            from: self.schema.system(table.direction().from()).name.clone(),
            to: self.schema.system(table.direction().to()).name.clone(),
            hit_policy: "UNIQUE".to_owned(),
            columns: names(table.columns()),
            origin_columns: names(table.origin_columns()),
            rows,
            diagrams,
            decisions,
        }
    }

    fn row(&self, table: &Table, row: &Row) -> RowDocument {
        let all: Vec<Column> = table
            .columns()
            .iter()
            .chain(table.origin_columns())
            .copied()
            .collect();
        let states = |states: &[StateId]| {
            states
                .iter()
                .map(|state| self.schema.state(*state).name.clone())
                .collect()
        };
        let origins = row.origins.iter().map(|part| OriginDocument {
            when: self.when(&all, &part.when),
            from: part.from.as_deref().map(states),
            profile: part.origin.profile.clone(),
            rule: part.origin.rule.clone(),
        });
        RowDocument {
            when: self.when(table.columns(), &row.when),
            from: states(&row.from),
            outcome: self.outcome(&row.outcome),
            origin: origins.collect(),
        }
    }

    fn when(&self, columns: &[Column], cells: &Cells) -> When {
        let asked = columns.iter().zip(cells).filter_map(|(column, cell)| {
            let cells = self
                .schema
                .inputs(*column, cell.as_ref()?)
                .map(Cell::from)
                .collect();
            Some((self.column(*column), cells))
        });
        asked.collect()
    }

    fn column(&self, column: Column) -> String {
        self.schema.column_name(column).to_owned()
    }

    fn outcome(&self, outcome: &Outcome) -> OutcomeDocument {
        let kind = match outcome {
            Outcome::Unmapped => OutcomeKind::Unmapped,
            Outcome::Unchanged => OutcomeKind::Unchanged,
            Outcome::Set { .. } => OutcomeKind::Set,
        };
        OutcomeDocument {
            outcome: kind,
            state: outcome
                .state()
                .map(|state| self.schema.state(state).name.clone()),
            append: outcome.append().to_vec(),
        }
    }

    fn diagram(&self, diagram: &FlatDiagram) -> DiagramDocument {
        let number = |next: Next| match next {
            Next::Node(at) => Some(i64::from(at)),
            Next::Decision(at) => Some(-i64::from(at) - 1),
            Next::Pass => None,
        };
        let nodes = diagram.nodes.iter().map(|node| NodeDocument {
            ask: node.ask.map(|column| self.column(column)),
            next: node.next.iter().map(|next| number(*next)).collect(),
        });
        DiagramDocument {
            root: number(diagram.root),
            nodes: nodes.collect(),
        }
    }

    fn decision(&self, decision: &Decision) -> DecisionDocument {
        let origin = decision.origin.as_ref();
        DecisionDocument {
            outcome: self.outcome(&decision.outcome),
            profile: origin.map(|origin| origin.profile.clone()),
            rule: origin.map(|origin| origin.rule.clone()),
        }
    }
}

fn fact_document(fact: &Fact) -> FactDocument {
    let name = fact.name.clone();
    match &fact.kind {
        FactKind::Flag => FactDocument::Flag { name },
        FactKind::Choice { values, default } => FactDocument::Choice {
            name,
            values: values.clone(),
            default: default.and_then(|at| values.get(at as usize).cloned()),
        },
    }
}

impl From<Input<'_>> for Cell {
    fn from(input: Input<'_>) -> Self {
        match input {
            Input::Flag(flag) => Self::Flag(flag),
            Input::Name(name) => Self::Name(name.to_owned()),
            Input::Unknown => Self::Unknown(()),
        }
    }
}
