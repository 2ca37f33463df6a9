//! A scenario as a sequence diagram. In: the steps of a scenario as they were run. Out: a picture of what the systems report
//! and what they are sent.

mod mermaid;
mod svg;

pub use svg::drawing;

use presync::{ScenarioRun, ScenarioStep, quote_text};
use presync_engine::{Schema, StateId, SystemId};

/// A picture format for scenarios.
pub struct SequencePicture {
    pub name: &'static str,
    pub draw: fn(&Schema, &ScenarioRun) -> String,
}

/// All formats with their own file.
pub const PICTURES: [SequencePicture; 2] = [svg::PICTURE, mermaid::PICTURE];

/// Who sends or receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    Presync,
    System(SystemId),
}

/// What a diagram shows, from top to bottom.
enum SequenceItem {
    Message {
        from: Lane,
        to: Lane,
        text: String,
    },
    /// At Presync.
    Note(String),
}

/// The items of a scenario.
fn items(schema: &Schema, run: &ScenarioRun) -> Vec<SequenceItem> {
    let steps = run.steps.iter();
    steps.flat_map(|step| of_step(schema, step)).collect()
}

fn of_step(schema: &Schema, step: &ScenarioStep) -> Vec<SequenceItem> {
    let mut items = Vec::new();
    let name = |state: StateId| schema.state(state).name.clone();
    if step.from.is_empty() {
        items.push(SequenceItem::Note(step.event.clone()));
    }
    for from in &step.from {
        let state = step.shown[from.index()];
        items.push(SequenceItem::Message {
            from: Lane::System(*from),
            to: Lane::Presync,
            text: match state {
                None => "unknown".to_owned(),
                Some(shown) if step.observes => format!("{} (observed)", name(shown.state)),
                Some(shown) => name(shown.state),
            },
        });
    }
    for sent in &step.sent {
        let texts = sent.texts.iter().map(|text| quote_text(text));
        let parts: Vec<String> = [name(sent.state)].into_iter().chain(texts).collect();
        items.push(SequenceItem::Message {
            from: Lane::Presync,
            to: Lane::System(sent.state.system()),
            text: parts.join(" + "),
        });
    }
    if let Some(note) = &step.note {
        items.push(SequenceItem::Note(note.clone()));
    }
    items
}

/// The lanes from left to right: Presync is the second.
fn lanes(items: &[SequenceItem]) -> Vec<Lane> {
    let mut systems: Vec<SystemId> = Vec::new();
    for item in items {
        if let SequenceItem::Message { from, to, .. } = item {
            for lane in [from, to] {
                if let Lane::System(system) = lane
                    && !systems.contains(system)
                {
                    systems.push(*system);
                }
            }
        }
    }
    systems.sort_unstable();
    let mut lanes: Vec<Lane> = systems.into_iter().map(Lane::System).collect();
    lanes.insert(lanes.len().min(1), Lane::Presync);
    lanes
}

fn lane_name(schema: &Schema, lane: Lane) -> &str {
    match lane {
        Lane::Presync => "Presync",
        Lane::System(system) => &schema.system(system).name,
    }
}
