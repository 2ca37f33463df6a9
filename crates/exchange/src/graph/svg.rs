//! The graph as a picture: the states of one system on the left, of the other on the right, arrows between them.

use maud::{Markup, PreEscaped, html};

use crate::graph::{Edge, EdgeKind, Graph, Picture};
use presync::visible;
use presync_engine::{Schema, StateId, SystemId};

pub(super) const PICTURE: Picture = Picture {
    name: "svg",
    description: "a picture",
    draw,
};

/// In pixels.
const LINE: usize = 26;
const HEAD: usize = 58;
const GAP: usize = 210;
/// Approximate width of a character.
const CHARACTER: usize = 8;
/// Longer names are truncated; a tooltip shows the full name.
const MAX_NAME: usize = 36;

const STYLE: &str = "
.presync-graph { font: 14px system-ui, sans-serif; color: #1b1f24; background: #ffffff; }
.presync-graph text { fill: currentColor; }
.presync-graph .title { font-weight: 600; font-size: 15px; }
.presync-graph .system { font-weight: 600; }
.presync-graph path { fill: none; stroke-width: 1.8; }
.presync-graph .there { stroke: #1a5fb4; color: #1a5fb4; }
.presync-graph .back { stroke: #b5470a; color: #b5470a; }
.presync-graph .both { stroke: #4a5058; color: #4a5058; }
.presync-graph .sometimes { stroke-dasharray: 6 4; }
.presync-graph .legend { font-size: 12px; }
@media (prefers-color-scheme: dark) {
.presync-graph { color: #e6e8eb; background: #16191d; }
.presync-graph .there { stroke: #78aeed; color: #78aeed; }
.presync-graph .back { stroke: #ffa269; color: #ffa269; }
.presync-graph .both { stroke: #b9c0c8; color: #b9c0c8; }
}
";

/// All graphs in one file, one below the other.
fn draw(schema: &Schema, graphs: &[Graph<'_>]) -> String {
    let sizes: Vec<(usize, usize)> = graphs.iter().map(|graph| size(schema, graph)).collect();
    let width = sizes.iter().map(|(width, _)| *width).max().unwrap_or(200);
    let height: usize = sizes
        .iter()
        .map(|(_, height)| height + 20)
        .sum::<usize>()
        .max(20);
    let mut top = 0;
    let placed: Vec<(usize, &Graph<'_>)> = graphs
        .iter()
        .zip(&sizes)
        .map(|(graph, (_, height))| {
            let at = top;
            top += height + 20;
            (at, graph)
        })
        .collect();
    let markup = html! {
        svg class="presync-graph" xmlns="http://www.w3.org/2000/svg" width=(width) height=(height)
            viewBox={ "0 0 " (width) " " (height) } role="img" {
            title { "mapping graph" }
            style { (PreEscaped(STYLE)) }
            (arrows())
            @for (top, graph) in placed { g transform={ "translate(0 " (top) ")" } { (contents(schema, graph)) } }
        }
    };
    markup.into_string() + "\n"
}

/// One graph, to embed in a page.
pub fn drawing(schema: &Schema, graph: &Graph<'_>) -> Markup {
    let (width, height) = size(schema, graph);
    html! {
        svg class="presync-graph" xmlns="http://www.w3.org/2000/svg" width=(width) height=(height)
            viewBox={ "0 0 " (width) " " (height) } role="img" {
            title { (title(schema, graph)) }
            style { (PreEscaped(STYLE)) }
            (arrows())
            (contents(schema, graph))
        }
    }
}

fn title(schema: &Schema, graph: &Graph<'_>) -> String {
    let (left, right) = (
        &schema.system(graph.left).name,
        &schema.system(graph.right).name,
    );
    visible(&format!("{}: {left} and {right}", graph.role))
}

fn arrows() -> Markup {
    html! {
        defs {
            marker id="presync-arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7"
                orient="auto-start-reverse" { path d="M 0 1 L 9 5 L 0 9" style="stroke: context-stroke; stroke-dasharray: none" {} }
        }
    }
}

/// The width of each column of names.
fn widths(schema: &Schema, graph: &Graph<'_>) -> (usize, usize) {
    let (left, right) = graph.columns();
    let width = |system: SystemId, states: &[StateId]| {
        let names = states.iter().map(|state| &schema.state(*state).name);
        let names = names.chain([&schema.system(system).name]);
        let longest = names
            .map(|name| shortened(name).chars().count())
            .max()
            .unwrap_or_default();
        longest * CHARACTER + 20
    };
    (width(graph.left, &left), width(graph.right, &right))
}

fn size(schema: &Schema, graph: &Graph<'_>) -> (usize, usize) {
    let (left, right) = graph.columns();
    let (left_width, right_width) = widths(schema, graph);
    let title = title(schema, graph).chars().count() * (CHARACTER + 1) + 20;
    let width = (left_width + GAP + right_width).max(title).max(480);
    (width, HEAD + LINE * left.len().max(right.len()) + 34)
}

fn contents(schema: &Schema, graph: &Graph<'_>) -> Markup {
    let (lefts, rights) = graph.columns();
    let (left_width, _) = widths(schema, graph);
    let tallest = lefts.len().max(rights.len());
    // The shorter column is spread over the height of the longer one.
    let place = |states: &[StateId], state: StateId| {
        let at = states
            .iter()
            .position(|other| *other == state)
            .unwrap_or_default();
        HEAD + (2 * at + 1) * tallest * LINE / (2 * states.len().max(1))
    };
    let (start, end) = (left_width, left_width + GAP);
    let path = |edge: &Edge| {
        let (from, to) = (place(&lefts, edge.left), place(&rights, edge.right));
        format!(
            "M {start} {from} C {} {from}, {} {to}, {end} {to}",
            start + GAP / 2,
            end - GAP / 2
        )
    };
    let (left, right) = (schema.system(graph.left), schema.system(graph.right));
    html! {
        text class="title" x="10" y="20" { (title(schema, graph)) }
        text class="system" x=(left_width - 10) y=(HEAD - 10) text-anchor="end" { (visible(&left.name)) }
        text class="system" x=(end + 10) y=(HEAD - 10) { (visible(&right.name)) }
        @for edge in &graph.edges {
            path class=(class(edge)) d=(path(edge))
                marker-end=[(edge.there != EdgeKind::Never).then_some("url(#presync-arrow)")]
                marker-start=[(edge.back != EdgeKind::Never).then_some("url(#presync-arrow)")] {}
        }
        @for state in &lefts {
            @let name = &schema.state(*state).name;
            text x=(left_width - 10) y=(place(&lefts, *state) + 5) text-anchor="end" { title { (visible(name)) } (shortened(name)) }
        }
        @for state in &rights {
            @let name = &schema.state(*state).name;
            text x=(end + 10) y=(place(&rights, *state) + 5) { title { (visible(name)) } (shortened(name)) }
        }
        text class="legend" x="10" y=(HEAD + LINE * tallest + 22) {
            "solid: whenever anything is decided; dashed: in some situations"
        }
    }
}

fn class(edge: &Edge) -> String {
    let direction = match (edge.there, edge.back) {
        (_, EdgeKind::Never) => "there",
        (EdgeKind::Never, _) => "back",
        _ => "both",
    };
    if edge.is_sure() {
        direction.to_owned()
    } else {
        format!("{direction} sometimes")
    }
}

fn shortened(name: &str) -> String {
    let name = visible(name);
    if name.chars().count() <= MAX_NAME {
        return name;
    }
    name.chars().take(MAX_NAME - 1).chain(['…']).collect()
}
