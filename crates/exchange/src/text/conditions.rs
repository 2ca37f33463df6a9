//! The conditions of a row as source.

use presync::{choice_literal, quote, state_literal};
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
