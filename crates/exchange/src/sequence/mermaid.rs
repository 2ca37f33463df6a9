//! A scenario for Mermaid, which wikis and code hosts render.

use crate::sequence::{Lane, SequenceItem, SequencePicture, items, lane_name, lanes};
use presync::{ScenarioRun, visible};
use presync_engine::Schema;

pub(super) const PICTURE: SequencePicture = SequencePicture {
    name: "mermaid",
    draw,
};

fn draw(schema: &Schema, run: &ScenarioRun) -> String {
    let items = items(schema, run);
    let id = |lane: Lane| match lane {
        Lane::Presync => "p".to_owned(),
        Lane::System(system) => format!("s{}", system.index()),
    };
    let mut text = format!("sequenceDiagram\n  title {}\n", plain(&run.name));
    for lane in lanes(&items) {
        let name = plain(lane_name(schema, lane));
        text.push_str(&format!("  participant {} as {name}\n", id(lane)));
    }
    for item in &items {
        text.push_str(&match item {
            SequenceItem::Message { from, to, text } => {
                format!("  {}->>{}: {}\n", id(*from), id(*to), plain(text))
            }
            SequenceItem::Note(text) => format!("  Note over p: {}\n", plain(text)),
        });
    }
    text
}

/// A text with all but plain characters as character codes.
fn plain(text: &str) -> String {
    let mut label = String::new();
    for char in visible(text).chars() {
        if char.is_alphanumeric() || " .,+\"()_".contains(char) {
            label.push(char);
        } else {
            label.push_str(&format!("#{};", u32::from(char)));
        }
    }
    label
}
