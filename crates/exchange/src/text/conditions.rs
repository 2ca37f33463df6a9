//! The conditions of a row as source.

use presync::{choice_literal, quote, state_literal};
use presync_engine::document::{ByHand, Cell, When};
use presync_engine::{Cells, Column, FactKind, Schema};

/// `in_queue`, `user_type is im`, `lync is not any`: one for each input that the row tests.
pub fn conditions(schema: &Schema, columns: &[Column], cells: &Cells) -> Vec<String> {
    let literal = |column: &Column, values: &[u32]| {
        let name = quote(schema.column_name(*column));
        match column {
            Column::Fact(fact) => match &schema.fact(*fact).kind {
                FactKind::Flag if values == [1] => name,
                FactKind::Flag => format!("not {name}"),
                FactKind::Choice { values: names, .. } => choice_literal(&name, names, values),
            },
            Column::ByHand(_) if values == [1] => format!("{name} by hand"),
            Column::ByHand(_) => format!("not {name} by hand"),
            Column::State(system) => {
                let states: Vec<&str> = schema
                    .system(*system)
                    .states
                    .iter()
                    .map(|state| state.name.as_str())
                    .collect();
                state_literal(&name, &states, values)
            }
        }
    };
    let cells = columns.iter().zip(cells);
    cells
        .filter_map(|(column, values)| Some(literal(column, values.as_ref()?)))
        .collect()
}

/// The same for the conditions of a document. Skips names that the schema does not have.
pub fn documented(schema: &Schema, when: &When, by_hand: &ByHand) -> Vec<String> {
    let (mut columns, mut cells) = (Vec::new(), Cells::new());
    for (name, values) in when {
        let fact = schema.find_fact(name).map(Column::Fact);
        let column = fact.or_else(|| schema.find_system(name).map(Column::State));
        let Some(column) = column else { continue };
        let all: Vec<u32> = (0..schema.column_size(column)).collect();
        let inputs = all.iter().zip(schema.inputs(column, &all));
        let inputs = inputs.filter(|(_, input)| values.contains(&Cell::from(*input)));
        columns.push(column);
        cells.push(Some(inputs.map(|(number, _)| *number).collect()));
    }
    for (name, values) in by_hand {
        let Some(system) = schema.find_system(name) else {
            continue;
        };
        columns.push(Column::ByHand(system));
        cells.push(Some(values.iter().map(|value| u32::from(*value)).collect()));
    }
    conditions(schema, &columns, &cells)
}
