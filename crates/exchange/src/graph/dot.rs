//! The graph for Graphviz.

use crate::graph::{EdgeKind, Graph, Picture, shortened};
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
        for edge in &graph.edges {
            let direction = match (&edge.there, &edge.back) {
                (_, EdgeKind::Never) => "forward",
                (EdgeKind::Never, _) => "back",
                _ => "both",
            };
            let style = if edge.is_sure() { "solid" } else { "dashed" };
            let label = edge.label();
            let label = if label.is_empty() {
                String::new()
            } else {
                let (shown, whole) = (quoted(&shortened(&label)), quoted(&label));
                format!(", label={shown}, tooltip={whole}")
            };
            text.push_str(&format!(
                "    g{at}l{} -> g{at}r{} [dir={direction}, style={style}{label}];\n",
                edge.left.index(),
                edge.right.index()
            ));
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
