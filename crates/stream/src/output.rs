//! The output of a block of events.

use serde::Serialize;

/// Output lines and counts.
#[derive(Debug, Default)]
pub struct BlockOutput {
    pub commands: Vec<u8>,
    pub rejects: Vec<u8>,
    pub trace: Vec<u8>,
    pub events: u64,
    pub sent: u64,
    pub rejected: u64,
}

impl BlockOutput {
    pub(crate) fn offsets(&self) -> Offsets {
        Offsets {
            commands: self.commands.len(),
            rejects: self.rejects.len(),
            trace: self.trace.len(),
        }
    }

    pub(crate) fn clear(&mut self) {
        let Self {
            commands,
            rejects,
            trace,
            events,
            sent,
            rejected,
        } = self;
        [commands, rejects, trace].into_iter().for_each(Vec::clear);
        [events, sent, rejected]
            .into_iter()
            .for_each(|count| *count = 0);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.commands.extend_from_slice(&other.commands);
        self.rejects.extend_from_slice(&other.rejects);
        self.trace.extend_from_slice(&other.trace);
        self.events += other.events;
        self.sent += other.sent;
        self.rejected += other.rejected;
    }
}

/// The lengths of the three outputs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Offsets {
    pub commands: usize,
    pub rejects: usize,
    pub trace: usize,
}

/// The end of the output of a line that produced some.
pub(crate) struct LineEnd {
    pub line: u32,
    pub offsets: Offsets,
}

pub(crate) fn write_json(out: &mut Vec<u8>, text: &str) {
    // Writing a string into memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

pub(crate) fn write_line(out: &mut Vec<u8>, line: &impl Serialize) {
    // Writing JSON of plain strings into memory cannot fail.
    let _ = serde_json::to_writer(&mut *out, line);
    out.push(b'\n');
}
