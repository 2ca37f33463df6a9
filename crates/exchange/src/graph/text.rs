//! The graph as lines of text: states, an arrow, and the states that they map to.

use crate::graph::{EdgeKind, Graph};
use presync::quote;
use presync_engine::{Schema, StateId};

/// For each state of the right system, one line per kind of arrow, with the states of the left
/// system that map to it: `Available <-> Available`, `"At Lunch" | "Gone Home" -> Away`; `~` if it
/// holds only in some situations.
pub fn text(schema: &Schema, graph: &Graph<'_>) -> Vec<(String, &'static str, String)> {
    let name = |state: StateId| quote(&schema.state(state).name);
    let (left, right) = graph.columns();
    let mut lines: Vec<(Vec<StateId>, &'static str, StateId)> = Vec::new();
    for state in right {
        for source in &left {
            let edge = graph
                .edges
                .iter()
                .find(|edge| (edge.left, edge.right) == (*source, state));
            let Some(edge) = edge else { continue };
            let arrow = match (edge.there, edge.back, edge.is_sure()) {
                (EdgeKind::Never, _, true) => "<-",
                (EdgeKind::Never, _, false) => "<~",
                (_, EdgeKind::Never, true) => "->",
                (_, EdgeKind::Never, false) => "~>",
                (_, _, true) => "<->",
                (_, _, false) => "<~>",
            };
            match lines
                .iter_mut()
                .find(|(_, other, target)| (*other, *target) == (arrow, state))
            {
                Some((sources, ..)) => sources.push(*source),
                None => lines.push((vec![*source], arrow, state)),
            }
        }
    }
    let shown = lines.into_iter().map(|(sources, arrow, state)| {
        let sources: Vec<String> = sources.into_iter().map(name).collect();
        (sources.join(" | "), arrow, name(state))
    });
    shown.collect()
}
