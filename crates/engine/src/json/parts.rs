//! Parts of the published shape, by ids.

use crate::flat_diagram::{FlatDiagram, Next};
use crate::ids::StateId;
use crate::json::document::{
    ByHand, Cell, DiagramDocument, DirectionDocument, Document, FactDocument, InputDocument,
    NodeDocument, RoleDocument, StateDocument, SystemDocument, TableDocument, When,
};
use crate::json::{FORMAT, VERSION};
use crate::schema::{Column, Fact, FactKind, Input, Schema, System};

impl Document {
    /// A document with the declarations of a schema.
    pub fn new(
        schema: &Schema,
        digest: &str,
        order: Vec<InputDocument>,
        roles: Vec<RoleDocument>,
        directions: Vec<DirectionDocument>,
        tables: Vec<TableDocument>,
    ) -> Self {
        let systems = schema
            .systems()
            .map(|(_, system)| self::system(schema, system));
        let facts = schema.facts().map(|(_, fact)| fact_document(fact));
        let mut document = Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            digest: digest.to_owned(),
            content: String::new(),
            systems: systems.collect(),
            facts: facts.collect(),
            order,
            roles,
            directions,
            tables,
        };
        document.content = document.checksum();
        document
    }
}

/// The conditions on some columns: on facts and states, and on what is by hand.
pub fn when<'c>(
    schema: &Schema,
    cells: impl IntoIterator<Item = (Column, Option<&'c [u32]>)>,
) -> (When, ByHand) {
    let (mut when, mut by_hand) = (When::new(), ByHand::new());
    for (column, values) in cells {
        let Some(values) = values else { continue };
        let name = schema.column_name(column).to_owned();
        if let Column::ByHand(_) = column {
            by_hand.insert(name, values.iter().map(|value| *value == 1).collect());
        } else {
            when.insert(
                name,
                schema.inputs(column, values).map(Cell::from).collect(),
            );
        }
    }
    (when, by_hand)
}

/// An input of a diagram.
pub fn input(schema: &Schema, column: Column) -> InputDocument {
    let name = schema.column_name(column).to_owned();
    match column {
        Column::ByHand(_) => InputDocument::ByHand { by_hand: name },
        Column::Fact(_) | Column::State(_) => InputDocument::Name(name),
    }
}

/// The names of states.
pub fn state_names(schema: &Schema, states: impl IntoIterator<Item = StateId>) -> Vec<String> {
    let names = states.into_iter();
    names
        .map(|state| schema.state(state).name.clone())
        .collect()
}

/// A diagram whose decision `n` is the entry `n` of the table's decisions.
pub fn diagram(schema: &Schema, diagram: &FlatDiagram) -> DiagramDocument {
    let number = |next: Next| match next {
        Next::Node(at) => Some(i64::from(at)),
        Next::Decision(at) => Some(-i64::from(at) - 1),
        Next::Pass => None,
    };
    let nodes = diagram.nodes.iter().map(|node| NodeDocument {
        ask: node.ask.map(|column| input(schema, column)),
        next: node.next.iter().map(|next| number(*next)).collect(),
    });
    DiagramDocument {
        root: number(diagram.root),
        nodes: nodes.collect(),
    }
}

fn system(schema: &Schema, system: &System) -> SystemDocument {
    let states = system.states.iter().map(|state| {
        let mut attributes: Vec<String> = system.attributes_of(state).map(str::to_owned).collect();
        attributes.sort();
        StateDocument {
            name: state.name.clone(),
            id: state.id.clone(),
            attributes,
            read_only: state.read_only,
            reads: state
                .reads
                .and_then(|at| system.states.get(at as usize))
                .map(|state| state.name.clone()),
            other: state.other,
        }
    });
    let mut attributes = system.attributes.clone();
    attributes.sort();
    SystemDocument {
        name: system.name.clone(),
        title: system.title.clone(),
        online: system.online.map(|flag| schema.fact(flag).name.clone()),
        text: system.text,
        echo: system.echo,
        attributes,
        states: states.collect(),
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
