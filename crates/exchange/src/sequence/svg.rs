//! A scenario as a picture: a line for each system and one for Presync, arrows for what is reported and sent.

use maud::{Markup, PreEscaped, html};

use crate::sequence::{Lane, SequenceItem, SequencePicture, items, lane_name, lanes};
use crate::text::svg::{CHARACTER, arrow, lines, shortened};
use presync::{ScenarioRun, visible};
use presync_engine::Schema;

pub(super) const PICTURE: SequencePicture = SequencePicture {
    name: "svg",
    draw: |schema, run| drawing(schema, run).into_string() + "\n",
};

/// In pixels.
const LINE: usize = 18;
const STEP: usize = 34;
const HEAD: usize = 74;
const MARGIN: usize = 110;
/// The least distance of two lines.
const DISTANCE: usize = 260;
/// Longer texts are cut; a tooltip shows them whole.
const MAX_TEXT: usize = 60;
/// Characters in a line of a note.
const NOTE: usize = 34;

const STYLE: &str = "
.presync-sequence { font: 14px system-ui, sans-serif; color: #1b1f24; background: #ffffff; }
.presync-sequence text { fill: currentColor; text-anchor: middle; }
.presync-sequence .title { font-weight: 600; font-size: 15px; text-anchor: start; }
.presync-sequence .head { font-weight: 600; }
.presync-sequence path { fill: none; }
.presync-sequence .lane { stroke: #c9ced4; stroke-width: 1.5; }
.presync-sequence .report { stroke: #4a5058; stroke-width: 1.8; }
.presync-sequence .command { stroke: #1a5fb4; stroke-width: 1.8; }
.presync-sequence rect { fill: #fdf3d8; stroke: #d9c68c; }
.presync-sequence .note { font-size: 12.5px; }
@media (prefers-color-scheme: dark) {
.presync-sequence { color: #e6e8eb; background: #16191d; }
.presync-sequence .lane { stroke: #414850; }
.presync-sequence .report { stroke: #b9c0c8; }
.presync-sequence .command { stroke: #78aeed; }
.presync-sequence rect { fill: #3a3117; stroke: #6e5d2a; }
}
";

/// An item with its place.
struct Placed<'i> {
    top: usize,
    item: &'i SequenceItem,
    /// The lines of a note.
    note: Vec<String>,
}

/// The picture, to embed in a page or as a file.
pub fn drawing(schema: &Schema, run: &ScenarioRun) -> Markup {
    let items = items(schema, run);
    let lanes = lanes(&items);
    let distance = distance(&items);
    let mut height = HEAD;
    let placed: Vec<Placed<'_>> = items
        .iter()
        .map(|item| {
            let note = match item {
                SequenceItem::Note(text) => lines(&visible(text), NOTE),
                SequenceItem::Message { .. } => Vec::new(),
            };
            let top = height;
            height += if note.is_empty() {
                STEP
            } else {
                LINE * note.len() + 20
            };
            Placed { top, item, note }
        })
        .collect();
    height += 16;
    let x = |lane: Lane| {
        let at = lanes.iter().position(|other| *other == lane);
        MARGIN + at.unwrap_or(0) * distance
    };
    let width = MARGIN * 2 + distance * (lanes.len() - 1);
    let name = shortened(&run.name, width / (CHARACTER + 1));
    html! {
        svg class="presync-sequence" xmlns="http://www.w3.org/2000/svg" width=(width) height=(height)
            viewBox={ "0 0 " (width) " " (height) } role="img" {
            title { (visible(&run.name)) }
            style { (PreEscaped(STYLE)) }
            (arrow("presync-message"))
            text class="title" x="10" y="22" { title { (visible(&run.name)) } (name) }
            @for lane in &lanes {
                text class="head" x=(x(*lane)) y="52" { (visible(lane_name(schema, *lane))) }
                path class="lane" d={ "M " (x(*lane)) " 60 V " (height - 8) } {}
            }
            @for placed in &placed {
                @match placed.item {
                    SequenceItem::Message { from, to, text } => {
                        @let class = if *from == Lane::Presync { "command" } else { "report" };
                        @let middle = (x(*from) + x(*to)) / 2;
                        text x=(middle) y=(placed.top + 12) { title { (visible(text)) } (shortened(text, MAX_TEXT)) }
                        path class=(class) d={ "M " (x(*from)) " " (placed.top + 19) " H " (x(*to)) } marker-end="url(#presync-message)" {}
                    }
                    SequenceItem::Note(_) => {
                        @let longest = placed.note.iter().map(|line| line.chars().count()).max().unwrap_or(0);
                        @let wide = longest * CHARACTER + 16;
                        rect x=(x(Lane::Presync).saturating_sub(wide / 2)) y=(placed.top) width=(wide) height=(placed.note.len() * LINE + 8) rx="3" {}
                        @for (at, line) in placed.note.iter().enumerate() {
                            text class="note" x=(x(Lane::Presync)) y=(placed.top + 17 + at * LINE) { (line) }
                        }
                    }
                }
            }
        }
    }
}

/// The distance of two lines at which every text has room.
fn distance(items: &[SequenceItem]) -> usize {
    let texts = items.iter().filter_map(|item| match item {
        SequenceItem::Message { text, .. } => {
            Some(text.chars().count().min(MAX_TEXT) * CHARACTER + 30)
        }
        SequenceItem::Note(_) => None,
    });
    texts.max().unwrap_or(0).max(DISTANCE)
}
