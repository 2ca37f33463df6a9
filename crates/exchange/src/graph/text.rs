//! The graph as lines of text: a state, an arrow, what it becomes.

use crate::graph::{Graph, Way};
use presync::quote::quote;
use presync_engine::table::Tables;

/// One line for each state of the right system, with the states of the left one that belong to it:
/// `Available <-> Available`, `"At Lunch" | "Gone Home" -> Away`; `~` for what is only decided in some situations.
pub fn text(tables: &Tables, graph: &Graph<'_>) -> Vec<(String, &'static str, String)> {
    let name =
        |system: usize, state: u32| quote(&tables.systems[system].states[state as usize].name);
    let (left, right) = graph.columns();
    let mut lines: Vec<(Vec<u32>, &'static str, u32)> = Vec::new();
    for state in right {
        for source in &left {
            let edge = graph
                .edges
                .iter()
                .find(|edge| (edge.left, edge.right) == (*source, state));
            let Some(edge) = edge else { continue };
            let arrow = match (edge.there, edge.back, edge.is_sure()) {
                (Way::Never, _, true) => "<-",
                (Way::Never, _, false) => "<~",
                (_, Way::Never, true) => "->",
                (_, Way::Never, false) => "~>",
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
        let sources: Vec<String> = sources
            .into_iter()
            .map(|source| name(graph.left, source))
            .collect();
        (sources.join(" | "), arrow, name(graph.right, state))
    });
    shown.collect()
}
