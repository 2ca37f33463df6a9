//! The graph for Mermaid, which wikis and code hosts render.

use crate::graph::{Edge, Graph, Picture};
use presync::visible;
use presync_engine::Schema;

pub(super) const PICTURE: Picture = Picture {
    name: "mermaid",
    description: "for a wiki or a code host",
    draw,
};

fn draw(schema: &Schema, graphs: &[Graph<'_>]) -> String {
    let mut text = String::from("flowchart LR\n");
    for (at, graph) in graphs.iter().enumerate() {
        text.push_str(&format!(
            "  subgraph g{at} [{}]\n    direction LR\n",
            quoted(&graph.title(schema))
        ));
        let (lefts, rights) = graph.columns();
        for (side, states) in [("l", lefts), ("r", rights)] {
            for state in states {
                text.push_str(&format!(
                    "    g{at}{side}{}[{}]\n",
                    state.index(),
                    quoted(&schema.state(state).name)
                ));
            }
        }
        for arrow in graph.edges.iter().flat_map(Edge::arrows) {
            let (from, to) = (
                format!("g{at}l{}", arrow.left.index()),
                format!("g{at}r{}", arrow.right.index()),
            );
            let line = if arrow.is_sure { "--" } else { "-.-" };
            let label = if arrow.label.is_empty() {
                String::new()
            } else {
                format!("|{}|", quoted(&arrow.label))
            };
            text.push_str(&match (arrow.there, arrow.back) {
                (true, true) => format!("    {from} <{line}>{label} {to}\n"),
                (true, false) => format!("    {from} {line}>{label} {to}\n"),
                (false, _) => format!("    {to} {line}>{label} {from}\n"),
            });
        }
        for (number, note) in graph.notes.iter().enumerate() {
            text.push_str(&format!("    g{at}n{number}>{}]\n", quoted(note)));
        }
        text.push_str("  end\n");
    }
    text
}

/// A label, with all but plain characters as character codes.
fn quoted(text: &str) -> String {
    let mut label = String::from("\"");
    for char in visible(text).chars() {
        if char.is_alphanumeric() || " ,.:()".contains(char) {
            label.push(char);
        } else {
            label.push_str(&format!("#{};", u32::from(char)));
        }
    }
    label.push('"');
    label
}
