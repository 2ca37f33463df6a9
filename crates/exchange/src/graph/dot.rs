//! The graph for Graphviz.

use crate::graph::{Edge, Graph, Picture, shortened};
use presync::visible;
use presync_engine::Schema;

pub(super) const PICTURE: Picture = Picture {
    name: "dot",
    description: "for Graphviz",
    draw,
};

fn draw(schema: &Schema, graphs: &[Graph<'_>]) -> String {
    let mut text =
        String::from("digraph presync {\n  rankdir=LR;\n  node [shape=box, style=rounded];\n");
    for (at, graph) in graphs.iter().enumerate() {
        text.push_str(&format!(
            "  subgraph cluster_{at} {{\n    label={};\n",
            quoted(&graph.title(schema))
        ));
        let (lefts, rights) = graph.columns();
        for (side, states) in [("l", lefts), ("r", rights)] {
            for state in states {
                let (state, name) = (state.index(), quoted(&schema.state(state).name));
                text.push_str(&format!("    g{at}{side}{state} [label={name}];\n"));
            }
        }
        for arrow in graph.edges.iter().flat_map(Edge::arrows) {
            let direction = match (arrow.there, arrow.back) {
                (true, true) => "both",
                (true, false) => "forward",
                (false, _) => "back",
            };
            let style = if arrow.is_sure { "solid" } else { "dashed" };
            let label = if arrow.label.is_empty() {
                String::new()
            } else {
                let (shown, whole) = (quoted(&shortened(&arrow.label)), quoted(&arrow.label));
                format!(", label={shown}, tooltip={whole}")
            };
            text.push_str(&format!(
                "    g{at}l{} -> g{at}r{} [dir={direction}, style={style}{label}];\n",
                arrow.left.index(),
                arrow.right.index()
            ));
        }
        for (number, note) in graph.notes.iter().enumerate() {
            let note = quoted(note);
            text.push_str(&format!("    g{at}n{number} [shape=note, label={note}];\n"));
        }
        text.push_str("  }\n");
    }
    text.push_str("}\n");
    text
}

/// A text that Graphviz shows as is: a backslash would start an escape, an ampersand a character
/// entity.
fn quoted(text: &str) -> String {
    let visible = visible(text);
    format!(
        "\"{}\"",
        visible
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('&', "&amp;")
    )
}
