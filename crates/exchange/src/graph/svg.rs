//! The graph as a picture: the states of one system on the left, of the other on the right, arrows between them. Graphs stand
//! side by side, with one legend below.

use maud::{Markup, PreEscaped, html};

use crate::graph::{Arrow, Edge, EdgeKind, Graph, Picture, shortened};
use crate::text::svg::{CHARACTER, arrow, lines};
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
const GAP: usize = 250;
const BETWEEN: usize = 36;
/// Graphs stand side by side up to this width.
const WIDEST: usize = 1500;
/// The height of a line below a graph, and how many characters it has.
const SMALL_LINE: usize = 17;
const SMALL_CHARACTERS: usize = 70;
/// The longest condition that stands at its arrow, in characters.
const LABEL: usize = 30;
const LEGEND: usize = 40;
/// Between two arrows of the same states.
const APART: usize = 6;

const STYLE: &str = "
.presync-graph { font: 14px system-ui, sans-serif; color: #1b1f24; background: #ffffff; }
.presync-graph text { fill: currentColor; }
.presync-graph .title { font-weight: 600; font-size: 15px; }
.presync-graph .system { font-weight: 600; }
.presync-graph path { fill: none; stroke-width: 1.8; }
.presync-graph path.wide { stroke: transparent; stroke-width: 12; }
.presync-graph .there { stroke: #1a5fb4; color: #1a5fb4; }
.presync-graph .back { stroke: #b5470a; color: #b5470a; }
.presync-graph .both { stroke: #4a5058; color: #4a5058; }
.presync-graph g:hover > path { stroke-width: 3.2; }
.presync-graph .sometimes { stroke-dasharray: 6 4; }
.presync-graph .small { font-size: 12px; }
.presync-graph .label { font-size: 11px; stroke: #ffffff; stroke-width: 4px; paint-order: stroke; }
@media (prefers-color-scheme: dark) {
.presync-graph { color: #e6e8eb; background: #16191d; }
.presync-graph .there { stroke: #78aeed; color: #78aeed; }
.presync-graph .back { stroke: #ffa269; color: #ffa269; }
.presync-graph .both { stroke: #b9c0c8; color: #b9c0c8; }
.presync-graph .label { stroke: #16191d; }
}
";

/// All graphs in one file, side by side and in rows, and the legend.
fn draw(schema: &Schema, graphs: &[Graph<'_>]) -> String {
    let sizes: Vec<(usize, usize)> = graphs.iter().map(|graph| size(schema, graph)).collect();
    let widest = sizes.iter().map(|(width, _)| *width).max().unwrap_or(0);
    let columns = (WIDEST / (widest + BETWEEN)).clamp(1, graphs.len().max(1));
    let mut placed: Vec<(usize, usize, &Graph<'_>)> = Vec::new();
    let mut top = 0;
    for row in graphs.chunks(columns).zip(sizes.chunks(columns)) {
        let (row, sizes) = row;
        let lefts = (0..).map(|at| at * (widest + BETWEEN));
        placed.extend(
            row.iter()
                .zip(lefts)
                .map(|(graph, left)| (left, top, graph)),
        );
        top += sizes.iter().map(|(_, height)| *height).max().unwrap_or(0) + BETWEEN;
    }
    let width = (columns * (widest + BETWEEN) - BETWEEN).max(legend_width());
    let height = top + LEGEND;
    let markup = html! {
        svg class="presync-graph" xmlns="http://www.w3.org/2000/svg" width=(width) height=(height)
            viewBox={ "0 0 " (width) " " (height) } role="img" {
            title { "mapping graph" }
            style { (PreEscaped(STYLE)) }
            (arrow("presync-arrow"))
            @for (left, top, graph) in placed { g transform={ "translate(" (left) " " (top) ")" } { (contents(schema, graph)) } }
            g transform={ "translate(0 " (top) ")" } { (legend_contents()) }
        }
    };
    markup.into_string() + "\n"
}

/// One graph without its legend, to embed in a page.
pub fn drawing(schema: &Schema, graph: &Graph<'_>) -> Markup {
    let (width, height) = size(schema, graph);
    html! {
        svg class="presync-graph" xmlns="http://www.w3.org/2000/svg" width=(width) height=(height)
            viewBox={ "0 0 " (width) " " (height) } role="img" {
            title { (visible(&graph.title(schema))) }
            style { (PreEscaped(STYLE)) }
            (arrow("presync-arrow"))
            (contents(schema, graph))
        }
    }
}

/// What colors and dashes mean, to embed in a page: its lines break where it is narrow.
pub fn legend() -> Markup {
    html! {
        ul class="legend" {
            @for (class, meaning) in MEANINGS {
                li {
                    svg class="presync-graph" xmlns="http://www.w3.org/2000/svg" width="44" height="16" viewBox="0 0 44 16" aria-hidden="true" {
                        style { (PreEscaped(STYLE)) }
                        (arrow("presync-arrow"))
                        (example(class, 2, 8))
                    }
                    " " (meaning)
                }
            }
        }
    }
}

/// The classes of an arrow, and what they mean.
const MEANINGS: [(&str, &str); 4] = [
    ("there", "left sets right"),
    ("back", "right sets left"),
    ("both", "both"),
    ("both sometimes", "only in some situations: point at it"),
];

fn legend_width() -> usize {
    let widths = MEANINGS.iter().map(|(_, meaning)| meaning_width(meaning));
    widths.sum::<usize>() + 10
}

fn meaning_width(meaning: &str) -> usize {
    meaning.len() * CHARACTER + 62
}

fn legend_contents() -> Markup {
    let mut left = 10;
    let placed = MEANINGS.iter().map(|(class, meaning)| {
        let at = left;
        left += meaning_width(meaning);
        (at, class, meaning)
    });
    html! {
        @for (left, class, meaning) in placed {
            (example(class, left, 20))
            text class="small" x=(left + 48) y="24" { (meaning) }
        }
    }
}

fn example(class: &str, left: usize, top: usize) -> Markup {
    html! {
        path class=(class) d={ "M " (left) " " (top) " H " (left + 40) }
            marker-end=[(class != "back").then_some("url(#presync-arrow)")]
            marker-start=[(class != "there").then_some("url(#presync-arrow)")] {}
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

/// The sentences below, in lines.
fn notes(graph: &Graph<'_>) -> Vec<String> {
    let sentences = graph.notes.iter();
    sentences
        .flat_map(|sentence| lines(&visible(sentence), SMALL_CHARACTERS))
        .collect()
}

fn size(schema: &Schema, graph: &Graph<'_>) -> (usize, usize) {
    let (left, right) = graph.columns();
    let (left_width, right_width) = widths(schema, graph);
    let title = graph.title(schema).chars().count() * (CHARACTER + 1) + 20;
    let notes = notes(graph);
    let longest = notes.iter().map(|line| line.chars().count()).max();
    let below = longest.map_or(0, |longest| longest * 13 / 2 + 20);
    let width = (left_width + GAP + right_width).max(title).max(below);
    let states = left.len().max(right.len());
    (width, HEAD + LINE * states + SMALL_LINE * notes.len() + 8)
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
    // Two arrows between the same states stand a little apart.
    let path = |arrow: &Arrow, beside: usize| {
        let (from, to) = (
            place(&lefts, arrow.left) + beside,
            place(&rights, arrow.right) + beside,
        );
        format!(
            "M {start} {from} C {} {from}, {} {to}, {end} {to}",
            start + GAP / 2,
            end - GAP / 2
        )
    };
    let (left, right) = (schema.system(graph.left), schema.system(graph.right));
    let bottom = HEAD + LINE * tallest + SMALL_LINE;
    html! {
        text class="title" x="10" y="20" { (visible(&graph.title(schema))) }
        text class="system" x=(left_width - 10) y=(HEAD - 10) text-anchor="end" { (visible(&left.name)) }
        text class="system" x=(end + 10) y=(HEAD - 10) { (visible(&right.name)) }
        @for edge in &graph.edges {
            g {
                title { (visible(&tooltip(schema, edge))) }
                @for (at, arrow) in edge.arrows().iter().enumerate() {
                    @let path = path(arrow, at * APART);
                    path class=(class(arrow)) d=(path)
                        marker-end=[arrow.there.then_some("url(#presync-arrow)")]
                        marker-start=[arrow.back.then_some("url(#presync-arrow)")] {}
                    path class="wide" d=(path) {}
                }
            }
        }
        @for arrow in labeled(graph) {
            @if let Some((x, anchor, y)) = beside(&arrow, (start, end), (place(&lefts, arrow.left), place(&rights, arrow.right)), graph) {
                text class="label" x=(x) y=(y) text-anchor=(anchor) { (visible(&arrow.label)) }
            }
        }
        @for state in &lefts {
            @let name = &schema.state(*state).name;
            text x=(left_width - 10) y=(place(&lefts, *state) + 5) text-anchor="end" { title { (visible(name)) } (shortened(name)) }
        }
        @for state in &rights {
            @let name = &schema.state(*state).name;
            text x=(end + 10) y=(place(&rights, *state) + 5) { title { (visible(name)) } (shortened(name)) }
        }
        @for (at, line) in notes(graph).iter().enumerate() {
            text class="small" x="10" y=(bottom + SMALL_LINE * at) { (line) }
        }
    }
}

/// The arrows whose conditions are short enough to stand beside them.
fn labeled(graph: &Graph<'_>) -> impl Iterator<Item = Arrow> {
    let arrows = graph.edges.iter().flat_map(Edge::arrows);
    arrows.filter(|arrow| !arrow.label.is_empty() && arrow.label.chars().count() <= LABEL)
}

/// Where the label of an arrow has room: at an end that no other edge has. Its place, and how the text is anchored there.
fn beside(
    arrow: &Arrow,
    (start, end): (usize, usize),
    (left, right): (usize, usize),
    graph: &Graph<'_>,
) -> Option<(usize, &'static str, usize)> {
    let edges = || graph.edges.iter();
    let alone_left = edges().filter(|other| other.left == arrow.left).count() == 1;
    let alone_right = edges().filter(|other| other.right == arrow.right).count() == 1;
    // On the side from which the arrow bends away.
    let at = |own: usize, other: usize| {
        if other < own {
            own + 14 + APART
        } else {
            own - 5
        }
    };
    if alone_left {
        Some((start + 12, "start", at(left, right)))
    } else if alone_right {
        Some((end - 12, "end", at(right, left)))
    } else {
        None
    }
}

/// `cic At Lunch sets lync Away when in_queue`, one line for each direction.
fn tooltip(schema: &Schema, edge: &Edge) -> String {
    let line = |from: StateId, to: StateId, kind: &EdgeKind| {
        let name = |state: StateId| {
            let system = &schema.system(state.system()).name;
            format!("{system} {}", schema.state(state).name)
        };
        let when = match kind {
            EdgeKind::Never => return None,
            EdgeKind::Always => "whenever a profile is active".to_owned(),
            EdgeKind::Sometimes(_) => kind.when().unwrap_or("in some situations").to_owned(),
        };
        Some(format!("{} sets {} {when}", name(from), name(to)))
    };
    let there = line(edge.left, edge.right, &edge.there);
    let back = line(edge.right, edge.left, &edge.back);
    there.into_iter().chain(back).collect::<Vec<_>>().join("\n")
}

fn class(arrow: &Arrow) -> String {
    let direction = match (arrow.there, arrow.back) {
        (true, true) => "both",
        (true, false) => "there",
        (false, _) => "back",
    };
    if arrow.is_sure {
        direction.to_owned()
    } else {
        format!("{direction} sometimes")
    }
}
